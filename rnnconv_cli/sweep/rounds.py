"""OBSERVATIONS → THE NEXT TRIALS: what a frontier's search draws after it has seen what it has drawn.

A round is a barrier: it is asked for when every trial of the same arm's rounds before it has been measured, and depends
on nothing but their answers. How many workers measure them, in which order, and what else they measure change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.spec.claim import Arm, FrontierPrediction, Profile
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.stats import dose
from rnnconv_cli.stats.student import Array
from rnnconv_cli.sweep.plan import Job, Plan, arms, points_of, profile_of, search_of, selected_checks, trials_at

Place = tuple[float, int, int]  # point, width, replicate
Answers = Mapping[Place, bool | None]  # whether the event held; None where there is no answer


@dataclass(frozen=True, slots=True)
class Searching:
    """An arm that is searched: its place, its event's probability, and where m* may be."""

    claim: str
    check: str
    name: str  # main | control | the id of an exhibit
    arm: Arm
    amount: Profile
    search: dose.Search
    probability: float


def searching(claims: Sequence[LoadedClaim], *, profile: str, checks: Sequence[str] = ()) -> Iterator[Searching]:
    """Yield the arms of these claims, or of the named checks alone, that search for a width in rounds."""
    for claim, check in selected_checks(claims, checks):
        for name, arm in arms(check):
            amount = profile_of(arm, profile)
            search = search_of(amount)
            if search is not None and isinstance(arm.prediction, FrontierPrediction):
                probability = arm.prediction.probability
                yield Searching(claim.claim.id, check.check.id, name, arm, amount, search, probability)


def next_jobs(each: Searching, plan: Plan, answers: Answers, *, level: float, seed: int) -> tuple[Job, ...]:
    """Return the jobs of the next round of one arm; none where all of its points are known well enough."""
    places = {
        (job.point, job.trial.problem.width, job.trial.replicate)  # once, however many adversaries were asked
        for job in plan.of(each.claim, each.check, each.name).jobs
    }
    asked = Counter((point, width) for point, width, _ in places)
    jobs: list[Job] = []
    for point in points_of(each.arm, each.amount):
        drawn = {width: count for (at, width), count in asked.items() if at == point}
        wanted = dose.next_draws(
            each.search, drawn, _holds(each.search, drawn, answers, point), each.probability, level
        )
        jobs += _jobs(each, point, drawn, wanted, seed)
    return tuple(jobs)


def typical_jobs(each: Searching, *, seed: int) -> tuple[Job, ...]:
    """Return what the search of one arm is likely to draw in all its rounds, for a forecast of its cost."""
    wanted = dose.typical_draws(each.search)
    return tuple(job for point in points_of(each.arm, each.amount) for job in _jobs(each, point, {}, wanted, seed))


def _jobs(
    each: Searching, point: float, drawn: Mapping[int, int], wanted: Mapping[int, int], seed: int
) -> Iterator[Job]:
    for width, count in wanted.items():
        for trial in trials_at(each.arm, each.amount, point, width, range(drawn.get(width, 0), count), seed):
            yield Job(each.claim, each.check, each.name, point, trial)


def _holds(search: dose.Search, drawn: Mapping[int, int], answers: Answers, point: float) -> Array:
    """Whether the event held, (replicates, lattice): 1, 0, or NaN where there is no answer."""
    holds = np.full((max(drawn.values(), default=0), len(search.lattice)), np.nan)
    for column, width in enumerate(search.lattice):
        for replicate in range(drawn.get(width, 0)):
            answer = answers.get((point, width, replicate))
            if answer is not None:
                holds[replicate, column] = answer
    return holds
