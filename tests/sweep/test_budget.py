from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import CONTROL, MAIN, ArmPlan, BudgetPlan, Trial
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.claim import Arm
from rnnconv_cli.spec.loader import LoadedClaim, load_all
from rnnconv_cli.spec.rules import Role, arm_faults
from rnnconv_cli.sweep.budget import BUSY, START_SECONDS, plan_within, within
from rnnconv_cli.sweep.plan import arms, make_plan, predicted_seconds, profile_of

if TYPE_CHECKING:
    from tests.conftest import Written

SLOPE: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"horizon": 4, "n_sequences": 2},
    "sweep": {"parameter": "width", "grid": [16, 32, 64, 128, 256, 512, 1024], "replicates": 20},
    "prediction": {"kind": "exponent", "exponent": 0.5, "tolerance": 0.1, "reason": "made up"},
    "control": {"description": "linear", "change": {"problem": {"activation": "linear"}}},
    "beside": [
        {
            "id": "last",
            "description": "the smallest norm at the last point",
            "change": {
                "quantity": "hidden-norm-lower",
                "sweep": {"quick": {"grid": [1024]}, "full": {"grid": [1024]}},
            },
        }
    ],
}
EVENT: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"width": 128, "horizon": 4, "n_sequences": 2},
    "sweep": {"replicates": 200},
    "prediction": {"kind": "event", "bound": 1.1, "probability": 0.9, "reason": "made up"},
    "control": {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}},
}


def by_width(trial: Trial) -> float:
    """A price that grows like a product of W, and is 1 ms at m = 1024."""
    return trial.problem.width**2 * 1e-3 / 2**20


def chosen(claims: Sequence[LoadedClaim], seconds: float, **options: Any) -> BudgetPlan:
    return plan_within(
        claims, **{"jobs": 1, "profile": "quick", "seed": 0, "price": by_width, "seconds": seconds, **options}
    )


def part(plan: BudgetPlan, check: str, arm: str = MAIN) -> ArmPlan:
    (found,) = (each for each in plan.arms if (each.check, each.arm) == (check, arm))
    return found


@pytest.fixture(scope="module")
def claim(written: Written) -> LoadedClaim:
    return written(SLOPE, EVENT)


@pytest.fixture(scope="module")
def shipped() -> tuple[LoadedClaim, ...]:
    return load_all(catalogue.shipped())


def seconds_of(claims: Sequence[LoadedClaim], profile: str = "quick", jobs: int = 1) -> float:
    trials = make_plan(claims, profile=profile, seed=0).trials
    return START_SECONDS + sum(map(by_width, trials)) / (BUSY * jobs)


# --- what is chosen ---------------------------------------------------------------------------------------------------


def test_nothing_is_left_out_where_everything_fits(claim: LoadedClaim) -> None:
    plan = chosen([claim], seconds_of([claim]) + 1e-9)
    assert plan.inflation == 1.0
    assert {(each.grid_left_out, each.replicates_left_out) for each in plan.arms} == {((), 0)}
    assert [(each.check, each.arm) for each in plan.arms] == [
        ("check-0", "main"),
        ("check-0", "last"),
        ("check-0", "control"),
        ("check-1", "main"),
        ("check-1", "control"),
    ]
    assert within([claim], plan, "quick") == (claim,)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.45])
def test_what_is_taken_fits_and_no_smaller_factor_does(claim: LoadedClaim, share: float) -> None:
    seconds = START_SECONDS + share * (seconds_of([claim]) - START_SECONDS)
    plan = chosen([claim], seconds)
    assert plan.inflation > 1
    smaller = within([claim], plan, "quick")
    assert seconds_of(smaller) <= seconds
    assert len(make_plan(smaller, profile="quick", seed=0).trials) < len(
        make_plan([claim], profile="quick", seed=0).trials
    )


def test_time_that_is_left_goes_to_whoever_asks_for_least(written: Written) -> None:
    """One trial of the wide network takes as long as all of the other check: without it, the rest keeps its profile."""
    wide = {**EVENT, "problem": {**EVENT["problem"], "width": 8192}, "sweep": {"replicates": 46}}
    claim = written(wide, EVENT)
    seconds = seconds_of([claim])
    least = chosen([claim], seconds - 0.05)
    assert part(least, "check-0").replicates_left_out == 1
    assert part(least, "check-1").replicates_left_out == 0
    assert seconds_of(within([claim], least, "quick")) <= seconds - 0.05


def test_more_time_is_never_less_sharp(claim: LoadedClaim) -> None:
    whole = seconds_of([claim]) - START_SECONDS
    found = [chosen([claim], START_SECONDS + share / 20 * whole).inflation for share in range(9, 21)]
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert found[0] > found[-1] == 1.0


def test_more_cores_are_more_time(claim: LoadedClaim) -> None:
    seconds = START_SECONDS + (seconds_of([claim]) - START_SECONDS) / 2
    assert chosen([claim], seconds + 1e-9, jobs=2).inflation == 1.0 < chosen([claim], seconds).inflation


