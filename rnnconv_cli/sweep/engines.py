"""Where trials are carried out: processes or threads of this machine, or whatever offers a concurrent.futures.Executor.

An engine takes tasks and gives futures of what came of them. It changes neither a bit of the results nor their order.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from rnnconv_cli.errors import EngineError, UsageError
from rnnconv_cli.kernels.threads import threads_in_use, use_threads
from rnnconv_cli.sweep.machine import limit_blas_threads, usable_memory, use_one_blas_thread
from rnnconv_cli.sweep.spawning import WORKERS, start_server
from rnnconv_cli.sweep.worker import SAME, Done, Program, Task, elsewhere, in_a_worker, in_this_process, program, unlike

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)  # the last repeats a first one that was not served
TO_TRY = "name process, thread, dask, dask:ADDRESS or MODULE:FACTORY"

Submit = Callable[[Task], Future[Done]]


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of memory that one trial may take, and that all trials side by side may take together."""

    each: float
    together: float


class Engine(Protocol):
    """What carries tasks out, side by side."""

    name: str
    is_own: bool  # whether its workers begin and end with this run, on this machine: then few trials need none of them
    lost: tuple[type[BaseException], ...]  # what a future holds where the worker has died
    programs: tuple[Program, ...]  # what its workers measure with, each kind once

    def workers(self) -> int:
        """Return how many tasks it carries out at a time."""

    def room(self) -> Room:
        """Return the memory for them."""

    def pool(self, workers: int) -> AbstractContextManager[Submit]:
        """Take tasks in the block, and carry out at most so many at a time."""

    def close(self) -> None:
        """End what the engine has started."""


Start = Callable[[int, Program], Engine]  # so many workers, where they are ours to start; what they must measure with


class _OfThisMachine:
    """So many workers beside each other, in the memory of this machine; nothing of them outlives a pool."""

    def __init__(self, jobs: int, program: Program) -> None:
        self._jobs = jobs
        self.programs: tuple[Program, ...] = (program,)

    def workers(self) -> int:
        return self._jobs

    def room(self) -> Room:
        free = usable_memory()
        return Room(free, free)

    def close(self) -> None:
        """Nothing is left to end."""


class Processes(_OfThisMachine):
    """Worker processes of this machine."""

    name = "process"
    is_own = True
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    @contextlib.contextmanager
    def pool(self, workers: int) -> Iterator[Submit]:
        """Take tasks in the block; at an error that comes out of it, its workers end at once."""
        start_server()
        pool = ProcessPoolExecutor(workers, mp_context=WORKERS, initializer=_start_worker)

        def submit(task: Task) -> Future[Done]:
            with _signals_kept():  # workers start as work is submitted, and only then
                return _submitted(pool, in_a_worker, task)

        try:
            yield submit
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        pool.shutdown()


class Threads(_OfThisMachine):
    """Threads of this process: kernels release the interpreter's lock, all else of a trial waits for it."""

    name = "thread"
    is_own = True
    lost: tuple[type[BaseException], ...] = ()

    @contextlib.contextmanager
    def pool(self, workers: int) -> Iterator[Submit]:
        """Take tasks in the block; those that have begun are waited for, also at an error that comes out of it."""
        with limit_blas_threads(), threads_of_a_run(1), ThreadPoolExecutor(workers) as pool:
            yield lambda task: pool.submit(in_this_process, task)


