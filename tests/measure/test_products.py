"""Layer products against products that are multiplied out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import products
from rnnconv_cli.measure.products import free_product_norm
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


def test_an_overflow_in_the_last_sequence_alone_is_a_divergence(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([np.ones(32), np.full(32, np.nan)])
    monkeypatch.setattr(products, "singular_triplet", lambda *_: (1.0, 0.0, next(found)))
    assert measure("top-vector-layer", draw_instance(), backend) == (Reading(None, Status.DIVERGED),)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_long_products_have_one_more_layer_to_their_left(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers, n_sequences=3)
    last = instance.W[3 if layers == "independent" else 0]
    wholes = [last @ chain(instance, backend, i, 1, 3) for i in range(3)]
    norm = max(float(np.linalg.norm(whole, 2)) for whole in wholes)
    assert value_of("long-product-norm", instance, backend) == pytest.approx(norm, rel=1e-3)
    z = instance.stream(Stream.START_VECTOR, 1).standard_normal(32)
    fixed = max(float(np.linalg.norm(whole @ z)) for whole in wholes) / float(np.linalg.norm(z))
    assert value_of("fixed-vector-long-product", instance, backend) == pytest.approx(fixed, rel=1e-12)


def test_the_free_limit_is_the_least_over_psi() -> None:
    psi = np.geomspace(1e-3, 10, 100_001)
    for n_patterns in (0, 1, 2, 5, 31):
        least = np.sqrt(np.min((psi + 2) ** 2 * (psi + 1) ** n_patterns / psi))
        assert free_product_norm(n_patterns) == pytest.approx(least, rel=1e-7)
    assert free_product_norm(0) == pytest.approx(2 * np.sqrt(2))  # ||W||
    assert free_product_norm(10**6) == pytest.approx(2 * np.sqrt(np.e * 10**6), rel=1e-3)


def test_a_wide_product_is_near_its_free_limit(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    ratios = [
        value_of("long-product-norm-over-free-limit", draw_instance(width=320, horizon=3, seed=seed), backend)
        for seed in range(3)
    ]
    assert np.mean(ratios) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "quantity", ["long-product-norm", "long-product-norm-over-free-limit", "fixed-vector-long-product"]
)
def test_long_products_need_a_pattern_and_do_not_see_the_unit_of_the_inputs(
    draw_instance: DrawInstance, value_of: ValueOf, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    scaled = replace(instance, x=4 * instance.x)
    assert value_of(quantity, scaled, backend) == value_of(quantity, instance, backend)
    with pytest.raises(MeasurementError, match="needs a pattern between two W, found L = 1"):
        measure(quantity, draw_instance(horizon=1), backend)
