"""The page of a report: well-formed, complete in itself, and deaf to whatever a stranger's texts hold."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum
from functools import lru_cache
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.records import ArmPlan, BudgetPlan, CheckResult, Environment, Report
from rnnconv_cli.report import FORMATS, SUFFIXES, json
from rnnconv_cli.report.figures import draw
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.page import glossary
from rnnconv_cli.report.page.page import page, render
from rnnconv_cli.report.page.parts import Source
from rnnconv_cli.report.plain import ACTING, visible
from rnnconv_cli.report.reading.stored_report import read_report

VOID = frozenset({"meta", "br", "hr", "img", "input", "link", "wbr"})
PAPER = "https://arxiv.org/abs/1810.12065"
LOADS = frozenset(
    {"src", "href", "xlink:href", "srcset", "data", "action", "formaction", "poster", "ping", "background"}
)
HOSTILE = (
    '</title></style></svg><script>alert(1)</script><img src=x onerror=alert(1)>" \' onload="alert(1)" & ]]> <!-- '
    "javascript:alert(1) {{ 7 * 7 }} {% raw %} url(http://example.org/x) $x$ \\n"
)
UNSEEN = "\x00\x1b[31m\x7f\u202e\u2066\u200b\u2028\ud800\ufeff"


@dataclass
class Element:
    """An element with its attributes, its elements and its own words."""

    tag: str
    attributes: dict[str, str]
    parts: list[Element | str] = field(default_factory=list)

    @property
    def inside(self) -> list[Element]:
        return [each for each in self.parts if isinstance(each, Element)]

    def walk(self) -> Iterator[Element]:
        yield self
        for each in self.inside:
            yield from each.walk()

    def all(self, tag: str) -> list[Element]:
        return [each for each in self.walk() if each.tag == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self._said()).split())

    def _said(self) -> Iterator[str]:
        for each in self.parts:
            yield from [each] if isinstance(each, str) else each._said()


class Strict(HTMLParser):
    """Reads a page in which every element is closed, in order, and no attribute stands twice."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.doctypes: list[str] = []
        self.feed(text)
        self.close()
        assert [each.tag for each in self._open] == [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self._open[-1].parts.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, tag

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)

    def handle_decl(self, decl: str) -> None:
        self.doctypes.append(decl)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


@lru_cache(maxsize=3)
def _page(report: Report) -> str:
    """The page of a report that several tests read, drawn once."""
    return render(report)


def _tree(text: str) -> Element:
    return Strict(text).root


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are empty, for tests of everything else."""
    monkeypatch.setattr(draw, "svg", lambda figure, *, prefix: f'<svg id="{prefix}"></svg>')


def _with_texts(value: Any, text: str) -> Any:
    """The value with another text in place of each, verdicts and statuses aside."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return text
    if isinstance(value, tuple):
        return tuple(_with_texts(each, text) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _with_texts(getattr(value, each.name), text) for each in fields(value)})
    return value


def _check_with_texts(check: CheckResult, text: str) -> CheckResult:
    """A check with another text everywhere but in what decides how it is drawn."""
    changed: CheckResult = _with_texts(check, text)
    rows = zip(changed.observations, check.observations, strict=True)
    return replace(
        changed,
        kind=check.kind,
        predicted=replace(changed.predicted, kind=check.kind, side=check.predicted.side),
        observations=tuple(replace(each, arm=known.arm) for each, known in rows),
    )


def _report_with_texts(report: Report, text: str) -> Report:
    changed: Report = _with_texts(report, text)
    claims = tuple(
        replace(ours, checks=tuple(_check_with_texts(check, text) for check in theirs.checks))
        for ours, theirs in zip(changed.claims, report.claims, strict=True)
    )
    return replace(changed, claims=claims)


@pytest.fixture
def hostile(report: Report) -> Report:
    """The report with a hostile text in every place that a file may have one."""
    return _report_with_texts(report, HOSTILE + UNSEEN)


@pytest.mark.usefixtures("undrawn")
def test_html_is_a_format_with_its_suffix(report: Report) -> None:
    assert FORMATS[SUFFIXES[".html"]](report) == render(report)


