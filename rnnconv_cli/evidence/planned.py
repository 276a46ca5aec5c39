"""Whether the observations of a result are those that its claim files ask for: none left out, none added.

A verdict can be honest about its observations and these can still have been chosen. What a run measures follows from
its claims, its profile, its seed and its budget's plan, and in a search from the answers before; so all of it can be
listed again, without measuring.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rnnconv_cli.evidence.archive import Difference
from rnnconv_cli.judge.frontier import answers
from rnnconv_cli.judge.judge import level
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import ArmPlan, CheckResult, Observation, Report, Status, Trial
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.budget import within
from rnnconv_cli.sweep.plan import Job, Plan, arms, make_plan, profile_of, selected_checks
from rnnconv_cli.sweep.rounds import Searching, next_jobs, searching
from rnnconv_cli.sweep.serial import key_of

Place = tuple[str, str]  # claim, check
Row = tuple[str, float, str | None, Trial]  # arm, point, adversary, trial
Curve = tuple[tuple[int, float], ...]
Readings = tuple[Curve, tuple[tuple[float | None, Status, str], ...]]  # value, status and detail, wherever it is read


def selection_differences(claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str]) -> Iterator[Difference]:
    """Say which checks a result lacks of those that its command has chosen, and which it has beyond them."""
    wanted = [(claim.claim.id, check.check.id) for claim, check in selected_checks(claims, checks)]
    given = [(claim.id, check.id) for claim in report.claims for check in claim.checks]
    for claim, check in (each for each in wanted if each not in given):
        yield Difference(f"{claim}/{check}", "is not in the result, and the command has chosen it")
    for claim, check in (each for each in given if each not in wanted):
        yield Difference(f"{claim}/{check}", "is in the result, and the command has not chosen it")
    if sorted(wanted) == sorted(given) and wanted != given:
        yield Difference("result.json", "has its checks in another order than the claim files")


def budget_differences(claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str]) -> Iterator[Difference]:
    """Say where a budget's plan takes what its claim files do not offer, or is silent on what it leaves out."""
    if report.plan is None:
        return
    taken = {(each.claim, each.check, each.arm): each for each in report.plan.arms}
    for claim, check in selected_checks(claims, checks):
        for name, arm in arms(check):
            part = taken.pop((claim.claim.id, check.check.id, name), None)
            offered = profile_of(arm, report.profile)
            shared = profile_of(check.check, report.profile).grid
            if part is None or not _is_part(part, offered.grid, (*offered.grid, *shared), offered.replicates):
                yield Difference(f"the plan for {claim.claim.id}/{check.check.id}, {name}", "is not one of its profile")
    for place in taken:
        yield Difference(f"the plan for {place[0]}/{place[1]}, {place[2]}", "has no such arm in the claim files")


def _is_part(part: ArmPlan, whole: Sequence[float], offered: Sequence[float], replicates: int) -> bool:
    """Whether a plan takes a part of what an arm offers, and says of the rest that it is left out."""
    return (
        set(part.grid) <= set(offered)
        and len(set(part.grid)) == len(part.grid)
        and bool(part.grid) == bool(whole)
        and part.grid_left_out == tuple(point for point in whole if point not in part.grid)
        and 1 <= part.replicates <= replicates
        and part.replicates_left_out == replicates - part.replicates
    )


def claims_within(claims: Sequence[LoadedClaim], report: Report) -> tuple[LoadedClaim, ...]:
    """The claims as the run has judged them: with its budget's plan laid over them."""
    return tuple(claims) if report.plan is None else within(claims, report.plan, report.profile)


def observation_differences(
    claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str]
) -> Iterator[Difference]:
    """Say, check by check, where the observations are not those that these claims ask for.

    Raises SpecError where a claim asks for what this rnnconv cannot measure.
    """
    results = {(claim.id, check.id): check for claim in report.claims for check in claim.checks}
    asked: dict[Place, list[Row]] = defaultdict(list)
    for job in _jobs(claims, report, checks, results):
        asked[job.claim, job.check] += _rows(job)
    keys: dict[Trial, str] = {}
    measured: dict[Trial, Readings] = {}
    for (claim, check), result in results.items():
        place = f"{claim}/{check}"
        yield from _compared(place, asked[claim, check], [_row(each) for each in result.observations])
        yield from _unlike(place, result.observations, keys)
        yield from _unequal(place, result.observations, measured)


