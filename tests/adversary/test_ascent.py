"""The linearised ascent against the bilinear optimum, every other adversary and random directions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES, ascent
from rnnconv_cli.adversary.ascent import linearised_ascent
from rnnconv_cli.adversary.perturbation import (
    DensePerturbation,
    LowRankPerturbations,
    Perturbation,
    State,
    Target,
    perturbed_states,
)
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend

DrawState = Callable[..., State]
EveryTarget = Callable[[State], tuple[Target, ...]]

SEEDS = range(5)
OF_RANK_ONE_OR_DENSE = tuple(name for name in ADVERSARIES if not name.startswith("ascent-"))


def steps_to_target(state: State, target: Target) -> list[tuple[Array, Array]]:
    """Return (D_l W ... D_{a+1}, h_a) for a = 1..l-1: h'_l = sum over a of the first times W' times the second."""
    i, pairs = target.sequence, []
    product = np.eye(state.hidden.shape[2])
    for layer in range(target.layer, 0, -1):
        product = product * state.pattern[layer, i]
        pairs.append((product, state.hidden[layer - 1, i]))
        product = product @ reference.weights_of_layer(state.instance.W, layer)
    return pairs


def linearised_change(state: State, target: Target, matrix: Array) -> float:
    change = sum(product @ (matrix @ hidden) for product, hidden in steps_to_target(state, target))
    return float(np.linalg.norm(change))


def matrix_of(found: Perturbation, t: int) -> Array:
    return found.matrix if isinstance(found, DensePerturbation) else found.left[t].T @ found.right[t]


def dense_optimum(state: State, target: Target, starts: int, seed: int) -> float:
    """Return the best of many starts of alternating singular value decompositions of the bilinear map (y, u)."""
    rng = np.random.default_rng(seed)
    products = np.array([product for product, _ in steps_to_target(state, target)])
    states = np.array([hidden for _, hidden in steps_to_target(state, target)])
    best = 0.0
    for _ in range(starts):
        u = np.asarray(rng.standard_normal(states.shape[1]))
        u /= np.linalg.norm(u)
        value = 0.0
        for _ in range(100):
            _, _, right = np.linalg.svd(np.einsum("a,aij->ij", states @ u, products))
            _, values, right = np.linalg.svd(np.einsum("ai,aj->ij", products @ right[0], states))
            u = right[0]
            if values[0] <= value * (1 + 1e-9):
                break
            value = float(values[0])
        best = max(best, value)
    return best


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_linearised_change_is_what_it_climbs(
    draw_state: DrawState, backend: Backend, activation: str, layers: str
) -> None:
    """The map above is the derivative of the forward pass, so that a tiny W' moves the state by just as much."""
    state, size = draw_state(layers=layers, activation=activation), 1e-7
    target = Target(3, 1)
    found = linearised_ascent(state, size, (target,), backend)
    _, hidden = perturbed_states(state, found, (target,), backend)
    moved = float(np.linalg.norm(hidden[3, 0] - state.hidden[3, 1]))
    assert moved == pytest.approx(linearised_change(state, target, matrix_of(found, 0)), rel=1e-5)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_adversary_and_no_random_direction_moves_a_state_further(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, seed: int, layers: str
) -> None:
    state = draw_state(seed=seed, layers=layers)
    targets = every_target(state)
    rng = np.random.default_rng(seed)
    found = {name: ADVERSARIES[name](state, 1.0, targets, backend) for name in OF_RANK_ONE_OR_DENSE}
    for t, target in enumerate(targets):
        reached = linearised_change(state, target, matrix_of(found["linearised-ascent"], t))
        for name in OF_RANK_ONE_OR_DENSE:
            assert linearised_change(state, target, matrix_of(found[name], t)) <= reached * (1 + 1e-9), name
        for _ in range(10):
            y, u = rng.standard_normal((2, state.hidden.shape[2]))
            u_best = (
                u @ state.hidden[:, target.sequence].T @ state.hidden[:, target.sequence]
            )  # within the states' span
            for right in (u, u_best):
                matrix = np.outer(y, right) / (np.linalg.norm(y) * np.linalg.norm(right))
                assert linearised_change(state, target, matrix) <= reached


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_ascent_comes_close_to_the_bilinear_optimum(draw_state: DrawState, backend: Backend, layers: str) -> None:
    """Two starts may both end at a lower maximum of (y, u), but not far below, and seldom."""
    shares = []
    for seed in SEEDS:
        state = draw_state(width=14, n_sequences=1, seed=seed, layers=layers)
        for target in (Target(1, 0), Target(2, 0), Target(3, 0)):
            found = linearised_ascent(state, 1.0, (target,), backend)
            reached = linearised_change(state, target, matrix_of(found, 0))
            shares.append(reached / dense_optimum(state, target, starts=8, seed=seed))
    assert max(shares) <= 1 + 1e-9
    assert min(shares) >= 0.8
    assert np.mean(shares) >= 0.97


