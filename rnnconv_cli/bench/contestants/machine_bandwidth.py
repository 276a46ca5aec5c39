"""How fast the machine reads a matrix of the size of W, from wherever one of that size lies."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.work import Work, on_threads
from rnnconv_cli.bench.data import nothing_after
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.sweep.machine import use_one_blas_thread


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """A call reads every entry once: on each core, the scalar product of one half of its part with the other half."""
    use_one_blas_thread()  # for each of our threads: more would read on each other's core
    size = case.width**2 // (2 * case.cores)
    parts = np.ones((case.cores, 2, size), dtype=case.dtype)

    def run(count: int) -> None:
        def read(core: int) -> None:
            one_half, other_half = parts[core]
            for _ in range(count):
                np.dot(one_half, other_half)

        on_threads(case.cores, read, case.cores)

    return Work(run, lambda: nothing_after(run))
