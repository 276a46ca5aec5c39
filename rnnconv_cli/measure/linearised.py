"""What the tangent Gram matrix K predicts of a run, r_{t+1} = (I - eta K) r_t, and its ends (Theorems 1 and 3)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.tangent import extreme_eigenvalue, tangent_modes
from rnnconv_cli.measure.training import clash_floor, run, step_size, training_of
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

LONGEST_PREDICTION = 2**50  # steps; beyond it, the residual of a mode at rounding level would be said to vanish


def smallest_tangent_eigenvalue(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """lambda_min(K) / m at initialisation [1]: min over all loss vectors of ||grad f||_F^2 / (m ||loss||^2) (Thm 3)."""
    return (_eigenvalue(instance, backend, position=0),)


def largest_tangent_eigenvalue(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """lambda_max(K) / m at initialisation [1]: max over all loss vectors of ||grad f||_F^2 / (m ||loss||^2) (Thm 3)."""
    return (_eigenvalue(instance, backend, position=-1),)


def smallest_tangent_eigenvalue_after_training(
    instance: Instance, trial: Trial, backend: Backend
) -> tuple[Reading, ...]:
    """lambda_min(K) / m where the run has reached its accuracy [1]; Theorem 3 holds for W near the initialisation."""
    return (_after_training(instance, trial, backend, position=0),)


def largest_tangent_eigenvalue_after_training(
    instance: Instance, trial: Trial, backend: Backend
) -> tuple[Reading, ...]:
    """lambda_max(K) / m where the run has reached its accuracy [1]."""
    return (_after_training(instance, trial, backend, position=-1),)


def predicted_tail_rate(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """-2 log(1 - eta lambda_min) at initialisation [1/step]: the decay of log f once the slowest mode is left."""
    return (_predicted_rate(instance, step_size(instance, training_of(trial), backend), backend),)


def predicted_tail_rate_after_training(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """-2 log(1 - eta lambda_min) where the run has reached its accuracy [1/step]: the decay of log f from there on."""
    descent = run(instance, trial, backend)
    if descent.status is not Status.OK:
        return (Reading(None, descent.status),)
    return (_predicted_rate(replace(instance, W=descent.W), descent.learning_rate, backend),)


def predicted_steps(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """The first t with 1/2 ||(I - eta K)^t r_0||^2 <= epsilon f_0 [steps], K at initialisation, without descending.

    With the floor of clashing copies subtracted on both sides where the run's objective is the excess over it. Diverged
    where eta lambda_max >= 2; not reached where the part of r_0 that K does not see is above the target.
    """
    training = training_of(trial)
    eta = step_size(instance, training, backend)
    state = state_of(instance, backend)
    modes = tangent_modes(state, backend)
    if not (math.isfinite(eta) and eta * modes.values[-1] < 2):
        return (Reading(None, Status.DIVERGED),)
    residual = backend.residuals(instance.B, state.hidden, instance.labels)[1:].astype(np.float64)
    losses = 0.5 * (modes.vectors.T @ residual.transpose(0, 2, 1).ravel()) ** 2
    floor = clash_floor(instance) if training.objective == "excess-over-floor" else 0.0
    target = floor + training.accuracy * (float(np.sum(losses)) - floor)
    shares = eta * np.where(modes.values > modes.floor, modes.values, 0.0)
    steps = first_step_below(losses, shares, target)
    return (Reading(None, Status.NOT_REACHED) if steps is None else as_reading(float(steps)),)


def steps_off_prediction(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max(r, 1/r) for r = T_epsilon over the predicted steps [1]: descent follows K at initialisation as m grows."""
    (predicted,) = predicted_steps(instance, trial, backend)
    descent = run(instance, trial, backend)
    if descent.status is not Status.OK:
        return (Reading(None, descent.status),)
    if not predicted.value or descent.steps == 0:  # not predicted, or fitted before the first step
        return (predicted,)
    ratio = descent.steps / predicted.value
    return (as_reading(max(ratio, 1 / ratio)),)


def first_step_below(losses: Array, shares: Array, target: float) -> int | None:
    """Return the first t with sum_k losses_k (1 - shares_k)^(2 t) <= target, or None beyond 2^50 steps.

    losses (N,) >= 0 and shares (N,) = eta lambda_k in [0, 2), so that the sum never grows; by bisection on t.
    """
    factors = np.maximum(np.abs(1 - shares), np.finfo(np.float64).tiny)
    logs = 2 * np.where(shares < 0.5, np.log1p(-np.minimum(shares, 0.5)), np.log(factors))  # 1 - x forgets a small x

    def reached(step: int) -> bool:
        return bool(np.sum(losses * np.exp(step * logs)) <= target)

    high = 1
    while not reached(high):
        high *= 2
        if high > LONGEST_PREDICTION:
            return None
    low = high // 2
    if low == 0:
        return 0 if reached(0) else 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _eigenvalue(instance: Instance, backend: Backend, *, position: int) -> Reading:
    value, floor = extreme_eigenvalue(state_of(instance, backend), backend, position=position)
    return as_reading(value / instance.setting.width, floor=floor / instance.setting.width)


def _after_training(instance: Instance, trial: Trial, backend: Backend, *, position: int) -> Reading:
    descent = run(instance, trial, backend)
    if descent.status is not Status.OK:
        return Reading(None, descent.status)
    return _eigenvalue(replace(instance, W=descent.W), backend, position=position)


def _predicted_rate(instance: Instance, eta: float, backend: Backend) -> Reading:
    smallest, floor = extreme_eigenvalue(state_of(instance, backend), backend, position=0)
    share = eta * smallest
    if share >= 1:
        raise MeasurementError("tangent prediction", f"needs eta lambda_min < 1, found {share:.3g}")
    if not math.isfinite(share):
        return Reading(None, Status.DIVERGED)
    return as_reading(-2 * math.log1p(-share), floor=2 * eta * floor)
