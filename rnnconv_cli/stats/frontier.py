"""Smallest width at which an event holds with probability q, and the power of p with which it grows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnconv_cli.records import Frontier, Price
from rnnconv_cli.stats.curves import local_slopes, slopes
from rnnconv_cli.stats.probability import probability as exact
from rnnconv_cli.stats.response import WINDOW, crossing, fitted_crossing, monotone_shares
from rnnconv_cli.stats.student import Array, MeanInterval, mean_interval

GROUPS = 8
LEAST_POINTS = 4  # for the exponent of a frontier
MARGIN = 1.5  # times what the curve's shape leaves open; 1 covers only 90% under skewed curves at q = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """log m* at one p: a pseudo-value for each group, their interval, and what the curve's shape leaves open."""

    groups: Array
    value: float
    low: float
    high: float
    resolution: float
    steepness: float  # log width for a factor e in the odds of the event
    error: float  # standard error by the fitted curve alone: smoother than the scatter of 8 groups
    censored: bool


def frontier(points: Array, widths: Array, holds: Array, probability: float, level: float) -> Frontier:
    """m*(p) and its exponent. holds (points, replicates, widths) is 1, 0 or NaN; widths (widths,) ascending.

    Replicates fall into 8 groups by index modulo 8. log m* is jackknifed over the groups: 8 pseudo-values
    8 theta - 7 theta_(without g), with Student's t over them, widened by what the shape of the curve leaves open. Where
    m* lies beyond the grid of widths, for all draws or without one group, its interval is what the exact intervals of
    the shares leave, open on a side where they leave everything, and the point takes no part in the exponent.
    """
    found = each_located(widths, holds, probability, level)
    fitted = np.array([not each.censored for each in found])
    power = _power(np.log(points[fitted]), [each for each in found if not each.censored], level)
    return Frontier(
        value=power.value if power else None,
        low=power.low if power else None,
        high=power.high if power else None,
        level=level,
        points=tuple(points.tolist()),
        widths=tuple(_exp(each.value) for each in found),
        widths_low=tuple(_exp(each.low) for each in found),
        widths_high=tuple(_exp(each.high) for each in found),
        groups=min(GROUPS, holds.shape[1]),
        local=local_slopes(np.log(points), np.array([[math.nan if each.censored else each.value for each in found]])),
        scatter=power.scatter if power else 0.0,
    )


def price(points: Array, ours: Sequence[Located], theirs: Sequence[Located], level: float) -> Price:
    """m* of one frontier over that of another at the same points (points,), and the geometric mean of the ratios.

    Replicate r has the same data in both, so that its group's pseudo-values are subtracted, with Student's t over the 8
    differences; what the shapes of both curves leave open is added. Where one m* is beyond its widths, so is the ratio,
    and where one has fewer groups, nothing can be subtracted: the ratio's interval is that of both ends.
    """
    found = [_difference(a, b, level) for a, b in zip(ours, theirs, strict=True)]
    known = [each for each in found if not each.censored]
    mean = mean_interval(np.mean([each.groups for each in known], axis=0), level) if known else None
    margin = MARGIN * float(np.mean([each.resolution for each in known])) if known else 0.0
    return Price(
        value=_exp(mean.value) if mean else None,
        low=_exp(mean.low - margin) if mean else None,
        high=_exp(mean.high + margin) if mean else None,
        level=level,
        points=tuple(points.tolist()),
        ratios=tuple(_exp(each.value) for each in found),
        ratios_low=tuple(_exp(each.low) for each in found),
        ratios_high=tuple(_exp(each.high) for each in found),
    )


def _difference(ours: Located, theirs: Located, level: float) -> Located:
    """log m* of one frontier minus that of another, at one point."""
    resolution = math.hypot(ours.resolution, theirs.resolution)
    censored = ours.censored or theirs.censored or len(ours.groups) != len(theirs.groups)
    groups = np.full(1, math.nan) if censored else ours.groups - theirs.groups
    if censored:
        value, low, high = ours.value - theirs.value, ours.low - theirs.high, ours.high - theirs.low
    else:
        fit = mean_interval(groups, level)
        value, low, high = fit.value, fit.low - MARGIN * resolution, fit.high + MARGIN * resolution
    return Located(groups, value, low, high, resolution, math.nan, math.nan, censored)


