"""Sentences about verdicts and numbers: each kind of check, each way it can come out."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.records import (
    CheckResult,
    ClaimResult,
    Estimate,
    Exponent,
    Finding,
    Frontier,
    IdentityError,
    Predicted,
    Report,
    Status,
    Verdict,
)
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
        (Verdict.MEASURED, Verdict.WITHIN, "A measurement: the claim file states no number to compare with"),
    ],
)
def test_a_verdict_is_a_sentence(
    checks: dict[str, CheckResult], verdict: Verdict, expected: Verdict, said: str
) -> None:
    assert words.verdict(_came_out(checks["exponent"], verdict, expected)).startswith(said)


@pytest.mark.parametrize(
    ("kind", "side", "ends", "said"),
    [
        (
            "exponent",
            "upper",
            (0.69, 0.71),
            "but only by the tolerance of 0.04: it lies beyond the predicted 0.667 and",
        ),
        ("exponent", "upper", (0.60, 0.66), "all of the measured interval is allowed by the statement."),
        ("exponent", "upper", (0.60, 0.71), "interval is allowed, a part of it only by the tolerance of 0.04."),
        ("exponent", "lower", (0.62, 0.70), "interval is allowed, a part of it only by the tolerance of 0.04."),
        ("attainment", "both", (0.66, 0.67), "all of the measured interval is within 0.04 of the predicted 0.667."),
        (
            "exponent",
            "lower",
            (0.60, 0.64),
            "but only by the tolerance of 0.04: it lies beyond the predicted 0.667 and",
        ),
        ("exponent", "lower", (0.69, 0.71), "all of the measured interval is allowed by the statement."),
        (
            "attainment",
            "both",
            (0.69, 0.70),
            "but only by the tolerance of 0.04: it lies beyond the predicted 0.667 and",
        ),
        ("decay", "upper", (0.67, 0.70), "all of the measured interval is allowed by the statement."),
        ("growth", "upper", (0.01, 0.10), "all of the measured interval is allowed, though it does not contain 0."),
        ("growth", "upper", (-0.2, -0.1), "all of the measured interval is allowed by the statement."),
        ("growth", "lower", (-0.2, -0.1), "all of the measured interval is allowed, though it does not contain 0."),
        ("growth", "both", (-0.2, 0.1), "all of the measured interval is allowed by the statement."),
    ],
)
def test_what_holds_by_its_tolerance_alone_says_so(
    checks: dict[str, CheckResult], kind: str, side: str, ends: tuple[float, float], said: str
) -> None:
    check = checks["exponent"]
    estimate = check.finding.estimate
    assert isinstance(estimate, Exponent)
    found = replace(estimate, value=sum(ends) / 2, low=ends[0], high=ends[1])
    number = 0.68 if kind == "decay" else check.predicted.number
    predicted = replace(check.predicted, kind=kind, side=side, number=number)
    assert said in words.verdict(
        replace(check, predicted=predicted, finding=replace(check.finding, estimate=found), verdict=Verdict.WITHIN)
    )


@pytest.mark.parametrize(
    ("kind", "expected", "said"),
    [
        ("exponent", Verdict.OUTSIDE, "the statement must fail"),
        ("exponent", Verdict.WITHIN, "the statement must hold"),
        ("frontier", Verdict.OUTSIDE, "no width may suffice"),
        ("frontier", Verdict.MEASURED, "some width must suffice"),
    ],
)
def test_a_control_is_told_what_it_must_do(
    checks: dict[str, CheckResult], kind: str, expected: Verdict, said: str
) -> None:
    check = checks[kind]
    assert words.must(replace(check, control=replace(check.control, expected=expected))) == said


def test_an_exponent_that_changes_along_the_curve_is_an_average(checks: dict[str, CheckResult]) -> None:
    check = checks["exponent"]
    estimate = check.finding.estimate
    assert isinstance(estimate, Exponent)
    assert "bends" not in words.measured(check)
    bent = replace(check, finding=replace(check.finding, estimate=replace(estimate, curvature_p=0.002)))
    assert words.verdict(bent).endswith(", though the curve bends.")
    assert "bends" not in words.verdict(check)
    said = "; the curve bends, and this is its average slope, from point to point between 0.33 and 0.63"
    assert words.measured(bent).endswith(said)


def test_what_does_not_hold_is_counted_by_its_standing(report: Report) -> None:
    first, second, *_ = report.claims[0].checks
    fails = [replace(first, status=status, verdict=Verdict.OUTSIDE) for status in ("misprint", "misprint", "theorem")]
    said = "Of those that do not hold, 1 tests what the paper proves and 2 test a misprint of the paper. None"
    assert said in words.lead([*fails, second])
    assert "Of those that" not in words.lead([fails[0], second])
    others = [*fails[:2], replace(fails[2], status="hunch")]
    said = "2 test a misprint of the paper and 1 tests something else; none tests what the paper proves. "
    assert f"Of those that do not hold, {said}" in words.lead(others)
    holds = [replace(first, status=status, verdict=Verdict.WITHIN) for status in ("derived", "theorem", "derived")]
    said = "Of those that hold, 1 tests what the paper proves and 2 test what is derived from the paper. None"
    assert said in words.lead(holds)


NO_FIT = "could not measure: 0 of 5 points can be fitted, wanted 4: a mean of 0.9, below 20, at m = 64; a..."
CONTROL_WORDS = "the control did not come out as it must, so this check has not shown that it can tell true from false"


def _lost(check: CheckResult, verdict: Verdict, because: str) -> CheckResult:
    """A check without an estimate."""
    finding = Finding(verdict, because, None, None, "")
    return replace(_came_out(check, verdict), because=because, finding=finding)


@pytest.mark.parametrize("because", ["0.68 straddles 0.667", "the verdict hangs on one end"])
def test_an_undecided_interval_says_what_it_hangs_on(checks: dict[str, CheckResult], because: str) -> None:
    check = replace(_came_out(checks["exponent"], Verdict.INCONCLUSIVE), because=because)
    assert words.verdict(check) == f"Undecided: {because}."


def test_a_trial_that_failed_decides_before_the_control(checks: dict[str, CheckResult]) -> None:
    check = replace(_came_out(checks["exponent"], Verdict.INCONCLUSIVE), because="could not measure 1 of 24")
    powerless = replace(check, control=replace(check.control, as_expected=False))
    first, *others = powerless.observations
    failed = replace(powerless, observations=(replace(first, value=None, status=Status.FAILED), *others))
    beside = replace(powerless, observations=(replace(first, arm="noise", status=Status.FAILED), *others))
    assert words.verdict(failed) == "Undecided: could not measure 1 of 24."
    assert words.verdict(beside) == f"Undecided: {CONTROL_WORDS}."


def test_a_control_without_power_is_said_with_what_the_claim_itself_lacks(checks: dict[str, CheckResult]) -> None:
    nothing = _lost(checks["exponent"], Verdict.INCONCLUSIVE, NO_FIT)
    powerless = replace(nothing, control=replace(nothing.control, as_expected=False))
    own = NO_FIT.removeprefix("could not measure: ")
    assert words.verdict(powerless) == (
        f"Undecided: {CONTROL_WORDS}; nor does the claim's own measurement decide: {own}"
    )
    assert words.verdict(nothing) == f"Undecided: {NO_FIT}"


def test_what_is_outside_without_an_interval_says_what_decided(checks: dict[str, CheckResult]) -> None:
    because = "16 of 16 trials not-reached at m = 128"
    missed = words.verdict(_lost(checks["exponent"], Verdict.OUTSIDE, because))
    assert missed == f"Does not hold at these sizes, against what its claim file expects: {because}."
    narrow = replace(_came_out(checks["frontier"], Verdict.OUTSIDE), because="no width up to 256 is sufficient")
    assert words.verdict(narrow).endswith(": no width up to 256 is sufficient.")


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
        "1 holds, 2 do not hold (all as their claim files expect) and 1 is undecided"
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
    ("kind", "said"),
    [
        ("exponent", "exponent of m: 0.641 [0.622, 0.660], the interval at 99.5 %"),
        ("growth", "rate per step of m: 1.2e-04 [-2.0e-04, 4.4e-04], the interval at 99.5 %, beside m^0.5"),
        ("event", "holds in 57 of 57 draws: share 1.000 [0.937, 1.000], the interval at 99.5 %"),
        ("identity", "largest error 0.35 rounding units in 24 draws"),
        ("decay", "over 4 decades; the loss shrinks by the share 0.05 (0.04 to 0.06) in each step of the tail"),
        ("frontier", "m* at one point: 64 (50 to above 2048)"),
    ],
)
def test_a_measured_number_in_words(checks: dict[str, CheckResult], kind: str, said: str) -> None:
    assert said in words.measured(replace(checks[kind], parameter="width"))


def test_one_draw_is_one(checks: dict[str, CheckResult]) -> None:
    check = checks["identity"]
    single = replace(check, finding=replace(check.finding, estimate=IdentityError(0.35, 8.0, 1)))
    assert words.measured(single).endswith("in 1 draw")


def test_without_an_interval_its_lack_is_explained(checks: dict[str, CheckResult]) -> None:
    lost = _lost(checks["exponent"], Verdict.INCONCLUSIVE, NO_FIT)
    assert words.measured(lost) == f"no interval: {NO_FIT.removeprefix('could not measure: ')}"
    missed = _lost(checks["exponent"], Verdict.OUTSIDE, "96 of 96 not-reached")
    assert words.measured(missed) == "no interval: 96 of 96 not-reached"


def _frontier(check: CheckResult, estimate: Estimate | None) -> CheckResult:
    return replace(check, finding=replace(check.finding, estimate=estimate), parameter="horizon")


def test_widths_beyond_those_that_were_tried_are_no_numbers(checks: dict[str, CheckResult]) -> None:
    beyond = Frontier(None, None, None, 0.9, (2.0, 3.0), (0.0, math.inf), (0.0, 2048.0), (256.0, math.inf), 5, (), 0.0)
    every = Frontier(None, None, None, 0.9, (2.0, 3.0), (0.0, 0.0), (0.0, 0.0), (256.0, 256.0), 5, (), 0.0)
    assert words.measured(_frontier(checks["frontier"], beyond)) == (
        "m* at 2 horizons: at most 256, the smallest width tried; above 2048, the largest width tried"
    )
    assert words.measured(_frontier(checks["frontier"], every)) == (
        "m* at 2 horizons: at most 256, the smallest width tried"
    )


@pytest.mark.parametrize(
    ("estimate", "shown"),
    [
        (None, "no interval"),
        (IdentityError(0.35, 8.0, 24), "0.35 of 8"),
        (
            Frontier(
                None, None, None, 0.9, (2.0, 3.0, 4.0), (0.0, 512.0, math.inf), (0.0,) * 3, (math.inf,) * 3, 5, (), 0.0
            ),
            "m* ≤ 256, = 512, > 2048",
        ),
        (
            Frontier(2.0, 1.5, 2.5, 0.9, (2.0, 3.0), (8.0, 9.0), (7.0, 8.0), (9.0, 10.0), 5, (), 0.0),
            "2.000 [1.500, 2.500]",
        ),
    ],
)
def test_an_estimate_in_a_cell(checks: dict[str, CheckResult], estimate: Estimate | None, shown: str) -> None:
    assert words.brief(_frontier(checks["frontier"], estimate)) == shown


BEYOND = "-0.5: the measured number lies 0.5 beyond the prediction"


@pytest.mark.parametrize(
    ("value", "kind", "tolerance", "earned", "said"),
    [
        (None, "exponent", 0.1, 0.0, ""),
        (0.0, "exponent", 0.1, 0.0, "0: exactly as predicted"),
        (
            0.0671,
            "exponent",
            0.1,
            0.0,
            "+0.0671: the measured number lies 0.0671 on the allowed side of the prediction",
        ),
        (-0.5, "exponent", 0.1, 0.0, f"{BEYOND}, before its tolerance"),
        (-0.5, "exponent", 0.1, 0.51, f"{BEYOND}, counting 0.51 for the logarithm, before its tolerance"),
        (-0.5, "exponent", 0.0, 0.0, BEYOND),
        (-0.5, "event", 0.0, 0.0, BEYOND),
        (-0.5, "identity", 0.0, 0.0, BEYOND),
        (-0.5, "growth", 0.0, 0.0, BEYOND),
        (0.113, "attainment", 0.2, 0.0, "differs by 0.113 from the predicted exponent; ± 0.2 is allowed"),
        (-0.113, "attainment", 0.2, 0.0, "differs by 0.113 from the predicted exponent; ± 0.2 is allowed"),
    ],
)
def test_slack_says_its_side(
    checks: dict[str, CheckResult], value: float | None, kind: str, tolerance: float, earned: float, said: str
) -> None:
    check = checks["exponent"]
    predicted = Predicted(kind, "upper", 1.0, "exponent", tolerance, earned, "")
    assert words.slack(replace(check, predicted=predicted, finding=replace(check.finding, slack=value))) == said


def test_the_worst_case_names_its_search(checks: dict[str, CheckResult]) -> None:
    check = checks["exponent"]
    first, *others = check.observations
    two = replace(check, observations=(replace(first, adversary="gaussian"), *others))
    assert words.worst(check) == "kinks alone was tried"
    assert words.worst(two) == "most often found by kinks; 2 were tried"
    assert words.worst(replace(two, worst_adversary="kinks (16.9x gaussian)")) == (
        "most often found by kinks, typically 16.9 times what gaussian noise does; 2 were tried"
    )
    assert words.worst(replace(check, worst_adversary=None)) == ""


def test_a_sentence_ends_once() -> None:
    assert words.sentence("it holds") == "it holds."
    assert words.sentence("it holds, a...") == "it holds, a..."
