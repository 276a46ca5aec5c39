"""Figures drawn by matplotlib: SVG inside a page, PDF, SVG or PNG for a paper; the same bytes for the same figure.

What is a user's own in matplotlib's settings changes nothing, and no text is read as a formula.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rnnconv_cli.errors import UnknownName, UsageError
from rnnconv_cli.report.figures.draw_panel import PALETTE, Pen, draw_legend, draw_panel
from rnnconv_cli.report.figures.figure import PREDICTED, Figure, Point
from rnnconv_cli.report.figures.inline_svg import inlined
from rnnconv_cli.report.figures.plan import Box, Look, legend, planned

PLAIN = Look()
MOST_PIXELS = 100e6  # 400 MB while it is drawn
METADATA: Mapping[str, Mapping[str, None]] = {  # what is not a figure's own, such as the time of drawing
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
VARIABLES = {role: f"var(--{'ink' if role == PREDICTED else role})" for role in PALETTE}
SPARE = "DejaVu Sans"  # comes with matplotlib, and has the letters that another font may lack
SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "rnnconv",  # names of parts are the same in every run
    "pdf.fonttype": 42,  # TrueType: what journals ask for
    "text.parse_math": False,
    "path.simplify": False,
    "font.sans-serif": [SPARE, "Verdana", "Arial", "Helvetica"],  # the widest first, so that all of them fit
}


def svg(figure: Figure, *, prefix: str) -> str:
    """The figure as one <svg> element, to stand inside a page, without a width or a height of its own.

    Every id in it begins with `prefix`. Its colours are the page's variables --ink, --main, --control,
    --beside, --allowed and --faint, and its font is the page's. Its role, <title> and <desc> say what it shows.
    """
    colours = {PALETTE[role]: variable for role, variable in VARIABLES.items()}
    text = figure_bytes(figure, "svg").decode()
    return inlined(text, prefix=prefix, title=figure.name, words=figure.text, colours=colours)


def figure_bytes(figure: Figure, form: str, look: Look = PLAIN) -> bytes:
    """The figure as a file of its own, without a title: pdf, svg or png.

    Raises UsageError where a size that is asked for is too small for it, UnknownName for a font that is not installed.
    """
    import matplotlib.figure

    plan, size = planned(figure, look), look.font_size
    if form == "png" and plan.size[0] * plan.size[1] * look.dpi**2 > MOST_PIXELS:
        found = f"{plan.size[0]:.3g} x {plan.size[1]:.3g} inches at {look.dpi:g} dots per inch"
        raise UsageError(found, f"at most {MOST_PIXELS / 1e6:g} million dots", "try a smaller --dpi")
    with _settings(look):
        paper = matplotlib.figure.Figure(figsize=plan.size)
        pen = Pen(_Paper(paper), size, size / 72 / plan.size[0], size / 72 / plan.size[1])
        for panel, box, room in zip(figure.panels, plan.boxes, plan.rooms, strict=True):
            draw_panel(pen, panel, box, room, box.wide / pen.across, box.tall / pen.up)
        draw_legend(pen, legend(figure), plan)
        drawing = io.BytesIO()
        paper.savefig(drawing, format=form, metadata=METADATA[form], dpi=look.dpi, transparent=form == "svg")
    return drawing.getvalue()


@dataclass(frozen=True, slots=True)
class _Paper:
    """A page of matplotlib's, without its axes: they would take three times as long."""

    figure: Any

    def stroke(self, points: Sequence[Point], *, inside: Box | None = None, **look: Any) -> None:
        from matplotlib.lines import Line2D

        line = Line2D([x for x, _ in points], [y for _, y in points], transform=self.figure.transFigure, **look)
        self._add(line, inside)

    def area(self, corners: Sequence[Point], *, inside: Box, **look: Any) -> None:
        from matplotlib.patches import Polygon

        self._add(Polygon(corners, edgecolor="none", transform=self.figure.transFigure, **look), inside)

    def words(self, place: Point, text: str, **look: Any) -> None:
        self.figure.text(*place, text, **look)

    def _add(self, artist: Any, inside: Box | None) -> None:
        from matplotlib.transforms import Bbox, TransformedBbox

        self.figure.add_artist(artist)
        if inside is not None:
            bounds = Bbox.from_bounds(inside.left, inside.bottom, inside.wide, inside.tall)
            artist.set_clip_box(TransformedBbox(bounds, self.figure.transFigure))


@contextmanager
def _settings(look: Look) -> Iterator[None]:
    """matplotlib's defaults, and ours."""
    import matplotlib.style

    chosen = {**SETTINGS, "font.size": look.font_size}
    if look.font is not None:
        _require_font(look.font)
        chosen["font.family"] = [look.font, SPARE]
    with matplotlib.style.context(["default", chosen]):
        yield


def _require_font(name: str) -> None:
    from difflib import get_close_matches

    from matplotlib.font_manager import fontManager

    known = sorted({each.name for each in fontManager.ttflist} | {"serif", "sans-serif", "monospace"})
    if name not in known:
        raise UnknownName("font", name, tuple(known), tuple(get_close_matches(name, known)))
