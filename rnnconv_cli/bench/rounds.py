"""One case after the other: contestants made ready, compared with the reference, and timed in turn, round by round."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import PRODUCT, Case
from rnnconv_cli.bench.contestants import CONTESTANTS, MACHINE
from rnnconv_cli.bench.exponents import GROWTHS, fit
from rnnconv_cli.bench.floor import limits, second_level_cache
from rnnconv_cli.bench.messages import Accuracy
from rnnconv_cli.bench.results import OURS, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError

FEWEST_ROUNDS = 3
TIMING_SECONDS = 0.03
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
        names = [*MACHINE, *(name for name in contestants if case.task in CONTESTANTS[name].tasks)]
        entries = {name: self._prepared(name, case) for name in names}
        rounds, taken, ready = self._rounds, 0, time.monotonic()
        while taken < rounds:
            for name, entry in entries.items():
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
        return Entry(name, (), 0.0, accuracy.loss, accuracy.gradient, wrong(accuracy, TOLERANCES[case.dtype]))

    def _timed(self, entry: Entry, case: Case) -> Entry:
        """The entry with one more time; one with a problem is left as it is."""
        if entry.problem:
            return entry
        try:
            timing = self._workers.of(entry.contestant, case.cores).measure(case, TIMING_SECONDS)
        except MeasurementError as error:
            return replace(entry, seconds=(), problem=error.problem)
        busy = max(entry.busy_threads, timing.busy_threads)
        return replace(entry, seconds=(*entry.seconds, timing.seconds), busy_threads=busy)

    def _limits(self, case: Case, entries: dict[str, Entry]) -> Limits | None:
        product, reading = (entries[name].seconds for name in ("peak", "bandwidth"))
        return limits(case, min(product), min(reading), self._cache_bytes) if product and reading else None

    def exponent(self, parameter: str) -> CostExponent:
        """The power with which a step of our kernels grows in a parameter. Raises MeasurementError."""
        cases = GROWTHS[parameter].cases
        worker = self._workers.of(OURS, cases[0].cores)
        for case in cases:
            worker.prepare(case, self._seed, None)
        times = [[worker.measure(case, TIMING_SECONDS).seconds for case in cases] for _ in range(self._rounds)]
        for case in cases:
            self._workers.release(OURS, case)
        return fit(parameter, times)


def wrong(accuracy: Accuracy, tolerance: float) -> str:
    """Why an outcome is not the reference's; empty where it is."""
    for what, error in (("loss", accuracy.loss), ("gradient", accuracy.gradient)):
        if error is not None and not error <= tolerance:
            return f"wrong: {what} is off by {error:.1e}, at most {tolerance:.0e} is allowed"
    return ""
