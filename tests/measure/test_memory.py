"""What is held at a time: as much as fits, in the segments that take least."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.kernels import reference
from rnnconv_cli.measure import MEASUREMENTS, cost, memory
from rnnconv_cli.measure.tangent import tangent_gram, tangent_modes, triangular_factor
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Trial
from rnnconv_cli.sweep.machine import use_one_blas_thread

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]

LONG = {"width": 48, "horizon": 7, "n_sequences": 3, "output_dim": 3}
NARROW = {"width": 8, "horizon": 8, "n_sequences": 3, "output_dim": 2}
MANY = {"width": 96, "horizon": 4, "n_sequences": 10, "output_dim": 1}


@pytest.fixture(autouse=True)
def one_blas_thread() -> Iterator[None]:
    """As in a worker: many products of small matrices wait for one another on busy cores."""
    limits = use_one_blas_thread()
    yield
    limits.restore_original_limits()


def peak_of(work: Callable[[], object]) -> int:
    """Return the most bytes that are taken at a time while this is done, beside those that were before."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measured_and_predicted(instance: Instance, trial: Trial) -> tuple[int, int]:
    """Return the peak of a trial, and its prediction without the interpreter's share."""
    measurement = MEASUREMENTS[trial.quantity]
    measurement.measure(instance, trial, reference)  # what is imported at first
    state_of.cache_clear()
    peak = peak_of(lambda: measurement.measure(instance, trial, reference))
    return peak, measurement.peak_bytes(trial) - cost.BASE_BYTES


@pytest.mark.parametrize("changes", [LONG, MANY, LONG | {"layers": "independent"}, MANY | {"output_dim": 2}])
@pytest.mark.parametrize("quantity", ["largest-gradient", "largest-gradient-of-a-sequence", "largest-gradient-row"])
def test_the_worst_gradients_take_no_more_than_was_said_and_not_much_less(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str, changes: dict[str, Any]
) -> None:
    instance = draw_instance(**changes)
    peak, predicted = measured_and_predicted(instance, make_trial(quantity, instance))
    weights = cost.COPIES_OF_W * memory.weight_bytes(instance.setting)  # which are drawn before
    assert peak <= predicted
    assert predicted - weights <= 2.5 * peak


@pytest.mark.parametrize(
    "quantity", ["earlier-change", "earlier-change-along-state", "row-change", "row-change-of-all-kicked"]
)
@pytest.mark.parametrize("changes", [MANY, MANY | {"layers": "independent"}, LONG])
def test_kicks_take_no_more_than_was_said_and_not_much_less(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str, changes: dict[str, Any]
) -> None:
    instance = draw_instance(**changes)
    trial = make_trial(quantity, instance)
    peak, predicted = measured_and_predicted(instance, trial)
    assert peak <= predicted
    assert predicted - (cost.all_pairs_bytes(trial) - cost.BASE_BYTES) <= 2.5 * peak


@pytest.mark.parametrize("threshold", [0.1, 1.0, 20.0])
def test_kicks_of_rows_near_a_kink_take_no_more_than_was_said(
    draw_instance: DrawInstance, make_trial: MakeTrial, threshold: float
) -> None:
    instance = draw_instance(**MANY)
    probe = {"rows": 96.0, "threshold": threshold, "margin": 0.01}
    peak, predicted = measured_and_predicted(instance, make_trial("other-kinks-crossed", instance, probe=probe))
    assert peak <= predicted


def test_the_change_of_a_gradient_takes_no_more_than_was_said(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    instance = draw_instance(**MANY)
    trial = make_trial("gradient-change", instance)
    peak, predicted = measured_and_predicted(instance, trial)
    assert cost.all_pairs_bytes(trial) - cost.BASE_BYTES < peak <= predicted


@pytest.mark.parametrize("changes", [LONG, MANY, LONG | {"layers": "independent"}, NARROW])
def test_the_tangent_matrix_takes_no_more_than_was_said_and_not_much_less(
    draw_instance: DrawInstance, changes: dict[str, Any]
) -> None:
    """Its triangular factor takes most, in a narrow network more than 8 N (m (L/2 + 8) + 3 N)."""
    state = state_of(draw_instance(**changes), reference)
    works: tuple[Callable[[], object], ...] = (
        lambda: tangent_gram(state, reference),
        lambda: triangular_factor(state, reference),
        lambda: tangent_modes(state, reference),
    )
    assert max(map(peak_of, works)) <= memory.gram_bytes(state.instance.setting) <= 2 * max(map(peak_of, works[:2]))


@pytest.mark.parametrize(("width", "layers", "size"), [(64, "shared", 36), (20, "shared", 20), (3, "independent", 27)])
def test_a_basis_holds_all_states_that_weights_act_on(
    draw_instance: DrawInstance, width: int, layers: str, size: int
) -> None:
    setting = replace(draw_instance().setting, width=width, horizon=10, n_sequences=4, layers=layers)
    assert memory.basis_size(setting) == size


def test_every_layer_of_its_own_has_weights_of_its_own(draw_instance: DrawInstance) -> None:
    shared = replace(draw_instance().setting, width=4096, horizon=8)
    independent, single = replace(shared, layers="independent"), replace(shared, dtype="float32")
    assert memory.weight_bytes(shared) == 4096**2 * 8
    assert memory.weight_bytes(independent) == 8 * memory.weight_bytes(shared) == 16 * memory.weight_bytes(single)


def test_states_of_a_gibibyte_are_held_and_more_are_not(draw_instance: DrawInstance) -> None:
    long = replace(draw_instance().setting, width=1024, n_sequences=16, horizon=2048, dtype="float64")
    assert memory.COPIES_OF_RUN_STATES * long.horizon * memory.layer_bytes(long) == memory.LARGEST_RUN_BYTES
    assert memory.layers_held(long) == 0
    assert memory.layers_held(replace(long, horizon=2049)) == round((2049 / 2) ** 0.5) == 32
    assert memory.layers_held(replace(long, horizon=4000, dtype="float32")) == 0


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_states_that_take_no_more_than_another_copy_of_the_weights_are_held(
    draw_instance: DrawInstance, layers: str
) -> None:
    wide = replace(draw_instance().setting, width=2**15, n_sequences=32, horizon=256, layers=layers)
    assert memory.COPIES_OF_RUN_STATES * wide.horizon * memory.layer_bytes(wide) == 2**30 * 8
    assert memory.weight_bytes(wide) >= 2**30 * 8
    assert memory.layers_held(wide) == 0
    assert memory.layers_held(replace(wide, n_sequences=33)) == (0 if layers == "independent" else 11)


@pytest.mark.parametrize("horizon", [5, 32, 400, 1001, 4000])
def test_the_segments_are_the_ones_that_take_least(
    draw_instance: DrawInstance, monkeypatch: pytest.MonkeyPatch, horizon: int
) -> None:
    monkeypatch.setattr(memory, "LARGEST_RUN_BYTES", 0)
    setting = replace(draw_instance().setting, width=8, n_sequences=100, horizon=horizon)

    def layers(held: int) -> float:
        return horizon / held + 2 * held

    assert layers(memory.layers_held(setting)) <= 1.01 * min(map(layers, range(1, horizon + 1)))
