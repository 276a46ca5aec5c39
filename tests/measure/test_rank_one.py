"""What a rank-one W' on few rows changes in single coordinates, against dense products; who is the worst for what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import Target, displaced, perturbed_states, state_of
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

RANK_ONE = ("coordinate-change", "column-change-by-masks", "column-change-by-weights")


def largest_column(instance: Instance, W: Array, masks: Array, W_other: Array, masks_other: Array) -> float:
    """Return max over l1 <= l2 and k of ||(B D_l2 W ... D_l1 W - the other) e_k||."""
    largest = 0.0
    for first, last in combinations_with_replacement(range(len(masks)), 2):
        products = []
        for weights, diagonals in ((W, masks), (W_other, masks_other)):
            product = np.eye(masks.shape[1])
            for layer in range(first, last + 1):
                product = np.diag(diagonals[layer]) @ weights[layer if len(weights) > 1 else 0] @ product
            products.append(instance.B @ product)
        largest = max(largest, float(np.linalg.norm(products[0] - products[1], axis=0).max()))
    return largest


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("adversary", SPARSE_ROW_ADVERSARIES)
def test_every_change_is_the_one_of_dense_products(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, adversary: str, around: str, layers: str
) -> None:
    drawn = draw_instance(layers=layers)
    instance = displaced(drawn, backend) if around == "displaced" else drawn
    state, expected = state_of(instance, backend), dict.fromkeys(RANK_ONE, 0.0)
    targets = tuple(Target(layer, i) for layer in range(1, 4) for i in range(2))
    found = SPARSE_ROW_ADVERSARIES[adversary](state, 0.5, targets, backend, rows=5)
    g, h = perturbed_states(state, found, targets, backend)
    for t, target in enumerate(targets):
        W = instance.W + np.outer(found.left[t, 0], found.right[t, 0])
        moved = h[:, t] - state.hidden[:, target.sequence]
        for layer in range(4):
            pushed = W[min(layer + 1, 3) if len(W) > 1 else 0] @ moved[layer]
            expected["coordinate-change"] = max(expected["coordinate-change"], float(np.abs(pushed).max()))
        old, new = state.pattern[:, target.sequence], (g[:, t] >= 0) * 1.0
        by_masks = largest_column(instance, instance.W, new, instance.W, old)
        by_weights = largest_column(instance, W, new, instance.W, new)
        expected["column-change-by-masks"] = max(expected["column-change-by-masks"], by_masks)
        expected["column-change-by-weights"] = max(expected["column-change-by-weights"], by_weights)
    section = {"adversary": adversary, "size": 0.5, "around": around}
    for quantity, number in expected.items():
        (reading,) = measure(quantity, drawn, backend, perturbation=section, probe={"rows": 5.0})
        assert (reading.value or 0.0) == pytest.approx(number, rel=1e-9, abs=1e-13), quantity


@pytest.mark.parametrize(
    ("quantity", "worst"),
    [
        ("coordinate-change", "rows-of-one-row"),
        ("column-change-by-masks", "rows-of-one-column-and-output"),
        ("column-change-by-weights", "one-coordinate-and-output"),
    ],
)
def test_each_quantity_has_its_own_worst_adversary(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, worst: str
) -> None:
    instances = [draw_instance(width=128, output_dim=1, seed=seed) for seed in range(4)]

    def mean(name: str) -> float:
        section = {"adversary": name, "size": 0.1}
        readings = [
            measure(quantity, each, backend, perturbation=section, probe={"rows": 8.0})[0] for each in instances
        ]
        return float(np.mean([reading.value or 0.0 for reading in readings]))

    means = {name: mean(name) for name in SPARSE_ROW_ADVERSARIES}
    assert max(means, key=means.__getitem__) == worst


def test_knowing_the_output_pays_and_pays_more_with_more_rows(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instances = [draw_instance(width=192, output_dim=1, seed=seed) for seed in range(4)]

    def gain(rows: float) -> float:
        values = [
            [
                value_of(
                    "column-change-by-masks",
                    each,
                    backend,
                    perturbation={"adversary": name, "size": 0.1},
                    probe={"rows": rows},
                )
                for each in instances
            ]
            for name in ("rows-of-one-column-and-output", "rows-of-one-column")
        ]
        return float(np.mean(values[0]) / np.mean(values[1]))

    assert 1.2 < gain(8.0) < gain(32.0)


@pytest.mark.parametrize("adversary", SPARSE_ROW_ADVERSARIES)
def test_columns_see_the_unit_of_the_outputs_and_coordinates_do_not(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, adversary: str
) -> None:
    instance, section = draw_instance(), {"adversary": adversary, "size": 0.5}
    louder = replace(instance, B=4 * instance.B)
    for quantity in RANK_ONE:
        one, other = (
            measure(quantity, each, backend, perturbation=section, probe={"rows": 5.0})[0].value or 0.0
            for each in (instance, louder)
        )
        factor = 1 if quantity == "coordinate-change" else 4
        assert other == pytest.approx(factor * one, rel=1e-12)


def test_columns_change_by_weights_in_proportion_at_first(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    one, other = (
        value_of(
            "column-change-by-weights",
            instance,
            backend,
            perturbation={"adversary": "one-coordinate", "size": size},
            probe={"rows": 5.0},
        )
        for size in (1e-8, 1e-7)
    )
    assert other == pytest.approx(10 * one, rel=1e-5)


@pytest.mark.parametrize("quantity", RANK_ONE)
@pytest.mark.parametrize("rows", [0.0, 33.0])
def test_rows_beyond_the_width_are_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, rows: float
) -> None:
    message = f"rows: between 1 and the width 32 can be kicked, found {rows:.0f}"
    with pytest.raises(MeasurementError, match=message):
        measure(quantity, draw_instance(), backend, perturbation={"adversary": "random-rows"}, probe={"rows": rows})


@pytest.mark.parametrize("quantity", RANK_ONE)
def test_a_trial_without_its_sections_is_refused(
    draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    trial = make_trial(quantity, instance)
    with pytest.raises(MeasurementError, match=f"{quantity}: needs a perturbation section"):
        MEASUREMENTS[quantity].measure(instance, replace(trial, perturbation=None), backend)
    with pytest.raises(MeasurementError, match=f"{quantity}: needs rows in the section probe"):
        MEASUREMENTS[quantity].measure(instance, replace(trial, probe=None), backend)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", RANK_ONE)
def test_an_overflow_is_said_to_be_one(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match="not finite before any perturbation"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend, perturbation={"adversary": "random-rows"})
    huge = {"adversary": "random-rows", "size": 1e200}
    with pytest.raises(OverflowedNetwork, match="not finite under the perturbation"):
        measure(quantity, instance, backend, perturbation=huge)


@np.errstate(all="ignore")
def test_a_coordinate_that_overflows_after_the_last_state_has_diverged(
    write_instance: Callable[..., Instance], measure: Measure, backend: Backend
) -> None:
    instance = write_instance(W=((1, -1), (0, 1e160)), B=((1, 1),), x=(((3, 4),), ((0, 0),)))
    section = {"adversary": "kinked-rows", "size": 1e155}
    (reading,) = measure("coordinate-change", instance, backend, perturbation=section, probe={"rows": 2.0})
    assert reading.status is Status.DIVERGED
