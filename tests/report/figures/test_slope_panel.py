"""The panel of a slope: its fans show exactly what the verdict rests on."""

from __future__ import annotations

import math

import pytest

from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN
from rnnconv_cli.report.figures.measured import Column
from rnnconv_cli.report.figures.slope_panel import INFINITE, WITHOUT, ZEROS, Slope, fitted, panel, path
from rnnconv_cli.report.figures.ticks import axis

POINTS = (2.0, 4.0, 8.0)
X = axis("p", "log", POINTS, grid=POINTS)


def _columns(power: float) -> tuple[Column, ...]:
    return tuple(Column(point, (0.9 * 3 * point**power, 3 * point**power / 0.9), ()) for point in POINTS)


def test_the_fit_goes_through_the_centroid_of_the_means() -> None:
    uneven = (Column(2.0, (1.0,), ()), Column(4.0, (8.0,), ()), Column(8.0, (4.0,), ()))
    (x0, y0), (x1, y1) = path(fitted(MAIN, "q", uneven, Slope(1.0, 0.9, 1.1, POINTS), "log"))
    assert (x0, x1) == pytest.approx((2.0, 8.0))
    assert y1 / y0 == pytest.approx(4.0)
    assert math.sqrt(y0 * y1) == pytest.approx(32.0 ** (1 / 3))


def test_only_the_points_of_the_fit_count() -> None:
    columns = (Column(1.0, (1e6,), ()), *_columns(0.5), Column(16.0, (1e-6,), ()))
    ends = path(fitted(MAIN, "q", columns, Slope(0.5, 0.4, 0.6, POINTS), "log"))
    assert ends[0] == pytest.approx((2.0, 3 * 2**0.5))
    assert ends[1] == pytest.approx((8.0, 3 * 8**0.5))


def test_a_rate_is_a_line_over_a_linear_scale() -> None:
    columns = tuple(Column(point, (2.0 * math.exp(0.3 * point),), ()) for point in POINTS)
    ends = path(fitted(MAIN, "q", columns, Slope(0.3, 0.2, 0.4, POINTS), "linear"))
    assert ends[1] == pytest.approx((8.0, 2.0 * math.exp(2.4)))


@pytest.mark.parametrize(
    ("low", "high", "allowed", "is_inside"),
    [
        (0.4, 0.6, (-math.inf, 0.7), True),
        (0.4, 0.8, (-math.inf, 0.7), False),
        (0.4, 0.6, (0.3, math.inf), True),
        (0.4, 0.6, (0.45, math.inf), False),
        (0.4, 0.6, (0.3, 0.7), True),
        (0.4, 0.6, (0.3, 0.55), False),
    ],
)
def test_the_interval_lies_in_the_shade_where_it_is_allowed(
    low: float, high: float, allowed: tuple[float, float], is_inside: bool
) -> None:
    arm = fitted(MAIN, "q", _columns(0.5), Slope(0.5, low, high, POINTS), "log")
    shade, own = panel("as claimed", arm, X, allowed).shades
    assert (shade.role, own.role) == (ALLOWED, MAIN)
    assert shade.corners[0] == own.corners[0] == pytest.approx((2.0, 3 * 2**0.5))
    border, mine = ([y for x, y in each.corners if x == pytest.approx(X.high)] for each in (shade, own))
    is_above = math.isinf(allowed[0]) or min(border) <= min(mine)
    is_below = math.isinf(allowed[1]) or max(mine) <= max(border)
    assert (is_above and is_below) == is_inside


@pytest.mark.parametrize("slope", [None, Slope(math.nan, 0.0, 1.0, POINTS), Slope(0.5, 0.4, 0.6, (3.0, 5.0))])
def test_without_a_slope_the_draws_are_shown_alone(slope: Slope | None) -> None:
    found = panel("control", fitted(CONTROL, "q", _columns(0.5), slope, "log"), X, (-math.inf, 0.7))
    assert found.shades == ()
    assert [series.shape for series in found.series] == ["dots", "marks"]


def test_an_open_interval_has_no_fan() -> None:
    arm = fitted(MAIN, "q", _columns(0.5), Slope(0.5, -math.inf, math.inf, POINTS), "log")
    assert [shade.role for shade in panel("as claimed", arm, X, (-math.inf, 0.7)).shades] == [ALLOWED]


def test_draws_without_a_value_are_counted_where_they_lie() -> None:
    lost = (("diverged", 2), ("not-reached", 1), ("out-of-regime", 4))
    columns = (Column(2.0, (1.0,), lost), Column(4.0, (2.0, -1.0, 0.0), ()))
    found = panel("as claimed", fitted(MAIN, "q", columns, None, "log"), X, (0.0, 1.0))
    assert [(note.at[0], note.text, note.label) for note in found.notes] == [
        (2.0, "3×∞", INFINITE),
        (2.0, "4×–", WITHOUT),
    ]
    assert found.series[0].paths == (((2.0, 1.0), (4.0, 2.0)),)


def test_zeros_are_told_from_draws_without_a_value() -> None:
    columns = (Column(2.0, (1.0,), (("failed", 4), ("zero", 2))), Column(4.0, (), (("zero", 6),)))
    found = panel("as claimed", fitted(MAIN, "q", columns, None, "log"), X, (0.0, 1.0))
    assert [(note.text, note.label) for note in found.notes] == [("2×0 4×–", f"{ZEROS}; {WITHOUT}"), ("6×0", ZEROS)]


def test_a_fan_says_what_it_is_and_has_no_place_beside_a_fitted_power() -> None:
    alone, along = (Slope(0.5, 0.4, 0.6, POINTS, is_alone) for is_alone in (True, False))
    found = [panel("", fitted(MAIN, "q", _columns(0.5), each, "log"), X, (-math.inf, 0.7)) for each in (alone, along)]
    assert [shade.label for shade in found[0].shades] == ["allowed by the claim", "slopes within the interval"]
    assert [shade.label for shade in found[1].shades] == ["allowed by the claim"]


def test_an_arm_without_values_is_shown_around_those_of_another() -> None:
    empty = fitted(MAIN, "q", (Column(2.0, (), (("zero", 6),)),), None, "log")
    found = panel("as claimed", empty, X, (0.0, 1.0), elsewhere=(100.0, 1000.0))
    assert found.y.low < 100.0 < 1000.0 < found.y.high
