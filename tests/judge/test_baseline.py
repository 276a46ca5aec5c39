"""What is kept of a result: every estimate with its interval, and what tells its trials from others."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.judge.baseline import kept
from rnnconv_cli.records import (
    ArmPlan,
    BudgetPlan,
    CheckResult,
    ClaimResult,
    ControlResult,
    Decay,
    Environment,
    Estimate,
    Exponent,
    Finding,
    Frontier,
    Growth,
    IdentityError,
    KeptArm,
    KeptNumber,
    Observation,
    Predicted,
    Probability,
    Report,
    Timing,
    Verdict,
)

POINTS = (256.0, 512.0, 1024.0, 2048.0)
ENDS = (0.5, 0.4, 0.6)
SLOPE = Exponent(0.641, 0.6220000001, 0.66, 0.9983333333333333, POINTS, 12, (), ENDS, ENDS, 0.4, 0.0312345678)


def report(estimate: Estimate | None, observations: tuple[Observation, ...] = ()) -> Report:
    """A result of one check, with another estimate in its control."""
    predicted = Predicted("exponent", "upper", 0.5, "exponent", 0.0, 0.0, "m^0.5")
    control = Finding(Verdict.OUTSIDE, "", SLOPE, None, "")
    check = CheckResult(
        "a-check", "source", "statement", "quantity", "a number [1]", "width", "", "exponent", "theorem",
        Verdict.INCONCLUSIVE, Verdict.WITHIN, None, "", predicted, Finding(Verdict.WITHIN, "", estimate, None, ""),
        ControlResult("a change", "quantity", "", Verdict.OUTSIDE, control, True), (), None, observations, "",
    )  # fmt: skip
    claim = ClaimResult("a-claim", "", "", "", "0123456789abcdef" * 4, Verdict.WITHIN, Verdict.WITHIN, True, (check,))
    return Report("0.1.0", "quick", 7, "compiled", 0, (), (claim,), Environment(()), Timing(()))


def arm(estimate: Estimate | None, observations: tuple[Observation, ...] = ()) -> KeptArm:
    return kept(report(estimate, observations), (), "2026-01-02").checks[0].main


def test_the_run_is_named() -> None:
    found = kept(report(SLOPE), (("cpu", "znver4"),), "2026-01-02")
    assert (found.date, found.tool_version, found.profile, found.seed) == ("2026-01-02", "0.1.0", "quick", 7)
    assert (found.conditions, found.claims) == ((("cpu", "znver4"),), (("a-claim", "0123456789ab"),))
    (check,) = found.checks
    assert (check.claim, check.id, check.verdict) == ("a-claim", "a-check", Verdict.INCONCLUSIVE)
    assert (check.main.verdict, check.control.verdict) == (Verdict.WITHIN, Verdict.OUTSIDE)


def test_a_value_keeps_its_bits_and_an_end_what_matters_of_it() -> None:
    found = arm(SLOPE)
    assert (found.kind, found.points, found.level, found.count) == ("exponent", POINTS, 0.998333333, 12)
    assert found.numbers == (KeptNumber("exponent", 0.641, 0.622, 0.66, 0.031235),)


@pytest.mark.parametrize("level", [1e-320, 0.0, 1.0])
def test_a_level_that_makes_no_interval_is_not_kept(level: float) -> None:
    assert arm(replace(SLOPE, level=level)).level is None


def test_what_a_budget_left_out_is_kept() -> None:
    plans = [ArmPlan("a-claim", "a-check", name, "width", POINTS, 8, (), out) for name, out in (("main", 40), ("x", 3))]
    budgeted = replace(report(SLOPE), plan=BudgetPlan(10.0, 2, 1.5, tuple(plans)))
    (check,) = kept(budgeted, (), "2026-01-02").checks
    assert (check.main.left_out, check.control.left_out) == (40, 0)
    assert arm(SLOPE).left_out == 0


def test_ends_far_closer_than_the_value_is_large_stay_on_their_sides() -> None:
    value = 1 / 3
    (number,) = arm(replace(SLOPE, value=value, low=value - 1e-16, high=value + 1e-16)).numbers
    assert number.low is not None
    assert number.high is not None
    assert number.low <= value <= number.high


@pytest.mark.parametrize(
    ("estimate", "kind", "count", "holds", "names"),
    [
        (Growth(1e-4, -2e-4, 4e-4, 0.99, POINTS, 8, 0.5, (), 1e-4), "growth", 8, None, ["rate"]),
        (Probability(0.9, 0.8, 0.95, 0.99, 54, 60), "probability", 60, 54, ["probability"]),
        (IdentityError(0.35, 8.0, 24), "identity-error", 24, None, ["error"]),
        (
            Decay(0.01, -0.02, 0.04, 0.99, (7, 8, 9), 8, (41.0, 41.5, 42.0), 0.05, 0.04, 0.06, 0.01),
            "decay", 8, None, ["steps-growth", "rate"],
        ),
        (
            Frontier(1.5, 1.0, 2.0, 0.99, (2.0, 4.0), (64.0, 128.0), (50.0, 99.0), (80.0, 150.0), 8, (), 0.1),
            "frontier", 8, None, ["exponent", "m* at 2", "m* at 4"],
        ),
        (None, "", 0, None, []),
    ],
)  # fmt: skip
def test_every_kind(estimate: Estimate | None, kind: str, count: int, holds: int | None, names: list[str]) -> None:
    found = arm(estimate)
    assert (found.kind, found.count, found.holds) == (kind, count, holds)
    assert [number.name for number in found.numbers] == names
    assert [number.name for number in found.numbers if number.by_ratio] == [
        name for name in names if name.startswith("m*") or (name == "rate" and kind == "decay")
    ]


def test_what_is_out_of_reach_is_no_number() -> None:
    beyond = Frontier(None, None, None, 0.99, (2.0,), (math.inf,), (2048.0,), (math.inf,), 8, (), 0.0)
    assert arm(beyond).numbers == (KeptNumber("m* at 2", None, 2048.0, None, None, by_ratio=True),)


def test_trials_are_told_apart_and_their_order_is_not(synthetic: Any) -> None:
    rows: list[list[float]] = [[1.0, 2.0], [3.0, 4.0]]
    make: Callable[..., list[Observation]] = synthetic.observations
    first, turned = make([64, 128], rows), make([64, 128], rows)[::-1]
    more, other_arm = make([64, 128], [*rows, [5.0, 6.0]]), make([64, 128], rows, arm="control")
    assert [arm(SLOPE, tuple(each)).draws for each in (first, more, other_arm)] == [len(rows), len(rows) + 1, 0]
    digests = [arm(SLOPE, tuple(each)).trials for each in (first, turned, more, other_arm)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3
