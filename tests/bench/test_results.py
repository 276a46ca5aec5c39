from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import FASTER, LEVEL, SLOWER, BenchResult, CaseResult, Entry, Limits
from rnnconv_cli.records import Environment

CASE = Case("step", 64, 10, 10, 1, "float32")
OURS = Entry("rnnconv", (1.0, 2.0, 6.0))
FAST, SLOW = Entry("numpy", (4.0, 4.0, 4.0)), Entry("jax", (9.0, 8.0, 10.0))
WRONG = Entry("torch-rnn", problem="wrong: loss is off")


def test_median_and_spread_by_hand() -> None:
    assert OURS.median == 2.0
    assert OURS.spread == pytest.approx((4.0 - 1.5) / 2.0)


def test_what_was_not_timed_has_neither() -> None:
    assert (WRONG.median, WRONG.spread) == (None, None)
    assert Entry("numpy", (1.0,)).spread is None


def test_the_ratio_is_to_the_fastest_peer() -> None:
    result = CaseResult(CASE, Limits(1.0, 1.0, 0.5), (OURS, SLOW, FAST, WRONG))
    assert [entry.contestant for entry in result.peers] == ["numpy", "jax"]
    assert result.ratio == 2.0
    assert result.times_ours(SLOW) == 4.5
    assert result.of_floor(OURS) == 0.25


def test_a_peer_has_the_better_of_one_core_and_two() -> None:
    two = replace(CASE, cores=2)
    entries = (replace(OURS, cores=2), replace(SLOW, cores=2), Entry("torch-rnn", problem="died"))
    result = CaseResult(two, Limits(1.0, 1.0, 0.5), entries, on_one_core=(OURS, FAST, replace(SLOW, seconds=(5.0,))))
    assert [(entry.contestant, entry.cores) for entry in result.peers] == [("numpy", 1), ("jax", 1)]
    assert result.ratio == 2.0
    faster = replace(result, on_one_core=(replace(OURS, seconds=(0.1,)), replace(SLOW, seconds=(10.0,))))
    assert [(entry.contestant, entry.cores) for entry in faster.peers] == [("jax", 2)]
    assert faster.ours == entries[0]


@pytest.mark.parametrize(
    ("peer", "standing"),
    [((1.2, 1.2, 1.2), FASTER), ((1.05, 1.05, 1.05), LEVEL), ((0.95, 0.95, 0.95), LEVEL), ((0.8, 0.8, 0.8), SLOWER)],
)
def test_what_is_nearer_than_the_spread_is_level(peer: tuple[float, ...], standing: str) -> None:
    ours = Entry("rnnconv", (0.9, 1.0, 1.1))
    assert ours.spread == pytest.approx(0.1)
    assert CaseResult(CASE, None, (ours, Entry("numpy", peer))).standing == standing
    wide = Entry("numpy", tuple(peer[0] * factor for factor in (0.7, 1.0, 1.3)))
    assert CaseResult(CASE, None, (Entry("rnnconv", (1.0,) * 3), wide)).standing == LEVEL
    assert CaseResult(CASE, None, (ours,)).standing is None


@pytest.mark.parametrize(
    ("busy", "seconds", "is_loaded"),
    [((1.99, 1.98, 1.0), (1.0, 1.0, 1.1), False), ((1.9, 1.7, 1.7), (1.0,) * 3, True), ((2.0,) * 3, (1, 1.3, 1), True)],
)
def test_a_machine_is_loaded_where_its_product_does_not_keep_it_busy_or_spreads(
    busy: tuple[float, ...], seconds: tuple[float, ...], is_loaded: bool
) -> None:
    machine = (Entry("bandwidth", (1.0, 2.0, 3.0), (0.1,) * 3), Entry("peak", seconds, busy, cores=2))
    assert CaseResult(replace(CASE, cores=2), None, (OURS,), machine).is_loaded is is_loaded
    assert not CaseResult(CASE, None, (OURS,), (Entry("peak", problem="died"),)).is_loaded


def test_without_ours_there_is_no_ratio() -> None:
    result = CaseResult(CASE, None, (Entry("rnnconv", problem="died"), FAST))
    assert (result.ours, result.ratio, result.of_floor(FAST)) == (None, None, None)


def test_problems_name_contestant_and_case() -> None:
    found = CaseResult(CASE, None, (OURS, WRONG))
    result = BenchResult("0", "default", 0, Environment(()), (), (), (), (found,), (), ("no time was left for x",), 1.0)
    assert result.problems == (f"torch-rnn, {CASE.label}: wrong: loss is off", "no time was left for x")
