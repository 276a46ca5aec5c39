"""JAX: the replicates one by one, a jitted run each, on a thread for each core."""

from __future__ import annotations

import numpy as np
from jax import numpy as jnp

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.jax_scan import ONE_BY_ONE, arrays
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, on_threads
from rnnconv_cli.bench.data import Descended, stepped
from rnnconv_cli.problem.elman import Instance


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The replicates in JAX."""
    parts = [arrays(instance) for instance in instances]
    weights = [part[0] for part in parts]
    pairs = list(zip(instances, parts, strict=True))

    def descend(k: int) -> None:
        weights[k] = ONE_BY_ONE(weights[k], *parts[k][1:], TINY_RATE, case.steps)[0].block_until_ready()

    def run(count: int) -> None:
        for _ in range(count):
            on_threads(case.cores, descend, len(instances))

    def descend_all(learning_rate: float, steps: int) -> Descended:
        found = [ONE_BY_ONE(jnp.array(each.W[0]), *part[1:], learning_rate, steps) for each, part in pairs]
        after, losses = (np.stack(part) for part in zip(*found, strict=True))
        return losses, after

    return Work(run, lambda: stepped(case, instances, descend_all))
