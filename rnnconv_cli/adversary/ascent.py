"""Adversaries found by ascent on the quantity itself."""

from __future__ import annotations

import functools

import numpy as np

from rnnconv_cli.adversary.constructed import fresh_direction
from rnnconv_cli.adversary.perturbation import RankOnePerturbations, State, Target
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.seeding import Stream

ROUNDS = 12


def linearised_ascent(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> RankOnePerturbations:
    """Maximise the first-order hidden change ||h'_l|| over W' = size * y u^T, ||y|| = ||u|| = 1 (Lemma C.2a).

    To first order h'_a = D_a (W h'_{a-1} + size y <u, h_{a-1}>): bilinear in (y, u). Each round improves y for the
    present u, then u for the present y, with one forward and one adjoint product each; the value never falls.
    """
    left, right = _unit_ascent(state, targets)
    return RankOnePerturbations(size * left, right)


@functools.lru_cache(maxsize=1)  # one pair serves every size and quantity of an instance
def _unit_ascent(state: State, targets: tuple[Target, ...]) -> tuple[Array, Array]:
    rows = len(targets)
    rng = state.instance.stream(Stream.PERTURBATION, 2)
    left = _unit_rows(rng.standard_normal((rows, state.hidden.shape[2]))).astype(state.hidden.dtype)
    right = np.stack([fresh_direction(state, target)[0] for target in targets])
    for _ in range(ROUNDS):
        left = _unit_rows(_adjoint(state, targets, left, right)[0])
        right = _unit_rows(_adjoint(state, targets, left, right)[1])
    return left, np.ascontiguousarray(right)


def _adjoint(state: State, targets: tuple[Target, ...], left: Array, right: Array) -> tuple[Array, Array]:
    """Return the gradients of 1/2 ||h'_target||^2 with respect to y = left and u = right, row by row (t, m)."""
    sequences = [target.sequence for target in targets]
    layers = np.array([target.layer for target in targets])
    pattern, hidden = state.pattern[:, sequences], state.hidden[:, sequences]
    W = state.instance.W
    change = np.zeros_like(left)
    final = np.zeros_like(left)
    for layer in range(1, pattern.shape[0]):
        overlap = np.sum(right * hidden[layer - 1], axis=1, keepdims=True)
        change = pattern[layer] * (change @ weights_of_layer(W, layer).T + overlap * left)
        final[layers == layer] = change[layers == layer]
    by_left, by_right, carried = np.zeros_like(left), np.zeros_like(right), np.zeros_like(left)
    for layer in range(pattern.shape[0] - 1, 0, -1):
        carried[layers == layer] = final[layers == layer]
        signal = pattern[layer] * carried
        by_left += signal * np.sum(right * hidden[layer - 1], axis=1, keepdims=True)
        by_right += hidden[layer - 1] * np.sum(signal * left, axis=1, keepdims=True)
        carried = signal @ weights_of_layer(W, layer)
    return by_left, by_right


def _unit_rows(rows: Array) -> Array:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms > 0, norms, 1.0), dtype=rows.dtype)
