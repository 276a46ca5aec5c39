"""Sentences about verdicts and numbers: each kind of check, each way it can come out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import CheckResult, ClaimResult, Estimate, Frontier, IdentityError, Predicted, Report, Verdict
from rnnconv_cli.report.page import words


@pytest.fixture
def checks(report: Report) -> dict[str, CheckResult]:
    return {check.kind: check for check in report.claims[0].checks}


def _came_out(check: CheckResult, verdict: Verdict, expected: Verdict = Verdict.WITHIN) -> CheckResult:
    agrees = None if verdict in (Verdict.INCONCLUSIVE, Verdict.MEASURED) else verdict is expected
    return replace(check, verdict=verdict, expected=expected, as_expected=agrees)


@pytest.mark.parametrize(
    ("verdict", "expected", "said"),
    [
        (Verdict.WITHIN, Verdict.WITHIN, "Holds at these sizes: all of the measured interval is allowed"),
        (Verdict.WITHIN, Verdict.OUTSIDE, "Holds at these sizes, against what its claim file expects: all of"),
        (Verdict.OUTSIDE, Verdict.OUTSIDE, "Does not hold at these sizes, as its claim file expects: none of"),
        (Verdict.OUTSIDE, Verdict.WITHIN, "Does not hold at these sizes, against what its claim file expects: none of"),
        (Verdict.MEASURED, Verdict.WITHIN, "A measurement: the paper states no number to compare with"),
    ],
)
def test_a_verdict_is_a_sentence(
    checks: dict[str, CheckResult], verdict: Verdict, expected: Verdict, said: str
) -> None:
    assert words.verdict(_came_out(checks["exponent"], verdict, expected)).startswith(said)


def test_an_undecided_check_says_which_half_did_not_decide(checks: dict[str, CheckResult]) -> None:
    open_interval = _came_out(checks["exponent"], Verdict.INCONCLUSIVE)
    powerless = replace(open_interval, control=replace(open_interval.control, as_expected=False))
    undecided = replace(powerless, finding=replace(powerless.finding, verdict=Verdict.INCONCLUSIVE))
    nothing = replace(powerless, finding=replace(powerless.finding, estimate=None))
    assert words.verdict(powerless).startswith("Undecided: the control did not come out as it must")
    assert words.verdict(undecided) == (
        "Undecided: the measured interval lies on neither side of what the statement allows."
    )
    assert words.verdict(nothing) == "Undecided: nothing could be estimated."


def test_a_formula_has_errors_and_no_interval(checks: dict[str, CheckResult]) -> None:
    held = words.verdict(_came_out(checks["identity"], Verdict.WITHIN))
    failed = words.verdict(_came_out(checks["identity"], Verdict.OUTSIDE, Verdict.OUTSIDE))
    assert held == "Holds at these sizes: no error is larger than rounding explains."
    assert failed.endswith("errors are larger than rounding explains.")


def test_a_tally_names_what_was_expected_and_what_was_not(checks: dict[str, CheckResult]) -> None:
    one = checks["exponent"]
    held, failed = _came_out(one, Verdict.WITHIN), _came_out(one, Verdict.OUTSIDE, Verdict.OUTSIDE)
    surprise, open_one = _came_out(one, Verdict.OUTSIDE), _came_out(one, Verdict.INCONCLUSIVE)
    assert words.tally([]) == "nothing was checked"
    assert words.tally([held]) == "1 holds"
    assert words.tally([held, held, failed]) == "2 hold and 1 does not hold (as expected)"
    assert words.tally([held, failed, failed, open_one]) == (
        "1 holds, 2 do not hold (all as expected) and 1 is undecided"
    )
    assert words.tally([failed, surprise]) == "2 do not hold (1 of them against expectation)"
    assert words.tally([surprise]) == "1 does not hold (against expectation)"
    assert words.tally([_came_out(one, Verdict.WITHIN, Verdict.OUTSIDE)]) == "1 holds (against expectation)"
    assert words.lead([held, surprise]).endswith("1 contradicts what the claim file expected: look there first.")
    assert words.lead([held]) == (
        "One statement was checked on random networks: 1 holds. None contradicts what its claim file expected."
    )


@pytest.mark.parametrize(
    ("verdicts", "verdict", "expected", "said"),
    [
        ("ww", Verdict.WITHIN, Verdict.WITHIN, "all hold"),
        ("w", Verdict.WITHIN, Verdict.WITHIN, "holds"),
        ("wm", Verdict.WITHIN, Verdict.WITHIN, "all that are judged hold"),
        ("wo", Verdict.OUTSIDE, Verdict.OUTSIDE, "not all hold, as expected"),
        ("oo", Verdict.OUTSIDE, Verdict.OUTSIDE, "none holds, as expected"),
        ("wo", Verdict.OUTSIDE, Verdict.WITHIN, "not all hold, against expectation"),
        ("ww", Verdict.WITHIN, Verdict.OUTSIDE, "all hold, against expectation"),
        ("wi", Verdict.INCONCLUSIVE, Verdict.WITHIN, "undecided"),
        ("mm", Verdict.MEASURED, Verdict.WITHIN, "measured"),
    ],
)
def test_a_claim_in_a_few_words(report: Report, verdicts: str, verdict: Verdict, expected: Verdict, said: str) -> None:
    letters = {"w": Verdict.WITHIN, "o": Verdict.OUTSIDE, "i": Verdict.INCONCLUSIVE, "m": Verdict.MEASURED}
    parts = tuple(replace(report.claims[0].checks[0], verdict=letters[each]) for each in verdicts)
    agrees = verdict is expected if verdict in (Verdict.WITHIN, Verdict.OUTSIDE) else None
    claim: ClaimResult = replace(report.claims[0], checks=parts, verdict=verdict, expected=expected, as_expected=agrees)
    assert words.of_claim(claim) == said


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        (
            Predicted("exponent", "upper", 2 / 3, "exponent", 0.04, 0.02, ""),
            "the power is at most 0.667, plus 0.04 of declared tolerance and 0.02 for the logarithm in the bound",
        ),
        (
            Predicted("exponent", "lower", -1.0, "exponent", 0.2, 0.0, ""),
            "the power is at least -1, less 0.2 of declared tolerance",
        ),
        (Predicted("exponent", "upper", 3.0, "exponent", 0.0, 0.0, ""), "the power is at most 3, with no tolerance"),
        (Predicted("attainment", "both", -0.5, "exponent", 0.1, 0.0, ""), "reaches the power -0.5 of m, ± 0.1"),
        (Predicted("growth", "upper", 0.17, "rate", 0.0, 0.0, ""), "the rate r is at most 0.17 per unit of m"),
        (Predicted("growth", "lower", 0.2, "rate", 0.0, 0.0, ""), "the rate r is at least -0.2 per unit of m"),
        (Predicted("growth", "both", 0.3, "rate", 0.0, 0.0, ""), "the rate r is between -0.3 and 0.3 per unit of m"),
        (Predicted("event", "upper", 0.9, "probability", 0.0, 0.0, ""), "holds with probability at least 0.9"),
        (Predicted("identity", "upper", 8.0, "rounding-units", 0.0, 0.0, ""), "agree up to 8 rounding units"),
        (Predicted("decay", "upper", 0.0, "rate", 0.04, 0.0, ""), "grows by nothing, plus 0.04 of declared tolerance"),
        (
            Predicted("frontier", "upper", 2.0, "exponent", 0.3, 0.0, ""),
            "m*, grows like a power of m of at most 2, plus 0.3 of declared tolerance",
        ),
        (Predicted("frontier", "upper", None, "exponent", 0.0, 0.0, ""), "no number: the smallest width"),
        (Predicted("unheard-of", "upper", None, "exponent", 0.0, 0.0, "as it says"), "as it says"),
    ],
)
def test_a_prediction_in_words(report: Report, predicted: Predicted, said: str) -> None:
    assert said in words.predicted(replace(report.claims[0].checks[0], parameter="width", predicted=predicted))


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("exponent", "power of m: 0.641 [0.622, 0.660], the interval at 99.5 %"),
        ("growth", "rate r per unit of m: 1.2e-04 [-2.0e-04, 4.4e-04], the interval at 99.5 %, beside a power of 0.5"),
        ("event", "holds in 57 of 57 draws: share 1.000 [0.937, 1.000], the interval at 99.5 %"),
        ("identity", "largest error 0.35 rounding units in 24 draws"),
        ("decay", "over 4 decades; the loss shrinks by the share 0.05 (0.04 to 0.06) in each step of the tail"),
        ("frontier", "m* at one point: 64 (50 to out of reach)"),
    ],
)
def test_a_measured_number_in_words(checks: dict[str, CheckResult], kind: str, said: str) -> None:
    assert said in words.measured(checks[kind].finding.estimate, "width")


def test_nothing_measured_is_said() -> None:
    assert words.measured(None, "width") == "nothing: no trial gave a number that could be used"


@pytest.mark.parametrize(
    ("estimate", "shown"),
    [
        (None, "nothing"),
        (IdentityError(0.35, 8.0, 24), "0.35 of 8"),
        (
            Frontier(None, None, None, 0.9, (2.0,), (float("inf"),), (50.0,), (float("inf"),), 5, (), 0.0),
            "m* = out of reach",
        ),
        (
            Frontier(2.0, 1.5, 2.5, 0.9, (2.0, 3.0), (8.0, 9.0), (7.0, 8.0), (9.0, 10.0), 5, (), 0.0),
            "2.000 [1.500, 2.500]",
        ),
    ],
)
def test_an_estimate_in_a_cell(estimate: Estimate | None, shown: str) -> None:
    assert words.brief(estimate) == shown


def test_slack_says_its_side() -> None:
    assert words.slack(None) == ""
    assert words.slack(0.0) == "0: exactly as predicted"
    assert words.slack(0.0671) == "+0.0671: the measured number lies 0.0671 on the allowed side of the prediction"
    assert words.slack(-0.5) == "-0.5: the measured number lies 0.5 beyond the prediction, before its tolerance"


def test_every_kind_has_a_question_with_its_quantity(checks: dict[str, CheckResult]) -> None:
    for kind, check in checks.items():
        question = words.question(check)
        assert question.endswith("?")
        assert kind == "decay" or check.quantity in question
    assert words.question(replace(checks["exponent"], kind="unheard-of")) == "What is activation-flips?"


def test_what_varies_has_its_letter() -> None:
    assert words.swept("width") == "the width m"
    assert words.swept(None) == ""
    assert words.swept("a stranger's") == "a stranger's"


def test_the_worst_case_names_its_search(checks: dict[str, CheckResult]) -> None:
    assert words.worst(checks["exponent"]) == "found by the adversary kinks, of 1 that were tried"
    assert words.worst(replace(checks["exponent"], worst_adversary=None)) == ""
