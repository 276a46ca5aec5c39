"""The spectral norm of a product of layers by a fixed number of Lanczos steps, in NumPy."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.bench.cases import LANCZOS_STEPS
from rnnconv_cli.kernels.arrays import Array


def chain_norm(W: Array, pattern: Array, start: Array) -> float:
    """Largest singular value [1] of the bidiagonal matrix of D_L W ... D_1 W; W (m, m), pattern (L, m), start (m,).

    Golub-Kahan-Lanczos with full reorthogonalisation, Gram-Schmidt twice, LANCZOS_STEPS steps.
    """
    steps, width = LANCZOS_STEPS, len(start)
    lefts, rights = np.zeros((steps, width), W.dtype), np.zeros((steps + 1, width), W.dtype)
    bidiagonal, spare = np.zeros((steps, steps + 1)), np.empty(width, W.dtype)
    rights[0] = start / np.linalg.norm(start)
    for step in range(steps):
        lefts[step] = rights[step]
        for diagonal in pattern:
            np.dot(W, lefts[step], out=spare)
            np.multiply(diagonal, spare, out=lefts[step])
        bidiagonal[step, step] = orthonormalise(lefts, step)
        rights[step + 1] = lefts[step]
        for diagonal in pattern[::-1]:
            np.multiply(diagonal, rights[step + 1], out=spare)
            np.dot(W.T, spare, out=rights[step + 1])
        bidiagonal[step, step + 1] = orthonormalise(rights, step + 1)
    return float(np.linalg.svd(bidiagonal[:, :steps], compute_uv=False)[0])


def orthonormalise(basis: Array, count: int) -> float:
    """Make row `count` of `basis` orthogonal to the rows before it and of length 1; return its length in between."""
    vector, rows = basis[count], basis[:count]
    for _ in range(2):
        vector -= (rows @ vector) @ rows
    length = float(np.linalg.norm(vector))
    vector /= length
    return length
