"""A figure for every kind of check, from any result: words, panels and tables that agree with what was judged."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass, replace

import pytest

from rnnconv_cli.records import CheckResult, Decay, Estimate, Exponent, Frontier, Growth, Inequality, Report, Status
from rnnconv_cli.report.figures.data import FIGURES, figure_of
from rnnconv_cli.report.figures.draw import svg
from rnnconv_cli.report.figures.figure import Figure, Panel

HOSTILE = "a\x1b[31m$\\frac{1}{2}$<script>\u202e\x00"


def _figure(report: Report, kind: str) -> Figure:
    (check,) = (each for each in report.claims[0].checks if each.kind == kind)
    found = figure_of(check)
    assert found is not None
    return found


def _texts(part: object) -> list[str]:
    if isinstance(part, str):
        return [part]
    if isinstance(part, tuple):
        return [text for each in part for text in _texts(each)]
    return [text for each in fields(part) for text in _texts(getattr(part, each.name))] if is_dataclass(part) else []


def _panels(figure: Figure) -> list[tuple[str, str]]:
    return [(panel.heading, panel.x.label) for panel in figure.panels]


def test_every_kind_of_prediction_has_its_figure(report: Report) -> None:
    assert {check.kind for check in report.claims[0].checks} == set(FIGURES)


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_a_figure_says_in_words_what_it_shows(report: Report, kind: str) -> None:
    found = _figure(report, kind)
    assert found.text.endswith(".")
    assert 40 < len(found.text) < 320
    assert found.panels
    for table in found.tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_where_nothing_was_measured_there_is_no_figure(report: Report, kind: str) -> None:
    (unmeasured,) = (each for each in report.claims[1].checks if each.id == "nothing-measured")
    assert figure_of(replace(unmeasured, kind=kind)) is None


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_where_every_trial_failed_the_words_say_so_or_there_is_no_figure(report: Report, kind: str) -> None:
    (check,) = (each for each in report.claims[0].checks if each.kind == kind)
    lost = tuple(replace(each, value=None, status=Status.FAILED, curve=()) for each in check.observations)
    control = replace(check.control, finding=replace(check.control.finding, estimate=None))
    finding = replace(check.finding, estimate=None)
    assert figure_of(replace(check, observations=lost, finding=finding, control=control)) is None


def test_a_kind_that_is_not_known_has_no_figure(report: Report) -> None:
    assert figure_of(replace(report.claims[0].checks[0], kind="riddle")) is None


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_nothing_of_a_stranger_acts(report: Report, kind: str) -> None:
    (check,) = (each for each in report.claims[0].checks if each.kind == kind)
    trials = tuple(replace(each, trial=replace(each.trial, quantity=HOSTILE)) for each in check.observations)
    exhibits = tuple(replace(each, id=HOSTILE, estimate=None) for each in check.exhibits)
    found = figure_of(replace(check, parameter=HOSTILE, observations=trials, exhibits=exhibits))
    acting = [text for text in _texts(found) if any(char in text for char in "\x1b\x00\u202e")]
    assert acting == []


def _with_numbers(check: CheckResult, number: float) -> CheckResult:
    """The check with another number everywhere that a stranger could write one."""
    observations = tuple(
        replace(each, point=abs(number) * (index % 4), value=number, curve=((0, number), (10**9, number)))
        for index, each in enumerate(check.observations)
    )
    finding = replace(check.finding, estimate=_spoilt(check.finding.estimate, number))
    counted = Inequality("upper", number, number)
    return replace(
        check,
        observations=observations,
        finding=finding,
        predicted=replace(check.predicted, number=number, tolerance=number, counted=counted),
    )


def _spoilt(estimate: Estimate | None, number: float) -> Estimate | None:
    points = (number, abs(number), 0.0)
    match estimate:
        case Exponent() | Growth():
            return replace(estimate, value=number, low=number, high=math.inf, points=points)
        case Frontier():
            three = (number,) * 3
            found = replace(estimate, widths=three, widths_low=three, widths_high=three)
            return replace(found, value=number, low=number, high=number, points=points)
        case Decay():
            return replace(estimate, value=number, rate=number, tail=(10**9, -(10**9)))
    return estimate


@pytest.mark.parametrize("number", [0.0, -1.0, 1e-300, 1e300, -1e300, 5e-324])
@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_no_number_of_a_stranger_ends_in_a_crash(report: Report, kind: str, number: float) -> None:
    (check,) = (each for each in report.claims[0].checks if each.kind == kind)
    found = figure_of(_with_numbers(check, number))
    for panel in found.panels if found else ():
        assert _is_ordered(panel)
    assert found is None or svg(found, prefix="x").endswith("</svg>")


def _is_ordered(panel: Panel) -> bool:
    return panel.x.low < panel.x.high and panel.y.low < panel.y.high
