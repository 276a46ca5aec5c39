"""Figures of slopes: the arms beside each other, what is allowed of both, and the intervals that were judged."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.judge.allowed import earned
from rnnconv_cli.records import CheckResult, Exponent, Growth, Report, Status
from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN, Panel
from rnnconv_cli.report.figures.scaling_panels import figure_of


@pytest.fixture
def exponent(report: Report) -> CheckResult:
    return report.claims[0].checks[0]


@pytest.fixture
def growth(report: Report) -> CheckResult:
    return report.claims[0].checks[1]


def _steepest(panel: Panel, scale: str = "log") -> float:
    """The largest slope of what is allowed, from the shade's corners."""
    (shade,) = (each for each in panel.shades if each.role == ALLOWED)
    start, edge = shade.corners[0], max(shade.corners, key=lambda corner: (corner[0], corner[1]))
    along = math.log(edge[0] / start[0]) if scale == "log" else edge[0] - start[0]
    return math.log(edge[1] / start[1]) / along


def test_the_arms_stand_beside_each_other_on_one_axis(exponent: CheckResult) -> None:
    found = figure_of(exponent)
    assert found is not None
    main, control, judged = found.panels
    assert [panel.heading for panel in found.panels] == ["as claimed: within", "control: outside", "exponent at 99.5%"]
    assert main.x == control.x
    assert {series.role for series in main.series} == {MAIN}
    assert {series.role for series in control.series} == {CONTROL}
    assert [label for _, label in judged.y.ticks] == [
        "as claimed",
        "without m = 256",
        "without m = 2048",
        "point to point",
        "control",
    ]


def test_arms_far_apart_have_axes_of_their_own(exponent: CheckResult) -> None:
    moved = tuple(
        replace(each, point=each.point * 100) if each.arm == "control" else each for each in exponent.observations
    )
    found = figure_of(replace(exponent, observations=moved))
    assert found is not None
    assert found.panels[1].x.low > found.panels[0].x.high


def test_the_shade_holds_the_tolerance_and_what_a_log_earns(exponent: CheckResult) -> None:
    found = figure_of(exponent)
    assert found is not None
    assert _steepest(found.panels[0]) == pytest.approx(2 / 3 + 0.04 + 0.02)


def test_a_log_earns_the_control_what_it_earns_on_its_own_grid(exponent: CheckResult) -> None:
    fit = exponent.finding.estimate
    assert isinstance(fit, Exponent)
    short = replace(fit, points=(256.0, 512.0))
    control = replace(exponent.control, finding=replace(exponent.control.finding, estimate=short))
    found = figure_of(replace(exponent, control=control))
    assert found is not None
    gain = 0.02 * earned(1.0, short.points) / earned(1.0, fit.points)
    assert _steepest(found.panels[1]) == pytest.approx(2 / 3 + 0.04 + gain)


def test_a_rate_is_shown_after_its_power_was_taken_off(growth: CheckResult) -> None:
    found = figure_of(growth)
    assert isinstance(growth.finding.estimate, Growth)
    assert found is not None
    main = found.panels[0]
    assert main.y.label == "activation-flips / m^0.50 [1]"
    assert (main.x.scale, main.y.scale) == ("linear", "log")
    (means,) = (series for series in main.series if series.shape == "marks")
    assert [y for _, y in means.paths[0]] == pytest.approx([point**0.141 for point in (256.0, 512.0, 1024.0, 2048.0)])
    assert _steepest(main, "linear") == pytest.approx(0.17)


def test_an_arm_without_a_fit_shows_what_there_is(exponent: CheckResult) -> None:
    nothing = replace(exponent.control.finding, estimate=None, because="3 of 3 draws missed their target at m = 512")
    lost = tuple(
        replace(each, value=None, status=Status.NOT_REACHED) if each.arm == "control" and each.point > 300 else each
        for each in exponent.observations
    )
    found = figure_of(replace(exponent, observations=lost, control=replace(exponent.control, finding=nothing)))
    assert found is not None
    control, judged = found.panels[1:]
    assert control.shades == ()
    assert [note.text for note in control.notes] == ["3×∞"] * 3
    assert "control" not in [label for _, label in judged.y.ticks]
    assert found.text.endswith("under the control there is none: 3 of 3 draws missed their target at m = 512.")


def test_words_and_table_have_the_numbers(exponent: CheckResult) -> None:
    found = figure_of(exponent)
    assert found is not None
    assert found.text == (
        "activation-flips [1], the geometric mean of up to 3 draws, goes from 34.97 at m = 256 to 132.6 at m = 2048. "
        "Its exponent is 0.641 [0.622, 0.660]; at most 0.7267 is allowed; under the control "
        "that of activation-flips-of-noise is 0.641 [0.622, 0.660]."
    )
    same = figure_of(replace(exponent, control=replace(exponent.control, quantity=exponent.quantity)))
    assert same is not None
    assert same.text.endswith("; under the control it is 0.641 [0.622, 0.660].")
    (table,) = found.tables
    assert table.columns == ("arm", "m", "draws", "smallest", "geometric mean", "largest", "without a value")
    assert table.rows[0] == ("as claimed", "256", "1", "34.97", "34.97", "34.97", "1 diverged, 1 zero")
    assert len(table.rows) == 8


def test_an_arm_of_zeros_is_shown_with_their_number(exponent: CheckResult) -> None:
    zeros = tuple(
        replace(each, value=0.0, status=Status.ZERO) if each.arm == "main" else each for each in exponent.observations
    )
    found = figure_of(replace(exponent, observations=zeros))
    assert found is not None
    main, control = found.panels[:2]
    assert (main.heading, control.heading) == ("as claimed: within", "control: outside")
    assert [note.text for note in main.notes] == ["3×0"] * 4
    assert found.text.startswith("No draw has a positive value.")
    nothing = tuple(replace(each, value=0.0, status=Status.ZERO) for each in exponent.observations)
    assert figure_of(replace(exponent, observations=nothing)) is None


@pytest.mark.parametrize("estimate", ["fitted", "none"])
def test_where_the_smallest_was_judged_it_is_drawn(exponent: CheckResult, growth: CheckResult, estimate: str) -> None:
    """Whether a slope could be fitted or not."""
    for check in (exponent, growth):
        finding = check.finding if estimate == "fitted" else replace(check.finding, estimate=None)
        strong = tuple(
            replace(each, value=(each.value or 0.0) * 100, adversary="strong") for each in check.observations
        )
        shown = {}
        for worst in ("largest", "smallest"):
            both = replace(check, finding=finding, observations=(*check.observations, *strong), worst=worst)
            found = figure_of(both)
            assert found is not None
            (means,) = (series for series in found.panels[0].series if series.shape == "marks")
            shown[worst] = means.paths[0][-1][1]
        assert shown["largest"] == pytest.approx(100 * shown["smallest"])


def test_a_growth_beside_a_power_has_no_fan_of_its_interval(growth: CheckResult) -> None:
    found = figure_of(growth)
    assert found is not None
    assert [shade.role for shade in found.panels[0].shades] == [ALLOWED]
    assert isinstance(growth.finding.estimate, Growth)
    alone = replace(growth.finding, estimate=replace(growth.finding.estimate, exponent=math.nan))
    found = figure_of(replace(growth, finding=alone))
    assert found is not None
    assert [shade.role for shade in found.panels[0].shades] == [ALLOWED, MAIN]
