"""What is ascended of states, against the measurements that it stands for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary.ball import random_point
from rnnconv_cli.adversary.climb import Points, start_at
from rnnconv_cli.adversary.constructed import kinks
from rnnconv_cli.adversary.perturbation import State, Target
from rnnconv_cli.adversary.state_objectives import Flips, HiddenChange
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend

DrawState = Callable[..., State]

TARGETS = (Target(3, 0), Target(1, 1), Target(2, 0))


def states_after(state: State, points: Points, t: int) -> tuple[Array, Array]:
    """Return (g, h) of target number t, at the dense W + W'."""
    instance = state.instance
    W = instance.W + points.left[t].T @ points.right[t]
    g, h = reference.forward(W, instance.A, instance.x, instance.activation)
    return g[:, TARGETS[t].sequence], h[:, TARGETS[t].sequence]


def test_hidden_change_is_the_distance_at_the_target(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    objective = HiddenChange(state, TARGETS)
    points = start_at(objective, *random_point(np.random.default_rng(0), (3, 2, 48), 0.8), backend)
    for t, target in enumerate(TARGETS):
        moved = states_after(state, points, t)[1][target.layer] - state.hidden[target.layer, target.sequence]
        assert points.values[t] == pytest.approx(float(np.linalg.norm(moved)), rel=1e-12)
        assert objective.scores(points, 0.3)[t] == points.values[t]


def test_flips_are_those_of_the_target_layer(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    found = kinks(state, 0.8, TARGETS, backend)
    points = start_at(Flips(state, TARGETS, 0.8), found.left, found.right, backend)
    for t, target in enumerate(TARGETS):
        flipped = (states_after(state, points, t)[0] >= 0) != (state.preactivation[:, target.sequence] >= 0)
        assert points.values[t] == np.count_nonzero(flipped[target.layer]) == np.count_nonzero(found.left[t])


def test_smoothed_flips_come_near_the_count_as_they_sharpen(
    draw_state: DrawState, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = draw_state()
    objective = Flips(state, TARGETS, 0.8)
    points = start_at(objective, *random_point(np.random.default_rng(0), (3, 2, 48), 0.8), backend)
    wide, sharp = (np.abs(objective.scores(points, progress) - points.values) for progress in (0.0, 1.0))
    assert wide.mean() > sharp.mean()
    monkeypatch.setattr("rnnconv_cli.adversary.state_objectives.SHARPENED_TO", 1e-12)
    np.testing.assert_allclose(objective.scores(points, 1.0), points.values, atol=1e-9)


def test_one_unit_by_hand(draw_state: DrawState, backend: Backend) -> None:
    """At zero perturbation a unit at distance |g| from its kink counts 1/(1 + exp(|g|/width))."""
    state = draw_state(width=1, n_sequences=1, horizon=2, input_dim=3)
    target = (Target(1, 0),)
    none = np.zeros((1, 1, 1))
    objective = Flips(state, target, 1e-9)
    points = start_at(objective, none, none, backend)
    assert points.values.tolist() == [0.0]
    assert objective.scores(points, 0.0)[0] == pytest.approx(1 / (1 + np.e), rel=1e-12)  # the width is |g| itself
    assert objective.scores(points, 1.0)[0] == pytest.approx(1 / (1 + np.exp(10)), rel=1e-9)


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_the_smoothing_follows_the_unit_of_the_inputs(draw_state: DrawState, backend: Backend, factor: float) -> None:
    state = draw_state()
    scaled = State(state.instance, factor * state.preactivation, factor * state.hidden, state.pattern)
    ones = np.ones((1, 1, 48))
    points = start_at(Flips(state, TARGETS, 0.5), np.tile(0.01 * ones, (3, 1, 1)), np.tile(ones, (3, 1, 1)), backend)
    larger = Points(
        points.left,
        points.right,
        factor * points.preactivation,
        factor * points.hidden,
        points.values,
        points.direction,
    )
    np.testing.assert_allclose(
        Flips(scaled, TARGETS, 0.5).scores(larger, 0.5), Flips(state, TARGETS, 0.5).scores(points, 0.5), rtol=1e-12
    )
