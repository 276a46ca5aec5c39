from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from rnnconv_cli.records import ArmPlan, BudgetPlan, Environment, Frontier, Price, Report, Status
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.table import render

ALL_IDS = (
    "exponent-of-something",
    "growth-of-something",
    "event-of-something",
    "identity-of-something",
    "decay-of-something",
    "attainment-of-something",
    "frontier-of-something",
    "something-undecided",
    "nothing-measured",
)


def _lines_of(shown: str, check: str) -> list[str]:
    """The lines of one check: its row, and what is indented below it."""
    lines = shown.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(check))
    end = next((i for i in range(start + 1, len(lines)) if not lines[i].startswith("    ")), len(lines))
    return lines[start:end]


@pytest.mark.parametrize("width", [60, 80, 100, 140])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_no_line_is_wider_than_the_page(report: Report, width: int, ascii_only: bool) -> None:
    shown = render(report, Style(width=width, ascii_only=ascii_only))
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert shown.isascii() is ascii_only
    assert "\x1b" not in shown
    assert all(line == line.rstrip() for line in shown.splitlines())


def test_what_a_budget_leaves_out_stands_with_its_check(report: Report) -> None:
    part = ArmPlan("perturbation-bound", "growth-of-something", "main", "width", (256.0,), 9, (512.0, 1024.0), 7)
    shown = render(replace(report, plan=BudgetPlan(600.0, 2, 1.5, (part,))))
    assert "    left out  width 512, 1024, 16 → 9 draws" in _lines_of(shown, "growth-of-something")
    assert shown.count("left out") == 1
    (line,) = (line for line in shown.splitlines() if line.startswith("plan"))
    assert line.startswith("plan      a budget of 10 min on 2 cores: half-widths at most 1.50 times")
    assert "left out" not in render(report)


@pytest.mark.parametrize("width", [80, 100])
def test_every_check_stands_at_the_start_of_a_line(report: Report, width: int) -> None:
    starts = {line.split(" ")[0] for line in render(report, Style(width=width)).splitlines()}
    assert set(ALL_IDS) <= starts


def test_a_row_holds_prediction_interval_slack_control_and_verdict(report: Report) -> None:
    first, *rest = _lines_of(render(report), "exponent-of-something")
    cells = ["exponent-of-something", "≤ m^0.667 (+0.06)", "0.641 [0.622, 0.660]", "+0.067", "outside", "within"]
    positions = [first.index(cell) for cell in cells]
    assert positions == sorted(positions)
    labels = [line.split()[0] for line in rest if line[4] != " "]
    assert labels == ["source", "because", "curve", "worst", "unused", "beside"]


@pytest.mark.parametrize(
    ("check", "measured"),
    [
        ("event-of-something", "1.000 [0.937, 1.000]"),
        ("identity-of-something", "0.35 of 8"),
        ("decay-of-something", "0.010 [-0.020, 0.040]"),
        ("attainment-of-something", "-1.020 [-1.200, -0.900]"),
        ("frontier-of-something", "widths below"),
        ("nothing-measured", "nothing"),
    ],
)
def test_every_kind_shows_what_was_measured(report: Report, check: str, measured: str) -> None:
    assert measured in _lines_of(render(report), check)[0]


def test_an_exhibit_of_a_frontier_shows_its_price(report: Report) -> None:
    (claim, *others) = report.claims
    index = next(i for i, check in enumerate(claim.checks) if check.kind == "frontier")
    check = claim.checks[index]
    estimate = check.finding.estimate
    assert isinstance(estimate, Frontier)
    price = Price(1.5, 1.2, 1.9, 0.995, (2.0,), (1.5,), (1.2,), (1.9,))
    beside = replace(check.exhibits[0], estimate=estimate, price=price)
    checks = (*claim.checks[:index], replace(check, exhibits=(beside,)), *claim.checks[index + 1 :])
    shown = " ".join(render(replace(report, claims=(replace(claim, checks=checks), *others))).split())
    assert "gaussian-only: the check's m* is 1.5 [1.2, 1.9] times as large (1.5 [1.2, 1.9]); the same" in shown


def test_a_frontier_names_its_widths(report: Report) -> None:
    assert "64 [50, inf] at width 2" in "\n".join(_lines_of(render(report), "frontier-of-something"))


def test_observations_that_no_fit_could_use_are_counted(report: Report) -> None:
    assert "1 diverged, 1 out-of-regime, 1 zero of 12 trials" in render(report)


@pytest.mark.parametrize(
    ("statuses", "unused"),
    [
        ((Status.OK, Status.ZERO), ""),
        ((Status.OK, Status.OUT_OF_REGIME), ""),
        ((Status.ZERO, Status.ZERO), "1 zero of 1 trial"),
        ((Status.OUT_OF_REGIME, Status.ROUND_OFF), "1 round-off of 1 trial"),
        ((Status.OK, Status.DIVERGED), "1 diverged of 1 trial"),
        ((Status.NOT_REACHED, Status.OK), "1 not-reached of 1 trial"),
        ((Status.ZERO, Status.FAILED), "1 failed of 1 trial"),
    ],
)
def test_a_trial_is_unused_after_the_envelope(report: Report, statuses: tuple[Status, ...], unused: str) -> None:
    """Two adversaries of one trial: a zero of one costs nothing where the other has a value."""
    claim = report.claims[0]
    first = claim.checks[0].observations[0]
    observations = tuple(replace(first, adversary=f"adversary-{k}", status=each) for k, each in enumerate(statuses))
    check = replace(claim.checks[0], observations=observations)
    lines = _lines_of(render(replace(report, claims=(replace(claim, checks=(check,)),))), check.id)
    found = [line.split(maxsplit=1)[1] for line in lines if line.split()[0] == "unused"]
    assert [each.partition("; replay it")[0] for each in found] == ([unused] if unused else [])


