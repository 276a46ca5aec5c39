"""What is asked and what is allowed, for each kind of check."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, Inequality, Predicted, Report
from rnnconv_cli.report.page import asked


@pytest.fixture
def checks(report: Report) -> dict[str, CheckResult]:
    return {check.kind: check for check in report.claims[0].checks}


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        (
            Predicted("exponent", "upper", 2 / 3, "exponent", 0.04, 0.02, ""),
            "an exponent of at most 0.667, plus 0.04 of declared tolerance and 0.02 for the logarithm in the bound",
        ),
        (
            Predicted("exponent", "lower", -1.0, "exponent", 0.2, 0.0, ""),
            "an exponent of at least -1, less 0.2 of declared tolerance",
        ),
        (
            Predicted("exponent", "lower", -1.0, "exponent", 0.0, 0.5, ""),
            "an exponent of at least -1, less 0.5 for the logarithm in the bound",
        ),
        (Predicted("exponent", "upper", 3.0, "exponent", 0.0, 0.0, ""), "an exponent of at most 3, with no tolerance"),
        (
            Predicted("attainment", "both", -0.5, "exponent", 0.1, 0.0, ""),
            "activation-flips behaves like m^-0.5, within ± 0.1",
        ),
        (
            Predicted("growth", "upper", 0.17, "rate", 0.0, 0.0, ""),
            "apart from a power of m it does not grow exponentially: the rate is at most 0.17 per step of m",
        ),
        (
            Predicted("growth", "lower", 0.2, "rate", 0.0, 0.0, ""),
            "does not shrink exponentially: the rate is at least -0.2 per step of m",
        ),
        (
            Predicted("growth", "both", 0.3, "rate", 0.0, 0.0, ""),
            "neither grows nor shrinks exponentially: the rate is between -0.3 and 0.3 per step of m",
        ),
        (
            Predicted("event", "upper", 0.9, "probability", 0.0, 0.0, "", Inequality("upper", 0.01, 0.9)),
            "activation-flips is at most 0.01 in at least 90 % of draws",
        ),
        (
            Predicted("event", "lower", 0.9, "probability", 0.0, 0.0, "", Inequality("lower", 3.0, 0.9)),
            "activation-flips is at least 3 in at least 90 % of draws",
        ),
        (Predicted("event", "upper", 0.9, "probability", 0.0, 0.0, ""), "holds with probability at least 0.9"),
        (Predicted("identity", "upper", 8.0, "rounding-units", 0.0, 0.0, ""), "agree up to 8 rounding units"),
        (
            Predicted("decay", "upper", 0.0, "rate", 0.1, 0.0, ""),
            "each further factor of 10 in the loss takes about as many steps as the last: at most 11 % more",
        ),
        (Predicted("decay", "upper", 0.0, "rate", 0.0, 0.0, ""), "as many steps as the last: no more"),
        (Predicted("decay", "upper", 0.0, "rate", 1e300, 0.0, ""), "as the last: at most 1e+306 % more"),
        (
            Predicted("frontier", "upper", 2.0, "exponent", 0.3, 0.0, "", Inequality("upper", 6.0, 0.6)),
            "m*, the smallest width at which activation-flips is at most 6 in at least 60 % of draws, grows like a"
            " power of m, with an exponent of at most 2, plus 0.3 of declared tolerance",
        ),
        (
            Predicted("frontier", "upper", None, "exponent", 0.0, 0.0, ""),
            "no number: m*, the smallest width that suffices, is measured for each m",
        ),
        (Predicted("unheard-of", "upper", None, "exponent", 0.0, 0.0, "as it says"), "as it says"),
    ],
)
def test_a_prediction_in_words(report: Report, predicted: Predicted, said: str) -> None:
    assert said in asked.predicted(replace(report.claims[0].checks[0], parameter="width", predicted=predicted))


def test_a_worst_case_is_one_where_several_adversaries_compete(checks: dict[str, CheckResult]) -> None:
    check = checks["attainment"]
    first, *others = check.observations
    two = replace(check, observations=(replace(first, adversary="gaussian"), *others))
    beside = replace(check, observations=(replace(first, adversary="gaussian", arm="noise"), *others))
    assert asked.predicted(two) == "the worst case behaves like m^-1, within ± 0.25"
    assert asked.predicted(beside) == "activation-flips behaves like m^-1, within ± 0.25"


def test_what_is_counted_is_asked_with_its_bound(checks: dict[str, CheckResult]) -> None:
    assert asked.question(checks["event"]) == "How often is activation-flips at most 100?"
    assert asked.question(checks["frontier"]) == (
        "How wide must the network be, for activation-flips to be at most 100 in at least 75 % of draws?"
    )
    unknown = replace(checks["event"], predicted=replace(checks["event"].predicted, counted=None))
    assert asked.question(unknown) == "How often does the inequality for activation-flips hold?"


def test_every_kind_has_a_question_with_its_quantity(checks: dict[str, CheckResult]) -> None:
    for kind, check in checks.items():
        question = asked.question(check)
        assert question.endswith("?")
        assert kind == "decay" or check.quantity in question
    assert asked.question(replace(checks["exponent"], kind="unheard-of")) == "What is activation-flips?"


def test_what_varies_has_its_letter() -> None:
    assert asked.swept("width") == "the width m"
    assert asked.swept(None) == ""
    assert asked.swept("a stranger's") == "a stranger's"
