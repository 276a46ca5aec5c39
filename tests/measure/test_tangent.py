"""The tangent Gram matrix against explicit Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import tangent
from rnnconv_cli.measure.krylov import eigenvalue_by_products
from rnnconv_cli.measure.selfcheck import gradient_of
from rnnconv_cli.measure.tangent import (
    LARGEST_CONDITION,
    extreme_eigenvalue,
    spectrum,
    tangent_gram,
    tangent_modes,
    triangular_factor,
)
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]


def outputs(instance: Instance, W: Array) -> Array:
    """Return the outputs at l >= 2, ordered (l, k, i)."""
    hidden = reference.forward(W, instance.A, instance.x, instance.activation)[1]
    return (hidden @ instance.B.T)[1:].transpose(0, 2, 1).ravel()


def jacobian_by_backward(instance: Instance) -> Array:
    state = state_of(instance, reference)
    rows = []
    for layer, coordinate, i in np.ndindex(
        instance.setting.horizon - 1, instance.setting.output_dim, instance.setting.n_sequences
    ):
        residual = np.zeros_like(instance.labels)
        residual[layer + 1, i, coordinate] = 1
        signals = reference.backward(instance.W, instance.B, state.pattern, residual)
        rows.append(reference.weight_gradient(signals, state.hidden, len(instance.W)).ravel())
    return np.array(rows)


def jacobian_by_differences(instance: Instance, step: float) -> Array:
    columns = []
    for entry in np.ndindex(instance.W.shape):
        ahead, behind = instance.W.copy(), instance.W.copy()
        ahead[entry] += step
        behind[entry] -= step
        columns.append((outputs(instance, ahead) - outputs(instance, behind)) / (2 * step))
    return np.array(columns).T


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("output_dim", [1, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("horizon", [2, 4])
def test_gram_is_that_of_the_full_gradients_of_every_output(
    draw_instance: DrawInstance, backend: Backend, layers: str, output_dim: int, activation: str, horizon: int
) -> None:
    instance = draw_instance(
        layers=layers, output_dim=output_dim, activation=activation, horizon=horizon, n_sequences=3
    )
    J = jacobian_by_backward(instance)
    gram = tangent_gram(state_of(instance, backend), backend)
    assert gram.shape == (3 * (horizon - 1) * output_dim,) * 2
    np.testing.assert_allclose(gram, J @ J.T, rtol=1e-11, atol=1e-12 * np.abs(J @ J.T).max())


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("output_dim", [1, 2])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gram_is_that_of_central_differences(
    draw_instance: DrawInstance, backend: Backend, layers: str, output_dim: int, activation: str
) -> None:
    instance = draw_instance(
        width=8, horizon=3, layers=layers, output_dim=output_dim, activation=activation, input_dim=3
    )
    state = state_of(instance, backend)
    step = 1e-6
    assert activation == "tanh" or np.abs(state.preactivation).min() > 100 * step  # no kink within reach
    J = jacobian_by_differences(instance, step)
    np.testing.assert_allclose(tangent_gram(state, backend), J @ J.T, rtol=1e-6, atol=1e-7 * np.abs(J @ J.T).max())


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_a_small_step_of_descent_multiplies_residuals_by_one_minus_eta_k(
    draw_instance: DrawInstance, backend: Backend, layers: str
) -> None:
    instance, eta = draw_instance(layers=layers), 1e-6
    labels = instance.labels[1:].transpose(0, 2, 1).ravel()
    before = outputs(instance, instance.W) - labels
    after = outputs(instance, instance.W - eta * gradient_of(instance, backend)) - labels
    gram = tangent_gram(state_of(instance, backend), backend)
    np.testing.assert_allclose((before - after) / eta, gram @ before, rtol=1e-3, atol=1e-3 * np.abs(before).max())


def test_spectrum_is_ascending_and_nonnegative_and_sees_copies(draw_instance: DrawInstance, backend: Backend) -> None:
    values = spectrum(state_of(draw_instance(n_sequences=3), backend), backend)
    assert np.all(np.diff(values) >= 0)
    assert values[0] > 0
    clashing = spectrum(state_of(draw_instance(n_sequences=3, copies=2), backend), backend)
    assert abs(clashing[0]) < 1e-12 * clashing[-1]


def test_gram_scales_with_the_square_of_the_inputs(draw_instance: DrawInstance, backend: Backend) -> None:
    instance = draw_instance()
    scaled = replace(instance, x=2 * instance.x)
    one, four = (tangent_gram(state_of(each, backend), backend) for each in (instance, scaled))
    np.testing.assert_allclose(four, 4 * one, rtol=1e-13)


def test_gram_is_float64_for_single_precision_networks(draw_instance: DrawInstance, backend: Backend) -> None:
    double = tangent_gram(state_of(draw_instance(), backend), backend)
    single = tangent_gram(state_of(draw_instance(dtype="float32"), backend), backend)
    assert single.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=1e-3, atol=1e-5 * np.abs(double).max())


# --- three ways to the ends of the spectrum ---------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("output_dim", [1, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
def test_triangular_factor_has_the_singular_values_of_the_jacobian(
    draw_instance: DrawInstance, backend: Backend, layers: str, output_dim: int, activation: str
) -> None:
    instance = draw_instance(layers=layers, output_dim=output_dim, activation=activation, n_sequences=3)
    J = jacobian_by_backward(instance)
    R = triangular_factor(state_of(instance, backend), backend)
    np.testing.assert_array_equal(R, np.triu(R))
    np.testing.assert_allclose(R.T @ R, J @ J.T, atol=1e-12 * np.abs(J @ J.T).max())
    found, expected = (np.linalg.svd(matrix, compute_uv=False) for matrix in (R, J))
    np.testing.assert_allclose(found, expected, atol=1e-13 * expected[0])


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("changes", [{}, {"output_dim": 1, "later_tokens": "zero", "separation": 1e-3, "width": 96}])
def test_three_ways_agree(
    draw_instance: DrawInstance, backend: Backend, layers: str, changes: dict[str, object]
) -> None:
    state = state_of(draw_instance(layers=layers, n_sequences=3, **changes), backend)
    assembled = np.linalg.eigvalsh(tangent_gram(state, backend))
    assert assembled[-1] < LARGEST_CONDITION * assembled[0]
    factored = np.linalg.svd(triangular_factor(state, backend), compute_uv=False)[::-1] ** 2
    assert factored == pytest.approx(assembled, rel=1e-6)
    for position in (0, -1):
        found, expected = eigenvalue_by_products(state, backend, position=position), assembled[position]
        assert found == pytest.approx(expected, rel=1e-6)
        assert extreme_eigenvalue(state, backend, position=position)[0] == pytest.approx(expected, rel=1e-12)


def test_beyond_a_condition_of_1e8_the_smallest_is_that_of_the_jacobian_and_not_of_the_gram_matrix(
    draw_instance: DrawInstance, backend: Backend
) -> None:
    """Linear and zero tokens: lambda_min is proportional to delta^2, here 1e-16 of lambda_max."""
    values = {}
    for separation in (1e-4, 1e-8):
        instance = draw_instance(activation="linear", later_tokens="zero", separation=separation)
        modes = tangent_modes(state_of(instance, backend), backend)
        values[separation] = modes.values[0] / separation**2
        assert modes.values[0] > 100 * modes.floor
    assert values[1e-8] == pytest.approx(values[1e-4], rel=1e-4)
    gram = tangent_gram(state_of(instance, backend), backend)
    assert np.linalg.eigvalsh(gram)[0] != pytest.approx(values[1e-8] * 1e-16, rel=0.5, abs=0)


def test_modes_are_those_of_the_gram_matrix_by_either_way(
    draw_instance: DrawInstance, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    gram = tangent_gram(state_of(draw_instance(), backend), backend)
    for condition in (LARGEST_CONDITION, 1.0):
        monkeypatch.setattr(tangent, "LARGEST_CONDITION", condition)
        tangent_modes.cache_clear()
        modes = tangent_modes(state_of(draw_instance(), backend), backend)
        assert np.all(np.diff(modes.values) >= 0)
        np.testing.assert_allclose((modes.vectors * modes.values) @ modes.vectors.T, gram, atol=1e-12 * gram.max())
        np.testing.assert_allclose(modes.vectors.T @ modes.vectors, np.eye(len(gram)), atol=1e-13)
    tangent_modes.cache_clear()


def test_copies_have_a_smallest_eigenvalue_below_the_floor(draw_instance: DrawInstance, backend: Backend) -> None:
    modes = tangent_modes(state_of(draw_instance(n_sequences=3, copies=2), backend), backend)
    assert 0 <= modes.values[0] <= modes.floor < 1e-20 * modes.values[-1]


def test_ends_come_from_products_where_the_factors_do_not_fit(
    draw_instance: DrawInstance, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_of(draw_instance(), backend)
    expected = spectrum(state, backend)
    monkeypatch.setattr(tangent, "LARGEST_GRAM_BYTES", 0)
    monkeypatch.setattr(tangent, "tangent_modes", None)
    found = [extreme_eigenvalue(state, backend, position=position)[0] for position in (0, -1)]
    assert found == pytest.approx([expected[0], expected[-1]], rel=1e-6)
