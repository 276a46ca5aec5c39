"""Adversaries found by ascent on the quantity itself."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from rnnconv_cli.adversary.constructed import DEPENDENT, fresh_direction
from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.seeding import Stream

ALTERNATIONS = 3  # a fourth, and tighter ones, change the value by less than a percent at widths 256 to 2048
LANCZOS_VECTORS = 6  # in each step of an alternation, which starts from the last; twice as many gain 0.1% at most


def linearised_ascent(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Maximise the first-order hidden change ||h'_l|| over W' = size * y u^T, ||y|| = ||u|| = 1 (Lemma C.2a).

    To first order h'_a = D_a (W h'_{a-1} + size y <u, h_{a-1}>): bilinear in (y, u). In turn, y becomes the top
    singular vector for the present u, and u that for the present y; the value does not fall.
    """
    left, right = _unit_ascent(state, targets, backend)
    return LowRankPerturbations(size * left[:, None], right[:, None])


@functools.lru_cache(maxsize=1)  # one pair serves every size and quantity of an instance
def _unit_ascent(state: State, targets: tuple[Target, ...], backend: Backend) -> tuple[Array, Array]:
    rng = state.instance.stream(Stream.PERTURBATION, 2)
    noise = np.asarray(rng.standard_normal(state.hidden.shape[2]), dtype=state.hidden.dtype)
    pairs = [
        max((_climb(state, target, start, noise, backend) for start in _starts(state, target)), key=_reached)
        for target in targets
    ]
    return np.stack([left for left, _, _ in pairs]), np.stack([right for _, right, _ in pairs])


def _reached(end: tuple[Array, Array, float]) -> float:
    """Return the value that a climb ended at; one that has overflowed, to infinity or to NaN, is the largest."""
    return end[2] if math.isfinite(end[2]) else math.inf


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
            moved = pattern[layer] * (weights_of_layer(W, layer) @ moved + overlaps[layer - 1] * y)
        return moved

    def adjoint(z: Array) -> Array:
        carried, pulled = z, np.zeros_like(right)
        for layer in range(target.layer, 0, -1):
            signal = pattern[layer] * carried
            pulled = pulled + overlaps[layer - 1] * signal
            carried = weights_of_layer(W, layer).T @ signal
        return pulled

    reached = float(np.linalg.norm(change(start)))
    if reached == 0 or not math.isfinite(reached):  # a dead network, or one that has overflowed, has no best direction
        return np.asarray(start / np.linalg.norm(start))
    return _top_singular_vector(change, adjoint, start)


def _top_singular_vector(change: Callable[[Array], Array], adjoint: Callable[[Array], Array], start: Array) -> Array:
    """Return the unit y with the largest ||change(y)|| in the Krylov space of the start, which is among its vectors.

    Written out because ARPACK leaves an exhausted space by random vectors of its own, other ones in each process.
    """
    basis, images = (start / np.linalg.norm(start))[None, :], []
    for _ in range(LANCZOS_VECTORS):
        images.append(change(basis[-1]))
        onward = adjoint(images[-1])
        reach = float(np.linalg.norm(onward))
        for _ in range(2):  # twice is enough to be orthogonal to round-off
            onward = onward - (basis @ onward) @ basis
        fresh = float(np.linalg.norm(onward))
        if fresh <= DEPENDENT * reach:
            break
        basis = np.concatenate([basis, onward[None, :] / fresh])
    _, _, mixing = np.linalg.svd(np.stack(images, axis=1), full_matrices=False)
    top = mixing[0] @ basis[: len(images)]
    return np.asarray(top / np.linalg.norm(top), dtype=start.dtype)


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
