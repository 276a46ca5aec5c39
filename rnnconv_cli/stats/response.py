"""Dose-response: the width at which the probability of an event reaches q, from shares at a few widths.

Firth's logistic curve (penalised by Jeffreys' prior, so that it is finite also where no draw contradicts a jump)
through the four widths next to the crossing, so that a curve of another shape does little harm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from rnnconv_cli.stats.student import Array

WINDOW = 4  # widths next to the crossing that the curve is fitted to: two on either side where the grid has them
NEWTON_STEPS = 100
LONGEST_STEP = 2.0  # in the logit: keeps Newton's method from overshooting on the flat ends of the curve
SETTLED = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """Where a response crosses q, in log width; `censored` is -1 below the grid, +1 above it, else 0."""

    value: float
    window: slice  # the widths that the curve is fitted to
    resolution: float  # what the shape of the curve leaves open, in log width
    steepness: float  # log width for a factor e in the odds; infinite where the curve does not rise
    error: float  # standard error of the value by the curve alone, in log width
    censored: int


def crossing(positions: Array, holds: Array, trials: Array, probability: float) -> Crossing:
    """The crossing of `holds` in `trials` draws at log widths `positions`, each (widths,), ascending.

    `resolution` is the distance to the crossing of the monotone shares joined by straight lines, and at least half the
    gap between the widths on either side where the draws do not contradict a jump there.
    """
    shares = monotone_shares(holds, trials)
    first = int(np.searchsorted(shares, probability))  # the first width with a share of at least q
    window = _window(first, len(positions))
    level, slope = _curves(positions[window], holds[None, window], trials[None, window])
    value = float(_reaching(positions[window], level, slope, probability)[0])
    steepness = 1 / float(slope[0]) if slope[0] > 0 else math.inf
    error = _error(positions[window], trials[window], float(level[0]), float(slope[0]), value)
    if first == 0 or first == len(positions):
        return Crossing(value, window, 0.0, steepness, error, -1 if first == 0 else 1)
    before, after = positions[first - 1], positions[first]
    joined = before + (after - before) * (probability - shares[first - 1]) / (shares[first] - shares[first - 1])
    resolution = abs(value - float(joined))
    if np.sum((holds[window] > 0) & (holds[window] < trials[window])) < 2:
        resolution = max(resolution, abs(value - before), abs(value - after))
    return Crossing(value, window, resolution, steepness, error, 0)


def monotone_shares(holds: Array, trials: Array) -> Array:
    """The non-decreasing shares (widths,) closest to holds / trials, weighted by trials (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []
    for held, tried in zip(holds.tolist(), trials.tolist(), strict=True):
        blocks.append((held, tried, 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            after, before = blocks.pop(), blocks.pop()
            blocks.append((before[0] + after[0], before[1] + after[1], before[2] + after[2]))
    return np.concatenate([np.full(widths, held / tried) for held, tried, widths in blocks])


def fitted_crossing(positions: Array, holds: Array, trials: Array, probability: float) -> Array:
    """Where Firth's logistic curves reach q, (curves,); holds and trials (curves, widths). NaN for a falling curve."""
    return _reaching(positions, *_curves(positions, holds, trials), probability)


def _reaching(positions: Array, level: Array, slope: Array, probability: float) -> Array:
    rising = slope > 0
    return np.where(
        rising, np.mean(positions) + (scipy.special.logit(probability) - level) / np.where(rising, slope, 1), np.nan
    )


def _curves(positions: Array, holds: Array, trials: Array) -> tuple[Array, Array]:
    """Logit at the mean position, and its slope per log width, of Firth's logistic curves, each (curves,).

    Newton's method on the score X^T(k - n p + h (1/2 - p)) with h the diagonal of the hat matrix (Firth, 1993).
    """
    offset = positions - np.mean(positions)
    level = np.zeros(len(holds))
    slope = np.full(len(holds), 2 / np.ptp(offset))
    for _ in range(NEWTON_STEPS):
        p = scipy.special.expit(level[:, None] + slope[:, None] * offset)
        weight = trials * p * (1 - p)
        s0, s1, s2 = weight.sum(1), (weight * offset).sum(1), (weight * offset**2).sum(1)
        determinant = s0 * s2 - s1**2
        leverage = weight * (s2[:, None] - 2 * s1[:, None] * offset + s0[:, None] * offset**2) / determinant[:, None]
        score = holds - trials * p + leverage * (0.5 - p)
        g0, g1 = score.sum(1), (score * offset).sum(1)
        to_level, to_slope = (s2 * g0 - s1 * g1) / determinant, (s0 * g1 - s1 * g0) / determinant
        longest = np.maximum(np.abs(to_level), np.abs(to_slope) * np.max(np.abs(offset)))
        shorter = np.minimum(1, LONGEST_STEP / np.maximum(longest, LONGEST_STEP))
        level, slope = level + shorter * to_level, slope + shorter * to_slope
        if np.max(longest) < SETTLED:
            break
    return level, slope


def _error(positions: Array, trials: Array, level: float, slope: float, value: float) -> float:
    """Standard error of the crossing of one curve, from its Fisher information (the delta method); infinite without."""
    if not slope > 0:
        return math.inf
    offset, at = positions - np.mean(positions), value - float(np.mean(positions))
    p = scipy.special.expit(level + slope * offset)
    weight = trials * p * (1 - p)
    s0, s1, s2 = weight.sum(), (weight * offset).sum(), (weight * offset**2).sum()
    return math.sqrt((s2 - 2 * at * s1 + at**2 * s0) / (s0 * s2 - s1**2)) / slope


def _window(first: int, count: int) -> slice:
    start = min(max(first - WINDOW // 2, 0), max(count - WINDOW, 0))
    return slice(start, min(start + WINDOW, count))