def each_located(widths: Array, holds: Array, probability: float, level: float) -> list[Located]:
    """log m* at every point; holds (points, replicates, widths) is 1, 0 or NaN; widths (widths,) ascending."""
    return [located(np.log(widths), at_point, probability, level) for at_point in holds]


def located(positions: Array, holds: Array, probability: float, level: float) -> Located:
    """log m* at one point; holds (replicates, widths) at log widths (widths,), NaN where there is no answer."""
    group = np.arange(len(holds)) % GROUPS
    count = min(GROUPS, len(holds))
    held = np.array([np.nansum(holds[group == g], axis=0) for g in range(count)])
    tried = np.array([np.sum(~np.isnan(holds[group == g]), axis=0) for g in range(count)], dtype=np.float64)
    too_narrow, wide_enough = excluded(positions, held.sum(axis=0), tried.sum(axis=0), probability, level)
    used = _well_drawn(held.sum(axis=0), tried.sum(axis=0), probability)
    positions, held, tried = positions[used], held[:, used], tried[:, used]
    if len(positions) < WINDOW:
        return Located(np.full(count, math.nan), math.nan, too_narrow, wide_enough, 0.0, math.inf, math.inf, True)
    whole = crossing(positions, held.sum(axis=0), tried.sum(axis=0), probability)
    at = whole.window
    without = fitted_crossing(
        positions[at], held.sum(axis=0)[at] - held[:, at], tried.sum(axis=0)[at] - tried[:, at], probability
    )
    pseudo = count * whole.value - (count - 1) * without
    fit = mean_interval(pseudo, level)
    censored = whole.censored != 0 or not bool(np.all((without >= positions[0]) & (without <= positions[-1])))
    return Located(
        groups=pseudo,
        value=(-math.inf, whole.value if censored else fit.value, math.inf)[1 + whole.censored],
        low=too_narrow if censored else fit.low - MARGIN * whole.resolution,
        high=wide_enough if censored else fit.high + MARGIN * whole.resolution,
        resolution=whole.resolution,
        steepness=whole.steepness,
        error=whole.error,
        censored=censored,
    )


def _well_drawn(held: Array, tried: Array, probability: float) -> NDArray[np.bool_]:
    """The widths that a curve is fitted to: drawn half as often as any, if these lie on both sides of m*; else all.

    A search leaves widths of few draws behind, whose shares say little and would stand in the way of those of many.
    """
    well = (tried > 0) & (2 * tried >= np.max(tried))
    if np.sum(well) >= WINDOW:
        shares = monotone_shares(held[well], tried[well])
        if shares[0] < probability <= shares[-1]:
            return well
    return np.asarray(tried > 0)


def _power(positions: Array, found: list[Located], level: float) -> MeanInterval | None:
    """The exponent of m*(p): slope of every group's pseudo-values on log p, Student's t over the groups.

    What the shape of the curve leaves open at each point is independent of the groups: it is added, in quadrature over
    the points, to the half-width.
    """
    if len(found) < LEAST_POINTS:
        return None
    fit = mean_interval(slopes(positions, np.array([each.groups for each in found]).T), level)
    offset = positions - np.mean(positions)
    weights = offset / np.sum(offset**2)
    open_ = float(np.sqrt(np.sum((weights * [each.resolution for each in found]) ** 2)))
    return MeanInterval(fit.value, fit.low - open_, fit.high + open_, fit.scatter)


def excluded(positions: Array, held: Array, tried: Array, probability: float, level: float) -> tuple[float, float]:
    """The widest width that is too narrow and the narrowest that is wide enough, by exact intervals of their shares.

    Widths are tested in order from the end, up to the first that cannot be excluded: m* being a border, an error there
    is the only one there can be, and the level needs no correction. Widths with too few draws to tell are passed over.
    """
    ends = [
        (position, int(k), int(n))
        for position, k, n in zip(positions.tolist(), held.tolist(), tried.tolist(), strict=True)
    ]
    too_narrow, wide_enough = -math.inf, math.inf
    for position, k, n in ends:
        if n > 0 and exact(0, n, level).high < probability:
            if exact(k, n, level).high >= probability:
                break
            too_narrow = position
    for position, k, n in reversed(ends):
        if n > 0 and exact(n, n, level).low >= probability:
            if exact(k, n, level).low < probability:
                break
            wide_enough = position
    return too_narrow, wide_enough


def _exp(logarithm: float) -> float:
    return math.inf if logarithm > 700 else math.exp(logarithm)
