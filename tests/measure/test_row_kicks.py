"""Kicks of single rows, against networks whose W is kicked as a matrix, and pre-activations put by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import State, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import row_kicks
from rnnconv_cli.measure.fake_gradient import random_losses
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]


def directions(instance: Instance) -> dict[tuple[int, int], Array]:
    """Return for each place (layer, sequence) the unit vector of the state's part orthogonal to all earlier states."""
    hidden = state_of(instance, reference).hidden
    found = {}
    for layer in range(1, len(hidden)):
        earlier = hidden[: layer - 1].reshape(-1, hidden.shape[2]).T
        for i, vector in enumerate(hidden[layer - 1]):
            part = vector - earlier @ np.linalg.lstsq(earlier, vector, rcond=None)[0] if layer > 1 else vector
            found[layer, i] = part / np.linalg.norm(part)
    return found


def row_squares(instance: Instance) -> Array:
    """Return the squared norms of the rows of the fake gradient for random losses, (m,)."""
    state = state_of(instance, reference)
    signals = reference.backward(instance.W, instance.B, state.pattern, random_losses(instance))
    return np.asarray(np.sum(reference.weight_gradient(signals, state.hidden, len(instance.W)) ** 2, axis=(0, 2)))


def kicked(instance: Instance, rows: Array, sizes: Array, direction: Array) -> Instance:
    """Return the instance with these rows of W kicked along the direction."""
    kick = np.zeros(instance.W.shape[1:])
    kick[rows] = np.outer(sizes, direction)
    return replace(instance, W=instance.W + kick)


# --- Section 6.2 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_only_a_kick_along_the_fresh_part_spares_earlier_layers(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(width=64, n_sequences=3, horizon=5, layers=layers)
    assert value_of("earlier-change", instance, backend) < 10
    assert value_of("earlier-change-along-state", instance, backend) > 1e9


