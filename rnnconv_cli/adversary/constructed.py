"""Adversaries in closed form: each is the worst known direction for one quantity of Section 5.

Each returns W' with ||W'||_2 <= size. The targeted ones return one rank-one W' for each target and touch no earlier
layer of its sequence: their right vector is orthogonal to the hidden states that come before the target's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from rnnconv_cli.adversary.perturbation import DensePerturbation, LowRankPerturbations, State, Target, scaled_to
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array, copy_aligned
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.problem.seeding import Stream

DESCENT_STEPS = 20
HALVINGS = 30  # of the step size; 1/m is stable for a short horizon, 2^-29/m for any
DEPENDENT = 1e-6  # share of a state's norm below which its own part is round-off, in float32 too

Order = Callable[[Target, Array], Array]


def gaussian(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> DensePerturbation:
    """A matrix with independent Gaussian entries: a perturbation that aims at nothing."""
    return DensePerturbation(size * _unit_gaussian(state, backend))


def gradient(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> DensePerturbation:
    """The direction -grad f of the instance's own loss, as for a shared W: where a first step goes."""
    return DensePerturbation(size * _unit_gradient(state, backend))


@functools.lru_cache(maxsize=1)  # one direction serves every size and quantity of an instance
def _unit_gaussian(state: State, backend: Backend) -> Array:
    noise = state.instance.stream(Stream.PERTURBATION, 0).standard_normal(state.instance.W.shape[1:])
    return scaled_to(state.instance, noise, 1.0, backend)


@functools.lru_cache(maxsize=1)
def _unit_gradient(state: State, backend: Backend) -> Array:
    instance = state.instance
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    signals = backend.backward(instance.W, instance.B, state.pattern, residual)
    return scaled_to(instance, -backend.weight_gradient(signals, state.hidden, 1)[0], 1.0, backend)


def training_displacement(
    state: State, size: float, targets: tuple[Target, ...], backend: Backend
) -> DensePerturbation:
    """The direction W_T - W_0 of a descent run of the instance itself: where training goes."""
    return DensePerturbation(size * _unit_displacement(state, backend))


@functools.lru_cache(maxsize=1)
def _unit_displacement(state: State, backend: Backend) -> Array:
    """Return the displacement of the first run that ends lower than it began, of step sizes 1/m, 1/2m, 1/4m, ….

    Where every layer has a W of its own, W' is the sum of their displacements, as for `gradient`.
    """
    instance, dtype = state.instance, np.float64
    losses, norms = np.empty(DESCENT_STEPS + 1, dtype=dtype), np.empty(DESCENT_STEPS + 1, dtype=dtype)
    everything = np.empty((DESCENT_STEPS + 1, 0), dtype=np.int64)
    moved = np.zeros_like(instance.W)
    for halvings in range(HALVINGS):
        W, eta = copy_aligned(instance.W), 0.5**halvings / instance.setting.width
        data = (instance.A, instance.B, instance.x, instance.labels, instance.activation)
        step, _ = backend.descend(W, *data, eta, everything, 0, DESCENT_STEPS, 0.0, np.inf, losses, norms)
        if step == DESCENT_STEPS and losses[step - 1] < losses[0]:
            moved = W - instance.W
            break
    return scaled_to(instance, moved.sum(axis=0), 1.0, backend)


