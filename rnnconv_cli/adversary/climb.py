"""Projected ascent over the spectral ball ||W'||_2 <= size on a quantity itself, in factors of low rank.

The gradient of a function of all pre-activations is sum_a s_a h_{a-1}^T, of rank at most L - 1 for each sequence: a
step raises the rank of W' by no more, and the projection on the ball clips singular values. A long step ends at the
gradient's polar factor, where what is linear in W' is largest: a conditional-gradient step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rnnconv_cli.adversary.ball import clipped, inner_product, padded
from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import activation_pattern, weights_of_layer

STEP_LENGTHS = (0.25, 1.0, 4.0, 64.0)  # ||step||_F / size before the projection; 64 ends at the polar factor
EQUAL = 1e-9  # relative difference of scores below which only rounding tells them apart
RANKS_KEPT = 2  # in units of the gradient's rank; half or twice as many change states by 0.2%, products by 5%


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Perturbations W'_t in factors (t, r, m), states (L, t, q, m) of the q sequences that each is run on, its value.

    `direction` (t, m) is what an objective carries from one point to the next, (t, 0) where it carries nothing.
    """

    left: Array
    right: Array
    preactivation: Array
    hidden: Array
    values: Array
    direction: Array


class Objective(Protocol):
    """What is ascended, for each target on its own. Point number j belongs to target j modulo their number."""

    @property
    def state(self) -> State:
        """The network before any perturbation."""
        ...

    @property
    def count(self) -> int:
        """The number of targets, each with a W' of its own."""
        ...

    @property
    def rank(self) -> int:
        """The largest rank of the gradient."""
        ...

    def at(self, left: Array, right: Array, direction: Array, backend: Backend) -> Points:
        """Return the points of these factors."""
        ...

    def scores(self, points: Points, progress: float) -> Array:
        """Return what a step has to raise: the values, or what they are smoothed to; `progress` runs from 0 to 1."""
        ...

    def gradient(self, points: Points, progress: float, backend: Backend) -> tuple[Array, Array]:
        """Return the gradient of the scores with respect to W' in factors (t, k, m)."""
        ...


def climb(objective: Objective, start: Points, size: float, steps: int, backend: Backend) -> Points:
    """Return the point of the largest value met by each target on its way, on which the start is the first.

    It ends where a network blows up: whatever reads it off has diverged, and there is no gradient to follow.
    """
    current = best = start
    for step in range(steps):
        if not np.isfinite(best.values).all():
            break
        progress = step / max(1, steps - 1)
        left, right = objective.gradient(current, progress, backend)
        norm = np.sqrt(np.maximum(inner_product(left, right, left, right), 0))
        unit = np.divide(size, norm, out=np.zeros_like(norm), where=norm > 0)[:, None, None] * left
        ends = [
            clipped(
                np.concatenate([current.left, length * unit], axis=1),
                np.concatenate([current.right, right], axis=1),
                size,
                RANKS_KEPT * objective.rank,
            )
            for length in STEP_LENGTHS
        ]
        lefts, rights = (np.concatenate(factors) for factors in zip(*ends, strict=True))
        tried = objective.at(lefts, rights, np.tile(current.direction, (len(ends), 1)), backend)
        best = better(best, best.values, tried, tried.values)
        current = better(current, objective.scores(current, progress), tried, objective.scores(tried, progress))
    return best


def better(kept: Points, kept_scores: Array, tried: Points, tried_scores: Array) -> Points:
    """Return, for each target, the kept point, or the best of those tried where its score is larger.

    Scores that differ by rounding are equal: of these the kept point, or else the first tried, is taken. A score that
    is not finite is the largest: its W' blows the network up, which every measurement reports as diverged.
    """
    count = len(kept_scores)
    held, scores = (np.where(np.isfinite(each), each, np.inf) for each in (kept_scores, tried_scores))
    scores = scores.reshape(-1, count)
    top = np.max(scores, axis=0)
    rises = top > held + EQUAL * np.abs(held)
    margin = EQUAL * np.abs(np.where(rises & np.isfinite(top), top, 0))
    winner = np.argmax(scores >= top - margin, axis=0)
    index = winner * count + np.arange(count)
    by_target, by_layer = rises[:, None, None], rises[None, :, None, None]
    return Points(
        np.where(by_target, tried.left[index], kept.left),
        np.where(by_target, tried.right[index], kept.right),
        np.where(by_layer, tried.preactivation[:, index], kept.preactivation),
        np.where(by_layer, tried.hidden[:, index], kept.hidden),
        np.where(rises, tried.values[index], kept.values),
        np.where(rises[:, None], tried.direction[index], kept.direction),
    )


def start_at(objective: Objective, left: Array, right: Array, backend: Backend) -> Points:
    """Return the points of these factors (t, r, m), with the rank that a climb keeps."""
    rank, dtype = RANKS_KEPT * objective.rank, objective.state.hidden.dtype
    if left.shape[1] > rank:  # of equal W' at most, whose singular values are all kept
        left, right = clipped(left, right, np.inf, rank)
    none = np.zeros((len(left), 0), dtype=dtype)
    return objective.at(padded(left.astype(dtype), rank), padded(right.astype(dtype), rank), none, backend)


def states_at(state: State, sequences: Array, left: Array, right: Array, backend: Backend) -> tuple[Array, Array]:
    """Return (g, h), each (L, k, q, m), for k perturbations: number j on row j modulo t of `sequences` (t, q)."""
    instance, (targets, runs) = state.instance, sequences.shape
    order = np.tile(sequences.ravel(), len(left) // targets)
    preactivation, hidden = backend.forward_low_rank(
        instance.W,
        instance.A,
        np.ascontiguousarray(instance.x[:, order]),
        np.repeat(left, runs, axis=0),
        np.repeat(right, runs, axis=0),
        instance.activation,
    )
    shape = (len(hidden), len(left), runs, hidden.shape[2])
    return preactivation.reshape(shape), hidden.reshape(shape)


def overflowed(hidden: Array) -> Array:
    """Return for each point whether its states (L, k, q, m) have overflowed, (k,): NaN has no sign, and no pattern."""
    return np.asarray(~np.isfinite(hidden).all(axis=(0, 2, 3)))


def pulled_back(state: State, points: Points, entering: Array, backend: Backend) -> tuple[Array, Array]:
    """Return the factors (t, q (L - 1), m) of sum_a s_a h_{a-1}^T, the gradient with respect to W' at the points.

    s_a = entering_a + D_a (W + W')^T s_{a+1} is the derivative by g_a; `entering` (L, t, q, m) is its direct part.
    """
    pattern = activation_pattern(points.preactivation, state.instance.activation)
    signals, carried = np.empty_like(entering), np.zeros_like(entering[0])
    shape = carried.shape
    for layer in range(len(pattern) - 1, 0, -1):
        signals[layer] = entering[layer] + pattern[layer] * carried
        W, rows = weights_of_layer(state.instance.W, layer), signals[layer].reshape(-1, shape[2])
        carried = backend.adjoint_products(W, rows).reshape(shape)
        carried += (signals[layer] @ points.left.transpose(0, 2, 1)) @ points.right
    return _terms(signals[1:]), _terms(points.hidden[:-1])


def _terms(array: Array) -> Array:
    """Return (L - 1, t, q, m) as (t, q (L - 1), m)."""
    layers, targets, runs, width = array.shape
    return np.ascontiguousarray(array.transpose(1, 0, 2, 3)).reshape(targets, layers * runs, width)