def test_the_same_report_gives_the_same_bytes(report: Report) -> None:
    assert render(report) == _page(report)


@pytest.mark.usefixtures("undrawn")
def test_a_stored_report_gives_the_page_of_the_run(report: Report) -> None:
    stored = read_report(json.render(report), "stored")
    assert [each.text for each in _tree(render(stored)).all("h4")] == [
        each.text for each in _tree(render(report)).all("h4")
    ]
    assert render(read_report(json.render(stored), "again")) == render(stored)


@pytest.mark.usefixtures("undrawn")
def test_what_a_control_measures_is_said_where_it_is_another_quantity(report: Report) -> None:
    claim = report.claims[0]
    check, said = claim.checks[0], "It measures activation-flips-of-noise: the same under gaussian noise [units]"
    alike = replace(check, control=replace(check.control, quantity=check.quantity, definition=check.definition))
    for shown, times in ((check, 1), (alike, 0)):
        one = replace(report, claims=(replace(claim, checks=(shown,)),))
        assert _tree(render(one)).text.count(said) == times


def test_the_page_is_well_formed_and_in_standards_mode(report: Report) -> None:
    parsed = Strict(_page(report))
    assert parsed.doctypes == ["doctype html"]
    assert _page(report).startswith("<!doctype html>")
    (html,) = parsed.root.inside
    assert (html.tag, html.attributes["lang"]) == ("html", "en")
    assert [each.tag for each in html.inside] == ["head", "body"]


def test_every_place_has_one_name_and_every_reference_leads_to_one(report: Report) -> None:
    root = _tree(page([Source("a.json", report), Source("b.json", report)]))
    names = [each.attributes["id"] for each in root.walk() if "id" in each.attributes]
    assert len(set(names)) == len(names)
    asked = {each.attributes["href"] for each in root.walk() if "href" in each.attributes}
    asked |= {each.attributes["xlink:href"] for each in root.walk() if "xlink:href" in each.attributes}
    labels = " ".join(each.attributes.get("aria-labelledby", "") for each in root.walk()).split()
    assert {name.removeprefix("#") for name in asked - {PAPER}} | set(labels) <= set(names)
    drawn = set(re.findall(r"url\(#([^)]*)\)", str([each.attributes for each in root.walk()])))
    assert drawn <= set(names)


@pytest.mark.parametrize("kind", ["report", "hostile"])
def test_nothing_is_loaded_and_nothing_runs(kind: str, request: pytest.FixtureRequest) -> None:
    text = _page(request.getfixturevalue(kind))
    root = _tree(text)
    tags = {each.tag for each in root.walk()}
    assert not tags & {"script", "iframe", "object", "embed", "link", "img", "image", "base", "form", "foreignobject"}
    for each in root.walk():
        assert not [name for name in each.attributes if name.startswith("on")]
        for name in LOADS & each.attributes.keys():
            is_link = each.tag == "a" and each.attributes[name] == PAPER  # followed by whoever clicks on it, not loaded
            assert is_link or each.attributes[name].startswith("#"), (each.tag, name, each.attributes[name])
        style = each.attributes.get("style", "") + (each.text if each.tag == "style" else "")
        assert "@import" not in style
        assert all(place.startswith("#") for place in re.findall(r"url\(([^)]*)\)", style))


def test_a_policy_is_the_second_wall_and_comes_before_all_styles(report: Report) -> None:
    (head,) = _tree(_page(report)).all("head")
    charset, policy, *_ = head.inside
    assert charset.attributes == {"charset": "utf-8"}
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    rules = policy.attributes["content"].split("; ")
    assert {"default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"} <= set(rules)


def test_a_strangers_text_changes_no_element(report: Report, hostile: Report) -> None:
    harmless = _report_with_texts(report, "a text")
    ours, theirs = (_tree(_page(each)) for each in (harmless, hostile))
    assert list(_shape(theirs)) == list(_shape(ours))
    drawn = [
        {(each.tag, *sorted(each.attributes)) for svg in root.all("svg") for each in svg.walk()}
        for root in (ours, theirs)
    ]
    assert {tag for tag, *_ in drawn[1]} <= {tag for tag, *_ in drawn[0]}
    assert {name for _, *names in drawn[1] for name in names} <= {name for _, *names in drawn[0] for name in names}


