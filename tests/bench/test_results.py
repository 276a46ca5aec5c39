from __future__ import annotations

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult, CaseResult, Entry, Limits
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


def test_without_ours_there_is_no_ratio() -> None:
    result = CaseResult(CASE, None, (Entry("rnnconv", problem="died"), FAST))
    assert (result.ours, result.ratio, result.of_floor(FAST)) == (None, None, None)


def test_problems_name_contestant_and_case() -> None:
    found = CaseResult(CASE, None, (OURS, WRONG))
    result = BenchResult("0", "default", 0, Environment(()), (), (), (), (found,), (), ("no time was left for x",), 1.0)
    assert result.problems == (f"torch-rnn, {CASE.label}: wrong: loss is off", "no time was left for x")
