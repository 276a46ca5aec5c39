"""The whole flow on one screen: plan, self-check, execute, judge, report; the controls included."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
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
from rnnconv_cli.measure.selfcheck import self_check
from rnnconv_cli.records import MAIN, ClaimResult, Environment, Observation, Report, Timing, Trial
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.conditions import conditions
from rnnconv_cli.sweep.execute import Readings, execute
from rnnconv_cli.sweep.keeper import StoreKeeper
from rnnconv_cli.sweep.machine import environment_facts, rare_collections
from rnnconv_cli.sweep.plan import Job, Plan, make_plan, predicted_bytes, predicted_seconds, selected_checks
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.rounds import next_jobs, searching, typical_jobs
from rnnconv_cli.sweep.store import Store
from rnnconv_cli.sweep.why import reasons


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


@dataclass(frozen=True, slots=True)
class CheckCost:
    """What one check would cost: trials, predicted core-seconds, and the memory of its largest trial."""

    claim: str
    check: str
    trials: int
    control_trials: int
    seconds: float
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class Outstanding:
    """What of one check is still to be measured: how many of its trials, for how long, and why."""

    claim: str
    check: str
    trials: int
    missing: int
    seconds: float  # predicted core-seconds of the missing ones
    reasons: tuple[tuple[str, int], ...]  # with how many trials each, most first
    in_rounds: bool  # whether further trials follow from what these show


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
        plan = make_plan(claims, profile=options.profile, seed=options.seed, checks=options.checks)
        problems = dict.fromkeys(job.trial.problem for job in plan.jobs)
        progress.phase("compiling kernels", None)
        for dtype in sorted({problem.dtype for problem in problems}):
            warm_up(BACKENDS[options.backend], dtype)
        progress.phase("checking the gradient", None)
        self_check(options.backend, problems, options.seed)
        environment = environment_facts(options.backend, options.command, options.jobs)
    prepared = time.perf_counter()
    with closing(StoreKeeper(options.store, conditions(options.backend), fresh=options.fresh)) as keeper:
        plan, readings = _measured(claims, plan, options, progress, keeper)
    measured = time.perf_counter()
    results = judge(claims, observations_of(plan, readings), options.checks)
    progress.close()
    status, why = exit_status(results, strict=options.strict)
    if keeper.problem is not None:
        status, why = EXIT_COULD_NOT_MEASURE, (str(keeper.problem), *why)
    judged = time.perf_counter()
    return Report(
        tool_version=__version__,
        profile=options.profile,
        seed=options.seed,
        backend=options.backend,
        exit_status=status,
        exit_reasons=why,
        claims=results,
        environment=Environment((*environment.facts, *keeper.facts)),
        timing=Timing(
            (
                ("prepare", prepared - started),
                ("measure", measured - prepared),
                ("judge", judged - measured),
                ("total", judged - started),
            )
        ),
    )


def _measured(
    claims: Sequence[LoadedClaim], plan: Plan, options: Options, progress: Progress, keeper: StoreKeeper
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
        jobs=options.jobs,
        progress=progress,
        urgent=urgent,
        more=next_rounds,
        keeper=keeper,
    )
    return Plan(tuple(dict.fromkeys((*plan.jobs, *(job for each in rounds for job in each.jobs))))), readings


def observations_of(plan: Plan, readings: Readings) -> Mapping[tuple[str, str], Sequence[Observation]]:
    """Return the long table of every (claim, check), in the order of the plan."""
    table: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for job in plan.jobs:
        table[job.claim, job.check] += [
            Observation(
                arm=job.arm,
                point=job.point if reading.point is None else reading.point,
                adversary=None if job.trial.perturbation is None else job.trial.perturbation.adversary,
                trial=job.trial,
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
            )
            for owner, check in selected
            if owner is claim
        ]
        if judged:
            results.append(judge_claim(claim, judged))
    return tuple(results)


def preview(claims: Sequence[LoadedClaim], options: Options) -> Preview:
    """Return what a run would cost; of a search, what it is likely to. Raises what `verify` would before measuring."""
    plan = make_plan(claims, profile=options.profile, seed=options.seed, checks=options.checks)
    open_ = searching(claims, profile=options.profile, checks=options.checks)
    likely = tuple(job for each in open_ for job in typical_jobs(each, seed=options.seed))
    by_check: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in (*plan.jobs, *likely):
        by_check[job.claim, job.check].append(job)
    return Preview(tuple(_cost(claim, check, jobs) for (claim, check), jobs in by_check.items()))


def outstanding(claims: Sequence[LoadedClaim], options: Options) -> tuple[Outstanding, ...]:
    """Return what `verify` would measure now, check by check; of a search, in its first round. Nothing is written.

    Raises what `verify` would before measuring, and StoreError.
    """
    plan = make_plan(claims, profile=options.profile, seed=options.seed, checks=options.checks)
    missing = _missing(plan.trials, options)
    open_ = {(each.claim, each.check) for each in searching(claims, profile=options.profile, checks=options.checks)}
    by_check: dict[tuple[str, str], dict[Trial, None]] = defaultdict(dict)
    for job in plan.jobs:
        by_check[job.claim, job.check][job.trial] = None
    return tuple(_outstanding(place, trials, missing, in_rounds=place in open_) for place, trials in by_check.items())


def _missing(trials: Sequence[Trial], options: Options) -> Mapping[Trial, str]:
    """The trials that would be measured, each with the reason."""
    if options.store is None or not options.store.exists():
        return dict.fromkeys(trials, "no store")
    if options.fresh:
        return dict.fromkeys(trials, "a fresh run")
    here = conditions(options.backend)
    with closing(Store(options.store)) as store:
        found = store.find(here, trials)
        return reasons([trial for trial in trials if trial not in found], store, here)


def _outstanding(
    place: tuple[str, str], trials: Collection[Trial], missing: Mapping[Trial, str], *, in_rounds: bool
) -> Outstanding:
    claim, check = place
    why = {trial: missing[trial] for trial in trials if trial in missing}
    return Outstanding(
        claim,
        check,
        trials=len(trials),
        missing=len(why),
        seconds=sum(map(predicted_seconds, why)),
        reasons=tuple(Counter(why.values()).most_common()),
        in_rounds=in_rounds,
    )


def _cost(claim: str, check: str, jobs: Sequence[Job]) -> CheckCost:
    trials = {job.trial for job in jobs}
    main = {job.trial for job in jobs if job.arm == MAIN}
    return CheckCost(
        claim,
        check,
        trials=len(main),
        control_trials=len(trials - main),
        seconds=sum(map(predicted_seconds, trials)),
        peak_bytes=max(map(predicted_bytes, trials)),
    )
