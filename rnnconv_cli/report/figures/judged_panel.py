"""The panel that a verdict is read from: intervals of the judged number, one below the other, over what is allowed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rnnconv_cli.judge import allowed as judged
from rnnconv_cli.judge.words import shortened
from rnnconv_cli.records import (
    CheckResult,
    Decay,
    Estimate,
    Exponent,
    Frontier,
    Growth,
    IdentityError,
    Predicted,
    Probability,
)
from rnnconv_cli.report.figures.figure import ALLOWED, CONTROL, MAIN, PREDICTED, Axis, Panel, Series, Shade
from rnnconv_cli.report.figures.ticks import axis
from rnnconv_cli.report.layout import interval, quantity
from rnnconv_cli.report.plain import visible

LONGEST = 20  # characters of a row's name
NAMES = {MAIN: "as claimed", CONTROL: "control"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the panel: numbers with their interval, or numbers alone."""

    name: str
    role: str
    values: tuple[float, ...]
    ends: tuple[float, float] | None = None


def allowed_by(predicted: Predicted) -> tuple[float, float]:
    """The ends of what a prediction allows of the judged number."""
    found = judged.allowed_by(predicted)
    return found.low, found.high


def bounds(allowed: tuple[float, float]) -> str:
    """What is allowed, in words: at most, at least, or between two numbers."""
    low, high = allowed
    if math.isfinite(low) and math.isfinite(high):
        return f"between {quantity(low)} and {quantity(high)}"
    return f"at most {quantity(high)}" if math.isfinite(high) else f"at least {quantity(low)}"


def under_the_control(check: CheckResult) -> str:
    """The judged number of the control in words, or why it has none."""
    found, other = interval_of(check.control.finding.estimate), check.control.quantity
    whose = f"that of {visible(other)}" if other and other != check.quantity else "it"
    number = f"{whose} is {interval(*found)}" if found else f"there is none: {check.control.finding.because}"
    return f"under the control {number}"


def interval_of(estimate: Estimate | None) -> tuple[float, float, float] | None:
    """The judged number of an estimate with its interval; None where it has none."""
    match estimate:
        case Exponent() | Growth() | Probability() | Decay() if math.isfinite(estimate.value):
            return estimate.value, estimate.low, estimate.high
        case Frontier(value=float() as value, low=float() as low, high=float() as high) if math.isfinite(value):
            return value, low, high
    return None


def verdict_heading(check: CheckResult, role: str) -> str:
    """An arm's own verdict, and why that of the check is another one."""
    if role == CONTROL:
        return f"{NAMES[role]}: {check.control.finding.verdict}"
    own = f"{NAMES[role]}: {check.finding.verdict}"
    if check.verdict is check.finding.verdict:
        return own
    return f"{own}, but {check.verdict if check.control.as_expected else 'no power'}"


def heading(name: str, estimate: Estimate | None) -> str:
    """The judged number and the level of its intervals."""
    if estimate is None or isinstance(estimate, IdentityError):
        return name
    return f"{name} at {100 * estimate.level:.4g}%"


def row(name: str, role: str, estimate: Estimate | None) -> tuple[Row, ...]:
    """The line of an estimate; none where nothing was judged."""
    found = interval_of(estimate)
    return () if found is None else (Row(name, role, (found[0],), found[1:]),)


def panel(
    heading: str,
    label: str,
    rows: Sequence[Row],
    allowed: tuple[float, float],
    *,
    claimed: float | None = None,
    ends: tuple[float, ...] = (),
) -> Panel:
    """The panel of some rows, from above, with the number claimed; `ends` are numbers that it shows in any case."""
    borders = [each for each in (*allowed, *ends) if math.isfinite(each)]
    values = [each for row in rows for each in (*row.values, *(row.ends or ()))]
    x = axis(label, "linear", [*values, *borders])
    count = len(rows)
    y = Axis(
        "",
        "linear",
        0.4,
        count + 0.6,
        tuple((float(count - index), shortened(row.name, LONGEST)) for index, row in enumerate(rows)),
    )
    series = tuple(_series(row, float(count - index), x) for index, row in enumerate(rows))
    is_shown = claimed is not None and x.low <= claimed <= x.high
    places = (((claimed, y.low), (claimed, y.high)),) if claimed is not None and is_shown else ()
    number = Series(PREDICTED, "dotted", "number claimed" if places else "", places)
    return Panel(heading, x, y, _shades(allowed, x, y), (number, *series))


def _series(row: Row, height: float, x: Axis) -> Series:
    points = tuple((value, height) for value in row.values if math.isfinite(value))
    if row.ends is None:
        return Series(row.role, "dots", "", (points,))
    low, high = max(row.ends[0], x.low), min(row.ends[1], x.high)
    return Series(row.role, "marks", "", (points,), ends=((low, high),), along="x")


def _shades(allowed: tuple[float, float], x: Axis, y: Axis) -> tuple[Shade, ...]:
    low, high = max(allowed[0], x.low), min(allowed[1], x.high)
    if low >= high or allowed == (-math.inf, math.inf):
        return ()
    return (Shade(ALLOWED, "allowed by the claim", ((low, y.low), (high, y.low), (high, y.high), (low, y.high))),)
