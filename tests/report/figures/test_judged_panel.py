"""The panel of intervals: what is allowed is what the judge allows, and every number stands on its own line."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.judge.allowed import predict
from rnnconv_cli.records import Frontier, IdentityError, Predicted, Probability, Report, Verdict
from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN
from rnnconv_cli.report.figures.judged_panel import (
    Row,
    allowed_by,
    bounds,
    heading,
    interval_of,
    panel,
    row,
    verdict_heading,
)
from rnnconv_cli.spec.claim import Arm

POINTS = (256.0, 512.0, 1024.0)


def _predictions() -> list[dict[str, Any]]:
    why: dict[str, Any] = {"reason": "made up"}
    return [
        {"kind": "exponent", "side": side, "exponent": 0.5, "log_power": power, "tolerance": 0.1, **why}
        for side in ("upper", "lower")
        for power in (0.0, 2.0)
    ] + [
        {"kind": "attainment", "exponent": -1.0, "tolerance": 0.25, **why},
        *({"kind": "growth", "side": side, "rate": 0.17, **why} for side in ("upper", "lower", "both")),
        {"kind": "event", "side": "lower", "bound": 2.0, "probability": 0.9, **why},
        {"kind": "identity", "rounding_units": 8.0, **why},
        {"kind": "decay", "tail": 4, "tolerance": 0.04, **why},
        {"kind": "frontier", "bound": 1.0, "probability": 0.9, "exponent": 2.0, "tolerance": 0.3, **why},
        {"kind": "frontier", "bound": 1.0, "probability": 0.9, **why},
    ]


@pytest.mark.parametrize("prediction", _predictions(), ids=lambda each: f"{each['kind']}-{each.get('side', '')}")
def test_what_is_allowed_is_what_the_judge_allows(prediction: dict[str, Any]) -> None:
    profile = {"grid": [256, 512, 1024], "replicates": 8}
    sweep = {"parameter": "width", "quick": profile, "full": profile}
    text = json.dumps({"quantity": "q", "problem": {"horizon": 4}, "sweep": sweep, "prediction": prediction})
    predicted, allowed = predict(Arm.model_validate_json(text), POINTS)
    assert allowed_by(predicted) == (allowed.low, allowed.high)


def test_what_is_allowed_is_said() -> None:
    assert bounds((-math.inf, 0.7067)) == "at most 0.7067"
    assert bounds((0.5, math.inf)) == "at least 0.5"
    assert bounds((-0.17, 0.17)) == "between -0.17 and 0.17"


def test_a_row_is_its_estimate(report: Report) -> None:
    estimates = {check.kind: check.finding.estimate for check in report.claims[0].checks}
    assert row("as claimed", MAIN, estimates["exponent"]) == (Row("as claimed", MAIN, (0.641,), (0.622, 0.66)),)
    assert interval_of(estimates["event"]) == (1.0, 0.937, 1.0)
    assert interval_of(estimates["decay"]) == (0.01, -0.02, 0.04)
    assert row("control", CONTROL, estimates["identity"]) == ()
    assert row("control", CONTROL, estimates["frontier"]) == ()
    assert row("control", CONTROL, None) == ()
    assert interval_of(Frontier(1.5, 1.2, 1.8, 0.99, (), (), (), (), 8, (), 0.1)) == (1.5, 1.2, 1.8)
    assert heading("exponent", estimates["exponent"]) == "exponent at 99.5%"
    assert heading("error", IdentityError(1.0, 8.0, 4)) == "error"


def test_intervals_stand_below_each_other_over_what_is_allowed() -> None:
    rows = [Row("as claimed", MAIN, (0.64,), (0.62, 0.66)), Row("point to point", MAIN, (0.6, math.nan, 0.7))]
    found = panel(
        "exponent", "e [1]", [*rows, Row("control", CONTROL, (1.0,), (0.9, math.inf))], (-math.inf, 0.7), claimed=0.66
    )
    assert [label for _, label in found.y.ticks] == ["as claimed", "point to point", "control"]
    number, *shown = found.series
    assert number.paths == (((0.66, found.y.low), (0.66, found.y.high)),)
    assert [series.paths for series in shown] == [(((0.64, 3.0),),), (((0.6, 2.0), (0.7, 2.0)),), (((1.0, 1.0),),)]
    assert [series.ends for series in shown] == [((0.62, 0.66),), (), ((0.9, found.x.high),)]
    (shade,) = found.shades
    assert (shade.role, {x for x, _ in shade.corners}) == (ALLOWED, {found.x.low, 0.7})


def test_without_a_prediction_nothing_is_shaded() -> None:
    rows = row("as claimed", MAIN, Probability(0.5, 0.4, 0.6, 0.99, 5, 10))
    unknown = Predicted("frontier", "upper", None, "exponent", 0.0, 0.0, "measured only")
    found = panel("share", "share [1]", rows, allowed_by(unknown))
    assert found.shades == ()
    assert found.series[0].label == ""


def test_a_heading_says_why_the_check_has_another_verdict(report: Report) -> None:
    check = report.claims[0].checks[0]
    assert verdict_heading(check, MAIN) == "as claimed: within"
    assert verdict_heading(check, CONTROL) == "control: outside"
    undecided = replace(check, verdict=Verdict.INCONCLUSIVE)
    assert verdict_heading(undecided, MAIN) == "as claimed: within, but inconclusive"
    powerless = replace(undecided, control=replace(check.control, as_expected=False))
    assert verdict_heading(powerless, MAIN) == "as claimed: within, but no power"
    assert verdict_heading(powerless, CONTROL) == "control: outside"
