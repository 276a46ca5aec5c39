"""Share of draws in which an event holds, with the exact interval of Clopper and Pearson."""

from __future__ import annotations

import scipy

from rnnconv_cli.records import Probability


def probability(holds: int, trials: int, level: float) -> Probability:
    """The probability of an event that held in `holds` of `trials` draws [1], level and ends two-sided.

    low and high invert the binomial tails at (1 - level)/2 each, as quantiles of beta(k, n - k + 1) and
    beta(k + 1, n - k): conservative by construction, and never empty at k = 0 or k = n. Without trials: [0, 1].
    """
    tail = (1 - level) / 2
    low = float(scipy.special.betaincinv(holds, trials - holds + 1, tail)) if holds > 0 else 0.0
    high = float(scipy.special.betaincinv(holds + 1, trials - holds, 1 - tail)) if holds < trials else 1.0
    return Probability(holds / trials if trials else 0.5, low, high, level, holds, trials)
