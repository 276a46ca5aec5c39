"""The run: how a step's cost grows, and the grid's cases, as many as there is time for."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rnnconv_cli import __version__
from rnnconv_cli.bench.cases import STEP, Case, grid
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.cores import can_pin, physical_cores
from rnnconv_cli.bench.costs import Costs
from rnnconv_cli.bench.exponents import BASE, GROWTHS
from rnnconv_cli.bench.floor import second_level_cache
from rnnconv_cli.bench.results import OURS, BenchResult, CaseResult, CostExponent
from rnnconv_cli.bench.rounds import FEWEST_ROUNDS, References, Rounds
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.records import Environment
from rnnconv_cli.sweep.machine import environment_facts, usable_cores
from rnnconv_cli.sweep.progress import Progress

OF_A_VERIFICATION = frozenset({"command", "backend", "jobs", "blas.threads_while_measuring"})  # nothing to a bench
INTERRUPTED, NO_TIME = "interrupted before the end of", "no time was left for"
LAST_SECONDS = 5.0  # of the minutes of a run, kept for its end
GROWTH_SHARE = 0.5  # of the time, at most, is spent on how a step's cost grows


@dataclass(frozen=True, slots=True)
class Options:
    """What is timed, and how."""

    grid: str
    tasks: tuple[str, ...]  # empty: all
    contestants: tuple[str, ...]  # empty: all
    rounds: int
    minutes: float
    seed: int
    widths: tuple[int, ...] = ()  # empty: all


@dataclass(slots=True)
class Found:
    """What a run has found until now, and in words what it could not find."""

    exponents: list[CostExponent] = field(default_factory=list)
    cases: list[CaseResult] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)  # contestant and why: in how many cases
    reached: int = 0  # exponents and cases, found or not


def bench(options: Options, progress: Progress, caught: Callable[[], None]) -> BenchResult:
    """Time the cases that the options name. Contestants whose library is missing are named, and no more.

    An interrupt ends the run and not its results: `caught` is called, and what was not reached is named. Raises
    MeasurementError where there is nothing to measure.
    """
    began = time.monotonic()
    names = [name for name in CONTESTANTS if not options.contestants or name in options.contestants]
    present = [name for name in names if CONTESTANTS[name].is_installed]
    missing = tuple((name, str(CONTESTANTS[name].library)) for name in names if name not in present)
    cores = min(usable_cores(), len(physical_cores()))
    cases, found = chosen(options, present, cores), Found()
    parameters = list(GROWTHS) if with_growths(options) else []
    if not cases and not parameters:
        raise MeasurementError("nothing to measure", why_nothing(options, missing, cores))
    facts = environment(present)  # before measuring: what the machine has at rest
    plan = [*(f"exponent in {parameter}" for parameter in parameters), *(case.label for case in cases)]
    end = began + 60 * options.minutes - LAST_SECONDS
    interrupted = False
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Workers(end)) as workers:
        run = Run(Rounds(workers, References(Path(folder), options.seed), options.rounds, options.seed), workers, found)
        try:
            run.growths(parameters, began + GROWTH_SHARE * (end - began), progress)
            run.times(cases, present, end, progress)
        except KeyboardInterrupt:
            caught()
            interrupted = True
    late = plan[found.reached :]
    return BenchResult(
        tool_version=__version__,
        grid=options.grid,
        seed=options.seed,
        environment=facts,
        contestants=tuple((name, CONTESTANTS[name].about) for name in present),
        missing=missing,
        left_out=tuple((name, f"{count} cases {why}") for (name, why), count in found.left_out.items()),
        cases=beside_one_core(found.cases),
        exponents=tuple(found.exponents),
        unmeasured=(*found.unmeasured, *(f"{INTERRUPTED} {what}" for what in late)),
        seconds=time.monotonic() - began,
        interrupted=interrupted,
    )


class Run:
    """A run: what was found, and what it takes. Nothing begins that is not expected to end in time."""

    def __init__(self, rounds: Rounds, workers: Workers, found: Found) -> None:
        self._rounds, self._workers, self._found = rounds, workers, found
        self._costs = Costs()

    def growths(self, parameters: Sequence[str], end: float, progress: Progress) -> None:
        """Find how a step's cost grows with these parameters."""
        if parameters:
            progress.phase("growth of a step's cost", float(len(parameters)))
        for position, parameter in enumerate(parameters):
            left, what = end - time.monotonic(), f"exponent in {parameter}"
            operations = 2.0 * sum(case.flops for case in GROWTHS[parameter].cases)  # ours, and the reference's
            if self._costs.expected(BASE.cores, operations, 1) > left:
                self._found.unmeasured.append(f"{NO_TIME} {what}")
            else:
                try:
                    self._found.exponents.append(self._rounds.exponent(parameter, left / (len(parameters) - position)))
                except MeasurementError as error:
                    self._found.unmeasured.append(f"{what}: {error}")
            self._found.reached += 1
            progress.advance(parameter, 1.0)

    def times(self, cases: Sequence[Case], contestants: Sequence[str], end: float, progress: Progress) -> None:
        """Time the cases one after the other."""
        progress.phase("timing", float(len(cases)))
        for position, case in enumerate(cases):
            left, names = end - time.monotonic(), self._asked(case, contestants)
            operations = float(case.flops * (len(names) + 1))  # the reference's too, to compare with
            if self._costs.expected(case.cores, operations, len(names)) > left:
                self._found.unmeasured.append(f"{NO_TIME} {case.label}")
            else:
                began = time.monotonic()
                result = self._rounds.measure(case, names, left / (len(cases) - position))
                seconds = time.monotonic() - began - sum(sum(each.seconds[FEWEST_ROUNDS:]) for each in result.entries)
                self._costs.learn(case.cores, operations, seconds)
                self._found.cases.append(result)
            self._found.reached += 1
            progress.advance(case.label, 1.0)

    def _asked(self, case: Case, contestants: Sequence[str]) -> list[str]:
        """Who is asked in a case; who knows its task and is not asked is counted."""
        asked = []
        for name in contestants:
            known = CONTESTANTS[name]
            if case.task not in known.tasks:
                continue
            if name in self._workers.hung:
                self._found.left_out[name, "after it had given no answer"] += 1
            elif known.takes(case):
                asked.append(name)
            else:
                self._found.left_out[name, f"of more than {known.most_operations:.0e} operations, to save time"] += 1
        return asked