def test_what_follows_the_parameter_is_shown(report: Report) -> None:
    assert "    path      L = max(4, 0.1 m)" in _lines_of(render(report), "growth-of-something")
    assert "    path " not in "\n".join(_lines_of(render(report), "exponent-of-something"))


def test_a_failed_measurement_says_why(report: Report) -> None:
    claim = report.claims[0]
    first = claim.checks[0]
    failed = replace(first.observations[0], status=Status.FAILED, value=None, detail="its worker process died")
    check = replace(first, observations=(failed,))
    shown = render(replace(report, claims=(replace(claim, checks=(check,)),)))
    said = f"1 failed of 1 trial; its worker process died; replay it: rnnconv replay RESULT.json --trial {failed.key}"
    assert said in " ".join(shown.split())


def test_trials_that_have_changed_their_bits_are_a_warning(report: Report) -> None:
    for facts, said in (
        ((("trials_changed", 0), ("first_changed", None)), ""),
        ((("trials_changed", 1), ("first_changed", "0123456789ab")), "warning   1 trial that was measured again"),
        ((("trials_changed", 2), ("first_changed", "0123456789ab")), "warning   2 trials that were measured again"),
    ):
        shown = render(replace(report, environment=Environment(facts)))
        assert said in shown
        assert ("warning" in shown) is bool(said)
        assert ("the first: rnnconv results show 0123456789ab" in " ".join(shown.split())) is bool(said)


def test_an_undecided_check_names_its_cause_and_its_price(report: Report) -> None:
    lines = "\n".join(_lines_of(render(report), "something-undecided"))
    assert "no power inconclusive" in lines
    assert "expected outside; its interval" in lines
    assert "settle    16 instead of 8 replicates would settle it (90 core-seconds)" in lines


def test_a_description_that_is_a_sentence_goes_on_without_its_full_stop(report: Report) -> None:
    (claim, *others) = report.claims
    checks = tuple(
        replace(each, control=replace(each.control, description="A wider W.", as_expected=False))
        for each in claim.checks
    )
    shown = " ".join(render(replace(report, claims=(replace(claim, checks=checks), *others))).split())
    assert "control A wider W: expected " in shown
    assert "W.:" not in shown


def test_contradictions_are_marked_in_words(report: Report) -> None:
    shown = render(report)
    assert "outside (!)" in _lines_of(shown, "a-check-that-contradicts")[0]
    assert "1 against expectation (!)" in shown


def test_an_expected_failure_is_named_with_the_source(report: Report) -> None:
    claim = report.claims[0]
    misprint = replace(claim.checks[0], status="misprint", expected=claim.checks[0].control.expected)
    shown = render(replace(report, claims=(replace(claim, checks=(misprint,)),)))
    assert "(misprint, expected outside)" in shown


def test_the_last_lines_sum_up(report: Report) -> None:
    summary = " ".join(render(report).splitlines()[-2:])
    assert summary == (
        "10 checks: 6 within, 1 outside, 2 inconclusive, 1 measured; 1 against expectation (!); profile quick, seed 7, "
        "41.8 s; exit status 3: a verdict contradicts its expectation"
    )


def test_what_was_not_kept_is_told_from_what_was_not_measured(report: Report) -> None:
    unkept = replace(report, claims=report.claims[:1], exit_status=5, exit_reasons=("the store is full",))
    assert "could not be kept or written" in " ".join(render(unkept).split())
    (claim, *_), (first, *others) = unkept.claims, unkept.claims[0].checks
    failed = replace(first.observations[0], status=Status.FAILED, value=None)
    unmeasured = replace(first, observations=(failed, *first.observations[1:]))
    shown = render(replace(unkept, claims=(replace(claim, checks=(unmeasured, *others)),)))
    assert "exit status 5: something could not be measured" in " ".join(shown.split())


def test_every_reason_of_the_exit_status_is_shown(report: Report) -> None:
    shown = render(replace(report, exit_reasons=("first reason", "second reason")))
    assert shown.index("reason    first reason") < shown.index("reason    second reason")


def test_brief_shows_only_what_contradicts_or_does_not_decide(report: Report) -> None:
    shown = render(report, Style(brief=True))
    assert "exponent-of-something" not in shown
    assert "perturbation-bound" not in shown
    assert {"something-undecided", "nothing-measured"} <= set(shown.split())
    assert "10 checks" in shown


def test_brief_shows_the_summary_alone_where_all_is_well(report: Report) -> None:
    shown = render(replace(report, claims=report.claims[:1], exit_status=0, exit_reasons=()), Style(brief=True))
    assert len(shown.splitlines()) <= 3


def test_a_strangers_words_cannot_act_on_the_terminal(report: Report) -> None:
    claim = replace(report.claims[0], title="[red]evil[/red] \x1b[2J\x1b]0;title\x07 \u202e")
    check = replace(claim.checks[0], id="[link=x]id", because="line\nbreak \x9b31m", source="[/]")
    shown = render(replace(report, claims=(replace(claim, checks=(check,)),)), Style(colour=False))
    assert "[red]evil[/red]" in shown
    assert "[link=x]id" in shown
    assert not set(shown) & {"\x1b", "\x07", "\x9b", "\u202e"}
    assert "line break" in shown


def test_a_report_without_checks_is_shown(report: Report) -> None:
    assert "no checks" in render(replace(report, claims=(), exit_status=0, exit_reasons=()))
