"""TASK → DONE: what a worker of any engine does with what it is sent. It knows nothing else of the run."""

from __future__ import annotations

import functools
import itertools
import socket
import sys
import threading
from dataclasses import dataclass

from rnnconv_cli import __version__
from rnnconv_cli.errors import EngineError
from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.kernels.threads import use_threads
from rnnconv_cli.records import Trial
from rnnconv_cli.sweep.conditions import conditions, differences, is_of_the_processor
from rnnconv_cli.sweep.machine import use_one_blas_thread
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.trial import Results, drawn_from, run_group

SAME = "install the same there as here"
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Task:
    """Trials, those of one instance next to each other, and how many threads a descent run of theirs may use."""

    trials: tuple[Trial, ...]
    backend: str
    threads: int


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a task; where it was measured elsewhere, under which conditions."""

    results: Results
    conditions: Conditions | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """What must be the same wherever the trials of one run are measured."""

    tool: str
    python: str
    backend: str
    conditions: Conditions  # of which the processor's and its BLAS kernels' may differ


def program(backend: str) -> Program:
    """Return what this process would measure with."""
    return Program(__version__, f"{sys.version_info.major}.{sys.version_info.minor}", backend, conditions(backend))


def in_this_process(task: Task) -> Done:
    """Carry a task out where the driver has seen to threads."""
    return Done(_results(task))


def in_a_worker(task: Task) -> Done:
    """Carry a task out in a process that the driver has started."""
    use_threads(task.threads)
    return in_this_process(task)


def elsewhere(task: Task, driver: Program) -> Done:
    """Carry a task out in a process that somebody else has started. Raises EngineError where its program differs."""
    with _one_at_a_time:  # a worker may have several threads
        here = _prepared(task.backend, frozenset(each.problem.dtype for each in task.trials))
    if differing := unlike(driver, here):
        raise EngineError(f"worker on {socket.gethostname()}", differing, SAME)
    return Done(_results(task), here.conditions)


def _results(task: Task) -> Results:
    groups = itertools.groupby(task.trials, drawn_from)
    return tuple(readings for _, group in groups for readings in run_group(tuple(group), task.backend))


def unlike(driver: Program, worker: Program) -> str:
    """Say how a worker's program differs from the driver's; nothing where it does not."""
    pairs: list[tuple[str, str | None, str | None]] = [
        ("rnnconv", driver.tool, worker.tool),
        ("python", driver.python, worker.python),
        *differences(driver.conditions, worker.conditions),
    ]
    return ", ".join(
        f"found {name} {theirs or 'missing'}, wanted {ours or 'none'}"
        for name, ours, theirs in pairs
        if ours != theirs and not is_of_the_processor(name)
    )


@functools.cache
def _prepared(backend: str, dtypes: frozenset[str]) -> Program:
    """Limit BLAS and descent runs to one thread for the life of this process, and load the kernels."""
    use_threads(1)
    use_one_blas_thread()
    for dtype in dtypes:
        warm_up(BACKENDS[backend], dtype)
    return program(backend)
