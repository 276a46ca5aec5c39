"""Baselines and a run: what is called changed, drifted, moved or not compared; and how often by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.judge.comparison import compare
from rnnconv_cli.judge.moved import Tolerance
from rnnconv_cli.records import (
    Baseline,
    Cell,
    Change,
    Comparison,
    KeptArm,
    KeptCheck,
    KeptNumber,
    Outcome,
    Rule,
    Status,
    Table,
    Verdict,
)
from rnnconv_cli.stats.exponent import exponent
from rnnconv_cli.stats.probability import probability

TOLERANCE = Tolerance(relative=1e-6, units=1.0)
POINTS = (256.0, 512.0, 1024.0, 2048.0)
NOTHING = KeptArm(Verdict.OUTSIDE, "", (), None, 0, None, "none", ())
WITHIN, OUTSIDE, UNDECIDED = Verdict.WITHIN, Verdict.OUTSIDE, Verdict.INCONCLUSIVE


def slope(value: float | None, half: float | None = 0.05, *, trials: str = "t0", count: int = 12) -> KeptArm:
    low, high = (None, None) if value is None or half is None else (value - half, value + half)
    number = KeptNumber("exponent", value, low, high, 0.1)
    return KeptArm(WITHIN, "exponent", POINTS, 0.99, count, None, trials, (number,))


def share(holds: int, count: int = 60, *, trials: str = "t0") -> KeptArm:
    found = probability(holds, count, 0.99)
    number = KeptNumber("probability", found.value, found.low, found.high, None)
    return KeptArm(WITHIN, "probability", (), 0.99, count, holds, trials, (number,))


def error(value: float, *, trials: str = "t0") -> KeptArm:
    number = KeptNumber("error", value, None, None, None)
    return KeptArm(WITHIN, "identity-error", (), None, 24, None, trials, (number,))


def width(value: float | None, half: float | None = 0.2, *, trials: str = "t0") -> KeptArm:
    low: float | None = None
    high: float | None = None
    if value is not None and half is not None:
        low, high = value * math.exp(-half), value * math.exp(half)
    number = KeptNumber("m* at 4", value, low, high, None, by_ratio=True)
    return KeptArm(Verdict.MEASURED, "frontier", (4.0,), 0.99, 8, None, trials, (number,))


def run(*arms: KeptArm, seed: int = 0, verdict: Verdict = WITHIN, digest: str = "d", noise: float = 0.0) -> Baseline:
    checks = tuple(KeptCheck("claim", f"check-{place}", verdict, arm, NOTHING) for place, arm in enumerate(arms))
    return Baseline("2026-01-02", "0.1.0", "quick", seed, "compiled", (), (("claim", digest),), checks, noise=noise)


def compared(*runs: Baseline, elsewhere: bool = False) -> Comparison:
    return compare(runs[:-1], runs[-1], differs=("cpu a → b",) if elsewhere else (), tolerance=TOLERANCE)


def only(found: Comparison) -> Change:
    (change,) = found.changes
    return change


# --- the same trials --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", [slope(0.5), share(50), error(3.0), width(64.0), width(None)])
def test_the_same_bits_are_the_same(arm: KeptArm) -> None:
    change = only(compared(run(arm), run(arm)))
    assert (change.outcome, change.rule) == (Outcome.SAME, Rule.BITS)


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (slope(0.5), slope(math.nextafter(0.5, 1))),
        (share(50), share(51)),
        (error(3.0), error(math.nextafter(3.0, 4))),
        (width(64.0), width(math.nextafter(64.0, 65))),
        (width(64.0), width(None)),
        (slope(None), slope(0.5)),
    ],
)
def test_one_bit_is_a_change_under_the_same_conditions(then: KeptArm, now: KeptArm) -> None:
    change = only(compared(run(then), run(now)))
    assert (change.outcome, change.rule) == (Outcome.CHANGED, Rule.BITS)


def test_a_lost_value_is_a_change_even_where_the_number_is_not() -> None:
    change = only(compared(run(slope(0.5)), run(slope(0.5, count=11))))
    assert change.outcome is Outcome.CHANGED
    assert change.because == "made of 12 values then, 11 now"


def between(low: float | None, high: float | None, *, trials: str = "t0") -> KeptArm:
    """A width out of the reach of its search."""
    number = KeptNumber("m* at 4", None, low, high, None, by_ratio=True)
    return replace(width(None, trials=trials), numbers=(number,))


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize(
    ("then", "now", "because"),
    [
        (between(256.0, None), between(None, 8.0), "its interval was [256, open], and is [open, 8]"),
        (between(256.0, None), between(512.0, None), "its interval was [256, open], and is [512, open]"),
        (slope(0.5, 0.1), slope(0.5, 9.5), "its interval was [0.4, 0.6], and is [-9, 10]"),
        (slope(0.5, 0.1), slope(0.5, None), "its interval was [0.4, 0.6], and is [open, open]"),
        (width(64.0, 0.2), width(64.0, 0.3), "its interval was [52.3988, 78.1698], and is [47.4124, 86.391]"),
        (slope(0.5), slope(0.5, count=11), "made of 12 values then, 11 now"),
        (share(60), share(2, 2), "made of 60 values then, 2 now"),
    ],
)
def test_another_interval_of_the_same_trials_is_a_change(
    then: KeptArm, now: KeptArm, because: str, elsewhere: bool
) -> None:
    change = only(compared(run(then), run(now), elsewhere=elsewhere))
    assert (change.outcome, change.because) == (Outcome.CHANGED, because)


@pytest.mark.parametrize("arm", [between(256.0, None), between(None, 8.0), between(None, None)])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_width_out_of_reach_is_the_same(arm: KeptArm, elsewhere: bool) -> None:
    assert only(compared(run(arm), run(arm), elsewhere=elsewhere)).outcome is Outcome.SAME


def test_a_width_out_of_reach_of_other_trials_is_not_compared() -> None:
    change = only(compared(run(between(256.0, None)), run(between(None, 8.0, trials="t1"), seed=1)))
    assert (change.outcome, change.because) == (Outcome.NOT_COMPARED, "no number in the baseline")


def test_a_logarithm_hides_no_bit() -> None:
    """Neighbours of 1234.5 have one logarithm."""
    then, now = width(1234.5, None), width(math.nextafter(1234.5, 2000), None)
    assert only(compared(run(then), run(now))).outcome is Outcome.CHANGED


def test_a_rate_of_nothing_is_the_same() -> None:
    assert only(compared(run(width(0.0, None)), run(width(0.0, None)))).outcome is Outcome.SAME


def test_an_estimate_that_is_gone_at_the_same_seed_is_a_change() -> None:
    gone = replace(NOTHING, trials="t1", draws=0)
    for arm in (slope(0.5), width(64.0), share(50)):
        change = only(compared(run(arm), run(gone)))
        assert (change.outcome, change.rule) == (Outcome.CHANGED, Rule.BITS)
        assert only(compared(run(arm), run(gone, seed=1))).outcome is Outcome.NOT_COMPARED
        assert only(compared(run(arm), run(replace(gone, left_out=4)))).outcome is Outcome.NOT_COMPARED


def test_a_search_that_a_budget_has_cut_is_another() -> None:
    now = replace(width(66.0, trials="t1"), draws=48, left_out=48)
    change = only(compared(run(replace(width(64.0), draws=96)), run(now)))
    assert (change.outcome, change.rule) == (Outcome.SAME, Rule.TEST)


def test_a_search_that_draws_less_often_after_other_answers_is_the_same() -> None:
    now = replace(width(66.0, trials="t1"), draws=8)
    change = only(compared(run(replace(width(64.0), draws=96)), run(now)))
    assert (change.outcome, change.rule) == (Outcome.CHANGED, Rule.BITS)


def test_what_another_run_it_is_is_named() -> None:
    now = replace(run(slope(0.5), seed=1, digest="e"), profile="full")
    found = compared(run(slope(0.5)), now).other_runs
    assert found == ("seed 0 → 1", "profile quick → full", "edited claims: claim")
    assert compared(run(slope(0.5)), run(slope(0.5))).other_runs == ()


@pytest.mark.parametrize(
    ("then", "close", "far"),
    [
        (slope(0.5), slope(0.5 + 1e-6), slope(0.5 + 2e-6)),
        (share(50), share(51), share(52)),
        (error(3.0), error(3.99), error(4.01)),
        (width(64.0), width(64.0 * (1 + 1e-6)), width(64.0 * (1 + 1e-5))),
    ],
)
def test_other_conditions_may_make_round_off(then: KeptArm, close: KeptArm, far: KeptArm) -> None:
    found = [only(compared(run(then), run(now), elsewhere=True)) for now in (close, far)]
    assert [change.outcome for change in found] == [Outcome.SAME, Outcome.CHANGED]
    assert {change.rule for change in found} == {Rule.ROUND_OFF}


@pytest.mark.parametrize("elsewhere", [False, True])
def test_declared_noise_is_no_change(elsewhere: bool) -> None:
    noisy = run(slope(0.5), noise=0.01)
    found = [only(compared(noisy, run(slope(value)), elsewhere=elsewhere)) for value in (0.509, 0.511)]
    assert [change.outcome for change in found] == [Outcome.SAME, Outcome.CHANGED]


def test_a_check_declares_for_itself() -> None:
    noisy = run(slope(0.5), slope(0.5), noise=0.01)
    own = replace(noisy, checks=(noisy.checks[0], replace(noisy.checks[1], noise=0.1)))
    found = compared(own, run(slope(0.55), slope(0.55)))
    assert [change.outcome for change in found.changes] == [Outcome.CHANGED, Outcome.SAME]


def test_a_search_that_asks_for_other_trials_has_found_other_answers() -> None:
    change = only(compared(run(width(64.0)), run(width(66.0, trials="t1"))))
    assert (change.outcome, change.rule) == (Outcome.CHANGED, Rule.BITS)
    edited = only(compared(run(width(64.0)), run(width(66.0, trials="t1"), digest="e")))
    assert (edited.outcome, edited.rule) == (Outcome.SAME, Rule.TEST)


# --- other trials -----------------------------------------------------------------------------------------------------


def test_other_trials_are_tested() -> None:
    near = only(compared(run(slope(0.5)), run(slope(0.52, trials="t1"), seed=1)))
    far = only(compared(run(slope(0.5)), run(slope(0.8, trials="t1"), seed=1)))
    assert [(each.outcome, each.rule) for each in (near, far)] == [
        (Outcome.SAME, Rule.TEST), (Outcome.CHANGED, Rule.TEST),
    ]  # fmt: skip
    assert far.difference == pytest.approx(0.3)
    assert far.half_width == pytest.approx(0.05)
    assert far.p is not None
    assert far.p < 1e-6


def test_more_tests_ask_for_more() -> None:
    moved, still = slope(0.58, trials="t1"), slope(0.5, trials="t1")
    alone = only(compared(run(slope(0.5)), run(moved, seed=1)))
    among = compared(run(*[slope(0.5)] * 300), run(moved, *[still] * 299, seed=1)).changes[0]
    assert alone.p is not None
    assert among.p == pytest.approx(300 * alone.p)
    assert (alone.outcome, among.outcome) == (Outcome.CHANGED, Outcome.SAME)


def test_a_threshold_is_for_other_trials_alone() -> None:
    declared = replace(run(slope(0.5)), threshold=0.5)
    assert only(compared(declared, run(slope(0.8, trials="t1"), seed=1))).outcome is Outcome.SAME
    assert only(compared(declared, run(slope(0.8)))).outcome is Outcome.CHANGED


def test_without_scatter_round_off_is_no_change() -> None:
    then = run(slope(1.0, 0.0))
    found = [only(compared(then, run(slope(value, 0.0, trials="t1"), seed=1))) for value in (1 + 1e-7, 1 + 1e-3)]
    assert [change.outcome for change in found] == [Outcome.SAME, Outcome.CHANGED]


def test_an_extreme_is_not_tested() -> None:
    change = only(compared(run(error(0.3)), run(error(6.0, trials="t1"), seed=1)))
    assert (change.outcome, change.p) == (Outcome.UNTESTED, None)
    lost = replace(error(0.3, trials="t1"), numbers=(KeptNumber("error", None, None, None, None),))
    gap = only(compared(run(error(0.3)), run(lost, seed=1)))
    assert (gap.outcome, gap.because) == (Outcome.NOT_COMPARED, "no number in the result")


@pytest.mark.parametrize(
    ("then", "now", "because"),
    [
        (slope(0.5), slope(None, trials="t1"), "no number in the result"),
        (width(None), width(64.0, trials="t1"), "no number in the baseline"),
        (width(64.0, None), width(64.0, trials="t1"), "no closed interval in the baseline"),
        (slope(0.5), slope(0.5, trials="t1", count=1), "no closed interval in the result"),
        (slope(0.5), replace(slope(0.5, trials="t1"), kind="growth"), "an estimate of kind exponent then, growth now"),
    ],
)
def test_what_cannot_be_tested_is_not_compared(then: KeptArm, now: KeptArm, because: str) -> None:
    change = only(compared(run(then), run(now, seed=1)))
    assert (change.outcome, change.because) == (Outcome.NOT_COMPARED, because)


def test_nothing_on_both_sides_is_nothing() -> None:
    found = compared(run(width(None)), run(width(None, trials="t1"), seed=1))
    assert only(found).outcome is Outcome.SAME


def test_checks_of_one_side_are_named() -> None:
    found = compared(run(slope(0.5), slope(0.5)), run(slope(0.5)))
    assert (found.only_then, found.only_now) == (("claim/check-1",), ())
    back = compared(run(slope(0.5)), run(slope(0.5), slope(0.5)))
    assert (back.only_then, back.only_now) == ((), ("claim/check-1",))


@pytest.mark.parametrize(
    ("then", "now", "contradicts"),
    [(WITHIN, OUTSIDE, True), (OUTSIDE, WITHIN, True), (WITHIN, UNDECIDED, False), (UNDECIDED, OUTSIDE, False)],
)
def test_a_verdict_that_moves_is_named(then: Verdict, now: Verdict, contradicts: bool) -> None:
    (move,) = compared(run(slope(0.5), verdict=then), run(slope(0.5), verdict=now)).verdicts
    assert (move.then, move.now, move.contradicts) == (then, now, contradicts)


STRANGE = (
    replace(slope(0.5), points=(0.0, 1.0)),
    replace(slope(0.5), points=()),
    replace(slope(0.5), points=(256.0, 256.0)),
    replace(slope(0.5), level=1 - 1e-12),
    replace(slope(0.5), level=0.0),
    replace(slope(0.5), level=1e-320),
    replace(slope(0.5), count=-3),
    slope(1e300, 1e300),
    slope(-1e308),
    replace(slope(0.5), kind="growth", points=(1e300, 1e301, 1e302)),
    replace(share(50), holds=61),
    replace(share(50), holds=-1),
    replace(share(50), count=10**12),
    replace(share(50), count=0),
    replace(width(1e-300), count=2),
    replace(slope(0.5), numbers=(KeptNumber("exponent", 0.5, 0.6, 0.4, None),)),
)


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("trials", ["t0", "t1"])
def test_a_strangers_numbers_are_compared_or_not(strange: KeptArm, trials: str) -> None:
    """No error and no warning, whatever a file says; and nothing is called changed that is the same."""
    arm = replace(strange, trials=trials)
    runs = [run(replace(strange, trials=f"t{seed}"), seed=seed) for seed in (5, 6)]
    for others in ([run(strange)], [*runs, run(strange)]):
        found = compared(*others, run(arm, seed=7), elsewhere=True)
        assert only(found).outcome in (Outcome.SAME, Outcome.NOT_COMPARED)
        assert found.drifts == ()


def test_no_trials_are_not_the_same_trials() -> None:
    change = only(compared(run(slope(0.5, trials="")), run(slope(0.51, trials=""), seed=1)))
    assert change.rule is Rule.TEST


# --- drifts -----------------------------------------------------------------------------------------------------------


def series(*values: float, half: float = 0.05) -> list[Baseline]:
    """Runs of seeds of their own."""
    return [run(slope(value, half, trials=f"t{seed}"), seed=seed) for seed, value in enumerate(values)]


def test_small_steps_one_way_are_a_drift() -> None:
    found = compared(*series(0.50, 0.54, 0.58, 0.62, 0.66))
    assert only(found).outcome is Outcome.SAME
    (drift,) = found.drifts
    assert (drift.rule, drift.then, drift.now) == (Rule.DRIFT, 0.50, 0.66)
    assert drift.difference == pytest.approx(0.16)


def test_steps_there_and_back_are_none() -> None:
    assert compared(*series(0.50, 0.54, 0.50, 0.54, 0.50)).drifts == ()


def test_a_step_that_is_called_is_not_called_again() -> None:
    found = compared(*series(0.5, 0.5, 0.9))
    assert only(found).outcome is Outcome.CHANGED
    assert found.drifts == ()


def test_baselines_of_one_seed_are_one() -> None:
    """The same draws again and again are no evidence: of five runs with three seeds, three count."""
    values = (0.50, 0.50, 0.54, 0.54, 0.58)
    seeds = (0, 0, 1, 1, 2)
    runs = [run(slope(v, trials=f"t{s}"), seed=s) for v, s in zip(values, seeds, strict=True)]
    alone = [runs[1], runs[3], runs[4]]
    assert compared(*runs).drifts == compared(*alone).drifts


def test_two_seeds_are_no_drift() -> None:
    runs = [run(slope(v, trials=f"t{s}"), seed=s) for v, s in ((0.5, 0), (0.5, 0), (0.56, 1))]
    assert compared(*runs).drifts == ()


def test_round_off_that_adds_up_is_a_drift() -> None:
    """The same trials moved by no more than round-off, again and again: each step passes, their sum does not."""
    runs = [run(slope(0.5 + 1e-6 * place)) for place in range(4)]
    found = compared(*runs, elsewhere=True)
    assert only(found).outcome is Outcome.SAME
    (drift,) = found.drifts
    assert drift.p is None
    assert drift.difference == pytest.approx(3e-6)


def test_a_baseline_without_the_check_is_passed_over() -> None:
    runs = series(0.50, 0.54, 0.58, 0.62, 0.66)
    runs.insert(2, replace(run(seed=99), checks=()))
    assert len(compared(*runs).drifts) == 1


def test_a_drift_within_declared_noise_is_none() -> None:
    runs = series(0.50, 0.54, 0.58, 0.62, 0.66)
    runs[-2] = replace(runs[-2], noise=0.2)
    assert compared(*runs).drifts == ()


# --- with the estimators themselves -----------------------------------------------------------------------------------

DRAWS = (8, 12, 16, 24)


def estimated(rng: np.random.Generator, draws: int, trials: str, moved: float = 0.0) -> KeptArm:
    """An exponent of curves whose slopes scatter heavily between replicates."""
    logs = np.log(POINTS)
    own = 0.5 + moved + 0.2 * rng.standard_t(4, (draws, 1))
    values = np.exp(own * logs + 0.1 * rng.standard_normal((draws, len(POINTS))))
    rows = tuple(tuple(Cell(float(value), Status.OK) for value in row) for row in values)
    found = exponent(Table("width", POINTS, rows), 0.995)
    number = KeptNumber("exponent", found.value, found.low, found.high, found.scatter)
    return KeptArm(WITHIN, "exponent", POINTS, found.level, draws, None, trials, (number,))


def whole_run(rng: np.random.Generator, seed: int, moved: Sequence[float]) -> Baseline:
    arms = [estimated(rng, DRAWS[place % 4], f"t{seed}", by) for place, by in enumerate(moved)]
    held = [share(int(rng.binomial(60, 0.95)), trials=f"t{seed}") for _ in moved]
    return run(*arms, *held, seed=seed)


def test_whole_runs_raise_few_false_alarms_and_catch_what_has_moved() -> None:
    rng = np.random.default_rng(5)
    alarms = moves = caught = 0
    for _ in range(25):
        then, now = (whole_run(rng, seed, [0.0] * 12) for seed in (0, 1))
        alarms += any(change.outcome is Outcome.CHANGED for change in compared(then, now).changes)
        widths = [
            6 * (check.main.numbers[0].value or 0) - 6 * (check.main.numbers[0].low or 0) for check in then.checks
        ]
        after = whole_run(rng, 2, widths[:12])
        found = compared(then, after).changes[:12]
        moves += len(found)
        caught += sum(change.outcome is Outcome.CHANGED for change in found)
    assert alarms <= 1
    assert caught >= 0.99 * moves
