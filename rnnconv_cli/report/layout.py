"""Headings, rows and hanging paragraphs as lines of text of a given width, whatever a stranger's words hold."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rnnconv_cli.report.plain import ascii_only, visible

LOOKS = {"within": "green", "outside": "magenta", "inconclusive": "yellow", "(!)": "bold red"}
LABEL_WIDTH = 9  # the longest label of a paragraph: "statement"
GAP = 1


@dataclass(frozen=True, slots=True)
class Style:
    """How text is to be shown. The default suits a log file."""

    width: int = 100
    ascii_only: bool = False
    colour: bool = False  # words are coloured; nothing is said by colour alone
    brief: bool = False  # only what contradicts or does not decide


PLAIN = Style()


def words(text: str, style: Style, look: str = "") -> Text:
    """Text to show as it is: no markup is read in it, and nothing in it acts on the terminal."""
    safe = visible(text)
    return Text(ascii_only(safe) if style.ascii_only else safe, style=look)


def amount(number: int, what: str) -> str:
    """How many there are of something that takes an s: "1 draw", "3 draws"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def verdict(text: str, style: Style) -> Text:
    """A verdict's word, coloured where colours are wanted."""
    shown = words(text, style)
    for word, look in LOOKS.items():
        shown.highlight_words([word], look)
    return shown


def heading(text: str, style: Style) -> RenderableType:
    """A line that opens a section, underlined."""
    return Group(words(text, style, "bold"), rule(style))


def rule(style: Style) -> RenderableType:
    """A line across the page."""
    return words("─" * style.width, style)


def row(cells: Sequence[Text], widths: Sequence[int], *, indent: int = 0) -> RenderableType:
    """Cells in columns of fixed width; a cell too long for its column goes on below."""
    grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
    for width in widths:
        grid.add_column(width=width, overflow="fold")
    grid.add_row(*cells)
    return Padding(grid, (0, 0, 0, indent))


def paragraph(label: str, text: str | Text, style: Style, *, indent: int = 4) -> RenderableType:
    """A label, and words that wrap beside it."""
    body = text if isinstance(text, Text) else words(text, style)
    left = max(LABEL_WIDTH, len(label))
    return row((words(label, style), body), (left, max(10, style.width - indent - left - GAP)), indent=indent)


def unbroken(text: str, style: Style) -> str:
    """One line, however long: a path or a command in it can be copied as it is."""
    safe = visible(text, lines=True).replace("\n", "\\n")
    return f"{ascii_only(safe) if style.ascii_only else safe}\n"


def painted(parts: Iterable[RenderableType], style: Style) -> str:
    """The parts below each other as text, without blanks at the ends of lines.

    The environment is kept out: width, colours and encoding are the style's alone.
    """
    page = io.StringIO()
    console = Console(
        file=page,
        width=style.width,
        force_terminal=style.colour,
        force_jupyter=False,
        color_system="standard" if style.colour else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    for part in parts:
        console.print(part, overflow="fold")
    return "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())


def signed(value: float | None) -> str:
    """A difference in a few columns: three decimals below 10, one below 1000, then a power of ten."""
    if value is None:
        return "-"
    if abs(value) < 9.9995:
        return f"{value:+.3f}"
    return f"{value:+.1f}" if abs(value) < 999.95 else f"{value:+.0e}"


def interval(value: float, low: float, high: float) -> str:
    """A number with its interval, all three to the same decimals."""
    largest = max(abs(end) for end in (value, low, high) if math.isfinite(end)) if math.isfinite(value) else 0.0
    shown = ".3f" if 1e-3 <= largest < 1e3 else ".1e"
    return f"{value:{shown}} [{low:{shown}}, {high:{shown}}]"


def quantity(value: float | None) -> str:
    """A measured quantity of any size, in four significant digits."""
    return "-" if value is None else f"{value:.4g}"
