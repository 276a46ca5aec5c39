from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rnnconv_cli.records import ArmPlan, BudgetPlan, Environment, Report, Timing
from rnnconv_cli.report.document import document
from rnnconv_cli.report.json import render
from rnnconv_cli.report.layout import Style

SCHEMA = json.loads(files("rnnconv_cli.report").joinpath("result.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def test_the_shipped_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_result_of_every_kind_keeps_the_schema(report: Report) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_strict(render(report)))] == []


def test_a_plan_keeps_the_schema_and_is_a_part_of_it(report: Report) -> None:
    whole = _strict(render(report))
    assert whole.pop("plan") is None
    assert not VALIDATOR.is_valid(whole)
    part = ArmPlan("perturbation-bound", "exponent-of-something", "main", "width", (256.0,), 9, (512.0,), 7)
    planned = _strict(render(replace(report, plan=BudgetPlan(600.0, 2, 1.25, (part,)))))
    assert [error.message for error in VALIDATOR.iter_errors(planned)] == []
    assert planned["plan"]["arms"][0] == {
        "claim": "perturbation-bound",
        "check": "exponent-of-something",
        "arm": "main",
        "parameter": "width",
        "grid": [256.0],
        "replicates": 9,
        "grid_left_out": [512.0],
        "replicates_left_out": 7,
    }
    del planned["plan"]["arms"][0]["grid"]
    assert not VALIDATOR.is_valid(planned)


def _first_row(document: Any) -> Any:
    return document["claims"][0]["checks"][0]["observations"][0]


def _without_control(document: Any) -> None:
    del document["claims"][0]["checks"][0]["control"]


def _null_that_is_ok(document: Any) -> None:
    _first_row(document)["value"] = None


def _unknown_verdict(document: Any) -> None:
    document["claims"][0]["verdict"] = "probably"


def _unknown_key(document: Any) -> None:
    document["claims"][0]["checks"][0]["confidence"] = 1


def _two_predicted_numbers(document: Any) -> None:
    document["claims"][0]["checks"][0]["predicted"]["rate"] = 1.0


def _estimate_of_another_kind(document: Any) -> None:
    document["claims"][0]["checks"][0]["estimate"]["kind"] = "growth"


def _too_many_steps(document: Any) -> None:
    curve = document["claims"][0]["checks"][0]["curves"][0]
    curve["steps"], curve["values"] = list(range(201)), [1.0] * 201


@pytest.mark.parametrize(
    "spoil",
    [
        _without_control,
        _null_that_is_ok,
        _unknown_verdict,
        _unknown_key,
        _two_predicted_numbers,
        _estimate_of_another_kind,
        _too_many_steps,
    ],
)
def test_the_schema_refuses_what_no_result_holds(report: Report, spoil: Callable[[Any], None]) -> None:
    spoilt = copy.deepcopy(_strict(render(report)))
    spoil(spoilt)
    assert not VALIDATOR.is_valid(spoilt)


def test_the_text_is_the_document_to_the_last_bit(report: Report) -> None:
    assert _strict(render(report)) == document(report)


def test_one_report_has_one_text_in_every_style(report: Report) -> None:
    text = render(report)
    assert text == render(report, Style(width=40, ascii_only=True, colour=True, brief=True))
    assert text.isascii()
    assert text.endswith("}\n")


def test_two_runs_of_one_seed_differ_in_environment_and_timing_alone(report: Report) -> None:
    other = replace(report, environment=Environment((("jobs", 2),)), timing=Timing((("total", 1.0),)))
    first, second = (_strict(render(each)) for each in (report, other))
    assert {key for key in first if first[key] != second[key]} == {"environment", "timing"}


def test_observations_stand_on_lines_of_their_own(report: Report) -> None:
    lines = render(report).splitlines()
    rows = [line for line in lines if '"replicate": 0' in line and '"status"' in line]
    assert len(rows) == sum(
        observation.trial.replicate == 0
        for claim in report.claims
        for check in claim.checks
        for observation in check.observations
    )
    assert max(map(len, rows)) < 400
