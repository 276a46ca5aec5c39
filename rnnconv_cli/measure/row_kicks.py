"""Kicks of single rows of W along the fresh part of a state, and what they leave unchanged (Section 6.2, Appendix E).

W'_k = g e_k v_{i*,l*}^T, where v_{i*,l*} is the direction of the part of h_{i*,l*} that is orthogonal to U_{l*-1}, all
sequences' earlier states (Definition B.2). As in Appendix E, theta is in units of 1/sqrt(m), like b_- and b_+: the
literal theta lies between rho^4 beta_- and rho^-3 beta_+, so that these are tested in a scaled form too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.constructed import DEPENDENT
from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.fake_gradient import gradient_row_norms, random_losses, signals_under
from rnnconv_cli.measure.reading import as_reading, finite_state, in_rounding_units, probed
from rnnconv_cli.measure.row_gradients import chosen_rows, kinks_of_rows
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Trial

ROWS_KICKED = 8  # at each place, for a mean over kicks
KICKS = 6  # which draw of the stream of perturbations


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A use of W at (i*, l*): v_{i*,l*}, and the length of the part of h_{i*,l*} that it spans."""

    target: Target
    direction: Array
    length: float


def earlier_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over (i*, l*) of how far a kick along v_{i*,l*} moves g_{i,l+1}, l < l* [1]; Section 6.2 says not at all.

    |change| over the kick theta/sqrt(m), in units of eps L sqrt(m).
    """
    return _earlier_change(instance, trial, backend, along_state=False)


def earlier_change_along_state(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over (i*, l*) of how far a kick along h_{i*,l*} itself moves g_{i,l+1}, l < l* [1].

    Earlier states are not orthogonal to it. |change| over the kick theta/sqrt(m), in units of eps L sqrt(m).
    """
    return _earlier_change(instance, trial, backend, along_state=True)