class Foreign(_OfThisMachine):
    """An engine that somebody else has written: `factory(max_workers=N)` gives an Executor."""

    is_own = False
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, name: str, factory: Callable[..., Executor], jobs: int, driver: Program) -> None:
        """Ask a worker what it measures with. Raises EngineError where that is not what the driver does."""
        self.name, self._factory, self._driver = name, factory, driver
        with self._executor(1) as executor:
            try:
                there = executor.submit(program, driver.backend).result()
            except Exception as error:
                problem = f"its worker could not say what it measures with ({type(error).__name__}: {error})"
                raise EngineError(self.name, problem, "see that rnnconv is installed there") from error
        if differing := unlike(driver, there):
            raise EngineError(self.name, differing, SAME)
        super().__init__(jobs, there)

    @contextlib.contextmanager
    def pool(self, workers: int) -> Iterator[Submit]:
        """Take tasks in the block. Workers may be threads of this process, which could not limit BLAS themselves."""
        with limit_blas_threads(), threads_of_a_run(1), self._executor(workers) as executor:
            yield lambda task: _submitted(executor, elsewhere, task, self._driver)

    @contextlib.contextmanager
    def _executor(self, workers: int) -> Iterator[Executor]:
        try:
            executor = self._factory(max_workers=workers)
        except TypeError as error:
            raise self._no_factory(f"cannot be called with max_workers ({error})") from error
        except Exception as error:
            problem = f"could not be started ({type(error).__name__}: {error})"
            raise EngineError(self.name, problem, "see its documentation; it is called with max_workers") from error
        if not isinstance(executor, Executor):
            raise self._no_factory(f"gives {type(executor).__name__}")
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False)
            raise
        executor.shutdown()

    def _no_factory(self, which: str) -> UsageError:
        """The refusal of a name that is no factory of an Executor, as of one that cannot be imported."""
        wanted = "a factory of a concurrent.futures.Executor"
        return UsageError(f"executor {self.name!r}, which {which}", wanted, TO_TRY)


def named(text: str) -> Start:
    """Return what starts the engine of this name. Raises UsageError for a name that none has, or none can be had by."""
    name, separator, rest = text.partition(":")
    if text in ENGINES:
        return ENGINES[text]
    if name == "dask" and (rest or not separator):
        return _dask(rest)
    if name in (*ENGINES, "dask") or not rest:
        raise UsageError(f"executor {text!r}", f"one of {', '.join((*ENGINES, 'dask'))}", TO_TRY)
    try:
        factory = getattr(importlib.import_module(name), rest)
    except Exception as error:  # a module may raise whatever it likes
        found = f"executor {text!r}, which cannot be imported ({type(error).__name__}: {error})"
        raise UsageError(found, "a module on PYTHONPATH, and what it has", TO_TRY) from error
    return functools.partial(Foreign, text, factory)


ENGINES: dict[str, Start] = {"process": Processes, "thread": Threads}


def _dask(address: str) -> Start:
    try:
        from rnnconv_cli.sweep.on_dask import OnDask, is_address
    except ImportError as error:
        raise UsageError(f"no Dask ({error})", "distributed", "pip install '.[dask]' in a clone of rnnconv") from error
    if address and not is_address(address):
        raise UsageError(f"the Dask address {address!r}", "HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT")
    return functools.partial(OnDask, address)


def _submitted(executor: Executor, work: Callable[..., Done], *arguments: object) -> Future[Done]:
    """Submit work; where the executor's workers have died, the future says so as if they had just now."""
    try:
        return executor.submit(work, *arguments)
    except BrokenExecutor as error:
        lost: Future[Done] = Future()
        lost.set_exception(error)
        return lost


@contextlib.contextmanager
def threads_of_a_run(count: int) -> Iterator[None]:
    """Let descent runs in the block use so many threads."""
    before = threads_in_use()
    use_threads(count)
    try:
        yield
    finally:
        use_threads(before)


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Serve SIGINT and SIGTERM after the block: a worker whose start is interrupted ends with a traceback."""
    kept: list[int] = []
    before: dict[int, Any] = {}
    try:
        for ending in ENDING_SIGNALS:
            before[ending] = signal.signal(ending, lambda number, _: kept.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in kept:
            signal.raise_signal(number)


def _start_worker() -> None:
    """Leave Ctrl-C to the parent, SIGTERM to the default, and BLAS one thread for the life of the worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_one_blas_thread()


def _end_with_parent() -> None:
    """End this process when its parent is gone, also where that was killed and could not end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