def test_the_change_along_a_state_is_that_of_a_kicked_matrix(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, size = draw_instance(), 0.1 / math.sqrt(32)
    state, largest = state_of(instance, reference), 0.0
    for layer in range(1, 4):
        for i in range(2):
            unit = state.hidden[layer - 1, i] / np.linalg.norm(state.hidden[layer - 1, i])
            after = state_of(kicked(instance, np.array([0]), np.array([size]), unit), reference).preactivation
            largest = max(largest, np.abs(after - state.preactivation)[:layer].max())
    expected = largest / size / (np.finfo(float).eps * 4 * math.sqrt(32))
    assert value_of("earlier-change-along-state", instance, backend) == pytest.approx(expected, rel=1e-9)


def test_the_rarer_value_by_hand(write_instance: WriteInstance, value_of: ValueOf, backend: Backend) -> None:
    """W = 0 and ||h_1|| = 2: g_2 = 0.05, 0.3, -0.1 and 1 against a standard deviation of 2 x 0.2 / sqrt(4) = 0.2.

    Of the rows within b_-/sqrt(m) = 0.2, which are the first and the third, the third lies half of it from its kink.
    """
    tokens = [[[2.0, 0, 0, 0]], [[0.05, 0.3, -0.1, 1.0]]]
    instance = write_instance(W=np.zeros((4, 4)), B=np.ones((1, 4)), x=tokens)
    section = {"rows": 4.0, "threshold": 0.4, "margin": 0.5, "kick": 0.2}
    expected = math.erfc(0.5 / math.sqrt(2)) / 2
    assert value_of("kick-balance", instance, backend, probe=section) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("theta", [0.05, 3.0])
def test_other_indicators_are_those_of_a_kicked_matrix(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, theta: float
) -> None:
    instance = draw_instance(width=64)
    section = {"rows": 64.0, "threshold": 0.3, "margin": 0.4, "kick": theta}
    rows, rng = (instance.stream(Stream.PERTURBATION, 5).permutation(64), instance.stream(Stream.PERTURBATION, 6))
    g, crossed = state_of(instance, reference).preactivation, []
    for (layer, i), direction in directions(instance).items():
        others = np.ones_like(g, dtype=bool)
        others[:layer] = others[layer, i] = False
        away = np.where(others, 8 * np.abs(g), np.inf).min(axis=(0, 1)) >= 0.4
        chosen = [k for k in rows if 8 * abs(g[layer, i, k]) <= 0.3 and away[k]]
        for k, draw in zip(chosen, rng.standard_normal(len(chosen)), strict=True):
            after = state_of(kicked(instance, np.array([k]), np.array([theta / 8 * draw]), direction), reference)
            changed = (after.preactivation[:, :, k] >= 0) != (g[:, :, k] >= 0)
            changed[layer, i] = False
            crossed.append(changed.any())
    assert len(crossed) > 5
    assert value_of("other-kinks-crossed", instance, backend, probe=section) == np.mean(crossed)
    assert (np.mean(crossed) > 0) == (theta > 1)


@pytest.mark.parametrize("quantity", ["kick-balance", "other-kinks-crossed"])
def test_no_lone_row_is_nothing_to_kick(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    section = {"rows": 32.0, "threshold": 0.1, "margin": 50.0, "kick": 0.1}
    with pytest.raises(MeasurementError, match=f"{quantity}: no row is near one kink and away from the others"):
        measure(quantity, draw_instance(), backend, probe=section)


def test_a_state_without_a_fresh_part_cannot_be_kicked(
    write_instance: WriteInstance, measure: Measure, backend: Backend
) -> None:
    """h_2 = 2 h_1: nothing of it is orthogonal to h_1."""
    instance = write_instance(W=2 * np.eye(2), B=np.ones((1, 2)), x=[[[1.0, 0]], [[0.0, 0]], [[0.0, 0]]])
    with pytest.raises(MeasurementError, match="layer 3 of sequence 1: its state before has no fresh part"):
        measure("earlier-change", instance, backend)


# --- Lemma E.8 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_row_changes_are_those_of_a_kicked_matrix(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance, theta = draw_instance(layers=layers), 0.6
    rows, size = instance.stream(Stream.PERTURBATION, 5).permutation(32)[:12], theta / math.sqrt(32)
    g, before = state_of(instance, reference).preactivation, row_squares(instance)
    one, all_at_once = [], []
    for (layer, i), direction in directions(instance).items():
        toward = np.where(g[layer, i] >= 0, -size, size)
        for j in np.argsort(np.abs(g[layer, i]))[:8]:
            change = np.abs(row_squares(kicked(instance, np.array([j]), toward[[j]], direction)) - before)
            one.append(sum(change[k] for k in rows if k != j))
        change = np.abs(row_squares(kicked(instance, rows, toward[rows], direction)) - before)
        all_at_once.append(change[rows].sum())
    section = {"rows": 12.0, "kick": theta}
    assert value_of("row-change", instance, backend, probe=section) == pytest.approx(np.mean(one), rel=1e-9)
    together = value_of("row-change-of-all-kicked", instance, backend, probe=section)
    assert together == pytest.approx(np.mean(all_at_once), rel=1e-9)


def test_row_changes_scale_with_the_inputs(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    """Both h and g double, so that a kick of W of the same size does the same."""
    instance = draw_instance()
    section = {"rows": 12.0, "kick": 0.6}
    value = value_of("row-change", instance, backend, probe=section)
    assert value > 0
    doubled = value_of("row-change", replace(instance, x=2 * instance.x), backend, probe=section)
    assert doubled == pytest.approx(4 * value, rel=1e-12)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", ["earlier-change", "kick-balance", "other-kinks-crossed", "row-change"])
def test_an_overflowed_network_cannot_be_kicked(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match=f"{quantity}: the hidden states are not finite"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend)


def test_a_kick_that_overflows_at_the_last_place_alone_has_diverged(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    kick_rows = row_kicks._kicked

    def lost_at_last(state: State, left: Array, right: Array, backend: Backend) -> Array:
        preactivation = kick_rows(state, left, right, backend)
        preactivation[:, -1] = np.nan
        return preactivation

    monkeypatch.setattr(row_kicks, "_kicked", lost_at_last)
    assert measure("earlier-change", draw_instance(), backend) == (Reading(None, Status.DIVERGED),)
