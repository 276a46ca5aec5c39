"""Size of the gradient, at initialisation for fixed loss vectors and along training (Theorem 3, Lemma E.2)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.training import run
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status, Trial

LOSS_DRAWS = 8


def gradient_energy(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||fake grad||_F^2 / (m sum ||loss||^2) [1], geometric mean over random loss vectors fixed beforehand ((6.1))."""
    state = state_of(instance, backend)
    rng = instance.stream(Stream.LOSS_VECTORS)
    logs = []
    for _ in range(LOSS_DRAWS):
        losses = np.asarray(rng.standard_normal(instance.labels.shape), dtype=instance.W.dtype)
        losses[0] = 0
        signals = backend.backward(instance.W, instance.B, state.pattern, losses)
        gradient = backend.weight_gradient(signals, state.hidden, instance.W.shape[0])
        logs.append(np.log(np.sum(gradient**2) / (instance.setting.width * np.sum(losses**2))))
    return (as_reading(float(np.exp(np.mean(logs)))),)


def gradient_end_to_end(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||D_2 Back_{2->L}^T||_F^2 / (d m) [1], mean over i: a loss at l = L through the first use of W alone ((6.1))."""
    state = state_of(instance, backend)
    if not np.isfinite(state.hidden).all():  # NaN has no pattern: its products would look as if they vanished
        return (Reading(None, Status.DIVERGED),)
    W = instance.W if instance.W.shape[0] == 1 else instance.W[2:]
    squares = []
    for i in range(instance.setting.n_sequences):
        later = np.ascontiguousarray(state.pattern[2:, i])
        back = backend.apply_product_adjoint(W, later, instance.B)
        squares.append(float(np.sum((back * state.pattern[1, i]) ** 2)))
    return (as_reading(float(np.mean(squares)) / (instance.setting.output_dim * instance.setting.width)),)


def gradient_ratio_largest(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the steps t of a run of ||grad f_t||_F^2 / (m f_t) [1]; Theorem 3 bounds it by a polynomial."""
    return _gradient_ratio(instance, trial, backend, largest=True)


def gradient_ratio_smallest(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over the steps t of a run of ||grad f_t||_F^2 / (m f_t) [1]; Theorem 3 bounds it from below."""
    return _gradient_ratio(instance, trial, backend, largest=False)


def _gradient_ratio(instance: Instance, trial: Trial, backend: Backend, *, largest: bool) -> tuple[Reading, ...]:
    descent = run(instance, trial, backend)
    if descent.status is Status.DIVERGED:
        return (Reading(None, Status.DIVERGED),)
    taken = slice(0, descent.steps)  # the last step of a run that reached its target has no gradient
    if descent.steps == 0:  # the labels were fitted before the first step: no gradient was taken
        return (Reading(0.0, Status.ZERO),)
    ratios = descent.gradient_norms[taken] / (instance.setting.width * descent.losses[taken])
    return (as_reading(float(np.max(ratios) if largest else np.min(ratios))),)
