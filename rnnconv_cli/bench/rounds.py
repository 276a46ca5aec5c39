"""One case after the other: contestants made ready, compared with the reference, and timed in turn, round by round."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import PRODUCT, Case
from rnnconv_cli.bench.contestants import MACHINE
from rnnconv_cli.bench.exponents import GROWTHS, fit
from rnnconv_cli.bench.floor import limits, second_level_cache
from rnnconv_cli.bench.messages import Accuracy
from rnnconv_cli.bench.results import OURS, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError

FEWEST_ROUNDS = 3
TIMING_SECONDS = 0.03
LONG_SECONDS = 3.0  # of a call that gets the fewest rounds
ONCE_SECONDS = 1.0  # of a call that is timed once
ONCE_FACTOR = 1.5  # over the fastest peer's time, for the same: it is none to compare with
OF_EVERY_RATIO = frozenset({OURS, *MACHINE})  # and the fastest peer
TOLERANCES = {"float64": 1e-8, "float32": 1e-2}  # relative; float32 moves units across their kinks


class References:
    """The reference's outcomes, one file for the cases that share it; only the last one is kept."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._path, self._seed = folder / "expected.npz", seed
        self._held: tuple[object, ...] = ()

    def of(self, case: Case) -> Path:
        """The file with the outcome of the case, computed where it is not the last one's."""
        wanted = data.setting(case), case.replicates, case.task == PRODUCT
        if wanted != self._held:
            data.expected(case, data.draw(case, self._seed)).save(self._path)
            self._held = wanted
        return self._path


class Rounds:
    """Measures one case after the other with the same processes."""

    def __init__(self, workers: Workers, references: References, rounds: int, seed: int) -> None:
        self._workers, self._references, self._rounds, self._seed = workers, references, rounds, seed
        self._cache_bytes = second_level_cache()

    def measure(self, case: Case, contestants: Sequence[str], allowance: float) -> CaseResult:
        """Ask everybody in turn, as many rounds as were asked for or as fit in so many seconds, but FEWEST_ROUNDS."""
        end = time.monotonic() + allowance
        names = [name for name in (*MACHINE, *contestants) if name not in self._workers.hung]
        with self._released(names, (case,)):
            entries = {name: self._prepared(name, case) for name in names}
            for _ in self._as_fit(end):
                for name, entry in entries.items():
                    if is_wanted(entry, entries.values()):
                        entries[name] = self._timed(entry, case)
        machine = tuple(entry for name, entry in entries.items() if name in MACHINE)
        others = tuple(entry for name, entry in entries.items() if name not in MACHINE)
        return CaseResult(case, self._limits(case, machine), others, machine)

    def _as_fit(self, end: float) -> Iterator[int]:
        """The rounds' numbers: as many as were asked for, and beyond the fewest only what ends in time."""
        began = time.monotonic()
        for taken in range(max(FEWEST_ROUNDS, self._rounds)):
            now = time.monotonic()
            if taken >= FEWEST_ROUNDS and now + (now - began) / taken > end:
                return
            yield taken

    @contextlib.contextmanager
    def _released(self, names: Sequence[str], cases: Sequence[Case]) -> Iterator[None]:
        """Let the workers forget the cases after the block, however it ends."""
        try:
            yield
        finally:
            for name in names:
                for case in cases:
                    self._workers.release(name, case)

    def _prepared(self, name: str, case: Case) -> Entry:
        try:
            accuracy = self._compared(self._workers.of(name, case.cores), name, case)
        except MeasurementError as error:
            return Entry(name, cores=case.cores, problem=error.problem)
        return Entry(
            name,
            cores=case.cores,
            first_seconds=accuracy.seconds,
            loss_error=accuracy.loss,
            gradient_error=accuracy.gradient,
            last_loss_error=accuracy.last_loss,
            problem=wrong(accuracy, TOLERANCES[case.dtype]),
        )

    def _compared(self, worker: Worker, name: str, case: Case) -> Accuracy:
        """Make a case ready and compare it with the reference; the machine has nothing to compare."""
        return worker.prepare(case, self._seed, None if name in MACHINE else self._references.of(case))

    def _timed(self, entry: Entry, case: Case) -> Entry:
        """The entry with one more time; one with a problem is left as it is."""
        if entry.problem:
            return entry
        try:
            timing = self._workers.of(entry.contestant, case.cores).measure(case, TIMING_SECONDS)
        except MeasurementError as error:
            return replace(entry, seconds=(), busy=(), problem=error.problem)
        return replace(entry, seconds=(*entry.seconds, timing.seconds), busy=(*entry.busy, timing.busy_threads))

    def _limits(self, case: Case, machine: Sequence[Entry]) -> Limits | None:
        times = {entry.contestant: entry.seconds for entry in machine if entry.seconds}
        if len(times) < len(MACHINE):
            return None
        return limits(case, min(times["peak"]), min(times["bandwidth"]), self._cache_bytes)

    def exponent(self, parameter: str, allowance: float) -> CostExponent:
        """The power with which a step of our kernels grows in a parameter, in as many rounds as fit.

        Every point is compared with the reference first. Raises MeasurementError.
        """
        end = time.monotonic() + allowance
        names, cases = (*MACHINE, OURS), GROWTHS[parameter].cases
        asked = {name: self._workers.of(name, cases[0].cores) for name in names}
        with self._released(names, cases):
            for case in cases:
                for name, worker in asked.items():
                    problem = wrong(self._compared(worker, name, case), TOLERANCES[case.dtype])
                    if problem:
                        raise MeasurementError(f"{name}, {case.label}", problem)
            seen = [[self._point(asked, case) for case in cases] for _ in self._as_fit(end)]
        times = [[seconds for seconds, _ in each] for each in seen]
        return fit(parameter, times, [[floor for _, floor in each] for each in seen])

    def _point(self, asked: Mapping[str, Worker], case: Case) -> tuple[float, float]:
        """Our time and the floor, by what the machine does at the same moment."""
        product, reading, ours = (asked[name].measure(case, TIMING_SECONDS).seconds for name in (*MACHINE, OURS))
        return ours, limits(case, product, reading, self._cache_bytes).floor


def is_wanted(entry: Entry, entries: Iterable[Entry]) -> bool:
    """Whether an entry needs one more time: a long call has the fewest rounds, and one that is far behind has one."""
    longest = max(entry.seconds, default=0.0)
    if longest >= LONG_SECONDS and len(entry.seconds) >= FEWEST_ROUNDS:
        return False
    if longest < ONCE_SECONDS or entry.contestant in OF_EVERY_RATIO:
        return True
    fastest = min(each.seconds[0] for each in entries if each.seconds and each.contestant not in OF_EVERY_RATIO)
    return entry.seconds[0] <= ONCE_FACTOR * fastest


def wrong(accuracy: Accuracy, tolerance: float) -> str:
    """Why an outcome is not the reference's; empty where it is."""
    errors = (("loss", accuracy.loss), ("gradient", accuracy.gradient), ("loss after steps", accuracy.last_loss))
    for what, error in errors:
        if error is not None and not error <= tolerance:
            return f"wrong: {what} is off by {error:.1e}, at most {tolerance:.0e} is allowed"
    return ""
