"""Kicks of few rows: what each promises of y and z, what it aims at, and that only the last two look at B."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import State, Target, perturbed_states, state_of
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.problem.elman import Instance

DrawInstance = Callable[..., Instance]
DrawState = Callable[..., State]
EveryTarget = Callable[[State], tuple[Target, ...]]

OF_OUTPUT = ("rows-of-one-column-and-output", "one-coordinate-and-output")


@pytest.fixture(params=SPARSE_ROW_ADVERSARIES)
def adversary(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 7, 48])
def test_kicks_few_rows_none_further_than_the_size_along_a_unit_vector(
    draw_state: DrawState,
    every_target: EveryTarget,
    backend: Backend,
    adversary: str,
    rows: int,
    dtype: str,
    layers: str,
) -> None:
    state = draw_state(layers=layers, dtype=dtype)
    found = SPARSE_ROW_ADVERSARIES[adversary](state, 0.3, every_target(state), backend, rows=rows)
    left, right = found.left[:, 0], found.right[:, 0]
    assert left.dtype == right.dtype == np.dtype(dtype)
    assert left.shape == right.shape == (6, 48)
    assert np.count_nonzero(left, axis=1).max() <= rows
    assert set(np.unique(np.abs(left))) <= {np.dtype(dtype).type(0), np.dtype(dtype).type(0.3)}
    assert np.count_nonzero(left) > 0
    np.testing.assert_allclose(np.linalg.norm(right, axis=1), 1, rtol=1e-6)


def test_the_same_call_gives_the_same_bits_in_each_backend(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, adversary: str
) -> None:
    state = draw_state()
    one, other = (
        SPARSE_ROW_ADVERSARIES[adversary](state, 0.3, every_target(state), each, rows=7)
        for each in (backend, BACKENDS["reference"])
    )
    np.testing.assert_array_equal(one.left, other.left)
    np.testing.assert_allclose(one.right, other.right, rtol=1e-12, atol=1e-15)


def test_only_those_that_say_so_depend_on_the_output(
    draw_instance: DrawInstance, every_target: EveryTarget, backend: Backend, adversary: str
) -> None:
    instance = draw_instance()
    B = np.asarray(np.random.default_rng(3).standard_normal(instance.B.shape))
    others = replace(instance, B=B)
    one, other = (
        SPARSE_ROW_ADVERSARIES[adversary](state, 0.3, every_target(state), backend, rows=7)
        for state in (state_of(instance, backend), state_of(others, backend))
    )
    same = np.array_equal(one.left, other.left) and np.array_equal(one.right, other.right)
    assert same == (adversary not in OF_OUTPUT)


@pytest.mark.parametrize("name", ["kinked-rows", "rows-of-one-column", "rows-of-one-column-and-output"])
@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_exactly_the_kicked_rows_flip(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, name: str, layers: str
) -> None:
    state = draw_state(layers=layers)
    targets = every_target(state)
    found = SPARSE_ROW_ADVERSARIES[name](state, 0.5, targets, backend, rows=4)
    preactivation, _ = perturbed_states(state, found, targets, backend)
    for t, target in enumerate(targets):
        before, after = state.preactivation[:, target.sequence], preactivation[:, t]
        np.testing.assert_allclose(after[: target.layer], before[: target.layer], atol=1e-13)
        flipped = (after[target.layer] >= 0) != (before[target.layer] >= 0)
        np.testing.assert_array_equal(flipped, found.left[t, 0] != 0)
        assert 1 <= np.count_nonzero(flipped) <= 4


def test_kinked_rows_are_the_nearest_to_their_kinks(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend
) -> None:
    state = draw_state()
    targets = every_target(state)
    found = SPARSE_ROW_ADVERSARIES["kinked-rows"](state, 0.5, targets, backend, rows=6)
    for t, target in enumerate(targets):
        g = np.abs(state.preactivation[target.layer, target.sequence])
        assert g[found.left[t, 0] != 0].max() < g[found.left[t, 0] == 0].min()


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_no_other_row_adds_up_as_much(draw_state: DrawState, backend: Backend, layers: str) -> None:
    state, target = draw_state(layers=layers), Target(1, 0)
    found = SPARSE_ROW_ADVERSARIES["rows-of-one-row"](state, 1.0, (target,), backend, rows=5)
    W = state.instance.W[-1 if layers == "shared" else 2]
    active = state.preactivation[1, 0] > 0
    largest = np.sort(np.abs(W[:, active]), axis=1)[:, -5:].sum(axis=1)
    assert np.max(W @ found.left[0, 0]) == pytest.approx(largest.max(), rel=1e-12)
    assert np.all(active[found.left[0, 0] != 0])


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize(("name", "sees_output"), [("rows-of-one-column", False), (OF_OUTPUT[0], True)])
def test_no_other_column_changes_as_much(
    draw_state: DrawState, backend: Backend, name: str, sees_output: bool, layers: str
) -> None:
    state, target = draw_state(layers=layers, output_dim=1, horizon=3), Target(1, 1)
    found = SPARSE_ROW_ADVERSARIES[name](state, 0.4, (target,), backend, rows=3)
    kicked = found.left[0, 0] != 0
    g, W = state.preactivation[1, 1], state.instance.W
    first, second = (W[0], W[0]) if layers == "shared" else (W[1], W[2])
    back = state.instance.B[0] @ np.diag(state.pattern[2, 1]) @ second
    flips = np.where(g >= 0, -1, 1)[:, None]
    worth = np.maximum(flips * back[:, None] * first, 0) if sees_output else np.abs(first)
    reachable = np.abs(g) < 0.4 * float(found.right[0, 0] @ state.hidden[0, 1])
    best = np.sort(np.where(reachable[:, None], worth, 0), axis=0)[-3:].sum(axis=0)
    signs = (1, -1) if sees_output else (1,)  # the output direction is known up to its sign
    reached = []
    for sign in signs:
        values = np.maximum(sign * flips * back[:, None] * first, 0) if sees_output else worth
        best_of_sign = np.sort(np.where(reachable[:, None], values, 0), axis=0)[-3:].sum(axis=0).max()
        reached.append(values[kicked].sum(axis=0).max() / best_of_sign)
    assert max(reached) == pytest.approx(1, rel=1e-12)
    assert best.max() > 0


@pytest.mark.parametrize("name", ["one-coordinate", "one-coordinate-and-output"])
def test_one_coordinate_moves_the_states_least(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, name: str
) -> None:
    state = draw_state()
    targets = every_target(state)
    found = SPARSE_ROW_ADVERSARIES[name](state, 0.5, targets, backend, rows=6)
    for t, target in enumerate(targets):
        (coordinate,) = np.flatnonzero(found.right[t, 0])
        loudest = state.hidden[:, target.sequence].max(axis=0)
        assert loudest[coordinate] == loudest.min()
        assert np.all(state.preactivation[target.layer, target.sequence][found.left[t, 0] != 0] > 0)


@pytest.mark.parametrize("rows", [0, 49])
def test_a_number_of_rows_that_there_are_not_is_refused(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, adversary: str, rows: int
) -> None:
    state = draw_state()
    with pytest.raises(MeasurementError, match=f"rows: between 1 and the width 48 can be kicked, found {rows}"):
        SPARSE_ROW_ADVERSARIES[adversary](state, 0.5, every_target(state), backend, rows=rows)
