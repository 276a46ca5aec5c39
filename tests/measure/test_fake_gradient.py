"""Sizes of fake gradients, against matrices formed whole, all sign patterns of losses, and networks of one unit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import Target, perturbed_weights, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS, fake_gradient
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.sequences import closest_pair
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

FAMILIES = {
    "gradient-one-hot": fake_gradient.one_hot_losses,
    "gradient-all-ones": fake_gradient.all_ones_losses,
    "gradient-random": fake_gradient.random_losses,
    "gradient-antisymmetric": fake_gradient.antisymmetric_losses,
}
WORST = ("largest-gradient", "largest-gradient-of-a-sequence", "largest-gradient-row")


def dense_gradient(instance: Instance, losses: Array) -> Array:
    """Return the fake gradient (K, m, m) of these losses as a matrix, by the reference kernels."""
    state = state_of(instance, reference)
    signals = reference.backward(instance.W, instance.B, state.pattern, losses)
    return reference.weight_gradient(signals, state.hidden, len(instance.W))


def signed_losses(instance: Instance, sequences: list[int]) -> list[Array]:
    """Return the losses +-1 at every token of these sequences, one output, zeros elsewhere: all sign patterns."""
    shape, places = instance.labels.shape, (instance.setting.horizon - 1) * len(sequences)
    found = []
    for signs in itertools.product([-1.0, 1.0], repeat=places):
        losses = np.zeros(shape)
        losses[1:, sequences, 0] = np.reshape(signs, (-1, len(sequences)))
        found.append(losses)
    return found


# --- loss vectors fixed beforehand ------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES.values())
def test_losses_have_norm_one_at_most_and_do_not_see_the_network(
    draw_instance: DrawInstance, family: Callable[[Instance], Array]
) -> None:
    instance, wider = draw_instance(n_sequences=3), draw_instance(n_sequences=3, width=48)
    losses = family(instance)
    norms = np.linalg.norm(losses, axis=2)
    assert losses.shape == instance.labels.shape
    assert not losses[0].any()
    assert norms.max() == pytest.approx(1, rel=1e-14)
    np.testing.assert_array_equal(losses, family(wider))


def test_opposite_losses_stand_on_the_closest_pair(draw_instance: DrawInstance) -> None:
    instance = draw_instance(n_sequences=4)
    swapped = replace(instance, x=instance.x[:, [2, 0, 3, 1]])
    for each in (instance, swapped):
        losses = fake_gradient.antisymmetric_losses(each)
        i, j = np.flatnonzero(losses[-1].any(axis=1))
        np.testing.assert_array_equal(losses[:, i], -losses[:, j])
        assert np.linalg.norm(each.x[0, i] - each.x[0, j]) == pytest.approx(closest_pair(each.x), rel=1e-14)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("quantity", FAMILIES)
def test_fixed_losses_give_the_square_of_the_whole_matrix(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str, layers: str
) -> None:
    instance = draw_instance(layers=layers)
    expected = np.sum(dense_gradient(instance, FAMILIES[quantity](instance)) ** 2) / 32
    assert value_of(quantity, instance, backend) == pytest.approx(expected, rel=1e-11)


def test_one_unit_by_hand(write_instance: WriteInstance, value_of: ValueOf, backend: Backend) -> None:
    """h = 2, 7, 22.5: the gradients of y_2 and y_3 are B h_1 = 6 and B (h_2 + W h_1) = 36."""
    instance = write_instance(W=[[2.5]], B=[[3.0]], x=[[[2.0]], [[2.0]], [[5.0]]])
    assert value_of("gradient-one-hot", instance, backend) == pytest.approx(36**2, rel=1e-14)
    assert value_of("gradient-all-ones", instance, backend) == pytest.approx(42**2, rel=1e-14)
    for quantity in WORST:
        assert value_of(quantity, instance, backend) == pytest.approx(42, rel=1e-14)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_opposite_losses_on_copies_have_no_gradient_at_all(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, layers: str
) -> None:
    instance = draw_instance(n_sequences=3, copies=2, layers=layers)
    assert measure("gradient-antisymmetric", instance, backend) == (Reading(0.0, Status.ZERO),)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize(
    ("variance", "later_tokens", "horizon"), [(8.0, "fresh", 80), (8.0, "zero", 80), (0.5, "zero", 80)]
)
def test_a_gradient_that_explodes_or_vanishes_with_the_horizon_is_not_zero(
    draw_instance: DrawInstance, backend: Backend, value_of: ValueOf, variance: float, later_tokens: str, horizon: int,
    layers: str,
) -> None:  # fmt: skip
    """The norms of all signals and of all states are at opposite ends, and their product is no measure of any term."""
    instance = draw_instance(
        width=16, horizon=horizon, weight_variance=variance, later_tokens=later_tokens, layers=layers
    )
    value = value_of("gradient-one-hot", instance, backend)
    dense = dense_gradient(instance, fake_gradient.one_hot_losses(instance))
    assert value == pytest.approx(float(np.linalg.norm(dense)) ** 2 / 16, rel=1e-9)
    assert value > 1e26 if variance > 2 else value < 1e-10


def test_a_sum_that_cancels_is_zero_whatever_its_terms_have_grown_to(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    for dtype in ("float64", "float32"):
        instance = draw_instance(width=16, horizon=20, weight_variance=8.0, copies=2, dtype=dtype)
        assert measure("gradient-antisymmetric", instance, backend) == (Reading(0.0, Status.ZERO),)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", FAMILIES)
def test_a_gradient_beyond_the_range_of_floats_has_diverged(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    """The states are finite, about 1e270: squares of them, and the gradient, are not."""
    instance = draw_instance(width=16, horizon=900, weight_variance=8.0)
    assert np.isfinite(state_of(instance, backend).hidden).all()
    assert measure(quantity, instance, backend) == (Reading(None, Status.DIVERGED),)


def test_opposite_losses_need_a_pair(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    with pytest.raises(MeasurementError, match="antisymmetric loss: needs two sequences"):
        measure("gradient-antisymmetric", draw_instance(n_sequences=1), backend)


@pytest.mark.parametrize("quantity", [*FAMILIES, *WORST])
def test_sizes_follow_the_inputs_and_not_the_order_of_units(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    order = np.random.default_rng(1).permutation(32)
    relabelled = replace(
        instance, W=instance.W[:, order][:, :, order].copy(), A=instance.A[order], B=instance.B[:, order].copy()
    )
    value, power = value_of(quantity, instance, backend), 1 if quantity in WORST else 2
    doubled = value_of(quantity, replace(instance, x=2 * instance.x), backend)
    assert doubled == pytest.approx(2**power * value, rel=1e-12)
    assert value_of(quantity, relabelled, backend) == pytest.approx(value, rel=1e-10)


# --- the worst loss vectors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("replicate", range(3))
def test_the_worst_losses_are_the_worst_of_all_signs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, replicate: int, layers: str
) -> None:
    """With one output the norm of a linear map of the losses is largest at a sign pattern."""
    instance = draw_instance(output_dim=1, layers=layers, replicate=replicate)
    together = [dense_gradient(instance, losses) for losses in signed_losses(instance, [0, 1])]
    alone = [dense_gradient(instance, losses) for i in (0, 1) for losses in signed_losses(instance, [i])]
    expected = {
        "largest-gradient": max(np.linalg.norm(each) for each in together),
        "largest-gradient-of-a-sequence": max(np.linalg.norm(each) for each in alone),
        "largest-gradient-row": max(np.linalg.norm(each, axis=(0, 2)).max() for each in together),
    }
    for quantity, largest in expected.items():
        assert value_of(quantity, instance, backend) == pytest.approx(largest, rel=1e-10)


def test_the_worst_losses_beat_every_fixed_family(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(output_dim=3)
    largest = value_of("largest-gradient", instance, backend)
    for quantity in FAMILIES:
        assert largest > np.sqrt(32 * value_of(quantity, instance, backend))


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", [*FAMILIES, *WORST, "gradient-change"])
def test_an_overflowed_network_has_no_gradient(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match=f"{quantity}: the hidden states are not finite"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend)


# --- under a perturbation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("adversary", ["gaussian", "kinks", "linearised-ascent"])
def test_the_change_is_that_of_whole_matrices(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, adversary: str, layers: str
) -> None:
    instance, size = draw_instance(layers=layers, n_sequences=3), 0.5
    losses = fake_gradient.random_losses(instance)
    targets = tuple(Target(layer, i) for layer in range(1, 4) for i in range(3))
    found = ADVERSARIES[adversary](state_of(instance, backend), size, targets, backend)
    before = dense_gradient(instance, losses)
    changes = [
        np.linalg.norm(dense_gradient(replace(instance, W=perturbed_weights(instance, found, t)), losses) - before)
        for t in range(len(targets))
    ]
    section = {"adversary": adversary, "size": size}
    assert value_of("gradient-change", instance, backend, perturbation=section) == pytest.approx(max(changes), rel=1e-9)


def test_a_change_needs_a_perturbation(draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend) -> None:
    instance = draw_instance()
    trial = replace(make_trial("gradient-change", instance), perturbation=None)
    with pytest.raises(MeasurementError, match="gradient-change: needs a perturbation section"):
        MEASUREMENTS["gradient-change"].measure(instance, trial, backend)
