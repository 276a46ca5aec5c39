"""Each closed form against what it claims to be the worst for, by hand and by brute force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from rnnconv_cli.adversary.constructed import (
    fresh_direction,
    gaussian,
    gradient,
    kinks,
    loss_kinks,
    single_row,
    training_displacement,
    weighted_kinks,
)
from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target, perturbed_states, state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]
DrawState = Callable[..., State]
FitLabels = Callable[[Instance, Backend], Instance]
EveryTarget = Callable[[State], tuple[Target, ...]]

SEEDS = range(6)


def at_target(state: State, found: LowRankPerturbations, target: Target, t: int, backend: Backend) -> Array:
    """Return the pre-activation at target number t under its W'."""
    one = LowRankPerturbations(found.left[t : t + 1], found.right[t : t + 1])
    preactivation, _ = perturbed_states(state, one, (target,), backend)
    return np.asarray(preactivation[target.layer, 0])


def back_row(state: State, target: Target) -> Array:
    """Return Back_{l->L} (d, m) at the target, multiplied out as Section 2 writes it."""
    instance, back = state.instance, state.instance.B
    for layer in range(state.hidden.shape[0] - 1, target.layer, -1):
        back = back @ np.diag(state.pattern[layer, target.sequence]) @ reference.weights_of_layer(instance.W, layer)
    return back


# --- the direction that touches no earlier layer ----------------------------------------------------------------------


def test_direction_is_the_last_step_of_gram_schmidt(draw_state: DrawState) -> None:
    state = draw_state(horizon=6)
    for layer in range(1, 6):
        direction, length = fresh_direction(state, Target(layer, 1))
        states = state.hidden[:layer, 1]
        assert np.linalg.norm(direction) == pytest.approx(1, rel=1e-14)
        np.testing.assert_allclose(states[:-1] @ direction, 0, atol=1e-14)
        assert states[-1] @ direction == pytest.approx(length, rel=1e-13)
        others = np.linalg.lstsq(states[:-1].T, states[-1])[0] if layer > 1 else np.zeros(0)
        assert length == pytest.approx(float(np.linalg.norm(states[-1] - states[:-1].T @ others)), rel=1e-12)


def test_direction_of_the_second_layer_is_the_first_state(draw_state: DrawState) -> None:
    state = draw_state()
    direction, length = fresh_direction(state, Target(1, 0))
    np.testing.assert_allclose(direction * length, state.hidden[0, 0], rtol=1e-14)


@pytest.mark.parametrize("own", [0.0, 1.0], ids=["zero", "repeated"])
def test_a_state_without_a_part_of_its_own_is_refused(draw_state: DrawState, own: float) -> None:
    state = draw_state()
    state.hidden[1, 0] = own * state.hidden[0, 0]
    with pytest.raises(MeasurementError, match=r"layer 3 of sequence 1: .*no part of its own.*larger width"):
        fresh_direction(state, Target(2, 0))


# --- kinks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("tau0", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("order", [kinks, weighted_kinks])
def test_exactly_the_chosen_units_flip(
    draw_state: DrawState,
    every_target: EveryTarget,
    backend: Backend,
    order: Callable[..., LowRankPerturbations],
    tau0: float,
    layers: str,
) -> None:
    state = draw_state(width=64, layers=layers)
    targets = every_target(state)
    found = order(state, tau0 / 8, targets, backend)
    for t, target in enumerate(targets):
        after = at_target(state, found, target, t, backend)
        before = state.preactivation[target.layer, target.sequence]
        np.testing.assert_array_equal((after >= 0) != (before >= 0), found.left[t, 0] != 0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [0.05, 0.2, 1.0])
def test_kinks_are_the_smallest_and_one_more_is_beyond_the_budget(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, size: float, seed: int
) -> None:
    state = draw_state(width=64, seed=seed)
    targets = every_target(state)
    found = kinks(state, size, targets, backend)
    for t, target in enumerate(targets):
        g = np.sort(np.abs(state.preactivation[target.layer, target.sequence]))
        budget = size * fresh_direction(state, target)[1]
        count = np.count_nonzero(found.left[t])
        chosen = np.abs(state.preactivation[target.layer, target.sequence][found.left[t, 0] != 0])
        np.testing.assert_array_equal(np.sort(chosen), g[:count])
        assert np.linalg.norm(g[:count]) < budget
        assert count == 64 or np.linalg.norm(g[: count + 1]) >= budget


