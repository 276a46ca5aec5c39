"""The figure of a frontier: the share of draws that hold against the width, and the smallest width that suffices."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from rnnconv_cli.judge.allowed import holds
from rnnconv_cli.judge.envelope import envelope
from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import (
    CheckResult,
    Estimate,
    Frontier,
)
from rnnconv_cli.report.figures import judged_panel, slope_panel
from rnnconv_cli.report.figures.figure import BESIDE, CONTROL, MAIN, PREDICTED, Axis, Figure, Note, Panel, Series, Table
from rnnconv_cli.report.figures.judged_panel import NAMES, allowed_by, bounds
from rnnconv_cli.report.figures.measured import Column, arm_of, drawn_quantity, parameter_label
from rnnconv_cli.report.figures.slope_panel import Slope, fitted
from rnnconv_cli.report.figures.ticks import axis, position, value
from rnnconv_cli.report.layout import interval, quantity
from rnnconv_cli.report.plain import visible

WIDTH = "m* (width that suffices) [1]"
BEYOND = "> all, < all: m* lies beyond the widths that were tried"
FAINTEST = 0.2  # strength that the first of several curves is above
FEW = 4  # a width of less than 1/4 of the most draws was only tried
ASIDE = 0.018  # of an axis, between the marks of two frontiers

Shares = Mapping[float, Mapping[int, tuple[int, int]]]  # point → width → draws that hold, draws


def figure_of(check: CheckResult) -> Figure | None:
    """The figure of a frontier; None where neither shares nor widths are known."""
    shares = _shares(check)
    drawn = [_doses(check, shares)] if shares else []
    found = [*drawn, *_widths(check), *_judged(check)]
    if not found:
        return None
    tables = [*_width_table(check), *_share_table(check, shares)]
    name = f"width that suffices against {parameter_label(check.parameter)}"
    return Figure(name, _text(check), tuple(found), tuple(tables))


def _shares(check: CheckResult) -> Shares:
    """How many draws hold at each point and width; empty where the inequality is not known."""
    counted, smallest = check.predicted.counted, check.worst == "smallest"
    found: dict[float, dict[int, tuple[int, int]]] = defaultdict(dict)
    for (point, width, _), cell in envelope(arm_of(check, MAIN), smallest=smallest) if counted else ():
        if counted is not None and (answer := holds(cell, counted)) is not None:
            held, draws = found[point].get(width, (0, 0))
            found[point][width] = held + answer, draws + 1
    return {point: dict(sorted(found[point].items())) for point in sorted(found)}


def _doses(check: CheckResult, shares: Shares) -> Panel:
    """The share of draws that hold against the width, a line for each point, and m* where it is as large as wanted.

    Widths that were only tried, with few draws, are left to the table.
    """
    least = max(draws for widths in shares.values() for _, draws in widths.values()) // FEW
    drawn = [width for widths in shares.values() for width, (_, draws) in widths.items() if draws >= least]
    x = axis("m (width) [1]", "log", map(float, drawn))
    y = Axis("share of draws that hold [1]", "linear", -0.03, 1.06, tuple((k / 4, f"{k / 4:g}") for k in range(5)))
    counted, fit = check.predicted.counted, check.finding.estimate
    wanted = 1.0 if counted is None else counted.probability
    line = Series(PREDICTED, "dashes", f"share that is wanted: {wanted:g}", (((x.low, wanted), (x.high, wanted)),))
    widths = fit.widths if isinstance(fit, Frontier) else ()
    reached = tuple((each, wanted) for each in widths if x.low <= each <= x.high)
    marks = Series(MAIN, "marks", "m*, as claimed", (reached,))
    return Panel(f"widths of {least} draws or more", x, y, (), (line, *_curves(check, shares, least), marks))


def _curves(check: CheckResult, shares: Shares, least: int) -> Iterator[Series]:
    """The shares of each point, from faint to strong."""
    for index, (point, widths) in enumerate(shares.items()):
        strength = 1 - (1 - FAINTEST) * (len(shares) - 1 - index) / len(shares)  # the last is 1, exactly
        label = f"{symbol(check.parameter)} = {quantity(point)}" if check.parameter else "as claimed"
        path = tuple((float(width), held / draws) for width, (held, draws) in widths.items() if draws >= least)
        yield Series(MAIN, "line", label, (path,), strength=strength)


def _widths(check: CheckResult) -> Iterator[Panel]:
    """m* against the parameter with its intervals and its fit, beside the control's and the exhibits'."""
    fit = check.finding.estimate
    if not isinstance(fit, Frontier) or not fit.points:
        return
    others = [(CONTROL, "m* of the control", check.control.finding.estimate)]
    others += [(BESIDE, f"m* of {visible(each.id)}", each.estimate) for each in check.exhibits]
    beside = [(role, label, each) for role, label, each in others if isinstance(each, Frontier)]
    every = [fit, *(each for _, _, each in beside)]
    widths = [end for each in every for ends in _intervals(each) if _is_found(ends[0]) for end in ends]
    points = [point for each in every for point in each.points]
    x = axis(parameter_label(check.parameter), "log", points, grid=points)
    known = zip(fit.points, fit.widths, strict=True)
    columns = tuple(Column(point, (width,), ()) for point, width in known if _is_found(width))
    arm = fitted(MAIN, WIDTH, columns, _slope(fit), "log")
    shown_widths = widths or [float(width) for point in points for width in _tried(check, MAIN, point)]
    y = axis(
        WIDTH, "log", [*shown_widths, *(height for _, height in slope_panel.path(arm))], least=slope_panel.LEAST_FACTOR
    )
    shown = ((MAIN, "m*, as claimed", fit), *beside)
    series = [_marks(role, label, each, y, _aside(x, index)) for index, (role, label, each) in enumerate(shown)]
    heading = judged_panel.verdict_heading(check, MAIN)
    shades = slope_panel.shades(arm, x, y, allowed_by(check.predicted))
    yield Panel(heading, x, y, shades, (*slope_panel.line(arm), *series), tuple(_beyond(fit, y)))


def _slope(fit: Frontier) -> Slope | None:
    """The exponent of m*, on the points whose m* lies inside the widths that were tried."""
    known = zip(fit.points, _intervals(fit), strict=True)
    inside = tuple(point for point, ends in known if all(map(_is_found, ends)))
    found = judged_panel.interval_of(fit)
    return Slope(*found, inside) if found and inside else None


def _intervals(fit: Frontier) -> list[tuple[float, float, float]]:
    """m* at each point, with its interval."""
    return list(zip(fit.widths, fit.widths_low, fit.widths_high, strict=True))


def _is_found(width: float) -> bool:
    return 0 < width < math.inf


def _marks(role: str, label: str, fit: Frontier, y: Axis, aside: float) -> Series:
    """m* with its intervals, moved aside by a factor; an open end reaches to the edge of the panel."""
    found = [
        ((point * aside, width), (max(low, y.low), min(high, y.high)))
        for point, (width, low, high) in zip(fit.points, _intervals(fit), strict=True)
        if _is_found(width)
    ]
    places = tuple(place for place, _ in found)
    return Series(role, "marks", label if places else "", (places,), ends=tuple(ends for _, ends in found))


def _aside(x: Axis, index: int) -> float:
    """The factor that moves the marks of one of several frontiers aside, so that none hides another."""
    return value(ASIDE * index * (position(x.high, x.scale) - position(x.low, x.scale)), "log")


def _beyond(fit: Frontier, y: Axis) -> Iterator[Note]:
    """Where m* lies beyond the widths that were tried."""
    for point, width in zip(fit.points, fit.widths, strict=True):
        if not _is_found(width):
            is_above = width > 0
            place, side = (y.high, "below") if is_above else (y.low, "above")
            yield Note((point, place), "> all" if is_above else "< all", side=side, label=BEYOND)


def _judged(check: CheckResult) -> Iterator[Panel]:
    """The panel of the exponents of m*, where there are any."""
    named: list[tuple[str, str, Estimate | None]] = [(NAMES[MAIN], MAIN, check.finding.estimate)]
    named.append((NAMES[CONTROL], CONTROL, check.control.finding.estimate))
    named += [(visible(each.id), BESIDE, each.estimate) for each in check.exhibits]
    rows = [row for name, role, estimate in named for row in judged_panel.row(name, role, estimate)]
    if rows:
        heading = judged_panel.heading("exponent of m*", check.finding.estimate)
        label, claimed = f"exponent of {symbol(check.parameter)} [1]", check.predicted.number
        yield judged_panel.panel(heading, label, rows, allowed_by(check.predicted), claimed=claimed)


def _width_table(check: CheckResult) -> Iterator[Table]:
    named: list[tuple[str, str, Estimate | None]] = [(NAMES[MAIN], MAIN, check.finding.estimate)]
    named += [(NAMES[CONTROL], CONTROL, check.control.finding.estimate)]
    named += [(visible(each.id), each.id, each.estimate) for each in check.exhibits]
    rows = tuple(
        (name, quantity(point), *(_bounded(end, _tried(check, arm, point)) for end in ends))
        for name, arm, fit in named
        if isinstance(fit, Frontier)
        for point, ends in zip(fit.points, _intervals(fit), strict=True)
    )
    if rows:
        yield Table(WIDTH, ("arm", symbol(check.parameter), "m*", "low", "high"), rows)


def _tried(check: CheckResult, arm: str, point: float) -> tuple[int, ...]:
    """Every width that an arm was tried at, ascending."""
    return tuple(sorted({each.trial.problem.width for each in arm_of(check, arm) if each.point == point}))


def _bounded(width: float, tried: Sequence[int]) -> str:
    """A width, or on which side of those that were tried it lies."""
    if _is_found(width):
        return quantity(width)
    if not tried:
        return "> all" if width > 0 else "< all"
    return f"> {tried[-1]}" if width > 0 else f"≤ {tried[0]}"


def _share_table(check: CheckResult, shares: Shares) -> Iterator[Table]:
    rows = tuple(
        (quantity(point), str(width), str(held), str(draws), f"{held / draws:.3f}")
        for point, widths in shares.items()
        for width, (held, draws) in widths.items()
    )
    if rows:
        caption = f"draws that hold, as claimed: {drawn_quantity(arm_of(check, MAIN))}"
        yield Table(caption, (symbol(check.parameter), "m", "hold", "draws", "share"), rows)


def _text(check: CheckResult) -> str:
    fit, at = check.finding.estimate, symbol(check.parameter)
    if not isinstance(fit, Frontier):
        return "No width that suffices was found."
    known = list(zip(fit.points, fit.widths, strict=True))
    first_and_last = dict.fromkeys((*known[:1], *known[-1:]))
    ends = [f"{_in_words(check, point, width)} at {at} = {quantity(point)}" for point, width in first_and_last]
    course = f"The smallest width that suffices is {' and '.join(ends)}." if ends else "No width was tried."
    found = judged_panel.interval_of(fit)
    if found is None:
        return course
    allowed = f"; {bounds(allowed_by(check.predicted))} is allowed" if check.predicted.number is not None else ""
    return f"{course} Its exponent is {interval(*found)}{allowed}."


def _in_words(check: CheckResult, point: float, width: float) -> str:
    """The width that suffices at a point, or what the widths that were tried say of it."""
    tried = _tried(check, MAIN, point)
    if _is_found(width) or not tried:
        return _bounded(width, tried)
    if width > 0:
        return f"above {tried[-1]}, the largest width tried,"
    return f"at most {tried[0]}, the smallest width tried,"
