"""Markdown as GitHub's own parser reads it: our tables and headings, and a stranger's words as they are written."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import cmarkgfm
import pytest

from rnnconv_cli.records import Environment, Report, Verdict
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.markdown import COLUMNS, render

OURS = {"h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
HOSTILE = (
    "a | b \\| c",
    "<script>alert(1)</script><img src=x onerror=y>",
    "`code` ``more`` *it* **bold** __under__ ~~gone~~ $x^2$ $$y$$",
    "[link](https://evil.example) ![img](x.png) [^1] [ref]",
    "https://evil.example www.evil.example WWW.Evil.example ftp://evil.example/x",
    "mailto:me@evil.example me@evil.example xmpp:a@b.example @someone #12 &amp; &lt; &#65;",
    "line\n\n# heading\n- item\r\n| x | y |\n|---|---|",
    "\\ \\\\ trailing \\",
    "# heading # ## - 1. > quote --- ===",
    "<!-- comment --> --> <!--",
)


class Page(HTMLParser):
    """Tags and texts of what GitHub's parser makes of the Markdown."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.cells: list[list[str]] = []
        self.items: list[str] = []
        self.headings: list[str] = []
        self.comments: list[str] = []
        self._open: list[str] = []
        options = cmarkgfm.cmark.Options.CMARK_OPT_UNSAFE
        self.feed(cmarkgfm.github_flavored_markdown_to_html(text, options))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert [name for name, _ in attrs if name != "align"] == []
        self.tags.append(tag)
        self._open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag == "li":
            self.items.append("")
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        if {"td", "th"} & set(self._open):
            self.cells[-1][-1] += data
        elif "li" in self._open:
            self.items[-1] += data
        elif "h2" in self._open:
            self.headings[-1] += data


def test_each_claim_has_a_heading_a_table_and_its_reasons(report: Report) -> None:
    page = Page(render(report))
    assert set(page.tags) == OURS
    assert page.headings == [f"{claim.id}: {claim.title}" for claim in report.claims]
    assert [row for row in page.cells if row[0] == "check"] == [list(COLUMNS)] * 2
    assert [row[0] for row in page.cells if row[0] != "check"] == [
        check.id for claim in report.claims for check in claim.checks
    ]
    assert len(page.items) == 10


def test_a_row_holds_prediction_interval_slack_control_and_verdict(report: Report) -> None:
    rows = {row[0]: row[1:] for row in Page(render(report)).cells}
    assert rows["exponent-of-something"] == ["≤ m^0.667 (+0.06)", "0.641 [0.622, 0.660]", "+0.067", "outside", "within"]
    assert rows["something-undecided"][-2:] == ["no power", "inconclusive"]
    assert rows["a-check-that-contradicts-what-is-expected"][-1] == "outside, expected within"
    assert rows["frontier-of-something"][1] == "m* = 64 [50, inf] at width 2"
    assert "**outside, expected within**" in render(report)


def test_an_expected_failure_is_told_from_one_that_is_not(report: Report) -> None:
    check = replace(report.claims[1].checks[1], expected=Verdict.OUTSIDE, as_expected=True)
    shown = render(replace(report, claims=(replace(report.claims[0], checks=(check,)),)))
    assert Page(shown).cells[1][-1] == "outside, as expected"


def test_below_a_table_stands_why_and_what_would_settle_it(report: Report) -> None:
    items = Page(render(report)).items
    assert items[7] == (
        "something-undecided (arXiv:1810.12065v4, (5.1b), p. 12 (theorem)): because the control did not break it; "
        "to settle it: 16 instead of 8 replicates would settle it (90 core-seconds)"
    )


def test_what_is_wrong_with_the_run_comes_first(report: Report) -> None:
    store = "the store a_b.sqlite is no store of rnnconv"
    page = Page(render(replace(report, exit_reasons=(store, *report.exit_reasons))))
    assert page.items[0] == f"error: {store}"
    assert len(page.items) == 11


def test_trials_that_have_changed_their_bits_are_a_warning(report: Report) -> None:
    facts = Environment((("trials_changed", 1), ("first_changed", "0123456789ab")))
    items = Page(render(replace(report, environment=facts))).items
    assert items[0].startswith("warning: 1 trial that was measured again")


def test_brief_shows_only_what_contradicts_or_does_not_decide(report: Report) -> None:
    page = Page(render(report, Style(brief=True)))
    assert page.headings == ["awkward-claim: A small change of W changes little"]
    assert len(page.items) == 3


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_text_is_shown_as_it_is_written(report: Report, evil: str) -> None:
    first = report.claims[0].checks[0]
    check = replace(
        first,
        id=evil,
        because=evil,
        source=evil,
        status=evil,
        predicted=replace(first.predicted, text=evil),
        verdict=Verdict.INCONCLUSIVE,
        finding=replace(first.finding, settle=evil),
    )
    claim = replace(report.claims[0], id=evil, title=evil, source=evil, checks=(check,))
    hostile = replace(report, tool_version=evil, profile=evil, exit_reasons=(evil,), claims=(claim,))
    page = Page(render(hostile))
    shown = " ".join(evil.split())
    assert set(page.tags) == OURS
    assert set(page.comments) <= {" "}
    assert page.headings == [f"{shown}: {shown}".strip()]
    assert page.cells[1][:2] == [shown, shown]
    assert len(page.cells[1]) == len(COLUMNS)
    assert page.items == [f"error: {shown}", f"{shown} ({shown} ({shown})): because {shown}; to settle it: {shown}"]


def test_ascii_on_request(report: Report) -> None:
    assert render(report, Style(ascii_only=True)).isascii()
