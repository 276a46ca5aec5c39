"""Where the parts of a figure stand, in inches: panels side by side, the legend below them, room for every label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.figures.figure import Figure, Note, Panel, Point, Series, Shade

INSIDE, ALONE, TALL = 1.75, 2.6, 1.75  # inches of a panel's inside: wide, wide if it stands alone, and high
COMFORT, LEAST = 1.0, 0.5  # inches of a panel's inside, below which panels go below each other, or cannot be read
GAP = 0.14  # inches between a panel and the labels of the next
LETTER, WIDEST, LINE = 0.56, 0.64, 1.35  # width of a letter, and of a digit, and height of a line, in font sizes
ABOVE, BELOW = 2.0, 3.2  # room of a heading, and of the ticks and the label of an axis, in font sizes
HANDLE = 2.4  # width of what stands before an entry of the legend, in font sizes

Entry = Series | Shade | Note


@dataclass(frozen=True, slots=True)
class Look:
    """How large a figure is, and its letters; None for what suits its panels."""

    width: float | None = None  # inches
    height: float | None = None  # inches
    font_size: float = 7.0  # points
    font: str | None = None  # a family that is installed
    dpi: float = 300.0  # of PNG


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in shares of the page's width and height."""

    left: float
    bottom: float
    wide: float
    tall: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The page in inches, and in shares of it: panels' insides, the room beside each, the legend's entries."""

    size: Point
    boxes: tuple[Box, ...]
    rooms: tuple[float, ...]
    entries: Mapping[str, Point]  # left end and base line


def planned(figure: Figure, look: Look) -> Plan:
    """The places of a figure's parts: one row of panels, or as many as a width that was asked for needs.

    Raises UsageError where the size that was asked for leaves no room for panels.
    """
    unit, count = look.font_size / 72, len(figure.panels)
    for columns in range(count, 0, -1):
        rows = -(-count // columns)
        rooms = _rooms(figure, look, columns, rows)
        beside = sum(rooms) + GAP * (columns - 1) + unit
        width = look.width or beside + (ALONE if count == 1 else INSIDE * count)
        wide = (width - beside) / columns
        if wide >= COMFORT:
            break
    entries = _packed(list(legend(figure)), width / unit)
    lines = 1 + max((line for _, line in entries.values()), default=-1)
    below, around = unit * (LINE * lines + 0.6), unit * (ABOVE + BELOW)
    height = look.height or below + rows * (TALL + around)
    tall = (height - below) / rows - around
    if min(wide, tall) < LEAST:
        wanted = (
            f"at least {beside + LEAST * columns:.2f} x {below + rows * (LEAST + around):.2f} for panels and labels"
        )
        raise UsageError(f"a figure of {width:.3g} x {height:.3g} inches", wanted, "or try smaller letters")
    lefts = [sum(rooms[: index + 1]) + index * (wide + GAP) for index in range(columns)]
    bottoms = [height - (row + 1) * (tall + around) + unit * BELOW for row in range(rows)]
    boxes = (
        Box(lefts[k % columns] / width, bottoms[k // columns] / height, wide / width, tall / height)
        for k in range(count)
    )
    bases = {
        label: (x * unit / width, (lines - line - 0.7) * LINE * unit / height) for label, (x, line) in entries.items()
    }
    own = (_left(panel, unit, tall) / width for panel in figure.panels)
    return Plan((width, height), tuple(boxes), tuple(own), bases)


def legend(figure: Figure) -> Mapping[str, Entry]:
    """Labels of what is drawn, each once, with what they stand for, in the order of the panels."""
    entries: dict[str, Entry] = {}
    for panel in figure.panels:
        parts: tuple[Entry, ...] = (*panel.series, *panel.shades, *panel.notes)
        for each in parts:
            if each.label and not (isinstance(each, Series) and not any(each.paths)):
                entries.setdefault(each.label, each)
    return entries


def fitting(label: str, length: float) -> str:
    """A label of an axis on a line of so many font sizes; one that is longer has its unit on a second, or is cut."""
    most = max(4, int(length / LETTER))
    if len(label) <= most:
        return label
    name, bracket, unit_of = label.rpartition(" [")
    if not name:
        return f"{label[: most - 1]}…"
    return f"{name if len(name) <= most else f'{name[: most - 1]}…'}\n{bracket.strip()}{unit_of}"


def _packed(labels: Sequence[str], width: float) -> Mapping[str, tuple[float, int]]:
    """The left end and the line of each entry of a legend; widths in font sizes."""
    found: dict[str, tuple[float, int]] = {}
    edge, row = 0.3, 0
    for label in labels:
        needed = LETTER * len(label) + HANDLE + 1.5
        if edge > 0.3 and edge + needed > width:
            edge, row = 0.3, row + 1
        found[label] = edge, row
        edge += needed
    return found


def _rooms(figure: Figure, look: Look, columns: int, rows: int) -> list[float]:
    """Inches that the labels beside the panels of each column take, before it is known how high the legend is."""
    unit = look.font_size / 72
    tall = TALL if look.height is None else look.height / rows - unit * (ABOVE + BELOW + 2 * LINE)
    found = [_left(panel, unit, tall) for panel in figure.panels]
    return [max(found[column::columns]) for column in range(columns)]


def _left(panel: Panel, unit: float, tall: float) -> float:
    """Inches that the labels beside a panel take."""
    longest = max((len(label) for _, label in panel.y.ticks), default=0)
    lines = fitting(panel.y.label, tall / unit).count("\n") + 1 if panel.y.label else 0
    return unit * (WIDEST * longest + 1.1 + 1.25 * lines)
