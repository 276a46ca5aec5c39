"""The run: the grid's cases, as many as there is time for, and how a step's cost grows."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
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
BUDGETS = {"default": 270.0, "full": 5100.0}  # seconds; a case that has begun is brought to its end


@dataclass(frozen=True, slots=True)
class Options:
    """What is timed, and how."""

    grid: str
    tasks: tuple[str, ...]  # empty: all
    contestants: tuple[str, ...]  # empty: all
    rounds: int
    seed: int


def bench(options: Options, progress: Progress) -> BenchResult:
    """Time the cases that the options name. Contestants whose library is missing are named, and no more."""
    began = time.monotonic()
    names = [name for name in CONTESTANTS if not options.contestants or name in options.contestants]
    present = [name for name in names if CONTESTANTS[name].is_installed]
    cases = chosen(options, present)
    found: list[CaseResult] = []
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workers()) as workers:
        rounds = Rounds(workers, References(Path(folder), options.seed), options.rounds, options.seed)
        exponents, failures = growths(rounds, progress) if with_growths(options) else ((), ())
        progress.phase("timing", float(len(cases)))
        for position, case in enumerate(cases):
            left = began + BUDGETS[options.grid] - time.monotonic()
            if left <= 0:
                break
            found.append(rounds.measure(case, present, left / (len(cases) - position)))
            progress.advance(case.label, 1.0)
    late = tuple(f"no time was left for {case.label}" for case in cases[len(found) :])
    return BenchResult(
        tool_version=__version__,
        grid=options.grid,
        seed=options.seed,
        environment=environment(present),
        contestants=tuple((name, CONTESTANTS[name].about) for name in present),
        missing=tuple((name, str(CONTESTANTS[name].library)) for name in names if name not in present),
        cases=tuple(found),
        exponents=exponents,
        unmeasured=(*failures, *late),
        seconds=time.monotonic() - began,
    )


def environment(contestants: Sequence[str]) -> Environment:
    """The machine and the versions, those of the contestants' libraries among them; nothing that names a place."""
    facts = [fact for fact in environment_facts("compiled", (), 1).facts if fact[0] not in OF_A_VERIFICATION]
    libraries = {CONTESTANTS[name].library for name in contestants}
    facts += [(library, version(library)) for library in sorted(filter(None, libraries))]
    return Environment((*facts, ("second_level_cache_bytes", second_level_cache())))


def chosen(options: Options, contestants: Sequence[str]) -> list[Case]:
    """The grid's cases of the tasks asked for that some contestant can do."""
    known = {task for name in contestants for task in CONTESTANTS[name].tasks}
    wanted = known & set(options.tasks) if options.tasks else known
    return [case for case in grid(options.grid, usable_cores()) if case.task in wanted]


def with_growths(options: Options) -> bool:
    """Whether our step is among what was asked for."""
    return (not options.tasks or STEP in options.tasks) and (not options.contestants or OURS in options.contestants)


def growths(rounds: Rounds, progress: Progress) -> tuple[tuple[CostExponent, ...], tuple[str, ...]]:
    """The cost exponents, and in words those that could not be measured."""
    progress.phase("growth of a step's cost", float(len(GROWTHS)))
    found, failures = [], []
    for parameter in GROWTHS:
        try:
            found.append(rounds.exponent(parameter))
        except MeasurementError as error:
            failures.append(f"exponent in {parameter}: {error}")
        progress.advance(parameter, 1.0)
    return tuple(found), tuple(failures)
