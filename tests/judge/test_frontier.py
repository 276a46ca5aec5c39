from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rnnconv_cli.judge.frontier import finding
from rnnconv_cli.records import Finding, Frontier, Observation, Status, Verdict
from rnnconv_cli.spec.claim import FrontierPrediction

if TYPE_CHECKING:
    from tests.conftest import Synthetic

POINTS = (2.0, 4.0, 8.0, 16.0)
WIDTHS = tuple(2**k for k in range(2, 13))


def _observations(
    synthetic: Synthetic, exponent: float, *, draws: int = 80, lost: Status | None = None
) -> list[Observation]:
    """Fitted (0) or not (2) at each width: half of the draws at m = 20 p^exponent."""
    rng = np.random.default_rng(1)
    found = []
    for width in WIDTHS:
        steepness = [(math.log(width) - math.log(20 * p**exponent)) / 0.3 for p in POINTS]
        share = 1 / (1 + np.exp(-np.array(steepness)))
        failures = rng.random((draws, len(POINTS))) > share
        rows = [[(lost or 2.0) if failed else 0.5 for failed in row] for row in failures]
        found += synthetic.observations(POINTS, rows, width=width)
    return found


def _judge(synthetic: Synthetic, observations: list[Observation], **declared: Any) -> Finding:
    arm = synthetic.arm("horizon", kind="frontier", bound=1.0, probability=0.5, **declared)
    assert isinstance(arm.prediction, FrontierPrediction)
    return finding(arm, arm.prediction, observations, level=0.95, seconds=1.0)[0]


@pytest.mark.parametrize(
    ("declared", "verdict", "words"),
    [
        (1.0, "within", "lies below 1 + 0.2"),
        (0.3, "outside", "lies above 0.3 + 0.2"),
        (0.8, "inconclusive", "straddles"),
    ],
)
def test_the_exponent_of_the_frontier_is_judged(
    declared: float, verdict: str, words: str, synthetic: Synthetic
) -> None:
    found = _judge(synthetic, _observations(synthetic, 1.0), exponent=declared, tolerance=0.2)
    assert found.verdict == verdict
    assert words in found.because
    assert len(found.because) <= 110
    assert isinstance(found.estimate, Frontier)
    assert found.slack == pytest.approx(declared - 1.0, abs=0.1)
    assert ("instead of 80 draws" in found.settle) is (verdict == "inconclusive")


def test_without_an_exponent_it_is_measured(synthetic: Synthetic) -> None:
    found = _judge(synthetic, _observations(synthetic, 1.0))
    assert (found.verdict, found.slack, found.settle) == (Verdict.MEASURED, None, "")
    assert found.because.startswith("exponent ")
    first, last = found.because.split("; m* = ")[1].split(" to ")  # all four would not fit in a line
    assert first.endswith("at L = 2")
    assert last.endswith("at L = 16")
    assert len(found.because) <= 110


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.NOT_REACHED])
def test_a_missed_target_fails_the_event(status: Status, synthetic: Synthetic) -> None:
    with_numbers = _judge(synthetic, _observations(synthetic, 1.0)).estimate
    with_statuses = _judge(synthetic, _observations(synthetic, 1.0, lost=status)).estimate
    assert with_numbers == with_statuses


def test_beyond_the_grid_of_widths_there_is_no_exponent(synthetic: Synthetic) -> None:
    found = _judge(synthetic, _observations(synthetic, 3.0), exponent=1.0)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "m* lies among the widths tried at too few of 4 points, 4 are wanted" in found.because


def test_without_draws_nothing_is_measured(synthetic: Synthetic) -> None:
    assert _judge(synthetic, []).because == "could not measure: no draws"
    lost = [
        each for width in WIDTHS for each in synthetic.observations(POINTS, [[Status.FAILED] * 4] * 40, width=width)
    ]
    assert _judge(synthetic, lost, exponent=1.0).verdict is Verdict.INCONCLUSIVE
