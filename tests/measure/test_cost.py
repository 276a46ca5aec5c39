"""Predicted costs: positive, and growing with everything that a trial grows with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from rnnconv_cli.measure import MEASUREMENTS, cost
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


@pytest.mark.parametrize("parameter", GROWTH)
@pytest.mark.parametrize("quantity", ["movement", "hidden-norm-max", "product-change"])
def test_a_larger_trial_needs_more_memory(
    draw_instance: DrawInstance, make_trial: MakeTrial, quantity: str, parameter: str
) -> None:
    trial = make_trial(quantity, draw_instance())
    sizes = [cost.peak_bytes(resized(trial, **{parameter: value})) for value in GROWTH[parameter]]
    assert all(later > earlier for earlier, later in pairwise(sizes))
    assert all(isinstance(size, int) for size in sizes)


def test_independent_layers_and_double_precision_take_more_room(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    trial = make_trial("hidden-norm-max", draw_instance(width=32))
    wide = resized(trial, width=4096, horizon=8)
    shared = wide.problem
    independent, single = replace(shared, layers="independent"), replace(shared, dtype="float32")
    assert cost.weight_bytes(shared) == 4096**2 * 8
    assert cost.weight_bytes(independent) == 8 * cost.weight_bytes(shared) == 16 * cost.weight_bytes(single)
    assert cost.draw_seconds(independent) > 7 * cost.draw_seconds(shared)
    assert cost.peak_bytes(replace(wide, problem=single)) < cost.peak_bytes(wide)
    assert cost.peak_bytes(wide) > cost.COPIES_OF_W * cost.weight_bytes(shared)


def test_a_run_costs_no_more_than_all_its_steps_and_more_for_more_accuracy(
    draw_instance: DrawInstance, make_trial: MakeTrial
) -> None:
    instance = draw_instance()

    def seconds(**training: Any) -> float:
        return cost.descent_cost(make_trial("movement", instance, training=training))

    assert seconds(max_steps=1) == cost.seconds_per_step(instance.setting)
    assert seconds(max_steps=10**6, accuracy=1e-8) == pytest.approx(2 * seconds(max_steps=10**6, accuracy=1e-4))
    assert cost.descent_cost(replace(make_trial("movement", instance), training=None)) == 0
