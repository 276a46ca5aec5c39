"""Rows of fake gradients and rows near kinks, against sums written out and pre-activations put by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.fake_gradient import antisymmetric_losses, random_losses
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

ALL = {"rows": 32.0}
OF_ROWS = (
    "small-backward-share",
    "small-backward-share-of-small-rows",
    "small-backward-share-as-printed",
    "near-kink-rows",
    "lone-kink-share",
    "surviving-margin",
    "large-gradient-rows",
)


def backward_vectors(instance: Instance, losses: Array, *, first: int) -> Array:
    """Return sum over a >= l + first of Back_{l->a}^T loss_a for l >= 2, product by product, (L - 1, n, m)."""
    pattern, horizon = state_of(instance, reference).pattern, instance.setting.horizon
    vectors = np.zeros((horizon, instance.setting.n_sequences, instance.setting.width))
    for layer in range(1, horizon):
        for i in range(instance.setting.n_sequences):
            for a in range(layer + first, horizon):
                product = instance.B
                for b in range(a, layer, -1):
                    W = instance.W[b if len(instance.W) > 1 else 0]
                    product = product @ np.diag(pattern[b, i]) @ W
                vectors[layer, i] += product.T @ losses[a, i]
    return vectors[1:]


# --- Lemma D.7 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_entries_are_those_of_the_products_written_out(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers)
    losses = random_losses(instance)
    entries = np.abs(backward_vectors(instance, losses, first=0))
    bound, tokens = 1 / (6 * np.sqrt(2) * 8), 8
    few = instance.stream(Stream.PERTURBATION, 5).permutation(32)[:6]
    shares = {rows: 2 * tokens * np.mean(entries[:, :, rows] < bound, axis=2).max() for rows in (tuple(few),)}
    assert value_of("typical-backward-entry", instance, backend) == pytest.approx(np.median(entries), rel=1e-12)
    assert value_of("small-backward-share", instance, backend, probe={"rows": 6.0}) == shares[tuple(few)]
    smallest = np.sort(entries, axis=2)[:, :, :6]
    expected = 2 * tokens * np.mean(smallest < bound, axis=2).max()
    assert value_of("small-backward-share-of-small-rows", instance, backend, probe={"rows": 6.0}) == expected
    assert expected > 1


def test_the_printed_index_is_an_empty_sum_at_the_last_token(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    assert not backward_vectors(instance, random_losses(instance), first=1)[-1].any()
    assert value_of("small-backward-share-as-printed", instance, backend, probe=ALL) == 2 * 8


def test_entries_follow_the_output_weights_and_not_the_inputs_scale(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    value = value_of("typical-backward-entry", instance, backend)
    assert value_of("typical-backward-entry", replace(instance, B=2 * instance.B), backend) == 2 * value
    assert value_of("typical-backward-entry", replace(instance, x=2 * instance.x), backend) == value


# --- Lemma D.2 --------------------------------------------------------------------------------------------------------


def kinked(write_instance: WriteInstance) -> Instance:
    """Two sequences, W = 0, so that g_l = x_l, and sqrt(m) = 2: four rows at l = 2 and 3."""
    second = [[0.05, 0.05, 0.25, -0.5], [0.15, -0.3, 0.5, -0.05]]
    third = [[0.4, 0.25, 0.1, 0.5], [0.5, -0.35, 0.2, 0.15]]
    return write_instance(W=np.zeros((4, 4)), B=np.ones((1, 4)), x=[[[1, 0, 0, 0], [0, 1, 0, 0]], second, third])


def test_rows_near_a_kink_by_hand(write_instance: WriteInstance, value_of: ValueOf, backend: Backend) -> None:
    """Within 0.2 at |g| <= 0.1: at l = 2 rows 1, 2 and row 4, at l = 3 row 3 and none."""
    instance = kinked(write_instance)
    near = {"rows": 4.0, "threshold": 0.2}
    assert value_of("near-kink-rows", instance, backend, probe=near) == (2 + 1 + 1 + 0) / 4
    assert value_of("near-kink-share", instance, backend, probe={**near, "threshold": 0.3}) == pytest.approx(
        1 / (0.3 * 4 / (16 * 3))
    )


def test_rows_away_from_all_other_kinks_by_hand(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend
) -> None:
    """At l = 2, sequence 1: row 1 stays 2 x 0.15 away from the others, row 2 2 x 0.25; at l = 3 row 3 2 x 0.2."""
    instance = kinked(write_instance)
    section = {"rows": 4.0, "threshold": 0.2}
    assert value_of("surviving-margin", instance, backend, probe=section) == pytest.approx(((0.3 + 0.5) / 2 + 0.4) / 2)
    wide = {"rows": 4.0, "threshold": 0.3}
    counted = {
        margin: value_of("lone-kink-share", instance, backend, probe={**wide, "margin": margin})
        for margin in (0.2, 0.9)
    }
    assert counted == {0.2: pytest.approx(1 / (0.3 * 4 / (64 * 3))), 0.9: 0.0}


def test_no_row_near_a_kink_is_no_margin(write_instance: WriteInstance, measure: Measure, backend: Backend) -> None:
    with pytest.raises(MeasurementError, match="surviving-margin: no row is near a kink; try a larger threshold or"):
        measure("surviving-margin", kinked(write_instance), backend, probe={"rows": 4.0, "threshold": 1e-3})


def test_copies_are_never_away_from_each_others_kinks(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(copies=2)
    section = {"rows": 32.0, "threshold": 0.5, "margin": 0.6}
    assert value_of("near-kink-share", instance, backend, probe=section) > 0
    assert value_of("lone-kink-share", instance, backend, probe=section) == 0


def test_thresholds_scale_with_the_inputs(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    instance = draw_instance(width=64)
    doubled = replace(instance, x=2 * instance.x)
    for quantity, power in (("near-kink-rows", 0), ("surviving-margin", 1), ("lone-kink-share", -1)):
        section = {"rows": 48.0, "threshold": 0.5, "margin": 0.25}
        twice = {"rows": 48.0, "threshold": 1.0, "margin": 0.5}
        value = value_of(quantity, instance, backend, probe=section)
        assert value > 0
        assert value_of(quantity, doubled, backend, probe=twice) == pytest.approx(2**power * value, rel=1e-13)


# --- Lemma E.6 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_large_rows_are_those_of_the_whole_matrix(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers)
    state, losses = state_of(instance, reference), antisymmetric_losses(instance)
    signals = reference.backward(instance.W, instance.B, state.pattern, losses)
    gradient = reference.weight_gradient(signals, state.hidden, len(instance.W))
    large = np.linalg.norm(gradient, axis=(0, 2)) >= 6 / (8 * np.sqrt(2))
    few = instance.stream(Stream.PERTURBATION, 5).permutation(32)[:20]
    assert 0 < large.sum() < 32
    assert value_of("large-gradient-rows", instance, backend, probe=ALL) == large.sum()
    assert value_of("large-gradient-rows", instance, backend, probe={"rows": 20.0}) == large[few].sum()


def test_copies_have_no_large_rows(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    readings = measure("large-gradient-rows", draw_instance(copies=2), backend, probe=ALL)
    assert readings == (Reading(0.0, Status.ZERO),)


# --- what cannot be measured ------------------------------------------------------------------------------------------


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", [*OF_ROWS, "typical-backward-entry"])
def test_an_overflowed_network_has_no_rows(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match=f"{quantity}: the hidden states are not finite"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend)


@pytest.mark.parametrize("quantity", OF_ROWS)
def test_a_share_of_no_rows_is_no_number(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match=rf"{quantity}: found rows = 0\.3, wanted at least 1 after rounding"):
        measure(quantity, draw_instance(), backend, probe={"rows": 0.3})
