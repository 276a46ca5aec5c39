"""A report as one strict-JSON document: the stored form, from which every other form can be made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from rnnconv_cli.records import Report
from rnnconv_cli.report.document import Json, document
from rnnconv_cli.report.layout import PLAIN, Style

SHORT = 100  # a list or mapping without inner ones stays on one line; so does anything up to this length


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as JSON in ASCII, keys in a fixed order, floats to their last bit; no style changes it.

    Lines break between observations, so that two results can be compared line by line.
    """
    return lay_out(document(report))


def lay_out(value: Json) -> str:
    """A document as JSON in ASCII: what has no inner parts on one line, all else a part a line."""
    return "".join(_lines(value, "")) + "\n"


def _lines(value: Json, indent: str) -> Iterator[str]:
    compact = _compact(value)
    inner = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(inner, str) or not isinstance(inner, Sequence):
        yield compact
        return
    if len(compact) <= SHORT or not any(isinstance(part, Mapping | list) for part in inner):
        yield compact
        return
    keys = [f"{_compact(key)}: " for key in value] if isinstance(value, Mapping) else [""] * len(inner)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    yield opening
    for position, (key, part) in enumerate(zip(keys, inner, strict=True)):
        yield f"{',' if position else ''}\n{indent} {key}"
        yield from _lines(part, indent + " ")
    yield f"\n{indent}{closing}"


def _compact(value: Json) -> str:
    return json.dumps(value, allow_nan=False)
