"""The figure of a frontier: shares as they were counted, and m* where the judge has put it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, ExhibitResult, Frontier, Observation, Predicted, Report, Status
from rnnconv_cli.report.figures.draw import svg
from rnnconv_cli.report.figures.figure import BESIDE, CONTROL, MAIN, PREDICTED
from rnnconv_cli.report.figures.frontier_panels import BEYOND, figure_of

WIDTHS = (8, 16, 32, 64)
DRAWS = 20
OURS = Frontier(1.0, 0.9, 1.1, 0.99, (2.0, 4.0), (12.0, 24.0), (10.0, 20.0), (14.0, 28.0), 8, (1.0,), 0.1)


@pytest.fixture
def check(report: Report) -> CheckResult:
    found = next(each for each in report.claims[0].checks if each.kind == "frontier")
    rows = [
        _draw(found.observations[0], point, width, draw)
        for point in (2.0, 4.0)
        for width in WIDTHS
        for draw in range(DRAWS if width < 64 else 2)
    ]
    beyond = replace(OURS, value=None, low=None, high=None, widths=(math.inf, 0.0), widths_low=(64.0, 0.0))
    other = replace(
        OURS, value=0.8, low=0.7, high=0.9, widths=(6.0, 12.0), widths_low=(5.0, 10.0), widths_high=(7.0, 14.0)
    )
    beside = ExhibitResult("independent-layers", "", "horizon", 4.0, None, None, None, (), other)
    control = replace(found.control, finding=replace(found.control.finding, estimate=beyond))
    predicted = replace(found.predicted, number=1.5, tolerance=0.2)
    return replace(
        found,
        parameter="horizon",
        observations=tuple(rows),
        predicted=predicted,
        finding=replace(found.finding, estimate=OURS),
        control=control,
        exhibits=(beside,),
    )


def _draw(like: Observation, point: float, width: int, draw: int) -> Observation:
    """At width 8 p no draw holds, at 16 p half of them, above all; one diverged at the largest."""
    trial = replace(like.trial, replicate=draw, problem=replace(like.trial.problem, width=width))
    holds = width > 8 * point or (width == 8 * point and draw % 2 == 0)
    row = replace(like, arm="main", point=point, trial=trial, value=50.0 if holds else 150.0, status=Status.OK)
    return replace(row, value=None, status=Status.DIVERGED) if width == 64 and draw == 0 else row


def test_shares_are_those_of_the_draws(check: CheckResult) -> None:
    found = figure_of(check)
    assert found is not None
    (table,) = (each for each in found.tables if each.columns[2] == "hold")
    assert [row[:4] for row in table.rows if row[0] == "2"] == [
        ("2", "8", "0", "20"),
        ("2", "16", "10", "20"),
        ("2", "32", "20", "20"),
        ("2", "64", "1", "2"),
    ]


def test_widths_that_were_only_tried_are_not_drawn(check: CheckResult) -> None:
    found = figure_of(check)
    assert found is not None
    doses = found.panels[0]
    assert doses.heading == "widths of 5 draws or more"
    first, second = (series for series in doses.series if series.role == MAIN and series.shape == "line")
    assert first.paths == (((8.0, 0.0), (16.0, 0.5), (32.0, 1.0)),)
    assert second.paths == (((8.0, 0.0), (16.0, 0.0), (32.0, 0.5)),)
    assert (first.label, second.label) == ("L = 2", "L = 4")
    assert first.strength < second.strength == 1.0
    (wanted,) = (series for series in doses.series if series.role == PREDICTED)
    assert (wanted.label, {y for _, y in wanted.paths[0]}) == ("share that is wanted: 0.75", {0.75})
    (marks,) = (series for series in doses.series if series.shape == "marks")
    assert marks.paths == (((12.0, 0.75), (24.0, 0.75)),)


@pytest.mark.parametrize("n_points", [1, 2, 3, 6, 12, 24, 41])  # of which thirds and fortieths are rounded
def test_curves_are_told_apart_by_strengths_that_an_opacity_can_have(check: CheckResult, n_points: int) -> None:
    points = [2.0 + each for each in range(n_points)]
    rows = tuple(replace(row, point=point) for point in points for row in check.observations if row.point == 2.0)
    found = figure_of(replace(check, observations=rows))
    assert found is not None
    strengths = [each.strength for each in found.panels[0].series if each.role == MAIN and each.shape == "line"]
    assert strengths == sorted(set(strengths))
    assert len(strengths) == n_points
    assert strengths[0] > 0.2
    assert strengths[-1] == 1
    assert svg(found, prefix="x").startswith("<svg")


def test_every_frontier_is_shown_and_none_hides_another(check: CheckResult) -> None:
    found = figure_of(check)
    assert found is not None
    widths = found.panels[1]
    marks = {series.role: series for series in widths.series if series.shape == "marks"}
    assert marks[MAIN].paths == (((2.0, 12.0), (4.0, 24.0)),)
    assert marks[MAIN].ends == ((10.0, 14.0), (20.0, 28.0))
    assert [y for _, y in marks[BESIDE].paths[0]] == [6.0, 12.0]
    assert all(2.0 < x < 2.3 or 4.0 < x < 4.4 for x, _ in marks[BESIDE].paths[0])
    assert (marks[CONTROL].paths, marks[CONTROL].label) == (((),), "")
    assert [shade.corners[0] for shade in widths.shades] == [pytest.approx((2.0, 12.0))] * 2
    assert [label for _, label in found.panels[2].y.ticks] == ["as claimed", "independent-layers"]


def test_m_beyond_the_widths_is_said(check: CheckResult) -> None:
    beyond = replace(OURS, widths=(0.0, math.inf), widths_low=(0.0, 30.0), widths_high=(8.0, math.inf))
    found = figure_of(replace(check, finding=replace(check.finding, estimate=beyond)))
    assert found is not None
    notes = found.panels[1].notes
    assert [(note.at[0], note.text, note.side, note.label) for note in notes] == [
        (2.0, "< all", "above", BEYOND),
        (4.0, "> all", "below", BEYOND),
    ]
    low, high = "at most 8, the smallest width tried, at L = 2", "above 64, the largest width tried, at L = 4"
    assert found.text.startswith(f"The smallest width that suffices is {low} and {high}.")
    assert found.tables[0].rows[:2] == (
        ("as claimed", "2", "≤ 8", "≤ 8", "8"),
        ("as claimed", "4", "> 64", "30", "> 64"),
    )


def test_without_the_bound_only_m_is_shown(check: CheckResult) -> None:
    unknown = Predicted("frontier", "upper", None, "exponent", 0.0, 0.0, "measured only")
    found = figure_of(replace(check, predicted=unknown))
    assert found is not None
    assert [panel.heading for panel in found.panels] == ["as claimed: measured", "exponent of m* at 99%"]
    course = "The smallest width that suffices is 12 at L = 2 and 24 at L = 4."
    assert found.text == f"{course} Its exponent is 1.000 [0.900, 1.100]."


def test_what_is_allowed_is_said_where_something_is(check: CheckResult) -> None:
    found = figure_of(check)
    assert found is not None
    assert found.text.endswith("exponent is 1.000 [0.900, 1.100]; at most 1.7 is allowed.")


def test_where_the_smallest_was_judged_its_shares_are_shown(check: CheckResult) -> None:
    """Noise keeps the bound in every draw: what counts is what was judged."""
    noise = tuple(replace(each, adversary="gaussian", value=50.0, status=Status.OK) for each in check.observations)
    both = replace(check, observations=(*check.observations, *noise))
    held = {}
    for worst in ("largest", "smallest"):
        found = figure_of(replace(both, worst=worst))
        assert found is not None
        (table,) = (each for each in found.tables if each.columns[2] == "hold")
        held[worst] = [row[2] for row in table.rows if row[0] == "2"]
    assert held == {"largest": ["0", "10", "20", "1"], "smallest": ["20", "20", "20", "2"]}
