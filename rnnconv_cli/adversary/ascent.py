"""Adversaries found by ascent on the quantity itself."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.sparse.linalg import LinearOperator, svds

from rnnconv_cli.adversary.constructed import fresh_direction
from rnnconv_cli.adversary.perturbation import RankOnePerturbations, State, Target
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.seeding import Stream

ALTERNATIONS = 3  # a fourth, and tighter ones, change the value by less than a percent at widths 256 to 2048
RITZ_TOLERANCE = 0.05  # of the squared singular value, in each step of an alternation that starts from the last
LANCZOS_VECTORS = 6


def linearised_ascent(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> RankOnePerturbations:
    """Maximise the first-order hidden change ||h'_l|| over W' = size * y u^T, ||y|| = ||u|| = 1 (Lemma C.2a).

    To first order h'_a = D_a (W h'_{a-1} + size y <u, h_{a-1}>): bilinear in (y, u). In turn, y becomes the top
    singular vector for the present u, and u that for the present y; the value does not fall.
    """
    left, right = _unit_ascent(state, targets, backend)
    return RankOnePerturbations(size * left, right)


@functools.lru_cache(maxsize=1)  # one pair serves every size and quantity of an instance
def _unit_ascent(state: State, targets: tuple[Target, ...], backend: Backend) -> tuple[Array, Array]:
    if state.hidden.shape[2] < 2:
        raise MeasurementError("linearised ascent", "needs a width of at least 2")
    rng = state.instance.stream(Stream.PERTURBATION, 2)
    noise = np.asarray(rng.standard_normal(state.hidden.shape[2]), dtype=state.hidden.dtype)
    pairs = [
        max((_climb(state, target, start, noise, backend) for start in _starts(state, target)), key=lambda end: end[2])
        for target in targets
    ]
    return np.stack([left for left, _, _ in pairs]), np.stack([right for _, right, _ in pairs])


def _starts(state: State, target: Target) -> tuple[Array, Array]:
    """Return two directions u to climb from: what the last h alone has, and what the earlier ones have in common."""
    _, _, common = np.linalg.svd(state.hidden[: target.layer, target.sequence], full_matrices=False)
    return fresh_direction(state, target)[0], common[0]


def _climb(state: State, target: Target, right: Array, left: Array, backend: Backend) -> tuple[Array, Array, float]:
    """Return the unit pair (y, u) reached from a start, and its first-order ||h'_l||."""
    value = 0.0
    for _ in range(ALTERNATIONS):
        left = _best_left(state, target, right, left)
        right, value = _best_right(state, target, left, backend)
    return left, right, value


def _best_left(state: State, target: Target, right: Array, start: Array) -> Array:
    """Return the unit y that maximises ||h'_l|| for this u: the top right singular vector of y -> h'_l."""
    W, pattern = state.instance.W, state.pattern[:, target.sequence]
    overlaps = state.hidden[: target.layer, target.sequence] @ right

    def change(y: Array) -> Array:
        moved = np.zeros_like(right)
        for layer in range(1, target.layer + 1):
            moved = pattern[layer] * (weights_of_layer(W, layer) @ moved + overlaps[layer - 1] * y.ravel())
        return moved

    def adjoint(z: Array) -> Array:
        carried, pulled = z.ravel(), np.zeros_like(right)
        for layer in range(target.layer, 0, -1):
            signal = pattern[layer] * carried
            pulled = pulled + overlaps[layer - 1] * signal
            carried = weights_of_layer(W, layer).T @ signal
        return pulled

    reached = float(np.linalg.norm(change(start)))
    if reached == 0 or not math.isfinite(reached):  # a dead network, or one that has overflowed, has no best direction
        return np.asarray(start / np.linalg.norm(start))
    operator = LinearOperator((len(right), len(right)), matvec=change, rmatvec=adjoint, dtype=W.dtype)
    vectors = min(LANCZOS_VECTORS, len(right))
    _, _, top = svds(operator, k=1, ncv=vectors, tol=RITZ_TOLERANCE, v0=start)
    return np.asarray(top[0])


def _best_right(state: State, target: Target, left: Array, backend: Backend) -> tuple[Array, float]:
    """Return the unit u that maximises ||h'_l|| for this y, and the maximum: with q_a = D_l W ... D_a y,

    h'_l = sum over a of q_a <u, h_{a-1}>.
    """
    W, pattern = state.instance.W, state.pattern[:, target.sequence]
    responses = []
    for layer in range(1, target.layer + 1):
        later = W if W.shape[0] == 1 else W[layer + 1 :]
        entered = (pattern[layer] * left)[None, :]
        rest = np.ascontiguousarray(pattern[layer + 1 : target.layer + 1])
        responses.append(backend.apply_product(later, rest, entered)[-1, 0] if len(rest) > 0 else entered[0])
    basis, mixing = np.linalg.qr(state.hidden[: target.layer, target.sequence].T)
    _, values, top = np.linalg.svd(np.stack(responses, axis=1) @ mixing.T, full_matrices=False)
    return np.asarray(basis @ top[0]), float(values[0])
