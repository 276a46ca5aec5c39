from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import BudgetPlan, Report
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.reading.stored import StoredResult, read


@pytest.fixture
def written(report: Report) -> Any:
    return json.loads(json_format.render(report))


@pytest.fixture
def stored(written: Any) -> StoredResult:
    return read(json.dumps(written), "result.json")


def test_what_was_written_is_read_back(stored: StoredResult, report: Report) -> None:
    every = {(claim.id, check.id): check for claim in report.claims for check in claim.checks}
    assert stored.checks.keys() == every.keys()
    assert (stored.profile, stored.seed, stored.version) == (report.profile, report.seed, report.tool_version)
    for key, check in every.items():
        found = stored.checks[key]
        assert (found.verdict, found.expected, found.because) == (check.verdict, check.expected, check.because)
        assert found.predicted == check.predicted.text
        assert found.worst == (check.worst_adversary or "")


def test_a_budget_is_read_back(report: Report, stored: StoredResult, written: Any) -> None:
    planned = replace(report, plan=BudgetPlan(600.0, 2, 1.5, ()))
    assert stored.budget is None
    assert read(json_format.render(planned), "result.json").budget == 600.0
    for damage in ({"seconds": "10m"}, {}, "10m", 600):
        with pytest.raises(UsageError, match=r"found a damaged result in result\.json"):
            read(json.dumps({**written, "plan": damage}), "result.json")


def test_every_kind_of_estimate_has_words(stored: StoredResult) -> None:
    measured = {check.check: check.measured for check in stored.checks.values()}
    assert measured["exponent-of-something"].count("[") == 1
    assert " of " in measured["identity-of-something"]
    assert measured["frontier-of-something"].startswith("m* = ")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seed",), "0"),
        (("profile",), 3),
        (("claims",), {}),
        (("claims", 0, "id"), None),
        (("claims", 0, "id"), "--all"),
        (("claims", 0, "checks", 0, "slack"), "much"),
        (("claims", 0, "checks", 0, "predicted"), []),
        (("claims", 0, "checks", 0, "estimate", "value"), True),
        (("claims", 0, "checks", 0, "estimate", "low"), "1"),
    ],
)
def test_damage_is_found_and_told(path: tuple[Any, ...], value: Any, written: Any) -> None:
    part = written
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(UsageError, match=r"result\.json"):
        read(json.dumps(written), "result.json")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "null", '{"schema": "rnnconv-result/2"}'])
def test_another_document_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"wanted a result( \(rnnconv-result/1\))?;"):
        read(text, "result.json")
