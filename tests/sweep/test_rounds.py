from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep.plan import Job, Plan, make_plan
from rnnconv_cli.sweep.rounds import Searching, next_jobs, searching, typical_jobs

if TYPE_CHECKING:
    from tests.conftest import Written

SUFFICIENT = {4.0: 100, 8.0: 400}  # the width from which on the event holds, at each horizon
CHECK: Mapping[str, Any] = {
    "quantity": "hidden-norm-off-band",
    "problem": {"n_sequences": 1, "later_tokens": "zero"},
    "preconditions": ["unit-first-token", "token-norms"],
    "sweep": {
        "parameter": "horizon",
        "quick": {"grid": [4, 8], "replicates": 56, "search": {"least": 8, "most": 1024, "precision": 0.01}},
        "full": {"grid": [4, 8], "replicates": 56, "widths": [8, 16, 32, 64, 128]},
    },
    "prediction": {"kind": "frontier", "bound": 1.0, "probability": 0.9, "reason": "open"},
    "control": {
        "description": "variance 1/m",
        "change": {"problem": {"weight_variance": 1.0}, "sweep": {"quick": {"grid": [4]}}},
    },
    "beside": [{"id": "apart", "description": "a W each", "change": {"problem": {"layers": "independent"}}}],
}
PERTURBED: Mapping[str, Any] = {
    **CHECK,
    "quantity": "hidden-change",
    "perturbation": {"tau0": 1.0, "adversaries": ["gaussian", "kinks"]},
}


@pytest.fixture
def claim(written: Written) -> LoadedClaim:
    return written(CHECK)


def _plan(claim: LoadedClaim, profile: str = "quick") -> Plan:
    return make_plan([claim], profile=profile, seed=1)


def _arm(claim: LoadedClaim, name: str = "main") -> Searching:
    return next(each for each in searching([claim], profile="quick") if each.name == name)


def _jobs_of(plan: Plan, name: str) -> list[Job]:
    return [job for job in plan.jobs if job.arm == name]


def _answers(plan: Plan, name: str = "main") -> dict[tuple[float, int, int], bool | None]:
    return {
        (job.point, job.trial.problem.width, job.trial.replicate): job.trial.problem.width >= SUFFICIENT[job.point]
        for job in _jobs_of(plan, name)
    }


def _finished(claim: LoadedClaim, plan: Plan, name: str = "main") -> Plan:
    """The plan with all the rounds of one arm."""
    arm = _arm(claim, name)
    while more := next_jobs(arm, plan, _answers(plan, name), level=0.95, seed=1):
        plan = Plan((*plan.jobs, *more))
    return plan


def test_every_arm_that_searches_is_found(claim: LoadedClaim) -> None:
    assert [each.name for each in searching([claim], profile="quick")] == ["main", "control", "apart"]
    assert not list(searching([claim], profile="full"))
    assert {each.probability for each in searching([claim], profile="quick")} == {0.9}


def test_a_plan_holds_the_first_round(claim: LoadedClaim) -> None:
    places = Counter((job.arm, job.point, job.trial.problem.width) for job in _plan(claim).jobs)
    at = [("main", 4.0), ("main", 8.0), ("control", 4.0), ("apart", 4.0), ("apart", 8.0)]
    assert places == {(*each, width): 8 for each in at for width in (8, 16, 32)}


def test_a_search_asks_until_the_width_is_known(claim: LoadedClaim) -> None:
    plan = _finished(claim, _plan(claim))
    assert len(plan.trials) == len(plan.jobs)
    drawn = Counter((job.point, job.trial.problem.width) for job in _jobs_of(plan, "main"))
    for point, width in SUFFICIENT.items():
        deepest = sorted(each for (at, each), count in drawn.items() if at == point and count == 56)
        assert deepest[0] < width < deepest[-1]
        assert deepest[-1] / deepest[0] < 1.4


def test_draws_are_counted_from_the_first_replicate(claim: LoadedClaim) -> None:
    """So that the trial of a width and a replicate is the same one in whichever round it is asked for."""
    replicates: dict[tuple[float, int], list[int]] = {}
    for job in _jobs_of(_finished(claim, _plan(claim)), "main"):
        replicates.setdefault((job.point, job.trial.problem.width), []).append(job.trial.replicate)
    assert all(each == list(range(len(each))) for each in replicates.values())


def test_the_next_round_depends_on_the_answers_alone(claim: LoadedClaim) -> None:
    """Not on the order in which workers gave them, nor on what other arms have asked for."""
    plan, arm = _plan(claim), _arm(claim)
    answers = _answers(plan)
    asked = next_jobs(arm, plan, answers, level=0.95, seed=1)
    backwards = Plan(tuple(reversed(plan.jobs)))
    alone = Plan(tuple(_jobs_of(plan, "main")))
    mixed = _finished(claim, plan, "apart")
    for other in (backwards, alone, mixed):
        assert next_jobs(arm, other, dict(reversed(answers.items())), level=0.95, seed=1) == asked


def test_other_seeds_ask_for_the_same_places(claim: LoadedClaim) -> None:
    plan, arm = _plan(claim), _arm(claim)
    one, other = (next_jobs(arm, plan, _answers(plan), level=0.95, seed=seed) for seed in (1, 2))
    assert {job.trial.seed for job in other} == {2}
    assert [replace(job, trial=replace(job.trial, seed=1)) for job in other] == list(one)


def test_unknown_answers_are_draws_that_say_nothing(claim: LoadedClaim) -> None:
    plan, arm = _plan(claim), _arm(claim)
    unknown = dict.fromkeys(_answers(plan))
    asked = {job.trial.problem.width for job in next_jobs(arm, plan, unknown, level=0.95, seed=1)}
    assert asked == {64, 128}


def test_several_adversaries_are_one_draw(written: Written) -> None:
    claim = written(PERTURBED)
    plan = _plan(claim)
    assert Counter(job.trial.perturbation is not None for job in plan.jobs) == {True: 2 * 8 * 3 * 5}
    asked = next_jobs(_arm(claim), plan, _answers(plan), level=0.95, seed=1)
    assert Counter((job.point, job.trial.problem.width) for job in asked) == {
        (point, width): 16 for point in SUFFICIENT for width in (64, 128)
    }


def test_a_forecast_has_every_point_and_the_widest_width(claim: LoadedClaim) -> None:
    jobs = typical_jobs(_arm(claim), seed=1)
    drawn = Counter((job.point, job.trial.problem.width) for job in jobs)
    assert {point for point, _ in drawn} == set(SUFFICIENT)
    assert {drawn[point, 1024] for point in SUFFICIENT} == {1}
    assert max(drawn.values()) == 56
