"""Trials of a checked result are chosen at random, measured again, and compared wherever the result has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.errors import ResourceError
from rnnconv_cli.evidence import rerun
from rnnconv_cli.evidence.rerun import chosen, distinct_trials, measured_again
from rnnconv_cli.records import Report
from rnnconv_cli.report.reading.stored_report import read_report
from tests.evidence.test_check import Silent


@pytest.fixture
def report(measured: Path) -> Report:
    return read_report((measured / "result.json").read_text(), "result.json")


def again(report: Report, count: int, seed: int = 1) -> Iterator[rerun.Rerun]:
    return measured_again(report, chosen(distinct_trials(report), count, seed), "b.zip", Silent())


def test_a_choice_is_that_of_its_seed(report: Report) -> None:
    every = distinct_trials(report)
    assert chosen(every, 5, 1) == chosen(every, 5, 1) != chosen(every, 5, 2)
    assert len(set(chosen(every, 5, 1))) == 5
    assert set(chosen(every, 10**6, 1)) == set(every)


def test_trials_give_the_same_bits(report: Report) -> None:
    found = tuple(again(report, 20))
    assert len(found) == 20
    assert {each.exit_status for each in found} == {0}
    assert all(replay.is_same and not replay.changes for each in found for replay in each.replays)


def test_a_value_that_was_made_up_is_caught(result: dict[str, Any]) -> None:
    """In one of the places that have the trial; the others still have what was measured."""
    check = result["claims"][0]["checks"][1]
    rows = check["observations"]
    rows[3]["value"] *= 1.001
    report = read_report(json.dumps(result), "r.json")
    trial = report.claims[0].checks[1].observations[3].trial
    (found,) = measured_again(report, (trial,), "b.zip", Silent())
    assert found.exit_status == 3
    assert found.places == ("made-up/norm, main", "made-up/growing-norm, main", "made-up/growing-norm, control")
    assert [replay.is_same for replay in found.replays] == [False, True, True]


def test_a_loss_curve_that_was_made_up_is_caught(result: dict[str, Any]) -> None:
    check = result["claims"][0]["checks"][0]
    check["curves"][0]["values"][1] *= 1.5
    report = read_report(json.dumps(result), "r.json")
    key, rows = check["curves"][0]["trial"], report.claims[0].checks[0].observations
    (trial,) = {each.trial for each in rows if each.key == key}
    (found,) = measured_again(report, (trial,), "b.zip", Silent())
    assert found.exit_status == 3
    assert not found.is_confirmed
    assert [replay.has_same_curve for replay in found.replays].count(False) == 1


def test_a_trial_that_had_failed_and_can_be_measured_differs(result: dict[str, Any]) -> None:
    rows = result["claims"][0]["checks"][1]["observations"]
    rows[3].update(value=None, status="failed", detail="MemoryError")
    report = read_report(json.dumps(result), "r.json")
    (found,) = measured_again(report, (report.claims[0].checks[1].observations[3].trial,), "b.zip", Silent())
    assert (found.exit_status, found.is_confirmed) == (3, False)


def test_a_run_that_is_read_at_several_points_is_compared_at_each(report: Report) -> None:
    trial = report.claims[0].checks[0].observations[0].trial
    (found,) = measured_again(report, (trial,), "b.zip", Silent())
    assert [len(replay.compared) for replay in found.replays][:1] == [5]
    assert found.exit_status == 0


def test_a_trial_that_needs_more_memory_could_not_be_measured(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ResourceError("a trial", 2**40, 2**30)

    monkeypatch.setattr(rerun, "measure_again", refuse)
    (found,) = again(report, 1)
    assert found.exit_status == 5
    assert "1024.00 GiB" in found.problem
