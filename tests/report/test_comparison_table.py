from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rich.cells import cell_len

from rnnconv_cli.records import CheckResult, Exponent, Report, Verdict
from rnnconv_cli.report.comparison import side_by_side
from rnnconv_cli.report.comparison_table import render_json, render_table
from rnnconv_cli.report.layout import PLAIN, Style

NAMES = ("before.json", "after.json")


def with_first(report: Report, change: Callable[[CheckResult], CheckResult]) -> Report:
    claim, *others = report.claims
    return replace(report, claims=(replace(claim, checks=(change(claim.checks[0]), *claim.checks[1:])), *others))


@pytest.fixture
def other(report: Report) -> Report:
    """The report at another seed, with a check that has moved, and without its second claim."""

    def change(check: CheckResult) -> CheckResult:
        estimate = check.finding.estimate
        assert isinstance(estimate, Exponent)
        moved = replace(estimate, value=0.75, low=0.7, high=0.8)
        rows = tuple(replace(each, value=(each.value or 0.0) * 1.5) for each in check.observations[:10])
        finding = replace(check.finding, estimate=moved)
        return replace(check, verdict=Verdict.OUTSIDE, because="it lies beyond", finding=finding, observations=rows)

    return replace(with_first(report, change), seed=8, claims=with_first(report, change).claims[:1])


def test_what_differs_stands_in_the_table_and_the_rest_is_counted(report: Report, other: Report) -> None:
    lines = render_table(side_by_side(report, other), NAMES, PLAIN).splitlines()
    assert "first     before.json" in lines
    assert "differs   seed: 7 → 8" in lines
    assert "only in the first: awkward-claim/something-undecided, awkward-claim/a-check-" in " ".join(
        " ".join(lines).split()
    )
    (row,) = (line for line in lines if line.startswith("exponent-of-something"))
    cells = ("0.641 [0.622, 0.660]", "0.750 [0.700, 0.800]", "+0.109 (2.2 h)", "8 of 10")
    assert [cell for cell in cells if cell not in row] == []
    after = lines[lines.index(row) + 1 :]
    assert after[0] == "    verdict   within → outside"
    assert after[2].startswith("    second    it lies beyond") or after[3].startswith("    second    it lies beyond")
    assert not any(line.startswith("growth-of-something") for line in lines)
    assert lines[-2].startswith("7 checks in both: 6 the same, 1 with another verdict; 3 only in the first, 0 only in")
    assert lines[-1].endswith("exit status 3")


def test_two_equal_results_are_one_sentence(report: Report) -> None:
    shown = render_table(side_by_side(report, report), NAMES, PLAIN)
    assert "bits      the same in all 216 observations of trials that are in both\n" in shown
    assert "10 checks in both: 10 the same, none with another verdict" in shown
    assert "check  " not in shown


def test_results_without_a_common_trial_say_so(report: Report) -> None:
    empty = with_first(report, lambda check: replace(check, observations=()))
    alone = replace(empty, claims=(replace(empty.claims[0], checks=empty.claims[0].checks[:1]),))
    assert "bits      no trial is in both" in render_table(side_by_side(alone, alone), NAMES, PLAIN)


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_page(report: Report, other: Report, width: int, ascii_only: bool) -> None:
    shown = render_table(side_by_side(report, other), NAMES, Style(width=width, ascii_only=ascii_only))
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() is ascii_only


def test_a_strangers_words_do_not_act(report: Report) -> None:
    evil = "[red]a\x1b[31m\nb"
    hostile = with_first(report, lambda check: replace(check, id=evil, verdict=Verdict.OUTSIDE, because=evil))
    before = with_first(report, lambda check: replace(check, id=evil))
    shown = render_table(side_by_side(replace(before, profile=evil), hostile), (evil, evil), PLAIN)
    assert "\x1b" not in shown
    assert "[red]a\\x1b[31m b" in shown


def test_the_document_has_every_check(report: Report, other: Report) -> None:
    found: Any = json.loads(render_json(side_by_side(report, other), NAMES))
    assert (found["schema"], found["first"], found["second"]) == ("rnnconv-comparison/1", *NAMES)
    assert (found["exit_status"], len(found["only_first"]), found["only_second"]) == (3, 3, [])
    assert found["settings"] == [{"name": "seed", "first": "7", "second": "8"}]
    first = found["checks"][0]
    assert first["second"] == {
        "verdict": "outside", "because": "it lies beyond", "value": 0.75, "low": 0.7, "high": 0.8, "level": 0.995,
    }  # fmt: skip
    assert (first["same"], first["moved"], first["bits"]["different"]) == (
        False,
        True,
        8,
    )  # infinity and zero stay what they are
    assert [check["same"] for check in found["checks"]] == [False] + [True] * 6
