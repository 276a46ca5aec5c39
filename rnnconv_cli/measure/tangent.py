"""The tangent Gram matrix of the outputs: what descent near initialisation follows, r_{t+1} = (I - eta K) r_t."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend


def tangent_gram(state: State, backend: Backend) -> Array:
    """Return K = J J^T for the N = n (L - 1) d outputs at l >= 2, shape (N, N), in float64.

    K = sum over l, l' of (U_l U_l'^T) o (H_{l-1} H_{l'-1}^T), with U_l the backward vectors of all outputs, so that no
    m x m matrix is formed; with independent W_l only l = l' contributes. Rows are ordered (l, k, i): token, output
    coordinate, sequence.
    """
    instance = state.instance
    horizon, _, width = state.hidden.shape
    output_dim = instance.setting.output_dim
    backward_vectors = []
    for layer in range(1, horizon):
        for coordinate in range(output_dim):
            residual = np.zeros_like(instance.labels)
            residual[layer, :, coordinate] = 1
            backward_vectors.append(backend.backward(instance.W, instance.B, state.pattern, residual)[1:])
    U = np.stack(backward_vectors).astype(np.float64)  # (outputs of one sequence, L - 1, n, m)
    U = U.transpose(0, 2, 1, 3).reshape(-1, horizon - 1, width)  # (N, L - 1, m)
    H = state.hidden[:-1].transpose(1, 0, 2).astype(np.float64)  # (n, L - 1, m)
    H = np.tile(H, ((horizon - 1) * output_dim, 1, 1))  # (N, L - 1, m), the sequence index fastest
    if instance.W.shape[0] > 1:
        return np.asarray(sum((U[:, k] @ U[:, k].T) * (H[:, k] @ H[:, k].T) for k in range(horizon - 1)))
    n_outputs = U.shape[0]
    U_flat, H_flat = U.reshape(-1, width), H.reshape(-1, width)
    products = (U_flat @ U_flat.T) * (H_flat @ H_flat.T)
    return np.asarray(products.reshape(n_outputs, horizon - 1, n_outputs, horizon - 1).sum(axis=(1, 3)))


def spectrum(state: State, backend: Backend) -> Array:
    """Return the eigenvalues of the tangent Gram matrix, ascending; NaN where the network has overflowed."""
    gram = tangent_gram(state, backend)
    return np.asarray(np.linalg.eigvalsh(gram)) if np.isfinite(gram).all() else np.full(len(gram), np.nan)
