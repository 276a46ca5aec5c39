"""A check's measured medians over the swept points as one line of block characters, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import CONTROL, MAIN, CheckResult
from rnnconv_cli.report.figures.measured import columns
from rnnconv_cli.report.layout import quantity

BLOCKS = "▁▂▃▄▅▆▇█"
WITHOUT_A_VALUE = "·"
KINDS = frozenset({"exponent", "attainment", "growth", "decay"})
FEWEST, MOST = 3, 40  # points that are worth a line, and that fit one
ROUNDING = 1e-9
LEAST_SPAN = math.log(2.0)  # what changes by less than this factor looks flat

Medians = Sequence[tuple[float, float | None]]  # point, logarithm of the median of its draws


def curve(check: CheckResult) -> str:
    """The medians of the main arm and of the control, each from its own smallest value, both in steps of one height.

    Equal steepness looks equal. Empty where there is nothing to show.
    """
    if check.kind not in KINDS:
        return ""
    main, control = _medians(check, MAIN), _medians(check, CONTROL)
    known = [(point, each) for point, each in main if each is not None]
    if not FEWEST <= len(known) <= len(main) <= MOST:
        return ""
    span = max(LEAST_SPAN, _span(main), _span(control))
    (first, low), (last, high) = known[0], known[-1]
    ends = f"{quantity(math.exp(low))} → {quantity(math.exp(high))}"
    shown = f"{_line(main, span)} {symbol(check.parameter)} {quantity(first)} → {quantity(last)}: {ends}"
    has_control = len(control) <= MOST and any(each is not None for _, each in control)
    return f"{shown} [control {_line(control, span)}]" if has_control else shown


def _medians(check: CheckResult, arm: str) -> Medians:
    return [(each.point, _middle(each.values)) for each in columns(check, arm)]


def _middle(values: Sequence[float]) -> float | None:
    """The median of the logarithms, which no large value overflows; None where it has no place on a log scale."""
    found = median([math.log(each) if each > 0 else -math.inf for each in values] or [-math.inf])
    return found if math.isfinite(found) else None


def _span(found: Medians) -> float:
    values = [each for _, each in found if each is not None]
    return max(values) - min(values) if values else 0.0


def _line(found: Medians, span: float) -> str:
    lowest = min((each for _, each in found if each is not None), default=0.0)
    return "".join(WITHOUT_A_VALUE if each is None else _block((each - lowest) / span) for _, each in found)


def _block(height: float) -> str:
    """The block of a height between 0 and 1; rounding does not take it below a border that it stands on."""
    return BLOCKS[min(int(height * len(BLOCKS) + ROUNDING), len(BLOCKS) - 1)]
