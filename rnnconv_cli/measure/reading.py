"""From a number to a reading: the statuses that a number alone can tell."""

from __future__ import annotations

import math

from rnnconv_cli.records import Reading, Status


def as_reading(value: float, *, floor: float = 0.0) -> Reading:
    """Return the number with its status: diverged if not finite, zero if 0, round-off if not above `floor`."""
    if not math.isfinite(value):
        return Reading(None, Status.DIVERGED)
    if value == 0:
        return Reading(0.0, Status.ZERO)
    return Reading(value, Status.OK if abs(value) > floor else Status.ROUND_OFF)