@pytest.mark.parametrize("seed", SEEDS)
def test_no_set_of_rows_within_the_budget_is_larger(draw_state: DrawState, backend: Backend, seed: int) -> None:
    state = draw_state(width=9, horizon=3, n_sequences=1, input_dim=3, seed=seed, activation="linear")
    target = Target(2, 0)
    _, length = fresh_direction(state, target)
    g = state.preactivation[2, 0]
    for size in (0.1, 0.5, 1.5):
        flipped = np.count_nonzero(kinks(state, size, (target,), backend).left)
        payable = [
            count
            for count in range(10)
            for rows in combinations(range(9), count)
            if np.linalg.norm(g[list(rows)]) < size * length
        ]
        assert flipped == max(payable)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_random_left_vector_flips_more(draw_state: DrawState, backend: Backend, seed: int) -> None:
    state = draw_state(seed=seed)
    target, size = Target(3, 1), 0.5
    found = kinks(state, size, (target,), backend)
    _, length = fresh_direction(state, target)
    g = state.preactivation[3, 1]
    y = np.random.default_rng(seed).standard_normal((2000, 48)) ** 3  # heavy tails: sparse vectors among them
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    flips = np.count_nonzero((g + size * length * y >= 0) != (g >= 0), axis=1)
    assert flips.max() <= np.count_nonzero(found.left)


