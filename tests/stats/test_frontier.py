from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.special import expit, ndtr

from rnnconv_cli.records import Price
from rnnconv_cli.stats.frontier import each_located, frontier, price
from rnnconv_cli.stats.student import Array

WIDTHS: Array = np.exp2(np.arange(4.0, 13.0))
POINTS = np.array([2.0, 4.0, 8.0, 16.0, 32.0])
EXPONENT = 0.7
OCTAVE = math.log(2)
MIDDLE = float(np.mean(np.log(WIDTHS)))

# Share of draws at a distance of z steepnesses from the width at which half, or 1 - 1/e, or 1/e of them hold.
CURVES: dict[str, tuple[Callable[[Array], Array], Callable[[float], float]]] = {
    "logistic": (lambda z: expit(z), lambda q: math.log(q / (1 - q))),
    "normal": (lambda z: ndtr(z / 1.7), lambda q: {0.5: 0.0, 0.9: 1.7 * 1.2815515655}[q]),
    "skewed down": (lambda z: 1 - np.exp(-np.exp(0.8 * z)), lambda q: math.log(-math.log(1 - q)) / 0.8),
    "skewed up": (lambda z: np.exp(-np.exp(-0.8 * z)), lambda q: -math.log(-math.log(q)) / 0.8),
}


def _draws(
    rng: np.random.Generator, q: float, replicates: int, *, steepness: float = 0.5, curve: str = "logistic"
) -> tuple[Array, Array]:
    """Answers (points, replicates, widths) and log m* (points,), which grows with EXPONENT; steepness in octaves."""
    share, quantile = CURVES[curve]
    middle = MIDDLE + rng.uniform(-0.5, 0.5) * OCTAVE
    truth = middle + EXPONENT * (np.log(POINTS) - np.mean(np.log(POINTS)))
    p = share((np.log(WIDTHS) - truth[:, None]) / (steepness * OCTAVE) + quantile(q))
    return (rng.random((len(POINTS), replicates, len(WIDTHS))) < p[:, None, :]).astype(np.float64), truth


def test_exponent_and_widths_are_found() -> None:
    holds, truth = _draws(np.random.default_rng(1), 0.9, 400)
    found = frontier(POINTS, WIDTHS, holds, 0.9, 0.95)
    assert found.value == pytest.approx(EXPONENT, abs=0.1)
    assert np.log(found.widths) == pytest.approx(truth, abs=0.3)
    assert (found.groups, found.points, len(found.local)) == (8, tuple(POINTS), 4)


def test_one_point_has_a_width_and_no_exponent() -> None:
    holds, truth = _draws(np.random.default_rng(2), 0.5, 40)
    found = frontier(POINTS[:1], WIDTHS, holds[:1], 0.5, 0.95)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.widths_low[0] <= math.exp(truth[0]) <= found.widths_high[0]


@pytest.mark.parametrize("side", [0, 1])
def test_beyond_the_grid_the_interval_is_open(side: int) -> None:
    found = frontier(POINTS[:1], WIDTHS, np.full((1, 40, 9), float(side)), 0.9, 0.95)
    assert found.widths == ((math.inf, 0.0)[side],)
    if side == 0:
        assert found.widths_high == (math.inf,)
        assert found.widths_low[0] <= WIDTHS[-1]
    else:
        assert found.widths_low == (0.0,)
        assert found.widths_high[0] >= WIDTHS[0] * (1 - 1e-12)


def test_censored_points_take_no_part_in_the_exponent() -> None:
    holds, _ = _draws(np.random.default_rng(3), 0.9, 80)
    holds[-1] = 0.0
    with_censored = frontier(POINTS, WIDTHS, holds, 0.9, 0.95)
    without = frontier(POINTS[:-1], WIDTHS, holds[:-1], 0.9, 0.95)
    assert with_censored.value == without.value
    assert math.isnan(with_censored.local[-1])
    assert frontier(POINTS[1:], WIDTHS, holds[1:], 0.9, 0.95).value is None


def test_draws_without_an_answer_are_left_out() -> None:
    holds, _ = _draws(np.random.default_rng(4), 0.9, 40)
    more = np.concatenate([holds, np.full((len(POINTS), 8, len(WIDTHS)), math.nan)], axis=1)
    assert frontier(POINTS, WIDTHS, more, 0.9, 0.95) == frontier(POINTS, WIDTHS, holds, 0.9, 0.95)


def test_too_few_widths_for_a_curve_bound_what_exact_intervals_do() -> None:
    holds, truth = _draws(np.random.default_rng(5), 0.9, 40)
    holds[:, :, 3:] = math.nan
    found = frontier(POINTS, WIDTHS, holds, 0.9, 0.95)
    assert {round(low) for low in found.widths_low} <= {0, 16, 32, 64}
    assert np.all(np.array(found.widths_low) <= np.exp(truth))
    assert set(found.widths_high) == {math.inf}


def test_widths_of_few_draws_do_not_stand_in_the_way() -> None:
    """The shares of 8 draws are noise beside those of 80; where the latter do not bracket m*, they are all there is."""
    holds, _ = _draws(np.random.default_rng(9), 0.5, 80)
    few = holds[:1].copy()
    few[:, 8:, ::2] = math.nan
    alone = frontier(POINTS[:1], WIDTHS[1::2], holds[:1, :, 1::2], 0.5, 0.95)
    assert frontier(POINTS[:1], WIDTHS, few, 0.5, 0.95).widths == alone.widths
    high = holds[:1].copy()
    high[:, 8:, :5] = math.nan
    assert frontier(POINTS[:1], WIDTHS, high, 0.5, 0.95).widths[0] < WIDTHS[5]


