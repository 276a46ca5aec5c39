"""The pieces of an estimate, and what was measured beside it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Estimate, ExhibitResult, Exponent, Frontier, Price, Report
from rnnconv_cli.report.figures.figure import Table
from rnnconv_cli.report.page.numbers import beside, diagnostics, drawn

FRONTIER = Frontier(
    2.0, 1.5, 2.5, 0.9, (2.0, 3.0), (64.0, math.inf), (50.0, 60.0), (80.0, math.inf), 5, (math.inf,), 0.0
)


@pytest.fixture
def checks(report: Report) -> dict[str, CheckResult]:
    return {check.kind: check for check in report.claims[0].checks}


def _pieces(check: CheckResult) -> dict[str, str]:
    table = diagnostics(replace(check, parameter="width"))
    assert table is not None
    return {row[0]: row[1] for row in table.rows}


def test_an_exponent_has_its_slopes_and_its_fits_without_an_end(checks: dict[str, CheckResult]) -> None:
    assert _pieces(checks["exponent"]) == {
        "exponent between m = 256 and 512": "0.610",
        "exponent between m = 512 and 1024": "0.630",
        "exponent between m = 1024 and 2048": "0.333",
        "without the smallest m": "0.650 [0.620, 0.680]",
        "without the largest m": "0.630 [0.600, 0.660]",
        "curvature": "no sign that the curve bends (p = 0.4; it is said to bend below 0.01)",
        "scatter of the exponent between draws": "0.02",
    }


def test_a_curve_that_bends_is_said_to(checks: dict[str, CheckResult]) -> None:
    estimate = checks["exponent"].finding.estimate
    assert isinstance(estimate, Exponent)
    bent = replace(estimate, curvature_p=0.002, without_first=(math.nan,) * 3)
    rows = _pieces(replace(checks["exponent"], finding=replace(checks["exponent"].finding, estimate=bent)))
    assert (
        rows["curvature"]
        == "the curve bends, so no single exponent describes it (p = 0.002; it is said to bend below 0.01)"
    )
    assert rows["without the smallest m"] == "too few points"
    assert _pieces(checks["attainment"])["curvature"] == "too few points to tell"


def test_growth_and_decay_have_theirs(checks: dict[str, CheckResult]) -> None:
    assert _pieces(checks["growth"])["exponent between m = 256 and 512"] == "0.610"
    assert _pieces(checks["decay"])["steps for decade 8 of the loss"] == "41.5"


def _with(check: CheckResult, estimate: Estimate | None) -> CheckResult:
    return replace(check, parameter="horizon", finding=replace(check.finding, estimate=estimate))


def test_a_frontier_has_its_widths(checks: dict[str, CheckResult]) -> None:
    table = diagnostics(_with(checks["frontier"], FRONTIER))
    assert table is not None
    assert table.rows == (
        ("m* at L = 2", "64 (50 to 80)"),
        ("m* at L = 3", "above 2048, the largest width tried (60 to above 2048)"),
    )


def test_a_frontier_of_few_widths_says_how_far_its_interval_goes(checks: dict[str, CheckResult]) -> None:
    low = replace(FRONTIER, widths=(0.0, 64.0), widths_low=(0.0, 0.0), widths_high=(300.0, 80.0), local=(1.5,))
    table = diagnostics(_with(checks["frontier"], low))
    assert table is not None
    assert table.rows == (
        ("m* at L = 2", "at most 256, the smallest width tried (at most 256 to 300)"),
        ("m* at L = 3", "64 (at most 256 to 80)"),
        ("exponent of m* between L = 2 and 3", "1.500"),
    )


def test_a_share_and_an_error_have_no_pieces(checks: dict[str, CheckResult]) -> None:
    for check in (checks["event"], checks["identity"], _with(checks["exponent"], None)):
        assert diagnostics(check) is None


def test_exhibits_have_their_spread_and_descent_its_own_table() -> None:
    asked = ExhibitResult("noise", "the same under noise", "width", 2048.0, 41.0, 39.5, 44.0, (("ok", 12), ("zero", 1)))
    tangent = ExhibitResult("tangent-rate", "rate", None, 1.0, None, None, None, (("failed", 2),))
    first, second = beside((tangent, asked))
    assert first.rows == (("noise: the same under noise", "41", "39.5 to 44", "m = 2048", "12 ok, 1 zero"),)
    assert second.caption.startswith("What the tangent kernel predicts")
    assert first.columns == ("quantity", "median", "range over draws", "at", "measurements")
    assert second.columns == ("quantity", "median", "range over draws", "measurements")
    assert second.rows == (("tangent-rate: rate", "-", "-", "2 failed"),)
    assert beside(()) == ()


def test_beside_a_frontier_its_price_is_said() -> None:
    price = Price(1.5, 1.2, 1.9, 0.9, (2.0,), (1.5,), (1.2,), (1.9,))
    shown = ExhibitResult(
        "own-w", "a W for each layer", "horizon", 3.0, None, None, None, (("ok", 5),), FRONTIER, price
    )
    (table,) = beside((shown,))
    assert table.caption == "In units of width, own-w: a W for each layer"
    assert table.columns == ("number", "value", "interval at 90 %")
    assert table.rows == (
        ("m* of the claim over this one's, geometric mean", "1.5", "1.2 to 1.9"),
        ("m* of the claim over this one's, at L = 2", "1.5", "1.2 to 1.9"),
        ("exponent of L in this one's m*", "2", "1.5 to 2.5"),
    )


def test_a_price_that_is_not_known_is_not_invented() -> None:
    price = Price(None, None, None, 0.9, (2.0,), (math.nan,), (0.5,), (math.inf,))
    own = replace(FRONTIER, value=None, low=None, high=None)
    (table,) = beside((ExhibitResult("own-w", "w", "horizon", 3.0, None, None, None, (), own, price),))
    assert [row[1:] for row in table.rows] == [
        ("not known", "not known"),
        ("not known", "0.5 to no limit"),
        ("not known", "not known"),
    ]


def test_where_nothing_is_swept_no_column_says_where(checks: dict[str, CheckResult]) -> None:
    table = Table("draws", ("arm", "p", "median"), (("as claimed", "1", "5.9"),))
    assert drawn(checks["event"], (table,)) == (Table("draws", ("arm", "median"), (("as claimed", "5.9"),)),)
    assert drawn(checks["exponent"], (table,)) == (table,)
