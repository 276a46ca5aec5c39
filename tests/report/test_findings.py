from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Report
from rnnconv_cli.report import findings
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.reading.stored import StoredResult, read
from rnnconv_cli.spec import catalogue, loader

DOCS = Path(__file__).parents[2] / "docs"
CHECK = "perturbation-bound/exponent-of-something"


@pytest.fixture
def result(report: Report) -> StoredResult:
    return read(json_format.render(report), "result.json")


def test_numbers_take_the_place_of_their_names(result: StoredResult) -> None:
    check = result.checks["perturbation-bound", "exponent-of-something"]
    assert findings.render(f"It is {{{{{CHECK}}}}}.", result) == f"It is {check.measured}."
    assert findings.render(f"{{{{{CHECK}|slack}}}}", result) == "+0.067"
    assert findings.render(f"{{{{run {CHECK}}}}}", result) == (
        "`rnnconv verify perturbation-bound --check exponent-of-something --profile quick`"
    )
    assert findings.render("{{result}}", result) == "rnnconv 0.1.0, profile quick, seed 7"


def test_a_table_has_a_row_for_each_check(result: StoredResult) -> None:
    lines = findings.render("{{table perturbation-bound}}", result).splitlines()
    assert len(lines) == 4 + sum(claim == "perturbation-bound" for claim, _ in result.checks)
    assert all(line.count("|") - line.count("\\|") == 8 for line in lines[:-2])
    assert lines[-1] == "A row again: `rnnconv verify perturbation-bound --check CHECK --profile quick`"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{perturbation-bound/unknown}}", "wanted a check of this result"),
        ("{{table unknown}}", "wanted a claim of this result"),
        (f"{{{{{CHECK}|colour}}}}", "wanted one of because"),
        (f"{{{{{CHECK}@unknown}}}}", "wanted one of"),
    ],
)
def test_what_the_result_has_not_is_refused(text: str, message: str, result: StoredResult) -> None:
    with pytest.raises(UsageError, match=message):
        findings.render(text, result)


def test_figures_are_read_back_as_they_were_written(result: StoredResult) -> None:
    assert findings.of_figures(findings.figures(result)) == result


def test_both_files_are_written(report: Report, tmp_path: Path) -> None:
    (tmp_path / findings.TEMPLATE).write_text(f"{{{{{CHECK}|verdict}}}}\n")
    (tmp_path / "result.json").write_text(json_format.render(report))
    assert findings.main([str(tmp_path / "result.json"), str(tmp_path)]) == 0
    assert (tmp_path / findings.FINDINGS).read_text() == "within\n"
    figures = (tmp_path / findings.FIGURES).read_text()
    assert findings.of_figures(figures).profile == report.profile
    (tmp_path / findings.TEMPLATE).write_text(f"It is {{{{{CHECK}|verdict}}}}.\n")
    assert findings.main([str(tmp_path)]) == 0
    assert (tmp_path / findings.FINDINGS).read_text() == "It is within.\n"
    assert (tmp_path / findings.FIGURES).read_text() == figures


def test_a_run_in_parts_counts_as_one(result: StoredResult) -> None:
    first, *others = result.checks
    parts = [
        StoredResult(result.version, result.profile, result.seed, {name: result.checks[name] for name in names})
        for names in ([first], others)
    ]
    assert findings.together(parts[::-1]) == result
    with pytest.raises(UsageError, match="found results of 2 versions, profiles or seeds"):
        findings.together([parts[0], StoredResult(result.version, "full", result.seed, {})])


def test_a_run_within_a_budget_makes_no_findings(result: StoredResult) -> None:
    with pytest.raises(UsageError, match="found a result within a budget, wanted results of a whole profile"):
        findings.together([replace(result, budget=600.0)])


# --- the findings that are published ----------------------------------------------------------------------------------


def test_the_findings_are_those_of_the_figures_beside_them() -> None:
    result = findings.of_figures((DOCS / findings.FIGURES).read_text(encoding="utf-8"))
    template = (DOCS / findings.TEMPLATE).read_text(encoding="utf-8")
    assert findings.render(template, result) == (DOCS / findings.FINDINGS).read_text(encoding="utf-8")


def test_every_shipped_check_has_its_figures_at_the_full_profile() -> None:
    result = findings.of_figures((DOCS / findings.FIGURES).read_text(encoding="utf-8"))
    claims = [loader.load(path).claim for path in catalogue.shipped()]
    assert result.profile == "full"
    assert set(result.checks) == {(claim.id, check.id) for claim in claims for check in claim.checks}


def test_every_claim_has_its_table_and_every_check_of_a_surprise_its_command() -> None:
    template = (DOCS / findings.TEMPLATE).read_text(encoding="utf-8")
    claims = [loader.load(path).claim for path in catalogue.shipped()]
    assert [claim.id for claim in claims if f"{{{{table {claim.id}}}}}" not in template] == []
    surprises = {f"{claim.id}/{check.id}" for claim in claims for check in claim.checks if check.expected != "within"}
    assert {name for name in surprises if f"{{{{run {name}}}}}" not in template} == set()