def test_a_jump_is_not_known_better_than_the_grid() -> None:
    holds = np.zeros((1, 40, 9))
    holds[:, :, 4:] = 1.0
    found = frontier(POINTS[:1], WIDTHS, holds, 0.9, 0.95)
    assert found.widths_low[0] <= WIDTHS[3]
    assert found.widths_high[0] >= WIDTHS[4]


def _prices(rng: np.random.Generator, ratio: float, replicates: int) -> Price:
    """Two frontiers of the same points, the first `ratio` times as wide as the second."""
    share, quantile = CURVES["logistic"]
    truth = MIDDLE + EXPONENT * np.log(POINTS / 8)
    found = []
    for shift in (math.log(ratio), 0.0):
        p = share((np.log(WIDTHS) - truth[:, None] - shift) / (0.5 * OCTAVE) + quantile(0.9))
        holds = (rng.random((len(POINTS), replicates, len(WIDTHS))) < p[:, None, :]).astype(np.float64)
        found.append(each_located(WIDTHS, holds, 0.9, 0.95))
    ours, theirs = found
    return price(POINTS, ours, theirs, 0.95)


def test_the_price_is_the_ratio_of_two_frontiers() -> None:
    found = _prices(np.random.default_rng(6), 2.0, 400)
    assert found.value == pytest.approx(2.0, rel=0.1)
    assert found.ratios == pytest.approx([2.0] * 5, rel=0.3)
    assert (found.points, found.level) == (tuple(POINTS), 0.95)
    assert all(
        low < each < high for low, each, high in zip(found.ratios_low, found.ratios, found.ratios_high, strict=True)
    )


def test_a_frontier_beyond_its_widths_has_an_open_price() -> None:
    holds, _ = _draws(np.random.default_rng(7), 0.9, 80)
    never = np.zeros_like(holds)
    ours, theirs = (each_located(WIDTHS, each, 0.9, 0.95) for each in (never, holds))
    found = price(POINTS, ours, theirs, 0.95)
    assert (found.value, set(found.ratios_high)) == (None, {math.inf})
    assert found.ratios_low == pytest.approx([WIDTHS[-1] / math.exp(each.high) for each in theirs])
    back = price(POINTS, theirs, ours, 0.95)
    assert (set(back.ratios), set(back.ratios_low)) == ({0.0}, {0.0})
    assert back.ratios_high == pytest.approx([1 / low for low in found.ratios_low])


def test_a_frontier_of_a_few_draws_has_a_price_at_each_point_alone() -> None:
    holds, _ = _draws(np.random.default_rng(9), 0.9, 400)
    ours, few = each_located(WIDTHS, holds, 0.9, 0.95), each_located(WIDTHS, holds[:, :5], 0.9, 0.95)
    found = price(POINTS, ours, few, 0.95)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.ratios_low == pytest.approx([math.exp(a.low - b.high) for a, b in zip(ours, few, strict=True)])


def test_prices_are_covered() -> None:
    rng = np.random.default_rng(8)
    prices = [_prices(rng, 2.0, 80) for _ in range(100)]
    mean = np.mean([each.low <= 2 <= each.high for each in prices if each.low is not None and each.high is not None])
    each = np.mean(
        [[a <= 2 <= b for a, b in zip(found.ratios_low, found.ratios_high, strict=True)] for found in prices]
    )
    print(f"price, R = 80: mean {mean:.1%}, each point {each:.1%}")
    assert min(mean, each) >= 0.93


def _coverage(curve: str, q: float, replicates: int, steepness: float, simulations: int) -> tuple[float, float]:
    rng = np.random.default_rng(replicates)
    widths, exponents = [], []
    for _ in range(simulations):
        holds, truth = _draws(rng, q, replicates, steepness=steepness, curve=curve)
        found = frontier(POINTS, WIDTHS, holds, q, 0.95)
        widths += [
            low <= math.exp(t) <= high for low, t, high in zip(found.widths_low, truth, found.widths_high, strict=True)
        ]
        if found.low is not None and found.high is not None:
            exponents.append(found.low <= EXPONENT <= found.high)
    coverage = float(np.mean(widths)), float(np.mean(exponents))
    where = f"{curve}, q = {q}, R = {replicates}, {steepness} octaves"
    print(f"frontier, {where}: m* {coverage[0]:.1%}, exponent {coverage[1]:.1%}")
    return coverage


@pytest.mark.parametrize("curve", list(CURVES))
def test_interval_covers(curve: str) -> None:
    """Conservative by construction, so that curves of another shape and steepness than the fitted one are covered."""
    widths, exponents = _coverage(curve, 0.9, 40, 0.3, 150)
    assert widths >= 0.93
    assert exponents >= 0.93


@pytest.mark.slow
@pytest.mark.parametrize("curve", list(CURVES))
@pytest.mark.parametrize("q", [0.5, 0.9])
@pytest.mark.parametrize("replicates", [40, 120])
@pytest.mark.parametrize("steepness", [0.15, 0.3, 0.6, 1.0])
def test_interval_covers_every_shape(curve: str, q: float, replicates: int, steepness: float) -> None:
    widths, exponents = _coverage(curve, q, replicates, steepness, 400)
    assert widths >= 0.93
    assert exponents >= 0.93
