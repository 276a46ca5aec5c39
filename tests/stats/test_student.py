from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.stats.student import Array, mean_interval, p_value, t_quantile

SAMPLES = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20).map(np.array).filter(lambda x: np.ptp(x) > 1e-3)


@given(SAMPLES)
def test_interval_and_p_value_are_those_of_a_t_test(sample: Array) -> None:
    expected = scipy.stats.ttest_1samp(sample, 0.0)
    ends = expected.confidence_interval(0.99)
    found = mean_interval(sample, 0.99)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high))
    assert p_value(sample) == pytest.approx(expected.pvalue)


@given(SAMPLES, st.floats(-10, 10), st.floats(0.1, 10))
def test_interval_moves_and_scales_with_the_sample(sample: Array, shift: float, factor: float) -> None:
    plain, moved = mean_interval(sample, 0.95), mean_interval(shift + factor * sample, 0.95)
    assert (moved.low, moved.high) == pytest.approx((shift + factor * plain.low, shift + factor * plain.high), abs=1e-6)


@pytest.mark.parametrize("values", [[], [math.nan], [2.0], [math.nan, 2.0]])
def test_fewer_than_two_values_bound_nothing(values: list[float]) -> None:
    found = mean_interval(np.array(values), 0.95)
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert math.isnan(p_value(np.array(values)))


def test_missing_replicates_are_left_out() -> None:
    assert mean_interval(np.array([1.0, math.nan, 3.0]), 0.9) == mean_interval(np.array([1.0, 3.0]), 0.9)


def test_equal_values_leave_no_doubt() -> None:
    found = mean_interval(np.full(5, 0.5), 0.95)
    assert (found.low, found.high, found.scatter) == (0.5, 0.5, 0.0)
    assert p_value(np.full(5, 0.5)) == 0.0
    assert p_value(np.zeros(5)) == 1.0


def test_quantile_of_the_tables() -> None:
    assert t_quantile(4, 0.95) == pytest.approx(2.7764, abs=1e-4)
    assert t_quantile(0, 0.95) == math.inf