def test_trials_that_checks_share_count_once(claim: LoadedClaim, written: Written) -> None:
    """Twice the same check takes no longer than once, so that nothing has to go."""
    twice = written(SLOPE, {**SLOPE, "id": "again"})
    seconds = seconds_of([written(SLOPE)]) + 1e-9
    assert chosen([twice], seconds).inflation == 1.0
    assert seconds_of([twice]) == pytest.approx(seconds)


def test_a_trial_that_alone_takes_too_long_is_given_up(written: Written) -> None:
    """However many cores: one trial is measured by one."""
    claim = written(SLOPE)
    plan = chosen([claim], START_SECONDS + 0.5e-3, jobs=1000)
    assert part(plan, "check-0").grid[-1] < 1024


def test_only_the_named_checks_are_planned(claim: LoadedClaim) -> None:
    plan = chosen([claim], 1000.0, checks=("check-1",))
    assert {each.check for each in plan.arms} == {"check-1"}
    assert within([claim], plan, "quick") == (claim,)


def test_less_than_the_least_is_refused(claim: LoadedClaim) -> None:
    def dear(trial: Trial) -> float:
        return 1000 * by_width(trial)

    with pytest.raises(
        UsageError, match=r"of 5 s, wanted at least \d+ s: 5 s to start and to judge, and \d+ s for .* on 1 core; allow"
    ) as caught:
        chosen([claim], 5.0, price=dear)
    least = float(re.findall(r"at least (\d+) s", str(caught.value))[0])
    assert chosen([claim], least, price=dear).inflation > 1.5
    with pytest.raises(UsageError):
        chosen([claim], least - 1.1, price=dear)


# --- the claims that a plan makes -------------------------------------------------------------------------------------


def test_what_is_taken_and_what_is_left_out_make_the_profile(claim: LoadedClaim) -> None:
    plan = chosen([claim], START_SECONDS + 0.6 * (seconds_of([claim]) - START_SECONDS))
    slope, last, event = (part(plan, *place) for place in (("check-0",), ("check-0", "last"), ("check-1",)))
    assert sorted((*slope.grid, *slope.grid_left_out)) == SLOPE["sweep"]["grid"]
    assert slope.replicates + slope.replicates_left_out == 20
    assert event.replicates + event.replicates_left_out == 200
    assert (slope.parameter, event.parameter) == ("width", None)
    assert last.grid == slope.grid[-1:]
    (smaller,) = within([claim], plan, "quick")
    assert smaller.digest == claim.digest
    assert smaller.claim == claim.claim
    assert smaller.checks[0].check.sweep.quick.grid == slope.grid
    assert smaller.checks[0].check.sweep.full == claim.checks[0].check.sweep.full
    assert smaller.checks[0].exhibits[0][0] == claim.checks[0].exhibits[0][0]


@pytest.mark.parametrize(("profile", "seconds"), [("quick", 300), ("quick", 600), ("full", 300), ("full", 1800)])
def test_no_plan_breaks_a_rule_of_claim_files(shipped: Sequence[LoadedClaim], profile: str, seconds: float) -> None:
    plan = plan_within(shipped, seconds=seconds, jobs=2, profile=profile, seed=0, price=predicted_seconds)
    assert plan.inflation > 1
    for claim in within(shipped, plan, profile):
        for check in claim.checks:
            for name, arm in arms(check):
                role = {MAIN: Role.MAIN, CONTROL: Role.CONTROL}.get(name, Role.EXHIBIT)
                expected = check.check.control.expected if role is Role.CONTROL else "within"
                assert arm_faults(arm, role, expected, len(claim.claim.checks)) == (), (claim.claim.id, name)
                assert _still_valid(arm, profile)


def test_the_trials_of_a_plan_are_trials_of_the_profile(shipped: Sequence[LoadedClaim]) -> None:
    """But for what is shown at a last point, which moves with it: a longer run later finds what a shorter one kept."""
    plan = plan_within(shipped, seconds=400, jobs=2, profile="quick", seed=0, price=predicted_seconds)
    smaller = make_plan(within(shipped, plan, "quick"), profile="quick", seed=0)
    whole = set(make_plan(shipped, profile="quick", seed=0).trials)
    assert {job.trial for job in smaller.jobs if job.arm in (MAIN, CONTROL)} <= whole


def test_claims_of_one_id_keep_their_places_apart(written: Written) -> None:
    one, other = written(SLOPE), written(SLOPE, claim_id="other")
    plan = chosen([one, other], START_SECONDS + 0.6 * (seconds_of([one]) - START_SECONDS))
    assert {each.claim for each in plan.arms} == {"made-up", "other"}
    only = replace(plan, arms=tuple(each for each in plan.arms if each.claim == "other"))
    assert within([one, other], only, "quick")[0] == one
    assert within([one, other], only, "quick")[1] != other


def _still_valid(arm: Arm, profile: str) -> bool:
    amount = profile_of(arm, profile)
    return type(amount).model_validate(amount.model_dump()) == amount
