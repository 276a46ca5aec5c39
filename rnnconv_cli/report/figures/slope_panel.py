"""The panel of a fitted slope: draws, their means, the fit, and the slopes that its interval has and a claim allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rnnconv_cli.records import Status
from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN, Axis, Note, Panel, Point, Series, Shade
from rnnconv_cli.report.figures.measured import AT_INFINITY, Column
from rnnconv_cli.report.figures.ticks import axis, position, value

APART = 0.09  # of an axis, between two lines of notes
LEAST_FACTOR = 1.5  # that a log scale spans at least, so that scatter does not look like a slope
ZEROS = "n × 0: draws that are exactly zero"
INFINITE, WITHOUT = "n × ∞: draws that diverged or missed their target", "n × –: draws without a value"


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope of log q on the scale of x, with its interval, and the points that it was fitted on."""

    value: float
    low: float
    high: float
    points: tuple[float, ...]
    is_alone: bool = True  # False where a power was fitted along, so that its interval has no lines to show


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one arm has measured, and its slope where it has one."""

    role: str
    label: str  # of the quantity, with its unit
    columns: tuple[Column, ...]
    slope: Slope | None
    x_scale: str  # linear | log


def fitted(role: str, label: str, columns: tuple[Column, ...], slope: Slope | None, x_scale: str) -> Fitted:
    """An arm with its slope, if that is finite and has a value at one of its points."""
    known = {each.point for each in columns if is_known(each)}
    is_drawn = slope is not None and math.isfinite(slope.value) and not known.isdisjoint(slope.points)
    return Fitted(role, label, columns, slope if is_drawn else None, x_scale)


def panel(
    heading: str, arm: Fitted, x: Axis, allowed: tuple[float, float], *, elsewhere: Sequence[float] = ()
) -> Panel:
    """The panel of one arm; one without a positive value has its axis around those `elsewhere`."""
    positive = [each for column in arm.columns for each in column.values if each > 0]
    y = axis(arm.label, "log", [*(positive or elsewhere), *(height for _, height in path(arm))], least=LEAST_FACTOR)
    return Panel(heading, x, y, shades(arm, x, y, allowed), (*draws(arm), *line(arm)), lost(arm.columns, y))


def draws(arm: Fitted) -> tuple[Series, ...]:
    """Every positive value, and the geometric mean at every point."""
    dots = tuple((each.point, value) for each in arm.columns for value in each.values if value > 0)
    means = tuple((each.point, math.exp(each.mean_log)) for each in arm.columns if is_known(each))
    names = {MAIN: ("single draws", "geometric mean"), CONTROL: ("", "geometric mean of the control")}
    single, mean = names[arm.role]
    return Series(arm.role, "dots", single, (dots,)), Series(arm.role, "marks", mean, (means,))


def line(arm: Fitted) -> tuple[Series, ...]:
    """The fit: from the first point that it uses to the last, through the centroid of the means; empty without one."""
    if arm.slope is None:
        return ()
    shape, label = ("line", "fit") if arm.role == MAIN else ("dashes", "fit of the control")
    return (Series(arm.role, shape, label, (path(arm),)),)


def path(arm: Fitted) -> tuple[Point, ...]:
    """The two ends of the fit; empty without one."""
    if arm.slope is None:
        return ()
    stop = position(max(arm.slope.points), arm.x_scale)
    return _at(arm, _base(arm)[0], 0.0), _at(arm, stop, arm.slope.value)


def shades(arm: Fitted, x: Axis, y: Axis, allowed: tuple[float, float]) -> tuple[Shade, ...]:
    """Slopes that are allowed, and those of the interval, as fans from where the fit begins; empty without a fit."""
    if arm.slope is None:
        return ()
    found = []
    if any(map(math.isfinite, allowed)):
        label = "allowed by the claim" if arm.role == MAIN else ""
        found.append(Shade(ALLOWED, label, _fan(arm, x, y, *allowed)))
    if arm.slope.is_alone and math.isfinite(arm.slope.low) and math.isfinite(arm.slope.high):
        found.append(Shade(arm.role, "slopes within the interval", _fan(arm, x, y, arm.slope.low, arm.slope.high)))
    return tuple(found)


def lost(found: Sequence[Column], y: Axis) -> tuple[Note, ...]:
    """How many draws have no place at a point: at the upper end where they count as infinite, else at the lower."""
    notes = []
    for each in found:
        infinite, zeros, other = _counted(each)
        if infinite:
            notes.append(Note((each.point, y.high), f"{infinite}×∞", side="below", label=INFINITE))
        below = [(zeros, "0", ZEROS), (other, "–", WITHOUT)]
        shown = [(f"{count}×{sign}", label) for count, sign, label in below if count]
        if shown:
            text, label = " ".join(text for text, _ in shown), "; ".join(label for _, label in shown)
            notes.append(Note((each.point, y.low), text, side="above", label=label))
    return tuple(notes)


def lost_beside(found: Sequence[Column], x: Axis, y: Axis) -> tuple[Note, ...]:
    """How many draws of the control have no place in the panel of another arm: the most at any point, in one line."""
    most = [max(counts) for counts in zip((0, 0, 0), *map(_counted, found), strict=True)]
    shown = " ".join(f"{count}×{sign}" for count, sign in zip(most, ("∞", "0", "–"), strict=True) if count)
    if not shown:
        return ()
    top, bottom = position(y.high, y.scale), position(y.low, y.scale)
    place = value((position(x.low, x.scale) + position(x.high, x.scale)) / 2, x.scale)
    height = value(top - APART * (top - bottom), y.scale)
    labels = "; ".join(label for count, label in zip(most, (INFINITE, ZEROS, WITHOUT), strict=True) if count)
    return (Note((place, height), f"control: up to {shown}", CONTROL, "below", labels),)


def _counted(column: Column) -> tuple[int, int, int]:
    """Draws that count as infinite, that are zero, and that have no value."""
    infinite = sum(count for status, count in column.lost if status in AT_INFINITY)
    zeros = sum(count for status, count in column.lost if status == Status.ZERO)
    return infinite, zeros, sum(count for _, count in column.lost) - infinite - zeros


def is_known(column: Column) -> bool:
    """Whether a column has a geometric mean."""
    return math.isfinite(column.mean_log)


def _base(arm: Fitted) -> Point:
    """Where the fit begins, as positions on the two scales."""
    points, slope = (arm.slope.points, arm.slope.value) if arm.slope else ((), 0.0)
    used = [each for each in arm.columns if each.point in points and is_known(each)]
    places = [position(each.point, arm.x_scale) for each in used]
    start = position(min(points), arm.x_scale)
    return start, fmean(each.mean_log for each in used) + slope * (start - fmean(places))


def _at(arm: Fitted, place: float, slope: float) -> Point:
    """Where a line with a slope, from where the fit begins, is at a place of the x axis."""
    start, height = _base(arm)
    return value(place, arm.x_scale), value(height + slope * (place - start), "log")


def _fan(arm: Fitted, x: Axis, y: Axis, low: float, high: float) -> tuple[Point, ...]:
    """The area between two slopes, to the right edge; an open side reaches to the edge of the panel."""
    edge = position(x.high, x.scale)
    start = _at(arm, _base(arm)[0], 0.0)
    lower = ((start[0], y.low), (x.high, y.low)) if math.isinf(low) else (_at(arm, edge, low),)
    upper = ((x.high, y.high), (start[0], y.high)) if math.isinf(high) else (_at(arm, edge, high),)
    return (start, *lower, *upper)
