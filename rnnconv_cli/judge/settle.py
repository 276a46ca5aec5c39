"""What would settle an inconclusive finding, and at what price.

`seconds` are the predicted core-seconds of the draws that were made, on no machine in particular.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from rnnconv_cli.judge.allowed import Allowed
from rnnconv_cli.judge.words import core_time
from rnnconv_cli.records import Verdict
from rnnconv_cli.stats.probability import probability
from rnnconv_cli.stats.student import t_quantile

MOST_REPLICATES = 100_000  # what a claim file may ask for
MORE_POINTS = "more points at the large end of the grid"


def by_replicates(
    value: float, scatter: float, replicates: int, level: float, allowed: Allowed, *, seconds: float
) -> str:
    """The draws at which t s / sqrt(R) shrinks below the distance of the estimate to the border of what is allowed."""
    if math.isnan(scatter):
        return "at least 2 draws, which an interval is made from"
    return _by_half_width(
        lambda count: t_quantile(count - 1, level) * scatter / math.sqrt(count), value, replicates, allowed, seconds
    )


def by_scaling(value: float, half_width: float, replicates: int, allowed: Allowed, *, seconds: float) -> str:
    """The draws at which a half-width that falls as 1/sqrt(R) does, where the degrees of freedom stay the same."""
    return _by_half_width(lambda count: half_width * math.sqrt(replicates / count), value, replicates, allowed, seconds)


def by_draws(holds: int, trials: int, level: float, allowed: Allowed, *, seconds: float) -> str:
    """The draws after which the exact interval of the observed share would decide."""
    share = holds / trials if trials else 0.0

    def decides(count: int) -> bool:
        found = probability(math.floor(share * count), count, level)
        return allowed.verdict(found.low, found.high) is not Verdict.INCONCLUSIVE

    needed = _least(decides, trials + 1) if share != allowed.low else None
    if needed is None:
        return "the observed share sits on the border, where no number of draws decides: another bound or probability"
    side = Verdict.WITHIN if share > allowed.low else Verdict.OUTSIDE
    return _price(needed, trials, seconds, f"decide for {side} if the observed share holds")


def _by_half_width(
    half_width: Callable[[int], float], value: float, replicates: int, allowed: Allowed, seconds: float
) -> str:
    distance = abs(allowed.border(value) - value)
    needed = _least(lambda count: half_width(count) <= distance, replicates + 1) if distance > 0 else None
    if needed is None:
        return f"the estimate sits on the border, where no number of draws decides: {MORE_POINTS}"
    side = Verdict.WITHIN if allowed.holds(value) else Verdict.OUTSIDE
    return _price(needed, replicates, seconds, f"decide for {side} if the estimate holds")


def _least(decides: Callable[[int], bool], start: int) -> int | None:
    """The least count that decides, for a condition that stays true once it is."""
    low, high = start - 1, start
    while not decides(high):
        low, high = high, 2 * high
        if low > MOST_REPLICATES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def _price(needed: int, replicates: int, seconds: float, effect: str) -> str:
    price = "none so far"
    if replicates:
        times = needed / replicates
        price = f"{times:.1f}x the trials, about {core_time((times - 1) * seconds)} more"
    return f"{needed} instead of {replicates} draws ({price}) would {effect}"
