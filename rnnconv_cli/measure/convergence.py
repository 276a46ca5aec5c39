"""How fast descent converges, how large a step it bears and how far the weights move (Theorems 1 and 2, (H.1))."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.tangent import tangent_modes
from rnnconv_cli.measure.training import Run, descend, initial_loss, run, run_at_steps, step_size, training_of
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

STABLE_SMALLEST, STABLE_LARGEST = 1 / 16, 256.0  # ends of the bracket, in units of the declared step
STABLE_BISECTIONS = 9  # 12 octaves halved nine times: 1/43 of an octave
HEAD_DECADES = 4  # where the tail of a run begins: several eigenvalues still share the loss before
TAIL_DECADES = 4


def steps_to_decades(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """T_k, the first step with f <= 10^-k f_0, for each declared decade k [steps], with the loss curve at the first."""
    descent = run(instance, trial, backend)
    return tuple(
        _time_reading(descent, 10.0**-decade, point=float(decade), curve=descent.curve() if position == 0 else ())
        for position, decade in enumerate(trial.read_at)
    )


def steps_beyond_fourth_decade(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """T_(4+k) - T_4, the steps for the k decades after the fourth [steps], for each declared decade 4 + k, at k."""
    descent = run(instance, trial, backend)
    before = descent.first_step_at(10.0**-HEAD_DECADES) or 0
    return tuple(
        _time_reading(descent, 10.0**-decade, point=float(decade - HEAD_DECADES), since=before)
        for decade in trial.read_at
    )


def steps_to_accuracy(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """T_epsilon, the first step with f <= epsilon f_0 [steps]."""
    descent = run(instance, trial, backend)
    return (_time_reading(descent, training_of(trial).accuracy, point=None, curve=descent.curve()),)


def _time_reading(
    descent: Run, accuracy: float, *, point: float | None, since: int = 0, curve: tuple[tuple[int, float], ...] = ()
) -> Reading:
    step = descent.first_step_at(accuracy)
    if step is not None:
        return Reading(float(step - since), Status.OK if step > since else Status.ZERO, point, curve)
    status = Status.DIVERGED if descent.status is Status.DIVERGED else Status.NOT_REACHED
    return Reading(None, status, point, curve)


def largest_stable_step(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """The largest eta with f_T < f_0 at T = max_steps [1], searched from 1/16 to 256 times the declared one.

    By bisection in log2. Raises MeasurementError where an end of the bracket does not behave as it must: that is no
    value.
    """
    unit = step_size(instance, training_of(trial), backend)
    return (as_reading(_stable_multiple(instance, trial, backend, unit) * unit),)


def stable_step_multiple(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """The largest stable step in units of the declared one [1]; 2/lambda_max is the limit of a quadratic."""
    unit = step_size(instance, training_of(trial), backend)
    return (as_reading(_stable_multiple(instance, trial, backend, unit)),)


def _stable_multiple(instance: Instance, trial: Trial, backend: Backend, unit: float) -> float:
    initial = initial_loss(instance, backend)
    if not math.isfinite(initial):
        raise OverflowedNetwork("largest stable step", "the loss is not finite before the first step")
    setting = training_of(trial)

    def is_stable(multiple: float) -> bool:
        descent = descend(instance, setting, backend, multiple * unit, 0.0, 0.0)
        return descent.status is not Status.DIVERGED and bool(descent.losses[-1] < initial)

    low, high = math.log2(STABLE_SMALLEST), math.log2(STABLE_LARGEST)
    if not is_stable(2.0**low) or is_stable(2.0**high):
        raise MeasurementError("largest stable step", f"not between 1/16 and 256 times {unit:.3g}")
    for _ in range(STABLE_BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_stable(2.0**middle) else (low, middle)
    return float(2.0 ** ((low + high) / 2))


def movement(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||W_T - W_0||_F at the step where f <= epsilon f_0 [1]; (H.1) says O(1/sqrt m)."""
    descent = run(instance, trial, backend)
    if descent.status is not Status.OK:
        return (Reading(None, descent.status),)
    return (as_reading(float(np.linalg.norm(descent.W.astype(np.float64) - instance.W))),)


def measured_tail_rate(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Decay of log f per step on the last four decades before the accuracy [1/step]; f - floor in place of f, if so."""
    return (_tail_rate(run(instance, trial, backend), training_of(trial).accuracy),)


def movement_at_steps(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||W_t - W_0||_F at each declared step t [1]; (H.1) bounds it by O(1/sqrt m) for all t at once.

    A run that has diverged has no later movement; one that has fitted its labels exactly stays where it is.
    """
    descent = run_at_steps(instance, trial, backend)
    readings = [as_reading(moved) for moved in descent.moved]
    at_the_end = as_reading(float(np.linalg.norm(descent.W.astype(np.float64) - instance.W)))
    stayed = at_the_end if descent.status is Status.OK else Reading(None, Status.DIVERGED)
    readings += [stayed] * (len(trial.read_at) - len(readings))
    return tuple(replace(each, point=float(step)) for step, each in zip(trial.read_at, readings, strict=True))


def tail_rate_over_predicted(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Decay of log f per step on the last four decades over -2 log(1 - eta lambda_min) at initialisation [1].

    Raises MeasurementError where the tangent Gram matrix predicts no rate: eta lambda_min is zero to rounding, as it is
    with copies, or not below 1.
    """
    descent = run(instance, trial, backend)
    if descent.status is not Status.OK:
        return (_tail_rate(descent, training_of(trial).accuracy),)
    modes = tangent_modes(state_of(instance, backend), backend)
    slowest = descent.learning_rate * float(modes.values[0])
    if modes.values[0] <= modes.floor or slowest >= 1:
        raise MeasurementError("tangent prediction", f"needs 0 < eta lambda_min < 1, found {slowest:.3g}")
    measured = _tail_rate(descent, training_of(trial).accuracy)
    return (measured if measured.value is None else as_reading(measured.value / (-2 * math.log1p(-slowest))),)


def _tail_rate(descent: Run, accuracy: float) -> Reading:
    start, end = descent.first_step_at(accuracy * 10.0**TAIL_DECADES), descent.first_step_at(accuracy)
    if start is None or end is None or end == start:
        return Reading(None, Status.DIVERGED if descent.status is Status.DIVERGED else Status.NOT_REACHED)
    above = descent.losses[[start, end]] - descent.floor
    return as_reading(float(np.log(above[0] / above[1])) / (end - start))
