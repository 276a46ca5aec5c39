"""The figure of a decay: the loss along the runs, and the steps that each further decade of it takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from statistics import fmean

from rnnconv_cli.records import TANGENT, CheckResult, Decay, Observation, Status
from rnnconv_cli.report.figures import judged_panel, slope_panel
from rnnconv_cli.report.figures.figure import CONTROL, MAIN, PREDICTED, Axis, Figure, Panel, Point, Series, Table
from rnnconv_cli.report.figures.judged_panel import NAMES, allowed_by, bounds
from rnnconv_cli.report.figures.measured import COLUMNS, Column, arm_of, columns, table_rows, worst_case
from rnnconv_cli.report.figures.slope_panel import Fitted, Slope, fitted
from rnnconv_cli.report.figures.ticks import axis, value
from rnnconv_cli.report.layout import interval, quantity

MOST_CURVES = {MAIN: 8, CONTROL: 4}
MOST_POINTS = 60  # of a curve
STEPS = "steps per decade [steps]"
PREDICTED_RATE = f"{TANGENT}rate-predicted"


def figure_of(check: CheckResult) -> Figure | None:
    """The figure of a decay; None where no run has reached a decade, and none has a curve."""
    main, control = (_steps(check, role) for role in (MAIN, CONTROL))
    panels = [each for each in (_losses(check), _per_decade(check, main, control)) if each is not None]
    if not panels:
        return None
    rows = [
        *judged_panel.row(NAMES[MAIN], MAIN, check.finding.estimate),
        *judged_panel.row(NAMES[CONTROL], CONTROL, check.control.finding.estimate),
    ]
    allowed = allowed_by(check.predicted)
    if rows:
        heading, label = judged_panel.heading("growth", check.finding.estimate), "growth of log steps [1/decade]"
        panels.append(judged_panel.panel(heading, label, rows, allowed, claimed=check.predicted.number))
    numbers = chain.from_iterable(table_rows(NAMES[arm.role], arm.columns) for arm in (main, control))
    table = Table(STEPS, ("arm", "decade", *COLUMNS), tuple(numbers))
    return Figure("loss against steps, and steps for each further decade", _text(check), tuple(panels), (table,))


def _steps(check: CheckResult, role: str) -> Fitted:
    """Steps for each further decade of an arm, from the first steps at which each decade was reached."""
    finding = check.finding if role == MAIN else check.control.finding
    times, fit = worst_case(check, role), finding.estimate
    found = []
    for index in range(1, len(times.points)):
        pairs = [(row[index - 1], row[index]) for row in times.rows]
        values = [
            after.value - before.value
            for before, after in pairs
            if before.value is not None and after.value is not None and after.status is before.status is Status.OK
        ]
        lost = [str(after.status) for _, after in pairs if after.status is not Status.OK]
        counted = tuple((status, lost.count(status)) for status in sorted(set(lost)))
        found.append(Column(times.points[index], tuple(each for each in values if each > 0), counted))
    slope = Slope(fit.value, fit.low, fit.high, tuple(map(float, fit.tail))) if isinstance(fit, Decay) else None
    return fitted(role, STEPS, tuple(found), slope, "linear")


def _per_decade(check: CheckResult, main: Fitted, control: Fitted) -> Panel | None:
    """Steps for each further decade, with the growth that is allowed on the tail; the control's beside them."""
    reached = [each.point for arm in (main, control) for each in arm.columns if each.values]
    if not reached:
        return None
    x = axis("decade of the loss [1]", "linear", reached, grid=sorted({each.point for each in main.columns} or reached))
    values = [each for arm in (main, control) for column in arm.columns for each in column.values]
    y = axis(STEPS, "log", [*values, *(height for _, height in slope_panel.path(main))], least=slope_panel.LEAST_FACTOR)
    series = chain.from_iterable((*slope_panel.draws(arm), *slope_panel.line(arm)) for arm in (main, control))
    shades = slope_panel.shades(main, x, y, allowed_by(check.predicted))
    notes = *slope_panel.lost(main.columns, y), *slope_panel.lost_beside(control.columns, x, y)
    return Panel(judged_panel.verdict_heading(check, MAIN), x, y, shades, tuple(series), notes)


