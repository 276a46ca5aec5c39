"""One number of a check, then and now: how far apart, what round-off allows, and the p-value of no change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.records import KeptArm, KeptNumber
from rnnconv_cli.stats.change import Shift, drift_weights, leverage, p_value, shares_p_value, shift, step_weights
from rnnconv_cli.stats.student import Array, t_quantile

EVENT, EXTREME = "probability", "identity-error"
MOST_DRAWS = 10**6  # of one event: an exact test lists them all
MOST_LEVEL = 1 - 1e-8  # beyond, a quantile is all rounding
LARGEST = 1e100  # whose square is still a number


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What the same trials may differ by under other conditions."""

    relative: float  # of a measured value [1]
    units: float  # of a count, and of an error in rounding units


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one arm, with the seed that it was drawn by."""

    seed: int
    arm: KeptArm
    number: KeptNumber

    @property
    def value(self) -> float | None:
        """The number on the scale of its interval: the logarithm of a ratio; None where it is not known."""
        return self._scaled(self.number.value)

    @property
    def half_width(self) -> float | None:
        """The half-width of its interval on that scale, the wider side; None where an end is open."""
        ends = self.value, self._scaled(self.number.low), self._scaled(self.number.high)
        if any(end is None for end in ends):
            return None
        value, low, high = (end or 0.0 for end in ends)
        return max(value - low, high - value)

    @property
    def is_tested(self) -> bool:
        """Whether its interval says how far it may be by chance; a stranger's file may have any other."""
        arm = self.arm
        if arm.kind == EVENT:
            return arm.holds is not None and 0 <= arm.holds <= arm.count and 0 < arm.count <= MOST_DRAWS
        ends = abs(self.value or 0.0), self.half_width
        is_sized = all(end is not None and 0 <= end < LARGEST for end in ends)
        return is_sized and arm.level is not None and 0 < arm.level < MOST_LEVEL and arm.count > 1

    @property
    def error(self) -> float:
        """Its standard error: the half-width over the quantile of Student's t that made it."""
        return (self.half_width or 0.0) / t_quantile(self.arm.count - 1, self.arm.level or 0.0)

    def _scaled(self, value: float | None) -> float | None:
        if value is None or not self.number.by_ratio:
            return value
        return math.log(value) if value > 0 else None


def difference(then: Figure, now: Figure) -> float | None:
    """Now minus then; None where one is not known."""
    return None if then.value is None or now.value is None else now.value - then.value


def round_off(then: Figure, now: Figure, tolerance: Tolerance) -> float:
    """The largest difference that other conditions make of the same trials.

    A fitted slope follows the logarithms of what was measured, each of which may move by the relative tolerance; one
    draw of an event may fall on the other side of its bound.
    """
    if then.number.by_ratio:
        return tolerance.relative
    largest = max(abs(then.value or 0.0), abs(now.value or 0.0))
    match then.arm.kind:
        case "probability":
            return tolerance.units * (1 + tolerance.relative) / max(1, then.arm.count)
        case "identity-error":
            return max(tolerance.units, tolerance.relative * largest)
        case "exponent" | "growth" | "decay" if all(0 < point < LARGEST for point in then.arm.points):
            return tolerance.relative * max(largest, leverage(_columns(then.arm)))
    return tolerance.relative * max(1.0, largest)


def step_p(then: Figure, now: Figure, threshold: float) -> float:
    """The p-value [1] of "no change beyond the threshold" between two independent runs."""
    if then.arm.kind == EVENT:
        p = shares_p_value((then.arm.holds or 0, now.arm.holds or 0), (then.arm.count, now.arm.count))
        return p if abs(difference(then, now) or 0.0) > threshold else 1.0
    values, errors, degrees = _arrays((then, now))
    found = shift(values, errors, degrees, step_weights(degrees), alike=_are_alike((then, now)))
    return float(p_value(found, np.asarray(threshold)))


def drift(figures: Sequence[Figure], threshold: float) -> tuple[float, float]:
    """How far a number has gone over independent runs, oldest first, and the p-value [1] of "nowhere".

    An event's older half is compared with its newer one; one in the middle belongs to neither.
    """
    if figures[0].arm.kind == EVENT:
        half = len(figures) // 2
        (old, n_old), (new, n_new) = _together(figures[:half]), _together(figures[-half:])
        size = new / n_new - old / n_old
        return size, shares_p_value((old, new), (n_old, n_new)) if abs(size) > threshold else 1.0
    found = _trend(figures)
    return float(found.size), float(p_value(found, np.asarray(threshold)))


def _trend(figures: Sequence[Figure]) -> Shift:
    values, errors, degrees = _arrays(figures)
    return shift(values, errors, degrees, drift_weights(degrees), alike=_are_alike(figures))


def _arrays(figures: Sequence[Figure]) -> tuple[Array, Array, Array]:
    """Values, standard errors, degrees of freedom: (figures,) each."""
    values = np.array([each.value for each in figures], dtype=np.float64)
    errors = np.array([each.error for each in figures], dtype=np.float64)
    return values, errors, np.array([each.arm.count - 1 for each in figures], dtype=np.float64)


def _are_alike(figures: Sequence[Figure]) -> bool:
    """Whether the replicates of all have one scatter: they were fitted at the same points."""
    return len({each.arm.points for each in figures}) == 1


def _together(figures: Sequence[Figure]) -> tuple[int, int]:
    return sum(each.arm.holds or 0 for each in figures), sum(each.arm.count for each in figures)


def _columns(arm: KeptArm) -> Array:
    """The columns that an arm's curves were fitted by; the last one's coefficient is the number."""
    points = np.array(arm.points or (1.0,), dtype=np.float64)
    one = np.ones_like(points)
    match arm.kind:
        case "growth":
            return np.column_stack([one, np.log(points), points])
        case "decay":
            return np.column_stack([one, points])
    return np.column_stack([one, np.log(points)])
