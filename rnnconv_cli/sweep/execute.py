"""TRIALS → READINGS: in this process, or by whatever engine, the same bits either way."""

from __future__ import annotations

import concurrent.futures
import contextlib
import heapq
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

from rnnconv_cli.errors import EngineError, ResourceError, TrialFailed
from rnnconv_cli.records import Reading, Status, Trial
from rnnconv_cli.sweep.engines import Engine, Room, Submit, threads_of_a_run
from rnnconv_cli.sweep.machine import limit_blas_threads, rare_collections
from rnnconv_cli.sweep.plan import predicted_bytes, predicted_seconds
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.trial import Draw, Group, drawn_from, label, without_value
from rnnconv_cli.sweep.worker import Done, Task, in_this_process

WORTH_A_POOL_SECONDS = 4.0  # below this, starting workers of our own costs more than it saves
LEAD_SECONDS = 0.5  # of predicted work that each worker has at hand, so that none waits for the next
TOGETHER_SECONDS = 0.03  # of predicted work in one task: what a task itself costs, about 1 ms, is little beside it
MOST_TOGETHER = 16  # groups in one task, where the prediction is too low

Readings = Mapping[Trial, tuple[Reading, ...]]
Finished = Generator[tuple["Waiting", Done], None, None]
More = Callable[[Collection[Trial], Readings], Sequence[Trial]]  # what just ended, all that is known -> what else to do


class Keeper(Protocol):
    """Where readings outlive a run."""

    def find(self, trials: Collection[Trial]) -> Readings:
        """Return the readings of those trials that need no measuring."""

    def keep(self, measured: Readings, conditions: Conditions | None) -> None:
        """Store readings, at once; those of another machine under its conditions."""


class NothingKept:
    """Every run measures everything."""

    def find(self, trials: Collection[Trial]) -> Readings:
        """Return nothing."""
        return {}

    def keep(self, measured: Readings, conditions: Conditions | None) -> None:
        """Let go of the readings."""


