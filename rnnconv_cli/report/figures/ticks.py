"""Where an axis begins, ends and is marked, and the words at its marks: plain numbers wherever they are short."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from rnnconv_cli.report.figures.figure import Axis

FARTHEST = 685.0  # position on a log scale, where numbers are still far from the smallest and the largest there are
SMALLEST = 5e-324  # number above zero
MARGIN = 0.06  # of the extent of the data, on either side
WANTED = 5  # labels on an axis, about
BETWEEN = (  # decades that an axis spans at most, and the numbers that are marked in each
    (0.8, (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)),
    (1.3, (1.0, 2.0, 3.0, 5.0)),
    (2.0, (1.0, 2.0, 5.0)),
    (3.0, (1.0, 3.0)),
)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def axis(label: str, scale: str, values: Iterable[float], *, grid: Sequence[float] = (), least: float = 0.0) -> Axis:
    """An axis around values, marked at the points of a grid where there is one.

    `least` is the extent that is shown at least: a factor on a log scale [1], a difference on a linear one. Values that
    are not finite, and those without a logarithm on a log scale, are left out. Without any, the axis shows 1.
    """
    shown = [each for each in values if math.isfinite(each) and (scale == "linear" or each > 0)] or [1.0]
    inside = [min(max(position(each, scale), -FARTHEST), FARTHEST) if scale == "log" else each for each in shown]
    low, high = _wide_enough(min(inside), max(inside), _least(scale, least))
    room = MARGIN * (high - low)
    ends = value(low - room, scale), value(high + room, scale)
    marks = tuple((each, plain(each)) for each in sorted(set(grid))) or ticks(scale, *ends)
    return Axis(label, scale, *ends, marks)


def position(number: float, scale: str) -> float:
    """Where a number stands on an axis of a scale, in units of its length; far below all others without a logarithm."""
    return math.log(max(number, SMALLEST)) if scale == "log" else number


def value(place: float, scale: str) -> float:
    """The number at a place."""
    return math.exp(min(max(place, -1.02 * FARTHEST), 1.02 * FARTHEST)) if scale == "log" else place


def ticks(scale: str, low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Round numbers between two ends, with labels."""
    if scale == "log" and math.log(high) - math.log(low) > math.log(4):
        chosen = _round_powers(low, high)
    else:
        chosen = _round_steps(low, high)
    return tuple((each, plain(each)) for each in chosen)


def plain(number: float) -> str:
    """A number as one would write it on an axis: 256, 0.05, 2·10⁻⁷."""
    if number == 0 or 1e-3 <= abs(number) < 1e5:
        return f"{number:.6g}".replace("-", "−")
    digits, power = f"{number:.3e}".split("e")
    digits = digits.rstrip("0").rstrip(".").replace("-", "−")
    ten = "10" + str(int(power)).translate(SUPERSCRIPTS)
    return {"1": ten, "−1": f"−{ten}"}.get(digits, f"{digits}·{ten}")


def _least(scale: str, least: float) -> float:
    return math.log(least) if scale == "log" and least > 1 else least


def _wide_enough(low: float, high: float, least: float) -> tuple[float, float]:
    """The two ends, moved apart evenly to the least extent; equal ends to one that can be seen."""
    lacking = max(least, 1e-9 * max(abs(low), abs(high), 1.0)) - (high - low)
    if high == low and least == 0:
        lacking = max(abs(low), 1.0)
    return (low - lacking / 2, high + lacking / 2) if lacking > 0 else (low, high)


def _round_steps(low: float, high: float) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / WANTED
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(each for each in (1.0, 2.0, 2.5, 5.0, 10.0) if each * unit >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12 - math.floor(math.log10(step))) for k in range(first, last + 1)]


def _round_powers(low: float, high: float) -> list[float]:
    """Powers of ten, every so many, with round numbers between them where the extent is short."""
    decades = math.log10(high) - math.log10(low)
    digits = next((each for most, each in BETWEEN if decades <= most), (1.0,))
    every = max(1, math.ceil(decades / WANTED))
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [number for k in powers if k % every == 0 for digit in digits if low <= (number := digit * 10.0**k) <= high]
