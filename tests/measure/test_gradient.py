"""Sizes of gradients, against the sums that the paper writes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.selfcheck import gradient_of
from rnnconv_cli.measure.training import initial_loss
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]


def back(instance: Instance, sequence: int, start: int, end: int) -> Array:
    """Return Back_{start->end} = B D_end W ... D_{start+1} W, layers counted from one."""
    pattern = state_of(instance, reference).pattern
    product = instance.B
    for layer in range(end, start, -1):
        W = instance.W[layer - 1 if len(instance.W) > 1 else 0]
        product = product @ np.diag(pattern[layer - 1, sequence]) @ W
    return product


def fake_gradient(instance: Instance, losses: Array) -> Array:
    """Return Fact 2.5 as printed: sum over i, a and l < a of D_{l+1} Back_{l+1->a}^T loss_a h_l^T, matrix by matrix."""
    state, horizon = state_of(instance, reference), instance.setting.horizon
    gradient = np.zeros_like(instance.W)
    for i in range(instance.setting.n_sequences):
        for a in range(2, horizon + 1):
            for layer in range(1, a):
                signal = state.pattern[layer, i] * (back(instance, i, layer + 1, a).T @ losses[a - 1, i])
                place = layer if len(instance.W) > 1 else 0
                gradient[place] += np.outer(signal, state.hidden[layer - 1, i])
    return gradient


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_energy_is_the_geometric_mean_over_fixed_loss_vectors(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers)
    rng = instance.stream(Stream.LOSS_VECTORS)
    ratios = []
    for _ in range(8):
        losses = np.asarray(rng.standard_normal(instance.labels.shape))
        losses[0] = 0
        ratios.append(np.sum(fake_gradient(instance, losses) ** 2) / (32 * np.sum(losses**2)))
    expected = float(np.prod(ratios) ** (1 / 8))
    assert value_of("gradient-energy", instance, backend) == pytest.approx(expected, rel=1e-11)


def test_energy_is_quadratic_in_the_inputs_and_does_not_see_the_labels(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    changed = replace(instance, x=2 * instance.x, labels=instance.labels + 1)
    expected = 4 * value_of("gradient-energy", instance, backend)
    assert value_of("gradient-energy", changed, backend) == pytest.approx(expected, rel=1e-14)


@np.errstate(divide="ignore")
def test_a_dead_network_has_no_gradient(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    instance = draw_instance()
    dead = replace(instance, A=-np.abs(instance.A), x=np.abs(instance.x))
    (reading,) = measure("gradient-energy", dead, backend)
    assert reading == Reading(0.0, Status.ZERO)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("horizon", [2, 3, 6])
def test_end_to_end_goes_from_the_last_loss_through_the_first_use_of_w(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, horizon: int, layers: str
) -> None:
    instance = draw_instance(layers=layers, horizon=horizon)
    pattern = state_of(instance, reference).pattern
    squares = [np.sum((back(instance, i, 2, horizon) * pattern[1, i]) ** 2) for i in range(2)]
    expected = float(np.mean(squares)) / (2 * 32)
    assert value_of("gradient-end-to-end", instance, backend) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_ratios_along_a_run_are_the_extremes_over_its_steps(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance, eta, steps = draw_instance(layers=layers), 1e-3, 12
    ratios, current = [], instance
    for _ in range(steps):
        gradient = gradient_of(current, reference)
        ratios.append(float(np.sum(gradient**2)) / (32 * initial_loss(current, reference)))
        current = replace(current, W=current.W - eta * gradient)
    sections: dict[str, Any] = {
        "training": {
            "learning_rate": eta,
            "learning_rate_unit": "absolute",
            "max_steps": steps,
            "accuracy": 1e-9,
        }
    }
    largest = value_of("gradient-ratio-largest", instance, backend, **sections)
    smallest = value_of("gradient-ratio-smallest", instance, backend, **sections)
    assert (smallest, largest) == pytest.approx((min(ratios), max(ratios)), rel=1e-9)
    assert smallest < largest


@pytest.mark.parametrize("quantity", ["gradient-ratio-largest", "gradient-ratio-smallest"])
def test_a_run_that_diverges_has_no_ratio(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(activation="linear")
    (reading,) = measure(quantity, instance, backend, training={"learning_rate": 50.0})
    assert reading == Reading(None, Status.DIVERGED)
