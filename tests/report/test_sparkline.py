"""A line of blocks shows the medians that were measured: equal steepness alike, nothing made up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Observation, Report, Status
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.sparkline import curve
from rnnconv_cli.report.table import render

Law = Callable[[float], float]
POINTS = (1.0, 2.0, 4.0, 8.0, 16.0)


def of(report: Report, main: Law, control: Law | None = None, points: Sequence[float] = POINTS) -> CheckResult:
    """A check whose arms follow these laws, with three draws at each point of which the middle one does."""
    first = report.claims[0].checks[0]
    template = first.observations[0]
    rows: list[Observation] = []
    for arm, law in (("main", main), ("control", control)):
        for point in points if law is not None else ():
            for replicate, factor in enumerate((0.9, 1.0, 1.05)):
                trial = replace(template.trial, replicate=replicate)
                value = factor * law(point) if law is not None else 0.0
                rows.append(
                    replace(template, arm=arm, point=point, trial=trial, value=value, status=Status.OK, curve=())
                )
    return replace(first, observations=tuple(rows))


def test_a_power_law_is_a_straight_stair(report: Report) -> None:
    assert curve(of(report, lambda p: 3.0 * p)) == "▁▃▅▇█ m 1 → 16: 3 → 48"
    assert curve(of(report, lambda p: 48.0 / p)) == "█▇▅▃▁ m 1 → 16: 48 → 3"


def test_two_arms_of_one_steepness_look_alike(report: Report) -> None:
    """However far apart they are; and a control that is less steep looks so."""
    assert curve(of(report, lambda p: p, lambda p: 1e9 * p)).endswith("1 → 16 [control ▁▃▅▇█]")
    assert curve(of(report, lambda p: p * p, lambda p: p)).startswith("▁▃▅▇█ ")
    assert curve(of(report, lambda p: p * p, lambda p: p)).endswith("[control ▁▂▃▄▅]")


def test_what_hardly_changes_is_flat(report: Report) -> None:
    assert curve(of(report, lambda p: 1.0 + 0.001 * p)) == "▁▁▁▁▁ m 1 → 16: 1.001 → 1.016"


def test_a_point_without_a_value_is_a_dot(report: Report) -> None:
    assert curve(of(report, lambda p: p if p != 4 else 0.0)) == "▁▃·▇█ m 1 → 16: 1 → 16"
    lost = of(report, lambda p: p)
    rows = tuple(
        replace(each, value=None, status=Status.DIVERGED) if each.point == 16 else each for each in lost.observations
    )
    assert curve(replace(lost, observations=rows)) == "▁▃▆█· m 1 → 8: 1 → 8"


def test_where_there_is_nothing_to_show_there_is_no_line(report: Report) -> None:
    assert curve(of(report, lambda p: p, points=POINTS[:2])) == ""
    assert curve(of(report, lambda p: -p)) == ""
    assert curve(of(report, lambda p: p, points=[float(p) for p in range(1, 42)])) == ""
    assert curve(replace(of(report, lambda p: p), observations=())) == ""
    for kind in ("event", "identity", "frontier"):
        assert curve(replace(of(report, lambda p: p), kind=kind)) == ""


@pytest.mark.parametrize("kind", ["exponent", "attainment", "growth", "decay"])
def test_the_kinds_that_have_a_curve(report: Report, kind: str) -> None:
    assert curve(replace(of(report, lambda p: p), kind=kind)) == "▁▃▅▇█ m 1 → 16: 1 → 16"


def test_the_envelope_over_adversaries_is_shown(report: Report) -> None:
    """The worst of every draw, as it is fitted."""
    check = of(report, lambda p: p)
    weaker = tuple(replace(each, adversary="gaussian", value=(each.value or 0.0) / 100) for each in check.observations)
    assert curve(replace(check, observations=(*check.observations, *weaker))) == curve(check)


def test_the_line_stands_in_the_table_where_there_is_room(report: Report) -> None:
    check = of(report, lambda p: 3.0 * p, lambda p: 3.0)
    one = replace(report, claims=(replace(report.claims[0], checks=(check,)),))
    line = "    curve     ▁▃▅▇█ m 1 → 16: 3 → 48 [control ▁▁▁▁▁]"
    assert line in render(one).splitlines()
    for style in (Style(width=99), Style(ascii_only=True)):
        assert "curve" not in render(one, style)


def test_where_the_smallest_was_judged_it_is_shown(report: Report) -> None:
    check = of(report, lambda p: p)
    stronger = tuple(replace(each, adversary="strong", value=100.0) for each in check.observations)
    both = replace(check, observations=(*check.observations, *stronger))
    assert curve(replace(both, worst="smallest")) == curve(check)
    assert curve(both) == "▁▁▁▁▁ m 1 → 16: 100 → 100"


def test_values_near_the_largest_that_there_is_have_a_median(report: Report) -> None:
    """Also of an even number of draws, whose sum overflows."""
    check = of(report, lambda p: 1e308)
    even = tuple(each for each in check.observations if each.trial.replicate > 0)
    assert curve(replace(check, observations=even)).startswith("▁▁▁▁▁ m 1 → 16: 1.025e+308")
