"""PLAN → PRICE: what a run would take, and what of it is still to be measured, without measuring anything."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rnnconv_cli.measure.cost import TYPICAL, Speeds
from rnnconv_cli.records import MAIN, BudgetPlan, Trial
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.budget import measuring_seconds
from rnnconv_cli.sweep.calibrate import calibrate
from rnnconv_cli.sweep.plan import Job, Plan, predicted_bytes, predicted_seconds
from rnnconv_cli.sweep.progress import Forecast
from rnnconv_cli.sweep.rounds import searching, typical_jobs
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.store import Store
from rnnconv_cli.sweep.why import reasons

SHORT_RUN = 60.0  # seconds at typical speeds: to take this machine's would cost more than a better forecast is worth


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
class ToDo:
    """What is still to be measured, check by check and in all, where a trial of several checks counts once."""

    checks: tuple[Outstanding, ...]
    trials: int
    missing: int
    seconds: float  # predicted core-seconds of the missing ones


def likely_rounds(
    claims: Sequence[LoadedClaim], *, profile: str, seed: int, checks: Sequence[str] = ()
) -> tuple[Job, ...]:
    """Return what the searches of these claims, or of the named checks alone, are likely to draw in all rounds."""
    open_ = searching(claims, profile=profile, checks=checks)
    return tuple(job for each in open_ for job in typical_jobs(each, seed=seed))


def ahead(plan: Plan, rounds: Sequence[Job], missing: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return what a run has before it: what is missing of its plan, and the rounds of searches that have not begun."""
    wanted, searches = frozenset(missing), set(map(_place, rounds))
    waiting = {_place(job) for job in plan.jobs if _place(job) in searches and job.trial in wanted}
    return tuple(dict.fromkeys((*missing, *(job.trial for job in rounds if _place(job) in waiting))))


def costs(plan: Plan, speeds: Speeds) -> tuple[CheckCost, ...]:
    """Return what each check of a plan would cost."""
    by_check: dict[tuple[str, str], list[Job]] = defaultdict(list)
    for job in plan.jobs:
        by_check[job.claim, job.check].append(job)
    return tuple(_cost(claim, check, jobs, speeds) for (claim, check), jobs in by_check.items())


def forecast(trials: Collection[Trial], *, jobs: int, speeds: Speeds | None, plan: BudgetPlan | None) -> Forecast:
    """Return what measuring these trials is predicted to take, with the plan that they are a part of.

    Without speeds at typical ones, and for a long run at those of this machine, taken now.
    """
    if speeds is None:
        typical = forecast(trials, jobs=jobs, speeds=TYPICAL, plan=plan)
        if typical.seconds < SHORT_RUN:
            return typical
        speeds = calibrate()
    seconds = [predicted_seconds(trial, speeds) for trial in trials]
    peak = max(map(predicted_bytes, trials), default=0)
    return Forecast(measuring_seconds(sum(seconds), max(seconds, default=0.0), jobs), jobs, peak, plan)


def missing(trials: Sequence[Trial], here: Conditions, store: Path | None, *, fresh: bool) -> Mapping[Trial, str]:
    """Return the trials that would be measured, each with the reason. Raises StoreError."""
    if store is None or not store.exists():
        return dict.fromkeys(trials, "no store")
    if fresh:
        return dict.fromkeys(trials, "a fresh run")
    with closing(Store(store)) as opened:
        found = opened.find(here, trials)
        return reasons([trial for trial in trials if trial not in found], opened, here)


def unmeasured(
    plan: Plan, missing: Mapping[Trial, str], in_rounds: Collection[tuple[str, str]], speeds: Speeds
) -> ToDo:
    """Return what is to be measured of each check, of which some are measured in rounds, and of all."""
    by_check: dict[tuple[str, str], dict[Trial, None]] = defaultdict(dict)
    for job in plan.jobs:
        by_check[job.claim, job.check][job.trial] = None
    found = []
    for place, trials in by_check.items():
        why = {trial: missing[trial] for trial in trials if trial in missing}
        seconds = sum(predicted_seconds(trial, speeds) for trial in why)
        counts = tuple(Counter(why.values()).most_common())
        found.append(Outstanding(*place, len(trials), len(why), seconds, counts, place in in_rounds))
    every = dict.fromkeys(job.trial for job in plan.jobs)
    left = [trial for trial in every if trial in missing]
    return ToDo(tuple(found), len(every), len(left), sum(predicted_seconds(trial, speeds) for trial in left))


def _place(job: Job) -> tuple[str, str, str]:
    return job.claim, job.check, job.arm


def _cost(claim: str, check: str, jobs: Sequence[Job], speeds: Speeds) -> CheckCost:
    trials = {job.trial for job in jobs}
    main = {job.trial for job in jobs if job.arm == MAIN}
    return CheckCost(
        claim,
        check,
        trials=len(main),
        control_trials=len(trials - main),
        seconds=sum(predicted_seconds(trial, speeds) for trial in trials),
        peak_bytes=max(map(predicted_bytes, trials)),
    )
