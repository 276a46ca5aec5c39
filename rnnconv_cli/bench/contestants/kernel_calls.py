"""The single tasks as calls of a backend of ours."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, LANCZOS_STEPS, PRODUCT, STEP, Case
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, repeated
from rnnconv_cli.bench.data import Descended, Outcome, first_pattern, start_vector, stepped
from rnnconv_cli.kernels.arrays import Array, copy_aligned
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance


def descended(backend: Backend, instance: Instance, W: Array, learning_rate: float, steps: int) -> Array:
    """Take so many steps in place, whatever the loss; return the losses, (steps,)."""
    losses, gradient_norms, no_batches = np.empty(steps), np.empty(steps), np.empty((1, 0), dtype=np.int64)
    backend.descend(
        W,
        instance.A,
        instance.B,
        instance.x,
        instance.labels,
        instance.activation,
        learning_rate,
        no_batches,
        0,
        steps,
        -1.0,
        math.inf,
        losses,
        gradient_norms,
    )
    return losses


def _step(backend: Backend, case: Case, instance: Instance) -> Work:
    W = copy_aligned(instance.W)

    def descend(learning_rate: float, steps: int) -> Descended:
        after = copy_aligned(instance.W)
        return descended(backend, instance, after, learning_rate, steps)[-1:], after

    return Work(
        lambda count: descended(backend, instance, W, TINY_RATE, count), lambda: stepped(case, (instance,), descend)
    )


def _gradient(backend: Backend, case: Case, instance: Instance) -> Work:
    W, B = instance.W, instance.B

    def call() -> tuple[float, Array]:
        preactivation, hidden = backend.forward(W, instance.A, instance.x, instance.activation)
        residual = backend.residuals(B, hidden, instance.labels)
        pattern = backend.activation_pattern(preactivation, instance.activation)
        gradient = backend.weight_gradient(backend.backward(W, B, pattern, residual), hidden, 1)
        return backend.loss(residual), gradient

    def outcome() -> Outcome:
        loss, gradient = call()
        return Outcome(np.array([loss]), gradient)

    return Work(repeated(call), outcome)


def _forward(backend: Backend, case: Case, instance: Instance) -> Work:
    def call() -> Array:
        return backend.forward(instance.W, instance.A, instance.x, instance.activation)[1]

    def outcome() -> Outcome:
        return Outcome(np.array([backend.loss(backend.residuals(instance.B, call(), instance.labels))]))

    return Work(repeated(call), outcome)


def _product(backend: Backend, case: Case, instance: Instance) -> Work:
    W, pattern, start = instance.W, first_pattern(instance), start_vector(instance)
    none = np.empty((0, W.shape[1]), dtype=W.dtype)

    def call() -> float:
        return backend.product_norm(W, pattern, W, none, start, 0.0, LANCZOS_STEPS)[0]

    return Work(repeated(call), lambda: Outcome(np.array([call()])))


BUILDERS: dict[str, Callable[[Backend, Case, Instance], Work]] = {
    STEP: _step,
    GRADIENT: _gradient,
    FORWARD: _forward,
    PRODUCT: _product,
}
