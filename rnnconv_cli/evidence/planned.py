"""Whether the observations of a result are those that its claim files ask for: none left out, none added.

A verdict can be honest about its observations and these can still have been chosen. What a run measures follows from
its claims, its profile, its seed and its budget's plan, and in a search from the answers before; so all of it can be
listed again, without measuring.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from rnnconv_cli.evidence.archive import Difference
from rnnconv_cli.evidence.contents import Asked
from rnnconv_cli.judge.frontier import answers
from rnnconv_cli.judge.judge import level
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import (
    CONTROL,
    MAIN,
    ArmPlan,
    BudgetPlan,
    CheckResult,
    Observation,
    Report,
    Status,
    Trial,
)
from rnnconv_cli.report.layout import amount
from rnnconv_cli.spec.claim import Arm, Profile
from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim
from rnnconv_cli.spec.rules import Role
from rnnconv_cli.sweep.budget import within
from rnnconv_cli.sweep.designs import PricedArm, Prices, beside, designs
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


def budget_differences(
    claims: Sequence[LoadedClaim], report: Report, checks: Sequence[str], asked: Asked | None
) -> Iterator[Difference]:
    """Say where a result's plan is none that the budget of its command could have chosen.

    Which of them a budget chooses depends on how fast the machine was, and nobody can know that afterwards. Raises what
    planning raises.
    """
    plan = report.plan
    seconds = None if plan is None else plan.seconds
    if asked is not None and asked.budget != seconds:
        yield Difference(
            "the plan", f"{_of_budget(seconds)}, and the command of the result has {_budget(asked.budget)}"
        )
    if plan is not None:
        make_plan(claims, profile=report.profile, seed=report.seed, checks=checks)  # for what it raises
        yield from _part_differences(claims, plan, report, checks)


def _of_budget(seconds: float | None) -> str:
    return "is not there" if seconds is None else f"is for {_budget(seconds)}"


def _budget(seconds: float | None) -> str:
    return "no budget" if seconds is None else f"a budget of {seconds:g} s"


def _part_differences(
    claims: Sequence[LoadedClaim], plan: BudgetPlan, report: Report, checks: Sequence[str]
) -> Iterator[Difference]:
    """Say, arm by arm, where a plan takes what no budget takes, or is silent on what it leaves out."""
    parts = {(each.claim, each.check, each.arm): each for each in plan.arms}
    if len(parts) < len(plan.arms):
        yield Difference("the plan", "has an arm twice, wanted each once")
    for claim, check in selected_checks(claims, checks):
        place = claim.claim.id, check.check.id
        main = parts.get((*place, MAIN))
        for name, arm in arms(check):
            part = parts.pop((*place, name), None)
            if part is None:
                faults: Iterable[str] = ("is not there, and the claim file has this arm",)
            elif name in (MAIN, CONTROL):
                least = _least(arm, check, len(claim.claim.checks), report, Role(name))
                faults = (
                    *_judged_faults(part, profile_of(arm, report.profile), least),
                    *_said_faults(part, arm, report),
                )
            else:
                faults = (*_shown_faults(part, arm, check, main, report), *_said_faults(part, arm, report))
            yield from (Difference(_place_of(*place, name), fault) for fault in faults)
    for each in parts:
        yield Difference(_place_of(*each), "is there, and the claim files have no such arm")


def _place_of(claim: str, check: str, arm: str) -> str:
    return f"the plan for {claim}/{check}, {arm}"


def _least(arm: Arm, check: LoadedCheck, n_checks: int, report: Report, role: Role) -> Profile:
    """The least that a budget may take of an arm that is judged: its cheapest design where all draws cost the same."""
    expected = check.check.control.expected if role is Role.CONTROL else "within"
    priced = PricedArm(arm, profile_of(arm, report.profile), Prices(lambda trial: 1.0), report.seed)
    return designs(priced, role, expected, n_checks)[0].amount


def _judged_faults(part: ArmPlan, whole: Profile, least: Profile) -> Iterator[str]:
    """What a budget does not do: it drops points from the ends, and draws, as long as the arm can be judged."""
    length, fewest = len(part.grid), len(least.grid)
    if fewest == len(whole.grid) and part.grid != whole.grid:
        yield f"takes {_points(part.grid)}, wanted the whole grid, {_points(whole.grid)}"
    elif not any(part.grid == whole.grid[first : first + length] for first in range(len(whole.grid) + 1)):
        yield f"takes {_points(part.grid)}, wanted neighbours among {_points(whole.grid)}"
    elif length < fewest:
        yield f"takes {_points(part.grid)}, wanted at least {fewest} points"
    if not least.replicates <= part.replicates <= whole.replicates:
        yield f"takes {amount(part.replicates, 'draw')}, wanted {least.replicates} to {whole.replicates}"


def _shown_faults(part: ArmPlan, arm: Arm, check: LoadedCheck, main: ArmPlan | None, report: Report) -> Iterator[str]:
    """What stands beside a check follows its main run, and has no choice of its own."""
    if main is None:
        return
    whole = profile_of(check.check, report.profile)
    taken = whole.model_copy(update={"grid": main.grid, "replicates": main.replicates})
    wanted = beside(profile_of(arm, report.profile), whole, taken)
    if (part.grid, part.replicates) != (wanted.grid, wanted.replicates):
        yield f"takes {_taken(part)}, wanted {_taken(wanted)}, as its check's part has it"


def _said_faults(part: ArmPlan, arm: Arm, report: Report) -> Iterator[str]:
    """What a plan says of its part: the parameter, and all that is left out."""
    whole = profile_of(arm, report.profile)
    points = tuple(point for point in whole.grid if point not in part.grid)
    if part.parameter != arm.sweep.parameter:
        yield f"names the parameter {part.parameter!r}, wanted {arm.sweep.parameter!r}"
    if part.grid_left_out != points:
        yield f"leaves out {_points(part.grid_left_out)}, wanted {_points(points)}"
    if part.replicates_left_out != whole.replicates - part.replicates:
        found = amount(part.replicates_left_out, "draw")
        yield f"leaves out {found}, wanted {whole.replicates - part.replicates}"


def _taken(part: ArmPlan | Profile) -> str:
    return f"{_points(part.grid)} with {amount(part.replicates, 'draw')}"


def _points(grid: Sequence[float]) -> str:
    return f"[{', '.join(f'{point:g}' for point in grid)}]"


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