def test_one_layer_after_the_first_token_has_a_closed_optimum(draw_state: DrawState, backend: Backend) -> None:
    """h'_2 = D_2 y <u, h_1>: u along h_1 and y among the active units give exactly ||h_1||."""
    state = draw_state()
    found = linearised_ascent(state, 0.5, (Target(1, 0),), backend)
    h = state.hidden[0, 0]
    assert linearised_change(state, Target(1, 0), matrix_of(found, 0)) == pytest.approx(
        0.5 * np.linalg.norm(h), rel=1e-12
    )
    assert abs(found.right[0, 0] @ h) == pytest.approx(np.linalg.norm(h), rel=1e-12)


def test_the_value_does_not_fall_from_one_alternation_to_the_next(
    draw_state: DrawState, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, values = Target(3, 0), []
    for alternations in range(1, 6):
        monkeypatch.setattr(ascent, "ALTERNATIONS", alternations)
        state = draw_state()  # a state of its own each time: the ascent is remembered by state
        found = linearised_ascent(state, 1.0, (target,), backend)
        values.append(linearised_change(state, target, matrix_of(found, 0)))
    assert all(later >= earlier * (1 - 1e-12) for earlier, later in pairwise(values))


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("width", [1, 2, 16])
def test_a_fresh_computation_has_the_same_bits(
    draw_state: DrawState, backend: Backend, width: int, layers: str
) -> None:
    """Also where the Krylov space of the start is exhausted: for the second layer it has two dimensions."""
    targets = (Target(1, 0), Target(1, 1))
    for seed in SEEDS:
        states = [draw_state(width=width, horizon=2, seed=seed, layers=layers) for _ in range(4)]
        if states[0].hidden[0].any(axis=1).all():  # a single unit is inactive for every other token
            found = [linearised_ascent(state, 1.0, targets, backend) for state in states]
            for other in found[1:]:
                np.testing.assert_array_equal(other.left, found[0].left)
                np.testing.assert_array_equal(other.right, found[0].right)


def test_size_scales_one_direction(draw_state: DrawState, every_target: EveryTarget, backend: Backend) -> None:
    state = draw_state()
    one, half = (linearised_ascent(state, size, every_target(state), backend) for size in (1.0, 0.5))
    np.testing.assert_array_equal(half.left, 0.5 * one.left)
    np.testing.assert_array_equal(half.right, one.right)
    assert isinstance(one, LowRankPerturbations)


def test_relabelling_the_hidden_units_relabels_the_optimum(draw_state: DrawState, backend: Backend) -> None:
    """Both starts climb to the same value: the ascent sees the network, not the order of its units."""
    state = draw_state(width=20, n_sequences=1)
    optimum = dense_optimum(state, Target(3, 0), starts=6, seed=1)
    order = np.random.default_rng(0).permutation(20)
    instance = state.instance
    relabelled = State(instance, state.preactivation[..., order], state.hidden[..., order], state.pattern[..., order])
    relabelled.instance.W[:] = instance.W[:, order][:, :, order]
    assert dense_optimum(relabelled, Target(3, 0), starts=6, seed=2) == pytest.approx(optimum, rel=1e-6)
    found = linearised_ascent(relabelled, 1.0, (Target(3, 0),), backend)
    assert linearised_change(relabelled, Target(3, 0), matrix_of(found, 0)) >= 0.9 * optimum


@pytest.mark.parametrize("lost", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_of_two_climbs_the_one_that_overflows_is_the_best(
    draw_state: DrawState, backend: Backend, monkeypatch: pytest.MonkeyPatch, lost: float, place: int
) -> None:
    ends = iter([(np.full(48, float(k)), np.ones(48), lost if k == place else 1.0) for k in range(2)])
    monkeypatch.setattr(ascent, "_climb", lambda *_: next(ends))
    found = linearised_ascent(draw_state(), 1.0, (Target(3, 0),), backend)
    assert found.left[0, 0].tolist() == [float(place)] * 48
