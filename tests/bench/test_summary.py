from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.bench.cases import Case, grid
from rnnconv_cli.bench.results import CaseResult, Entry, Limits
from rnnconv_cli.bench.summary import OF_INTEREST, doublings, standings

CASE = Case("step", 512, 10, 10, 1, "float32")


def _found(case: Case, ours: float, *peers: float, floor: float = 1.0) -> CaseResult:
    entries = [Entry("rnnconv", (ours,)), *(Entry(f"peer-{position}", (t,)) for position, t in enumerate(peers))]
    return CaseResult(case, Limits(1.0, 1.0, floor), tuple(entries))


def test_figures_of_three_cases_by_hand() -> None:
    slower = replace(CASE, width=1024)
    cases = (_found(CASE, 2.0, 9.0, 4.0), _found(slower, 4.0, 2.0), _found(replace(CASE, width=2048), 1.25))
    found = standings(cases)[0]
    assert (found.name, found.cases, found.level, found.slower) == ("all", 2, 0, 1)  # the last one has no peer
    assert found.ratio == pytest.approx(1.0)  # 2 and 1/2
    assert (found.worst_ratio, found.worst_case) == (0.5, slower)
    assert (found.least_of_floor, found.median_of_floor) == (0.25, 0.5)
    assert found.peer_of_floor == pytest.approx((1 / 4 * 1 / 2) ** 0.5)
    assert found.ratio_at_floor == pytest.approx((4 * 2) ** 0.5)


def test_what_is_within_the_spread_is_level() -> None:
    level = CaseResult(CASE, None, (Entry("rnnconv", (1.0, 1.2, 1.4)), Entry("numpy", (1.1, 1.1, 1.1))))
    found = standings((level, _found(CASE, 2.0, 1.0)))[0]
    assert (found.cases, found.level, found.slower) == (2, 1, 1)


def test_what_is_missing_is_none() -> None:
    found = standings((CaseResult(CASE, None, (Entry("rnnconv", (1.0,)),)),))[0]
    assert found.cases == 0
    assert (found.ratio, found.worst_case, found.least_of_floor, found.ratio_at_floor) == (None, None, None, None)
    assert standings(()) == ()


def test_groups_are_tasks_and_cores_and_the_steps_of_interest() -> None:
    cases = [_found(case, 1.0, 2.0) for case in grid("full", 2)]
    found = {each.name: each.cases for each in standings(cases)}
    assert found["all"] == len(cases)
    assert found["step, 2 cores"] == found["forward, 1 core"] == 7 * 3 * 2 * 2
    assert found["replicates, 2 cores"] == 2
    assert "replicates, 1 core" not in found
    assert found["step, n 10, m 128 to 512"] == 3 * 2 * 2 * 2
    assert found["step, n 1, m 512 or more"] == 4 * 2 * 2 * 2
    assert {f"step, {name}" for name in OF_INTEREST} < set(found)


def test_the_default_grid_has_the_steps_of_interest_too() -> None:
    found = {each.name for each in standings([_found(case, 1.0, 2.0) for case in grid("default", 2)])}
    assert {"step, n 10, m 1024 or more", "step, n 50, m 512 or more", "step, n 1, m 512 or more"} < found


def test_doublings_pair_sizes_that_have_both() -> None:
    sizes = {64: (1.0, 1.5), 128: (1.0, 2.0), 256: (2.0, 5.0)}
    cases = [_found(replace(CASE, width=1024), 1.0)]
    for width, (single, double) in sizes.items():
        case = replace(CASE, width=width)
        cases += [_found(case, single), _found(replace(case, dtype="float64"), double)]
    (found,) = doublings(cases)
    assert (found.task, found.cases, found.median, found.largest) == ("step", 3, 2.0, 2.5)
    assert found.largest_case == replace(CASE, width=256, dtype="float64")