def kick_balance(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over (i*, l*) and k in N4 of the probability of the rarer value of 1[(g_{i*,l*+1})_k >= 0] after a kick [1].

    The kick is g v_{i*,l*}^T with g ~ N(0, theta^2/m), over which the probability is exact: the entry moves by g times
    the length of the fresh part of h_{i*,l*}. App. E says at least 1/5 where theta is far above b_-.
    """
    state, size = finite_state(instance, trial, backend), _size(instance, trial)
    rarest = []
    for place, lone in _lone_rows(instance, trial, backend):
        g = np.abs(state.preactivation[place.target.layer, place.target.sequence, lone])
        rarest += [math.erfc(each / (size * place.length * math.sqrt(2))) / 2 for each in g]
    return (as_reading(float(np.min(rarest))),)


def other_kinks_crossed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Share of kicks of a row k of N4 that change 1[(g_{i,l+1})_k >= 0] at another place than (i*, l*) [1].

    Over all places, every row of N4 with a kick of its own, g ~ N(0, theta^2/m); (6.4) says a small share where theta
    is far below b_+.
    """
    state, size = finite_state(instance, trial, backend), _size(instance, trial)
    rng = instance.stream(Stream.PERTURBATION, KICKS)
    crossed = []
    for place, lone in _lone_rows(instance, trial, backend):
        left = np.zeros((len(lone), instance.setting.width), dtype=instance.W.dtype)
        left[np.arange(len(lone)), lone] = size * rng.standard_normal(len(lone))
        preactivation = _kicked(state, left, np.tile(place.direction, (len(lone), 1)), backend)
        for t, k in enumerate(lone):
            changed = (preactivation[:, t, :, k] >= 0) != (state.preactivation[:, :, k] >= 0)
            changed[place.target.layer, place.target.sequence] = False
            crossed.append(bool(changed.any()))
    return (Reading(float(np.mean(crossed))),)


def _lone_rows(instance: Instance, trial: Trial, backend: Backend) -> list[tuple[Place, Array]]:
    """Return every place that has rows in N4 with these rows: near its kink, and away from the others (Lemma D.2)."""
    near, clearance = kinks_of_rows(instance, trial, backend)
    lone, rows = near & (clearance >= probed(trial, "margin")), chosen_rows(instance, trial)
    if not lone.any():
        raise MeasurementError(trial.quantity, "no row is near one kink and away from the others; try more rows")
    places = _places(finite_state(instance, trial, backend))
    found = [(place, rows[lone[place.target.layer - 1, place.target.sequence]]) for place in places]
    return [(place, some) for place, some in found if len(some) > 0]


def _earlier_change(instance: Instance, trial: Trial, backend: Backend, *, along_state: bool) -> tuple[Reading, ...]:
    state, setting = finite_state(instance, trial, backend), instance.setting
    places, size = _places(state), _size(instance, trial)
    left = np.zeros((len(places), setting.width), dtype=instance.W.dtype)
    left[:, 0] = size  # one row is as good as another
    right = np.stack([_unit_state(state, each.target) if along_state else each.direction for each in places])
    preactivation = _kicked(state, left, right, backend)
    moves = [
        float(np.max(np.abs(preactivation[: each.target.layer, t] - state.preactivation[: each.target.layer])))
        for t, each in enumerate(places)
    ]
    return (in_rounding_units(float(np.max(moves)) / size, instance),)


# --- Lemma E.8: what the kick of one row changes in the others ------------------------------------------------------


def row_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over (i*, l*) and j of sum over k in N of | ||row k||^2 - ||row k after||^2 | under a kick of one row j [1].

    W''_j = +-theta/sqrt(m) e_j v_{i*,l*}^T, toward the kink of row j, which is one of the eight that are nearest to it
    at (i*, l*). N is fixed beforehand; row j itself does not count, for which the rho^8 stands in the bound
    O(rho^8 + rho^11 theta^(1/3) |N| / m^(1/6)) of Lemma E.8. Random losses of norm 1.
    """
    state, rows = finite_state(instance, trial, backend), chosen_rows(instance, trial)
    left, right, kicked, size = [], [], [], _size(instance, trial)
    for place in _places(state):
        g = state.preactivation[place.target.layer, place.target.sequence]
        for j in np.argsort(np.abs(g), kind="stable")[:ROWS_KICKED]:
            left.append(_toward_kinks(g, np.array([j]), size))
            right.append(place.direction)
            kicked.append(j)
    changes = _row_changes(state, np.stack(left), np.stack(right), backend)
    sums = [change[rows[rows != j]].sum() for change, j in zip(changes, kicked, strict=True)]
    return (as_reading(float(np.mean(sums))),)


def row_change_of_all_kicked(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over (i*, l*) of sum over k in N of | ||row k||^2 - ||row k after||^2 | where all rows of N are kicked [1].

    No change of a single coordinate any more.
    """
    state, rows = finite_state(instance, trial, backend), chosen_rows(instance, trial)
    places = _places(state)
    g = (state.preactivation[place.target.layer, place.target.sequence] for place in places)
    left = np.stack([_toward_kinks(each, rows, _size(instance, trial)) for each in g])
    changes = _row_changes(state, left, np.stack([place.direction for place in places]), backend)
    return (as_reading(float(np.mean([change[rows].sum() for change in changes]))),)


def _toward_kinks(g: Array, rows: Array, size: float) -> Array:
    """Return `size` on these rows, with the sign that moves g toward zero, and zeros elsewhere, (m,)."""
    kick = np.zeros_like(g)
    kick[rows] = np.where(g[rows] >= 0, -size, size)
    return kick


def _row_changes(state: State, left: Array, right: Array, backend: Backend) -> Iterator[Array]:
    """Yield for each W + left_t right_t^T the | ||row k||^2 - ||row k after||^2 | of every row, (m,)."""
    instance, losses = state.instance, random_losses(state.instance)
    signals = backend.backward(instance.W, instance.B, state.pattern, losses)
    before = gradient_row_norms(instance, signals, state.hidden) ** 2
    for after in signals_under(state, LowRankPerturbations(left[:, None], right[:, None]), losses, backend):
        yield np.abs(gradient_row_norms(instance, *after) ** 2 - before)


# --- what they share ------------------------------------------------------------------------------------------------


def _places(state: State) -> tuple[Place, ...]:
    """Return every (i*, l*) with the part of h_{i*,l*} orthogonal to all sequences' earlier states, U_{l*-1}."""
    hidden, width = state.hidden, state.hidden.shape[2]
    places = []
    for layer in range(1, len(hidden)):
        earlier = np.linalg.qr(hidden[: layer - 1].reshape(-1, width).T)[0]
        for i, vector in enumerate(hidden[layer - 1]):
            part = vector
            for _ in range(2):  # twice is enough to be orthogonal to round-off
                part = part - earlier @ (earlier.T @ part)
            length = float(np.linalg.norm(part))
            if length <= DEPENDENT * float(np.linalg.norm(vector)):
                raise MeasurementError(f"layer {layer + 1} of sequence {i + 1}", "its state before has no fresh part")
            places.append(Place(Target(layer, i), part / length, length))
    return tuple(places)


def _size(instance: Instance, trial: Trial) -> float:
    """Return theta/sqrt(m)."""
    return probed(trial, "kick") / math.sqrt(instance.setting.width)


def _unit_state(state: State, target: Target) -> Array:
    vector = state.hidden[target.layer - 1, target.sequence]
    return np.asarray(vector / np.linalg.norm(vector))


def _kicked(state: State, left: Array, right: Array, backend: Backend) -> Array:
    """Return g of all sequences under each W + left_t right_t^T, (L, t, n, m)."""
    instance, count = state.instance, len(left)
    shape = (instance.setting.horizon, count, instance.setting.n_sequences, instance.setting.width)
    x = np.tile(instance.x, (1, count, 1))
    y, v = (np.repeat(each, instance.setting.n_sequences, axis=0)[:, None] for each in (left, right))
    preactivation, _ = backend.forward_low_rank(instance.W, instance.A, x, y, v, instance.activation)
    return preactivation.reshape(shape)
