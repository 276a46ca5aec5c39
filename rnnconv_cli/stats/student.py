"""Student's t over replicates: the one interval that stays honest when slopes differ between replicates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean with its interval, and the standard deviation of what it is the mean of."""

    value: float
    low: float
    high: float
    scatter: float


def t_quantile(degrees: int, level: float) -> float:
    """The factor t with P(|T| <= t) = level for Student's T [1]; infinite without a degree of freedom."""
    return float(scipy.special.stdtrit(degrees, 0.5 + level / 2)) if degrees > 0 else math.inf


def mean_interval(values: Array, level: float) -> MeanInterval:
    """mean +- t s / sqrt(R) over replicates (R,); NaN marks a replicate without a value. Infinitely wide for R = 1."""
    present = values[~np.isnan(values)]
    count = len(present)
    if count == 0:
        return MeanInterval(math.nan, -math.inf, math.inf, math.nan)
    mean = float(np.mean(present))
    if count == 1:
        return MeanInterval(mean, -math.inf, math.inf, math.nan)
    scatter = float(np.std(present, ddof=1))
    half = t_quantile(count - 1, level) * scatter / math.sqrt(count)
    return MeanInterval(mean, mean - half, mean + half, scatter)


def p_value(values: Array) -> float:
    """Two-sided p-value [1] of "the mean over replicates is zero"; NaN below two replicates."""
    present = values[~np.isnan(values)]
    if len(present) < 2:
        return math.nan
    mean, error = float(np.mean(present)), float(np.std(present, ddof=1)) / math.sqrt(len(present))
    if error == 0:
        return 1.0 if mean == 0 else 0.0
    return float(2 * scipy.special.stdtr(len(present) - 1, -abs(mean) / error))
