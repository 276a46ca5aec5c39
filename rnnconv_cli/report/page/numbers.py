"""Tables of the numbers that stand behind an estimate, and of what was measured beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import (
    MAIN,
    TANGENT,
    CheckResult,
    Decay,
    ExhibitResult,
    Exponent,
    Frontier,
    Growth,
    Price,
)
from rnnconv_cli.report.figures.figure import Table
from rnnconv_cli.report.layout import interval, quantity

BENDS = 0.01  # p-value of the quadratic term below which a log-log curve is said to bend


def drawn(check: CheckResult, tables: Sequence[Table]) -> tuple[Table, ...]:
    """The numbers of a figure; without the column of the place where nothing is swept, as it is 1 in every row."""
    return tuple(tables) if check.parameter else tuple(_without(symbol(None), each) for each in tables)


def _without(column: str, table: Table) -> Table:
    kept = [i for i, name in enumerate(table.columns) if name != column]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return Table(table.caption, tuple(table.columns[i] for i in kept), rows)


def diagnostics(check: CheckResult) -> Table | None:
    """What an estimate is made of, piece by piece; None where it has no pieces."""
    rows = tuple(_pieces(check, symbol(check.parameter)))
    return Table("The estimate, piece by piece", ("piece", "number"), rows) if rows else None


def _pieces(check: CheckResult, at: str) -> Iterator[tuple[str, str]]:
    match check.finding.estimate:
        case Exponent() as estimate:
            yield from _local(estimate.points, estimate.local, at, "exponent")
            yield f"without the smallest {at}", _fit(*estimate.without_first)
            yield f"without the largest {at}", _fit(*estimate.without_last)
            yield "curvature", _curvature(estimate.curvature_p)
            yield "scatter of the exponent between draws", quantity(estimate.scatter)
        case Growth() as estimate:
            yield from _local(estimate.points, estimate.local, at, "exponent")
            yield "scatter of the rate between draws", quantity(estimate.scatter)
        case Decay() as estimate:
            for decade, steps in zip(estimate.tail, estimate.steps_per_decade, strict=False):
                yield f"steps for decade {decade} of the loss", quantity(steps)
            yield "scatter of the growth between draws", quantity(estimate.scatter)
        case Frontier() as estimate:
            found = smallest_width_in_full(estimate, widths_tried(check))
            yield from ((f"m* at {at} = {quantity(p)}", m) for p, m in zip(estimate.points, found, strict=True))
            yield from _local(estimate.points, estimate.local, at, "exponent of m*")


def _local(points: Sequence[float], local: Sequence[float], at: str, what: str) -> Iterator[tuple[str, str]]:
    """The slopes on two log scales between neighbours, as far as they are known."""
    for (left, right), value in zip(pairwise(points), local, strict=False):
        if math.isfinite(value):
            yield f"{what} between {at} = {quantity(left)} and {quantity(right)}", f"{value:.3f}"


def _fit(value: float, low: float, high: float) -> str:
    return "too few points" if math.isnan(value) else interval(value, low, high)


def _curvature(p: float) -> str:
    if math.isnan(p):
        return "too few points to tell"
    said = "the curve bends, so no single exponent describes it" if p < BENDS else "no sign that the curve bends"
    return f"{said} (p = {p:.2g}; it is said to bend below {BENDS:g})"


def widths_tried(check: CheckResult) -> Sequence[int]:
    """Every width at which the statement itself was tried, ascending; empty where nothing was measured."""
    return sorted({each.trial.problem.width for each in check.observations if each.arm == MAIN})


def smallest_width(found: Frontier, tried: Sequence[int]) -> Iterator[str]:
    """m* at each point, for a cell: what lies outside the widths that were tried is no number."""
    smallest, largest = (f"{tried[0]}", f"{tried[-1]}") if tried else ("all tried", "all tried")
    for width in found.widths:
        if not math.isfinite(width):
            yield f"> {largest}"
        else:
            yield f"= {quantity(width)}" if width > 0 else f"≤ {smallest}"


def smallest_width_in_full(found: Frontier, tried: Sequence[int]) -> Iterator[str]:
    """m* at each point with its interval, in words."""
    for width, low, high in zip(found.widths, found.widths_low, found.widths_high, strict=True):
        ends = f"{_end(low, tried)} to {_end(high, tried)}"
        if not math.isfinite(width):
            yield f"{_end(width, tried)}, the largest width tried{_unless(low, tried[-1:], ends)}"
        elif width > 0:
            yield f"{quantity(width)} ({ends})"
        else:
            yield f"{_end(width, tried)}, the smallest width tried{_unless(high, tried[:1], ends)}"


def _unless(end: float, known: Sequence[int], ends: str) -> str:
    """The interval, unless its end says no more than m* itself."""
    return "" if any(math.isclose(end, width) for width in known) else f" ({ends})"


def _end(width: float, tried: Sequence[int]) -> str:
    """A width, or that it lies outside those that were tried."""
    if not math.isfinite(width):
        return f"above {tried[-1]}" if tried else "out of reach"
    if width > 0:
        return quantity(width)
    return f"at most {tried[0]}" if tried else "below all that were tried"


def beside(exhibits: Sequence[ExhibitResult]) -> tuple[Table, ...]:
    """What was measured beside a check, without a verdict: what its file asks for, and what is predicted of descent."""
    prices = [(each, each.estimate, each.price) for each in exhibits]
    priced = [(each, own, price) for each, own, price in prices if own is not None and price is not None]
    ranges = [each for each in exhibits if each.estimate is None or each.price is None]
    asked = [each for each in ranges if not each.id.startswith(TANGENT)]
    tangent = [each for each in ranges if each.id.startswith(TANGENT)]
    tables = (
        _ranges("Measured beside the claim, without a verdict", asked),
        _ranges("What the tangent kernel predicts of the descent, and what came out", tangent),
        *(_price(*each) for each in priced),
    )
    return tuple(table for table in tables if table.rows)


def _ranges(caption: str, exhibits: Sequence[ExhibitResult]) -> Table:
    """Medians over draws; the column of the place is left out where nothing is swept."""
    rows = tuple(map(_range, exhibits))
    columns = ("quantity", "median", "range over draws", "at", "measurements")
    table = Table(caption, columns, rows)
    return table if any(each.parameter for each in exhibits) else _without("at", table)


def _range(exhibit: ExhibitResult) -> tuple[str, ...]:
    at = f"{symbol(exhibit.parameter)} = {quantity(exhibit.point)}" if exhibit.parameter else ""
    counted = ", ".join(f"{count} {status}" for status, count in exhibit.counts)
    known = exhibit.low is not None or exhibit.high is not None
    ends = f"{quantity(exhibit.low)} to {quantity(exhibit.high)}" if known else "-"
    return f"{exhibit.id}: {exhibit.description}", quantity(exhibit.median), ends, at, counted


def _price(exhibit: ExhibitResult, own: Frontier, price: Price) -> Table:
    """What a difference costs in width: m* of the claim over m* of the exhibit, on average and at each point."""
    at = symbol(exhibit.parameter)
    ratio_of = "m* of the claim over this one's"
    rows = [(f"{ratio_of}, geometric mean", *_known(price.value, price.low, price.high))]
    each = zip(price.points, price.ratios, price.ratios_low, price.ratios_high, strict=False)
    rows.extend((f"{ratio_of}, at {at} = {quantity(point)}", *_known(*ratio)) for point, *ratio in each)
    rows.append((f"exponent of {at} in this one's m*", *_known(own.value, own.low, own.high)))
    caption = f"In units of width, {exhibit.id}: {exhibit.description}"
    return Table(caption, ("number", "value", f"interval at {100 * price.level:.4g} %"), tuple(rows))


def _known(value: float | None, low: float | None, high: float | None) -> tuple[str, str]:
    """A number and its interval, as far as they are known."""
    ends = [_bounded(end, "no limit") for end in (low, high)]
    return _bounded(value, "not known"), "not known" if low is None and high is None else " to ".join(ends)


def _bounded(value: float | None, otherwise: str) -> str:
    return quantity(value) if value is not None and math.isfinite(value) else otherwise
