"""Two reports side by side, as a table for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby

from rich.console import RenderableType

from rnnconv_cli.report.comparison import Bits, Pair, SideBySide
from rnnconv_cli.report.document import Json, finite
from rnnconv_cli.report.estimates import measured_in_full
from rnnconv_cli.report.json import lay_out
from rnnconv_cli.report.layout import (
    Style,
    amount,
    heading,
    painted,
    paragraph,
    quantity,
    row,
    rule,
    signed,
    verdict,
    words,
)

SCHEMA = "rnnconv-comparison/1"
WIDTHS = (23, 23, 15, 10)
CHECK_WIDTH = 24
FULL_WIDTH = CHECK_WIDTH + sum(width + 1 for width in WIDTHS)  # below it, the check stands on a line of its own
LONGEST = 40  # characters of a setting; what is longer is only said to differ


def render_table(found: SideBySide, names: tuple[str, str], style: Style) -> str:
    """The comparison as lines of text: what differs, check by check, and how many checks are the same."""
    return painted((*_settings(found, names, style), *_checks(found, style), *_summary(found, style)), style)


def render_json(found: SideBySide, names: tuple[str, str]) -> str:
    """The comparison as one JSON document, every check in it."""
    return lay_out(
        finite(
            {
                "schema": SCHEMA,
                "first": names[0],
                "second": names[1],
                "exit_status": found.exit_status,
                "settings": [asdict(setting) for setting in found.settings],
                "only_first": found.only_first,
                "only_second": found.only_second,
                "bits": asdict(found.bits),
                "checks": [_document(pair) for pair in found.pairs],
            }
        )
    )


def _document(pair: Pair) -> Json:
    sides: dict[str, Json] = {
        name: {
            "verdict": check.verdict,
            "because": check.because,
            **{part: getattr(check.finding.estimate, part, None) for part in ("value", "low", "high", "level")},
        }
        for name, check in (("first", pair.first), ("second", pair.second))
    }
    ends: dict[str, Json] = {"difference": pair.difference, "half_widths": pair.half_widths, "bits": asdict(pair.bits)}
    return {"claim": pair.claim, "check": pair.first.id, "same": pair.is_same, "moved": pair.moved, **sides, **ends}


def _settings(found: SideBySide, names: tuple[str, str], style: Style) -> Iterator[RenderableType]:
    yield heading("two results side by side", style)
    for label, name in zip(("first", "second"), names, strict=True):
        yield paragraph(label, name, style, indent=0)
    for each in found.settings:
        long = max(len(each.first), len(each.second)) > LONGEST
        yield paragraph("differs", f"{each.name}{'' if long else f': {each.first} → {each.second}'}", style, indent=0)
    for label, only in (("first", found.only_first), ("second", found.only_second)):
        if only:
            yield paragraph("only in", f"the {label}: {', '.join(only)}", style, indent=0)
    yield words("", style)


def _checks(found: SideBySide, style: Style) -> Iterator[RenderableType]:
    different = [pair for pair in found.pairs if not pair.is_same]
    for claim, pairs in groupby(different, key=lambda pair: pair.claim):
        yield heading(claim, style)
        yield _line("check", ("first", "second", "change", "other bits"), style, "bold")
        for pair in pairs:
            yield from _pair(pair, style)
        yield words("", style)


def _pair(pair: Pair, style: Style) -> Iterator[RenderableType]:
    if style.width < FULL_WIDTH:
        yield words(pair.first.id, style, "bold")
    shown = tuple(measured_in_full(each.finding.estimate, each.parameter) for each in (pair.first, pair.second))
    yield _line(pair.first.id, (*shown, _change(pair), _in_words(pair.bits)), style)
    if pair.moved:
        yield paragraph("verdict", verdict(f"{pair.first.verdict} → {pair.second.verdict}", style), style)
        for label, check in (("first", pair.first), ("second", pair.second)):
            yield paragraph(label, check.because, style)


def _line(first: str, cells: tuple[str, ...], style: Style, look: str = "") -> RenderableType:
    shown = [words(cell, style, look) for cell in cells]
    if style.width >= FULL_WIDTH:
        return row((words(first, style, "bold"), *shown), (CHECK_WIDTH, *WIDTHS))
    room = style.width - len(WIDTHS) - 2
    return row(shown, [max(4, width * room // sum(WIDTHS)) for width in WIDTHS], indent=2)


def _change(pair: Pair) -> str:
    """The difference, and its size in half-widths."""
    if pair.difference is None or pair.half_widths is None:
        return signed(pair.difference)
    return f"{signed(pair.difference)} ({pair.half_widths:.2g} h)"


def _in_words(bits: Bits) -> str:
    return f"{bits.different} of {bits.common}" if bits.common else "-"


def _summary(found: SideBySide, style: Style) -> Iterator[RenderableType]:
    same, moved = (sum(getattr(pair, name) for pair in found.pairs) for name in ("is_same", "moved"))
    yield rule(style)
    if same < len(found.pairs):
        yield paragraph("h", "half the width of the wider of the two intervals; no test was made", style, indent=0)
    yield paragraph("bits", _bits(found.bits), style, indent=0)
    parts = (
        f"{amount(len(found.pairs), 'check')} in both: {same} the same, {moved or 'none'} with another verdict",
        f"{len(found.only_first)} only in the first, {len(found.only_second)} only in the second",
        f"exit status {found.exit_status}",
    )
    yield words("; ".join(parts), style)


def _bits(bits: Bits) -> str:
    if not bits.common:
        return "no trial is in both"
    if not bits.different:
        return f"the same in all {bits.common} observations of trials that are in both"
    largest = "" if bits.largest is None else f"; the largest relative difference is {quantity(bits.largest)}"
    return f"other in {bits.different} of {bits.common} observations of trials that are in both{largest}"
