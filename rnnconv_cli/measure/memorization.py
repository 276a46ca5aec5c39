"""How well labels are fitted, and where clashing copies stop the loss (abstract, Theorem 1, footnote 10)."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.training import Run, clash_floor, initial_loss, run
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

ROUND_OFF = 1e-14  # of the squared labels: (1e-7)^2, the distance of labels that float32 would take for equal
FITTED_SHARE = 0.1  # a token counts as fitted where ||residual||^2 <= 0.1 d and every sign is right


def loss_at_start(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """f(W_0) [1]; Appendix H says O(n rho^2 L^3)."""
    return (as_reading(initial_loss(instance, backend)),)


def final_loss_ratio(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """f_T / f_0 [1] at the step where f <= epsilon f_0, or at T_max where that never happens."""
    descent = run(instance, trial, backend)
    if descent.status is Status.DIVERGED:
        return (Reading(None, Status.DIVERGED, curve=descent.curve()),)
    return (Reading(float(descent.losses[-1] / descent.losses[0]), curve=descent.curve()),)


def worst_token_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l >= 2 of ||B h_{i,l} - y*_{i,l}||^2 / (0.1 d) at the end of a run [1]; at least 2 with a wrong sign.

    At most 1 means that every token is fitted: its squared error is at most 0.1 d and all its signs are right.
    """
    descent = run(instance, trial, backend)
    if descent.status is Status.DIVERGED:
        return (Reading(None, Status.DIVERGED),)
    hidden = backend.forward(descent.W, instance.A, instance.x, instance.activation)[1]
    residual = backend.residuals(instance.B, hidden, instance.labels)[1:]
    worst = float(np.max(np.sum(residual**2, axis=2))) / (FITTED_SHARE * instance.setting.output_dim)
    outputs = residual + instance.labels[1:]
    any_wrong = bool(np.any(outputs * instance.labels[1:] <= 0))
    return (Reading(max(worst, 2.0) if any_wrong else worst),)


def floor_deviation(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """|f_T / floor - 1| [1], floor = 1/2 sum over the copies and tokens l >= 2 of ||y_i - mean y||^2 (footnote 10)."""
    return _floor_deviation(run(instance, trial, backend), _floor_of_copies(instance))


def floor_deviation_by_pairs(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """|f_T / floor - 1| [1], floor = 1/4 sum over pairs ||y_i - y_j||^2: that of a pair, and wrong for more copies."""
    return _floor_deviation(run(instance, trial, backend), _floor_of_pairs(instance))


def lowest_loss_over_floor(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over the steps of f_t / floor [1]: no step may fall below what the clash dictates."""
    return _lowest_over(run(instance, trial, backend), _floor_of_copies(instance))


def lowest_loss_over_floor_of_pairs(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over the steps of f_t / floor [1], floor = 1/4 sum over pairs ||y_i - y_j||^2: too high for more than two."""
    return _lowest_over(run(instance, trial, backend), _floor_of_pairs(instance))


def _floor_of_copies(instance: Instance) -> float:
    """Return the floor of the clash. Raises MeasurementError where no labels clash: there is nothing to divide by."""
    floor = clash_floor(instance)
    if floor <= ROUND_OFF * float(np.sum(instance.labels.astype(np.float64) ** 2)):
        raise MeasurementError("clash floor", "is zero: no two copies have different labels")
    return floor


def _floor_of_pairs(instance: Instance) -> float:
    """Return 1/4 sum over pairs of copies of ||y_i - y_j||^2 = copies/2 times the true floor."""
    return _floor_of_copies(instance) * instance.setting.copies / 2


def _lowest_over(descent: Run, floor: float) -> tuple[Reading, ...]:
    if descent.status is Status.DIVERGED:
        return (Reading(None, Status.DIVERGED),)
    return (Reading(float(np.min(descent.losses)) / floor),)


def _floor_deviation(descent: Run, floor: float) -> tuple[Reading, ...]:
    if descent.status is Status.DIVERGED or not math.isfinite(descent.losses[-1]):
        return (Reading(None, Status.DIVERGED, curve=descent.curve()),)
    return (Reading(abs(float(descent.losses[-1]) / floor - 1), curve=descent.curve()),)
