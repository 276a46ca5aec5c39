"""Files and elements of figures: the same bytes for the same figure, small, and harmless whatever a stranger wrote."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest

from rnnconv_cli.errors import UnknownName, UsageError
from rnnconv_cli.records import CheckResult, Report
from rnnconv_cli.report.figures.data import FIGURES, figure_of
from rnnconv_cli.report.figures.draw import figure_bytes, svg
from rnnconv_cli.report.figures.draw_panel import PALETTE
from rnnconv_cli.report.figures.figure import Figure, Note
from rnnconv_cli.report.figures.plan import Look

HOSTILE = "$\\frac{1}{0}$ <script>alert('1')</script> & \"q\" ]]> ‖δ‖₂ _x {%s}"


def _drawn(check: CheckResult) -> Figure:
    found = figure_of(check)
    assert found is not None
    return found


@pytest.fixture
def figures(report: Report) -> dict[str, Figure]:
    return {check.kind: _drawn(check) for check in report.claims[0].checks}


@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_the_same_figure_has_the_same_bytes(figures: dict[str, Figure], form: str) -> None:
    first, second = (figure_bytes(figures["exponent"], form) for _ in range(2))
    assert first == second
    assert first.startswith({"pdf": b"%PDF-", "svg": b"<?xml", "png": b"\x89PNG"}[form])
    for fact in (b"CreationDate", b"Matplotlib v", b"dc:date", b"Software"):
        assert fact not in first


def test_settings_of_a_user_change_nothing(figures: dict[str, Figure]) -> None:
    own = figure_bytes(figures["growth"], "svg")
    theirs: dict[Any, Any] = {
        "font.family": "monospace",
        "axes.facecolor": "red",
        "lines.linewidth": 9.0,
        "text.color": "green",
    }
    with matplotlib.rc_context({**theirs, "svg.fonttype": "path", "font.size": 20.0}):
        assert figure_bytes(figures["growth"], "svg") == own


def test_notes_that_would_touch_stand_on_lines_of_their_own(figures: dict[str, Figure]) -> None:
    first, *others = figures["exponent"].panels
    top = first.y.high
    places = (256.0, 280.0, 300.0, 2048.0)
    notes = tuple(Note((x, top), f"1{x:.0f}×∞", side="below") for x in reversed(places))
    text = svg(replace(figures["exponent"], panels=(replace(first, notes=notes), *others)), prefix="a")
    heights = {
        each.text: float(each.attrib["y"])
        for each in ElementTree.fromstring(text).iter()
        if each.text is not None and each.text.endswith("×∞")
    }
    one, two, three, apart = (heights[f"1{x:.0f}×∞"] for x in places)
    assert one == apart < two < three
    assert two - one == pytest.approx(0.85 * 7, abs=0.02) == three - two


@pytest.mark.parametrize("kind", sorted(FIGURES))
def test_a_figure_of_a_page_has_its_colours_and_its_words(figures: dict[str, Figure], kind: str) -> None:
    figure = figures[kind]
    text = svg(figure, prefix="claim-check")
    root = ElementTree.fromstring(text)
    assert root.attrib["role"] == "img"
    assert [root[0].text, root[1].text] == [figure.name, figure.text]
    assert all(each.attrib["id"].startswith("claim-check-") for each in root.iter() if "id" in each.attrib)
    assert re.findall("#[0-9a-f]{6}", text) == []
    assert set(re.findall(r"var\((--\w+)\)", text)) <= {f"--{role}" for role in PALETTE}
    assert "font-family" not in text
    shown = [each.text for each in root.iter() if each.tag.endswith("text")]
    assert {panel.heading for panel in figure.panels} <= set(shown)


def test_text_of_a_stranger_is_text(report: Report) -> None:
    check = report.claims[0].checks[0]
    trials = tuple(replace(each, trial=replace(each.trial, quantity=HOSTILE)) for each in check.observations)
    figure = replace(_drawn(replace(check, observations=trials)), text=HOSTILE)
    panels = tuple(replace(panel, heading=HOSTILE) for panel in figure.panels)
    text = svg(replace(figure, panels=panels), prefix="x")
    root = ElementTree.fromstring(text)
    assert "<script" not in text
    assert [each.text for each in root.iter() if each.tag.endswith("text")].count(HOSTILE) == len(panels)
    assert root[1].text == HOSTILE
    for form in ("pdf", "png"):
        assert figure_bytes(replace(figure, panels=panels), form)


def test_many_draws_stay_small(report: Report) -> None:
    check = report.claims[0].checks[0]
    many = tuple(
        replace(each, trial=replace(each.trial, replicate=draw), value=each.point ** (0.6 + draw / 1000))
        for each in check.observations
        if each.trial.replicate == 0
        for draw in range(96)
    )
    assert len(svg(_drawn(replace(check, observations=many)), prefix="x").encode()) < 45_000


def test_letters_of_a_pdf_are_truetype(figures: dict[str, Figure]) -> None:
    found = figure_bytes(figures["exponent"], "pdf")
    assert b"/CIDFontType2" in found
    assert b"/Type3" not in found


def test_size_and_dots_are_those_that_were_asked_for(figures: dict[str, Figure]) -> None:
    found = figure_bytes(figures["exponent"], "png", Look(width=5.0, height=4.0, dpi=60.0))
    assert struct.unpack(">II", found[16:24]) == (300, 240)
    assert b'width="360pt" height="288pt"' in figure_bytes(figures["exponent"], "svg", Look(width=5.0, height=4.0))


def test_what_cannot_be_drawn_is_refused(figures: dict[str, Figure]) -> None:
    figure = figures["exponent"]
    with pytest.raises(UnknownName, match=r"found font 'DejaVu Sams' \(did you mean DejaVu Sans"):
        figure_bytes(figure, "pdf", Look(font="DejaVu Sams"))
    with pytest.raises(UsageError, match="found a figure of 1 x "):
        figure_bytes(figure, "pdf", Look(width=1.0))
    with pytest.raises(UsageError, match="wanted at most 100 million dots; try a smaller --dpi"):
        figure_bytes(figure, "png", Look(width=50.0, height=50.0, dpi=1200.0))


def test_a_font_is_the_one_that_was_asked_for(figures: dict[str, Figure]) -> None:
    assert b"DejaVuSerif" in figure_bytes(figures["exponent"], "pdf", Look(font="serif"))
    assert b"font-family: 'DejaVu Serif', 'DejaVu Sans'" in figure_bytes(
        figures["exponent"], "svg", Look(font="DejaVu Serif")
    )
