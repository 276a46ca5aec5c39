from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.records import Trial
from rnnconv_cli.spec.claim import Profile
from rnnconv_cli.spec.loader import LoadedCheck
from rnnconv_cli.spec.rules import LEAST_POINTS, LEAST_REPLICATES, Role, replicates_needed
from rnnconv_cli.stats.student import t_quantile
from rnnconv_cli.sweep.designs import Design, PricedArm, Prices, beside, cheapest, designs
from rnnconv_cli.sweep.plan import make_plan

if TYPE_CHECKING:
    from tests.conftest import Written

LINEAR = {"description": "linear", "change": {"problem": {"activation": "linear"}}}
SLOPE: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"horizon": 4, "n_sequences": 2},
    "sweep": {"parameter": "width", "grid": [16, 32, 64, 128, 256, 512, 1024], "replicates": 20},
    "prediction": {"kind": "exponent", "exponent": 0.5, "tolerance": 0.1, "reason": "made up"},
    "control": LINEAR,
}
EVENT: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"width": 16, "horizon": 4, "n_sequences": 2},
    "sweep": {"replicates": 200},
    "prediction": {"kind": "event", "bound": 1.1, "probability": 0.9, "reason": "made up"},
    "control": LINEAR,
}
DECAY: Mapping[str, Any] = {
    "quantity": "steps-to-decades",
    "problem": {"width": 16, "horizon": 3, "n_sequences": 2},
    "training": {"learning_rate": 0.1, "max_steps": 500},
    "sweep": {"parameter": "decades", "grid": [1, 2, 3, 4, 5, 6], "replicates": 20},
    "prediction": {"kind": "decay", "tail": 3, "tolerance": 0.5, "reason": "made up"},
    "control": LINEAR,
}
FRONTIER: Mapping[str, Any] = {
    "quantity": "hidden-norm-off-band",
    "problem": {"n_sequences": 2},
    "sweep": {
        "parameter": "horizon",
        "grid": [2, 3, 4, 6, 8],
        "search": {"least": 2, "most": 64},
        "replicates": 160,
    },
    "prediction": {"kind": "frontier", "bound": 1.0, "probability": 0.75, "reason": "made up"},
    "preconditions": ["unit-first-token", "token-norms", "separation"],
    "control": LINEAR,
}


def by_width(trial: Trial) -> float:
    """A price that grows like a product of W."""
    return float(trial.problem.width**2)


def by_hand(check: LoadedCheck) -> tuple[PricedArm, tuple[Design, ...]]:
    priced = PricedArm(check.check, check.check.sweep.quick, Prices(by_width), 0)
    return priced, designs(priced, Role.MAIN, "within", 1)


def test_the_bill_of_the_whole_profile_is_its_plan(written: Written) -> None:
    claim = written(SLOPE, EVENT, DECAY)
    prices = Prices(by_width)
    for check in claim.checks:
        priced = PricedArm(check.check, check.check.sweep.quick, prices, 0)
        planned = make_plan([claim], profile="quick", seed=0).of(claim.claim.id, check.check.id, "main").trials
        bill = list(priced.bill(priced.amount))
        assert sum(count for _, count in bill) == len(planned)
        assert priced.seconds(priced.amount) == sum(map(by_width, planned))


def test_settings_that_arms_share_have_one_number(written: Written) -> None:
    prices = Prices(by_width)
    one, other = (PricedArm(check.check, check.check.sweep.quick, prices, 0) for check in written(SLOPE, SLOPE).checks)
    assert list(one.bill(one.amount)) == list(other.bill(other.amount))
    assert len(prices.seconds) == 7


