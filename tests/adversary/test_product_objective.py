"""The change of a product: its norm against dense products, and its smoothed gradient against differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary import product_objective
from rnnconv_cli.adversary.ball import inner_product, random_point
from rnnconv_cli.adversary.climb import start_at
from rnnconv_cli.adversary.perturbation import State, Target
from rnnconv_cli.adversary.product_objective import ProductChange
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend

DrawState = Callable[..., State]

TARGETS = (Target(2, 1), Target(1, 0))


def product_of(W: Array, pattern: Array) -> Array:
    """Return D_L W ... D_2 W, multiplied out."""
    product = np.eye(W.shape[1])
    for layer in range(1, len(pattern)):
        product = pattern[layer][:, None] * reference.weights_of_layer(W, layer) @ product
    return product


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("size", [1e-3, 0.8])
def test_value_is_the_norm_of_the_dense_difference(
    draw_state: DrawState, backend: Backend, size: float, layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_objective, "FIRST_POWER_STEPS", 200)
    state = draw_state(layers=layers)
    instance = state.instance
    points = start_at(
        ProductChange(state, TARGETS, size), *random_point(np.random.default_rng(0), (2, 2, 48), size), backend
    )
    for t, target in enumerate(TARGETS):
        W = instance.W + points.left[t].T @ points.right[t]
        g, _ = reference.forward(W, instance.A, instance.x, instance.activation)
        after = reference.activation_pattern(g[:, target.sequence], instance.activation)
        change = product_of(W, after) - product_of(instance.W, state.pattern[:, target.sequence])
        norms = np.linalg.svd(change, compute_uv=False)
        assert points.values[t] == pytest.approx(norms[0], rel=1e-2)
        assert points.values[t] <= norms[0] * (1 + 1e-12)
        assert np.linalg.norm(change @ points.direction[t]) == pytest.approx(norms[0], rel=1e-2)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_gradient_of_a_smooth_network_is_the_central_difference(
    draw_state: DrawState, backend: Backend, activation: str, layers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of y^T D_L W ... D_2 W z with y, z held, whose derivative is also that of the norm once they have converged."""
    monkeypatch.setattr(product_objective, "FIRST_POWER_STEPS", 2000)
    monkeypatch.setattr(product_objective, "POWER_STEPS", 200)
    state = draw_state(activation=activation, layers=layers, width=20)
    objective = ProductChange(state, TARGETS[:1], 0.8)
    point = start_at(objective, *random_point(np.random.default_rng(0), (1, 2, 20), 0.8), backend)
    left, right = objective.gradient(point, 0.0, backend)
    for seed in range(3):
        toward = random_point(np.random.default_rng(seed + 5), (1, 1, 20), 1e-5)
        values = []
        for sign in (1.0, -1.0):
            ends = (np.concatenate([point.left, sign * toward[0]], 1), np.concatenate([point.right, toward[1]], 1))
            values.append(objective.at(*ends, point.direction, backend).values[0])
        predicted = 2 * float(inner_product(left, right, *toward)[0])
        assert values[0] - values[1] == pytest.approx(predicted, rel=1e-4, abs=1e-9)


def test_patterns_enter_the_gradient(draw_state: DrawState, backend: Backend) -> None:
    """The factors of the patterns stand behind those of the weights, and are not zero where units are near a kink."""
    state = draw_state()
    objective = ProductChange(state, TARGETS, 0.8)
    point = start_at(objective, *random_point(np.random.default_rng(0), (2, 2, 48), 0.8), backend)
    left, right = objective.gradient(point, 0.0, backend)
    assert left.shape == right.shape == (2, objective.rank, 48)
    assert np.linalg.norm(left[:, :3]) > 0
    assert np.linalg.norm(left[:, 3:]) > 0


def test_no_perturbation_has_no_norm(draw_state: DrawState, backend: Backend) -> None:
    none = np.zeros((2, 1, 48))
    points = start_at(ProductChange(draw_state(), TARGETS, 0.8), none, none, backend)
    assert points.values.tolist() == [0.0, 0.0]
    assert np.isfinite(points.direction).all()
