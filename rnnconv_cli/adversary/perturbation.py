"""What an adversary returns, and the network's states under it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace

import numpy as np

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream

NORM_TOLERANCE = 1e-3  # relative residual bound of an iterated spectral norm
NORM_STEPS = 300


@dataclass(frozen=True, slots=True)
class Target:
    """The place an adversary aims at: layer l = `layer` + 1 of sequence `sequence`, counted from zero."""

    layer: int
    sequence: int


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """An instance with its forward pass: g, h and the diagonals of D, each (L, n, m)."""

    instance: Instance
    preactivation: Array
    hidden: Array
    pattern: Array


@dataclass(frozen=True, slots=True, eq=False)
class DensePerturbation:
    """One W' (m, m) for all targets."""

    matrix: Array


@dataclass(frozen=True, slots=True, eq=False)
class LowRankPerturbations:
    """One W' = sum_r left_{t,r} right_{t,r}^T for each target t; left and right are (t, r, m)."""

    left: Array
    right: Array


Perturbation = DensePerturbation | LowRankPerturbations


@functools.lru_cache(maxsize=2)  # quantities of one instance are measured next to one another
def state_of(instance: Instance, backend: Backend) -> State:
    """Return the forward pass of an instance."""
    preactivation, hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)
    return State(instance, preactivation, hidden, reference.activation_pattern(preactivation, instance.activation))


@functools.lru_cache(maxsize=1)
def displaced(instance: Instance, backend: Backend) -> Instance:
    """Return the instance at W0 plus a Gaussian matrix of spectral norm 1/sqrt(m): a W-breve that is not W0 (Thm 4)."""
    noise = scaled_to(
        instance, instance.stream(Stream.PERTURBATION, 1).standard_normal(instance.W.shape[1:]), 1.0, backend
    )
    return replace(instance, W=instance.W + (noise / np.sqrt(instance.setting.width)).astype(instance.W.dtype))


def scaled_to(instance: Instance, matrix: Array, size: float, backend: Backend) -> Array:
    """Return the matrix scaled to a spectral norm of at most `size`, and at least size / (1 + 1e-3)^2.

    Raises MeasurementError for a matrix of zeros, which points nowhere.
    """
    matrix = matrix.astype(instance.W.dtype)
    everything = np.ones((1, matrix.shape[1]), dtype=matrix.dtype)
    norm = product_norm(instance, backend, matrix[None], everything)
    if norm == 0:
        raise MeasurementError("perturbation", "its direction is zero: every unit that it could move is inactive")
    return np.asarray(matrix * (size / (norm * (1 + NORM_TOLERANCE))), dtype=matrix.dtype)


def product_norm(
    instance: Instance,
    backend: Backend,
    W: Array,
    pattern: Array,
    W_other: Array | None = None,
    pattern_other: Array | None = None,
) -> float:
    """Return ||D_K W ... D_1 W - D'_K W' ... D'_1 W'||_2 (the second product only where given)."""
    value, _, _ = singular_triplet(instance, backend, W, pattern, W_other, pattern_other)
    return value


def singular_triplet(
    instance: Instance,
    backend: Backend,
    W: Array,
    pattern: Array,
    W_other: Array | None = None,
    pattern_other: Array | None = None,
) -> tuple[float, float, Array]:
    """Return the largest singular value of the product, its relative residual bound, and the right singular vector.

    An overflow gives a value that is not finite. Raises MeasurementError where the iteration did not reach the residual
    bound of 1e-3.
    """
    start = instance.stream(Stream.START_VECTOR).standard_normal(W.shape[1]).astype(W.dtype)
    other = pattern[:0] if pattern_other is None else pattern_other
    value, residual, vector = backend.product_norm(
        W,
        np.ascontiguousarray(pattern),
        W if W_other is None else W_other,
        np.ascontiguousarray(other),
        start,
        NORM_TOLERANCE,
        NORM_STEPS,
    )
    if not math.isfinite(residual):  # some norm on the way has overflowed
        return math.nan, residual, vector
    # an iteration that stops early finds too small a norm: false safety for an upper bound
    if residual > NORM_TOLERANCE:
        raise MeasurementError("spectral norm", f"residual bound {residual:.1e} after {NORM_STEPS} Lanczos steps")
    return value, residual, vector


def perturbed_states(
    state: State, perturbation: Perturbation, targets: tuple[Target, ...], backend: Backend
) -> tuple[Array, Array]:
    """Return (g, h) under the perturbation, each (L, t, m): the states of each target's sequence."""
    instance = state.instance
    sequences = [target.sequence for target in targets]
    if isinstance(perturbation, DensePerturbation):
        preactivation, hidden = backend.forward(
            instance.W + perturbation.matrix, instance.A, instance.x, instance.activation
        )
        return preactivation[:, sequences], hidden[:, sequences]
    x = np.ascontiguousarray(instance.x[:, sequences])
    return backend.forward_low_rank(
        instance.W, instance.A, x, perturbation.left, perturbation.right, instance.activation
    )


def perturbed_weights(instance: Instance, perturbation: Perturbation, target: int) -> Array:
    """Return W + W' (K, m, m) for the target of this index."""
    if isinstance(perturbation, DensePerturbation):
        return instance.W + perturbation.matrix
    return np.asarray(instance.W + perturbation.left[target].T @ perturbation.right[target])
