"""One number then and now: its scale, what round-off may do, and p-values by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rnnconv_cli.judge.moved import Figure, Tolerance, difference, drift, has_same_interval, round_off, step_p
from rnnconv_cli.records import KeptArm, KeptNumber, Verdict
from rnnconv_cli.stats.probability import probability
from rnnconv_cli.stats.student import t_quantile

TOLERANCE = Tolerance(relative=1e-6, units=1.0)
WITHIN = Verdict.WITHIN


def figure(
    value: float | None,
    half_width: float | None = 0.1,
    *,
    kind: str = "exponent",
    count: int = 12,
    points: tuple[float, ...] = (256.0, 1024.0),
    holds: int | None = None,
    by_ratio: bool = False,
    seed: int = 0,
) -> Figure:
    """A number with a symmetric interval at 99%."""
    low: float | None = None
    high: float | None = None
    if value is not None and half_width is not None:
        low, high = value - half_width, value + half_width
        if by_ratio:
            low, high = value * math.exp(-half_width), value * math.exp(half_width)
    number = KeptNumber("a number", value, low, high, None, by_ratio)
    return Figure(seed, KeptArm(WITHIN, kind, points, 0.99, count, holds, "0", (number,)), number)


def event(holds: int, count: int, *, seed: int = 0) -> Figure:
    return figure(holds / count, 0.1, kind="probability", count=count, points=(), holds=holds, seed=seed)


def test_a_ratio_is_compared_by_its_logarithm() -> None:
    then, now = figure(64.0, 0.2, by_ratio=True), figure(128.0, 0.2, by_ratio=True)
    assert difference(then, now) == pytest.approx(math.log(2))
    assert then.half_width == pytest.approx(0.2)


def test_the_wider_side_of_an_interval_counts() -> None:
    number = KeptNumber("a number", 1.0, 0.9, 1.4, None)
    assert replace(figure(1.0), number=number).half_width == pytest.approx(0.4)


@pytest.mark.parametrize(
    "lost",
    [
        figure(None), figure(1.0, None), figure(1.0, count=1), figure(0.0, 0.1, by_ratio=True),
        figure(0.5, kind="probability"), figure(0.5, kind="probability", holds=0, count=0),
    ],
)  # fmt: skip
def test_no_interval_is_no_test(lost: Figure) -> None:
    assert not lost.is_tested


def test_the_standard_error_is_that_of_the_interval() -> None:
    assert figure(1.0, 0.3, count=8).error == pytest.approx(0.3 / t_quantile(7, 0.99))


@pytest.mark.parametrize(
    ("then", "allowed"),
    [
        (figure(0.5), 2 / math.log(4) * 1e-6),  # both ends of the line move apart by 1e-6 in the logarithm
        (figure(500.0), 500e-6),
        (figure(0.5, kind="decay", points=(7.0, 8.0, 9.0)), 1e-6),
        (event(50, 60), 1 / 60),
        (figure(3.0, None, kind="identity-error"), 1.0),
        (figure(5e6, None, kind="identity-error"), 5.0),
        (figure(64.0, by_ratio=True, kind="frontier"), 1e-6),
        (figure(0.05, by_ratio=True, kind="decay", points=(7.0, 8.0, 9.0)), 1e-6),
        (figure(2.5, kind="frontier"), 2.5e-6),
    ],
)
def test_round_off_by_hand(then: Figure, allowed: float) -> None:
    assert round_off(then, then, TOLERANCE) == pytest.approx(allowed, rel=1e-5)


def test_a_growth_rate_may_move_by_what_its_points_allow() -> None:
    points = (256.0, 512.0, 1024.0, 2048.0)
    then = figure(1e-9, kind="growth", points=points)
    weights = np.linalg.pinv(np.column_stack([np.ones(4), np.log(points), points]))[-1]
    assert round_off(then, then, TOLERANCE) == pytest.approx(1e-6 * float(np.abs(weights).sum()))


def test_two_runs_of_one_grid() -> None:
    then, now = figure(0.5, 0.3, count=8), figure(0.9, 0.1, count=8)
    error = math.hypot(0.3, 0.1) / t_quantile(7, 0.99)
    assert step_p(then, now, 0.0) == pytest.approx(2 * stats.t.sf(0.4 / error, 14))
    assert step_p(then, figure(0.9, 0.1, count=8, points=(256.0, 512.0)), 0.0) == pytest.approx(
        2 * stats.t.sf(0.4 / error, 7)
    )


@pytest.mark.parametrize("level", [1e-320, 1e-12, 0.0, None])
def test_a_level_that_makes_no_interval_is_no_test(level: float | None) -> None:
    then = figure(0.5)
    assert not replace(then, arm=replace(then.arm, level=level)).is_tested


def test_two_runs_of_one_grid_with_other_numbers_of_draws_are_not_pooled() -> None:
    error = math.hypot(0.3 / t_quantile(7, 0.99), 0.1 / t_quantile(47, 0.99))
    assert step_p(figure(0.5, 0.3, count=8), figure(0.9, 0.1, count=48), 0.0) == pytest.approx(
        2 * stats.t.sf(0.4 / error, 7)
    )
    few, many = (replace(each, arm=replace(each.arm, draws=d)) for each, d in ((figure(0.5), 24), (figure(0.6), 96)))
    assert step_p(few, many, 0.0) > step_p(few, replace(many, arm=few.arm), 0.0)


@pytest.mark.parametrize("kind", ["exponent", "frontier"])
def test_an_end_may_go_as_far_as_the_values_of_its_interval_let_it(kind: str) -> None:
    then = figure(0.5, kind=kind)
    near, far = (replace(then, number=replace(then.number, high=0.6 + by)) for by in (1e-5, 0.01))
    assert has_same_interval(then, near, 1e-6)
    assert not has_same_interval(then, near, 0.0)
    assert not has_same_interval(then, far, 1e-6)


def test_one_draw_more_moves_an_exact_interval_no_further() -> None:
    for count, level in ((30, 0.95), (60, 0.99), (240, 0.9999)):
        for holds in range(count):
            found = [probability(each, count, level) for each in (holds, holds + 1)]
            numbers = [KeptNumber("probability", each.value, each.low, each.high, None) for each in found]
            arm = KeptArm(WITHIN, "probability", (), level, count, holds, "0", ())
            then, now = (Figure(0, arm, number) for number in numbers)
            assert has_same_interval(then, now, round_off(then, now, TOLERANCE))


def test_a_change_of_no_interest_is_none() -> None:
    assert step_p(figure(0.5, 1e-9), figure(0.6, 1e-9), 0.2) == pytest.approx(0.0 + 1.0, abs=1e-6)
    assert step_p(event(60, 60), event(30, 60), 0.6) == 1.0
    assert step_p(event(60, 60), event(30, 60), 0.4) > 0.2
    assert step_p(event(60, 60), event(30, 60), 0.1) < 1e-5
    assert drift([event(60, 60), event(30, 60), event(30, 60)], 0.4)[1] > 0.2


def test_two_shares() -> None:
    expected = stats.fisher_exact(np.array([[57, 3], [40, 20]])).pvalue
    assert step_p(event(57, 60), event(40, 60), 0.0) == pytest.approx(expected)


def test_a_drift_of_means() -> None:
    runs = [figure(value, 0.1, count=8, seed=seed) for seed, value in enumerate((0.0, 0.1, 0.2))]
    size, p = drift(runs, 0.0)
    error = 0.1 / t_quantile(7, 0.99) * math.sqrt(2)
    assert size == pytest.approx(0.2)
    assert p == pytest.approx(2 * stats.t.sf(0.2 / error, 21))


def test_a_drift_of_shares_leaves_the_middle_out() -> None:
    size, p = drift([event(57, 60), event(0, 60), event(40, 60)], 0.0)
    assert size == pytest.approx(-17 / 60)
    assert p == pytest.approx(stats.fisher_exact(np.array([[57, 3], [40, 20]])).pvalue)
    both = drift([event(57, 60), event(56, 60), event(44, 60), event(40, 60)], 0.0)
    assert both[1] == pytest.approx(stats.fisher_exact(np.array([[113, 7], [84, 36]])).pvalue)