def beside_one_core(cases: Sequence[CaseResult]) -> tuple[CaseResult, ...]:
    """The cases, those on more cores with the entries of the same case on one."""
    found = {each.case: each.entries for each in cases}
    return tuple(
        replace(each, on_one_core=found.get(replace(each.case, cores=1), ())) if each.case.cores > 1 else each
        for each in cases
    )


def environment(contestants: Sequence[str]) -> Environment:
    """The machine and the versions, those of the contestants' libraries among them; nothing that names a place."""
    facts = [fact for fact in environment_facts("compiled", (), 1).facts if fact[0] not in OF_A_VERIFICATION]
    libraries = {CONTESTANTS[name].library for name in contestants}
    facts += [(library, _version(library)) for library in sorted(filter(None, libraries))]
    cores = (("physical_cores", len(physical_cores())), ("keeps_to_cores", can_pin()))
    return Environment((*facts, ("second_level_cache_bytes", second_level_cache()), *cores))


def _version(library: str) -> str | None:
    """A library's version; None for one that was installed without saying so."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def chosen(options: Options, contestants: Sequence[str], cores: int) -> list[Case]:
    """The grid's cases of the tasks and widths asked for that some contestant takes."""
    cases = grid(options.grid, cores)
    wanted = [
        case
        for case in cases
        if case.task in (options.tasks or (case.task,)) and case.width in (options.widths or (case.width,))
    ]
    return [case for case in wanted if any(CONTESTANTS[name].takes(case) for name in contestants)]


def why_nothing(options: Options, missing: Sequence[tuple[str, str]], cores: int) -> str:
    """Why no case is left of those that were asked for."""
    tasks = {case.task for case in grid(options.grid, cores)}
    narrow = [f"{task} needs 2 cores, and there is {cores}" for task in options.tasks if task not in tasks]
    absent = [f"{name} needs {library}, which is not installed" for name, library in missing]
    if not (narrow or absent) and options.widths:
        return f"the {options.grid} grid has no such width for a task and a contestant that were asked for"
    return "; ".join(narrow or absent) or "no contestant that was asked for knows a task that was asked for"


def with_growths(options: Options) -> bool:
    """Whether our step at every width is among what was asked for."""
    return (
        not options.widths
        and (not options.tasks or STEP in options.tasks)
        and (not options.contestants or OURS in options.contestants)
    )
