"""Predicted costs: positive, and growing with everything that a trial grows with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from rnnconv_cli.measure import MEASUREMENTS, cost, fake_gradient, memory, row_kicks
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]

GROWTH = {"width": (8, 64, 512, 4096), "horizon": (2, 4, 16), "n_sequences": (1, 4, 64)}


def resized(trial: Trial, **changes: Any) -> Trial:
    return replace(trial, problem=replace(trial.problem, **changes))


@pytest.mark.parametrize("quantity", sorted(MEASUREMENTS.keys() - {"fresh-direction-over-bound"}))  # it reads no width
@pytest.mark.parametrize("parameter", GROWTH)
def test_a_larger_trial_takes_longer(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str, parameter: str
) -> None:
    trial = make_trial(quantity, draw_instance(), training={"max_steps": 10**6})
    seconds = [MEASUREMENTS[quantity].seconds(resized(trial, **{parameter: value})) for value in GROWTH[parameter]]
    assert seconds[0] > 0
    assert all(later >= earlier for earlier, later in pairwise(seconds))
    assert seconds[-1] > seconds[0]


def test_a_slower_machine_takes_longer(draw_instance: DrawInstance) -> None:
    """By the speed that decides: arithmetic where there are many sequences, memory where there is one."""
    setting = replace(draw_instance().setting, width=4096, n_sequences=64)
    slow = replace(cost.TYPICAL, product_entry=3 * cost.TYPICAL.product_entry)
    assert cost.slowdown(setting, cost.TYPICAL) == 1
    assert cost.slowdown(setting, slow) == pytest.approx(3, rel=1e-3)
    assert cost.slowdown(replace(setting, n_sequences=1), slow) == 1
    slow = replace(cost.TYPICAL, weight=3 * cost.TYPICAL.weight)
    assert cost.slowdown(setting, slow) == 1
    assert cost.slowdown(replace(setting, n_sequences=1), slow) == pytest.approx(3, rel=1e-3)
    slow = replace(cost.TYPICAL, draw=3 * cost.TYPICAL.draw, trial=3 * cost.TYPICAL.trial)
    assert cost.draw_seconds(setting, slow) == pytest.approx(3 * cost.draw_seconds(setting))


@pytest.mark.parametrize("parameter", GROWTH)
@pytest.mark.parametrize("quantity", ["movement", "hidden-norm-max", "product-change"])
def test_a_larger_trial_needs_more_memory(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str, parameter: str
) -> None:
    trial = make_trial(quantity, draw_instance())
    sizes = [MEASUREMENTS[quantity].peak_bytes(resized(trial, **{parameter: value})) for value in GROWTH[parameter]]
    assert all(later > earlier for earlier, later in pairwise(sizes))
    assert all(isinstance(size, int) for size in sizes)


def test_independent_layers_and_double_precision_take_more_room(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    trial = make_trial("hidden-norm-max", draw_instance(width=32))
    wide = resized(trial, width=4096, horizon=8)
    shared = wide.problem
    independent, single = replace(shared, layers="independent"), replace(shared, dtype="float32")
    assert cost.draw_seconds(independent) > 7 * cost.draw_seconds(shared)
    for predicted in (cost.all_pairs_bytes, cost.all_layers_bytes, cost.descent_bytes):
        assert predicted(replace(wide, problem=single)) < predicted(wide)
        assert predicted(wide) > cost.COPIES_OF_W * memory.weight_bytes(shared)


def test_a_run_over_a_long_horizon_is_predicted_as_it_is_done(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    """In segments a step has four passes for three, and memory that hardly grows with the horizon."""
    absolute = {"learning_rate": 1e-3, "learning_rate_unit": "absolute", "max_steps": 1}
    trial = make_trial("movement", draw_instance(), training=absolute)
    short, long, longer = (resized(trial, width=1024, n_sequences=16, horizon=h) for h in (2048, 4096, 16384))
    assert cost.seconds_per_step(long.problem) == pytest.approx(
        2 * 4 / 3 * cost.seconds_per_step(short.problem), rel=2e-3
    )
    state = memory.layer_bytes(trial.problem) * 1024 * 16 // (24 * 3)
    assert cost.descent_bytes(short) > 4 * 2048 * state
    assert cost.descent_bytes(short) > 3 * cost.descent_bytes(long) > cost.descent_bytes(longer)
    assert cost.all_layers_bytes(longer) > 8 * 16384 * state
    relative = make_trial("movement", draw_instance(), training={"max_steps": 1})
    with_gram = cost.descent_bytes(resized(relative, width=1024, n_sequences=16, horizon=4096))
    assert with_gram > 8 * 4096 * state  # the largest eigenvalue reads the states of all layers


@pytest.mark.parametrize("quantity", ["hidden-norm-max", "product-norm", "movement", "loss-at-start"])
def test_only_quantities_of_all_pairs_of_layers_need_memory_for_all_pairs(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str
) -> None:
    absolute = {"learning_rate": 1e-3, "learning_rate_unit": "absolute"}
    trials = (make_trial(name, draw_instance(), training=absolute) for name in (quantity, "product-change"))
    one, pairs = (
        [
            MEASUREMENTS[each.quantity].peak_bytes(resized(each, width=512, horizon=h)) - cost.BASE_BYTES
            for h in (100, 200)
        ]
        for each in trials
    )
    assert one[1] < 2 * one[0]
    assert pairs[1] > 3.5 * pairs[0]


def test_a_run_costs_no_more_than_all_its_steps_and_more_for_more_accuracy(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    instance = draw_instance()

    def seconds(**training: Any) -> float:
        return cost.descent_cost(make_trial("movement", instance, training=training))

    assert seconds(max_steps=1) == cost.seconds_per_step(instance.setting)
    assert seconds(max_steps=10**6, accuracy=1e-8) == pytest.approx(2 * seconds(max_steps=10**6, accuracy=1e-4))
    assert cost.descent_cost(replace(make_trial("movement", instance), training=None)) == 0


def test_a_search_for_the_largest_step_costs_its_declared_steps(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    instance = draw_instance()
    few, many = (
        cost.stable_step_cost(make_trial("largest-stable-step", instance, training={"max_steps": steps}))
        for steps in (30, 3000)
    )
    assert few == pytest.approx(150 * cost.seconds_per_step(instance.setting))
    assert many == pytest.approx(100 * few)
    assert cost.stable_step_cost(replace(make_trial("largest-stable-step", instance), training=None)) == 0


def test_the_worst_rows_cost_a_gram_matrix_each(draw_instance: DrawInstance, make_trial: MakeTrial) -> None:
    """Measured on one core: 0.40 s and 1.3 s for the rows, and 0.06 s and 0.025 s for the whole gradient."""
    rows, whole = (make_trial(name, draw_instance()) for name in ("largest-gradient-row", "largest-gradient"))
    long = {"width": 1024, "horizon": 16, "n_sequences": 2, "output_dim": 2}
    wide = {"width": 256, "horizon": 12, "n_sequences": 4, "output_dim": 4}
    for trial, sizes, measured in ((rows, long, 0.40), (whole, long, 0.0625), (rows, wide, 1.3), (whole, wide, 0.025)):
        assert 0.5 < MEASUREMENTS[trial.quantity].seconds(resized(trial, **sizes)) / measured < 2


def test_predictions_count_what_the_measurements_repeat() -> None:
    assert cost.ROWS_KICKED == row_kicks.ROWS_KICKED
    assert cost.PRODUCTS == fake_gradient.ALTERNATIONS + 1  # and one for the norms that they reach
