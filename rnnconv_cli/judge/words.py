"""Numbers and places in the sentences of a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rnnconv_cli.spec.claim import Law, PathParameter

SYMBOLS = {
    "width": "m",
    "horizon": "L",
    "n_sequences": "n",
    "separation": "δ",
    "tau0": "τ₀",
    "size": "‖W'‖",
    "output_dim": "d",
    "sparsity": "k",
    "rows": "|N|",
    "threshold": "b₋",
    "margin": "b₊",
    "kick": "θ",
    "deviation": "ε",
    "decades": "decade",
    "steps": "t",
}
PLURALS = {
    "width": "widths",
    "horizon": "horizons",
    "n_sequences": "numbers of sequences",
    "separation": "separations",
    "tau0": "radii",
    "size": "sizes",
    "output_dim": "output dimensions",
    "sparsity": "sparsities",
    "rows": "numbers of rows",
    "threshold": "thresholds",
    "margin": "margins",
    "kick": "kicks",
    "deviation": "deviations",
    "decades": "decades",
    "steps": "steps",
}

UNITS = (("hour", 3600), ("minute", 60), ("second", 1))


def out_of_reach(width: float) -> str:
    """What is said of a smallest sufficient width that lies outside all that were tried; nothing of any other."""
    return "below all" if width <= 0 else "beyond all" if math.isinf(width) else ""


def limit(bound: float) -> str:
    """A bound in six digits, or in as many as it takes not to call it a whole number that it is not."""
    short = f"{bound:g}"
    return short if "." in short or "e" in short or float(short) == bound else f"{bound:.15g}"


def symbol(parameter: str | None) -> str:
    """A swept parameter as the paper writes it."""
    return SYMBOLS.get(parameter or "", "p")


def place(parameter: str | None, point: float) -> str:
    """A point of the sweep, for people; empty where nothing is swept."""
    return f" at {symbol(parameter)} = {point:g}" if parameter else ""


def law(each: Law) -> str:
    """A number that follows another parameter, as a formula."""
    factor = "" if each.coefficient == 1 else f"{each.coefficient:g} "
    power = "" if each.power == 1 else f"^{each.power:g}"
    formula = f"{factor}{symbol(each.parameter)}{power}"
    return f"max({each.at_least:g}, {formula})" if each.at_least else formula


def path(laws: Mapping[PathParameter, Law]) -> str:
    """How other parameters follow the swept one; empty where none does."""
    return "; ".join(f"{symbol(name)} = {law(each)}" for name, each in laws.items())


def extent(parameter: str | None, points: int, replicates: int) -> str:
    """How much a fit rests on."""
    return f"on {points} {PLURALS.get(parameter or '', 'points')} x {replicates} draws"


def interval(value: float, low: float, high: float) -> str:
    """A number and its interval, to two digits of the half-width."""
    half = (high - low) / 2
    places = min(8, max(2, 1 - math.floor(math.log10(half)))) if 0 < half < math.inf else 3
    return f"{value:.{places}f} [{low:.{places}f}, {high:.{places}f}]"


def core_time(seconds: float) -> str:
    """A predicted time of one core, in two digits: more would promise what no prediction keeps."""
    unit, size = next((each for each in UNITS if seconds >= 2 * each[1]), UNITS[-1])
    amount = float(f"{max(seconds, 1.0) / size:.2g}")
    return f"{amount:g} core-{unit}{'s' if amount != 1 else ''}"


def shortened(text: str, length: int) -> str:
    """A text of at most this many characters, cut at a word where it must be."""
    return text if len(text) <= length else text[: length - 3].rsplit(" ", 1)[0] + "..."
