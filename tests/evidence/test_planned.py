"""A budget's plan is one that the planner could have made: its own plans pass, made-up ones are named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import SpecError
from rnnconv_cli.evidence.contents import Asked
from rnnconv_cli.evidence.planned import budget_differences
from rnnconv_cli.records import CONTROL, MAIN, BudgetPlan, Environment, Report, Timing, Trial
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import NO_OVERRIDES, LoadedClaim, load_all
from rnnconv_cli.sweep.budget import BUSY, START_SECONDS, plan_within
from rnnconv_cli.sweep.plan import make_plan, predicted_seconds

if TYPE_CHECKING:
    from tests.conftest import Written

SLOPE: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"horizon": 4, "n_sequences": 2},
    "sweep": {"parameter": "width", "grid": [64, 128, 256, 512, 1024, 2048], "replicates": 24},
    "prediction": {"kind": "exponent", "exponent": 0.5, "tolerance": 0.1, "reason": "made up"},
    "control": {"description": "linear", "change": {"problem": {"activation": "linear"}}},
    "beside": [
        {
            "id": "last",
            "description": "the smallest norm at the last point",
            "change": {
                "quantity": "hidden-norm-lower",
                "sweep": {"quick": {"grid": [2048]}, "full": {"grid": [2048]}},
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
DECAY: Mapping[str, Any] = {
    "quantity": "steps-to-decades",
    "problem": {"width": 64, "horizon": 3, "n_sequences": 2},
    "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 300},
    "sweep": {"parameter": "decades", "grid": [1, 2, 3, 4, 5, 6], "replicates": 30},
    "prediction": {"kind": "decay", "tail": 3, "tolerance": 0.5, "reason": "made up"},
    "control": {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}},
}
PRICES: Mapping[str, Callable[[Trial], float]] = {
    "by width": lambda trial: trial.problem.width**2 * 1e-6,
    "against width": lambda trial: 1e2 / trial.problem.width,
    "all alike": lambda trial: 0.5,
}


@pytest.fixture(scope="module")
def claim(written: Written) -> LoadedClaim:
    return written(SLOPE, EVENT, DECAY)


def found(claims: tuple[LoadedClaim, ...], plan: BudgetPlan | None, profile: str = "quick", **given: Any) -> list[str]:
    """What is said of a plan whose command has asked for its seconds, or for what is given."""
    report = Report("0.1.0", profile, 0, "compiled", 0, (), (), Environment(()), Timing(()), plan)
    asked = given.get("asked", Asked(NO_OVERRIDES, None if plan is None else plan.seconds))
    return [f"{each.place} {each.what}" for each in budget_differences(claims, report, given.get("checks", ()), asked)]


def made(claims: tuple[LoadedClaim, ...], seconds: float, **given: Any) -> BudgetPlan:
    options: dict[str, Any] = {"jobs": 1, "profile": "quick", "seed": 0, "price": PRICES["by width"], **given}
    return plan_within(claims, seconds=seconds, **options)


def forged(plan: BudgetPlan, check: str, arm: str = MAIN, **changes: Any) -> BudgetPlan:
    """A plan with other numbers in one part, which says of the rest that it is left out."""
    (was,) = (each for each in plan.arms if (each.check, each.arm) == (check, arm))
    whole = tuple(sorted((*was.grid, *was.grid_left_out)))
    draws = was.replicates + was.replicates_left_out
    part = replace(was, **{name: value for name, value in changes.items() if name in ("grid", "replicates")})
    left = tuple(point for point in whole if point not in part.grid)
    part = replace(part, grid_left_out=left, replicates_left_out=draws - part.replicates)
    return replace(plan, arms=tuple(replace(part, **changes) if each is was else each for each in plan.arms))


@pytest.mark.parametrize("price", PRICES)
@pytest.mark.parametrize("share", [0.5, 0.6, 0.8, 1.1])
def test_what_the_planner_makes_passes(claim: LoadedClaim, price: str, share: float) -> None:
    """Whatever the machine: other prices drop other points."""
    whole = sum(map(PRICES[price], make_plan((claim,), profile="quick", seed=0).trials)) / BUSY
    plan = made((claim,), START_SECONDS + share * whole, price=PRICES[price])
    assert (plan.inflation > 1.0) == (share < 1.0)
    assert found((claim,), plan) == []


@pytest.mark.parametrize(("profile", "seconds"), [("quick", 300.0), ("full", 1800.0)])
def test_plans_for_the_catalogue_pass(profile: str, seconds: float) -> None:
    shipped = load_all(catalogue.shipped())
    plan = plan_within(shipped, seconds=seconds, jobs=2, profile=profile, seed=0, price=predicted_seconds)
    assert sum(bool(each.grid_left_out) for each in plan.arms) > 10
    assert found(shipped, plan, profile) == []


# --- plans that no budget chooses -------------------------------------------------------------------------------------

PLACE = "the plan for made-up/check-0"


@pytest.fixture(scope="module")
def whole(claim: LoadedClaim) -> BudgetPlan:
    """A plan that leaves nothing out, and has room to be forged."""
    return made((claim,), 1e6)


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ((64.0, 256.0, 512.0, 1024.0, 2048.0), "wanted neighbours among [64, 128, 256, 512, 1024, 2048]"),
        ((2048.0, 1024.0, 512.0, 256.0, 128.0), "wanted neighbours among"),
        ((64.0, 64.0, 128.0, 256.0, 512.0), "wanted neighbours among"),
        ((64.0, 100.0, 128.0, 256.0, 512.0), "wanted neighbours among"),
        ((64.0, 128.0, 256.0, 512.0), "takes [64, 128, 256, 512], wanted at least 5 points"),
        ((64.0,), "takes [64], wanted at least 5 points"),
        ((), "takes [], wanted at least 5 points"),
    ],
)
def test_points_are_dropped_from_the_ends_as_far_as_the_kind_allows(
    claim: LoadedClaim, whole: BudgetPlan, grid: tuple[float, ...], said: str
) -> None:
    """Who has dropped an awkward point afterwards, in the middle or down to the one that fits, is named."""
    (difference, *_) = found((claim,), forged(whole, "check-0", grid=grid))
    assert difference.startswith(f"{PLACE}, main takes ")
    assert said in difference


def test_a_control_may_keep_a_point_less(claim: LoadedClaim, whole: BudgetPlan) -> None:
    assert found((claim,), forged(whole, "check-0", CONTROL, grid=(64.0, 128.0, 256.0, 512.0))) == []
    assert found((claim,), forged(whole, "check-0", CONTROL, grid=(64.0, 128.0, 256.0))) == [
        f"{PLACE}, control takes [64, 128, 256], wanted at least 4 points"
    ]


@pytest.mark.parametrize(
    ("check", "arm", "least", "most"),
    [("check-0", MAIN, 5, 24), ("check-1", MAIN, 46, 200), ("check-1", CONTROL, 3, 200), ("check-2", CONTROL, 5, 30)],
)
def test_draws_stay_enough_to_decide(
    claim: LoadedClaim, whole: BudgetPlan, check: str, arm: str, least: int, most: int
) -> None:
    for replicates in (0, least - 1, most + 1):
        said = f"the plan for made-up/{check}, {arm} takes {replicates} draws, wanted {least} to {most}"
        assert said in found((claim,), forged(whole, check, arm, replicates=replicates))
    if (check, arm) != ("check-0", MAIN):  # whose exhibit follows
        assert found((claim,), forged(whole, check, arm, replicates=least)) == []


def test_a_grid_that_the_planner_keeps_whole_stays_whole(claim: LoadedClaim, whole: BudgetPlan) -> None:
    """All decades of one run cost what the last one costs."""
    for grid in ((1.0, 2.0, 3.0, 4.0, 5.0), (2.0, 3.0, 4.0, 5.0, 6.0), (1.0, 1.0, 2.0, 3.0, 4.0, 5.0), ()):
        (difference,) = found((claim,), forged(whole, "check-2", grid=grid))
        assert difference.startswith("the plan for made-up/check-2, main takes ")
        assert difference.endswith("wanted the whole grid, [1, 2, 3, 4, 5, 6]")
    (difference,) = found((claim,), forged(whole, "check-1", grid=(2.0,)))
    assert difference == "the plan for made-up/check-1, main takes [2], wanted the whole grid, []"


def test_what_stands_beside_a_check_follows_it(claim: LoadedClaim, whole: BudgetPlan) -> None:
    fewer = forged(whole, "check-0", grid=(64.0, 128.0, 256.0, 512.0, 1024.0), replicates=12)
    assert found((claim,), fewer) == [
        f"{PLACE}, last takes [2048] with 24 draws, wanted [1024] with 12 draws, as its check's part has it"
    ]
    assert (
        found((claim,), forged(fewer, "check-0", "last", grid=(1024.0,), replicates=12, grid_left_out=(2048.0,))) == []
    )
    for changes in ({"grid": (64.0,)}, {"grid": ()}, {"replicates": 11}, {"replicates": 1}):
        (difference,) = found((claim,), forged(whole, "check-0", "last", **changes, grid_left_out=left(changes)))
        assert difference.startswith(f"{PLACE}, last takes ")
        assert difference.endswith("wanted [2048] with 24 draws, as its check's part has it")


def left(changes: Mapping[str, Any]) -> tuple[float, ...]:
    """What an exhibit at the last point alone leaves out."""
    return (2048.0,) if "grid" in changes else ()


def test_what_is_left_out_is_said(claim: LoadedClaim, whole: BudgetPlan) -> None:
    points = (64.0, 128.0, 256.0, 512.0, 1024.0)
    assert found((claim,), forged(whole, "check-0", CONTROL, grid=points, grid_left_out=())) == [
        f"{PLACE}, control leaves out [], wanted [2048]"
    ]
    assert found((claim,), forged(whole, "check-0", CONTROL, replicates=12, replicates_left_out=1)) == [
        f"{PLACE}, control leaves out 1 draw, wanted 12"
    ]
    assert found((claim,), forged(whole, "check-0", CONTROL, parameter="horizon")) == [
        f"{PLACE}, control names the parameter 'horizon', wanted 'width'"
    ]


def test_every_arm_has_one_part(claim: LoadedClaim, whole: BudgetPlan) -> None:
    first, *others = whole.arms
    assert found((claim,), replace(whole, arms=tuple(others))) == [
        f"{PLACE}, main is not there, and the claim file has this arm"
    ]
    assert found((claim,), replace(whole, arms=(*whole.arms, first))) == ["the plan has an arm twice, wanted each once"]
    assert found((claim,), replace(whole, arms=(*whole.arms, replace(first, arm="abacus")))) == [
        f"{PLACE}, abacus is there, and the claim files have no such arm"
    ]
    assert len(found((claim,), whole, checks=("check-0",))) == len(whole.arms) - 3


def test_a_plan_is_for_the_budget_of_its_command(claim: LoadedClaim, whole: BudgetPlan) -> None:
    """Where the command is one of rnnconv's: of another nobody knows what it has asked for."""
    said = "and the command of the result has"
    for plan, budget, difference in (
        (whole, 60.0, f"the plan is for a budget of 1e+06 s, {said} a budget of 60 s"),
        (whole, None, f"the plan is for a budget of 1e+06 s, {said} no budget"),
        (None, 60.0, f"the plan is not there, {said} a budget of 60 s"),
    ):
        assert found((claim,), plan, asked=Asked(NO_OVERRIDES, budget)) == [difference]
        assert found((claim,), plan, asked=None) == []
    assert found((claim,), None) == []


def test_what_cannot_be_planned_is_said_first(written: Written, whole: BudgetPlan) -> None:
    with pytest.raises(SpecError, match="abacus"):
        found((written({**EVENT, "quantity": "abacus"}),), whole)
