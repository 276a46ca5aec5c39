"""The tangent Gram matrix of the outputs: what descent near initialisation follows, r_{t+1} = (I - eta K) r_t.

J is the Jacobian of the N = n (L - 1) d outputs at l >= 2, ordered (l, k, i): token, output coordinate, sequence. Its
row of output (l, k, i) is sum over the uses a = 2..l of u_a h_{i,a-1}^T, with u_a the backward vector of that output.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.krylov import eigenvalue_by_products
from rnnconv_cli.measure.memory import LARGEST_GRAM_BYTES, gram_bytes

LARGEST_CONDITION = 1e8  # of K = J J^T, beyond which its smallest eigenvalue drowns in eps lambda_max


@dataclass(frozen=True, slots=True, eq=False)
class Modes:
    """Eigenvalues of K, ascending, with their vectors as columns; those at most `floor` are zero to rounding."""

    values: Array
    vectors: Array
    floor: float


def tangent_gram(state: State, backend: Backend) -> Array:
    """Return K = J J^T, shape (N, N), in float64.

    K = sum over l, l' of (U_l U_l'^T) o (H_{l-1} H_{l'-1}^T), with U_l the backward vectors of all outputs, so that no
    m x m matrix is formed; with independent W_l only l = l' contributes. Assembled from one pair of output layers at a
    time; outputs have no backward vectors above their layer, which are left out. Within `gram_bytes`. NaN where the
    network has overflowed.
    """
    H = _hidden_before(state)
    uses, outputs, width = H.shape
    if not np.isfinite(H).all():
        return np.full((uses * outputs, uses * outputs), np.nan)
    factors = _backward_vectors(state, backend)
    products = (H.reshape(-1, width) @ H.reshape(-1, width).T).reshape(uses, outputs, uses, outputs)
    gram = np.empty_like(products)
    block_of = _over_all_uses if state.instance.W.shape[0] == 1 else _over_equal_uses
    for row, left in enumerate(factors):
        for column, right in enumerate(factors[: row + 1]):
            block = block_of(left, right, products)
            gram[row, :, column] = block
            gram[column, :, row] = block.T
    return gram.reshape(uses * outputs, uses * outputs)


def _over_all_uses(left: Array, right: Array, products: Array) -> Array:
    """Return the (n d, n d) block of K between two layers, whose backward vectors are (uses, n d, m), W being one."""
    width = left.shape[-1]
    block = (left.reshape(-1, width) @ right.reshape(-1, width).T).reshape(*left.shape[:2], *right.shape[:2])
    block *= products[: len(left), :, : len(right)]
    return np.asarray(block.sum(axis=(0, 2)))


def _over_equal_uses(left: Array, right: Array, products: Array) -> Array:
    """Return the same block where every layer has a W of its own."""
    uses = min(len(left), len(right))
    block = left[:uses] @ right[:uses].transpose(0, 2, 1)
    return np.asarray(sum(block[use] * products[use, :, use] for use in range(uses)))


def triangular_factor(state: State, backend: Backend) -> Array:
    """Return the triangular factor R, (N, N), of J^T = Q R, so that K = R^T R, in float64.

    The singular values of R are those of J with an error of eps ||J||, where the eigenvalues of an assembled K have one
    of eps ||J||^2: half as many digits of the smallest are lost. J is taken in pieces, one for each direction q of an
    orthonormal basis of the hidden states: J_q = sum over the uses a of <q, h_{i,a-1}> u_a, an (N, m) matrix, and R is
    updated by a QR decomposition for each. Within `gram_bytes`.
    """
    factors, H = _backward_vectors(state, backend), _hidden_before(state)
    uses, outputs, width = H.shape
    groups = [slice(0, uses)] if state.instance.W.shape[0] == 1 else [slice(use, use + 1) for use in range(uses)]
    R = np.zeros((uses * outputs, uses * outputs))
    for group in groups:
        basis = np.linalg.qr(H[group, : state.instance.setting.n_sequences].reshape(-1, width).T)[0]
        for direction in basis.T:
            along = H[group] @ direction  # (uses of the group, n d)
            piece = np.zeros((uses, outputs, width))
            for layer, vectors in enumerate(factors):
                used = vectors[group]
                piece[layer] = np.einsum("ao,aom->om", along[: len(used)], used)
            R = np.asarray(np.linalg.qr(np.concatenate([R, piece.reshape(-1, width).T]), mode="r"))
    return R


def _backward_vectors(state: State, backend: Backend) -> list[Array]:
    """Return for each layer l >= 2 the backward vectors of its outputs (k, i), of the uses 2..l, (l - 1, d n, m)."""
    instance = state.instance
    n_sequences, output_dim = instance.setting.n_sequences, instance.setting.output_dim
    pattern = np.tile(state.pattern, (1, output_dim, 1))
    ones = np.repeat(np.eye(output_dim, dtype=pattern.dtype), n_sequences, axis=0)
    factors = []
    for layer in range(1, len(pattern)):
        residual = np.zeros((layer + 1, *ones.shape), dtype=pattern.dtype)
        residual[layer] = ones
        signals = backend.backward(instance.W, instance.B, pattern[: layer + 1], residual)
        factors.append(signals[1:].astype(np.float64))
    return factors


def _hidden_before(state: State) -> Array:
    """Return h_{i,a-1} for the uses a = 2..L of W and each output (k, i) of a layer, (L - 1, d n, m), in float64."""
    hidden = np.asarray(state.hidden[:-1], dtype=np.float64)
    return np.tile(hidden, (1, state.instance.setting.output_dim, 1))


@functools.lru_cache(maxsize=1)  # several quantities of one instance read it
def tangent_modes(state: State, backend: Backend) -> Modes:
    """Return the eigenvalues and eigenvectors of K; NaN where the network has overflowed.

    From K itself, and from the singular values of the triangular factor of J where the condition of K is above 1e8.
    """
    gram = tangent_gram(state, backend)
    unit = len(gram) * float(np.finfo(np.float64).eps)
    if not np.isfinite(gram).all():
        return Modes(np.full(len(gram), np.nan), np.full_like(gram, np.nan), np.nan)
    values, vectors = np.linalg.eigh(gram)
    if values[0] * LARGEST_CONDITION >= values[-1]:
        return Modes(values, vectors, unit * float(values[-1]))
    _, singular_values, rows = np.linalg.svd(triangular_factor(state, backend))
    values = singular_values[::-1] ** 2
    return Modes(values, rows[::-1].T, unit**2 * float(values[-1]))


def spectrum(state: State, backend: Backend) -> Array:
    """Return the eigenvalues of the tangent Gram matrix, ascending; NaN where the network has overflowed."""
    return tangent_modes(state, backend).values


def extreme_eigenvalue(state: State, backend: Backend, *, position: int) -> tuple[float, float]:
    """Return lambda_min (position 0) or lambda_max (position -1) of K, and the floor below which it is round-off.

    From the modes of K where its factors take no more than 1 GiB, and by products with K where they take more. Raises
    MeasurementError where those do not reach their residual bound, as for a condition beyond 1e8.
    """
    if gram_bytes(state.instance.setting) > LARGEST_GRAM_BYTES:
        return eigenvalue_by_products(state, backend, position=position), 0.0
    modes = tangent_modes(state, backend)
    return float(modes.values[position]), modes.floor
