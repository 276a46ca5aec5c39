"""The climb: its gradients against central differences, its best point never below its start, and which point wins."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary.ball import random_point
from rnnconv_cli.adversary.climb import Objective, Points, better, climb, start_at, states_at
from rnnconv_cli.adversary.perturbation import State, Target
from rnnconv_cli.adversary.product_objective import ProductChange
from rnnconv_cli.adversary.remainder import remainder_at
from rnnconv_cli.adversary.state_objectives import Flips, HiddenChange
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend

DrawState = Callable[..., State]

TARGETS = (Target(3, 0), Target(2, 1), Target(1, 0))
OBJECTIVES: dict[str, Callable[[State, Backend], Objective]] = {
    "hidden": lambda state, backend: HiddenChange(state, TARGETS),
    "flips": lambda state, backend: Flips(state, TARGETS, 0.5),
    "product": lambda state, backend: ProductChange(state, TARGETS, 0.5),
    "remainder": remainder_at,
}


@pytest.fixture(params=OBJECTIVES)
def make(request: pytest.FixtureRequest) -> Callable[[State, Backend], Objective]:
    return OBJECTIVES[request.param]


def random_start(objective: Objective, size: float, backend: Backend, seed: int = 0) -> Points:
    shape = (objective.count, objective.rank, objective.state.hidden.shape[2])
    return start_at(objective, *random_point(np.random.default_rng(seed), shape, size), backend)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("name", ["hidden", "flips", "remainder"])
def test_gradient_is_the_central_difference(
    draw_state: DrawState, backend: Backend, name: str, activation: str, layers: str
) -> None:
    """Up to a positive factor, which a step does not see; the product's is smoothed and has no such test."""
    state = draw_state(activation=activation, layers=layers)
    objective = OBJECTIVES[name](state, backend)
    point = random_start(objective, 0.5, backend)
    left, right = objective.gradient(point, 0.5, backend)
    slopes, predicted = [], []
    for seed in range(4):
        toward = random_point(np.random.default_rng(10 + seed), (objective.count, 2, 48), 1e-6)
        scores = []
        for sign in (1.0, -1.0):
            ends = (
                np.concatenate([point.left, sign * toward[0]], axis=1),
                np.concatenate([point.right, toward[1]], axis=1),
            )
            scores.append(objective.scores(objective.at(*ends, point.direction, backend), 0.5))
        slopes.append((scores[0] - scores[1]) / 2e-6)
        pairs = (left @ toward[0].transpose(0, 2, 1)) * (right @ toward[1].transpose(0, 2, 1))
        predicted.append(pairs.sum(axis=(1, 2)) / 1e-6)
    factor = np.sum(np.array(slopes) * predicted, axis=0) / np.sum(np.square(predicted), axis=0)
    assert (factor > 0).all()
    np.testing.assert_allclose(slopes, factor * predicted, rtol=1e-3, atol=1e-3 * np.abs(slopes).max())


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_no_point_on_the_way_beats_the_one_returned(
    draw_state: DrawState, backend: Backend, make: Callable[[State, Backend], Objective], layers: str
) -> None:
    for seed in range(3):
        objective = make(draw_state(seed=seed, layers=layers), backend)
        start = random_start(objective, 0.5, backend, seed)
        values = [climb(objective, start, 0.5, steps, backend).values for steps in range(4)]
        np.testing.assert_array_equal(values[0], start.values)
        for later in values[1:]:
            assert np.all(later >= start.values)
        assert np.mean(values[-1]) > np.mean(start.values)


def test_what_is_found_stays_in_the_ball(
    draw_state: DrawState, backend: Backend, make: Callable[[State, Backend], Objective]
) -> None:
    objective = make(draw_state(), backend)
    found = climb(objective, random_start(objective, 0.5, backend), 0.5, 5, backend)
    norms = np.linalg.norm(found.left.transpose(0, 2, 1) @ found.right, 2, axis=(1, 2))
    assert norms.max() <= 0.5 * (1 + 1e-12)


def test_the_value_is_that_of_its_states(
    draw_state: DrawState, backend: Backend, make: Callable[[State, Backend], Objective]
) -> None:
    """Picking, target by target, keeps a point's factors, states and value together."""
    objective = make(draw_state(), backend)
    found = climb(objective, random_start(objective, 0.5, backend), 0.5, 3, backend)
    again = objective.at(found.left, found.right, found.direction, backend)
    np.testing.assert_allclose(again.hidden, found.hidden, atol=1e-12)
    np.testing.assert_allclose(again.preactivation, found.preactivation, atol=1e-12)
    assert np.all(again.values >= found.values * (1 - 1e-9))  # a product's power iteration has gone on


