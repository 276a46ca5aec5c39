"""Ends of the spectrum of the tangent Gram matrix K = J J^T from products with it, where no N x N factors fit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.seeding import Stream

TOLERANCE = 1e-6  # of the residual norm, relative to the eigenvalue: it bounds the eigenvalue's error
LOOK_AGAIN = 1.2  # growth of the Krylov space between two looks at its Ritz values


def gram_product(state: State, backend: Backend) -> Callable[[Array], Array]:
    """Return v -> K v = J (J^T v) for v (N,) ordered (l, k, i), without forming K, J or an m x m matrix.

    J^T v = sum over the uses a of u_a h_{a-1}^T =: W' comes from one backward pass with v for the residuals, and stays
    in these factors. J W' is the derivative of the outputs along W', one forward pass to which each layer adds
    W' h_{j,l-1} = sum over a, i of u_{a,i} <h_{i,a-1}, h_{j,l-1}>, with independent W_l over a = l alone.
    """
    instance = state.instance
    n_sequences, output_dim = instance.setting.n_sequences, instance.setting.output_dim
    before = state.hidden[:-1]
    uses, _, width = before.shape
    products = np.einsum("ajm,lim->ajli", before, before, optimize=True)
    if instance.W.shape[0] > 1:
        products *= np.eye(uses, dtype=products.dtype)[:, None, :, None]
    products = products.reshape(uses * n_sequences, uses * n_sequences)

    def product(vector: Array) -> Array:
        residual = np.zeros_like(instance.labels)
        residual[1:] = vector.reshape(uses, output_dim, n_sequences).transpose(0, 2, 1)
        signals = backend.backward(instance.W, instance.B, state.pattern, residual)[1:]
        kicks = (products @ signals.reshape(-1, width)).reshape(signals.shape)
        outputs = np.empty((uses, output_dim, n_sequences))
        change = np.zeros_like(kicks[0])
        for use in range(uses):
            W = reference.weights_of_layer(instance.W, use + 1)
            change = state.pattern[use + 1] * (backend.products(W, change) + kicks[use])
            outputs[use] = instance.B @ change.T
        return outputs.ravel()

    return product


def eigenvalue_by_products(state: State, backend: Backend, *, position: int) -> float:
    """Return lambda_min (position 0) or lambda_max (position -1) of K by Lanczos steps; NaN on an overflow."""
    setting = state.instance.setting
    size = setting.n_sequences * (setting.horizon - 1) * setting.output_dim
    start = state.instance.stream(Stream.START_VECTOR, 1).standard_normal(size)
    return extreme_eigenvalue_of(gram_product(state, backend), start, position=position)


@np.errstate(over="ignore", invalid="ignore")
def extreme_eigenvalue_of(product: Callable[[Array], Array], start: Array, *, position: int) -> float:
    """Return the smallest (position 0) or largest (-1) eigenvalue of a symmetric matrix, by v -> K v from `start` (N,).

    Lanczos with full reorthogonalisation, twice in each step, until the residual norm of the Ritz pair, with what the
    products round off, is at most 1e-6 of its value. Raises MeasurementError where it is not after N steps: a Ritz
    value is never below lambda_min, so that an iteration that stops early would promise too large a one.
    """
    size = len(start)
    basis = np.zeros((size, size))
    diagonal, below = np.empty(size), np.empty(size)
    vector, look_at, residual = start / np.linalg.norm(start), 1.0, np.inf
    for step in range(size):
        basis[step] = vector
        image = product(vector)
        if not np.isfinite(image).all():
            return np.nan
        diagonal[step] = vector @ image
        known = basis[: step + 1]
        for _ in range(2):
            image = image - known.T @ (known @ image)
        below[step] = np.linalg.norm(image)
        exhausted = below[step] <= np.finfo(np.float64).eps * np.abs(diagonal[: step + 1]).max() or step == size - 1
        if exhausted or step + 1 >= look_at:
            look_at = LOOK_AGAIN * (step + 1)
            offsets = below[:step]
            tridiagonal = np.diag(diagonal[: step + 1]) + np.diag(offsets, 1) + np.diag(offsets, -1)
            values, vectors = np.linalg.eigh(tridiagonal)
            rounding = np.sqrt(size) * np.finfo(np.float64).eps * np.abs(values).max()
            residual = float(below[step] * abs(vectors[-1, position]) + rounding)
            if residual <= TOLERANCE * abs(values[position]):
                return float(values[position])
        if exhausted:
            break
        vector = image / below[step]
    raise MeasurementError("tangent eigenvalue", f"residual norm {residual:.1e} after {step + 1} Lanczos steps")
