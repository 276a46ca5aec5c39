"""What a figure shows, as values: panels with axes, series, shades and notes, and the same numbers in tables.

Every text in it is words alone: whoever draws it reads no markup and no formula in them.
"""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float]  # in the units of the axes

MAIN, CONTROL, BESIDE = "main", "control", "beside"  # roles: whose numbers are shown
PREDICTED, ALLOWED, INK = "predicted", "allowed", "ink"  # and what they are held against


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its words with their unit, its scale, its ends, and where it is marked."""

    label: str
    scale: str  # linear | log
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]  # (place, label); an empty label is a small mark


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers that are drawn alike, with one entry in the legend; none for an empty label."""

    role: str  # main | control | beside | predicted | ink
    shape: str  # dots | marks | line | dashes | dotted | crosses
    label: str
    paths: tuple[tuple[Point, ...], ...]  # points that a line joins; dots and marks stand alone
    ends: tuple[Point, ...] = ()  # of the interval of each point: low and high along `along`
    along: str = "y"  # x | y: the axis of the intervals
    strength: float = 1.0  # opacity in (0, 1]: tells series of one role apart [1]


@dataclass(frozen=True, slots=True)
class Shade:
    """An area: what a claim allows, or where an interval lies."""

    role: str  # allowed | main | control
    label: str
    corners: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A few words at a place inside a panel."""

    at: Point
    text: str
    role: str = INK
    side: str = "right"  # right | left | above | below: where the words stand of the place
    label: str = ""  # what they mean, for the legend


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes and what stands between them. What comes first is drawn first."""

    heading: str
    x: Axis
    y: Axis
    shades: tuple[Shade, ...]
    series: tuple[Series, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of a figure as words, row by row."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """What is shown of one check: panels from left to right, one or two sentences in their place, and their numbers."""

    name: str  # what stands against what, in a few words
    text: str  # what the panels show, in numbers, for whoever does not see them
    panels: tuple[Panel, ...]
    tables: tuple[Table, ...]
