"""Sparse forms and changed products against products that are multiplied out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

FORMS = ("sparse-form", "sparse-form-over-corollary", "sparse-form-over-bound", "sparse-form-over-entry-bound")
BACKWARD = ("sparse-backward", "sparse-backward-of-fixed-output", "sparse-backward-over-entry-bound")
CHANGED = ("changed-product", "flipped-product")
SEARCHES = ("random", "adversarial")


def probe(sparsity: int, search: str = "adversarial") -> dict[str, Any]:
    return {"sparsity": float(sparsity), "search": search}


def product(instance: Instance, backend: Backend, sequence: int, first: int, last: int, *, leading: bool) -> Array:
    """Return D_last W ... D_first W, layers counted from one, with W to its left if `leading`."""
    pattern, chain = state_of(instance, backend).pattern, np.eye(instance.setting.width)
    for layer in range(first, last + 1):
        chain = np.diag(pattern[layer - 1, sequence]) @ weights_of_layer(instance.W, layer - 1) @ chain
    return weights_of_layer(instance.W, last) @ chain if leading else chain


def every_form(instance: Instance, backend: Backend) -> list[Array]:
    horizon = instance.setting.horizon
    return [
        product(instance, backend, i, first, last, leading=True)
        for i in range(instance.setting.n_sequences)
        for last in range(1, horizon)
        for first in range(1, last + 1)
    ]


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_single_nonzeros_see_the_largest_entries(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers, n_sequences=3)
    setting, one = instance.setting, probe(1)
    entry = max(float(np.max(np.abs(each))) for each in every_form(instance, backend))
    rho = 3 * 4 * 2 * math.log(32)
    found = value_of("sparse-form-over-entry-bound", instance, backend, probe=one)
    assert found == pytest.approx(entry * math.sqrt(32) / rho, rel=1e-12)
    found = value_of("sparse-form-over-bound", instance, backend, probe=one)
    assert found == pytest.approx(entry / (10 * math.sqrt(3 * 4 / 32)), rel=1e-12)
    longest = max(float(np.max(np.abs(product(instance, backend, i, 1, 3, leading=True)))) for i in range(3))
    assert value_of("sparse-form", instance, backend, probe=one) == pytest.approx(longest, rel=1e-12)
    found = value_of("sparse-form-over-corollary", instance, backend, probe=one)
    assert found == pytest.approx(longest / (math.sqrt(1 / 32) * math.log(32)), rel=1e-12)
    back = [instance.B @ product(instance, backend, i, 1, setting.horizon, leading=False) for i in range(3)]
    column = max(float(np.max(np.linalg.norm(each, axis=0))) for each in back)
    assert value_of("sparse-backward", instance, backend, probe=one) == pytest.approx(column, rel=1e-12)


@pytest.mark.parametrize("search", SEARCHES)
def test_all_nonzeros_see_the_whole_product(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, search: str
) -> None:
    instance, dense = draw_instance(), probe(32, search)
    norms = [float(np.linalg.norm(product(instance, backend, i, 1, 3, leading=True), 2)) for i in range(2)]
    assert value_of("sparse-form", instance, backend, probe=dense) == pytest.approx(max(norms), rel=1e-3)
    back = [instance.B @ product(instance, backend, i, 1, 4, leading=False) for i in range(2)]
    norm = max(float(np.linalg.norm(each, 2)) for each in back)
    assert value_of("sparse-backward", instance, backend, probe=dense) == pytest.approx(norm, rel=1e-12)
    a = instance.stream(Stream.START_VECTOR, 2).standard_normal(2)
    fixed = max(float(np.linalg.norm(a @ each)) for each in back) / float(np.linalg.norm(a))
    found = value_of("sparse-backward-of-fixed-output", instance, backend, probe=dense)
    assert found == pytest.approx(fixed, rel=1e-12)
    assert found < norm


@pytest.mark.parametrize("quantity", [*FORMS, *BACKWARD, *CHANGED])
def test_chosen_supports_are_worse_than_random_ones(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    for seed in range(3):
        instance = draw_instance(seed=seed)
        chance, worst = (value_of(quantity, instance, backend, probe=probe(4, search)) for search in SEARCHES)
        assert chance < worst


@pytest.mark.parametrize("quantity", [*FORMS, *BACKWARD, *CHANGED])
def test_more_nonzeros_see_more(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    few, many = (value_of(quantity, instance, backend, probe=probe(k)) for k in (2, 16))
    scale = math.sqrt(8) if quantity == "sparse-form-over-corollary" else 1.0  # divided by sqrt(k)
    assert few < many * scale


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("quantity", [*FORMS, *BACKWARD, *CHANGED])
def test_sparse_quantities_do_not_see_the_unit_of_the_inputs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str, search: str
) -> None:
    instance = draw_instance()
    scaled = replace(instance, x=4 * instance.x)
    one, other = (value_of(quantity, each, backend, probe=probe(3, search)) for each in (instance, scaled))
    assert one == other


@pytest.mark.parametrize("quantity", [*FORMS, *BACKWARD, *CHANGED])
def test_both_backends_find_the_same_supports(
    draw_instance: DrawInstance, value_of: ValueOf, backends: tuple[Backend, Backend], quantity: str
) -> None:
    instance = draw_instance(width=48)
    one, other = (value_of(quantity, instance, backend, probe=probe(4)) for backend in backends)
    assert one == pytest.approx(other, rel=2e-3 if quantity in CHANGED else 1e-9)


@pytest.mark.parametrize("quantity", FORMS)
def test_a_single_layer_has_no_form(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match=r"needs L > l2 >= 1, found L = 1"):
        measure(quantity, draw_instance(horizon=1), backend, probe=probe(2))


@pytest.mark.parametrize("quantity", [*FORMS, *BACKWARD, *CHANGED])
def test_too_many_nonzeros_are_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match="found 33 of 32 units"):
        measure(quantity, draw_instance(), backend, probe=probe(33))


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("quantity", ["sparse-form", "sparse-backward", "changed-product"])
def test_an_overflow_has_no_pattern(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(layers="independent")
    W = instance.W.copy()
    W[1:] *= 1e200
    with pytest.raises(OverflowedNetwork, match="the hidden states are not finite"):
        measure(quantity, replace(instance, W=W), backend, probe=probe(2))


def test_a_dead_network_is_zero(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    instance = draw_instance()
    dead = replace(instance, W=0 * instance.W)
    for quantity in ("sparse-form", "sparse-backward", "changed-product"):
        assert measure(quantity, dead, backend, probe=probe(2)) == (Reading(0.0, Status.ZERO),)
