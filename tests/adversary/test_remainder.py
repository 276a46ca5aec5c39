"""The remainder of the loss beyond its first order, against losses and gradients of dense weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary.ball import random_point
from rnnconv_cli.adversary.climb import start_at
from rnnconv_cli.adversary.perturbation import State, state_of
from rnnconv_cli.adversary.remainder import remainder_at
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance

DrawState = Callable[..., State]
FitLabels = Callable[[Instance, Backend], Instance]


def loss_at(instance: Instance, W: Array) -> float:
    hidden = reference.forward(W, instance.A, instance.x, instance.activation)[1]
    return reference.loss(reference.residuals(instance.B, hidden, instance.labels))


def gradient_at(instance: Instance) -> Array:
    g, hidden = reference.forward(instance.W, instance.A, instance.x, instance.activation)
    residual = reference.residuals(instance.B, hidden, instance.labels)
    pattern = reference.activation_pattern(g, instance.activation)
    signals = reference.backward(instance.W, instance.B, pattern, residual)
    return np.asarray(reference.weight_gradient(signals, hidden, 1)[0])


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("activation", ["relu", "linear", "tanh"])
def test_remainder_is_the_loss_less_its_first_order(
    draw_state: DrawState, backend: Backend, activation: str, layers: str
) -> None:
    state = draw_state(activation=activation, layers=layers)
    instance, beyond = state.instance, remainder_at(state, backend)
    left, right = random_point(np.random.default_rng(0), (1, 3, 48), 0.5)
    matrix = left[0].T @ right[0]
    slope = float(np.sum(gradient_at(instance) * matrix))
    expected = loss_at(instance, instance.W + matrix) - loss_at(instance, instance.W) - slope
    assert start_at(beyond, left, right, backend).values[0] == pytest.approx(expected, rel=1e-9)
    assert beyond.of_matrix(matrix, backend) == pytest.approx(expected, rel=1e-9)
    assert beyond.first_order_of(left, right)[0] == pytest.approx(slope, rel=1e-9)
    assert beyond.first_order_of_matrix(matrix) == pytest.approx(slope, rel=1e-9)


def test_a_linear_network_of_two_layers_has_the_quadratic_part_alone(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state(activation="linear", horizon=2)
    instance = state.instance
    left, right = random_point(np.random.default_rng(0), (1, 3, 48), 0.5)
    moved = state.hidden[0] @ right[0].T @ left[0] @ instance.B.T
    value = remainder_at(state, backend).of_matrix(left[0].T @ right[0], backend)
    assert value == pytest.approx(float(np.sum(moved**2) / 2), rel=1e-10)


def test_tiny_perturbations_lose_no_digits(draw_state: DrawState, backend: Backend) -> None:
    """f is of order 1 and the remainder of order 1e-12: the difference of losses would be noise."""
    beyond = remainder_at(draw_state(), backend)
    left, right = random_point(np.random.default_rng(0), (1, 3, 48), 1.0)
    tiny, tinier = (start_at(beyond, size * left, right, backend).values[0] for size in (1e-6, 5e-7))
    assert tiny == pytest.approx(4 * tinier, rel=1e-4)


def test_labels_fitted_at_the_state_leave_half_the_square(
    draw_state: DrawState, fit_labels: FitLabels, backend: Backend
) -> None:
    fitted = fit_labels(draw_state().instance, backend)
    beyond = remainder_at(state_of(fitted, backend), backend)
    assert not beyond.residual.any()
    assert not beyond.signals.any()
    left, right = random_point(np.random.default_rng(0), (1, 3, 48), 0.5)
    assert beyond.of_matrix(left[0].T @ right[0], backend) == pytest.approx(
        loss_at(fitted, fitted.W + left[0].T @ right[0]), rel=1e-10
    )
