"""Layer products against products that are multiplied out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

PRODUCTS = ("product-norm", "fixed-vector-product", "top-vector-product")


def chain(instance: Instance, backend: Backend, sequence: int, first: int, last: int) -> Array:
    """Return D_last W ... D_first W, layers counted from one."""
    pattern, product = state_of(instance, backend).pattern, np.eye(instance.setting.width)
    for layer in range(first, last + 1):
        W = instance.W[layer - 1 if len(instance.W) > 1 else 0]
        product = np.diag(pattern[layer - 1, sequence]) @ W @ product
    return product


def largest_growth(instance: Instance, backend: Backend, sequence: int, z: Array) -> float:
    horizon = instance.setting.horizon
    return max(
        float(np.linalg.norm(chain(instance, backend, sequence, b, layer) @ z))
        / ((1 + 1 / horizon) ** (layer - b + 1) * float(np.linalg.norm(z)))
        for b in range(1, horizon + 1)
        for layer in range(b, horizon + 1)
    )


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_products_are_those_multiplied_out(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers, n_sequences=3)
    wholes = [chain(instance, backend, i, 1, 4) for i in range(3)]
    norms = [float(np.linalg.norm(whole, 2)) for whole in wholes]
    assert value_of("product-norm", instance, backend) == pytest.approx(max(norms), rel=1e-3)
    z = instance.stream(Stream.START_VECTOR, 1).standard_normal(32)
    fixed = max(largest_growth(instance, backend, i, z) for i in range(3))
    assert value_of("fixed-vector-product", instance, backend) == pytest.approx(fixed, rel=1e-12)
    top = max(largest_growth(instance, backend, i, np.linalg.svd(wholes[i])[2][0]) for i in range(3))
    assert value_of("top-vector-product", instance, backend) == pytest.approx(top, rel=1e-2)


@pytest.mark.parametrize("quantity", PRODUCTS)
def test_products_do_not_see_the_unit_of_the_inputs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    scaled = replace(instance, x=4 * instance.x)
    assert value_of(quantity, scaled, backend) == value_of(quantity, instance, backend)


def test_the_fixed_vector_is_drawn_apart_from_the_network(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    """The top singular vector depends on W, and grows more; the fixed one is the same for any W."""
    grown = [
        (value_of("fixed-vector-product", instance, backend), value_of("top-vector-product", instance, backend))
        for instance in (draw_instance(width=64, later_tokens="zero", seed=seed) for seed in range(5))
    ]
    assert all(fixed < top for fixed, top in grown)


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("quantity", PRODUCTS)
def test_an_overflow_in_any_sequence_is_a_divergence(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(activation="linear", layers="independent")
    W = instance.W.copy()
    W[1:] *= 1e200  # the first layer alone stays finite
    (reading,) = measure(quantity, replace(instance, W=W), backend)
    assert reading == Reading(None, Status.DIVERGED)
