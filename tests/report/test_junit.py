"""JUnit results that servers of builds can read, whatever a result holds: red, broken, skipped and green told apart."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import xmlschema

from rnnconv_cli.records import CheckResult, Place, Report, Status, Timing, Verdict
from rnnconv_cli.report.junit import render
from rnnconv_cli.report.layout import Style

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
HOSTILE = "a<b>&c\"d'e]]>\x00\x07\x1b[31m\r\n\ufffe\uffff\u2028\ud800\u202eé\U0001d538"


def parsed(report: Report) -> Element:
    """The document, which must keep the schema, count its cases, and be ASCII without a control character."""
    shown = render(report)
    SCHEMA.validate(shown)
    assert shown.isascii()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", shown)
    root = ElementTree.fromstring(shown)
    for part in (root, *root):
        counted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
        assert {name: part.attrib[name] for name in counted} == {
            name: str(len(list(part.iter(tag)))) for name, tag in counted.items()
        }
    return root


def case_of(root: Element, name: str) -> Element:
    (found,) = (case for case in root.iter("testcase") if case.attrib["name"] == name)
    return found


def properties_of(part: Element) -> dict[str, str]:
    return {each.attrib["name"]: each.attrib["value"] for each in part.findall("properties/property")}


def outcome_of(case: Element) -> tuple[str, str, str] | None:
    """Tag, type and message of what is not fine."""
    found = [each for each in case if each.tag in ("failure", "error", "skipped")]
    return (found[0].tag, found[0].attrib["type"], found[0].attrib["message"]) if found else None


def with_checks(report: Report, *checks: CheckResult) -> Report:
    return replace(report, exit_reasons=(), claims=(replace(report.claims[0], checks=checks),))


def test_a_suite_for_each_claim_and_a_case_for_each_check(report: Report) -> None:
    root = parsed(report)
    assert [(suite.attrib["name"], len(suite.findall("testcase"))) for suite in root] == [
        ("perturbation-bound", 7),
        ("awkward-claim", 3),
    ]
    for claim, suite in zip(report.claims, root, strict=True):
        assert [(case.attrib["classname"], case.attrib["name"]) for case in suite.findall("testcase")] == [
            (claim.id, check.id) for check in claim.checks
        ]
    assert root.attrib["time"] == "41.750"


@pytest.mark.parametrize(
    ("check", "outcome"),
    [
        (
            "a-check-that-contradicts-what-is-expected",
            ("failure", "contradicts-expectation", "outside, expected within: the interval [0.622, 0.660] lies below"),
        ),
        ("nothing-measured", ("error", "could-not-measure", "nothing could be measured")),
        (
            "something-undecided",
            ("skipped", "inconclusive", "16 instead of 8 replicates would settle it (90 core-seconds)"),
        ),
        ("exponent-of-something", None),
        ("frontier-of-something", None),
    ],
)
def test_what_is_red_broken_skipped_and_green(report: Report, check: str, outcome: tuple[str, str, str] | None) -> None:
    found = outcome_of(case_of(parsed(report), check))
    assert (found is None) is (outcome is None)
    if found is not None and outcome is not None:
        assert found[:2] == outcome[:2]
        assert found[2].startswith(outcome[2])


def test_an_expected_failure_is_green(report: Report) -> None:
    check = report.claims[1].checks[1]
    misprint = replace(check, status="misprint", expected=Verdict.OUTSIDE, as_expected=True)
    assert outcome_of(case_of(parsed(with_checks(report, misprint)), check.id)) is None


def test_failed_trials_are_an_error_and_no_skip(report: Report) -> None:
    first = report.claims[0].checks[0]
    failed = replace(first.observations[0], status=Status.FAILED, value=None, detail="its worker process died")
    check = replace(first, verdict=Verdict.INCONCLUSIVE, as_expected=None, observations=(failed,))
    found = outcome_of(case_of(parsed(with_checks(report, check)), check.id))
    message = "could not measure 1 of 1 observations (main): its worker process died"
    assert found == ("error", "could-not-measure", message)


def test_an_inconclusive_check_without_a_price_says_why(report: Report) -> None:
    check = report.claims[1].checks[0]
    check = replace(check, finding=replace(check.finding, settle=""))
    found = outcome_of(case_of(parsed(with_checks(report, check)), check.id))
    assert found == ("skipped", "inconclusive", "the control did not break it")


def test_numbers_are_properties_to_the_last_digit(report: Report) -> None:
    root = parsed(report)
    found = properties_of(case_of(root, "exponent-of-something"))
    assert found == {
        "kind": "exponent",
        "quantity": "activation-flips",
        "parameter": "width",
        "verdict": "within",
        "expected": "within",
        "control": "outside",
        "exponent": "0.641",
        "low": "0.622",
        "high": "0.66",
        "level": "0.995",
        "predicted": repr(2 / 3),
        "side": "upper",
        "tolerance": "0.04",
        "earned": "0.02",
        "slack": "0.067",
        "trials": "12",
        "profile": "quick",
        "seed": "7",
        "adversary": "kinks",
    }
    assert properties_of(case_of(root, "identity-of-something"))["allowed"] == "8.0"
    assert properties_of(case_of(root, "frontier-of-something"))["width at 2"] == "64.0"
    assert "exponent" not in properties_of(case_of(root, "nothing-measured"))
    names = {"growth": "rate", "event": "probability", "identity": "error", "decay": "steps-growth"}
    for kind, name in names.items():
        (estimate,) = (each.finding.estimate for each in report.claims[0].checks if each.kind == kind)
        assert estimate is not None
        assert properties_of(case_of(root, f"{kind}-of-something"))[name] == repr(estimate.value)


def test_what_is_wrong_with_the_run_is_an_error_of_its_own(report: Report) -> None:
    assert "run" not in [case.attrib["name"] for case in parsed(report).iter("testcase")]
    store = "the store x.sqlite is no store of rnnconv; name another --store"
    root = parsed(replace(report, exit_reasons=(store, *report.exit_reasons)))
    assert outcome_of(case_of(root, "run")) == ("error", "run", store)


def test_a_case_knows_its_line(report: Report) -> None:
    places = (Place("perturbation-bound", "growth-of-something", "claims/a.yaml", 41),)
    root = parsed(replace(report, places=places))
    where = {case.attrib["name"]: (case.get("file"), case.get("line")) for case in root.iter("testcase")}
    assert where["growth-of-something"] == ("claims/a.yaml", "41")
    assert where["decay-of-something"] == (None, None)


def test_an_empty_report_is_a_document_too(report: Report) -> None:
    empty = replace(report, claims=(), exit_reasons=(), timing=Timing(()))
    assert parsed(empty).attrib == {
        "name": "rnnconv", "tests": "0", "failures": "0", "errors": "0", "skipped": "0", "time": "0.000",
    }  # fmt: skip


def test_no_style_changes_it(report: Report) -> None:
    assert render(report, Style(width=40, ascii_only=True, colour=True, brief=True)) == render(report)


def test_hostile_text_stays_text(report: Report) -> None:
    """In every field that a stranger's result fills, for every way a check can stand."""
    checks = [
        replace(
            check,
            source=HOSTILE,
            statement=HOSTILE,
            quantity=HOSTILE,
            parameter=HOSTILE,
            because=HOSTILE,
            status=HOSTILE,
            id=f"{number} {HOSTILE}",
            worst_adversary=HOSTILE,
            predicted=replace(check.predicted, text=HOSTILE, side=HOSTILE),
            finding=replace(check.finding, because=HOSTILE, settle=HOSTILE),
            control=replace(check.control, description=HOSTILE),
        )
        for number, check in enumerate(each for claim in report.claims for each in claim.checks)
    ]
    claim = replace(report.claims[0], id=HOSTILE, title=HOSTILE, source=HOSTILE, checks=tuple(checks))
    hostile = replace(
        report,
        tool_version=HOSTILE,
        profile=HOSTILE,
        backend=HOSTILE,
        exit_reasons=(HOSTILE,),
        claims=(claim,),
        places=(Place(HOSTILE, checks[0].id, HOSTILE, 1),),
    )
    root = parsed(hostile)
    assert len(list(root.iter("testcase"))) == 11
    shown = "a<b>&c\"d'e]]>\\x00\\x07\\x1b[31m \\ufffe\\uffff\\u2028\\ud800\\u202eé\U0001d538"
    assert root[0].attrib["name"] == shown
    assert properties_of(case_of(root, f"0 {shown}"))["quantity"] == shown
