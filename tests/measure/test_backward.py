"""What weights and masks each change in a backward signal, against dense products; the four parts of Lemma C.9."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import Target, perturbed_states, perturbed_weights, state_of
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

MASKS = ("backward-change", "backward-change-under-new-weights")
WEIGHTS = ("weights-change-under-old-masks", "weights-change-under-new-masks")


def signal(instance: Instance, W: Array, masks: Array, first: int) -> Array:
    """Return B D_L W ... D_first W with layers counted from zero; W is (K, m, m), masks (L, m)."""
    product = np.eye(masks.shape[1])
    for layer in range(first, len(masks)):
        product = np.diag(masks[layer]) @ W[layer if len(W) > 1 else 0] @ product
    return instance.B @ product


def densely(instance: Instance, adversary: str, size: float, target: Target, backend: Backend) -> dict[str, Array]:
    """Return the four signals of one target by which weights and which masks they are made of."""
    state = state_of(instance, backend)
    found = ADVERSARIES[adversary](state, size, (target,), backend)
    after = (perturbed_states(state, found, (target,), backend)[0][:, 0] >= 0) * 1.0
    masks = {"old": state.pattern[:, target.sequence], "new": after}
    weights = {"old": instance.W, "new": perturbed_weights(instance, found, 0)}
    return {f"{w} {d}": signal(instance, weights[w], masks[d], target.layer) for w in weights for d in masks}


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("adversary", ["gaussian", "weighted-kinks", "aligned"])
def test_every_change_is_the_one_of_dense_products(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, adversary: str, layers: str
) -> None:
    instance, section = draw_instance(layers=layers, n_sequences=3), {"adversary": adversary, "size": 0.8}
    every = [densely(instance, adversary, 0.8, Target(layer, i), backend) for layer in range(1, 4) for i in range(3)]
    through_all = every[:3]
    expected = {
        "backward-change": np.mean([np.linalg.norm(s["old new"] - s["old old"]) for s in every]) / np.sqrt(2),
        "backward-change-under-new-weights": np.mean([np.linalg.norm(s["new new"] - s["new old"]) for s in every])
        / np.sqrt(2),
        "weights-change-under-new-masks": max(np.linalg.norm(s["new new"] - s["old new"], 2) for s in through_all),
        "weights-change-under-old-masks": max(np.linalg.norm(s["new old"] - s["old old"], 2) for s in through_all),
    }
    for quantity, number in expected.items():
        assert value_of(quantity, instance, backend, perturbation=section) == pytest.approx(number, rel=1e-9), quantity


@pytest.mark.parametrize("quantity", MASKS)
def test_a_linear_network_has_no_masks_to_change(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    section = {"adversary": "gaussian", "size": 1.0}
    (reading,) = measure(quantity, draw_instance(activation="linear"), backend, perturbation=section)
    assert reading == Reading(0.0, Status.ZERO)


def test_without_masks_to_change_new_and_old_ones_are_the_same(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, section = draw_instance(activation="linear"), {"adversary": "gaussian", "size": 1.0}
    new, old = (value_of(quantity, instance, backend, perturbation=section) for quantity in reversed(WEIGHTS))
    assert new == old


@pytest.mark.parametrize("quantity", WEIGHTS)
def test_weights_change_a_signal_in_proportion_at_first(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    one, other = (
        value_of(quantity, draw_instance(), backend, perturbation={"adversary": "aligned", "size": size})
        for size in (1e-7, 1e-6)
    )
    assert other == pytest.approx(10 * one, rel=1e-5)


@pytest.mark.parametrize("quantity", [*MASKS, *WEIGHTS])
def test_no_signal_sees_the_unit_of_the_inputs_and_all_see_that_of_the_outputs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance, section = draw_instance(), {"adversary": "weighted-kinks", "size": 0.5}
    number, of_inputs, of_outputs = (
        value_of(quantity, each, backend, perturbation=section)
        for each in (instance, replace(instance, x=4 * instance.x), replace(instance, B=4 * instance.B))
    )
    assert of_inputs == pytest.approx(number, rel=1e-12)
    assert of_outputs == pytest.approx(4 * number, rel=1e-12)


@pytest.mark.parametrize("quantity", WEIGHTS)
def test_the_aligned_perturbation_is_the_worst_for_weights(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    def mean(adversary: str) -> float:
        section = {"adversary": adversary, "size": 0.05}
        instances = (draw_instance(width=96, seed=seed) for seed in range(4))
        return float(np.mean([measure(quantity, each, backend, perturbation=section)[0].value for each in instances]))

    others = ("gaussian", "gradient", "kinks", "weighted-kinks", "single-row", "linearised-ascent")
    assert mean("aligned") > 1.5 * max(map(mean, others))


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", WEIGHTS)
def test_a_signal_that_overflows_has_diverged(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    section: dict[str, Any] = {"adversary": "gaussian", "size": 1.0}
    (reading,) = measure(quantity, replace(instance, B=1e308 * instance.B), backend, perturbation=section)
    assert reading.status is Status.DIVERGED
