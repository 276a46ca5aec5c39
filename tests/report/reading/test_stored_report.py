"""A stored result is read back whole, or refused with the reason; nothing between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Report
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report import table
from rnnconv_cli.report.document import document
from rnnconv_cli.report.reading.stored_report import read_report

WRONG: tuple[Any, ...] = ("a word", True, {}, [[]], 10**400, None)


def test_nothing_is_lost(report: Report) -> None:
    text = json_format.render(report)
    found = read_report(text, "r.json")
    assert document(found) == document(report)
    assert json_format.render(found) == text
    assert table.render(found) == table.render(report)
    assert [each.finding for claim in found.claims for each in claim.checks if each.kind == "exponent"] == [
        each.finding for claim in report.claims for each in claim.checks if each.kind == "exponent"
    ]


def test_what_is_not_finite_is_told_apart_again(report: Report) -> None:
    """An open end, a width out of reach and a number that is not known are all null in the document."""
    checks = {
        check.kind: check
        for claim in read_report(json_format.render(report), "r.json").claims
        for check in claim.checks
    }
    written = {check.kind: check for claim in report.claims for check in claim.checks}
    assert repr(checks["frontier"].finding.estimate) == repr(written["frontier"].finding.estimate)
    assert repr(checks["attainment"].finding.estimate) == repr(written["attainment"].finding.estimate)


def test_a_damaged_part_is_refused_or_read_as_what_it_says(report: Report) -> None:
    """Whatever stands in any place: a report, or one clear message; never another error."""
    text = json_format.render(report)
    refused = 0
    for number, place in enumerate(places(json.loads(text))):
        damaged = json.loads(text)
        part = damaged
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = WRONG[number % len(WRONG)]
        refused += is_refused(json.dumps(damaged))
    assert refused > 100


@pytest.mark.parametrize("missing", ["main", "arms", "observations", "curves", "beside", "control", "worst"])
def test_a_missing_part_is_named(report: Report, missing: str) -> None:
    damaged = json.loads(json_format.render(report))
    del damaged["claims"][0]["checks"][0][missing]
    with pytest.raises(UsageError, match=f"a damaged result in r.json .*{missing}"):
        read_report(json.dumps(damaged), "r.json")


def test_which_value_counts_is_kept_and_nothing_else_is_read(report: Report) -> None:
    damaged = json.loads(json_format.render(report))
    damaged["claims"][0]["checks"][0]["worst"] = "smallest"
    assert read_report(json.dumps(damaged), "r.json").claims[0].checks[0].worst == "smallest"
    damaged["claims"][0]["checks"][0]["worst"] = "both"
    with pytest.raises(UsageError, match="worst is neither largest nor smallest"):
        read_report(json.dumps(damaged), "r.json")


CLAIM, CHECK = ("claims", 0), ("claims", 0, "checks", 0)
ID = "wanted small letters and digits, a letter first, with single hyphens between, at most 64"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ((*CLAIM, "id"), "--all", f"id is '--all', {ID}"),
        ((*CLAIM, "id"), "$(date)", f"id is '$(date)', {ID}"),
        ((*CHECK, "id"), "--executor=mod:f", f"id is '--executor=mod:f', {ID}"),
        ((*CHECK, "id"), "a" * 65, f"id is 'aaaaaaaaaaaa...aaaaaaaaaaaaa', {ID}"),
        ((*CHECK, "beside", 0, "id"), "-x", f"id is '-x', {ID}"),
        (("profile",), "quick; reboot", f"profile is 'quick; reboot', {ID}"),
        ((*CHECK, "observations", 0, "trial"), "--help", "trial is '--help', wanted the 12 hexadecimal digits"),
        ((*CHECK, "observations", 0, "trial"), "3fa9c1", "trial is '3fa9c1', wanted the 12 hexadecimal digits"),
    ],
)
def test_what_stands_in_a_command_is_a_word_that_does_nothing_there(
    report: Report, path: tuple[str | int, ...], value: str, said: str
) -> None:
    """Whoever types a command that is shown of a stranger's result measures a check, and asks for nothing else."""
    altered = json.loads(json_format.render(report))
    part = altered
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(UsageError, match=r"a damaged result in r\.json") as caught:
        read_report(json.dumps(altered), "r.json")
    assert said in str(caught.value)


def is_refused(text: str) -> bool:
    """Whether the text is no report; an error must say which file it is."""
    try:
        read_report(text, "r.json")
    except UsageError as error:
        return "r.json" in str(error)
    return False


def places(part: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a document, but only the first item of a list."""
    inner: Any = part.items() if isinstance(part, dict) else enumerate(part[:1]) if isinstance(part, list) else ()
    for key, each in inner:
        yield (*above, key)
        yield from places(each, (*above, key))
