"""The aligned perturbation against a dense search for the best pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.alignment import aligned
from rnnconv_cli.adversary.perturbation import State, Target, state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance

DrawState = Callable[..., State]


def first_order(state: State, target: Target, left: Array, right: Array) -> float:
    """Return ||sum over b of <c_b, y> P_b^T u|| with c_b and P_b formed densely, for d = 1."""
    W, pattern = state.instance.W, state.pattern[:, target.sequence]
    total = np.zeros(W.shape[1])
    for layer in range(target.layer, len(pattern)):
        signal, before = state.instance.B[0], np.eye(W.shape[1])
        for later in range(len(pattern) - 1, layer, -1):
            signal = (signal * pattern[later]) @ W[later if len(W) > 1 else 0]
        for earlier in range(target.layer, layer):
            before = np.diag(pattern[earlier]) @ W[earlier if len(W) > 1 else 0] @ before
        total += (signal * pattern[layer] @ left) * (right @ before)
    return float(np.linalg.norm(total))


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("layer", [1, 2, 3])
def test_no_alternation_from_elsewhere_gets_further(
    draw_state: DrawState, backend: Backend, layer: int, layers: str
) -> None:
    state, target = draw_state(output_dim=1, layers=layers), Target(layer, 1)
    found = aligned(state, 1.0, (target,), backend)
    reached = first_order(state, target, found.left[0, 0], found.right[0, 0])
    rng, identity = np.random.default_rng(0), np.eye(48)
    for _ in range(3):
        left = rng.standard_normal(48)
        for _ in range(6):
            left /= np.linalg.norm(left)
            changes = np.stack([change_of(state, target, left, row) for row in identity])
            right = np.linalg.svd(changes)[0][:, 0]
            changes = np.stack([change_of(state, target, row, right) for row in identity])
            left = np.linalg.svd(changes)[0][:, 0]
        assert first_order(state, target, left, right) <= 1.1 * reached


def change_of(state: State, target: Target, left: Array, right: Array) -> Array:
    """Return the derivative of B D_L W ... D_l W along left right^T, by a difference of dense products."""
    step = 1e-6
    signals = []
    for sign in (1, -1):
        W, product = state.instance.W + sign * step * np.outer(left, right), np.eye(len(left))
        for layer in range(target.layer, len(state.pattern)):
            product = state.pattern[layer, target.sequence][:, None] * (W[layer if len(W) > 1 else 0] @ product)
        signals.append(state.instance.B[0] @ product)
    return np.asarray((signals[0] - signals[1]) / (2 * step))


def test_the_first_order_is_the_derivative_of_the_signal(draw_state: DrawState, backend: Backend) -> None:
    state, target = draw_state(output_dim=1), Target(1, 0)
    found = aligned(state, 1.0, (target,), backend)
    derivative = change_of(state, target, found.left[0, 0], found.right[0, 0])
    reached = first_order(state, target, found.left[0, 0], found.right[0, 0])
    assert np.linalg.norm(derivative) == pytest.approx(reached, rel=1e-6)


def test_the_last_layer_alone_has_a_closed_form(draw_state: DrawState, backend: Backend) -> None:
    state = draw_state(output_dim=1)
    found = aligned(state, 2.0, (Target(3, 0),), backend)
    signal = state.instance.B[0] * state.pattern[3, 0]
    assert abs(found.left[0, 0] @ signal) == pytest.approx(2 * np.linalg.norm(signal), rel=1e-12)


def test_a_signal_that_reaches_nothing_is_refused(draw_instance: Callable[..., Instance], backend: Backend) -> None:
    instance = draw_instance()
    state = state_of(replace(instance, B=0 * instance.B), backend)
    with pytest.raises(MeasurementError, match="layer 2 of sequence 1: no backward signal reaches it"):
        aligned(state, 1.0, (Target(1, 0),), backend)
