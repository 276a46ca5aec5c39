"""Panels and legends as strokes, areas and words on a page, in colours that colour-blind readers tell apart.

Arms differ by their marks and lines too. Every place on the page is computed here, as a share of its width and height:
no number of a stranger meets the scales of a drawing library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rnnconv_cli.report.figures.figure import (
    ALLOWED,
    BESIDE,
    CONTROL,
    INK,
    MAIN,
    PREDICTED,
    Axis,
    Note,
    Panel,
    Point,
    Series,
    Shade,
)
from rnnconv_cli.report.figures.plan import HANDLE, WIDEST, Box, Entry, Plan, fitting
from rnnconv_cli.report.figures.ticks import position

FAINT = "faint"
PALETTE: Mapping[str, str] = {  # after Okabe and Ito
    MAIN: "#0072b2",
    CONTROL: "#d55e00",
    BESIDE: "#008060",
    PREDICTED: "#333333",
    ALLOWED: "#e6e6e6",
    INK: "#222222",
    FAINT: "#999999",
}
MARKS: Mapping[str, str] = {MAIN: "o", CONTROL: "^", BESIDE: "s", PREDICTED: "D", INK: "o"}
LINES: Mapping[str, Any] = {"line": "-", "dashes": (0, (4, 2)), "dotted": (0, (1, 1.5))}
DOT, THICK, MARK, THIN = 0.26, 0.14, 0.62, 0.09  # sizes of dots, lines, marks and axes, in font sizes
FAINTLY = 0.6  # opacity of dots, which lie over each other
FAN = 0.25  # opacity of the area of an interval
BREAK = (float("nan"), float("nan"))  # ends a stroke of a path
SHORT = 1e-7  # of the page: a stroke that is seen by its round ends alone
NOTE = 0.85  # size of a note's letters, in font sizes
TICK, PAD, APART = 0.35, 0.3, 0.5  # length of a tick, room to its words, and between two of them, in font sizes
SIDES: Mapping[str, tuple[float, float, str, str]] = {
    "right": (1, 0, "left", "center"),
    "left": (-1, 0, "right", "center"),
    "above": (0, 1, "center", "bottom"),
    "below": (0, -1, "center", "top"),
}


class Page(Protocol):
    """What takes strokes, areas and words at places that are shares of its width and height."""

    def stroke(self, points: Sequence[Point], *, inside: Box | None = None, **look: Any) -> None:
        """A path; nothing of it outside a box."""

    def area(self, corners: Sequence[Point], *, inside: Box, **look: Any) -> None:
        """An area; nothing of it outside a box."""

    def words(self, place: Point, text: str, **look: Any) -> None:
        """A text at a place."""


@dataclass(frozen=True, slots=True)
class Pen:
    """A page with the size of its letters: in points, and as shares of its width and height."""

    page: Page
    size: float
    across: float
    up: float


def draw_panel(pen: Pen, panel: Panel, box: Box, room: float, wide: float, tall: float) -> None:
    """A panel in a box with so much room for labels to its left, as a share of the page; the inside in letters."""
    for shade in panel.shades:
        look = {"facecolor": PALETTE[shade.role], "alpha": _opacity(shade)}
        pen.page.area(list(_placed(shade.corners, panel, box)), inside=box, **look, zorder=1)
    for series in panel.series:
        _draw_series(pen, series, panel, box)
    _draw_notes(pen, panel, box)
    top = box.bottom + box.tall + 0.4 * pen.up
    pen.page.words((box.left, top), panel.heading, fontweight="bold", color=PALETTE[INK])
    _draw_axes(pen, panel, box)
    _draw_labels(pen, panel, box, room, (wide, tall))


def draw_legend(pen: Pen, entries: Mapping[str, Entry], plan: Plan) -> None:
    """The entries of a legend, each where it was planned."""
    for label, shown in entries.items():
        x, y = plan.entries[label]
        if isinstance(shown, Note):  # whose words explain themselves
            pen.page.words((x, y), label, color=PALETTE[INK])
        else:
            _draw_handle(pen, shown, (x, x + (HANDLE - 0.6) * pen.across), y + 0.35 * pen.up)
            pen.page.words((x + HANDLE * pen.across, y), label, color=PALETTE[INK])


def _opacity(shade: Shade) -> float:
    return 1.0 if shade.role == ALLOWED else FAN


def _draw_handle(pen: Pen, shown: Series | Shade, ends: Point, height: float) -> None:
    """What a series or a shade looks like, between two places."""
    line, middle = [(end, height) for end in ends], (sum(ends) / 2, height)
    if isinstance(shown, Shade):
        thick, opacity = 0.8 * pen.size, _opacity(shown)
        pen.page.stroke(line, color=PALETTE[shown.role], alpha=opacity, linewidth=thick, solid_capstyle="butt")
    elif shown.shape == "marks":
        pen.page.stroke([middle], **_mark(shown.role, pen.size))
    elif shown.shape == "dots":
        _draw_dots(pen, [middle], PALETTE[shown.role])
    else:
        pen.page.stroke(line, **_line(shown, pen.size))


def _draw_series(pen: Pen, series: Series, panel: Panel, box: Box) -> None:
    points = [place for path in series.paths for place in _placed(path, panel, box)]
    if not points:
        return
    if series.shape == "dots":
        _draw_dots(pen, points, PALETTE[series.role])
    elif series.shape == "marks":
        if strokes := list(_strokes(series, panel, box, points)):
            pen.page.stroke(strokes, color=PALETTE[series.role], linewidth=1.3 * THICK * pen.size, zorder=3)
        pen.page.stroke(points, **_mark(series.role, pen.size))
    else:
        joined = [place for path in series.paths for place in (*_placed(path, panel, box), BREAK)]
        pen.page.stroke(joined, inside=box, **_line(series, pen.size))


def _line(series: Series, size: float) -> dict[str, Any]:
    look = {"color": PALETTE[series.role], "linestyle": LINES[series.shape], "alpha": series.strength}
    return {**look, "linewidth": THICK * size, "zorder": 3}


def _mark(role: str, size: float) -> dict[str, Any]:
    """Main's marks are full, all others open."""
    colour = PALETTE[role]
    face = colour if role == MAIN else "none"
    shape = {"marker": MARKS[role], "markersize": MARK * size, "markeredgewidth": THICK * size}
    return {**shape, "color": colour, "markerfacecolor": face, "linestyle": "none", "zorder": 4}


