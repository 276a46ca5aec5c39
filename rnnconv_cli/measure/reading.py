"""What measurements share: a forward pass that is finite, the numbers of a probe, units and status of a number."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.adversary.perturbation import State, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial


def as_reading(value: float, *, floor: float = 0.0) -> Reading:
    """Return the number with its status: diverged if not finite, zero if 0, round-off if not above `floor`."""
    if not math.isfinite(value):
        return Reading(None, Status.DIVERGED)
    if value == 0:
        return Reading(0.0, Status.ZERO)
    return Reading(value, Status.OK if abs(value) > floor else Status.ROUND_OFF)


def in_rounding_units(error: float, instance: Instance) -> Reading:
    """Return a relative error in units of eps L sqrt(m) [1], to which rounding adds up; diverged if not finite."""
    if not math.isfinite(error):
        return Reading(None, Status.DIVERGED)
    setting = instance.setting
    return Reading(error / (float(np.finfo(instance.W.dtype).eps) * setting.horizon * math.sqrt(setting.width)))


def finite_state(instance: Instance, trial: Trial, backend: Backend) -> State:
    """Return the forward pass. Raises OverflowedNetwork where it is not finite: NaN has no pattern, and no kink."""
    state = state_of(instance, backend)
    if not np.isfinite(state.hidden).all():
        raise OverflowedNetwork(trial.quantity, "the hidden states are not finite")
    return state


def probed(trial: Trial, name: str) -> float:
    """Return the number of this name in the trial's probe; the plan has refused quantities that lack theirs."""
    value = None if trial.probe is None else getattr(trial.probe, name)
    if value is None:
        raise MeasurementError(trial.quantity, f"needs {name} in the section probe")
    return float(value)


def probed_count(trial: Trial, name: str) -> int:
    """Return that number as a count, rounded. Raises MeasurementError below one: of nothing there is no share."""
    value = probed(trial, name)
    if round(value) < 1:
        raise MeasurementError(trial.quantity, f"found {name} = {value:g}, wanted at least 1 after rounding")
    return round(value)
