"""Input sequences with a separation that can be set, and their labels (Section 2.1, Assumption 2.1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.records import ProblemSetting

FIRST_TOKEN_RADIUS = 1 / math.sqrt(2)  # the other 1/sqrt(2) of ||x_1|| = 1 sits in the last coordinate
PLACEMENT_TRIES = 1000
TEACHER_WIDTH = 64
DIFFERENCES_HELD = 2**20  # numbers in the differences of first tokens, of a few sequences from all


def first_tokens(setting: ProblemSetting, rng: np.random.Generator) -> Array:
    """Return x_{i,1}, shape (n, d_x): unit norm, last coordinate 1/sqrt(2), closest pair at exactly `separation`.

    Points are placed one after another on the sphere of radius 1/sqrt(2) in R^(d_x - 1): the second at the chord
    `separation` from the first in a random direction, the others at random, no closer than that to any. Where that
    fails, a randomly rotated cross-polytope serves, whose pairs are 1 or sqrt(2) apart, with its second point turned
    toward the first until that chord is `separation`. In d_x = 2 there are but two points, sqrt(2) apart. With `copies`
    > 1 the first sequences are one point. Raises MeasurementError where neither construction holds n points.
    """
    n_distinct = setting.n_sequences - setting.copies + 1
    sphere_dim = setting.input_dim - 1
    points = _place_one_by_one(n_distinct, sphere_dim, setting.separation, rng)
    if points is None:
        if n_distinct > 2 * sphere_dim:
            raise MeasurementError(
                "first tokens",
                f"{n_distinct} points at distances >= {setting.separation:g} were not found in {setting.input_dim} "
                "input dimensions; try a smaller separation, fewer sequences or a larger input_dim",
            )
        points = _cross_polytope(n_distinct, sphere_dim, rng)
        points[1] = _at_distance(setting.separation, points[0], points[1])  # only farther from all the others
    directions = np.concatenate([np.repeat(points[:1], setting.copies - 1, axis=0), points])
    last = np.full((setting.n_sequences, 1), FIRST_TOKEN_RADIUS)
    return np.concatenate([FIRST_TOKEN_RADIUS * directions, last], axis=1)


def _place_one_by_one(count: int, dim: int, separation: float, rng: np.random.Generator) -> Array | None:
    """Return `count` unit vectors in R^dim whose scaled distances respect the separation, or None."""
    chord = separation / FIRST_TOKEN_RADIUS
    points = [_unit(rng.standard_normal(dim))]
    if count > 1 and dim > 1:
        tangent = rng.standard_normal(dim)
        tangent = _unit(tangent - points[0] * (points[0] @ tangent))
        points.append(_at_distance(separation, points[0], tangent))
    for _ in range(PLACEMENT_TRIES):
        if len(points) >= count:
            return np.array(points)
        candidate = _unit(rng.standard_normal(dim))
        if min(float(np.linalg.norm(candidate - point)) for point in points) >= chord:
            points.append(candidate)
    return None


def _at_distance(separation: float, point: Array, tangent: Array) -> Array:
    """Return the unit vector at the scaled distance `separation` from `point`, on their great circle."""
    angle = 2 * math.asin(separation / FIRST_TOKEN_RADIUS / 2)
    return np.asarray(math.cos(angle) * point + math.sin(angle) * tangent)


def _cross_polytope(count: int, dim: int, rng: np.random.Generator) -> Array:
    """Return `count` of the 2 dim points +-q_k of a random orthonormal basis, in the order +q_1, +q_2, …, -q_1, …."""
    basis = np.linalg.qr(rng.standard_normal((dim, dim)))[0].T
    return np.concatenate([basis, -basis])[:count]


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def inputs(setting: ProblemSetting, rng: np.random.Generator) -> Array:
    """Return x, shape (L, n, d_x): first tokens, then unit tokens that are fresh, shared by all sequences, or zero."""
    x = np.zeros((setting.horizon, setting.n_sequences, setting.input_dim))
    x[0] = first_tokens(setting, rng)
    if setting.later_tokens == "fresh":
        x[1:] = _unit(rng.standard_normal(x[1:].shape))
    elif setting.later_tokens == "shared":
        x[1:] = _unit(rng.standard_normal((setting.horizon - 1, 1, setting.input_dim)))
    x[:, : setting.copies] = x[:, :1]
    return x


def labels(setting: ProblemSetting, x: Array, rng: np.random.Generator) -> Array:
    """Return y*, shape (L, n, d), independent of the inputs unless a teacher gives them.

    random: entries N(0, 1/d), so that ||y*|| is about 1. signs: entries +-1. teacher: the outputs of an independent
    ReLU network of width 64 on the same inputs, scaled to a root-mean-square norm of 1 per token. Copies have labels of
    their own (a clash), unless a teacher gives them; with copy_labels = opposite they alternate between y and -y.
    """
    shape = (setting.horizon, setting.n_sequences, setting.output_dim)
    if setting.labels == "signs":
        y = rng.choice(np.array([-1.0, 1.0]), size=shape)
    elif setting.labels == "teacher":
        y = _teacher_outputs(setting, x, rng)
    else:
        y = rng.standard_normal(shape) / math.sqrt(setting.output_dim)
    if setting.copy_labels == "opposite":
        signs = np.where(np.arange(setting.copies) % 2 == 0, 1.0, -1.0)
        y[:, : setting.copies] = y[:, :1] * signs[None, :, None]
    return y


def _teacher_outputs(setting: ProblemSetting, x: Array, rng: np.random.Generator) -> Array:
    W, A = (rng.standard_normal((TEACHER_WIDTH, k)) * math.sqrt(2 / TEACHER_WIDTH) for k in (TEACHER_WIDTH, x.shape[2]))
    B = rng.standard_normal((setting.output_dim, TEACHER_WIDTH)) / math.sqrt(setting.output_dim)
    hidden = np.zeros((setting.n_sequences, TEACHER_WIDTH))
    outputs = np.empty((setting.horizon, setting.n_sequences, setting.output_dim))
    for layer in range(setting.horizon):
        hidden = np.maximum(hidden @ W.T + x[layer] @ A.T, 0)
        outputs[layer] = hidden @ B.T
    return outputs / math.sqrt(float(np.mean(np.sum(outputs**2, axis=2))))


def closest_two(x: Array) -> tuple[int, int, float]:
    """Return i < j with the least ||x_{i,1} - x_{j,1}||, and that distance; 0, 0 and infinity for one sequence.

    All pairs of a few sequences at a time, so that memory does not grow with their square.
    """
    first, closest = x[0], (0, 0, math.inf)
    rows = max(1, DIFFERENCES_HELD // first.size)
    for start in range(0, len(first), rows):
        distances = np.linalg.norm(first[start : start + rows, None, :] - first[None, :, :], axis=2)
        np.fill_diagonal(distances[:, start:], np.inf)
        i, j = np.unravel_index(int(np.argmin(distances)), distances.shape)
        if distances[i, j] < closest[2]:
            closest = (start + int(i), int(j), float(distances[i, j]))
    return closest


def closest_pair(x: Array) -> float:
    """Return min over i != j of ||x_{i,1} - x_{j,1}||, infinity for one sequence (Assumption 2.1)."""
    return closest_two(x)[2]


def broken_preconditions(setting: ProblemSetting, x: Array, asked: Collection[str]) -> tuple[str, ...]:
    """Return which of the preconditions asked for these sequences break (Section 2.1; nL < m for Gram-Schmidt)."""
    return tuple(name for name, holds in PRECONDITIONS.items() if name in asked and not holds(setting, x))


def _round_off(x: Array) -> float:
    """Return the round-off of a norm of d_x numbers near 1."""
    return float(np.finfo(x.dtype).eps) * (int(x.shape[2]) + 8)


def _first_tokens_are_units(setting: ProblemSetting, x: Array) -> bool:
    off_one = np.abs(np.linalg.norm(x[0], axis=1) - 1).max()
    return bool(off_one <= _round_off(x) and np.abs(x[0, :, -1] - FIRST_TOKEN_RADIUS).max() <= _round_off(x))


def _tokens_are_no_longer_than_units(setting: ProblemSetting, x: Array) -> bool:
    return bool(np.linalg.norm(x, axis=2).max() <= 1 + _round_off(x))


def _first_tokens_are_separated(setting: ProblemSetting, x: Array) -> bool:
    return closest_pair(x) >= setting.separation - min(_round_off(x), 0.01 * setting.separation)


def _states_are_fewer_than_units(setting: ProblemSetting, x: Array) -> bool:
    return setting.n_sequences * setting.horizon < setting.width


PRECONDITIONS: dict[str, Callable[[ProblemSetting, Array], bool]] = {
    "unit-first-token": _first_tokens_are_units,
    "token-norms": _tokens_are_no_longer_than_units,
    "separation": _first_tokens_are_separated,
    "gram-schmidt": _states_are_fewer_than_units,
}
