"""Small networks with their data, drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.kernels.arrays import Array

INPUT_DIM = 5

Network = tuple[Array, Array, Array, Array, Array]
DrawNetwork = Callable[..., Network]


@pytest.fixture(scope="session")
def draw_network() -> DrawNetwork:
    def draw(
        *,
        width: int = 16,
        horizon: int = 4,
        n_sequences: int = 3,
        output_dim: int = 2,
        n_matrices: int = 1,
        dtype: str = "float64",
        seed: int = 0,
    ) -> Network:
        """Return (W, A, B, x, labels) of Definition 2.3, with labels of order one."""
        rng = np.random.default_rng(seed)
        W = rng.standard_normal((n_matrices, width, width)) * np.sqrt(2 / width)
        A = rng.standard_normal((width, INPUT_DIM)) * np.sqrt(2 / width)
        B = rng.standard_normal((output_dim, width)) / np.sqrt(output_dim)
        x = rng.standard_normal((horizon, n_sequences, INPUT_DIM))
        x /= np.linalg.norm(x, axis=2, keepdims=True)
        labels = rng.standard_normal((horizon, n_sequences, output_dim))
        return W.astype(dtype), A.astype(dtype), B.astype(dtype), x.astype(dtype), labels.astype(dtype)

    return draw
