"""What a prediction allows: the side that an interval must lie on, with its declared excess, or that a draw must."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Inequality, Predicted, Status, Verdict
from rnnconv_cli.spec.claim import (
    Arm,
    AttainmentPrediction,
    DecayPrediction,
    EventPrediction,
    ExponentPrediction,
    FrontierPrediction,
    GrowthPrediction,
    IdentityPrediction,
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The closed range of values that a prediction allows."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a value is allowed."""
        return self.low <= value <= self.high

    def verdict(self, low: float, high: float) -> Verdict:
        """Within if the whole interval is allowed, outside if none of it is, else inconclusive."""
        if self.low <= low and high <= self.high:
            return Verdict.WITHIN
        return Verdict.OUTSIDE if high < self.low or low > self.high else Verdict.INCONCLUSIVE

    def border(self, value: float) -> float:
        """The end of the range that is closest to a value."""
        return min((self.low, self.high), key=lambda end: abs(end - value))


def earned(log_power: float, points: Sequence[float]) -> float:
    """What log^k p adds to an exponent on this grid: k Δ(log max(log p, 1)) / Δ(log p), end to end [1].

    Up to p = e the factor counts as 1: below it log^k p is not yet a growing factor, and log log p diverges at 1.
    """
    if log_power == 0 or len(points) < 2:
        return 0.0
    first, last = math.log(min(points)), math.log(max(points))
    return log_power * (math.log(max(last, 1.0)) - math.log(max(first, 1.0))) / (last - first)


def predict(arm: Arm, points: Sequence[float]) -> tuple[Predicted, Allowed]:
    """The prediction of an arm in the words of a result, and what it allows, on the points of a fit."""
    predicted = replace(_predicted(arm, points), reason=arm.prediction.reason)
    return predicted, allowed_by(predicted)


def allowed_by(predicted: Predicted) -> Allowed:
    """What a prediction allows of the judged number, its tolerance and what a log earns included."""
    number, excess = predicted.number, predicted.tolerance + predicted.earned
    if number is None:
        return Allowed(-math.inf, math.inf)
    low, high = number - excess, number + excess
    match predicted.kind, predicted.side:
        case "event", _:
            low, high = number, 1.0
        case (("identity" | "decay" | "frontier"), _):
            low = -math.inf
        case "growth", side:
            low, high = (-math.inf if side == "upper" else -number), (math.inf if side == "lower" else number)
        case _, "upper":
            low = -math.inf
        case _, "lower":
            high = math.inf
    return Allowed(low, high)


def holds(cell: Cell, wanted: EventPrediction | FrontierPrediction | Inequality) -> bool | None:
    """Whether the inequality holds at a draw; it fails where a draw diverged or missed its target. None if unknown."""
    if cell.status in AGAINST_THE_CLAIM:
        return False
    if cell.status in (Status.FAILED, Status.OUT_OF_REGIME):
        return None
    value = cell.value or 0.0  # zero, and round-off without a number
    return value <= wanted.bound if wanted.side == "upper" else value >= wanted.bound


def _predicted(arm: Arm, points: Sequence[float]) -> Predicted:
    at = symbol(arm.sweep.parameter)
    match arm.prediction:
        case ExponentPrediction() as claim:
            return _exponent(claim, at, earned(claim.log_power, points))
        case AttainmentPrediction(exponent=e, tolerance=tolerance):
            return Predicted("attainment", "both", e, "exponent", tolerance, 0.0, f"{at}^{e:.3g} ± {tolerance:.3g}")
        case GrowthPrediction(side=side, rate=rate):
            text = {"upper": f"r ≤ {rate:.3g}", "lower": f"r ≥ -{rate:.3g}", "both": f"|r| ≤ {rate:.3g}"}[side]
            return Predicted("growth", side, rate, "rate", 0.0, 0.0, text)
        case EventPrediction(side=side, bound=bound, probability=q):
            counted = Inequality(side, bound, q)
            return Predicted("event", side, q, "probability", 0.0, 0.0, f"P ≥ {q:g}", counted)
        case IdentityPrediction(rounding_units=k):
            return Predicted("identity", "upper", k, "rounding-units", 0.0, 0.0, f"≤ {k:g} ε size")
        case DecayPrediction(tolerance=tolerance):
            return Predicted("decay", "upper", 0.0, "rate", tolerance, 0.0, f"growth ≤ {tolerance:g}")
        case FrontierPrediction() as claim:
            return _frontier(claim, at)


def _exponent(claim: ExponentPrediction, at: str, gain: float) -> Predicted:
    upper = claim.side == "upper"
    text = f"{'≤' if upper else '≥'} {at}^{claim.exponent:.3g} ({'+' if upper else '-'}{gain + claim.tolerance:.2g})"
    return Predicted("exponent", claim.side, claim.exponent, "exponent", claim.tolerance, gain, text)


def _frontier(claim: FrontierPrediction, at: str) -> Predicted:
    counted = Inequality(claim.side, claim.bound, claim.probability)
    text = "measured only"
    if claim.exponent is not None:
        text = f"m* ≤ {at}^{claim.exponent:.3g} (+{claim.tolerance:.2g})"
    return Predicted("frontier", "upper", claim.exponent, "exponent", claim.tolerance, 0.0, text, counted)
