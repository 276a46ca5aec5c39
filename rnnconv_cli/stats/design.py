"""How sharp an interval will be, before anything is measured: half-widths in units of what nobody knows yet, the noise.

A design is a grid and a number of replicates. Only ratios of these numbers mean something: those of two designs for one
quantity, whose noise is the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rnnconv_cli.stats.student import t_quantile


def slope_information(positions: Sequence[float]) -> float:
    """What one replicate tells of a slope over these positions: sum (x - mean)^2 [squared position unit]."""
    found = np.asarray(positions, dtype=np.float64)
    return float(np.sum((found - np.mean(found)) ** 2))


def rate_information(points: Sequence[float]) -> float:
    """What one replicate tells of r in a + e log p + r p: the square sum of what 1 and log p leave of p."""
    found = np.asarray(points, dtype=np.float64)
    if len(found) < 3:
        return 0.0
    beside = np.column_stack([np.ones_like(found), np.log(found)])
    rest = found - beside @ np.linalg.lstsq(beside, found)[0]
    return float(np.sum(rest**2))


@lru_cache(maxsize=4096)  # a search for a plan asks for the same ones again and again
def by_student(replicates: int, level: float) -> float:
    """Half-width of a mean over replicates in units of their scatter: t / sqrt(R), infinite for one."""
    return t_quantile(replicates - 1, level) / math.sqrt(replicates)


def by_count(replicates: int) -> float:
    """Half-width in units of one replicate's error, where the factor of the interval stays the same: 1 / sqrt(R)."""
    return 1 / math.sqrt(replicates)
