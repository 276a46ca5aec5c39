"""Descent runs against descent written by hand, and what is read off them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import compiled, reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import memory
from rnnconv_cli.measure import training as module
from rnnconv_cli.measure.cost import seconds_per_step
from rnnconv_cli.measure.selfcheck import gradient_of
from rnnconv_cli.measure.tangent import spectrum
from rnnconv_cli.measure.training import Run, clash_floor, descend, initial_loss, run, step_size, training_of
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Status, TrainingSetting, Trial

DrawInstance = Callable[..., Instance]
MakeTraining = Callable[..., TrainingSetting]
MakeTrial = Callable[..., Trial]
MemoryGrowth = Callable[[str, str], int]


def run_of(losses: Any, *, floor: float = 0.0) -> Run:
    return Run(np.array(losses, dtype=float), np.zeros(len(losses)), np.zeros((1, 1, 1)), Status.OK, 0.1, floor)


def only(instance: Instance, sequences: tuple[int, ...]) -> Instance:
    """Return the instance with these sequences alone, whose loss is the sum of their f_i."""
    chosen = list(sequences)
    x, labels = (np.ascontiguousarray(array[:, chosen]) for array in (instance.x, instance.labels))
    return replace(instance, x=x, labels=labels)


# --- the run itself ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_gradient_descent_is_the_one_written_by_hand(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend, activation: str, layers: str
) -> None:
    instance, eta = draw_instance(activation=activation, layers=layers), 2e-3
    found = descend(instance, make_training(max_steps=10), backend, eta, 0.0, 1e-9)
    assert found.status is Status.NOT_REACHED
    assert found.steps == 10
    assert (found.learning_rate, found.floor) == (eta, 0.0)
    current = instance
    for step in range(11):
        assert found.losses[step] == pytest.approx(initial_loss(current, reference), rel=1e-11)
        gradient = gradient_of(current, reference)
        if step < 10:
            assert found.gradient_norms[step] == pytest.approx(float(np.sum(gradient**2)), rel=1e-10)
            current = replace(current, W=current.W - eta * gradient)
    np.testing.assert_allclose(found.W, current.W, rtol=1e-10, atol=1e-12)  # W_10: what losses[10] was read at


def test_the_instance_is_left_as_it_was(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    instance = draw_instance()
    before = instance.W.copy()
    found = descend(instance, make_training(), backend, 1e-3, 0.0, 1e-3)
    np.testing.assert_array_equal(instance.W, before)
    assert found.losses[0] == initial_loss(instance, backend)


@pytest.mark.parametrize("method", ["gd", "sgd"])
@pytest.mark.parametrize("steps", [1, 37])
def test_bits_do_not_depend_on_the_chunk(
    draw_instance: DrawInstance,
    make_training: MakeTraining,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    steps: int,
) -> None:
    instance, training = draw_instance(), make_training(method=method, batch_size=1, max_steps=steps)
    found = []
    for seconds in (1e-12, 3 * seconds_per_step(instance.setting) * 1.01, 10.0):
        monkeypatch.setattr(module, "CHUNK_SECONDS", seconds)
        found.append(descend(instance, training, backend, 1e-3, 0.0, 1e-9))
    for other in found[1:]:
        np.testing.assert_array_equal(other.losses, found[0].losses)
        np.testing.assert_array_equal(other.gradient_norms[:-1], found[0].gradient_norms[:-1])
        np.testing.assert_array_equal(other.W, found[0].W)
        assert other.status is found[0].status


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("method", ["gd", "sgd"])
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy's own products keep no such promise")
def test_bits_do_not_depend_on_the_layers_held(
    draw_instance: DrawInstance,
    make_training: MakeTraining,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    layers: str,
) -> None:
    instance = draw_instance(horizon=12, n_sequences=9, width=8, layers=layers, weight_variance=1.0)
    training = make_training(method=method, batch_size=2, max_steps=20)
    initial, whole = initial_loss(instance, compiled), descend(instance, training, compiled, 1e-3, 0.0, 1e-9)
    held, of_all = [], compiled.descend

    def in_segments(*arguments: Any, segment: int) -> tuple[int, int]:
        held.append(segment)
        return of_all(*arguments, segment=segment)

    monkeypatch.setattr(compiled, "descend", in_segments)
    monkeypatch.setattr(memory, "LARGEST_RUN_BYTES", 0)
    monkeypatch.setattr(memory, "weight_bytes", lambda setting: 0)
    assert initial_loss(instance, compiled) == initial == whole.losses[0]
    found = descend(instance, training, compiled, 1e-3, 0.0, 1e-9)
    assert set(held) == {2}
    np.testing.assert_array_equal(found.losses, whole.losses)
    np.testing.assert_array_equal(found.gradient_norms[:-1], whole.gradient_norms[:-1])
    np.testing.assert_array_equal(found.W, whole.W)


@pytest.mark.parametrize("method", ["gd", "sgd"])
def test_a_longer_run_begins_like_a_shorter_one(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend, method: str
) -> None:
    instance = draw_instance(n_sequences=3)
    short, long = (
        descend(instance, make_training(method=method, max_steps=steps), backend, 1e-3, 0.0, 1e-9) for steps in (5, 40)
    )
    np.testing.assert_array_equal(long.losses[:6], short.losses)


def test_a_run_ends_where_its_target_is_met(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    instance = draw_instance(width=96)
    eta = step_size(instance, make_training(), backend)
    found = descend(instance, make_training(max_steps=2000), backend, eta, 0.0, 1e-3)
    assert found.status is Status.OK
    assert found.losses[-1] <= 1e-3 * found.losses[0] < found.losses[-2]
    assert found.first_step_at(1e-3) == found.steps
    assert initial_loss(replace(instance, W=found.W), backend) == found.losses[-1]


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("eta", [10.0, 1e200])
def test_a_run_that_blows_up_has_diverged(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend, eta: float
) -> None:
    instance = draw_instance(activation="linear")
    found = descend(instance, make_training(max_steps=200), backend, eta, 0.0, 1e-3)
    assert found.status is Status.DIVERGED
    assert found.steps < 20
    assert not found.losses[-1] <= 1e6 * found.losses[0]
    assert np.all(found.losses[:-1] <= 1e6 * found.losses[0])
    assert found.first_step_at(1e-3) is None
    assert all(np.isfinite(share) for _, share in found.curve())


def test_one_run_serves_every_quantity(draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend) -> None:
    instance = draw_instance()
    assert run(instance, make_trial("movement", instance), backend) is run(
        instance, make_trial("final-loss-ratio", instance), backend
    )
    other = make_trial("movement", instance, training={"accuracy": 0.5})
    assert run(instance, other, backend) is not run(instance, make_trial("movement", instance), backend)


# --- stochastic descent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n_sequences", "batch_size"), [(3, 1), (4, 2), (4, 3)])
def test_every_step_goes_along_a_batch_without_replacement_weighted_by_n_over_its_size(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend, n_sequences: int, batch_size: int
) -> None:
    instance, eta, drawn = draw_instance(width=16, n_sequences=n_sequences, input_dim=8), 1e-3, []
    at = [
        descend(
            instance,
            make_training(method="sgd", batch_size=batch_size, max_steps=steps),
            backend,
            eta,
            0.0,
            1e-12,
        ).W
        for steps in range(1, 13)
    ]
    for before, after in zip([instance.W, *at], at, strict=False):
        current = replace(instance, W=before)
        fits = [
            chosen
            for chosen in combinations(range(n_sequences), batch_size)
            if np.allclose(
                before - eta * n_sequences / batch_size * gradient_of(only(current, chosen), reference),
                after,
                rtol=0,
                atol=1e-13,
            )
        ]
        assert len(fits) == 1
        drawn += fits
    assert len(set(drawn)) > 1


def test_every_sequence_is_drawn_as_often_as_any_other(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    """With one step per replicate and sequence 0 alone unfitted, the share of steps that move is that of its draws."""
    moved = []
    for replicate in range(200):
        instance = draw_instance(width=8, horizon=2, n_sequences=4, replicate=replicate, activation="linear")
        hidden = reference.forward(instance.W, instance.A, instance.x, instance.activation)[1]
        labels = hidden @ instance.B.T
        labels[:, 0] += 1
        fitted = replace(instance, labels=labels)
        found = descend(fitted, make_training(method="sgd", batch_size=1, max_steps=1), backend, 1e-3, 0.0, 1e-12)
        moved.append(bool(np.abs(found.W - instance.W).max() > 1e-9))
    assert np.mean(moved) == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 200))


def test_the_whole_set_as_batch_is_gradient_descent(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    instance = draw_instance(n_sequences=3)
    whole, gd = (
        descend(instance, make_training(method=method, batch_size=3, max_steps=20), backend, 1e-3, 0.0, 1e-9)
        for method in ("sgd", "gd")
    )
    np.testing.assert_allclose(whole.losses, gd.losses, rtol=1e-11)
    np.testing.assert_allclose(whole.W, gd.W, rtol=1e-10, atol=1e-12)


def test_replicates_draw_batches_of_their_own(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    one, two = draw_instance(n_sequences=4), draw_instance(n_sequences=4)
    other = replace(two, replicate=1)  # the same network and data under another key
    training = make_training(method="sgd", batch_size=1, max_steps=30)
    runs = [descend(instance, training, backend, 1e-3, 0.0, 1e-9).losses for instance in (one, two, other)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


# --- what is read off a run -------------------------------------------------------------------------------------------


@given(
    losses=st.lists(st.floats(1e-12, 10), min_size=1, max_size=30),
    accuracy=st.floats(1e-12, 1),
    share=st.floats(0, 0.9),
)
def test_first_step_is_the_first_at_or_below_the_target(losses: list[float], accuracy: float, share: float) -> None:
    floor = share * losses[0]
    target = floor + accuracy * (losses[0] - floor)
    expected = next((t for t, loss in enumerate(losses) if loss <= target), None)
    assert run_of(losses, floor=floor).first_step_at(accuracy) == expected


@given(initial=st.floats(0.1, 100), share=st.floats(0.01, 0.99), decade=st.integers(1, 14))
def test_a_loss_at_the_very_target_of_a_run_counts_as_reached(initial: float, share: float, decade: int) -> None:
    floor, accuracy = share * initial, 10.0**-decade
    target = floor + accuracy * (initial - floor)
    assert run_of([initial, target], floor=floor).first_step_at(accuracy) == (0 if target >= initial else 1)


def test_losses_that_are_not_finite_reach_nothing() -> None:
    assert run_of([1.0, np.nan, np.inf]).first_step_at(0.5) is None
    assert run_of([1.0, np.nan, 0.4]).first_step_at(0.5) == 2
    assert run_of([1.0, np.nan, 0.4]).curve() == ((0, 1.0), (2, 0.4))


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 199, 200, 1000, 54321])
def test_a_curve_has_at_most_200_steps_with_both_ends(steps: int) -> None:
    losses = 2 * 0.999 ** np.arange(steps + 1)
    curve = run_of(losses).curve()
    taken = [t for t, _ in curve]
    assert len(taken) <= 200
    assert (taken[0], taken[-1]) == (0, steps)
    assert taken == sorted(set(taken))
    assert [share for _, share in curve] == [losses[t] / 2 for t in taken]
    assert steps > 200 or len(taken) >= min(steps + 1, 60)


# --- step sizes and floors --------------------------------------------------------------------------------------------


def test_step_size_is_absolute_or_over_lambda_max(
    draw_instance: DrawInstance, make_training: MakeTraining, backend: Backend
) -> None:
    instance = draw_instance()
    assert step_size(instance, make_training(learning_rate=0.3, learning_rate_unit="absolute"), backend) == 0.3
    largest = float(spectrum(state_of(instance, backend), backend)[-1])
    assert step_size(instance, make_training(learning_rate=0.3), backend) == 0.3 / largest


@pytest.mark.parametrize("copies", [2, 3, 4])
@pytest.mark.parametrize("copy_labels", ["independent", "opposite"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_floor_is_the_least_loss_of_any_common_output(
    draw_instance: DrawInstance, copies: int, copy_labels: str, dtype: str
) -> None:
    instance = draw_instance(n_sequences=4, copies=copies, copy_labels=copy_labels, dtype=dtype)
    least = 0.0
    for token in range(1, 4):  # token 1 does not count
        y = instance.labels[token, :copies].astype(np.float64)
        common = np.linalg.lstsq(np.ones((copies, 1)), y)[0]
        least += 0.5 * float(np.sum((common - y) ** 2))
    assert clash_floor(instance) == pytest.approx(least, rel=1e-12)
    if copies == 2:
        difference: Array = instance.labels[1:, 0].astype(np.float64) - instance.labels[1:, 1]
        assert clash_floor(instance) == pytest.approx(0.25 * float(np.sum(difference**2)), rel=1e-12)


def test_without_copies_there_is_no_floor(draw_instance: DrawInstance) -> None:
    assert clash_floor(draw_instance(n_sequences=4)) == 0


@pytest.mark.parametrize("objective", ["loss", "excess-over-floor"])
def test_the_objective_says_what_the_target_is_relative_to(
    draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend, objective: str
) -> None:
    instance = draw_instance(width=128, n_sequences=3, copies=2, horizon=3)
    training = {"objective": objective, "accuracy": 1e-2, "max_steps": 1500}
    found = run(instance, make_trial("movement", instance, training=training), backend)
    floor = clash_floor(instance)
    assert floor > 0.01 * found.losses[0]
    if objective == "loss":
        assert (found.floor, found.status) == (0.0, Status.NOT_REACHED)
    else:
        assert (found.floor, found.status) == (floor, Status.OK)
        assert found.losses[-1] - floor <= 0.01 * (found.losses[0] - floor) * (1 + 1e-12)
        assert found.losses[-2] - floor > 0.01 * (found.losses[0] - floor)


def test_a_trial_without_training_is_refused(draw_instance: DrawInstance, make_trial: MakeTrial) -> None:
    trial = replace(make_trial("movement", draw_instance()), training=None)
    with pytest.raises(MeasurementError, match="movement: needs a training section"):
        training_of(trial)


# --- memory -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_run_takes_a_copy_of_the_weights_and_three_numbers_for_each_state(
    draw_instance: DrawInstance, make_training: MakeTraining, memory_growth: MemoryGrowth, dtype: str
) -> None:
    """Beside the initial weights, which the instance keeps: m^2 + 3 m n L numbers, within 15 %."""
    width, n_sequences, horizon = 4096, 20, 40
    small = draw_instance(n_sequences=n_sequences, horizon=horizon, dtype=dtype).setting
    training = make_training(max_steps=2)
    prepare = f"""
