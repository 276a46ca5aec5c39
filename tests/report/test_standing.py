from __future__ import annotations

from dataclasses import replace

from rnnconv_cli.records import Report, Status, Verdict
from rnnconv_cli.report.standing import (
    Standing,
    control_in_a_word,
    expectation,
    reason,
    run_reasons,
    standing,
    summary,
)


def test_every_check_stands_in_one_of_four_ways(report: Report) -> None:
    undecided, contradicted, unmeasured = report.claims[1].checks
    assert {standing(check) for check in report.claims[0].checks} == {Standing.FINE}
    assert standing(undecided) is Standing.UNDECIDED
    assert standing(contradicted) is Standing.CONTRADICTED
    assert standing(unmeasured) is Standing.UNMEASURED


def test_a_failed_trial_of_an_exhibit_takes_nothing_away(report: Report) -> None:
    check = report.claims[0].checks[0]
    first = replace(check.observations[0], status=Status.FAILED)
    for arm, found in (("gaussian-only", Standing.FINE), ("control", Standing.UNMEASURED)):
        assert standing(replace(check, observations=(replace(first, arm=arm),))) is found


def test_a_verdict_says_whether_it_was_expected_where_a_reader_would_ask(report: Report) -> None:
    check = report.claims[1].checks[1]
    assert expectation(check) == "outside, expected within"
    assert expectation(replace(check, expected=Verdict.OUTSIDE, as_expected=True)) == "outside, as expected"
    assert [expectation(each) for each in report.claims[0].checks[-2:]] == ["within", "measured"]


def test_a_control_without_power_is_named(report: Report) -> None:
    assert [control_in_a_word(check) for check in report.claims[1].checks] == ["no power", "outside", "no power"]


def test_reasons_of_the_run_are_those_of_no_check(report: Report) -> None:
    assert run_reasons(report) == ()
    reasons = ("a.json: could not be written", *report.exit_reasons, "awkward-claim/another: not of this report")
    assert run_reasons(replace(report, exit_reasons=reasons)) == (reasons[0], reasons[2])


def test_the_reason_is_what_could_not_be_measured_or_because(report: Report) -> None:
    undecided, _, unmeasured = report.claims[1].checks
    assert (reason(undecided), reason(unmeasured)) == ("the control did not break it", "nothing could be measured")


def test_the_summary_counts(report: Report) -> None:
    assert summary(replace(report, claims=())) == (
        "0 checks: none; none against expectation; profile quick, seed 7, exit status 3"
    )
    one = replace(report, claims=(replace(report.claims[1], checks=report.claims[1].checks[1:2]),))
    assert summary(one).startswith("1 check: 1 outside; 1 against expectation; ")