def _losses(check: CheckResult) -> Panel | None:
    """The loss along some runs of both arms, the rate of the tail, and the rate that the tangent kernel predicts."""
    curves = {role: tuple(_curves(arm_of(check, role)))[: MOST_CURVES[role]] for role in (MAIN, CONTROL)}
    ends = [curve[-1][0] for curve in curves[MAIN] or curves[CONTROL]]
    if not ends:
        return None
    losses = [loss for curve in curves[MAIN] or curves[CONTROL] for _, loss in curve]
    x = axis("t (steps) [steps]", "linear", [0.0, max(ends)])
    y = axis("loss over its start [1]", "log", losses)
    series = tuple(
        Series(role, shape, label, tuple(_thinned(curve, x, y) for curve in curves[role]), strength=0.5)
        for role, shape, label in ((CONTROL, "dashes", "runs of the control"), (MAIN, "line", "runs"))
        if curves[role]
    )
    return Panel("loss", x, y, (), (*series, *_rates(check, x, y)))


def _curves(observations: Sequence[Observation]) -> Iterator[tuple[Point, ...]]:
    """The curve of every run, each once, as far as its loss is finite and positive."""
    seen = set()
    for each in observations:
        if each.curve and each.key not in seen:
            seen.add(each.key)
            path = tuple((float(step), loss) for step, loss in each.curve if 0 < loss < math.inf)
            if path:
                yield path


def _thinned(curve: Sequence[Point], x: Axis, y: Axis) -> tuple[Point, ...]:
    """The curve with at most MOST_POINTS points, evenly spaced along the drawn line."""
    wide, high = x.high - x.low, math.log(y.high) - math.log(y.low)
    along = [0.0]
    for (x0, y0), (x1, y1) in pairwise(curve):
        along.append(along[-1] + math.hypot((x1 - x0) / wide, (math.log(y1) - math.log(y0)) / high))
    spacing, kept, following = along[-1] / (MOST_POINTS - 2), [curve[0]], 0.0
    for point, place in zip(curve, along, strict=True):
        if place >= following and point != kept[-1]:
            kept.append(point)
            following = place + spacing
    return (*kept, curve[-1]) if kept[-1] != curve[-1] else tuple(kept)


def _rates(check: CheckResult, x: Axis, y: Axis) -> Iterator[Series]:
    """Straight lines over the decades of the tail, from where the runs entered it on average.

    What the tangent kernel predicts is a decay of log f per step; both are labelled as the share lost at each step.
    """
    fit = check.finding.estimate
    if not isinstance(fit, Decay) or not fit.tail:
        return
    before = fit.tail[0] - 1
    times = [time for each in columns(check, MAIN) if each.point == before for time in each.values]
    if before and not times:
        return
    start = fmean(times or [0.0]), _loss(before)
    predicted = next((each.median for each in check.exhibits if each.id == PREDICTED_RATE), None)
    measured = -math.log1p(-fit.rate) if fit.rate < 1 else None
    for shape, name, decay in (
        ("line", "rate of the tail", measured),
        ("dotted", "predicted by the kernels of a few draws", predicted),
    ):
        if decay is not None and math.isfinite(decay):
            path = start, _after(start, decay, len(fit.tail), x, y)
            yield Series(PREDICTED, shape, f"{name}: {quantity(_share(decay))} per step", (path,))


def _after(start: Point, decay: float, decades: int, x: Axis, y: Axis) -> Point:
    """Where a loss with a decay of log f per step has lost so many decades, or leaves the panel before."""
    room, height = max(x.high - start[0], 0.0), math.log(start[1])
    change = -decades * math.log(10) if decay > 0 else max(math.log(y.high) - height, 0.0)
    steps = min(room, change / -decay) if decay else room
    return start[0] + steps, value(height - decay * steps, "log")


def _share(decay: float) -> float:
    """The share of the loss that is lost at each step, for a decay of log f per step [1]."""
    return -math.expm1(min(-decay, 700.0))


def _loss(decade: int) -> float:
    """The loss over its start at the end of a decade [1]."""
    return value(-decade * math.log(10), "log")


def _text(check: CheckResult) -> str:
    fit, beside = check.finding.estimate, judged_panel.under_the_control(check)
    allowed = bounds(allowed_by(check.predicted))
    if not isinstance(fit, Decay):
        return f"No growth of the steps per decade could be fitted; {allowed} is allowed; {beside}."
    known = [each for each in fit.steps_per_decade if math.isfinite(each)]
    steps = f"{quantity(min(known))} to {quantity(max(known))}" if known else "-"
    course = f"On the last {len(fit.tail)} decades, each further decade of the loss takes {steps} steps"
    rate = f"a share of {quantity(fit.rate)} of the loss at each step"
    found = f"The logarithm of the steps grows by {interval(fit.value, fit.low, fit.high)} per decade"
    return f"{course}, {rate}. {found}; {allowed} is allowed; {beside}."
