"""JAX with the backward pass by hand: a scan forward, a scan backward, and one product for the gradient."""

from __future__ import annotations

import jax
from jax import Array, lax
from jax import numpy as jnp

from rnnconv_cli.bench.cases import GRADIENT, REPLICATES, Case
from rnnconv_cli.bench.contestants.jax_scan import arrays, descent, descent_work, gradient_work, states
from rnnconv_cli.bench.contestants.work import Work
from rnnconv_cli.problem.elman import Instance


def loss_and_gradient(W: Array, B: Array, inputs: Array, labels: Array) -> tuple[Array, Array]:
    """1/2 sum over l >= 2 of ||B h_l - y_l||^2, and its gradient in W; shapes as in `jax_scan.loss`."""
    first, later = jax.nn.relu(inputs[0]), states(W, inputs)
    residual = later @ B.T - labels[1:]
    direct = residual @ B

    def retreat(signal: Array, layer: tuple[Array, Array]) -> tuple[Array, Array]:
        own, hidden = layer
        preceding = jnp.where(hidden > 0, signal @ W + own, 0)
        return preceding, preceding

    last = jnp.where(later[-1] > 0, direct[-1], 0)
    signals = lax.scan(retreat, last, (direct[:-1], later[:-1]), reverse=True)[1]
    gradient = jnp.einsum(
        "lnk,lnm->km", jnp.concatenate([signals, last[None]]), jnp.concatenate([first[None], later[:-1]])
    )
    return 0.5 * jnp.sum(residual**2), gradient


ONE_BY_ONE = descent(loss_and_gradient)
ALL_AT_ONCE = descent(jax.vmap(loss_and_gradient))


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case in JAX, without its differentiation."""
    if case.task == GRADIENT:
        return gradient_work(loss_and_gradient, arrays(instances[0]))
    return descent_work(case, instances, ALL_AT_ONCE if case.task == REPLICATES else ONE_BY_ONE)