def _shape(element: Element) -> Iterator[tuple[str, ...]]:
    """Every element with its attributes, in order; not those of drawings, whose lines break where words are long."""
    yield element.tag, *sorted(element.attributes)
    for each in element.inside if element.tag != "svg" else ():
        yield from _shape(each)


def test_a_strangers_text_is_shown_as_it_is(hostile: Report) -> None:
    root = _tree(_page(hostile))
    shown = " ".join(visible(HOSTILE + UNSEEN).split())
    titles = [each.text for each in root.all("h3") if "id" in each.attributes]
    assert all(shown in title for title in titles)
    assert len(titles) == 2
    statements = [each.text for each in root.all("p") if each.attributes.get("class") == "statement"]
    assert set(statements) == {shown}
    assert "49" not in shown


def test_no_character_acts(hostile: Report) -> None:
    text = _page(hostile)
    assert {char for char in text if unicodedata.category(char) in ACTING} <= {"\n"}
    text.encode()


def test_a_stream_of_ascii_gets_the_same_page(report: Report) -> None:
    text = render(report, Style(ascii_only=True))
    assert text.isascii()
    assert _tree(text).text == _tree(_page(report)).text


def test_every_adversary_that_can_be_named_is_explained(report: Report) -> None:
    assert set(glossary.ADVERSARIES) == {*ADVERSARIES, *SPARSE_ROW_ADVERSARIES}
    text = _page(report)
    assert glossary.ADVERSARIES["kinks"] in html.unescape(text)
    assert "<dt>loss-kinks</dt>" not in text