def test_states_are_those_at_the_dense_weights(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state(n_sequences=3)
    instance, rng = state.instance, np.random.default_rng(0)
    left, right = 0.1 * rng.standard_normal((4, 2, 48)), rng.standard_normal((4, 2, 48))
    sequences = np.array([[2, 0], [1, 1]])
    preactivation, hidden = states_at(state, sequences, left, right, backend)
    assert preactivation.shape == hidden.shape == (4, 4, 2, 48)
    for point in range(4):
        g, h = reference.forward(instance.W + left[point].T @ right[point], instance.A, instance.x, instance.activation)
        for run, sequence in enumerate(sequences[point % 2]):
            np.testing.assert_allclose(preactivation[:, point, run], g[:, sequence], atol=1e-12)
            np.testing.assert_allclose(hidden[:, point, run], h[:, sequence], atol=1e-12)


def points_of(values: list[float]) -> Points:
    """Points told apart by their factors: 0, 1, 2, …."""
    count = len(values)
    mark = np.arange(float(count))
    states = np.tile(mark[None, :, None, None], (2, 1, 1, 1))
    return Points(mark[:, None, None], mark[:, None, None], states, states, np.array(values), mark[:, None])


def test_each_target_takes_its_own_best() -> None:
    kept, tried = points_of([1.0, 5.0]), points_of([0.5, 2.0, 3.0, 4.0, 2.5, 6.0])
    chosen = better(kept, kept.values, tried, tried.values)
    assert chosen.values.tolist() == [3.0, 6.0]
    for array in (chosen.left[:, 0, 0], chosen.hidden[1, :, 0, 0], chosen.direction[:, 0]):
        assert array.tolist() == [2.0, 5.0]


@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_a_point_that_overflowed_is_the_best(lost: float) -> None:
    """With its own factors, and for its own target alone; nothing is better than it."""
    kept, tried = points_of([1.0, 1.0]), points_of([2.0, 2.0, lost, 3.0, 4.0, 0.5])
    chosen = better(kept, kept.values, tried, tried.values)
    assert chosen.left[:, 0, 0].tolist() == [2.0, 3.0]
    np.testing.assert_array_equal(chosen.values, [lost, 3.0])
    other = points_of([5.0, -np.inf, np.inf, 5.0, np.nan, np.inf])
    assert better(chosen, chosen.values, other, other.values).left[:, 0, 0].tolist() == [2.0, 1.0]


@np.errstate(all="ignore")
def test_a_climb_ends_where_the_network_blows_up(
    draw_state: DrawState, backend: Backend, make: Callable[[State, Backend], Objective]
) -> None:
    """It has no gradient to go on with; what is returned is a W' of the ball, under which states are not finite."""
    objective = make(draw_state(), backend)
    found = climb(objective, random_start(objective, 1e120, backend), 1e120, 4, backend)
    assert np.isfinite(found.left).all()
    assert np.isfinite(found.right).all()
    assert not np.isfinite(found.hidden).all()
    assert not np.isfinite(found.values).all()


@np.errstate(all="ignore")
def test_a_product_that_overflows_is_infinite_and_not_zero(draw_state: DrawState, backend: Backend) -> None:
    """The states of one step stay below 1e308, the norm of the change of a product of three does not."""
    objective = ProductChange(draw_state(), TARGETS, 1e60)
    start = random_start(objective, 1e60, backend)
    assert np.isfinite(start.hidden).all()
    assert np.isinf(start.values).all()


def test_scores_that_differ_by_rounding_are_equal() -> None:
    kept, tried = points_of([1.0]), points_of([1 + 1e-12])
    assert better(kept, kept.values, tried, tried.values).values.tolist() == [1.0]
    tried = points_of([2.0, 2.0 + 1e-12])
    chosen: Array = better(kept, kept.values, tried, tried.values).values
    assert chosen.tolist() == [2.0]


def test_a_dead_network_stays_where_it_is(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state(horizon=2)
    state.hidden[:] = 0
    objective = HiddenChange(state, (Target(1, 0),))
    point = random_start(objective, 0.5, backend)
    dead = Points(point.left, point.right, point.preactivation - 1e3, 0 * point.hidden, point.values, point.direction)
    left, right = objective.gradient(dead, 0.0, backend)
    assert not (left.transpose(0, 2, 1) @ right).any()
    assert np.isfinite(climb(objective, dead, 0.5, 2, backend).left).all()
