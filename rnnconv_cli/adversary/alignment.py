"""The rank-one W' that changes a backward signal most through the weights alone."""

from __future__ import annotations

import functools

import numpy as np

from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer

ALTERNATIONS = 5  # twenty of twenty steps each raise the value by up to 7% at widths 48 and 512
POWER_STEPS = 6  # in each alternation, which starts from the last


def aligned(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Maximise the first-order change of a^T B D_L W ... D_l W over W' = size * y u^T, ||y|| = ||u|| = 1 (Lemma C.9).

    With c_b = D_b W^T ... W^T D_L B^T a and P_b = D_{b-1} W ... D_l W the change is the sum over b >= l
    of <c_b, y> P_b^T u, bilinear in (y, u). In turn, u becomes the best for the present y by power iteration, and y
    that for the present u. The output direction a is the one that carries most of the signal at the target.
    """
    left, right = _unit_aligned(state, targets, backend)
    return LowRankPerturbations(size * left[:, None], right[:, None])


@functools.lru_cache(maxsize=1)  # one pair serves every size and quantity of an instance
def _unit_aligned(state: State, targets: tuple[Target, ...], backend: Backend) -> tuple[Array, Array]:
    pairs = [_best_pair(state, target, backend) for target in targets]
    return np.stack([left for left, _ in pairs]), np.stack([right for _, right in pairs])


def _best_pair(state: State, target: Target, backend: Backend) -> tuple[Array, Array]:
    W = state.instance.W if state.instance.W.shape[0] == 1 else state.instance.W[target.layer :]
    pattern = np.ascontiguousarray(state.pattern[target.layer :, target.sequence])
    whole = backend.apply_product_adjoint(W, pattern, state.instance.B)
    if not np.any(whole):
        place = f"layer {target.layer + 1} of sequence {target.sequence + 1}"
        raise MeasurementError(place, "no backward signal reaches it, so that no W' changes one")
    output = np.linalg.svd(whole, full_matrices=False)[0][:, 0]
    signals = _signals(W, pattern, output @ state.instance.B)
    basis, mixing = np.linalg.qr(signals.T)
    left, right = signals[0] / np.linalg.norm(signals[0]), output @ whole
    for _ in range(ALTERNATIONS):
        for _ in range(POWER_STEPS):
            right = right / np.linalg.norm(right)
            right = _adjoint_change(W, pattern, signals @ left, _change(W, pattern, signals @ left, right))
        right = right / np.linalg.norm(right)
        carried = mixing @ _carried(W, pattern, right)
        left = basis @ np.linalg.svd(carried, full_matrices=False)[0][:, 0]
    return np.asarray(left, dtype=whole.dtype), np.asarray(right, dtype=whole.dtype)


def _signals(W: Array, pattern: Array, output: Array) -> Array:
    """Return c_b for b = l, ..., L: shape (L - l + 1, m)."""
    signals, carried = np.empty_like(pattern), output
    for layer in range(len(pattern) - 1, -1, -1):
        signals[layer] = pattern[layer] * carried
        carried = signals[layer] @ weights_of_layer(W, layer)
    return signals


def _carried(W: Array, pattern: Array, right: Array) -> Array:
    """Return P_b^T u for b = l, ..., L: shape (L - l + 1, m)."""
    weights = np.eye(len(pattern), dtype=right.dtype)
    return np.stack([_change(W, pattern, row, right) for row in weights])


def _change(W: Array, pattern: Array, weights: Array, right: Array) -> Array:
    """Return the sum over b of weights_b P_b^T u, innermost first."""
    total = weights[-1] * right
    for layer in range(len(pattern) - 2, -1, -1):
        total = weights[layer] * right + (pattern[layer] * total) @ weights_of_layer(W, layer)
    return np.asarray(total)


def _adjoint_change(W: Array, pattern: Array, weights: Array, vector: Array) -> Array:
    """Return the sum over b of weights_b P_b v."""
    total, partial = weights[0] * vector, vector
    for layer in range(len(pattern) - 1):
        partial = pattern[layer] * (weights_of_layer(W, layer) @ partial)
        total = total + weights[layer + 1] * partial
    return np.asarray(total)
