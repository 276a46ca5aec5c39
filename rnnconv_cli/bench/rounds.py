"""One case after the other: contestants made ready, compared with the reference, and timed in turn, round by round."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import PRODUCT, Case
from rnnconv_cli.bench.contestants import CONTESTANTS, MACHINE
from rnnconv_cli.bench.exponents import GROWTHS, fit
from rnnconv_cli.bench.floor import limits, second_level_cache
from rnnconv_cli.bench.messages import Accuracy
from rnnconv_cli.bench.results import OURS, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError

FEWEST_ROUNDS = 3
TIMING_SECONDS = 0.03
LONG_SECONDS = 3.0  # of a call that needs no other to warm up: the one that was compared counts as a round
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
        began = time.monotonic()
        names = [*MACHINE, *(name for name in contestants if CONTESTANTS[name].takes(case))]
        entries = {name: self._prepared(name, case) for name in names}
        rounds, taken, ready = self._rounds, 0, time.monotonic()
        while taken < rounds:
            for name, entry in entries.items():
                if len(entry.seconds) <= taken:
                    entries[name] = self._timed(entry, case)
            taken += 1
            each = (time.monotonic() - ready) / taken
            fitting = math.floor((allowance - (ready - began)) / each)
            rounds = min(self._rounds, max(FEWEST_ROUNDS, fitting))
        for name in names:
            self._workers.release(name, case)
        return CaseResult(case, self._limits(case, entries), tuple(entries[name] for name in names[len(MACHINE) :]))

    def _prepared(self, name: str, case: Case) -> Entry:
        expected = None if name in MACHINE else self._references.of(case)
        try:
            accuracy = self._workers.of(name, case.cores).prepare(case, self._seed, expected)
        except MeasurementError as error:
            return Entry(name, problem=error.problem)
        return Entry(
            name,
            first_seconds=accuracy.seconds,
            loss_error=accuracy.loss,
            gradient_error=accuracy.gradient,
            problem=wrong(accuracy, TOLERANCES[case.dtype]),
        )

    def _timed(self, entry: Entry, case: Case) -> Entry:
        """The entry with one more time; one with a problem is left as it is."""
        if entry.problem:
            return entry
        try:
            timing = self._workers.of(entry.contestant, case.cores).measure(case, TIMING_SECONDS)
        except MeasurementError as error:
            return replace(entry, seconds=(), problem=error.problem)
        seconds = (*entry.seconds, timing.seconds)
        if not entry.seconds and timing.seconds >= LONG_SECONDS:
            seconds = entry.first_seconds, *seconds
        return replace(entry, seconds=seconds, busy_threads=max(entry.busy_threads, timing.busy_threads))

    def _limits(self, case: Case, entries: dict[str, Entry]) -> Limits | None:
        product, reading = (entries[name].seconds for name in ("peak", "bandwidth"))
        return limits(case, min(product), min(reading), self._cache_bytes) if product and reading else None

    def exponent(self, parameter: str) -> CostExponent:
        """The power with which a step of our kernels grows in a parameter. Raises MeasurementError."""
        cases = GROWTHS[parameter].cases
        asked = {name: self._workers.of(name, cases[0].cores) for name in (*MACHINE, OURS)}
        for worker in asked.values():
            for case in cases:
                worker.prepare(case, self._seed, None)
        seen = [[self._point(asked, case) for case in cases] for _ in range(self._rounds)]
        for name in asked:
            for case in cases:
                self._workers.release(name, case)
        times = [[seconds for seconds, _ in each] for each in seen]
        return fit(parameter, times, [[floor for _, floor in each] for each in seen])

    def _point(self, asked: Mapping[str, Worker], case: Case) -> tuple[float, float]:
        """Our time and the floor, by what the machine does at the same moment."""
        product, reading, ours = (asked[name].measure(case, TIMING_SECONDS).seconds for name in (*MACHINE, OURS))
        return ours, limits(case, product, reading, self._cache_bytes).floor


def wrong(accuracy: Accuracy, tolerance: float) -> str:
    """Why an outcome is not the reference's; empty where it is."""
    for what, error in (("loss", accuracy.loss), ("gradient", accuracy.gradient)):
        if error is not None and not error <= tolerance:
            return f"wrong: {what} is off by {error:.1e}, at most {tolerance:.0e} is allowed"
    return ""
