"""JAX: the replicates one by one, a jitted run each, on a thread for each core."""

from __future__ import annotations

import numpy as np
from jax import numpy as jnp

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.jax_scan import ONE_BY_ONE, arrays
from rnnconv_cli.bench.contestants.work import CHECK_RATE, TINY_RATE, Work, on_threads
from rnnconv_cli.bench.data import Outcome, read_off
from rnnconv_cli.problem.elman import Instance


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The replicates in JAX."""
    parts = [arrays(instance) for instance in instances]
    weights = [part[0] for part in parts]

    def descend(k: int) -> None:
        weights[k] = ONE_BY_ONE(weights[k], *parts[k][1:], TINY_RATE, case.steps)[0].block_until_ready()

    def run(count: int) -> None:
        for _ in range(count):
            on_threads(case.cores, descend, len(instances))

    def outcome() -> Outcome:
        before = np.concatenate([instance.W for instance in instances])
        found = [ONE_BY_ONE(jnp.array(W), *part[1:], CHECK_RATE, 1) for W, part in zip(before, parts, strict=True)]
        after, losses = (jnp.stack(part) for part in zip(*found, strict=True))
        return Outcome(np.asarray(losses), read_off(before, np.asarray(after), CHECK_RATE))

    return Work(run, outcome)
