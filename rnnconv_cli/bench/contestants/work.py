"""What a contestant makes of a case: something to call, and something to compare."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from rnnconv_cli.bench.cases import Case
    from rnnconv_cli.bench.data import Outcome
    from rnnconv_cli.problem.elman import Instance

TINY_RATE = 1e-12  # step size while timing: W stays where it is, the work is the same


@dataclass(frozen=True, slots=True)
class Work:
    """A case made ready."""

    run: Callable[[int], object]  # so many calls of the case, finished on return
    outcome: Callable[[], Outcome]  # what a call gets; for a step, see `data.stepped`


Build: TypeAlias = "Callable[[Case, tuple[Instance, ...]], Work]"


def repeated(call: Callable[[], object]) -> Callable[[int], None]:
    """The function that makes so many calls."""

    def run(count: int) -> None:
        for _ in range(count):
            call()

    return run


def on_threads(threads: int, job: Callable[[int], object], jobs: int) -> None:
    """Carry out jobs 0, 1, ... on so many threads, the next one where a thread is free; the threads stay for later."""
    list(_pool(threads).map(job, range(jobs)))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)
