"""The whole flow on one screen: plan, self-check, execute, judge, report; the controls included."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rnnconv_cli import __version__
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, UnknownName
from rnnconv_cli.judge.frontier import answers
from rnnconv_cli.judge.judge import exit_status, judge_check, judge_claim, level
from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.measure.cost import TYPICAL, Speeds
from rnnconv_cli.measure.selfcheck import self_check
from rnnconv_cli.records import BudgetPlan, ClaimResult, Environment, Observation, Report, Timing, Trial
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.spec.places import places
from rnnconv_cli.sweep.budget import plan_within, within
from rnnconv_cli.sweep.conditions import conditions
from rnnconv_cli.sweep.engines import ENGINES, Engine, named
from rnnconv_cli.sweep.execute import Readings, execute
from rnnconv_cli.sweep.forecast import (
    CheckCost,
    ToDo,
    ahead,
    costs,
    forecast,
    likely_rounds,
    missing,
    unmeasured,
)
from rnnconv_cli.sweep.keeper import StoreKeeper
from rnnconv_cli.sweep.kept_plans import plan_key
from rnnconv_cli.sweep.machine import environment_facts, rare_collections, usable_cores
from rnnconv_cli.sweep.plan import Job, Plan, make_plan, predicted_seconds, selected_checks
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.rounds import next_jobs, searching
from rnnconv_cli.sweep.serial import key_of
from rnnconv_cli.sweep.worker import Program, program


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is carried out."""

    profile: str
    seed: int
    jobs: int
    backend: str
    checks: tuple[str, ...]
    strict: bool
    command: tuple[str, ...]
    store: Path | None = None  # where trials are kept, and found again
    fresh: bool = False  # whether everything is measured, whatever is kept
    executor: str = "process"  # what carries the trials out
    fail_fast: bool = False  # whether the first trial that fails is the end
    budget: float | None = None  # seconds of wall-clock time that it may take; None for the whole profile
    speeds: Speeds | None = None  # of this machine, for predictions; None for typical ones, and a forecast's own


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would cost, check by check, without running it."""

    checks: tuple[CheckCost, ...]


def verify(claims: Sequence[LoadedClaim], options: Options, progress: Progress) -> Report:
    """Return the report of these claims. Raises RnnconvError where nothing could be measured."""
    started = time.perf_counter()
    if options.backend not in BACKENDS:
        raise UnknownName("backend", options.backend, tuple(BACKENDS))
    with rare_collections():
        plan = _plan(claims, options)
        problems = dict.fromkeys(job.trial.problem for job in plan.jobs)
        progress.phase("compiling kernels", None)
        for dtype in sorted({problem.dtype for problem in problems}):
            warm_up(BACKENDS[options.backend], dtype)
        progress.phase("checking the gradient", None)
        self_check(options.backend, problems, options.seed)
        environment = environment_facts(options.backend, options.command, options.jobs)
    prepared = time.perf_counter()
    here = program(options.backend)
    if options.executor not in ENGINES:
        progress.phase(f"starting {options.executor}", None)
    with (
        closing(named(options.executor)(options.jobs, here)) as workers,
        closing(_keeper(options, here, workers, progress)) as keeper,
    ):
        taken = _within_budget(claims, options, keeper)
        if taken is not None:
            keeper.keep_plan(_plan_key(claims, options), taken)
            claims = within(claims, taken, options.profile)
            plan = _plan(claims, options)
        new = ahead(plan, _rounds(claims, options), keeper.missing(plan.trials))
        progress.planned(forecast(new, jobs=workers.workers(), speeds=options.speeds, plan=taken))
        plan, readings = _measured(claims, plan, options, progress, keeper, workers)
    measured = time.perf_counter()
    results = judge(claims, observations_of(plan, readings), options.checks)
    progress.close()
    status, why = exit_status(results, strict=options.strict)
    if keeper.problem is not None:
        status, why = EXIT_COULD_NOT_MEASURE, (str(keeper.problem), *why)
    facts = (*environment.facts, *here.conditions.facts, ("executor", workers.name), *keeper.facts)
    judged = time.perf_counter()
    return Report(
        tool_version=__version__,
        profile=options.profile,
        seed=options.seed,
        backend=options.backend,
        exit_status=status,
        exit_reasons=why,
        claims=results,
        environment=Environment(tuple(dict(facts).items())),  # conditions say some of them again
        plan=taken,
        places=places(claims, options.checks),
        timing=Timing(
            (
                ("prepare", prepared - started),
                ("measure", measured - prepared),
                ("judge", judged - measured),
                ("total", judged - started),
            )
        ),
    )


def _keeper(options: Options, here: Program, workers: Engine, progress: Progress) -> StoreKeeper:
    """Return what finds and keeps trials, under the conditions of this process and of the workers."""
    there = tuple(each.conditions for each in workers.programs)
    return StoreKeeper(options.store, here.conditions, fresh=options.fresh, elsewhere=there, warn=progress.warn)


def _measured(
    claims: Sequence[LoadedClaim],
    plan: Plan,
    options: Options,
    progress: Progress,
    keeper: StoreKeeper,
    workers: Engine,
) -> tuple[Plan, Readings]:
    """Carry a plan out, and the rounds that searches add to it: what was planned in the end, and every reading."""
    levels = {claim.claim.id: level(claim.claim) for claim in claims}
    searches = tuple(searching(claims, profile=options.profile, checks=options.checks))
    by_arm: dict[tuple[str, str, str], list[Job]] = defaultdict(list)
    for job in plan.jobs:
        by_arm[job.claim, job.check, job.arm].append(job)
    rounds = [Plan(tuple(by_arm[each.claim, each.check, each.name])) for each in searches]
    awaited = [set(each.trials) for each in rounds]
    awaiting: dict[Trial, set[int]] = defaultdict(set)  # the searches whose round a trial is part of
    for number, trials in enumerate(awaited):
        for trial in trials:
            awaiting[trial].add(number)
    urgent, known = frozenset(awaiting), dict.fromkeys(job.trial for job in plan.jobs)

    def next_rounds(ended: Collection[Trial], readings: Readings) -> list[Trial]:
        new: dict[Trial, None] = {}
        for number in sorted({number for trial in ended for number in awaiting.pop(trial, ())}):
            awaited[number].difference_update(ended)
            each = searches[number]
            while not awaited[number]:
                found = answers(each.arm, observations_of(rounds[number], readings)[each.claim, each.check])
                jobs = next_jobs(each, rounds[number], found, level=levels[each.claim], seed=options.seed)
                if not jobs:
                    break
                rounds[number] = Plan((*rounds[number].jobs, *jobs))
                for trial in dict.fromkeys(job.trial for job in jobs):
                    if trial not in readings:
                        awaited[number].add(trial)
                        awaiting[trial].add(number)
                    if trial not in known:
                        new[trial] = None
                        known[trial] = None
        return list(new)

    readings = execute(
        tuple(known),
        backend=options.backend,
        engine=workers,
        progress=progress,
        urgent=urgent,
        more=next_rounds,
        keeper=keeper,
        fail_fast=options.fail_fast,
    )
    return Plan(tuple(dict.fromkeys((*plan.jobs, *(job for each in rounds for job in each.jobs))))), readings


def observations_of(plan: Plan, readings: Readings) -> Mapping[tuple[str, str], Sequence[Observation]]:
    """Return the long table of every (claim, check), in the order of the plan."""
    table: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    keys = {trial: key_of(trial) for trial in plan.trials}
    for job in plan.jobs:
        table[job.claim, job.check] += [
            Observation(
                arm=job.arm,
                point=job.point if reading.point is None else reading.point,
                adversary=None if job.trial.perturbation is None else job.trial.perturbation.adversary,
                trial=job.trial,
                key=keys[job.trial],
                value=reading.value,
                status=reading.status,
                curve=reading.curve,
                detail=reading.detail,
            )
            for reading in readings[job.trial]
        ]
    return table


def judge(
    claims: Sequence[LoadedClaim],
    observations: Mapping[tuple[str, str], Sequence[Observation]],
    checks: Sequence[str] = (),
) -> tuple[ClaimResult, ...]:
    """Return the verdicts that the observations bear out: a pure function of claims and observations."""
    counts = {name: measurement.is_count for name, measurement in MEASUREMENTS.items()}
    definitions = {name: measurement.definition for name, measurement in MEASUREMENTS.items()}
    selected = selected_checks(claims, checks)
    results = []
    for claim in claims:
        judged = [
            judge_check(
                check,
                observations[claim.claim.id, check.check.id],
                claim=claim.claim,
                level=level(claim.claim),
                is_count=counts,
                definitions=definitions,
                price=predicted_seconds,
            )
            for owner, check in selected
            if owner is claim
        ]
        if judged:
            results.append(judge_claim(claim, judged))
    return tuple(results)


def preview(claims: Sequence[LoadedClaim], options: Options) -> Preview:
    """Return what a run would cost; of a search, what it is likely to. Raises what `verify` would before measuring."""
    plan = Plan((*_plan(claims, options).jobs, *_rounds(claims, options)))
    return Preview(costs(plan, options.speeds or TYPICAL))


def outstanding(claims: Sequence[LoadedClaim], options: Options, taken: BudgetPlan | None = None) -> ToDo:
    """Return what `verify` would measure now, check by check and in all; of a search, in its first round.

    Nothing is written. Raises what `verify` would before measuring, and StoreError.
    """
    claims = claims if taken is None else within(claims, taken, options.profile)
    plan = _plan(claims, options)
    new = missing(plan.trials, conditions(options.backend), options.store, fresh=options.fresh)
    open_ = {(each.claim, each.check) for each in searching(claims, profile=options.profile, checks=options.checks)}
    return unmeasured(plan, new, open_, options.speeds or TYPICAL)


def foreseen(claims: Sequence[LoadedClaim], options: Options) -> BudgetPlan | None:
    """Return what `verify` would take of the profile within its budget; None without one. Nothing is written.

    Raises what `verify` would before measuring.
    """
    _plan(claims, options)  # for what it raises
    path = options.store if options.store is not None and options.store.exists() else None
    with closing(StoreKeeper(path, conditions(options.backend), fresh=options.fresh)) as keeper:
        return _within_budget(claims, options, keeper)


def _within_budget(claims: Sequence[LoadedClaim], options: Options, keeper: StoreKeeper) -> BudgetPlan | None:
    """The plan that the same command has kept, or one that is made now. Raises UsageError where none would fit."""
    if options.budget is None:
        return None
    return keeper.plan(_plan_key(claims, options)) or plan_within(
        claims,
        seconds=options.budget,
        jobs=at_a_time(options),
        profile=options.profile,
        seed=options.seed,
        price=lambda trial: predicted_seconds(trial, options.speeds or TYPICAL),
        checks=options.checks,
    )


def _plan_key(claims: Sequence[LoadedClaim], options: Options) -> bytes:
    return plan_key(
        claims,
        checks=options.checks,
        profile=options.profile,
        seed=options.seed,
        seconds=options.budget or 0.0,
        jobs=at_a_time(options),
    )


def at_a_time(options: Options) -> int:
    """How many trials are measured at a time: here, no more than there are cores."""
    return min(options.jobs, usable_cores()) if options.executor in ENGINES else options.jobs


def _plan(claims: Sequence[LoadedClaim], options: Options) -> Plan:
    return make_plan(claims, profile=options.profile, seed=options.seed, checks=options.checks)


def _rounds(claims: Sequence[LoadedClaim], options: Options) -> tuple[Job, ...]:
    return likely_rounds(claims, profile=options.profile, seed=options.seed, checks=options.checks)
