"""Tables of the numbers that stand behind an estimate, and of what was measured beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import TANGENT, Decay, Estimate, ExhibitResult, Exponent, Frontier, Growth
from rnnconv_cli.report.figures.figure import Table
from rnnconv_cli.report.layout import interval, quantity

BENDS = 0.01  # p-value of the quadratic term below which a log-log curve is said to bend


def diagnostics(estimate: Estimate | None, parameter: str | None) -> Table | None:
    """What an estimate is made of, piece by piece; None where it has no pieces."""
    rows = tuple(_pieces(estimate, symbol(parameter)))
    return Table("The estimate, piece by piece", ("piece", "number"), rows) if rows else None


def _pieces(estimate: Estimate | None, at: str) -> Iterator[tuple[str, str]]:
    match estimate:
        case Exponent():
            yield from _local(estimate.points, estimate.local, at, "power")
            yield f"without the smallest {at}", _fit(*estimate.without_first)
            yield f"without the largest {at}", _fit(*estimate.without_last)
            yield "curvature", _curvature(estimate.curvature_p)
            yield "scatter of the power between draws", quantity(estimate.scatter)
        case Growth():
            yield from _local(estimate.points, estimate.local, at, "rate")
            yield "scatter of the rate between draws", quantity(estimate.scatter)
        case Decay():
            for decade, steps in zip(estimate.tail, estimate.steps_per_decade, strict=False):
                yield f"steps for decade {decade} of the loss", quantity(steps)
            yield "scatter of the growth between draws", quantity(estimate.scatter)
        case Frontier():
            found = zip(estimate.points, estimate.widths, estimate.widths_low, estimate.widths_high, strict=True)
            for point, width, low, high in found:
                yield f"m* at {at} = {quantity(point)}", f"{_end(width)} ({_end(low)} to {_end(high)})"
            yield from _local(estimate.points, estimate.local, at, "power")


def _local(points: Sequence[float], local: Sequence[float], at: str, what: str) -> Iterator[tuple[str, str]]:
    for (left, right), value in zip(pairwise(points), local, strict=False):
        yield f"{what} between {at} = {quantity(left)} and {quantity(right)}", f"{value:.3f}"


def _fit(value: float, low: float, high: float) -> str:
    return "too few points" if math.isnan(value) else interval(value, low, high)


def _curvature(p: float) -> str:
    if math.isnan(p):
        return "too few points to tell"
    said = "the curve bends, so no single power describes it" if p < BENDS else "no sign that the curve bends"
    return f"{said} (p = {p:.2g})"


def _end(width: float) -> str:
    return quantity(width) if math.isfinite(width) else "out of reach"


def beside(exhibits: Sequence[ExhibitResult]) -> tuple[Table, ...]:
    """What was measured beside a check, without a verdict: what its file asks for, and what is predicted of descent."""
    asked = [each for each in exhibits if not each.id.startswith(TANGENT)]
    tangent = [each for each in exhibits if each.id.startswith(TANGENT)]
    tables = (
        ("Measured beside the claim, without a verdict", asked),
        ("What the tangent kernel predicts of the descent, and what came out", tangent),
    )
    columns = ("quantity", "median", "range over draws", "at", "measurements")
    return tuple(Table(caption, columns, tuple(map(_exhibit, those))) for caption, those in tables if those)


def _exhibit(exhibit: ExhibitResult) -> tuple[str, ...]:
    what = f"{exhibit.id}: {exhibit.description}"
    at = f"{symbol(exhibit.parameter)} = {quantity(exhibit.point)}" if exhibit.parameter else ""
    counted = ", ".join(f"{count} {status}" for status, count in exhibit.counts)
    if exhibit.estimate is not None and exhibit.price is not None:
        price = exhibit.price
        power = exhibit.estimate.value
        grows = "" if power is None else f"; its own m* has the power {power:.3g}"
        ratio = f"m* of the claim is {quantity(price.value)} times as large{grows}"
        return what, ratio, f"{quantity(price.low)} to {quantity(price.high)}", "all points", counted
    return what, quantity(exhibit.median), f"{quantity(exhibit.low)} to {quantity(exhibit.high)}", at, counted
