"""Norms, displacement, and the states under a perturbation, against dense arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary import perturbation as module
from rnnconv_cli.adversary.perturbation import (
    DensePerturbation,
    LowRankPerturbations,
    State,
    Target,
    displaced,
    perturbed_states,
    perturbed_weights,
    product_norm,
    scaled_to,
    singular_triplet,
    state_of,
)
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]
DrawState = Callable[..., State]


def product_of(W: Array, pattern: Array) -> Array:
    """Return D_K W ... D_1 W (m, m), multiplied out."""
    product = np.eye(W.shape[1])
    for layer, diagonal in enumerate(pattern):
        product = np.diag(diagonal) @ reference.weights_of_layer(W, layer) @ product
    return product


@pytest.mark.parametrize("activation", ["relu", "linear", "tanh"])
def test_state_is_the_forward_pass_with_its_pattern(
    draw_instance: DrawInstance, backend: Backend, activation: str
) -> None:
    instance = draw_instance(activation=activation)
    state = state_of(instance, backend)
    g, h = reference.forward(instance.W, instance.A, instance.x, instance.activation)
    np.testing.assert_allclose(state.preactivation, g, atol=1e-13)
    np.testing.assert_allclose(state.hidden, h, atol=1e-13)
    np.testing.assert_allclose(state.pattern, reference.activation_pattern(g, instance.activation), atol=1e-13)
    assert state_of(instance, backend) is state


def test_states_of_two_backends_are_kept_apart(draw_instance: DrawInstance) -> None:
    instance = draw_instance()
    assert state_of(instance, BACKENDS["compiled"]) is not state_of(instance, BACKENDS["reference"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e3])
@pytest.mark.parametrize("width", [1, 2, 48, 96])
def test_scaled_matrix_has_at_most_the_size(
    draw_instance: DrawInstance, backend: Backend, width: int, size: float, dtype: str
) -> None:
    instance = draw_instance(width=width, dtype=dtype)
    noise = np.random.default_rng(0).standard_normal((width, width))
    found = scaled_to(instance, noise, size, backend)
    assert found.dtype == np.dtype(dtype)
    norm = np.linalg.norm(found.astype(np.float64), 2)
    assert size / 1.001**2 * (1 - 1e-6) <= norm <= size * (1 + 4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(found / norm, noise / np.linalg.norm(noise, 2), rtol=1e-5, atol=1e-7)


def test_a_matrix_of_zeros_points_nowhere(draw_instance: DrawInstance, backend: Backend) -> None:
    with pytest.raises(MeasurementError, match="direction is zero"):
        scaled_to(draw_instance(), np.zeros((48, 48)), 1.0, backend)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_displacement_has_norm_one_over_root_m_and_moves_the_weights_alone(
    draw_instance: DrawInstance, backend: Backend, dtype: str, layers: str
) -> None:
    instance = draw_instance(layers=layers, dtype=dtype)
    moved = displaced(instance, backend)
    for name in ("A", "B", "x", "labels"):
        assert getattr(moved, name) is getattr(instance, name)
    assert moved.W.dtype == instance.W.dtype
    for shift in moved.W.astype(np.float64) - instance.W:
        assert 0.997 <= np.linalg.norm(shift, 2) * np.sqrt(48) <= 1 + 1e-5
    assert displaced(instance, backend) is moved


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("sequence", [0, 1])
def test_product_norm_is_that_of_the_dense_product(
    draw_state: DrawState, backend: Backend, sequence: int, layers: str
) -> None:
    state = draw_state(layers=layers)
    W, pattern = state.instance.W, state.pattern[:, sequence]
    expected = product_of(W, pattern)
    norm, bound, right = singular_triplet(state.instance, backend, W, pattern)
    assert norm == pytest.approx(float(np.linalg.norm(expected, 2)), rel=module.NORM_TOLERANCE)
    assert bound <= module.NORM_TOLERANCE
    assert np.linalg.norm(expected @ right) == pytest.approx(norm, rel=2e-3)
    assert product_norm(state.instance, backend, W, pattern) == norm


def test_norm_of_a_difference_of_products(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    W, pattern = state.instance.W, state.pattern[:, 0]
    other, other_pattern = W + 0.01, state.pattern[:, 1]
    expected = np.linalg.norm(product_of(W, pattern) - product_of(other, other_pattern), 2)
    found = product_norm(state.instance, backend, W, pattern, other, other_pattern)
    assert found == pytest.approx(float(expected), rel=module.NORM_TOLERANCE)
    assert product_norm(state.instance, backend, W, pattern, W, pattern) == 0


def test_an_iteration_cut_short_is_no_norm(draw_state: DrawState, monkeypatch: pytest.MonkeyPatch) -> None:
    state = draw_state()
    monkeypatch.setattr(module, "NORM_STEPS", 1)
    with pytest.raises(MeasurementError, match=r"spectral norm: residual bound .* after 1 Lanczos steps"):
        product_norm(state.instance, BACKENDS["compiled"], state.instance.W, state.pattern[:, 0])


@np.errstate(over="ignore", invalid="ignore")
def test_an_overflow_is_not_finite(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    for size in (1e200, 1e60):  # at 1e60 the product of four has a norm, whose square has none
        assert not np.isfinite(product_norm(state.instance, backend, size * state.instance.W, state.pattern[:, 0]))


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("kind", ["rank-one", "rank-three", "dense"])
def test_perturbed_states_are_those_at_the_perturbed_weights(
    draw_state: DrawState, backend: Backend, kind: str, layers: str
) -> None:
    state = draw_state(n_sequences=3, layers=layers)
    instance, targets = state.instance, (Target(3, 2), Target(1, 0), Target(2, 2))
    rng = np.random.default_rng(0)
    found: DensePerturbation | LowRankPerturbations
    if kind == "dense":
        found = DensePerturbation(0.1 * rng.standard_normal((48, 48)))
        expected = [found.matrix] * 3
    else:
        shape = (3, 1 if kind == "rank-one" else 3, 48)
        found = LowRankPerturbations(0.1 * rng.standard_normal(shape), rng.standard_normal(shape))
        expected = [sum(map(np.outer, found.left[t], found.right[t]), start=np.zeros((48, 48))) for t in range(3)]
    preactivation, hidden = perturbed_states(state, found, targets, backend)
    assert preactivation.shape == hidden.shape == (4, 3, 48)
    for t, target in enumerate(targets):
        W = instance.W + expected[t]
        np.testing.assert_allclose(perturbed_weights(instance, found, t), W, rtol=0, atol=1e-15)
        g, h = reference.forward(W, instance.A, instance.x, instance.activation)
        np.testing.assert_allclose(preactivation[:, t], g[:, target.sequence], rtol=1e-11, atol=1e-11)
        np.testing.assert_allclose(hidden[:, t], h[:, target.sequence], rtol=1e-11, atol=1e-11)


def test_no_perturbation_changes_nothing(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    none = np.zeros((2, 1, 48))
    preactivation, hidden = perturbed_states(
        state, LowRankPerturbations(none, none), (Target(1, 1), Target(1, 0)), backend
    )
    np.testing.assert_array_equal(preactivation, state.preactivation[:, ::-1])
    np.testing.assert_array_equal(hidden, state.hidden[:, ::-1])