def _row(observation: Observation) -> Row:
    return observation.arm, observation.point, observation.adversary, observation.trial


def _rows(job: Job) -> Iterator[Row]:
    """Where the readings of a job stand: one at its point, or at each place that its run is read at."""
    first = MEASUREMENTS[job.trial.quantity].first_decade
    adversary = None if job.trial.perturbation is None else job.trial.perturbation.adversary
    for point in tuple(float(each - first) for each in job.trial.read_at) or (job.point,):
        yield job.arm, point, adversary, job.trial


def _jobs(
    claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str], results: Mapping[Place, CheckResult]
) -> tuple[Job, ...]:
    """Everything that a run of these claims measures, in its order; what searches draw follows from the answers."""
    plan = make_plan(claims, profile=report.profile, seed=report.seed, checks=checks)
    levels = {claim.claim.id: level(claim.claim) for claim in claims}
    jobs = dict.fromkeys(plan.jobs)
    for each in searching(claims, profile=report.profile, checks=checks):
        first = plan.of(each.claim, each.check, each.name)
        observations = results[each.claim, each.check].observations
        jobs |= dict.fromkeys(_searched(each, first, observations, levels[each.claim], report.seed))
    return tuple(jobs)


def _searched(
    each: Searching, first: Plan, observations: Sequence[Observation], level: float, seed: int
) -> tuple[Job, ...]:
    """The jobs of all rounds of one search, as far as the result has the answers that lead to the next one."""
    known = {_row(observation): observation for observation in observations if observation.arm == each.name}
    drawn = first
    while True:
        rows = [known.get(row) for job in drawn.jobs for row in _rows(job)]
        found = [row for row in rows if row is not None]
        if len(found) < len(rows):
            return drawn.jobs  # what is missing will be said
        new = next_jobs(each, drawn, answers(each.arm, found), level=level, seed=seed)
        if not new:
            return drawn.jobs
        drawn = Plan((*drawn.jobs, *new))


def _compared(place: str, asked: Sequence[Row], given: Sequence[Row]) -> Iterator[Difference]:
    wanted, had = Counter(asked), Counter(given)
    missing, beyond = [*(wanted - had).elements()], [*(had - wanted).elements()]
    if missing:
        yield Difference(place, f"lacks {_counted(missing)} of {len(asked):,} that its claim file asks for")
    if beyond:
        yield Difference(place, f"has {_counted(beyond)} of {len(given):,} that its claim file does not ask for")


def _counted(rows: Sequence[Row]) -> str:
    arm, point, _, trial = rows[0]
    more = f" and {len(rows) - 1:,} more observations" if len(rows) > 1 else ""
    return f"draw {trial.replicate} of {arm} at {point:g} (trial {key_of(trial)}){more}"


def _unlike(place: str, observations: Sequence[Observation], keys: dict[Trial, str]) -> Iterator[Difference]:
    """Say where an observation has another key than its trial, or is ok without a value; each once for a check."""
    for each in observations:
        if each.trial not in keys:
            keys[each.trial] = key_of(each.trial)
        if each.key != keys[each.trial]:
            yield Difference(place, f"has the key {each.key} for a trial whose numbers give {keys[each.trial]}")
            return
        if each.value is None and each.status is Status.OK:
            yield Difference(place, f"has an observation that is ok and has no value (trial {each.key})")
            return


def _unequal(place: str, observations: Sequence[Observation], measured: dict[Trial, Readings]) -> Iterator[Difference]:
    """Say where a trial has other readings than in a place before: a run measures it once."""
    runs: dict[tuple[str, Trial], list[Observation]] = defaultdict(list)
    for each in observations:
        runs[each.arm, each.trial].append(each)
    for (_, trial), rows in runs.items():
        length = len(trial.read_at) or 1  # an arm may have a trial at several points
        curve = next((each.curve for each in rows if each.curve), ())
        for first in range(0, len(rows), length):
            readings = curve, tuple((each.value, each.status, each.detail) for each in rows[first : first + length])
            if measured.setdefault(trial, readings) != readings:
                found = f"has other readings of the trial {key_of(trial)} than the result has elsewhere"
                yield Difference(place, found)
                return
