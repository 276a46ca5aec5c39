from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.judge.allowed import Allowed, earned, holds, predict
from rnnconv_cli.records import Cell, Inequality, Status, Verdict
from rnnconv_cli.spec.claim import EventPrediction

if TYPE_CHECKING:
    from tests.conftest import Synthetic

WITHIN, OUTSIDE, INCONCLUSIVE = Verdict.WITHIN, Verdict.OUTSIDE, Verdict.INCONCLUSIVE
WIDTHS = (64.0, 128.0, 256.0, 512.0)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-1.0, 0.9, WITHIN),
        (-1.0, 1.0, WITHIN),
        (0.9, 1.1, INCONCLUSIVE),
        (1.0, 1.1, INCONCLUSIVE),
        (1.001, 1.1, OUTSIDE),
        (-math.inf, math.inf, INCONCLUSIVE),
    ],
)
def test_an_upper_bound(low: float, high: float, verdict: Verdict) -> None:
    assert Allowed(-math.inf, 1.0).verdict(low, high) is verdict
    assert Allowed(-1.0, math.inf).verdict(-high, -low) is verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.4, 0.6, WITHIN),
        (0.3, 0.7, WITHIN),
        (0.2, 0.4, INCONCLUSIVE),
        (0.6, 0.8, INCONCLUSIVE),
        (0.0, 1.0, INCONCLUSIVE),
        (0.0, 0.2, OUTSIDE),
        (0.8, 0.9, OUTSIDE),
    ],
)
def test_an_equality(low: float, high: float, verdict: Verdict) -> None:
    assert Allowed(0.3, 0.7).verdict(low, high) is verdict


@given(st.floats(-5, 5), st.floats(0, 5), st.floats(-5, 5), st.floats(0, 5))
def test_a_wider_interval_never_decides_more(border: float, half: float, value: float, wider: float) -> None:
    allowed = Allowed(-math.inf, border)
    narrow = allowed.verdict(value - half, value + half)
    assert allowed.verdict(value - half - wider, value + half + wider) in (narrow, INCONCLUSIVE)


def test_nothing_is_allowed_by_an_interval_that_is_not_a_number() -> None:
    assert Allowed(-math.inf, 1.0).verdict(math.nan, math.nan) is INCONCLUSIVE


def test_border_is_the_end_nearby() -> None:
    assert Allowed(0.0, 1.0).border(0.2) == 0.0
    assert Allowed(0.0, 1.0).border(0.7) == 1.0
    assert Allowed(-math.inf, 1.0).border(-50) == 1.0


def test_a_log_earns_its_share_of_the_grid() -> None:
    expected = (math.log(math.log(512)) - math.log(math.log(64))) / math.log(512 / 64)
    assert earned(1.0, WIDTHS) == pytest.approx(expected)
    assert earned(2.5, WIDTHS) == pytest.approx(2.5 * expected)
    assert earned(0.0, WIDTHS) == 0.0


def test_a_log_below_e_counts_as_one() -> None:
    assert earned(1.0, (1.0, 2.0, math.e)) == 0.0
    assert earned(1.0, (0.1, 0.2)) == 0.0
    assert earned(1.0, (1.0, math.e**2)) == pytest.approx(math.log(2) / 2)
    assert earned(1.0, ()) == earned(1.0, (7.0,)) == 0.0


@given(st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=6, unique=True))
def test_what_a_log_earns_is_never_negative_and_below_one(points: list[float]) -> None:
    assert 0 <= earned(1.0, points) <= 1