def kinks(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Flip as many units of the target layer as the budget pays for: those with the smallest |g| (Lemma C.2b).

    W' = size * y u^T; y is proportional to -g on the s smallest |g_k|. A row is flipped where
    size <u, h> |y_k| > |g_k|, so that s is the largest with ||g_S|| < size <u, h>.
    """
    return _flip_in_order(state, size, targets, lambda target, g: np.argsort(np.abs(g), kind="stable"))


def weighted_kinks(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Flip the units of the target layer that carry most of the backward signal for their price g^2 (Lemma C.9a)."""

    def order(target: Target, g: Array) -> Array:
        layer, instance = target.layer, state.instance
        W = instance.W if instance.W.shape[0] == 1 else instance.W[layer + 1 :]
        later = np.ascontiguousarray(state.pattern[layer + 1 :, target.sequence])
        back = backend.apply_product_adjoint(W, later, instance.B) if later.shape[0] > 0 else instance.B
        price = np.maximum(np.abs(g), np.finfo(g.dtype).tiny)
        return np.argsort(-np.linalg.norm(back, axis=0) / price, kind="stable")

    return _flip_in_order(state, size, targets, order)


def loss_kinks(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Push units of the target layer across their kinks, to where the loss gains most beyond first order (Theorem 4).

    With c = sum_a Back_{l->a}^T loss_a a unit pushed by delta beyond its kink adds c_k (|delta_k| - |g_k|) to the
    remainder, whichever side it comes from. On a set S the best |delta_k| are proportional to c_k and add
    ||delta|| ||c_S|| - sum_S c_k |g_k|; S are the s units with the smallest |g_k| / c_k, c_k > 0, for the best s.
    """
    instance = state.instance
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    signals = backend.backward(instance.W, instance.B, state.pattern, residual)
    left, right = _empty(state, targets)
    for t, target in enumerate(targets):
        layer, i = target.layer, target.sequence
        g, gain = state.preactivation[layer, i].astype(np.float64), (residual[layer, i] @ instance.B).astype(np.float64)
        if layer + 1 < len(signals):
            gain += signals[layer + 1, i] @ weights_of_layer(instance.W, layer + 1)
        direction, length = fresh_direction(state, target)
        price = np.divide(np.abs(g), gain, out=np.full_like(g, np.inf), where=gain > 0)
        ranked = np.argsort(price, kind="stable")[: np.count_nonzero(gain > 0)]
        added = size * length * np.sqrt(np.cumsum(gain[ranked] ** 2)) - np.cumsum(gain[ranked] * np.abs(g[ranked]))
        if added.size > 0 and np.max(added) > 0:
            pushed = ranked[: int(np.argmax(added)) + 1]
            toward = np.where(g[pushed] >= 0, -gain[pushed], gain[pushed])
            left[t, pushed] = toward * (size / np.linalg.norm(toward))
        right[t] = direction
    return LowRankPerturbations(left[:, None], right[:, None])


def single_row(state: State, size: float, targets: tuple[Target, ...], backend: Backend) -> LowRankPerturbations:
    """Spend the whole budget on the one row with the smallest |g|: the largest flipped mass ||D' g|| (Lemma C.2c)."""
    left, right = _empty(state, targets)
    for t, target in enumerate(targets):
        g = state.preactivation[target.layer, target.sequence]
        row = int(np.argmin(np.abs(g)))
        left[t, row] = -size if g[row] >= 0 else size
        right[t] = fresh_direction(state, target)[0]
    return LowRankPerturbations(left[:, None], right[:, None])


def fresh_direction(state: State, target: Target) -> tuple[Array, float]:
    """Return the unit vector along the part of h_{l-1} orthogonal to that sequence's earlier h, and its length.

    Raises MeasurementError where h_{l-1} is zero or lies in the span of the earlier ones: no W' moves that layer alone.
    """
    states = state.hidden[: target.layer, target.sequence].astype(np.float64)
    before = np.linalg.qr(states[:-1].T)[0]
    part = states[-1]
    for _ in range(2):  # twice is enough to be orthogonal to round-off
        part = part - before @ (before.T @ part)
    length = float(np.linalg.norm(part))
    if length <= DEPENDENT * float(np.linalg.norm(states[-1])):
        place = f"layer {target.layer + 1} of sequence {target.sequence + 1}"
        raise MeasurementError(place, "the state before it has no part of its own to perturb; try a larger width")
    return (part / length).astype(state.hidden.dtype), length


def _flip_in_order(state: State, size: float, targets: tuple[Target, ...], order: Order) -> LowRankPerturbations:
    left, right = _empty(state, targets)
    for t, target in enumerate(targets):
        direction, length = fresh_direction(state, target)
        g = state.preactivation[target.layer, target.sequence]
        ranked = order(target, g)
        cost = np.cumsum(g[ranked].astype(np.float64) ** 2)
        flipped = ranked[: int(np.searchsorted(cost, (size * length) ** 2))]
        if flipped.size > 0:
            left[t, flipped] = -g[flipped] * (size / np.linalg.norm(g[flipped]))
        right[t] = direction
    return LowRankPerturbations(left[:, None], right[:, None])


def _empty(state: State, targets: tuple[Target, ...]) -> tuple[Array, Array]:
    shape = (len(targets), state.hidden.shape[2])
    return np.zeros(shape, dtype=state.hidden.dtype), np.zeros(shape, dtype=state.hidden.dtype)
