"""TRIALS → READINGS: one process or several, the same bits either way."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from queue import SimpleQueue
from typing import Protocol

from rnnconv_cli.errors import ResourceError
from rnnconv_cli.kernels.threads import threads_in_use, use_threads
from rnnconv_cli.records import ProblemSetting, Reading, Status, Trial
from rnnconv_cli.sweep.machine import limit_blas_threads, rare_collections, usable_memory, use_one_blas_thread
from rnnconv_cli.sweep.plan import predicted_bytes, predicted_seconds
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.spawning import WORKERS, start_server
from rnnconv_cli.sweep.trial import Group, Results, label, run_group, without_value

WORTH_A_POOL_SECONDS = 4.0  # below this, starting worker processes costs more than it saves
LEAD_SECONDS = 1.0  # of predicted work that workers have at hand, so that none waits for the next
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Readings = Mapping[Trial, tuple[Reading, ...]]
Finished = Generator[tuple[float, Group, Results], None, None]
More = Callable[[Collection[Trial], Readings], Sequence[Trial]]  # what just ended, all that is known -> what else to do


class Keeper(Protocol):
    """Where readings outlive a run."""

    def find(self, trials: Collection[Trial]) -> Readings:
        """Return the readings of those trials that need no measuring."""

    def keep(self, measured: Readings) -> None:
        """Store readings, at once."""


class NothingKept:
    """Every run measures everything."""

    def find(self, trials: Collection[Trial]) -> Readings:
        """Return nothing."""
        return {}

    def keep(self, measured: Readings) -> None:
        """Let go of the readings."""


NOTHING_KEPT = NothingKept()


class _Queue:
    """The groups that wait, each with its predicted core-seconds, the next one first; and how many fit in memory.

    `seconds` counts all that ever waited: whoever asked for more in rounds will ask again.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs, self.seconds, self._cores = jobs, 0.0, jobs
        self._waiting: list[tuple[float, Group]] = []
        self._room = usable_memory()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def is_worth_a_pool(self) -> bool:
        """Whether worker processes would save more than they cost."""
        return self.jobs > 1 and len(self._waiting) > 1 and self.seconds >= WORTH_A_POOL_SECONDS

    @property
    def threads(self) -> int:
        """How many threads each worker may use: more than one where memory, or want of work, leaves cores idle."""
        return self._cores // max(1, min(self.jobs, len(self._waiting)))

    def add(self, trials: Iterable[Trial], urgent: Set[Trial] = frozenset()) -> float:
        """Put trials before all others, urgent ones first, then the longest; return their predicted core-seconds.

        Raises ResourceError for one that does not fit in memory.
        """
        groups, first = _groups(trials), set(map(_instance, urgent))
        for group in groups.values():
            needed = max(map(predicted_bytes, group))
            if needed > self._room:
                raise ResourceError(label(max(group, key=predicted_bytes)), needed, self._room)
            self.jobs = min(self.jobs, self._room // needed)
        priced = [(instance in first, sum(map(predicted_seconds, group)), group) for instance, group in groups.items()]
        priced.sort(key=lambda each: each[:2], reverse=True)
        added = sum(seconds for _, seconds, _ in priced)
        self._waiting[:0], self.seconds = [(seconds, group) for _, seconds, group in priced], self.seconds + added
        return added

    def next(self) -> tuple[float, Group]:
        """Take the next group, with its predicted core-seconds."""
        return self._waiting.pop(0)


def execute(
    trials: Sequence[Trial],
    *,
    backend: str,
    jobs: int,
    progress: Progress,
    urgent: Set[Trial] = frozenset(),
    more: More = lambda ended, readings: (),
    keeper: Keeper = NOTHING_KEPT,
) -> Readings:
    """Return the readings of every trial: those that `keeper` has, and the rest measured by at most `jobs` processes.

    The urgent trials come first, then the longest. As trials end, `more` names further ones, none of them twice; they
    are next. A trial that cannot be carried out is a reading with status `failed`, also where its worker died.
    Raises ResourceError, before any of `trials` is measured, for one that does not fit in memory.
    """
    queue = _Queue(jobs)
    readings: dict[Trial, tuple[Reading, ...]] = {}

    def add(trials: Collection[Trial], urgent: Set[Trial] = frozenset()) -> float:
        found = keeper.find(trials)
        readings.update(found)
        seconds = queue.add([trial for trial in trials if trial not in found], urgent)
        further = more(found.keys(), readings) if found else ()
        return seconds + add(further) if further else seconds

    with rare_collections():
        seconds = add(trials, urgent)
    progress.phase("measuring", seconds)
    while queue:
        finished = (_in_workers if queue.is_worth_a_pool else _in_this_process)(queue, backend)
        with contextlib.closing(finished):  # ends the workers here and now, also where an error comes out of `advance`
            for seconds, group, results in finished:
                measured = dict(zip(group, results, strict=True))
                keeper.keep(measured)
                readings.update(measured)
                progress.advance(label(group[0]), seconds)
                if further := more(group, readings):
                    progress.expect(add(further))
    return readings


def _instance(trial: Trial) -> tuple[ProblemSetting, int, int]:
    return trial.problem, trial.seed, trial.replicate


def _groups(trials: Iterable[Trial]) -> dict[tuple[ProblemSetting, int, int], Group]:
    by_instance: dict[tuple[ProblemSetting, int, int], list[Trial]] = {}
    for trial in trials:
        by_instance.setdefault(_instance(trial), []).append(trial)
    for group in by_instance.values():
        if len(group) > 1:  # quantities of one descent run stand next to each other, so that the run is made once
            group.sort(key=lambda trial: repr(trial.training))
    return {instance: tuple(group) for instance, group in by_instance.items()}


def _in_this_process(queue: _Queue, backend: str) -> Finished:
    with limit_blas_threads(), _threads_of_a_run(queue.threads):
        while queue and not queue.is_worth_a_pool:
            seconds, group = queue.next()
            yield seconds, group, run_group(group, backend)


def _in_workers(queue: _Queue, backend: str) -> Finished:
    """Measure in worker processes until nothing waits, or one of them dies: then every trial that was begun, by itself.

    Who killed the worker is not known, and a trial is not to blame for its neighbour. It has failed if it kills a
    worker that it had to itself.
    """
    start_server()
    begun: list[tuple[float, Group]] = []
    yield from _side_by_side(queue, backend, begun)
    with _lone_worker(queue.threads) as measured_by:
        for seconds, group in begun:
            yield seconds, group, tuple(measured_by(trial, backend) for trial in group)


def _side_by_side(queue: _Queue, backend: str, begun: list[tuple[float, Group]]) -> Finished:
    """Measure what waits; where a worker dies, add to `begun` what is lost with it, and take nothing more."""
    workers, ahead = queue.jobs, 0.0  # predicted seconds of what runs, or waits in the pool
    running: dict[Future[Results], tuple[float, Group]] = {}
    ended = SimpleQueue[Future[Results]]()
    with _pool(workers, queue.threads) as pool:
        while running or (queue and not begun):
            lead = LEAD_SECONDS if queue.jobs == workers else 0.0
            if queue and not begun and (len(running) < queue.jobs or ahead < lead / 2):
                with _signals_kept():  # workers start as work is submitted, and only then
                    while queue and (len(running) < queue.jobs or ahead < lead):
                        seconds, group = queue.next()
                        future = _submitted(pool, group, backend)
                        running[future], ahead = (seconds, group), ahead + seconds
                        future.add_done_callback(ended.put)
            future = ended.get()
            seconds, group = running.pop(future)
            ahead -= seconds
            if isinstance(future.exception(), BrokenProcessPool):
                begun.append((seconds, group))
            else:
                yield seconds, group, future.result()


@contextlib.contextmanager
def _lone_worker(threads: int) -> Iterator[Callable[[Trial, str], tuple[Reading, ...]]]:
    """Measure one trial at a time, in a worker that is replaced where a trial kills it."""
    with contextlib.ExitStack() as pools:
        alive: list[ProcessPoolExecutor] = []

        def measured_by(trial: Trial, backend: str) -> tuple[Reading, ...]:
            if not alive:
                alive.append(pools.enter_context(_pool(1, threads)))
            with _signals_kept():
                future = _submitted(alive[0], (trial,), backend)
            try:
                (readings,) = future.result()
            except BrokenProcessPool:
                alive.clear()
                detail = "killed its worker process twice, the second time with nothing beside it"
                return without_value(trial, Status.FAILED, detail)
            return readings

        yield measured_by


@contextlib.contextmanager
def _pool(workers: int, threads: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of worker processes that ends with the block, at once where an error comes out of it."""
    pool = ProcessPoolExecutor(workers, mp_context=WORKERS, initializer=_start_worker, initargs=(threads,))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise
    pool.shutdown()


def _submitted(pool: ProcessPoolExecutor, group: Group, backend: str) -> Future[Results]:
    try:
        return pool.submit(run_group, group, backend)
    except BrokenProcessPool as error:
        lost: Future[Results] = Future()
        lost.set_exception(error)
        return lost


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Serve SIGINT and SIGTERM after the block: a worker whose start is interrupted ends with a traceback."""
    kept: list[int] = []
    before = {number: signal.signal(number, lambda number, _: kept.append(number)) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in kept:
            signal.raise_signal(each)


@contextlib.contextmanager
def _threads_of_a_run(count: int) -> Iterator[None]:
    """Let descent runs in the block use so many threads."""
    before = threads_in_use()
    use_threads(count)
    try:
        yield
    finally:
        use_threads(before)


def _start_worker(threads: int) -> None:
    """Leave Ctrl-C to the parent, SIGTERM to the default, and BLAS one thread for the life of the worker."""
    use_threads(threads)
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