from dataclasses import replace
from rnnconv_cli.kernels import compiled
from rnnconv_cli.measure.training import descend
from rnnconv_cli.problem import elman
from rnnconv_cli.records import ProblemSetting, TrainingSetting
small = {small!r}
def run(instance):
    return descend(instance, {training!r}, compiled, 1e-9, 0.0, 1e-9)
run(elman.draw(small, 0, 0))
instance = elman.draw(replace(small, width={width}), 0, 0)
"""
    expected = (width**2 + 3 * width * n_sequences * horizon) * np.dtype(dtype).itemsize
    assert 0.85 * expected <= memory_growth(prepare, "run(instance)") <= 1.15 * expected


@pytest.mark.slow
@pytest.mark.parametrize("layers_held", [0, 32])
def test_a_run_in_segments_takes_memory_for_few_layers(
    draw_instance: DrawInstance, make_training: MakeTraining, memory_growth: MemoryGrowth, layers_held: int
) -> None:
    """Of 2048 layers, 64 states at borders, h and signals of 32 layers, and a copy of W for the gradient."""
    width, n_sequences, horizon = 256, 20, 2048
    small = draw_instance(n_sequences=n_sequences, horizon=horizon).setting
    prepare = f"""
from dataclasses import replace
from rnnconv_cli.kernels import compiled
from rnnconv_cli.measure import training
from rnnconv_cli.problem import elman
from rnnconv_cli.records import ProblemSetting, TrainingSetting
training.layers_held = lambda setting: {layers_held}
small = {small!r}
def run(instance):
    return training.descend(instance, {make_training(max_steps=2)!r}, compiled, 1e-9, 0.0, 1e-9)
run(elman.draw(replace(small, width=8, horizon=65), 0, 0))
instance = elman.draw(replace(small, width={width}), 0, 0)
"""
    layers = 2048 // layers_held + 2 * layers_held if layers_held else 3 * horizon
    packed = 176 * n_sequences * (layers_held or horizon)
    expected = 8 * (2 * width**2 + layers * width * n_sequences + packed)
    growth = memory_growth(prepare, "run(instance)")
    assert 0.75 * expected <= growth <= 1.25 * expected + 2**21
