"""Smallest width at which an event holds with probability q, and the power of p with which it grows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.records import Frontier
from rnnconv_cli.stats.curves import local_slopes, slopes
from rnnconv_cli.stats.response import WINDOW, crossing, fitted_crossing
from rnnconv_cli.stats.student import Array, MeanInterval, mean_interval

GROUPS = 8
LEAST_POINTS = 4  # for the exponent of a frontier
MARGIN = 1.5  # times what the curve's shape leaves open; 1 covers only 90% under skewed curves at q = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Point:
    """log m* at one p: a pseudo-value for each group, their interval, and what the curve's shape leaves open."""

    groups: Array
    value: float
    low: float
    high: float
    resolution: float
    censored: bool


def frontier(points: Array, widths: Array, holds: Array, probability: float, level: float) -> Frontier:
    """m*(p) and its exponent. holds (points, replicates, widths) is 1, 0 or NaN; widths (widths,) ascending.

    Replicates fall into 8 groups by index modulo 8. log m* is jackknifed over the groups: 8 pseudo-values
    8 theta - 7 theta_(without g), with Student's t over them, widened by what the shape of the curve leaves open. Where
    m* lies beyond the grid of widths, for all draws or without one group, the interval is open on that side, and the
    point takes no part in the exponent.
    """
    found = [_point(np.log(widths), at_point, probability, level) for at_point in holds]
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


def _power(positions: Array, found: list[_Point], level: float) -> MeanInterval | None:
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


def _point(positions: Array, holds: Array, probability: float, level: float) -> _Point:
    """The frontier at one point; holds (replicates, widths)."""
    group = np.arange(len(holds)) % GROUPS
    count = min(GROUPS, len(holds))
    held = np.array([np.nansum(holds[group == g], axis=0) for g in range(count)])
    tried = np.array([np.sum(~np.isnan(holds[group == g]), axis=0) for g in range(count)], dtype=np.float64)
    drawn = tried.sum(axis=0) > 0
    positions, held, tried = positions[drawn], held[:, drawn], tried[:, drawn]
    if len(positions) < WINDOW:
        return _Point(np.full(count, math.nan), math.nan, -math.inf, math.inf, 0.0, True)
    whole = crossing(positions, held.sum(axis=0), tried.sum(axis=0), probability)
    at = whole.window
    without = fitted_crossing(
        positions[at], held.sum(axis=0)[at] - held[:, at], tried.sum(axis=0)[at] - tried[:, at], probability
    )
    pseudo = count * whole.value - (count - 1) * without
    fit = mean_interval(pseudo, level) if np.isfinite(pseudo).all() else mean_interval(pseudo[:0], level)
    below = whole.censored < 0 or not bool(np.all(without >= positions[0]))
    above = whole.censored > 0 or not bool(np.all(without <= positions[-1]))
    return _Point(
        groups=pseudo,
        value=(-math.inf, fit.value, math.inf)[1 + whole.censored],
        low=-math.inf if below else min(fit.low - MARGIN * whole.resolution, positions[-1]),
        high=math.inf if above else max(fit.high + MARGIN * whole.resolution, positions[0]),
        resolution=whole.resolution,
        censored=below or above,
    )


def _exp(logarithm: float) -> float:
    return math.inf if logarithm > 700 else math.exp(logarithm)
