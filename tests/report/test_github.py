"""Annotations lead to the right line, say the most pressing first, and hold nothing that a runner would obey."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Environment, Place, Report, Status, Verdict
from rnnconv_cli.report.github import MOST, render
from rnnconv_cli.report.layout import Style

COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:]*)(?:,[a-z]+=[^,:]*)*)::(.*)")
HOSTILE = "a:b,c%d\r\n::set-output name=x::y\x1b[31m\u2028\u202eé"


def parsed(shown: str) -> list[tuple[str, dict[str, str], str]]:
    """Each line as kind, properties and message, as a runner reads them."""
    found = []
    for line in shown.splitlines():
        match = COMMAND.fullmatch(line)
        assert match is not None, line
        properties = dict(each.split("=", 1) for each in match[2].split(","))
        found.append((match[1], {name: unescaped(text) for name, text in properties.items()}, unescaped(match[3])))
    return found


def unescaped(text: str) -> str:
    for escape, char in (("%2C", ","), ("%3A", ":"), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def of(*checks: CheckResult, report: Report) -> Report:
    claim = report.claims[0]
    return replace(report, exit_reasons=(), claims=(replace(claim, checks=checks),))


def test_each_kind_of_finding_has_its_kind_of_annotation(report: Report) -> None:
    found = parsed(render(report))
    assert [(kind, properties["title"]) for kind, properties, _ in found] == [
        ("error", "awkward-claim/a-check-that-contradicts-what-is-expected: outside, expected within"),
        ("error", "awkward-claim/nothing-measured: could not be measured"),
        ("warning", "awkward-claim/something-undecided: inconclusive"),
        ("notice", "rnnconv"),
    ]
    assert found[-1][2] == (
        "10 checks: 6 within, 1 outside, 2 inconclusive, 1 measured; 1 against expectation; profile quick, seed 7, "
        "exit status 3"
    )


def test_a_message_says_why_in_numbers_and_what_would_settle_it(report: Report) -> None:
    lines = parsed(render(report))[2][2].split("\n")
    assert lines == [
        "the control did not break it",
        "predicted ≤ m^0.667 (+0.06), measured 0.641 [0.622, 0.660], slack +0.067",
        "arXiv:1810.12065v4, (5.1b), p. 12 (theorem): ‖D′‖₀ ≤ O(τ₀^{2/3} m^{2/3})",
        "to settle it: 16 instead of 8 replicates would settle it (90 core-seconds)",
    ]


def test_an_annotation_leads_to_the_line_of_its_check(report: Report) -> None:
    places = (
        Place("awkward-claim", "", "claims/awkward.yaml", 3),
        Place("awkward-claim", "something-undecided", "claims/awkward, 100%: a.yaml", 41),
        Place("perturbation-bound", "nothing-measured", "claims/other.yaml", 7),
    )
    found = {
        properties["title"].split(":")[0]: properties
        for _, properties, _ in parsed(render(replace(report, places=places)))
    }
    assert found["awkward-claim/something-undecided"]["file"] == "claims/awkward, 100%: a.yaml"
    assert found["awkward-claim/something-undecided"]["line"] == "41"
    assert found["awkward-claim/nothing-measured"].keys() == {"title"}


def test_failed_trials_are_an_error_with_their_reason(report: Report) -> None:
    first = report.claims[0].checks[0]
    failed = replace(first.observations[0], status=Status.FAILED, value=None, detail="its worker process died")
    check = replace(
        first, verdict=Verdict.INCONCLUSIVE, as_expected=None, observations=(failed, *first.observations[1:])
    )
    (found, _) = parsed(render(of(check, report=report)))
    assert (found[0], found[1]["title"]) == ("error", f"perturbation-bound/{check.id}: could not be measured")
    assert found[2].startswith("could not measure 1 of 24 observations (main): its worker process died\n")


def test_what_is_wrong_with_the_run_comes_first(report: Report) -> None:
    store = "the store x.sqlite is no store of rnnconv; name another --store"
    (first, *others) = parsed(render(replace(report, exit_reasons=(store, *report.exit_reasons))))
    assert first == ("error", {"title": "rnnconv"}, store)
    assert others == parsed(render(report))


def test_trials_that_have_changed_their_bits_are_a_warning(report: Report) -> None:
    facts = Environment((("trials_changed", 2), ("first_changed", "0123456789ab")))
    (found,) = (
        each
        for each in parsed(render(replace(report, environment=facts)))
        if each[1] == {"title": "rnnconv"} and each[0] == "warning"
    )
    assert found[2].startswith("2 trials that were measured again under the same conditions gave other bits")


def test_at_most_ten_of_a_kind_and_the_last_counts_the_rest(report: Report) -> None:
    against = report.claims[1].checks[1]
    for many in (MOST - 1, MOST, MOST + 1, 40):
        checks = [replace(against, id=f"check-{number}", status="misprint") for number in range(many)]
        checks[-1] = replace(checks[-1], status="theorem")
        errors = [each for each in parsed(render(of(*checks, report=report))) if each[0] == "error"]
        assert len(errors) == min(many, MOST)
        assert errors[0][1]["title"].startswith(f"perturbation-bound/check-{many - 1}:"), "a theorem weighs most"
        more = [message for _, _, message in errors if message.startswith("…")]
        assert more == ([f"… and {many - MOST + 1} more: the results have them all"] if many > MOST else [])


def test_nothing_pressing_is_one_notice_and_brief_is_silent(report: Report) -> None:
    fine = replace(report, exit_status=0, exit_reasons=(), claims=report.claims[:1])
    assert [kind for kind, _, _ in parsed(render(fine))] == ["notice"]
    assert render(fine, Style(brief=True)) == ""


@pytest.mark.parametrize("ascii_only", [False, True])
def test_hostile_text_stays_in_its_place(report: Report, ascii_only: bool) -> None:
    check = replace(
        report.claims[1].checks[1], id=HOSTILE, because=HOSTILE, source=HOSTILE, statement=HOSTILE, status=HOSTILE
    )
    claim = replace(report.claims[0], id=HOSTILE, checks=(check,))
    hostile = replace(report, claims=(claim,), exit_reasons=(HOSTILE,), places=(Place(HOSTILE, HOSTILE, HOSTILE, 1),))
    shown = render(hostile, Style(ascii_only=ascii_only))
    assert len(parsed(shown)) == 3
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u2028\u202e]", shown)
    assert "%25d" in shown
    assert shown.isascii() is ascii_only
