"""Our compiled kernels, called as `measure` calls them; replicates on a thread for each core, as they hold no lock."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.bench.cases import REPLICATES, Case
from rnnconv_cli.bench.contestants.kernel_calls import BUILDERS, descended
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, on_threads
from rnnconv_cli.bench.data import Descended, stepped
from rnnconv_cli.kernels import compiled
from rnnconv_cli.kernels.arrays import copy_aligned
from rnnconv_cli.kernels.threads import use_threads
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.sweep.machine import use_one_blas_thread


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case by the compiled kernels, with one BLAS thread as in a sweep: idle ones would spin on our cores."""
    use_one_blas_thread()
    if case.task == REPLICATES:
        use_threads(1)
        return _replicates(case, instances)
    use_threads(case.cores)
    return BUILDERS[case.task](compiled, case, instances[0])


def _replicates(case: Case, instances: tuple[Instance, ...]) -> Work:
    weights = [copy_aligned(instance.W) for instance in instances]

    def run(count: int) -> None:
        def descend(replicate: int) -> None:
            descended(compiled, instances[replicate], weights[replicate], TINY_RATE, case.steps)

        for _ in range(count):
            on_threads(case.cores, descend, len(instances))

    def descend_all(learning_rate: float, steps: int) -> Descended:
        after = np.concatenate([instance.W for instance in instances])
        parts = [after[k : k + 1] for k in range(len(instances))]
        pairs = zip(instances, parts, strict=True)
        losses = [descended(compiled, each, W, learning_rate, steps)[-1] for each, W in pairs]
        return np.array(losses), after

    return Work(run, lambda: stepped(case, instances, descend_all))
