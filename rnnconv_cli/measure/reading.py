"""From a trial's probe to a number, and from a number to a reading: the statuses that a number alone can tell."""

from __future__ import annotations

import math

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.records import Reading, Status, Trial


def as_reading(value: float, *, floor: float = 0.0) -> Reading:
    """Return the number with its status: diverged if not finite, zero if 0, round-off if not above `floor`."""
    if not math.isfinite(value):
        return Reading(None, Status.DIVERGED)
    if value == 0:
        return Reading(0.0, Status.ZERO)
    return Reading(value, Status.OK if abs(value) > floor else Status.ROUND_OFF)


def probed(trial: Trial, name: str) -> float:
    """Return the number of this name in the trial's probe; the plan has refused quantities that lack theirs."""
    value = None if trial.probe is None else getattr(trial.probe, name)
    if value is None:
        raise MeasurementError(trial.quantity, f"needs {name} in the section probe")
    return float(value)
