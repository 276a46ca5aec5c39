"""Figures of the kinds that fit a slope: exponent and attainment on two log scales, growth beside a power."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rnnconv_cli.judge.allowed import earned
from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import CheckResult, Estimate, Exponent, Finding, Growth
from rnnconv_cli.report.figures import judged_panel, slope_panel
from rnnconv_cli.report.figures.figure import CONTROL, MAIN, Axis, Figure, Panel, Table
from rnnconv_cli.report.figures.judged_panel import NAMES, Row, allowed_by, bounds, verdict_heading
from rnnconv_cli.report.figures.measured import (
    COLUMNS,
    Column,
    arm_of,
    columns,
    drawn_quantity,
    parameter_label,
    table_rows,
)
from rnnconv_cli.report.figures.slope_panel import Fitted, Slope, fitted, is_known
from rnnconv_cli.report.figures.ticks import axis
from rnnconv_cli.report.layout import amount, interval, quantity


def figure_of(check: CheckResult) -> Figure | None:
    """The figure of an exponent, an attained exponent or a rate of growth; None where no draw has a value."""
    arms = [_arm(check, MAIN, check.finding), _arm(check, CONTROL, check.control.finding)]
    values = [each for arm in arms for column in arm.columns for each in column.values]
    if not values:
        return None
    shown = [arm for arm in arms if arm.columns]
    panels = [
        slope_panel.panel(verdict_heading(check, arm.role), arm, x, _allowed(check, arm), elsewhere=values)
        for arm, x in zip(shown, _x_axes(check, shown), strict=True)
    ]
    name = f"{shown[0].label} against {parameter_label(check.parameter)}"
    tables = tuple(_tables(check, arms))
    return Figure(name, f"{_course(check, shown[0])} {_judgement(check)}", (*panels, *_judged(check)), tables)


def _tables(check: CheckResult, arms: Sequence[Fitted]) -> Iterator[Table]:
    """The numbers of the arms, those of one quantity together: each growth has its own power taken out."""
    for label in dict.fromkeys(arm.label for arm in arms):
        rows = [row for arm in arms if arm.label == label for row in table_rows(NAMES[arm.role], arm.columns)]
        if rows:
            yield Table(f"{label} at each point", ("arm", symbol(check.parameter), *COLUMNS), tuple(rows))


def _x_axes(check: CheckResult, arms: Sequence[Fitted]) -> list[Axis]:
    """An axis for each arm: the same one, so that slopes can be compared, unless their points lie apart."""
    grids = [[each.point for each in arm.columns] for arm in arms]
    if max(map(min, grids)) <= min(map(max, grids)):
        grids = [[point for grid in grids for point in grid]] * len(arms)
    label = parameter_label(check.parameter)
    return [axis(label, arm.x_scale, grid, grid=grid) for arm, grid in zip(arms, grids, strict=True)]


def _arm(check: CheckResult, role: str, finding: Finding) -> Fitted:
    own, fit = arm_of(check, role), finding.estimate
    found, label = columns(check, role), drawn_quantity(own)
    if isinstance(fit, Growth) and math.isfinite(fit.exponent):
        found = tuple(_without_power(each, fit.exponent) for each in found)
        label = f"{label.rsplit(' ', 1)[0]} / {symbol(check.parameter)}^{fit.exponent:.2f} [1]"
    return fitted(role, label, found, _slope(fit), "linear" if check.kind == "growth" else "log")


def _slope(fit: Estimate | None) -> Slope | None:
    if not isinstance(fit, Exponent | Growth):
        return None
    is_alone = not isinstance(fit, Growth) or not math.isfinite(fit.exponent)
    return Slope(fit.value, fit.low, fit.high, fit.points, is_alone)


def _without_power(column: Column, power: float) -> Column:
    """The column divided by p^power."""
    shift = -power * math.log(column.point) if column.point > 0 else 0.0
    values = (math.exp(min(math.log(each) + shift, 700.0)) if each > 0 else each for each in column.values)
    return Column(column.point, tuple(values), column.lost)


def _allowed(check: CheckResult, arm: Fitted) -> tuple[float, float]:
    """What is allowed of an arm's slope: a log factor earns on each grid what it earns there."""
    low, high = allowed_by(check.predicted)
    main, gain = check.finding.estimate, check.predicted.earned
    if not gain or arm.slope is None or not isinstance(main, Exponent):
        return low, high
    grids = main.points, arm.slope.points
    there, here = (earned(1.0, grid) if len(set(grid)) > 1 and min(grid) > 0 else 0.0 for grid in grids)
    change = gain * (here / there - 1) if there else 0.0
    return low - change, high + change


def _judged(check: CheckResult) -> tuple[Panel, ...]:
    """The panel of the slope's intervals: with every point, without an end, of the control; and point to point."""
    main, at = check.finding.estimate, symbol(check.parameter)
    rows = [*judged_panel.row(NAMES[MAIN], MAIN, main)]
    if isinstance(main, Exponent) and main.points:
        for point, (middle, low, high) in (
            (main.points[0], main.without_first),
            (main.points[-1], main.without_last),
        ):
            rows.append(Row(f"without {at} = {quantity(point)}", MAIN, (middle,), (low, high)))
        rows.append(Row("point to point", MAIN, main.local))
    rows += judged_panel.row(NAMES[CONTROL], CONTROL, check.control.finding.estimate)
    if not rows:
        return ()
    heading, allowed = judged_panel.heading(_word(check), main), allowed_by(check.predicted)
    if check.kind == "growth":  # whose number is the border itself
        return (judged_panel.panel(heading, f"r [1/{at}]", rows, allowed),)
    return (judged_panel.panel(heading, f"exponent of {at} [1]", rows, allowed, claimed=check.predicted.number),)


def _word(check: CheckResult) -> str:
    return "rate of growth" if check.kind == "growth" else "exponent"


def _course(check: CheckResult, arm: Fitted) -> str:
    """From where to where the means go."""
    known, at = [each for each in arm.columns if is_known(each)], symbol(check.parameter)
    name = "" if arm.role == MAIN else " of the control"
    if not known:
        return f"No draw{name} has a positive value."
    ends = [f"{quantity(math.exp(each.mean_log))} at {at} = {quantity(each.point)}" for each in (known[0], known[-1])]
    most = max(len(each.values) for each in known)
    return f"{arm.label}{name}, the geometric mean of up to {amount(most, 'draw')}, goes from {ends[0]} to {ends[1]}."


def _judgement(check: CheckResult) -> str:
    """The judged number with what is allowed of it, and the control's."""
    main = judged_panel.interval_of(check.finding.estimate)
    found = f"Its {_word(check)} is {interval(*main)}" if main else f"No {_word(check)} could be fitted"
    return f"{found}; {bounds(allowed_by(check.predicted))} is allowed; {judged_panel.under_the_control(check)}."
