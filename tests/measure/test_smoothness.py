"""The remainder of the loss beyond its first order: dense weights, its three kinds of loss, and the identity (7.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import DensePerturbation, Perturbation, Target, displaced, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.measure.smoothness import LARGE_LOSS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]
FitLabels = Callable[[Instance, Backend], Instance]

REMAINDERS = ("remainder", "remainder-at-zero-loss", "remainder-per-large-loss")
QUANTITIES = (
    *REMAINDERS,
    "remainder-of-initial-gradient",
    "remainder-identity-error",
    "remainder-identity-error-as-printed",
)


def outputs(instance: Instance, W: Array) -> Array:
    return np.asarray(reference.forward(W, instance.A, instance.x, instance.activation)[1] @ instance.B.T)


def loss(instance: Instance, W: Array) -> float:
    return float(np.sum((outputs(instance, W) - instance.labels)[1:] ** 2) / 2)


def gradient(instance: Instance) -> Array:
    g, hidden = reference.forward(instance.W, instance.A, instance.x, instance.activation)
    residual = reference.residuals(instance.B, hidden, instance.labels)
    pattern = reference.activation_pattern(g, instance.activation)
    signals = reference.backward(instance.W, instance.B, pattern, residual)
    return np.asarray(reference.weight_gradient(signals, hidden, 1)[0])


def matrices_of(found: Perturbation) -> list[Array]:
    if isinstance(found, DensePerturbation):
        return [found.matrix]
    return [left.T @ right for left, right in zip(found.left, found.right, strict=True)]


def remainder_of(instance: Instance, matrix: Array, slope: Array) -> float:
    return loss(instance, instance.W + matrix) - loss(instance, instance.W) - float(np.sum(slope * matrix))


@pytest.mark.parametrize(("label", "expected"), [(-5.0, 19.5), (5.0, 0.0)])
def test_one_unit_by_hand(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend, label: float, expected: float
) -> None:
    """h_1 = 2 and g_2 = 0.5 * 2 - 4 = -3: a kick of size 2 lifts g_2 to 1, which the first order does not see.

    f goes from 25/2 to (3 - y)^2 / 2; with a loss vector along y the output 3 counts in full.
    """
    instance = write_instance(W=[[[0.5]]], B=[[3.0]], x=[[[2.0]], [[-4.0]]], labels=[0.0, label])
    section = {"adversary": "single-row", "size": 2.0}
    assert value_of("remainder", instance, backend, perturbation=section) == expected
    assert value_of("remainder-at-zero-loss", instance, backend, perturbation=section) == 4.5
    along = value_of("remainder-per-large-loss", instance, backend, perturbation=section)
    assert along == pytest.approx(3 + 4.5 / LARGE_LOSS if label > 0 else 0, rel=1e-12)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("adversary", ["gaussian", "gradient", "kinks", "loss-kinks", "ascent-remainder"])
def test_every_remainder_is_the_one_computed_densely(
    draw_instance: DrawInstance,
    fit_labels: FitLabels,
    value_of: ValueOf,
    backend: Backend,
    adversary: str,
    around: str,
    layers: str,
) -> None:
    instance, size = draw_instance(layers=layers), 0.5
    base = displaced(instance, backend) if around == "displaced" else instance
    fitted = fit_labels(base, backend).labels
    lengths = np.linalg.norm(base.labels[1:], axis=2)
    relabelled = {
        "remainder": base,
        "remainder-at-zero-loss": replace(base, labels=fitted),
        "remainder-per-large-loss": replace(base, labels=fitted - base.labels * LARGE_LOSS / lengths.max()),
    }
    section = {"adversary": adversary, "size": size, "around": around}
    for quantity, network in relabelled.items():
        if quantity == "remainder-at-zero-loss" and adversary == "gradient":
            continue  # it has none
        targets = (Target(2, 0), Target(2, 1))
        found = ADVERSARIES[adversary](state_of(network, backend), size, targets, backend)
        matrices = matrices_of(found)
        expected = max(remainder_of(network, matrix, gradient(network)) for matrix in matrices)
        expected /= LARGE_LOSS if quantity == "remainder-per-large-loss" else 1
        measured = value_of(quantity, instance, backend, perturbation=section)
        assert measured == pytest.approx(max(expected, 0), rel=2e-3, abs=1e-9)


def test_gradient_elsewhere_leaves_a_part_of_first_order(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, size = draw_instance(), 1e-3
    base = displaced(instance, backend)
    found = ADVERSARIES["gaussian"](state_of(base, backend), size, (), backend)
    assert isinstance(found, DensePerturbation)
    expected = abs(remainder_of(base, found.matrix, gradient(instance)))
    section = {"adversary": "gaussian", "size": size, "around": "displaced"}
    quantity = "remainder-of-initial-gradient"
    assert value_of(quantity, instance, backend, perturbation=section) == pytest.approx(expected, rel=2e-3)
    smaller = value_of(quantity, instance, backend, perturbation={**section, "size": size / 10})
    assert smaller == pytest.approx(expected / 10, rel=0.05)
    initial = {**section, "around": "initial"}
    exact = value_of(quantity, instance, backend, perturbation=initial)
    assert exact == pytest.approx(value_of("remainder", instance, backend, perturbation=initial), rel=1e-6)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "linear"])
@pytest.mark.parametrize("adversary", ["gaussian", "kinks"])
@pytest.mark.parametrize("size", [1e-6, 1.0])
def test_identity_is_exact_to_rounding(
    draw_instance: DrawInstance,
    value_of: ValueOf,
    backend: Backend,
    adversary: str,
    activation: str,
    around: str,
    layers: str,
    size: float,
) -> None:
    instance = draw_instance(width=48, horizon=5, layers=layers, activation=activation)
    section = {"adversary": adversary, "size": size, "around": around}
    assert value_of("remainder-identity-error", instance, backend, perturbation=section) < 1


def test_printed_identity_holds_only_where_nothing_is_displaced(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, section = draw_instance(width=96), {"adversary": "gaussian", "size": 0.1}
    printed = "remainder-identity-error-as-printed"
    assert value_of(printed, instance, backend, perturbation=section) < 1
    assert value_of(printed, instance, backend, perturbation={**section, "around": "displaced"}) > 1e6


def test_large_loss_leaves_out_the_square(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    """Over two layers a linear network has a square alone, which is nothing per large loss."""
    instance = draw_instance(horizon=2, activation="linear")
    section = {"adversary": "gaussian", "size": 0.5}
    square = value_of("remainder-at-zero-loss", instance, backend, perturbation=section)
    per_loss = value_of("remainder-per-large-loss", instance, backend, perturbation=section)
    assert per_loss == pytest.approx(square / LARGE_LOSS, rel=1e-6)


def test_remainder_without_loss_is_a_square_in_the_inputs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, section = draw_instance(), {"adversary": "kinks", "size": 0.5}
    larger = replace(instance, x=4 * instance.x)
    one, other = (
        value_of("remainder-at-zero-loss", each, backend, perturbation=section) for each in (instance, larger)
    )
    assert other == pytest.approx(16 * one, rel=1e-12)


def test_a_negative_remainder_is_a_zero(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    """The bound is one-sided; over some draws of noise the loss lies below its first order."""
    found = []
    for seed in range(8):
        section = {"adversary": "gaussian", "size": 1e-3}
        (reading,) = measure("remainder-per-large-loss", draw_instance(seed=seed), backend, perturbation=section)
        found.append(reading)
    assert {reading.status for reading in found} == {Status.OK, Status.ZERO}
    assert all(reading.value is not None and reading.value >= 0 for reading in found)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_overflows_are_said_to_be_some(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    huge: dict[str, Any] = {"adversary": "gaussian", "size": 1e200}
    with pytest.raises(OverflowedNetwork, match="not finite under the perturbation"):
        measure(quantity, instance, backend, perturbation=huge)
    with pytest.raises(OverflowedNetwork, match="not finite before any perturbation"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend, perturbation={"adversary": "gaussian"})


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_trial_without_perturbation_is_refused(
    draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    trial = replace(make_trial(quantity, instance), perturbation=None)
    with pytest.raises(MeasurementError, match=f"{quantity}: needs a perturbation section"):
        MEASUREMENTS[quantity].measure(instance, trial, backend)
