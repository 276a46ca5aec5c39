"""Eigenvalues from products alone: the product against the matrix, the iteration against known spectra."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.krylov import eigenvalue_by_products, extreme_eigenvalue_of, gram_product
from rnnconv_cli.measure.tangent import tangent_gram
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("output_dim", [1, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("horizon", [2, 5])
def test_product_is_that_with_the_gram_matrix(
    draw_instance: DrawInstance, backend: Backend, layers: str, output_dim: int, activation: str, horizon: int
) -> None:
    instance = draw_instance(
        layers=layers, output_dim=output_dim, activation=activation, horizon=horizon, n_sequences=3
    )
    state = state_of(instance, backend)
    gram, product = tangent_gram(state, backend), gram_product(state, backend)
    found = np.array([product(row) for row in np.eye(len(gram))])
    np.testing.assert_allclose(found, gram, atol=1e-12 * np.abs(gram).max())


def test_product_by_hand(write_instance: Callable[..., Instance], backend: Backend) -> None:
    """D_2 = (0, 1) and h_1 = (3, 4): K = ||D_2 B^T||^2 ||h_1||^2 = 25."""
    instance = write_instance(W=((1, -1), (0, 2)), B=((1, 1),), x=(((3, 4),), ((0, 0),)))
    assert gram_product(state_of(instance, backend), backend)(np.array([2.0])) == pytest.approx([50.0])


def symmetric(values: Array, seed: int) -> Array:
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return np.asarray((basis * values) @ basis.T)


SPECTRA = {
    "spread": np.geomspace(1e-6, 1, 40),
    "clustered at the small end": np.concatenate([[1e-3, 1.001e-3, 1.002e-3], np.linspace(0.5, 1, 30)]),
    "with copies": np.repeat([0.25, 0.5, 1.0], 6),
    "one": np.array([3.0]),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("position", [0, -1])
def test_ends_of_known_spectra_are_found(name: str, position: int) -> None:
    values = SPECTRA[name]
    for seed in range(5):
        matrix = symmetric(values, seed)
        start = np.random.default_rng(100 + seed).standard_normal(len(values))
        found = extreme_eigenvalue_of(matrix.__matmul__, start, position=position)
        assert found == pytest.approx(values[position], rel=1e-6)


def test_an_end_that_drowns_in_rounding_is_refused() -> None:
    matrix = symmetric(np.array([1e-14, 0.5, 1.0, 2.0]), 0)
    with pytest.raises(MeasurementError, match=r"tangent eigenvalue: residual norm .* after 4 Lanczos steps"):
        extreme_eigenvalue_of(matrix.__matmul__, np.ones(4), position=0)


@np.errstate(all="ignore")
def test_an_overflow_has_no_eigenvalue(draw_instance: DrawInstance, backend: Backend) -> None:
    state = state_of(draw_instance(weight_variance=1e200), backend)
    assert np.isnan(eigenvalue_by_products(state, backend, position=0))


def test_same_instance_same_bits(draw_instance: DrawInstance, backend: Backend) -> None:
    found = {eigenvalue_by_products(state_of(draw_instance(), backend), backend, position=0) for _ in range(2)}
    assert len(found) == 1
