"""The spectral ball ||W'||_2 <= size in factors: stacks of W'_t = sum_r left_{t,r} right_{t,r}^T, (t, r, m) each."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.kernels.arrays import Array


def clipped(left: Array, right: Array, size: float, rank: int) -> tuple[Array, Array]:
    """Return the W'_t of norm at most `size` next to these, by clipping singular values; of these the `rank` largest.

    Both factors have `rank` terms, some of them zero. In float64 inside, so that float32 factors do not leave the ball.
    """
    left_basis, left_mixing = np.linalg.qr(left.astype(np.float64).transpose(0, 2, 1))
    right_basis, right_mixing = np.linalg.qr(right.astype(np.float64).transpose(0, 2, 1))
    U, values, Vt = np.linalg.svd(left_mixing @ right_mixing.transpose(0, 2, 1), full_matrices=False)
    kept = np.minimum(values[:, None, :rank], size)
    new_left = (left_basis @ (U[:, :, :rank] * kept)).transpose(0, 2, 1)
    new_right = (right_basis @ Vt[:, :rank].transpose(0, 2, 1)).transpose(0, 2, 1)
    return padded(new_left.astype(left.dtype), rank), padded(new_right.astype(left.dtype), rank)


def padded(factor: Array, rank: int) -> Array:
    """Return the factor (t, r, m) with zero terms behind its own, up to `rank` of them; C-contiguous."""
    full = np.zeros((factor.shape[0], rank, factor.shape[2]), dtype=factor.dtype)
    full[:, : factor.shape[1]] = factor
    return full


def random_point(rng: np.random.Generator, shape: tuple[int, int, int], size: float) -> tuple[Array, Array]:
    """Return products of Gaussian factors (t, r, m), each scaled to a spectral norm of `size`."""
    return scaled(rng.standard_normal(shape), rng.standard_normal(shape), size)


def scaled(left: Array, right: Array, size: float) -> tuple[Array, Array]:
    """Return the products at a spectral norm of |size|, turned round where it is negative; zero stays zero."""
    left_mixing, right_mixing = (
        np.linalg.qr(factor.astype(np.float64).transpose(0, 2, 1))[1] for factor in (left, right)
    )
    norms = np.linalg.norm(left_mixing @ right_mixing.transpose(0, 2, 1), 2, axis=(1, 2))
    factors = np.divide(size, norms, out=np.zeros_like(norms), where=norms > 0)
    return np.asarray(left * factors[:, None, None], dtype=left.dtype), right


def inner_product(left: Array, right: Array, other_left: Array, other_right: Array) -> Array:
    """Return <W'_t, V_t> = trace(W'_t^T V_t) for each t, from the factors alone."""
    overlaps = (left @ other_left.transpose(0, 2, 1)) * (right @ other_right.transpose(0, 2, 1))
    return np.asarray(overlaps.sum(axis=(1, 2)))
