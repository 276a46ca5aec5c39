from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.bench.cases import LANCZOS_STEPS
from rnnconv_cli.bench.lanczos import chain_norm, orthonormalise


def test_a_matrix_that_is_spanned_gives_its_norm() -> None:
    rng = np.random.default_rng(0)
    W = rng.standard_normal((LANCZOS_STEPS, LANCZOS_STEPS))
    pattern = (rng.random((3, LANCZOS_STEPS)) < 0.8).astype(float)
    product = np.linalg.multi_dot([np.diag(diagonal) @ W for diagonal in pattern[::-1]])
    found = chain_norm(W, pattern, rng.standard_normal(LANCZOS_STEPS))
    assert found == pytest.approx(np.linalg.norm(product, 2), rel=1e-6)


def test_a_larger_one_gives_no_more_than_its_norm() -> None:
    rng = np.random.default_rng(1)
    W, pattern = rng.standard_normal((60, 60)), np.ones((2, 60))
    norm = float(np.linalg.norm(W @ W, 2))
    assert 0.8 * norm < chain_norm(W, pattern, rng.standard_normal(60)) <= norm * (1 + 1e-12)


def test_rows_become_orthonormal() -> None:
    basis = np.random.default_rng(2).standard_normal((3, 5))
    lengths = [orthonormalise(basis, row) for row in range(3)]
    assert np.allclose(basis @ basis.T, np.eye(3))
    assert min(lengths) > 0
