"""Figures of draws that are counted: each against what it is held against, and the share of those that keep it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Inequality, Report, Status
from rnnconv_cli.report.figures.counting_panels import event_figure, identity_figure
from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN, PREDICTED, Panel, Series


@pytest.fixture
def event(report: Report) -> CheckResult:
    return _at_one_point(next(check for check in report.claims[0].checks if check.kind == "event"))


def _at_one_point(check: CheckResult) -> CheckResult:
    """The check with every draw at one point, numbered: main's from 90, the control's from 120."""
    observations = []
    for index, each in enumerate(check.observations):
        trial = replace(each.trial, replicate=index % 12, problem=check.observations[0].trial.problem)
        value = (90.0 if each.arm == "main" else 120.0) + index % 12
        observations.append(replace(each, point=1.0, trial=trial, value=value, status=Status.OK))
    return replace(check, observations=tuple(observations))


def _dots(panel: Panel, role: str) -> Series:
    (found,) = (series for series in panel.series if series.shape == "dots" and series.role == role)
    return found


def test_every_draw_stands_on_its_side_of_the_bound(event: CheckResult) -> None:
    found = event_figure(event)
    assert found is not None
    draws, shares = found.panels
    assert [label for _, label in draws.x.ticks] == ["as claimed", "control"]
    assert sorted(y for _, y in _dots(draws, MAIN).paths[0]) == [90.0 + index for index in range(12)]
    assert sorted(y for _, y in _dots(draws, CONTROL).paths[0]) == [120.0 + index for index in range(12)]
    assert max(x for x, _ in _dots(draws, MAIN).paths[0]) < min(x for x, _ in _dots(draws, CONTROL).paths[0])
    (border,) = (series for series in draws.series if series.role == PREDICTED)
    assert (border.label, {y for _, y in border.paths[0]}) == ("bound 100", {100.0})
    assert {y for _, y in draws.shades[0].corners} == {100.0, draws.y.low}
    assert {x for x, _ in shares.shades[0].corners} == {0.9, 1.0}


@pytest.mark.parametrize(("side", "end"), [("upper", "low"), ("lower", "high")])
def test_the_allowed_side_is_shaded(event: CheckResult, side: str, end: str) -> None:
    predicted = replace(event.predicted, counted=Inequality(side, 100.0, 0.9))
    found = event_figure(replace(event, predicted=predicted))
    assert found is not None
    (shade,) = found.panels[0].shades
    assert shade.role == ALLOWED
    assert {y for _, y in shade.corners} == {100.0, getattr(found.panels[0].y, end)}


def test_without_a_known_bound_the_draws_are_shown_alone(event: CheckResult) -> None:
    found = event_figure(replace(event, predicted=replace(event.predicted, counted=None)))
    assert found is not None
    assert found.panels[0].shades == ()
    assert "is within its bound in 57 of 57 draws" in found.text


def test_words_have_both_shares(event: CheckResult) -> None:
    found = event_figure(event)
    assert found is not None
    share = "57 of 57 draws, a share of 1.000 [0.937, 1.000]"
    assert (
        found.text
        == f"activation-flips [1] is at most 100 in {share}; 0.9 is wanted. Under the control it is in {share}."
    )


def test_draws_that_have_no_place_are_counted(event: CheckResult) -> None:
    rows = list(event.observations)
    rows[0] = replace(rows[0], value=None, status=Status.ZERO)
    rows[1] = replace(rows[1], value=1e-9)
    rows[2] = replace(rows[2], value=None, status=Status.DIVERGED)
    found = event_figure(replace(event, observations=tuple(rows)))
    assert found is not None
    draws = found.panels[0]
    assert draws.y.scale == "log"
    assert sorted(note.text for note in draws.notes) == ["1 diverged", "1 × 0"]
    assert len(_dots(draws, MAIN).paths[0]) == 10


def test_points_of_a_sweep_have_columns_for_both_arms(event: CheckResult) -> None:
    moved = tuple(replace(each, point=float(1 + index % 2)) for index, each in enumerate(event.observations))
    found = event_figure(replace(event, observations=moved, parameter="width"))
    assert found is not None
    draws = found.panels[0]
    assert [label for _, label in draws.x.ticks] == ["1", "2"]
    for role, sign in ((MAIN, -1), (CONTROL, 1)):
        assert all(sign * (x - round(x)) > 0 for x, _ in _dots(draws, role).paths[0])


def test_an_identity_is_held_against_its_rounding_units(report: Report) -> None:
    check = _at_one_point(next(check for check in report.claims[0].checks if check.kind == "identity"))
    found = identity_figure(check)
    assert found is not None
    (draws,) = found.panels
    assert draws.y.label == "activation-flips [rounding units]"
    (border,) = (series for series in draws.series if series.role == PREDICTED)
    assert border.label == "at most 8"
    assert {y for _, y in draws.shades[0].corners} == {8.0, draws.y.low}
    assert found.text == (
        "The largest error is 0.35 rounding units in 24 draws, 8 are allowed. "
        "Under the control it is 0.35 rounding units in 24 draws."
    )


def test_where_the_smallest_was_judged_it_is_drawn(report: Report) -> None:
    check = next(each for each in report.claims[0].checks if each.kind == "event")
    strong = tuple(replace(each, value=(each.value or 0.0) * 100, adversary="strong") for each in check.observations)
    largest = {}
    for worst in ("largest", "smallest"):
        found = event_figure(replace(check, observations=(*check.observations, *strong), worst=worst))
        assert found is not None
        largest[worst] = max(float(row[5]) for row in found.tables[0].rows if row[0] == "control")
    assert largest["largest"] == pytest.approx(100 * largest["smallest"], rel=1e-3)
