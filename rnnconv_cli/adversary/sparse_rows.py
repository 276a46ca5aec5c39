"""Rank-one W' = y z^T that kick at most N rows: ||z|| = 1, ||y||_0 <= N, ||y||_inf <= size (Lemmas C.10 and C.11).

The last two choose y with B in view, which Lemma C.11 forbids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from rnnconv_cli.adversary.constructed import fresh_direction
from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.seeding import Stream

Kick = tuple[Array, Array]  # y and z, each (m,)
STREAM = 5  # coordinate of the random rows among the perturbation's streams


class SparseRows(Protocol):
    """An adversary that is told how many rows it may kick, besides what every adversary is told."""

    def __call__(
        self, state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
    ) -> LowRankPerturbations: ...


def random_rows(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Kick random rows up or down at random, along the part of h_{l-1} that no earlier layer has."""
    rng = state.instance.stream(Stream.PERTURBATION, STREAM)

    def kick(target: Target) -> Kick:
        left = _nothing(state)
        chosen = rng.permutation(left.size)[:rows]
        left[chosen] = size * rng.choice(np.array([-1.0, 1.0]), size=chosen.size)
        return left, fresh_direction(state, target)[0]

    return _each(state, targets, rows, kick)


def kinked_rows(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Kick the rows with the smallest |g| at the target toward their kinks: as many flips as there are rows."""

    def kick(target: Target) -> Kick:
        g, left = state.preactivation[target.layer, target.sequence], _nothing(state)
        chosen = np.argsort(np.abs(g), kind="stable")[:rows]
        left[chosen] = size * _toward_kink(g[chosen])
        return left, fresh_direction(state, target)[0]

    return _each(state, targets, rows, kick)


def rows_of_one_row(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Kick active rows j with the largest |W_kj| to the signs of W_kj: they add up in row k of W h' (Lemma C.10).

    k is the row with the largest sum of the |W_kj| kicked; z = h_{l-1} / ||h_{l-1}||.
    """

    def kick(target: Target) -> Kick:
        g, left = state.preactivation[target.layer, target.sequence], _nothing(state)
        active = np.flatnonzero(g > 0)
        W = weights_of_layer(state.instance.W, min(target.layer + 1, len(state.instance.W) - 1))[:, active]
        row, chosen = _best_line(np.abs(W), rows)
        left[active[chosen]] = size * np.sign(W[row, chosen])
        before = state.hidden[target.layer - 1, target.sequence]
        return left, before / np.linalg.norm(before)

    return _each(state, targets, rows, kick)


def rows_of_one_column(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Flip units j of the target whose |W_jk| are the largest, for the column k where they are (Lemma C.11a)."""

    def kick(target: Target) -> Kick:
        return _flip_column(state, size, target, rows, np.abs)

    return _each(state, targets, rows, kick)


def one_coordinate(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Kick the rows with the largest g at the target along the coordinate k that moves no state most (Lemma C.11b).

    z = e_k, with k where the sequence's states are the smallest: W' is seen by column k of a product and nowhere else.
    """

    def kick(target: Target) -> Kick:
        g, left = state.preactivation[target.layer, target.sequence], _nothing(state)
        left[np.argsort(-g, kind="stable")[:rows]] = size
        return left, _quiet_coordinate(state, target)

    return _each(state, targets, rows, kick)


def rows_of_one_column_and_output(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Flip units j of the target so that all Back_j D'_j W_jk of one column k add up: y depends on B.

    Back is of the output direction with the most of the signal at the target.
    """

    def kick(target: Target) -> Kick:
        g, signal = state.preactivation[target.layer, target.sequence], _signal(state, target, backend)
        gain = np.where(g >= 0, -signal, signal)  # of a flip: D' is -1 where the unit was active, else 1
        return _flip_column(state, size, target, rows, lambda W: gain[:, None] * W)

    return _each(state, targets, rows, kick)


def one_coordinate_and_output(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend, *, rows: int
) -> LowRankPerturbations:
    """Kick the active rows with the largest |Back_j| to its signs, along one coordinate: y depends on B."""

    def kick(target: Target) -> Kick:
        g, left = state.preactivation[target.layer, target.sequence], _nothing(state)
        signal = np.where(g > 0, _signal(state, target, backend), 0)
        chosen = np.argsort(-np.abs(signal), kind="stable")[:rows]
        left[chosen] = size * np.sign(signal[chosen])
        return left, _quiet_coordinate(state, target)

    return _each(state, targets, rows, kick)


SPARSE_ROW_ADVERSARIES: dict[str, SparseRows] = {
    "random-rows": random_rows,
    "kinked-rows": kinked_rows,
    "rows-of-one-row": rows_of_one_row,
    "rows-of-one-column": rows_of_one_column,
    "one-coordinate": one_coordinate,
    "rows-of-one-column-and-output": rows_of_one_column_and_output,
    "one-coordinate-and-output": one_coordinate_and_output,
}


def _each(state: State, targets: tuple[Target, ...], rows: int, kick: Callable[[Target], Kick]) -> LowRankPerturbations:
    width = state.hidden.shape[2]
    if not 1 <= rows <= width:
        raise MeasurementError("rows", f"between 1 and the width {width} can be kicked, found {rows}")
    kicks = [kick(target) for target in targets]
    left, right = (np.stack(side)[:, None].astype(state.hidden.dtype) for side in zip(*kicks, strict=True))
    return LowRankPerturbations(left, right)


def _flip_column(state: State, size: float, target: Target, rows: int, worth: Callable[[Array], Array]) -> Kick:
    """Return the kick that flips up to `rows` units of one column, those with the largest worth(W)_jk > 0.

    Only units within reach are flipped: |g_j| < size * <z, h>.
    """
    g, left = state.preactivation[target.layer, target.sequence], _nothing(state)
    direction, length = fresh_direction(state, target)
    within = np.abs(g) < size * length
    reach = np.flatnonzero(within)
    if reach.size > 0:
        values = np.where(within[:, None], worth(weights_of_layer(state.instance.W, target.layer)), 0)[reach]
        column, chosen = _best_line(np.maximum(values, 0).T, rows)
        chosen = chosen[values[chosen, column] > 0]
        left[reach[chosen]] = size * _toward_kink(g[reach[chosen]])
    return left, direction


def _best_line(values: Array, count: int) -> tuple[int, Array]:
    """Return the row of non-negative values whose `count` largest have the largest sum, and where they are."""
    count = min(count, values.shape[1])
    if count == 0:
        return 0, np.empty(0, dtype=np.intp)
    largest = -np.partition(-values, count - 1, axis=1)[:, :count]
    row = int(np.argmax(largest.sum(axis=1)))
    return row, np.argsort(-values[row], kind="stable")[:count]


def _signal(state: State, target: Target, backend: Backend) -> Array:
    """Return a^T B D_L W ... D_{l+1} W for the target's layer l, with a the top left singular vector of this matrix."""
    W = state.instance.W if state.instance.W.shape[0] == 1 else state.instance.W[target.layer + 1 :]
    rest = np.ascontiguousarray(state.pattern[target.layer + 1 :, target.sequence])
    back = state.instance.B if len(rest) == 0 else backend.apply_product_adjoint(W, rest, state.instance.B)
    return np.asarray(np.linalg.svd(back, full_matrices=False)[0][:, 0] @ back)


def _quiet_coordinate(state: State, target: Target) -> Array:
    """Return e_k with the k at which the sequence's states are the smallest."""
    direction = _nothing(state)
    direction[int(np.argmin(np.max(np.abs(state.hidden[:, target.sequence]), axis=0)))] = 1
    return direction


def _toward_kink(g: Array) -> Array:
    return np.where(g >= 0, -1.0, 1.0)


def _nothing(state: State) -> Array:
    return np.zeros(state.hidden.shape[2], dtype=state.hidden.dtype)
