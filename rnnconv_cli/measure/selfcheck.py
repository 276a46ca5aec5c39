"""No verdict from a wrong gradient: the kernel's against the reference's and against central differences."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import SelfCheckError
from rnnconv_cli.kernels.activations import RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.problem.elman import Instance, draw
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import ProblemSetting

WIDTH, HORIZON, SEQUENCES = 24, 4, 2
DIRECTIONS = 4
STEP = 1e-5  # of a unit direction: truncation about 1e-10, rounding about 1e-11, of the derivative
ALLOWED_DIFFERENCE = 1e-6
ALLOWED_ROUNDING_UNITS = 64.0  # eps * L * sqrt(m) of the gradient's norm


def self_check(backend_name: str, problems: Iterable[ProblemSetting], seed: int) -> None:
    """Check the gradient on a small instance of every kind of problem in a run (float64 for the differences).

    Raises SelfCheckError with the relative error found and the one allowed.
    """
    for problem in dict.fromkeys(map(_small, problems)):
        instance = draw(problem, seed, 0)
        backend = BACKENDS[backend_name]
        gradient = gradient_of(instance, backend)
        expected = gradient_of(instance, BACKENDS["reference"])
        allowed = ALLOWED_ROUNDING_UNITS * float(np.finfo(instance.W.dtype).eps) * HORIZON * math.sqrt(WIDTH)
        for found, what in ((gradient, "the reference gradient"), (one_step(instance, backend), "a reference step")):
            error = float(np.linalg.norm(found - expected)) / float(np.linalg.norm(expected))
            if not error <= allowed:
                raise SelfCheckError(backend_name, what, error, allowed)
        if problem.dtype == "float64":
            error = difference_error(instance, gradient, backend)
            if not error <= ALLOWED_DIFFERENCE:
                raise SelfCheckError(backend_name, "central differences", error, ALLOWED_DIFFERENCE)


def gradient_of(instance: Instance, backend: Backend) -> Array:
    """Return grad f (K, m, m) of the instance (Fact 2.5)."""
    state = state_of(instance, backend)
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    signals = backend.backward(instance.W, instance.B, state.pattern, residual)
    return backend.weight_gradient(signals, state.hidden, instance.W.shape[0])


def one_step(instance: Instance, backend: Backend) -> Array:
    """Return W_0 - W_1 of one step of size 1, which is grad f (K, m, m), by the fused kernel that descent runs use."""
    W, losses, norms = instance.W.copy(), np.empty(1), np.empty(1)
    data = (instance.A, instance.B, instance.x, instance.labels, instance.activation)
    backend.descend(W, *data, 1.0, np.empty((1, 0), dtype=np.int64), 0, 1, 0.0, math.inf, losses, norms)
    return np.asarray(instance.W - W)


def loss_of(instance: Instance, backend: Backend) -> float:
    """Return f(W) of the instance, from the states of all layers."""
    return backend.loss(backend.residuals(instance.B, state_of(instance, backend).hidden, instance.labels))


def difference_error(instance: Instance, gradient: Array, backend: Backend) -> float:
    """Return the largest error of <grad f, V> against central differences, over random unit V, relative to ||grad f||.

    A direction along which a unit crosses its kink is skipped: f has no derivative there.
    """
    rng = instance.stream(Stream.PERTURBATION, 3)
    errors: list[float] = []
    for _ in range(20 * DIRECTIONS):
        V = np.asarray(rng.standard_normal(instance.W.shape))
        V /= np.linalg.norm(V)
        ahead, behind = (replace(instance, W=instance.W + sign * STEP * V) for sign in (1, -1))
        if instance.activation == RELU and np.any(
            state_of(ahead, backend).pattern != state_of(behind, backend).pattern
        ):
            continue
        slope = (loss_of(ahead, backend) - loss_of(behind, backend)) / (2 * STEP)
        errors.append(abs(slope - float(np.sum(gradient * V))) / float(np.linalg.norm(gradient)))
        if len(errors) == DIRECTIONS:
            return float(np.max(errors))
    return float("inf")


def _small(problem: ProblemSetting) -> ProblemSetting:
    """Return a small problem of the same kind: activation, layers, dtype, dimensions and variances kept."""
    return replace(
        problem,
        width=WIDTH,
        horizon=HORIZON,
        n_sequences=SEQUENCES,
        input_dim=4,
        separation=0.5,
        copies=1,
        output_dim=min(problem.output_dim, 2),
        later_tokens="fresh",
        labels="random",
        copy_labels="independent",
        weight_variance=2.0,
        output_variance="1/d",
    )
