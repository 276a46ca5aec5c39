"""The run: the grid's cases, as many as there is time for, and how a step's cost grows."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from rnnconv_cli import __version__
from rnnconv_cli.bench.cases import STEP, Case, grid
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.exponents import GROWTHS
from rnnconv_cli.bench.floor import second_level_cache
from rnnconv_cli.bench.results import OURS, BenchResult, CaseResult, CostExponent
from rnnconv_cli.bench.rounds import References, Rounds
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.records import Environment
from rnnconv_cli.sweep.machine import environment_facts, usable_cores
from rnnconv_cli.sweep.progress import Progress

OF_A_VERIFICATION = frozenset({"command", "backend", "jobs", "blas.threads_while_measuring"})  # nothing to a bench
INTERRUPTED, NO_TIME = "interrupted before the end of", "no time was left for"
LAST_SECONDS = 30.0  # of the minutes of a run, kept for the case that has begun: it is brought to its end


@dataclass(frozen=True, slots=True)
class Options:
    """What is timed, and how."""

    grid: str
    tasks: tuple[str, ...]  # empty: all
    contestants: tuple[str, ...]  # empty: all
    rounds: int
    minutes: float
    seed: int


@dataclass(slots=True)
class Found:
    """What a run has found until now, and in words what it could not find."""

    exponents: list[CostExponent] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    cases: list[CaseResult] = field(default_factory=list)
    stopped: str = ""  # why the run ended before its plan did


def bench(options: Options, progress: Progress, caught: Callable[[], None]) -> BenchResult:
    """Time the cases that the options name. Contestants whose library is missing are named, and no more.

    An interrupt ends the run and not its results: `caught` is called, and what was not reached is named.
    """
    began = time.monotonic()
    names = [name for name in CONTESTANTS if not options.contestants or name in options.contestants]
    present = [name for name in names if CONTESTANTS[name].is_installed]
    cases, found = chosen(options, present), Found()
    parameters = list(GROWTHS) if with_growths(options) else []
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workers()) as workers:
        rounds = Rounds(workers, References(Path(folder), options.seed), options.rounds, options.seed)
        try:
            growths(rounds, parameters, found, progress)
            times(rounds, cases, present, began + 60 * options.minutes - LAST_SECONDS, found, progress)
        except KeyboardInterrupt:
            caught()
            found.stopped = INTERRUPTED
    reached = len(found.exponents) + len(found.failures)
    late = [f"exponent in {parameter}" for parameter in parameters[reached:]]
    late += [case.label for case in cases[len(found.cases) :]]
    return BenchResult(
        tool_version=__version__,
        grid=options.grid,
        seed=options.seed,
        environment=environment(present),
        contestants=tuple((name, CONTESTANTS[name].about) for name in present),
        missing=tuple((name, str(CONTESTANTS[name].library)) for name in names if name not in present),
        left_out=left_out(cases, present),
        cases=tuple(found.cases),
        exponents=tuple(found.exponents),
        unmeasured=(*found.failures, *(f"{found.stopped} {what}" for what in late)),
        seconds=time.monotonic() - began,
        interrupted=found.stopped == INTERRUPTED,
    )


def growths(rounds: Rounds, parameters: Sequence[str], found: Found, progress: Progress) -> None:
    """Find how a step's cost grows with these parameters."""
    if parameters:
        progress.phase("growth of a step's cost", float(len(parameters)))
    for parameter in parameters:
        try:
            found.exponents.append(rounds.exponent(parameter))
        except MeasurementError as error:
            found.failures.append(f"exponent in {parameter}: {error}")
        progress.advance(parameter, 1.0)


def times(
    rounds: Rounds, cases: Sequence[Case], contestants: Sequence[str], end: float, found: Found, progress: Progress
) -> None:
    """Time the cases one after the other; none begins after the end."""
    progress.phase("timing", float(len(cases)))
    for position, case in enumerate(cases):
        left = end - time.monotonic()
        if left <= 0:
            found.stopped = NO_TIME
            return
        found.cases.append(rounds.measure(case, contestants, left / (len(cases) - position)))
        progress.advance(case.label, 1.0)


def environment(contestants: Sequence[str]) -> Environment:
    """The machine and the versions, those of the contestants' libraries among them; nothing that names a place."""
    facts = [fact for fact in environment_facts("compiled", (), 1).facts if fact[0] not in OF_A_VERIFICATION]
    libraries = {CONTESTANTS[name].library for name in contestants}
    facts += [(library, version(library)) for library in sorted(filter(None, libraries))]
    return Environment((*facts, ("second_level_cache_bytes", second_level_cache())))


def chosen(options: Options, contestants: Sequence[str]) -> list[Case]:
    """The grid's cases of the tasks asked for that some contestant takes."""
    cases = grid(options.grid, usable_cores())
    wanted = [case for case in cases if not options.tasks or case.task in options.tasks]
    return [case for case in wanted if any(CONTESTANTS[name].takes(case) for name in contestants)]


def left_out(cases: Sequence[Case], contestants: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The contestants that are not asked in cases of their tasks, and why."""
    found = []
    for name in contestants:
        known = CONTESTANTS[name]
        beyond = sum(case.task in known.tasks and not known.takes(case) for case in cases)
        if beyond:
            found.append((name, f"{beyond} cases of more than {known.most_operations:.0e} operations, to save time"))
    return tuple(found)


def with_growths(options: Options) -> bool:
    """Whether our step is among what was asked for."""
    return (not options.tasks or STEP in options.tasks) and (not options.contestants or OURS in options.contestants)
