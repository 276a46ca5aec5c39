from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.stats.probability import probability

COUNTS = st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.9, 0.95, 0.995]))
def test_interval_is_the_exact_one(counts: tuple[int, int], level: float) -> None:
    holds, trials = counts
    exact = scipy.stats.binomtest(holds, trials).proportion_ci(level, method="exact")
    found = probability(holds, trials, level)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.low <= found.value <= found.high


@given(COUNTS)
def test_one_more_success_moves_both_ends_up(counts: tuple[int, int]) -> None:
    holds, trials = counts
    if holds < trials:
        before, after = probability(holds, trials, 0.95), probability(holds + 1, trials, 0.95)
        assert before.low < after.low
        assert before.high < after.high


@given(COUNTS, st.floats(0.5, 0.98))
def test_a_higher_level_is_wider(counts: tuple[int, int], level: float) -> None:
    narrow, wide = probability(*counts, level), probability(*counts, level + 0.01)
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


@pytest.mark.parametrize(("trials", "q", "checks"), [(36, 0.9, 1), (57, 0.9, 10), (117, 0.95, 10)])
def test_draws_that_an_event_needs(trials: int, q: float, checks: int) -> None:
    """The draws that an event needs: so many without a failure lie above q, and one fewer does not."""
    level = 1 - 0.05 / checks
    assert probability(trials, trials, level).low >= q
    assert probability(trials - 1, trials - 1, level).low < q


def test_without_trials_everything_is_possible() -> None:
    assert (probability(0, 0, 0.95).low, probability(0, 0, 0.95).high) == (0.0, 1.0)


@pytest.mark.parametrize("trials", [36, 57, 117])
@pytest.mark.parametrize("q", [0.5, 0.9, 0.95])
def test_interval_covers(trials: int, q: float) -> None:
    """Exactly, by summing over all outcomes: never below the level."""
    outcomes = np.arange(trials + 1)
    held = [probability(int(k), trials, 0.95) for k in outcomes]
    weights = scipy.stats.binom.pmf(outcomes, trials, q)
    coverage = sum(weight for weight, each in zip(weights, held, strict=True) if each.low <= q <= each.high)
    print(f"event, q = {q}, R = {trials}: {coverage:.1%}")
    assert coverage >= 0.95
