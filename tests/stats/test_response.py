from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from rnnconv_cli.stats.response import WINDOW, crossing, fitted_crossing, monotone_shares

POSITIONS = np.log(2.0 ** np.arange(5, 12))
MANY = np.full(7, 1e6)
COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8)


@pytest.mark.parametrize("q", [0.5, 0.9])
def test_a_logistic_curve_is_found_back(q: float) -> None:
    holds = MANY * expit((POSITIONS - math.log(200)) / 0.7)
    expected = math.log(200) + 0.7 * math.log(q / (1 - q))
    assert fitted_crossing(POSITIONS, holds[None], MANY[None], q)[0] == pytest.approx(expected, abs=1e-4)
    found = crossing(POSITIONS, holds, MANY, q)
    assert found.value == pytest.approx(expected, abs=1e-4)
    assert found.censored == 0
    assert 0 < found.resolution < 0.2


def test_curves_are_fitted_one_by_one() -> None:
    holds = np.array([[0, 2, 9, 10.0], [0, 0, 0, 10.0]])
    together = fitted_crossing(POSITIONS[:4], holds, np.full((2, 4), 10.0), 0.5)
    alone = [fitted_crossing(POSITIONS[:4], row[None], np.full((1, 4), 10.0), 0.5)[0] for row in holds]
    assert together == pytest.approx(alone)


def test_a_falling_curve_has_no_crossing() -> None:
    assert np.isnan(fitted_crossing(POSITIONS[:4], np.array([[9, 7, 3, 1.0]]), np.full((1, 4), 10.0), 0.5))


def test_a_jump_is_known_up_to_the_widths_beside_it() -> None:
    found = crossing(POSITIONS, np.array([0, 0, 0, 40, 40, 40, 40.0]), np.full(7, 40.0), 0.9)
    assert POSITIONS[2] < found.value < POSITIONS[3]
    assert found.value - found.resolution <= POSITIONS[2]
    assert found.value + found.resolution >= POSITIONS[3]


@pytest.mark.parametrize(("share", "censored"), [(0.0, 1), (1.0, -1)])
def test_beyond_the_grid_is_said_to_be_beyond(share: float, censored: int) -> None:
    assert crossing(POSITIONS, np.full(7, 40 * share), np.full(7, 40.0), 0.9).censored == censored


@pytest.mark.parametrize("at", range(1, 7))
def test_window_lies_around_the_crossing(at: int) -> None:
    holds = np.where(np.arange(7) >= at, 40.0, 0.0)
    window = crossing(POSITIONS, holds, np.full(7, 40.0), 0.5).window
    assert window.stop - window.start == WINDOW
    assert window.start <= at - 1 < at < window.stop


def test_error_and_steepness_are_those_of_the_curve() -> None:
    """Of a logistic curve of known steepness, and of the crossings of many samples of it."""
    share, draws = expit((POSITIONS - math.log(200)) / 0.7), np.full(7, 400.0)
    rng = np.random.default_rng(1)
    found = [crossing(POSITIONS, rng.binomial(400, share).astype(float), draws, 0.5) for _ in range(300)]
    assert np.mean([each.steepness for each in found]) == pytest.approx(0.7, rel=0.03)
    assert np.mean([each.error for each in found]) == pytest.approx(np.std([each.value for each in found]), rel=0.15)
    flat = crossing(POSITIONS, np.full(7, 20.0), np.full(7, 40.0), 0.9)
    assert (flat.steepness > 1e3, flat.error > 1e3) == (True, True)


@given(COUNTS)
def test_monotone_shares_rise_and_keep_the_total(pairs: list[tuple[int, int]]) -> None:
    holds = np.array([min(pair) for pair in pairs], dtype=np.float64)
    trials = np.array([max(*pair, 1) for pair in pairs], dtype=np.float64)
    shares = monotone_shares(holds, trials)
    assert np.all(np.diff(shares) >= -1e-12)
    assert np.sum(shares * trials) == pytest.approx(np.sum(holds))


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8).map(sorted))
def test_shares_that_rise_stay_as_they_are(holds: list[int]) -> None:
    assert monotone_shares(np.array(holds, dtype=float), np.full(len(holds), 20.0)) == pytest.approx(
        np.array(holds) / 20
    )