@pytest.mark.parametrize("section", [SLOPE, EVENT, DECAY, FRONTIER], ids=lambda each: str(each["prediction"]["kind"]))
def test_designs_get_sharper_as_they_get_dearer(written: Written, section: Mapping[str, Any]) -> None:
    priced, found = by_hand(written(section).checks[0])
    seconds = [each.seconds for each in found]
    inflations = [each.inflation for each in found]
    assert seconds == sorted(seconds)
    assert inflations == sorted(inflations, reverse=True)
    assert found[-1] == Design(priced.amount, 1.0, priced.seconds(priced.amount))
    assert len(found) > 5


def test_a_slope_gives_up_its_costliest_points_and_then_draws(written: Written) -> None:
    _, found = by_hand(written(SLOPE).checks[0])
    least = found[0].amount
    assert (least.grid, least.replicates) == ((16, 32, 64, 128, 256), LEAST_REPLICATES["exponent"])
    assert len(least.grid) == LEAST_POINTS
    level = 0.95
    spread, whole = (math.log(2) ** 2 * sum((k - (n - 1) / 2) ** 2 for k in range(n)) for n in (5, 7))
    expected = t_quantile(4, level) / t_quantile(19, level) * math.sqrt(20 / 5 * whole / spread)
    assert found[0].inflation == pytest.approx(expected)


def test_grids_have_no_holes(written: Written) -> None:
    """Points are dropped from the ends alone: local exponents and the fits without an end keep their meaning."""
    grid = tuple(SLOPE["sweep"]["grid"])
    _, found = by_hand(written(SLOPE).checks[0])
    for each in found:
        first = grid.index(each.amount.grid[0])
        assert each.amount.grid == grid[first : first + len(each.amount.grid)]


def test_an_event_keeps_the_draws_that_decide(written: Written) -> None:
    _, found = by_hand(written(EVENT).checks[0])
    assert found[0].amount.replicates == replicates_needed(0.9, 1)
    assert found[0].inflation == pytest.approx(math.sqrt(200 / replicates_needed(0.9, 1)))


def test_what_is_read_along_a_run_keeps_its_grid(written: Written) -> None:
    _, found = by_hand(written(DECAY).checks[0])
    assert {each.amount.grid for each in found} == {(1, 2, 3, 4, 5, 6)}
    assert {each.amount.replicates for each in found} == set(range(5, 21))


def test_a_measured_frontier_keeps_every_point(written: Written) -> None:
    _, found = by_hand(written(FRONTIER).checks[0])
    assert {each.amount.grid for each in found} == {(2, 3, 4, 6, 8)}
    assert found[0].amount.replicates == LEAST_REPLICATES["frontier"]


def test_a_frontier_with_an_exponent_may_lose_points(written: Written) -> None:
    prediction = {**FRONTIER["prediction"], "exponent": 1.0, "tolerance": 0.2}
    _, found = by_hand(written({**FRONTIER, "prediction": prediction}).checks[0])
    assert {len(each.amount.grid) for each in found} == {4, 5}


def test_the_cheapest_design_within_a_factor(written: Written) -> None:
    priced, found = by_hand(written(SLOPE).checks[0])
    assert cheapest(found, 1.0).amount == priced.amount
    assert cheapest(found, math.inf) == found[0]
    for factor in (1.0, 1.3, 2.0, 5.0):
        chosen = cheapest(found, factor)
        assert chosen.inflation <= factor
        assert chosen.seconds == min(each.seconds for each in found if each.inflation <= factor)


def test_an_exhibit_goes_with_its_check() -> None:
    check, taken = Profile(grid=(1, 2, 4, 8), replicates=20), Profile(grid=(1, 2, 4), replicates=5)
    assert beside(Profile(grid=(2, 8), replicates=8), check, taken) == Profile(grid=(2,), replicates=2)
    assert beside(Profile(grid=(8,), replicates=2), check, taken) == Profile(grid=(4,), replicates=1)
    assert beside(Profile(replicates=3), check, taken) == Profile(replicates=1)
    assert beside(Profile(grid=(3, 5), replicates=4), check, taken) == Profile(grid=(3, 5), replicates=1)
    assert beside(check, check, check) == check
