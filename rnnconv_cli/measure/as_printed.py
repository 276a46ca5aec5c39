"""Slips of the print that a number can show: each statement as it is printed, and beside it the repaired one."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from rnnconv_cli.adversary.perturbation import product_norm, state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.conditioning import adapted_basis, states
from rnnconv_cli.measure.reading import as_reading, finite_state, in_rounding_units, probed
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

BATCH_SIZE = 2  # |S_t|: neither one sequence nor all of them


def weight_norm(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||W||_2 [1]; Section 4 says about 2, while the square W with variance 2/m has 2 sqrt 2 in the limit."""
    everything = np.ones((1, instance.setting.width), dtype=instance.W.dtype)
    return (as_reading(product_norm(instance, backend, instance.W[:1], everything)),)


def active_weight_norm(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||D_{i,L} W||_2 [1]; Section 4 says about sqrt 2, while half of the rows have 1 + sqrt 2."""
    state, W = finite_state(instance, trial, backend), instance.W[-1:]
    pattern = state.pattern[-1]
    norms = [product_norm(instance, backend, W, pattern[i : i + 1]) for i in range(instance.setting.n_sequences)]
    return (as_reading(float(np.max(norms))),)


def part_in_earlier_layers(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i and 2 <= l <= L of ||z_1|| = ||U_{l-1}^T h_{i,l}|| [1]; (B.8) and (B.12) say >= 1/sqrt 2.

    At l = 1 there is no earlier layer: z_1 is empty, and its norm 0 by definition.
    """
    vectors, n_sequences = states(instance, backend), instance.setting.n_sequences
    coordinates = vectors @ adapted_basis(vectors)
    parts = [
        np.linalg.norm(coordinates[layer * n_sequences : (layer + 1) * n_sequences, : layer * n_sequences], axis=1)
        for layer in range(1, instance.setting.horizon)
    ]
    return (as_reading(float(np.min(parts))),)


def part_in_all_layers(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i and 2 <= l <= L of sqrt(||z_1||^2 + z_2^2) = ||h_{i,l}|| [1]: what the proof can do with."""
    return (as_reading(float(np.min(np.linalg.norm(state_of(instance, backend).hidden[1:], axis=2)))),)


def recursion_error_as_printed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Largest ||h_l - D_l W h_{l-1}|| / ||h_l|| in units of round-off [1]: the sentence after Definition 2.2."""
    return _recursion_error(instance, backend, with_input=False)


def recursion_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Largest ||h_l - D_l (W h_{l-1} + A x_l)|| / ||h_l|| in units of round-off [1]: h with its input."""
    return _recursion_error(instance, backend, with_input=True)


def batch_gradient_error_as_printed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||mean over S of (n/|S|) sum_{i in S} grad f - grad f||_F / ||grad f||_F in units of round-off [1] (Theorem 2).

    Over all S of two sequences. As printed, every term of the sum is the gradient of all of f.
    """
    return _batch_gradient_error(instance, backend, own_gradients=False)


def batch_gradient_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||mean over S of (n/|S|) sum_{i in S} grad f_i - grad f||_F / ||grad f||_F in units of round-off [1].

    Over all S of two sequences: a batch's step is right in the mean over batches.
    """
    return _batch_gradient_error(instance, backend, own_gradients=True)


def share_above(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Share of the entries of W above b / sqrt(m) [1], b the probe's threshold: each is an N(0, 2/m) as g_2 in E.4."""
    limit = probed(trial, "threshold") / np.sqrt(instance.setting.width)
    return (as_reading(float(np.mean(instance.W[0] > limit))),)


def _recursion_error(instance: Instance, backend: Backend, *, with_input: bool) -> tuple[Reading, ...]:
    state, errors = state_of(instance, backend), []
    before = np.zeros_like(state.hidden[0])
    for layer, hidden in enumerate(state.hidden):
        g = before @ reference.weights_of_layer(instance.W, layer).T
        if with_input:
            g = g + instance.x[layer] @ instance.A.T
        distance = np.linalg.norm(hidden - state.pattern[layer] * g, axis=1)
        errors.append(np.max(distance / np.linalg.norm(hidden, axis=1)))
        before = hidden
    return (in_rounding_units(float(np.max(errors)), instance),)


def _batch_gradient_error(instance: Instance, backend: Backend, *, own_gradients: bool) -> tuple[Reading, ...]:
    n_sequences = instance.setting.n_sequences
    if n_sequences <= BATCH_SIZE:
        raise MeasurementError("Theorem 2", f"needs more than {BATCH_SIZE} sequences, found {n_sequences}")
    own = _gradients(instance, backend)
    whole = np.sum(own, axis=0)
    terms = own if own_gradients else np.broadcast_to(whole, own.shape)
    batches = tuple(combinations(range(n_sequences), BATCH_SIZE))
    steps = [n_sequences / BATCH_SIZE * np.sum(terms[list(batch)], axis=0) for batch in batches]
    mean = np.sum(steps, axis=0) / len(batches)
    return (in_rounding_units(float(np.linalg.norm(mean - whole) / np.linalg.norm(whole)), instance),)


def _gradients(instance: Instance, backend: Backend) -> Array:
    """Return grad f_i for every sequence i, (n, K m m)."""
    state = state_of(instance, backend)
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    signals = backend.backward(instance.W, instance.B, state.pattern, residual)
    gradients = []
    for i in range(instance.setting.n_sequences):
        alone = np.zeros_like(signals)
        alone[:, i] = signals[:, i]
        gradients.append(backend.weight_gradient(alone, state.hidden, instance.W.shape[0]).ravel())
    return np.array(gradients)
