"""JAX: scan over time, value_and_grad, jit; a run of steps is one compiled loop; replicates by vmap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import Array, lax
from jax import numpy as jnp

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, LANCZOS_STEPS, PRODUCT, REPLICATES, Case
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work
from rnnconv_cli.bench.data import Descended, Outcome, first_pattern, start_vector, stepped
from rnnconv_cli.problem.elman import Instance

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)  # float32 arrays stay float32


def states(W: Array, inputs: Array) -> Array:
    """h_2, ..., h_L, (L - 1, n, m); W (m, m), inputs A x (L, n, m)."""

    def advance(hidden: Array, addend: Array) -> tuple[Array, Array]:
        following = jax.nn.relu(jnp.einsum("nm,km->nk", hidden, W) + addend)  # hidden @ W.T, never slower
        return following, following

    return lax.scan(advance, jax.nn.relu(inputs[0]), inputs[1:])[1]


def loss(W: Array, B: Array, inputs: Array, labels: Array) -> Array:
    """1/2 sum over l >= 2 of ||B h_l - y_l||^2; labels (L, n, d)."""
    return 0.5 * jnp.sum((states(W, inputs) @ B.T - labels[1:]) ** 2)


loss_and_gradient: Callable[..., Any] = jax.value_and_grad(loss)


def descent(gradient: Callable[..., Any]) -> Callable[..., Any]:
    """A compiled run of steps, W in place: (W, B, inputs, labels, rate, steps) -> W and the losses before the last."""

    def run(W: Array, B: Array, inputs: Array, labels: Array, rate: Array, steps: int) -> tuple[Array, Array]:
        def step(_: Array, carried: tuple[Array, Array]) -> tuple[Array, Array]:
            losses, gradients = gradient(carried[0], B, inputs, labels)
            return carried[0] - rate * gradients, losses

        final: tuple[Array, Array] = lax.fori_loop(0, steps, step, (W, jnp.zeros(W.shape[:-2], W.dtype)))
        return final

    compiled: Callable[..., Any] = jax.jit(run, donate_argnums=0)
    return compiled


ONE_BY_ONE = descent(loss_and_gradient)
ALL_AT_ONCE = descent(jax.vmap(loss_and_gradient))


def arrays(instance: Instance) -> tuple[Array, Array, Array, Array]:
    """W, B, A x and the labels, on JAX's side: copies, as a run gives its W away."""
    found = (instance.W[0], instance.B, instance.x @ instance.A.T, instance.labels)
    return jnp.array(found[0]), jnp.array(found[1]), jnp.array(found[2]), jnp.array(found[3])


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case in JAX."""
    if case.task == PRODUCT:
        return _product(instances[0])
    if case.task == FORWARD:
        return _forward(instances[0])
    if case.task == GRADIENT:
        return gradient_work(loss_and_gradient, arrays(instances[0]))
    return descent_work(case, instances, ALL_AT_ONCE if case.task == REPLICATES else ONE_BY_ONE)


def descent_work(case: Case, instances: tuple[Instance, ...], steps: Callable[..., Any]) -> Work:
    """A compiled `descent`, of one network or, by vmap, of all at once."""
    W, *others = arrays(instances[0])
    if case.task == REPLICATES:
        W, *others = (jnp.stack(part) for part in zip(*map(arrays, instances), strict=True))
    before, held = np.array(W), [W]

    def run(count: int) -> None:
        held[0] = steps(held[0], *others, TINY_RATE, count * case.steps)[0].block_until_ready()

    def descend(learning_rate: float, count: int) -> Descended:
        after, losses = steps(jnp.array(before), *others, learning_rate, count)
        return np.atleast_1d(losses), np.asarray(after).reshape(-1, *before.shape[-2:])

    return Work(run, lambda: stepped(case, instances, descend))


def gradient_work(call: Callable[..., Any], parts: tuple[Array, Array, Array, Array]) -> Work:
    """A function of W, B, inputs and labels that returns loss and gradient."""
    compiled = jax.jit(call)

    def outcome() -> Outcome:
        found, gradient = compiled(*parts)
        return Outcome(np.atleast_1d(found), np.asarray(gradient)[None])

    return Work(_waited(lambda: compiled(*parts)), outcome)


def _forward(instance: Instance) -> Work:
    call, (W, _, inputs, _) = jax.jit(states), arrays(instance)

    def outcome() -> Outcome:
        residual = np.asarray(call(W, inputs)) @ instance.B.T - instance.labels[1:]
        return Outcome(np.array([0.5 * float(np.sum(residual**2))]))

    return Work(_waited(lambda: call(W, inputs)), outcome)


def _product(instance: Instance) -> Work:
    parts = [jnp.array(part) for part in (instance.W[0], first_pattern(instance), start_vector(instance))]
    call = jax.jit(chain_norm)
    return Work(_waited(lambda: call(*parts)), lambda: Outcome(np.atleast_1d(call(*parts))))


def _waited(call: Callable[[], Any]) -> Callable[[int], None]:
    """The function that makes so many calls, each finished before the next."""

    def run(count: int) -> None:
        for _ in range(count):
            jax.block_until_ready(call())

    return run


def chain_norm(W: Array, pattern: Array, start: Array) -> Array:
    """The same as `lanczos.chain_norm`: W (m, m), pattern (L, m), start (m,)."""

    def forth(vector: Array, diagonal: Array) -> tuple[Array, None]:
        return diagonal * (W @ vector), None

    def back(vector: Array, diagonal: Array) -> tuple[Array, None]:
        return (diagonal * vector) @ W, None  # XLA takes up to 35 times as long for W.T @ vector

    lefts: list[Array] = []
    rights = [start / jnp.linalg.norm(start)]
    bidiagonal = jnp.zeros((LANCZOS_STEPS, LANCZOS_STEPS + 1))
    for k in range(LANCZOS_STEPS):
        vector, length = orthonormal(lax.scan(forth, rights[k], pattern)[0], lefts)
        lefts.append(vector)
        bidiagonal = bidiagonal.at[k, k].set(length)
        vector, length = orthonormal(lax.scan(back, vector, pattern, reverse=True)[0], rights)
        rights.append(vector)
        bidiagonal = bidiagonal.at[k, k + 1].set(length)
    return jnp.linalg.svd(bidiagonal[:, :LANCZOS_STEPS], compute_uv=False)[0]


def orthonormal(vector: Array, rows: list[Array]) -> tuple[Array, Array]:
    """The vector (m,) made orthogonal to the rows, (m,) each, and of length 1, and its length in between."""
    if rows:
        basis = jnp.stack(rows)
        for _ in range(2):
            vector = vector - (basis @ vector) @ basis
    length = jnp.linalg.norm(vector)
    return vector / length, length