@pytest.mark.parametrize(
    ("prediction", "low", "high", "text"),
    [
        ({"kind": "exponent", "exponent": 0.5, "tolerance": 0.1}, -math.inf, 0.6, "≤ m^0.5 (+0.1)"),
        ({"kind": "exponent", "side": "lower", "exponent": 0.5, "tolerance": 0.1}, 0.4, math.inf, "≥ m^0.5 (-0.1)"),
        ({"kind": "attainment", "exponent": -1.0, "tolerance": 0.25}, -1.25, -0.75, "m^-1 ± 0.25"),
        ({"kind": "growth", "rate": 0.17}, -0.17, 0.17, "|r| ≤ 0.17"),
        ({"kind": "growth", "side": "upper", "rate": 0.17}, -math.inf, 0.17, "r ≤ 0.17"),
        ({"kind": "growth", "side": "lower", "rate": 0.17}, -0.17, math.inf, "r ≥ -0.17"),
        ({"kind": "event", "bound": 1.0, "probability": 0.9}, 0.9, 1.0, "P ≥ 0.9"),
        ({"kind": "identity", "rounding_units": 8.0}, -math.inf, 8.0, "≤ 8 ε size"),
        ({"kind": "decay", "tolerance": 0.1}, -math.inf, 0.1, "growth ≤ 0.1"),
        ({"kind": "frontier", "bound": 1.0, "probability": 0.9}, -math.inf, math.inf, "measured only"),
        (
            {"kind": "frontier", "bound": 1.0, "probability": 0.9, "exponent": 2.0, "tolerance": 0.2},
            -math.inf,
            2.2,
            "m* ≤ m^2 (+0.2)",
        ),
    ],
)
def test_each_kind_allows_its_side(
    prediction: dict[str, Any], low: float, high: float, text: str, synthetic: Synthetic
) -> None:
    predicted, allowed = predict(synthetic.arm(**prediction), WIDTHS)
    assert (allowed.low, allowed.high) == pytest.approx((low, high))
    assert predicted.text == text
    assert predicted.kind == prediction["kind"]


def test_what_is_counted_is_kept(synthetic: Synthetic) -> None:
    event, _ = predict(synthetic.arm(kind="event", side="lower", bound=2.0, probability=0.9), WIDTHS)
    assert event.counted == Inequality("lower", 2.0, 0.9)
    for exponent in (None, 2.0):
        arm = synthetic.arm(kind="frontier", bound=1.0, probability=0.75, exponent=exponent, reason="made up")
        assert predict(arm, WIDTHS)[0].counted == Inequality("upper", 1.0, 0.75)
        assert predict(arm, WIDTHS)[0].reason == "made up"
    assert predict(synthetic.arm(kind="identity", rounding_units=8.0), WIDTHS)[0].counted is None


@pytest.mark.parametrize("side", ["upper", "lower"])
def test_a_log_widens_either_side(side: str, synthetic: Synthetic) -> None:
    arm = synthetic.arm(kind="exponent", side=side, exponent=1 / 3, tolerance=0.01, log_power=1.0)
    predicted, allowed = predict(arm, WIDTHS)
    gain = earned(1.0, WIDTHS)
    assert predicted.earned == gain
    assert allowed.border(1 / 3) == pytest.approx(1 / 3 + (gain + 0.01) * (1 if side == "upper" else -1))


@pytest.mark.parametrize(
    ("cell", "upper", "lower"),
    [
        (Cell(0.5, Status.OK), True, False),
        (Cell(1.0, Status.OK), True, True),
        (Cell(1.5, Status.OK), False, True),
        (Cell(0.0, Status.ZERO), True, False),
        (Cell(None, Status.ZERO), True, False),
        (Cell(1e-17, Status.ROUND_OFF), True, False),
        (Cell(None, Status.DIVERGED), False, False),
        (Cell(None, Status.NOT_REACHED), False, False),
        (Cell(None, Status.FAILED), None, None),
        (Cell(None, Status.OUT_OF_REGIME), None, None),
    ],
)
def test_when_an_inequality_holds(cell: Cell, upper: bool | None, lower: bool | None) -> None:
    event = EventPrediction(kind="event", bound=1.0, probability=0.9, reason="made up")
    assert holds(cell, event) is upper
    assert holds(cell, Inequality("lower", 1.0, 0.9)) is lower
