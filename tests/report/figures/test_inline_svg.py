"""A drawing inside a page: ids of its own, no style for the rest of the page, words for who does not see it."""

from __future__ import annotations

from xml.etree import ElementTree

from rnnconv_cli.report.figures.inline_svg import inlined

DRAWING = """<?xml version="1.0"?>
<svg xmlns:xlink="http://www.w3.org/1999/xlink" width="9pt" viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg">
 <metadata><title>matplotlib</title></metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><g id="patch_1"><path d="M 0 0 L 9 9 z" style="fill: none"/></g>
  <g id="line2d_1"><path d="M 1.23456 2
L 1.23457 2
M 3 4
L 5 4
" clip-path="url(#p1)" style="stroke: #0072b2; stroke-width: 1"/></g>
  <g><defs><path id="m1" d="M 0 0 L 1 1"/></defs><use xlink:href="#m1" x="1" y="2" style="fill: #0072b2"/></g>
  <text style="font-size: 7px; font-family: 'DejaVu Sans', sans-serif; fill: #222222"
    transform="rotate(-0 1 2)">$m$ &lt;b&gt; 0  1</text>
 </g>
 <defs><clipPath id="p1"><rect x="0" y="0" width="9" height="9"/></clipPath></defs>
</svg>"""


def _inlined(prefix: str, **colours: str) -> str:
    named = {f"#{colour}": variable for colour, variable in colours.items()}
    return inlined(DRAWING, prefix=prefix, title="q against m", words='1 < 2 & "3"\x1b[31m', colours=named)


def test_two_figures_of_a_page_share_no_id() -> None:
    ids = [
        {each.attrib["id"] for each in ElementTree.fromstring(_inlined(p)).iter() if "id" in each.attrib} for p in "ab"
    ]
    assert ids == [{"a-0", "a-1", "a-title", "a-desc"}, {"b-0", "b-1", "b-title", "b-desc"}]


def test_references_follow_their_ids() -> None:
    text = _inlined("a")
    assert 'href="#a-0"' in text
    assert 'id="a-0" d="M0 0L1 1"' in text
    assert 'clip-path="url(#a-1)"' in text
    assert '<clipPath id="a-1">' in text


def test_nothing_of_it_reaches_the_page() -> None:
    text = _inlined("a")
    for each in ("<style", "<metadata", "<?xml", "xlink", "fill: none", " width="):
        assert each not in text.split("<clipPath")[0], each


def test_its_words_are_words() -> None:
    root = ElementTree.fromstring(_inlined("a"))
    title, words = root[0], root[1]
    assert (title.text, words.text) == ("q against m", '1 < 2 & "3"\\x1b[31m')
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "a-title a-desc"
    assert [each.text for each in root.iter() if each.tag.endswith("text")] == ["$m$ <b> 0  1"]


def test_a_stroke_without_length_is_a_dot_and_others_stay() -> None:
    assert 'd="M1.23 2h0M3 4L5 4"' in _inlined("a")


def test_a_theme_gives_colours_and_letters() -> None:
    themed = _inlined("a", **{"0072b2": "var(--main)", "222222": "var(--ink)"})
    assert "#0072b2" not in themed
    assert "stroke: var(--main); stroke-width: 1" in themed
    assert "font-size: 7px; fill: var(--ink)" in themed
    assert "font-family" in _inlined("a")
