"""Estimates in a few words."""

from __future__ import annotations

import math

from rnnconv_cli.judge.words import out_of_reach
from rnnconv_cli.records import Estimate, Frontier, IdentityError
from rnnconv_cli.report.layout import interval, quantity


def measured(estimate: Estimate | None) -> str:
    """A number with its interval; of a frontier without an exponent, where its widths stand."""
    match estimate:
        case None:
            return "nothing"
        case IdentityError() if not math.isfinite(estimate.value):
            return "not finite"
        case IdentityError():
            return f"{estimate.value:.3g} of {estimate.allowed:.3g}"
        case Frontier(value=float() as value, low=float() as low, high=float() as high):
            return interval(value, low, high)
        case Frontier():
            return "widths below"
        case _:
            return interval(estimate.value, estimate.low, estimate.high)


def smallest_widths(estimate: Frontier, parameter: str) -> str:
    """The smallest width that suffices at each point, with its interval."""
    found = zip(estimate.points, estimate.widths, estimate.widths_low, estimate.widths_high, strict=True)
    return "; ".join(
        f"{out_of_reach(width) or quantity(width)} [{quantity(low)}, {quantity(high)}] at {parameter} {quantity(point)}"
        for point, width, low, high in found
    )


def measured_in_full(estimate: Estimate | None, parameter: str | None) -> str:
    """The same where no other line shows the widths of a frontier."""
    if isinstance(estimate, Frontier) and estimate.value is None:
        return f"m* = {smallest_widths(estimate, parameter or 'point')}"
    return measured(estimate)