def test_landmarks_headings_and_tables_say_what_they_are(report: Report) -> None:
    root = _tree(_page(report))
    assert [len(root.all(tag)) for tag in ("header", "nav", "main", "footer", "h1", "head")] == [1] * 6
    assert root.all("head")[0].all("title")[0].text == "rnnconv: 2 claims, profile quick, seed 7"
    levels = [int(each.tag[1]) for each in root.walk() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    for table in root.all("table"):
        assert table.inside[0].tag == "caption"
        assert table.inside[0].text
        assert {each.attributes.get("scope") for each in table.all("th")} <= {"row", "col"}
        widths = {len(row.inside) for row in table.all("tr")}
        assert len(widths) == 1, table.inside[0].text
    first = next(each for each in root.walk() if each.tag == "a")
    assert first.attributes["href"].startswith("#")
    assert first.text.startswith("Skip")


def test_every_figure_has_words_and_its_numbers_beside_it(report: Report) -> None:
    root = _tree(_page(report))
    figures = root.all("figure")
    assert figures
    for figure in figures:
        (drawing,) = figure.all("svg")
        assert drawing.attributes["role"] == "img"
        named = drawing.attributes["aria-labelledby"].split()
        assert named
        assert set(named) <= {each.attributes.get("id") for each in drawing.walk()}
        (caption,) = figure.all("figcaption")
        assert caption.text
    tables = [each for each in root.all("details") if each.inside[0].text == "The numbers of the figure"]
    assert len(tables) == len(figures)
    assert all(each.all("td") for each in tables)


def test_every_check_says_all_that_is_known_of_it(report: Report) -> None:
    root = _tree(_page(report))
    sections = {each.all("h4")[0].all("a")[0].text: each for each in root.all("section") if each.all("h4")}
    for claim in report.claims:
        for check in claim.checks:
            section = next(
                each for each in root.all("section") if each.attributes["aria-labelledby"] == f"{claim.id}/{check.id}"
            )
            for text in (check.statement, check.source, check.because, check.control.description, check.finding.settle):
                assert visible(text) in section.text
            assert f"rnnconv verify {claim.id} --check {check.id} --profile quick --seed 7" in section.text
    assert sections


def test_verdicts_are_words_and_marks_not_colours_alone(report: Report) -> None:
    badges = [each for each in _tree(_page(report)).all("span") if "badge" in each.attributes.get("class", "")]
    said = {each.attributes["class"].removeprefix("badge "): each.text for each in badges}
    assert said["within"].startswith("✓")
    assert said["against"].startswith("✗")
    assert "against expectation" in " ".join(each.text for each in badges)
    assert {each.text for each in badges if each.attributes["class"] == "badge inconclusive"} == {"? undecided"}
    assert all(len(each.text) > 2 for each in badges)


def test_the_top_counts_every_check(report: Report) -> None:
    root = _tree(_page(report))
    (tiles,) = (each for each in root.all("ul") if each.attributes.get("class") == "tiles")
    assert [each.text for each in tiles.inside] == [
        "6 hold at these sizes",
        "1 do not hold at these sizes",
        "2 undecided",
        "1 measured, without a verdict",
        "1 against expectation",
    ]
    (lead,) = (each for each in root.all("p") if each.attributes.get("class") == "lead")
    assert lead.text.startswith("10 statements were checked on random networks: 6 hold, ")
    assert lead.text.endswith("1 contradicts what the claim file expected: look there first.")


def test_what_was_run_where_stands_on_the_page(report: Report) -> None:
    text = _tree(_page(report)).text
    assert "Exit status 3: a verdict contradicts its expectation." in text
    assert report.exit_reasons[0] in text
    for fact in ("CPython 3.11.7", "42 s", "quick, which", "7: the same seed", "0.1.0, compiled kernels"):
        assert fact in text
    assert "Warning" not in text


@pytest.mark.usefixtures("undrawn")
def test_trials_that_changed_their_bits_are_an_alarm(report: Report) -> None:
    changed = Environment((("trials_changed", 2), ("first_changed", "3fa9c1")))
    assert "Warning: 2 trials that were measured again" in _tree(render(replace(report, environment=changed))).text


@pytest.mark.usefixtures("undrawn")
def test_what_a_budget_leaves_out_stands_with_its_check(report: Report) -> None:
    part = ArmPlan("perturbation-bound", "growth-of-something", "main", "width", (256.0,), 9, (512.0, 1024.0), 7)
    root = _tree(render(replace(report, plan=BudgetPlan(600.0, 2, 1.5, (part,)))))
    assert root.text.count("width 512, 1024, 16 → 9 draws") == 1
    assert "a budget of 10 min on 2 cores" in root.text


@pytest.mark.usefixtures("undrawn")
def test_several_results_stand_on_one_page(report: Report) -> None:
    root = _tree(page([Source("first.json", report), Source("second.json", replace(report, seed=8))]))
    assert "20 statements were checked" in root.text
    assert "What was run for first.json" in root.text
    assert "--profile quick --seed 8" in root.text
    assert "rnnconv replay second.json --trial" in root.text
    captions = [each.text for each in root.all("caption")]
    assert {"The claims of first.json", "The claims of second.json"} <= set(captions)


@pytest.mark.usefixtures("undrawn")
def test_a_result_without_a_claim_says_so(report: Report) -> None:
    root = _tree(render(replace(report, claims=())))
    assert "Nothing was checked." in root.text
    assert "The result holds no claim." in root.text


def test_a_check_without_a_number_says_so(report: Report) -> None:
    root = _tree(_page(report))
    (section,) = (
        each for each in root.all("section") if each.attributes["aria-labelledby"].endswith("/nothing-measured")
    )
    assert not section.all("figure")
    assert "nor does the claim's own measurement decide: nothing could be measured." in section.text
    assert "Nothing was measured." in section.text


@pytest.mark.usefixtures("undrawn")
def test_the_page_explains_what_its_figures_and_controls_say(report: Report) -> None:
    text = _tree(render(report)).text
    assert "large marks their geometric mean" in text
    assert text.count("A label that ends with [1] belongs to a plain number, without a unit.") == 1
    assert "Under this change the statement must fail. Found: " in text
