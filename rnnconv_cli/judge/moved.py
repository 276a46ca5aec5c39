"""One number of a check, then and now: how far apart, what round-off allows, and the p-value of no change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.records import LEAST_KEPT_LEVEL, MOST_DRAWS, KeptArm, KeptNumber
from rnnconv_cli.stats.change import Shift, drift_weights, leverage, p_value, shares_p_value, shift, step_weights
from rnnconv_cli.stats.student import Array, t_quantile

EVENT, EXTREME = "probability", "identity-error"
MOST_LEVEL = 1 - 1e-8  # beyond, a quantile is all rounding
LARGEST = 1e100  # whose square is still a number
END_STEPS = 4  # times as far as its count, at most, an end of an exact interval goes
WRITTEN = 1e-4  # of a half-width: what a kept end is rounded to


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
    def has_quantile(self) -> bool:
        """Whether the quantile that made its interval is known, and is a number to divide by."""
        level = self.arm.level
        return level is not None and LEAST_KEPT_LEVEL <= level < MOST_LEVEL and self.arm.count > 1

    @property
    def is_tested(self) -> bool:
        """Whether its interval says how far it may be by chance; a stranger's file may have any other."""
        arm = self.arm
        if arm.kind == EVENT:
            return arm.holds is not None and 0 <= arm.holds <= arm.count and 0 < arm.count <= MOST_DRAWS
        ends = abs(self.value or 0.0), self.half_width
        return self.has_quantile and all(end is not None and 0 <= end < LARGEST for end in ends)

    @property
    def error(self) -> float:
        """Its standard error: the half-width over the quantile of Student's t that made it."""
        return (self.half_width or 0.0) / self.quantile

    @property
    def quantile(self) -> float:
        """Student's, that its interval was made by. Only of a figure that has one."""
        return t_quantile(self.arm.count - 1, self.arm.level or 0.0)

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The ends of its interval on the scale of its value; None where open, or unknown."""
        return self._scaled(self.number.low), self._scaled(self.number.high)

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


def has_same_interval(then: Figure, now: Figure, allowed: float) -> bool:
    """Whether both ends of the same trials' interval are where they were, as far as the value may have moved.

    A mean's end goes as far as the mean and its standard error do, a jackknife's up to the root of its groups further.
    """
    spread = then.quantile * math.sqrt(then.arm.count) if then.has_quantile and then.arm.kind != EVENT else END_STEPS
    rounded = WRITTEN * max(then.half_width or 0.0, now.half_width or 0.0)
    further = allowed * (1 + spread) + rounded if allowed else 0.0
    raw_then, raw_now = (then.number.low, then.number.high), (now.number.low, now.number.high)
    return all(
        raw == raw_after or (end is not None and after is not None and abs(after - end) <= further)
        for raw, raw_after, end, after in zip(raw_then, raw_now, then.ends, now.ends, strict=True)
    )


def step_p(then: Figure, now: Figure, threshold: float) -> float:
    """The p-value [1] of "no change beyond the threshold" between two independent runs."""
    if then.arm.kind == EVENT:
        return shares_p_value((then.arm.holds or 0, now.arm.holds or 0), (then.arm.count, now.arm.count), threshold)
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
        return size, shares_p_value((old, new), (n_old, n_new), threshold)
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
    """Whether their scatter is pooled: as many draws of all, fitted at the same points."""
    known = {each.arm.draws for each in figures if each.arm.draws}
    return len(known) <= 1 and len({(each.arm.points, each.arm.count) for each in figures}) == 1


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
