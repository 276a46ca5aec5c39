"""Places on a page: readable names, each once; badges that say what they mean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import Environment, Report, Timing, Verdict
from rnnconv_cli.report.page.parts import Anchors, Badge, Source, badge, parts


def test_a_place_is_named_by_its_ids_and_only_once() -> None:
    anchors = Anchors()
    assert anchors.of("perturbation-bound", "pattern-flips") == "perturbation-bound/pattern-flips"
    assert anchors.of("perturbation-bound", "pattern-flips") == "perturbation-bound/pattern-flips/2"
    assert anchors.of("perturbation-bound/pattern-flips") == "perturbation-bound-pattern-flips"
    assert anchors.of("contents") == "contents/2"
    assert anchors.of("perturbation-bound", "pattern-flips", "2") == "perturbation-bound/pattern-flips/2/2"
    assert anchors.of('"><script>', "") == "---script-/-"


def test_a_badge_says_when_it_contradicts() -> None:
    assert badge(Verdict.WITHIN, True) == Badge("within", "✓", "holds")
    assert badge(Verdict.OUTSIDE, True) == Badge("outside", "✗", "does not hold")
    assert badge(Verdict.OUTSIDE, False) == Badge("against", "✗", "does not hold, against expectation")
    assert badge(Verdict.INCONCLUSIVE, None) == Badge("inconclusive", "?", "undecided")


def test_every_figure_has_a_prefix_of_its_own(report: Report) -> None:
    results = parts([Source("a.json", report), Source("b.json", report)])
    drawings = [each.drawing for result in results for claim in result.claims for each in claim.checks]
    prefixes = [each.prefix for each in drawings if each is not None]
    assert prefixes
    assert len(set(prefixes)) == len(prefixes)


def test_facts_are_words_and_what_is_not_known_is_left_out(report: Report) -> None:
    facts = (("cpu", "zen"), ("commit", None), ("cpu_features", "+a,+b"), ("jobs", 2))
    told = replace(report, environment=Environment(facts), timing=Timing((("total", 3700.0),)))
    (result,) = parts([Source("a.json", told)])
    rows = {row[0]: row[1] for row in result.facts.rows}
    assert rows["processor"] == "zen"
    assert rows["worker processes"] == "2"
    assert rows["took"] == "61 min 40 s"
    assert "commit of the sources" not in rows
    assert "from the store" not in rows
    assert ("cpu_features", "+a, +b") in result.all_facts.rows
    assert ("commit", "not known") in result.all_facts.rows
    assert ("seconds: total", "3700.0") in result.all_facts.rows


@pytest.mark.parametrize(("found", "said"), [(0, None), (307, "307 of 319 trials, which an earlier run has measured")])
def test_what_an_earlier_run_has_measured_is_said(report: Report, found: int, said: str | None) -> None:
    told = replace(report, environment=Environment((("trials_found", found), ("trials_measured", 12))))
    (result,) = parts([Source("a.json", told)])
    assert {row[0]: row[1] for row in result.facts.rows}.get("from the store") == said