def _draw_dots(pen: Pen, points: Sequence[Point], colour: str) -> None:
    """Points as one path of strokes without length; snapped to pixels, they would be lost."""
    strokes = [each for x, y in points for each in ((x, y), (x + SHORT, y), BREAK)]
    look: dict[str, Any] = {"color": colour, "linewidth": DOT * pen.size, "solid_capstyle": "round", "alpha": FAINTLY}
    pen.page.stroke(strokes, **look, snap=False, zorder=2)


def _strokes(series: Series, panel: Panel, box: Box, points: Sequence[Point]) -> Iterator[Point]:
    """The intervals of some points as one path."""
    for (x, y), (low, high) in zip(points, series.ends, strict=False):
        if series.along == "x":
            yield from ((_across(low, panel, box), y), (_across(high, panel, box), y), BREAK)
        else:
            yield from ((x, _up(low, panel, box)), (x, _up(high, panel, box)), BREAK)


def _draw_notes(pen: Pen, panel: Panel, box: Box) -> None:
    """The notes from left to right; one above or below its place stands on the first line where it touches no other."""
    taken: dict[tuple[str, float], list[float]] = {}  # how far the words reach: line by line, for each side and height
    for note in sorted(panel.notes, key=lambda each: each.at[0]):
        across, up, horizontal, vertical = SIDES[note.side]
        ((x, y),) = _placed((note.at,), panel, box)
        line = 0
        if up:
            half = WIDEST * len(note.text) * NOTE * pen.across / 2
            lines = taken.setdefault((note.side, note.at[1]), [])
            line = next((index for index, end in enumerate(lines) if end <= x - half), len(lines))
            lines[line : line + 1] = [x + half + APART * NOTE * pen.across]
        place = x + 0.25 * pen.across * across, y + (0.25 + NOTE * line) * pen.up * up
        look = {"ha": horizontal, "va": vertical, "color": PALETTE[note.role], "fontsize": NOTE * pen.size}
        pen.page.words(place, note.text, **look)


def _draw_axes(pen: Pen, panel: Panel, box: Box) -> None:
    """The two lines with their ticks, and the words at these."""
    left, bottom, right, top = box.left, box.bottom, box.left + box.wide, box.bottom + box.tall
    strokes = [(left, top), (left, bottom), (right, bottom), BREAK]
    below, beside = bottom - (TICK + PAD) * pen.up, left - (TICK + PAD) * pen.across
    free = float("inf")
    for number, label in reversed(panel.x.ticks):  # the largest always has its words, the next if they do not touch
        x, half = _across(number, panel, box), WIDEST * len(label) * pen.across / 2
        strokes += [(x, bottom), (x, bottom - TICK * pen.up), BREAK]
        if x + half + APART * pen.across <= free:
            pen.page.words((x, below), label, ha="center", va="top", color=PALETTE[INK])
            free = x - half
    for number, label in panel.y.ticks:
        y = _up(number, panel, box)
        strokes += [(left, y), (left - TICK * pen.across, y), BREAK]
        if label:
            pen.page.words((beside, y), label, ha="right", va="center_baseline", color=PALETTE[INK])
    pen.page.stroke(strokes, color=PALETTE[FAINT], linewidth=THIN * pen.size, zorder=5)


def _draw_labels(pen: Pen, panel: Panel, box: Box, room: float, inside: Point) -> None:
    """What the axes show, on the room below and beside them; the inside in letters."""
    words = fitting(panel.x.label, inside[0]), fitting(panel.y.label, inside[1])
    below = box.left + box.wide / 2, box.bottom - (TICK + PAD + 1.25) * pen.up
    beside = box.left - room + 0.2 * pen.across, box.bottom + box.tall / 2
    if words[0]:
        pen.page.words(below, words[0], ha="center", va="top", color=PALETTE[INK])
    if words[1]:
        look = {"rotation": 90, "multialignment": "center", "color": PALETTE[INK]}
        pen.page.words(beside, words[1], ha="left", va="center", **look)


def _placed(points: Iterable[Point], panel: Panel, box: Box) -> Iterator[Point]:
    return ((_across(x, panel, box), _up(y, panel, box)) for x, y in points)


def _across(number: float, panel: Panel, box: Box) -> float:
    return box.left + box.wide * _share(number, panel.x)


def _up(number: float, panel: Panel, box: Box) -> float:
    return box.bottom + box.tall * _share(number, panel.y)


def _share(number: float, axis: Axis) -> float:
    """Where a number stands along an axis, from 0 to 1; numbers beyond its ends not far beyond them."""
    low, high = position(axis.low, axis.scale), position(axis.high, axis.scale)
    return min(max((position(number, axis.scale) - low) / (high - low), -20.0), 20.0)