def test_a_budget_below_the_first_kink_is_kept(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state()
    target = Target(1, 0)
    cheapest = float(np.abs(state.preactivation[1, 0]).min()) / fresh_direction(state, target)[1]
    assert not kinks(state, 0.99 * cheapest, (target,), backend).left.any()
    assert np.count_nonzero(kinks(state, 1.01 * cheapest, (target,), backend).left) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_flips_do_not_depend_on_the_unit_of_the_inputs(
    draw_instance: DrawInstance, backend: Backend, seed: int
) -> None:
    instance = draw_instance(seed=seed)
    scaled = replace(instance, x=4 * instance.x)  # a power of two: the same mantissas everywhere
    targets = (Target(1, 0), Target(3, 1))
    one, other = (kinks(state_of(each, backend), 0.5, targets, backend) for each in (instance, scaled))
    np.testing.assert_array_equal(one.left != 0, other.left != 0)


# --- kinks weighted by the backward signal ----------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("seed", SEEDS)
def test_weighted_kinks_carry_more_of_the_backward_signal(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, seed: int, layers: str
) -> None:
    state = draw_state(width=96, seed=seed, layers=layers)
    targets = every_target(state)
    carried = {}
    for order in (kinks, weighted_kinks):
        chosen = order(state, 0.4, targets, backend).left[:, 0] != 0
        signals = [np.linalg.norm(back_row(state, target)[:, chosen[t]]) ** 2 for t, target in enumerate(targets)]
        carried[order] = float(np.mean(signals))
    assert carried[weighted_kinks] > carried[kinks]


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_weighted_kinks_are_taken_by_signal_over_price(draw_state: DrawState, backend: Backend, layers: str) -> None:
    state = draw_state(layers=layers)
    for target in (Target(1, 0), Target(2, 1), Target(3, 0)):
        found = weighted_kinks(state, 0.5, (target,), backend)
        chosen = found.left[0, 0] != 0
        worth = np.linalg.norm(back_row(state, target), axis=0) / np.abs(
            state.preactivation[target.layer, target.sequence]
        )
        assert 0 < np.count_nonzero(chosen) < 48
        assert worth[chosen].min() >= worth[~chosen].max() * (1 - 1e-12)


# --- kinks that the loss gains from -----------------------------------------------------------------------------------


def gains_at(state: State, target: Target) -> Array:
    """Return sum over a of Back_{l->a}^T loss_a at the target, multiplied out as Section 2 writes it."""
    instance, i = state.instance, target.sequence
    residual = reference.residuals(instance.B, state.hidden, instance.labels)
    gain, back = np.zeros(instance.W.shape[1]), np.eye(instance.W.shape[1])
    for layer in range(target.layer, len(residual)):
        gain += back.T @ instance.B.T @ residual[layer, i]
        if layer + 1 < len(residual):
            back = np.diag(state.pattern[layer + 1, i]) @ reference.weights_of_layer(instance.W, layer + 1) @ back
    return gain


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("seed", SEEDS)
def test_loss_kinks_push_gaining_units_across_and_no_others(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, seed: int, layers: str
) -> None:
    state = draw_state(width=64, seed=seed, layers=layers)
    targets = every_target(state)
    found = loss_kinks(state, 0.5, targets, backend)
    for t, target in enumerate(targets):
        after, before = at_target(state, found, target, t, backend), state.preactivation[target.layer, target.sequence]
        pushed = found.left[t, 0] != 0
        np.testing.assert_array_equal((after >= 0) != (before >= 0), pushed)
        gain = gains_at(state, target)
        assert np.all(gain[pushed] > 0)
        shares = np.abs(found.left[t, 0, pushed]) / gain[pushed]
        np.testing.assert_allclose(shares, shares[0], rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_random_left_vector_gains_more_beyond_first_order(
    draw_state: DrawState, backend: Backend, seed: int
) -> None:
    """For a single layer the gain is sum of c_k (|delta_k| - |g_k|) over the units that cross, whatever delta is."""
    state, target, size = draw_state(seed=seed, horizon=2, n_sequences=1), Target(1, 0), 0.5
    g, gain = state.preactivation[1, 0], gains_at(state, target)
    length = fresh_direction(state, target)[1]

    def beyond(delta: Array) -> Array:
        crossed = (g + delta >= 0) != (g >= 0)
        return np.asarray(np.sum(np.where(crossed, gain * (np.abs(delta) - np.abs(g)), 0), axis=-1))

    found = float(beyond(length * loss_kinks(state, size, (target,), backend).left[0, 0]))
    y = np.random.default_rng(seed).standard_normal((5000, 48)) ** 3
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    toward = -np.where(g >= 0, 1, -1) * np.maximum(gain, 0)
    tilted = y + 3 * toward / np.linalg.norm(toward)  # near the best direction too
    tilted /= np.linalg.norm(tilted, axis=1, keepdims=True)
    assert max(beyond(size * length * y).max(), beyond(size * length * tilted).max()) <= found


def test_where_no_unit_can_gain_nothing_is_spent(
    draw_instance: DrawInstance, fit_labels: FitLabels, backend: Backend
) -> None:
    fitted = fit_labels(draw_instance(), backend)
    assert not loss_kinks(state_of(fitted, backend), 0.5, (Target(2, 0),), backend).left.any()


# --- one row ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_single_row_turns_the_whole_budget_into_flipped_mass(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, seed: int
) -> None:
    state, size = draw_state(seed=seed), 0.5
    targets = every_target(state)
    found = single_row(state, size, targets, backend)
    for t, target in enumerate(targets):
        before = state.preactivation[target.layer, target.sequence]
        after = at_target(state, found, target, t, backend)
        row = int(np.argmin(np.abs(before)))
        flipped = (after >= 0) != (before >= 0)
        np.testing.assert_array_equal(np.flatnonzero(flipped), [row])
        mass = np.linalg.norm(flipped * after)
        budget = size * fresh_direction(state, target)[1]
        assert mass == pytest.approx(budget - abs(before[row]), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_left_vector_flips_more_mass(draw_state: DrawState, backend: Backend, seed: int) -> None:
    state, size = draw_state(seed=seed), 0.5
    target = Target(2, 0)
    g, budget = state.preactivation[2, 0], size * fresh_direction(state, target)[1]
    rng = np.random.default_rng(seed)
    y = np.concatenate([rng.standard_normal((500, 48)) ** 3, np.eye(48), -np.eye(48)])
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    after = g + budget * y
    masses = np.linalg.norm(after * ((after >= 0) != (g >= 0)), axis=1)
    assert masses.max() <= (budget - np.abs(g).min()) * (1 + 1e-12)


# --- matrices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_gradient_points_down_the_loss(draw_state: DrawState, backend: Backend, activation: str, layers: str) -> None:
    state = draw_state(activation=activation, layers=layers)
    instance = state.instance
    residual = reference.residuals(instance.B, state.hidden, instance.labels)
    signals = reference.backward(instance.W, instance.B, state.pattern, residual)
    expected = -reference.weight_gradient(signals, state.hidden, instance.W.shape[0]).sum(axis=0)
    found = gradient(state, 0.5, (), backend).matrix
    cosine = np.sum(found * expected) / (np.linalg.norm(found) * np.linalg.norm(expected))
    assert cosine == pytest.approx(1, abs=1e-13)

    def loss_at(size: float) -> float:
        W = instance.W + gradient(state, size, (), backend).matrix
        hidden = reference.forward(W, instance.A, instance.x, instance.activation)[1]
        return reference.loss(reference.residuals(instance.B, hidden, instance.labels))

    assert loss_at(1e-4) < loss_at(0.0)


def test_a_network_without_a_gradient_is_refused(draw_instance: DrawInstance, backend: Backend) -> None:
    instance = draw_instance()
    silent = replace(instance, A=-np.abs(instance.A), x=np.abs(instance.x))
    with pytest.raises(MeasurementError, match="direction is zero"):
        gradient(state_of(silent, backend), 0.5, (), backend)


def test_gaussian_aims_at_nothing(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state(width=128)
    found = gaussian(state, 1.0, (), backend).matrix
    # a Gaussian matrix of spectral norm 1 has entries of deviation 1/(2 sqrt m): its edge lies at 2 sqrt m
    assert np.std(found) * 2 * np.sqrt(128) == pytest.approx(1, abs=0.05)
    assert abs(np.mean(found)) < 6 * np.std(found) / 128
    other = gaussian(draw_state(width=128, seed=1), 1.0, (), backend).matrix
    assert abs(np.corrcoef(found.ravel(), other.ravel())[0, 1]) < 6 / 128


def test_gaussian_is_the_same_for_every_kind_of_layer(draw_state: DrawState, backend: Backend) -> None:
    shared, independent = (gaussian(draw_state(layers=kind), 1.0, (), backend) for kind in ("shared", "independent"))
    np.testing.assert_array_equal(shared.matrix, independent.matrix)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_displacement_is_where_a_descent_run_of_its_own_goes(
    draw_state: DrawState, backend: Backend, layers: str
) -> None:
    state = draw_state(layers=layers)
    instance = state.instance
    W, steps = instance.W.copy(), 20
    losses, norms, everything = np.empty(steps), np.empty(steps), np.empty((steps, 0), dtype=np.int64)
    data = (instance.A, instance.B, instance.x, instance.labels, instance.activation)
    reference.descend(W, *data, 1 / 48, everything, 0, steps, 0.0, np.inf, losses, norms)
    expected = (W - instance.W).sum(axis=0)
    found = training_displacement(state, 0.5, (), backend).matrix
    cosine = np.sum(found * expected) / (np.linalg.norm(found) * np.linalg.norm(expected))
    assert losses[-1] < losses[0]
    assert cosine == pytest.approx(1, abs=1e-9)
    assert np.linalg.norm(found, 2) == pytest.approx(0.5, rel=2e-3)


@np.errstate(all="ignore")
def test_a_step_too_large_for_descent_is_halved_until_it_descends(
    draw_instance: DrawInstance, backend: Backend
) -> None:
    steep = replace(draw_instance(), B=100 * draw_instance().B)
    assert np.isfinite(training_displacement(state_of(steep, backend), 0.5, (), backend).matrix).all()


def test_a_network_that_does_not_move_is_refused(
    draw_instance: DrawInstance, fit_labels: FitLabels, backend: Backend
) -> None:
    fitted = fit_labels(draw_instance(), backend)
    with pytest.raises(MeasurementError, match="direction is zero"):
        training_displacement(state_of(fitted, backend), 0.5, (), backend)
