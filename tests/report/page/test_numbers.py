"""The pieces of an estimate, and what was measured beside it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, ExhibitResult, Exponent, Frontier, Price, Report
from rnnconv_cli.report.page.numbers import beside, diagnostics

FRONTIER = Frontier(
    2.0, 1.5, 2.5, 0.9, (2.0, 3.0), (64.0, math.inf), (50.0, 60.0), (80.0, math.inf), 5, (math.inf,), 0.0
)


@pytest.fixture
def checks(report: Report) -> dict[str, CheckResult]:
    return {check.kind: check for check in report.claims[0].checks}


def _pieces(check: CheckResult) -> dict[str, str]:
    table = diagnostics(check.finding.estimate, "width")
    assert table is not None
    return {row[0]: row[1] for row in table.rows}


def test_an_exponent_has_its_slopes_and_its_fits_without_an_end(checks: dict[str, CheckResult]) -> None:
    assert _pieces(checks["exponent"]) == {
        "power between m = 256 and 512": "0.610",
        "power between m = 512 and 1024": "0.630",
        "power between m = 1024 and 2048": "0.333",
        "without the smallest m": "0.650 [0.620, 0.680]",
        "without the largest m": "0.630 [0.600, 0.660]",
        "curvature": "no sign that the curve bends (p = 0.4)",
        "scatter of the power between draws": "0.02",
    }


def test_a_curve_that_bends_is_said_to(checks: dict[str, CheckResult]) -> None:
    estimate = checks["exponent"].finding.estimate
    assert isinstance(estimate, Exponent)
    bent = replace(estimate, curvature_p=0.002, without_first=(math.nan,) * 3)
    rows = _pieces(replace(checks["exponent"], finding=replace(checks["exponent"].finding, estimate=bent)))
    assert rows["curvature"] == "the curve bends, so no single power describes it (p = 0.002)"
    assert rows["without the smallest m"] == "too few points"
    assert _pieces(checks["attainment"])["curvature"] == "too few points to tell"


def test_growth_and_decay_have_theirs(checks: dict[str, CheckResult]) -> None:
    assert _pieces(checks["growth"])["rate between m = 256 and 512"] == "0.610"
    assert _pieces(checks["decay"])["steps for decade 8 of the loss"] == "41.5"


def test_a_frontier_has_its_widths(checks: dict[str, CheckResult]) -> None:
    table = diagnostics(FRONTIER, "horizon")
    assert table is not None
    assert table.rows == (
        ("m* at L = 2", "64 (50 to 80)"),
        ("m* at L = 3", "out of reach (60 to out of reach)"),
        ("power between L = 2 and 3", "inf"),
    )


def test_a_share_and_an_error_have_no_pieces(checks: dict[str, CheckResult]) -> None:
    for estimate in (checks["event"].finding.estimate, checks["identity"].finding.estimate, None):
        assert diagnostics(estimate, "width") is None


def test_exhibits_have_their_spread_and_descent_its_own_table() -> None:
    asked = ExhibitResult("noise", "the same under noise", "width", 2048.0, 41.0, 39.5, 44.0, (("ok", 12), ("zero", 1)))
    tangent = ExhibitResult("tangent-rate", "rate", None, 1.0, None, None, None, (("failed", 2),))
    first, second = beside((tangent, asked))
    assert first.rows == (("noise: the same under noise", "41", "39.5 to 44", "m = 2048", "12 ok, 1 zero"),)
    assert second.caption.startswith("What the tangent kernel predicts")
    assert second.rows == (("tangent-rate: rate", "-", "- to -", "", "2 failed"),)
    assert beside(()) == ()


def test_beside_a_frontier_its_price_is_said() -> None:
    price = Price(1.5, 1.2, 1.9, 0.9, (2.0,), (1.5,), (1.2,), (1.9,))
    shown = ExhibitResult(
        "own-w", "a W for each layer", "horizon", 3.0, None, None, None, (("ok", 5),), FRONTIER, price
    )
    ((row,),) = (table.rows for table in beside((shown,)))
    assert row[1:4] == ("m* of the claim is 1.5 times as large; its own m* has the power 2", "1.2 to 1.9", "all points")
