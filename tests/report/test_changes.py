"""A comparison in words, and its exit status."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import Change, Comparison, Outcome, Rule, Verdict, VerdictMove
from rnnconv_cli.report.changes import exit_status, render
from rnnconv_cli.report.layout import Style

SAME = Change("a-claim", "a-check", "main", "exponent", Outcome.SAME, Rule.BITS, 0.5, 0.5, 0.0)
BITS = replace(SAME, outcome=Outcome.CHANGED, now=0.5000000000000001, difference=1.1e-16, half_width=0.05)
ROUNDED = replace(BITS, rule=Rule.ROUND_OFF, now=0.50001, difference=1e-5, allowed=1e-6)
TESTED = replace(BITS, rule=Rule.TEST, arm="control", now=0.8, difference=0.3, p=2.4e-5)
DRIFT = replace(TESTED, arm="main", rule=Rule.DRIFT)
GAP = replace(SAME, outcome=Outcome.NOT_COMPARED, rule=Rule.TEST, now=None, difference=None, because="no number now")
NOTHING = Comparison((SAME,), (), (), (), (), (), 1, 0.01)
TURNED = VerdictMove("a-claim", "a-check", Verdict.WITHIN, Verdict.OUTSIDE)
UNSURE = VerdictMove("a-claim", "a-check", Verdict.WITHIN, Verdict.INCONCLUSIVE)


def shown(found: Comparison, *, strict: bool = False) -> str:
    return render(found, 1e-6, strict)


@pytest.mark.parametrize(
    ("found", "status", "strict"),
    [
        (NOTHING, 0, 0),
        (replace(NOTHING, changes=(SAME, BITS)), 3, 3),
        (replace(NOTHING, drifts=(DRIFT,)), 3, 3),
        (replace(NOTHING, verdicts=(TURNED,)), 3, 3),
        (replace(NOTHING, verdicts=(UNSURE,)), 0, 0),
        (replace(NOTHING, changes=(SAME, GAP)), 0, 4),
        (replace(NOTHING, changes=(), only_then=("a/b",)), 4, 4),
        (replace(NOTHING, changes=(GAP,)), 4, 4),
        (replace(NOTHING, changes=(), verdicts=(TURNED,)), 3, 3),
        (replace(NOTHING, only_then=("a/b",)), 0, 4),
        (replace(NOTHING, only_now=("a/b",)), 0, 4),
        (replace(NOTHING, changes=(BITS, GAP)), 3, 3),
        (replace(NOTHING, changes=(replace(SAME, outcome=Outcome.UNTESTED),)), 4, 4),
        (replace(NOTHING, changes=(SAME, replace(SAME, outcome=Outcome.UNTESTED))), 0, 0),
    ],
)
def test_the_exit_status(found: Comparison, status: int, strict: int) -> None:
    assert (exit_status(found, strict=False), exit_status(found, strict=True)) == (status, strict)
    assert shown(found).rstrip().endswith(f"exit status {status}")
    assert shown(found, strict=True).rstrip().endswith(f"exit status {strict}")


def test_the_rule_that_applies_is_said_with_its_reason() -> None:
    assert "1 number of the same trials, with the same backend, sources, versions and processor" in shown(NOTHING)
    elsewhere = replace(NOTHING, changes=(ROUNDED,), differs=("cpu a → b", "numpy 1 → 2"))
    text = " ".join(shown(elsewhere).split())
    assert "under other conditions (cpu a → b, numpy 1 → 2): a relative difference of 1e-06 of a measured" in text
    other = " ".join(shown(replace(NOTHING, changes=(TESTED, TESTED))).split())
    assert "2 numbers of other trials (another seed, grid or number of draws): both intervals say" in other
    assert "at most 1% of runs raise a false alarm" in other
    assert "every bit" not in other
    again = shown(replace(NOTHING, other_runs=("seed 0 → 1", "edited claims: a-claim")))
    assert "seed 0 → 1; edited claims: a-claim" in again
    assert "3 baselines, oldest first" in shown(replace(NOTHING, baselines=3))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            BITS,
            "a-claim/a-check: exponent 0.5 → 0.5000000000000001; +1.1e-16, 2.2e-15 half-widths; not the same bits",
        ),
        (replace(BITS, because="made of 12 values then, 11 now"), "half-widths; made of 12 values then, 11 now"),
        (ROUNDED, "0.5 → 0.50001; +1e-05, 0.0002 half-widths; more than the 1e-06 that other conditions may make"),
        (TESTED, "a-claim/a-check, control: exponent 0.5 → 0.8; +0.3, 6 half-widths; p = 2e-05 among all tests"),
        (replace(TESTED, by_ratio=True), "+0.3 in the logarithm, 6 half-widths"),
        (replace(ROUNDED, because="made of 12 values then, 11 now"), "half-widths; made of 12 values then, 11 now"),
        (
            replace(BITS, then=None, now=None, difference=None, because="its interval was [256, open]"),
            "a-claim/a-check: exponent its interval was [256, open]",
        ),
        (replace(BITS, now=None, difference=None), "0.5 → none; a number on one side only"),
    ],
)
def test_what_moved_and_by_how_much(change: Change, says: str) -> None:
    text = shown(replace(NOTHING, changes=(change,)))
    assert "changed\n─" in text
    assert says in " ".join(text.split())


@pytest.mark.parametrize(
    ("drift", "says"),
    [
        (DRIFT, "+0.3, 6 half-widths; along the fitted line, p = 2e-05 among all tests"),
        (replace(DRIFT, p=None, allowed=1e-6), "step by step, more than the 1e-06 that round-off may make"),
    ],
)
def test_a_drift(drift: Change, says: str) -> None:
    text = shown(replace(NOTHING, drifts=(drift,)))
    assert "drifted\n─" in text
    assert says in " ".join(text.split())
    assert "1 drifted" in text


def test_verdicts_that_moved() -> None:
    text = " ".join(shown(replace(NOTHING, verdicts=(TURNED, UNSURE))).split())
    assert "a-claim/a-check within → outside: the opposite a-claim/a-check within → inconclusive" in text
    assert "2 verdicts moved" in text


def test_what_was_not_compared_is_named_up_to_a_few() -> None:
    many = tuple(f"a/{place}" for place in range(10))
    text = " ".join(shown(replace(NOTHING, changes=(GAP,), only_then=many, only_now=("b/c",))).split())
    assert "a/0, a/1, a/2, a/3, a/4, a/5, a/6, a/7, and 2 more not in the result b/c not in the baseline" in text
    assert "a-claim/a-check: exponent no number now" in text
    assert "1 not compared" in text


def test_a_comparison_of_nothing_says_so() -> None:
    text = shown(replace(NOTHING, changes=(), only_then=("a/b",)))
    assert "nothing was compared: the baseline and the result have no number in common" in text
    assert "nothing was compared" not in shown(NOTHING)


def test_a_strangers_words_do_not_act() -> None:
    evil = replace(TESTED, check="\x1b[31m[bold]red[/bold]")
    text = shown(replace(NOTHING, changes=(evil,), only_now=("\x1b[2J",)))
    assert "\x1b" not in text
    assert "[bold]red[/bold]" in text


def test_lines_are_no_wider_than_asked_for() -> None:
    found = replace(NOTHING, changes=(TESTED, GAP), drifts=(DRIFT,), verdicts=(TURNED,), only_then=("a" * 90,))
    assert max(map(len, render(found, 1e-6, False, Style(width=60)).splitlines())) <= 60
