"""Figures of the kinds that count or compare draw by draw: an event against its bound, an identity against rounding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import CheckResult, Finding, IdentityError, Probability, Status
from rnnconv_cli.report.figures import judged_panel
from rnnconv_cli.report.figures.figure import (
    ALLOWED,
    CONTROL,
    MAIN,
    PREDICTED,
    Axis,
    Figure,
    Note,
    Panel,
    Series,
    Shade,
    Table,
)
from rnnconv_cli.report.figures.judged_panel import NAMES, allowed_by
from rnnconv_cli.report.figures.measured import (
    COLUMNS,
    Column,
    arm_of,
    columns,
    drawn_quantity,
    parameter_label,
    table_rows,
)
from rnnconv_cli.report.figures.ticks import axis, plain
from rnnconv_cli.report.layout import amount, interval, quantity

GOLDEN = 0.6180339887498949  # its multiples fill an interval evenly, however many there are
SPREAD = 0.6  # of the room of a column that its dots take
MOST_LINEAR = 20.0  # ratio of values from which a log scale shows more of them
WORDS = {"upper": "at most", "lower": "at least"}


@dataclass(frozen=True, slots=True)
class Strip:
    """The draws of one arm at one point, side by side in a column around `middle`."""

    role: str
    middle: float
    room: float
    column: Column


@dataclass(frozen=True, slots=True)
class Border:
    """What every draw is held against."""

    side: str  # upper | lower
    value: float
    label: str


def event_figure(check: CheckResult) -> Figure | None:
    """Every draw against the bound, and the share that keeps it; None where no draw has a value."""
    counted = check.predicted.counted
    border = None if counted is None else Border(counted.side, counted.bound, f"bound {plain(counted.bound)}")
    draws = _draws(check, border, drawn_quantity(arm_of(check, MAIN)))
    if draws is None:
        return None
    shares = [
        *judged_panel.row(NAMES[MAIN], MAIN, check.finding.estimate),
        *judged_panel.row(NAMES[CONTROL], CONTROL, check.control.finding.estimate),
    ]
    panels = [draws]
    if shares:
        heading, allowed = judged_panel.heading("share of draws", check.finding.estimate), allowed_by(check.predicted)
        panels.append(judged_panel.panel(heading, "share that keep it [1]", shares, allowed, ends=(0.0, 1.0)))
    return _figure(check, tuple(panels), _event_text(check))


def identity_figure(check: CheckResult) -> Figure | None:
    """The error of every draw in rounding units, and how many are allowed; None where no draw has one."""
    most = check.predicted.number or 0.0
    border = Border("upper", most, f"at most {plain(most)}")
    draws = _draws(check, border, drawn_quantity(arm_of(check, MAIN)).replace("[1]", "[rounding units]"))
    return None if draws is None else _figure(check, (draws,), _identity_text(check))


def _figure(check: CheckResult, panels: tuple[Panel, ...], text: str) -> Figure:
    rows = (table_rows(NAMES[role], found) for role, found in _arms(check))
    label = drawn_quantity(arm_of(check, MAIN))
    table = Table(label, ("arm", symbol(check.parameter), *COLUMNS), tuple(chain.from_iterable(rows)))
    return Figure(f"{label}, draw by draw", text, panels, (table,))


def _arms(check: CheckResult) -> list[tuple[str, tuple[Column, ...]]]:
    return [(role, tuple(map(_with_zeros, columns(check, role)))) for role in (MAIN, CONTROL)]


def _with_zeros(column: Column) -> Column:
    """The column with a zero for every draw whose status is that: what an inequality takes it for."""
    zeros = sum(count for status, count in column.lost if status == Status.ZERO)
    rest = tuple(each for each in column.lost if each[0] != Status.ZERO)
    return Column(column.point, (*column.values, *(0.0,) * zeros), rest)


def _draws(check: CheckResult, border: Border | None, label: str) -> Panel | None:
    arms = [(role, found) for role, found in _arms(check) if found]
    numbers = [value for _, found in arms for each in found for value in each.values]
    if not numbers:
        return None
    shown = [*numbers, *([] if border is None else [border.value])]
    y = axis(label, _scale(shown), shown)
    x, strips = _strips(check, arms)
    shades, line = _bordered(border, x, y)
    series = (*line, *(_dots(arms, strips, y)))
    notes = (note for strip in strips for note in _unseen(strip, y))
    return Panel("every draw", x, y, shades, series, tuple(notes))


def _scale(numbers: Sequence[float]) -> str:
    """Log where the positive values differ by a large factor, and none is negative."""
    positive = [each for each in numbers if each > 0]
    return "log" if min(numbers) >= 0 and positive and max(positive) > MOST_LINEAR * min(positive) else "linear"


def _strips(check: CheckResult, arms: Sequence[tuple[str, Sequence[Column]]]) -> tuple[Axis, tuple[Strip, ...]]:
    """The columns of dots from left to right: points of the sweep, and at each the arms."""
    points = sorted({each.point for _, found in arms for each in found})
    if len(points) == 1:
        middles = {role: 1.0 + index for index, (role, _) in enumerate(arms)}
        names = tuple((middles[role], NAMES[role]) for role, _ in arms)
        strips = [Strip(role, middles[role], SPREAD, each) for role, found in arms for each in found]
        return Axis("", "linear", 0.4, len(arms) + 0.6, names), tuple(strips)
    room = SPREAD / len(arms)
    strips = [
        Strip(role, points.index(each.point) + 1.0 + room * (index - (len(arms) - 1) / 2), 0.8 * room, each)
        for index, (role, found) in enumerate(arms)
        for each in found
    ]
    ticks = tuple((index + 1.0, plain(point)) for index, point in enumerate(points))
    return Axis(parameter_label(check.parameter), "linear", 0.4, len(points) + 0.6, ticks), tuple(strips)


def _dots(arms: Sequence[tuple[str, object]], strips: Sequence[Strip], y: Axis) -> list[Series]:
    series = []
    for role, _ in arms:
        places = tuple(
            (strip.middle + strip.room * ((GOLDEN * index) % 1 - 0.5), value)
            for strip in strips
            if strip.role == role
            for index, value in enumerate(strip.column.values)
            if value > 0 or y.scale == "linear"
        )
        label = "single draws" if role == MAIN else "single draws of the control"
        series.append(Series(role, "dots", label, (places,)))
    return series


def _unseen(strip: Strip, y: Axis) -> list[Note]:
    """How many draws have no place: zeros of a log scale at its lower end, draws without a value at the upper."""
    zeros = sum(each <= 0 for each in strip.column.values) if y.scale == "log" else 0
    notes = [Note((strip.middle, y.low), f"{zeros} × 0", side="above")] if zeros else []
    lost = ", ".join(f"{count} {status}" for status, count in strip.column.lost)
    return [*notes, Note((strip.middle, y.high), lost, side="below")] if lost else notes


def _bordered(border: Border | None, x: Axis, y: Axis) -> tuple[tuple[Shade, ...], tuple[Series, ...]]:
    """The allowed side of a border, and the border; nothing of it where a log scale has no place for it."""
    if border is None or not (y.low < border.value < y.high):
        return (), ()
    end = y.high if border.side == "lower" else y.low
    low, high = border.value, end
    corners = ((x.low, low), (x.high, low), (x.high, high), (x.low, high))
    line = Series(PREDICTED, "line", border.label, (((x.low, border.value), (x.high, border.value)),))
    return (Shade(ALLOWED, "allowed by the claim", corners),), (line,)


def _event_text(check: CheckResult) -> str:
    counted = check.predicted.counted
    bound = "within its bound" if counted is None else f"{WORDS.get(counted.side, 'within')} {quantity(counted.bound)}"
    main, control = (_share(each) for each in (check.finding, check.control.finding))
    wanted = f"{quantity(check.predicted.number)} is wanted"
    name = drawn_quantity(arm_of(check, MAIN))
    return f"{name} is {bound} in {main}; {wanted}. Under the control it is in {control}."


def _share(finding: Finding) -> str:
    found = finding.estimate
    if not isinstance(found, Probability):
        return "no draw that could be counted"
    shown = interval(found.value, found.low, found.high)
    return f"{found.holds} of {amount(found.trials, 'draw')}, a share of {shown}"


def _identity_text(check: CheckResult) -> str:
    main, control = (_largest(each) for each in (check.finding, check.control.finding))
    allowed = quantity(check.predicted.number)
    return f"The largest error is {main}, {allowed} are allowed. Under the control it is {control}."


def _largest(finding: Finding) -> str:
    found = finding.estimate
    if not isinstance(found, IdentityError):
        return "unknown, as no draw exercised the formula"
    size = f"{quantity(found.value)} rounding units" if math.isfinite(found.value) else "infinite"
    return f"{size} in {amount(found.trials, 'draw')}"
