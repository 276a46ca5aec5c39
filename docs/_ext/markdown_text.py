"""Text and tables as Markdown, whatever signs the text holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

SIGNS = re.compile(r"([\\*_<>|\[\]{}])")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table whose cells are Markdown already; none where it has no row."""
    cells = tuple(rows)
    for each in (header, ["---"] * len(header), *cells) if cells else ():
        yield f"| {' | '.join(each)} |"


def literal(text: str) -> str:
    """Text as it is, in one line; what stands in backquotes stays code."""
    parts = " ".join(text.split()).split("`")
    return "`".join(SIGNS.sub(r"\\\1", part) if index % 2 == 0 else part for index, part in enumerate(parts))


def code(text: str) -> str:
    """Text as code inside a cell."""
    return f"`{text.replace('|', chr(92) + '|')}`"


def block(text: str, language: str) -> Iterator[str]:
    """The lines of a block of code."""
    yield from ("", f"```{language}", *text.splitlines(), "```", "")