NOTHING_KEPT = NothingKept()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Trials that are to be measured, group by group, their predicted core-seconds and bytes."""

    trials: tuple[Trial, ...]
    seconds: float
    bytes: int


class _Queue:
    """The groups that wait, the next one first.

    `seconds` counts all that ever waited: whoever asked for more in rounds will ask again.
    """

    def __init__(self, room: Room) -> None:
        self.seconds, self._seconds_waiting, self._room, self._largest = 0.0, 0.0, room, 0
        self._waiting: list[Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, trials: Iterable[Trial], urgent: Set[Trial] = frozenset()) -> float:
        """Put trials before all others, urgent ones first, then the longest; return their predicted core-seconds.

        Raises ResourceError for one that does not fit in memory.
        """
        first, added = set(map(drawn_from, urgent)), []
        for instance, group in _groups(trials).items():
            needed = max(map(predicted_bytes, group))
            if needed > self._room.each:
                raise ResourceError(label(max(group, key=predicted_bytes)), needed, int(self._room.each))
            self._largest = max(self._largest, needed)
            added.append((instance in first, Waiting(group, sum(map(predicted_seconds, group)), needed)))
        added.sort(key=lambda each: (each[0], each[1].seconds), reverse=True)
        self._waiting[:0] = [each for _, each in added]
        seconds = sum(each.seconds for _, each in added)
        self.seconds += seconds
        self._seconds_waiting += seconds
        return seconds

    def fits_beside(self, running: Iterable[Waiting], workers: int) -> bool:
        """Whether the next group has room in memory beside those: workers carry out so many at a time, whichever."""
        if workers * self._largest <= self._room.together:
            return True
        needs = [each.bytes for each in (*running, self._waiting[0])]
        return sum(heapq.nlargest(workers, needs)) <= self._room.together

    def next(self, workers: int) -> Waiting:
        """Take the next group; and short ones after it that need no more memory, while plenty waits for the workers."""
        taken = [self._waiting.pop(0)]
        seconds, most_bytes = taken[0].seconds, taken[0].bytes
        while self._waiting and len(taken) < MOST_TOGETHER and self._seconds_waiting > workers * LEAD_SECONDS:
            following = self._waiting[0]
            if seconds + following.seconds > TOGETHER_SECONDS or following.bytes > most_bytes:
                break
            seconds += following.seconds
            taken.append(self._waiting.pop(0))
        self._seconds_waiting -= seconds
        return Waiting(tuple(trial for each in taken for trial in each.trials), seconds, most_bytes)

    def threads(self, next_one: Waiting, n_running: int, workers: int) -> int:
        """Return how many threads a group may use: several where memory, or want of work, leaves cores idle."""
        side_by_side = min(workers, n_running + 1 + len(self), self._room.together / max(1, next_one.bytes))
        return workers // max(1, int(side_by_side))


def execute(
    trials: Sequence[Trial],
    *,
    backend: str,
    engine: Engine,
    progress: Progress,
    urgent: Set[Trial] = frozenset(),
    more: More = lambda ended, readings: (),
    keeper: Keeper = NOTHING_KEPT,
    fail_fast: bool = False,
) -> Readings:
    """Return the readings of every trial: those that `keeper` has, and the rest measured by the engine.

    The urgent trials come first, then the longest. As trials end, `more` names further ones, none of them twice; they
    are next. A trial that cannot be carried out is a reading with status `failed`, also where its worker died; with
    `fail_fast` it is the end: TrialFailed, after what was measured is kept.
    Raises ResourceError, before any of `trials` is measured, for one that does not fit in memory.
    """
    queue = _Queue(engine.room())
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
        measure = _by_workers if _is_worth_a_pool(queue, engine) else _in_this_process
        with contextlib.closing(measure(queue, backend, engine)) as finished:  # ends the workers here and now, also
            for ended, done in finished:  # where an error comes out of this block
                measured = dict(zip(ended.trials, done.results, strict=True))
                keeper.keep(measured, done.conditions)
                if fail_fast:
                    _raise_failed(measured)
                readings.update(measured)
                progress.advance(label(ended.trials[0]), ended.seconds)
                if further := more(ended.trials, readings):
                    progress.expect(add(further))
    return readings


def _raise_failed(measured: Readings) -> None:
    for trial, readings in measured.items():
        for each in readings:
            if each.status is Status.FAILED:
                raise TrialFailed(label(trial), each.detail)


def _groups(trials: Iterable[Trial]) -> dict[Draw, Group]:
    by_instance: dict[Draw, list[Trial]] = {}
    for trial in trials:
        by_instance.setdefault(drawn_from(trial), []).append(trial)
    for group in by_instance.values():
        if len(group) > 1:  # quantities of one descent run stand next to each other, so that the run is made once
            group.sort(key=lambda trial: repr(trial.training))
    return {instance: tuple(group) for instance, group in by_instance.items()}


def _is_worth_a_pool(queue: _Queue, engine: Engine) -> bool:
    """Whether workers would save more than they cost; those of somebody else have been asked for by name."""
    several = engine.workers() > 1 and len(queue) > 1
    return not engine.is_own or (several and queue.seconds >= WORTH_A_POOL_SECONDS)


def _in_this_process(queue: _Queue, backend: str, engine: Engine) -> Finished:
    with limit_blas_threads(), threads_of_a_run(engine.workers()):
        while queue and not _is_worth_a_pool(queue, engine):
            each = queue.next(engine.workers())
            yield each, in_this_process(Task(each.trials, backend, engine.workers()))


def _by_workers(queue: _Queue, backend: str, engine: Engine) -> Finished:
    """Measure until nothing waits, or a worker dies: then every trial that was begun and is lost, by itself.

    Who killed the worker is not known, and a trial is not to blame for its neighbour. It has failed if it kills a
    worker that it had to itself.
    """
    lost: list[Waiting] = []
    yield from _side_by_side(queue, backend, engine, lost)
    with _lone_worker(engine) as measured_by:
        for each in lost:
            for trial in each.trials:
                alone = Waiting((trial,), each.seconds / len(each.trials), each.bytes)
                yield alone, measured_by(Task(alone.trials, backend, engine.workers()))


def _side_by_side(queue: _Queue, backend: str, engine: Engine, lost: list[Waiting]) -> Finished:
    """Measure what waits; where a worker dies, add to `lost` what is lost with it, and take nothing more."""
    workers, ahead = engine.workers(), 0.0  # predicted seconds of what runs, or waits at the engine
    running: dict[Future[Done], Waiting] = {}
    ended = SimpleQueue[Future[Done]]()
    with engine.pool(workers) as submit:
        try:
            while running or (queue and not lost):
                workers = engine.workers()
                lead = workers * LEAD_SECONDS
                runs_short = len(running) < workers or ahead < lead / 2
                while runs_short and queue and not lost and queue.fits_beside(running.values(), workers):
                    each = queue.next(workers)
                    future = submit(Task(each.trials, backend, queue.threads(each, len(running), workers)))
                    running[future], ahead = each, ahead + each.seconds
                    future.add_done_callback(ended.put)
                    runs_short = len(running) < workers or ahead < lead
                future = ended.get()
                each = running.pop(future)
                ahead -= each.seconds
                done = _outcome(future, engine)
                if done is None:
                    lost.append(each)
                else:
                    yield each, done
        finally:
            for future in running:  # none but where the run ends early: what has not begun never does
                future.cancel()


def _outcome(future: Future[Done], engine: Engine) -> Done | None:
    """What came of a task; None where its worker has died. Raises EngineError where the engine has dropped it."""
    if future.cancelled():
        raise EngineError(engine.name, "has dropped what it was given", "see that it runs; the same command goes on")
    return None if isinstance(future.exception(), engine.lost) else future.result()


@contextlib.contextmanager
def _lone_worker(engine: Engine) -> Iterator[Callable[[Task], Done]]:
    """Measure one trial at a time, in a worker that is replaced where a trial kills it."""
    with contextlib.ExitStack() as pools:
        alive: list[Submit] = []

        def measured_by(task: Task) -> Done:
            if not alive:
                alive.append(pools.enter_context(engine.pool(1)))
            future = alive[0](task)
            concurrent.futures.wait([future])
            done = _outcome(future, engine)
            if done is not None:
                return done
            alive.clear()
            detail = "killed its worker process again, with nothing beside it"
            return Done(tuple(without_value(trial, Status.FAILED, detail) for trial in task.trials))

        yield measured_by
