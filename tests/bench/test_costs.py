from __future__ import annotations

import pytest

from rnnconv_cli.bench.costs import CALLS, MARGIN, SPEED, START_SECONDS, TURN_SECONDS, Costs


def test_before_anything_was_seen_a_usual_speed_is_expected() -> None:
    assert Costs().expected(1, SPEED, 0) == CALLS
    assert Costs().expected(2, SPEED, 3) == CALLS / 2 + 3 * START_SECONDS


def test_contestants_start_once_for_each_number_of_cores() -> None:
    costs = Costs()
    costs.learn(1, 1e6, 1.0)
    assert costs.expected(1, 1.0, 5) == pytest.approx(5 * TURN_SECONDS)
    assert costs.expected(2, 1.0, 5) == pytest.approx(5 * START_SECONDS)


def test_the_nearest_case_that_took_long_says_how_long_operations_take() -> None:
    costs = Costs()
    costs.learn(1, 1e12, 100.0)
    costs.learn(1, 1e10, 20.0)
    costs.learn(1, 1e9, 9.0)  # mostly waiting
    assert costs.expected(1, 2e12, 0) == pytest.approx(MARGIN * 200.0)
    assert costs.expected(1, 1e10, 0) == pytest.approx(MARGIN * 20.0)
    assert costs.expected(1, 1e8, 0) == pytest.approx(MARGIN * 0.2)


def test_the_same_number_of_cores_goes_before_the_nearest_operations() -> None:
    costs = Costs()
    costs.learn(1, 1e12, 100.0)
    costs.learn(2, 1e11, 20.0)
    assert costs.expected(2, 1e12, 0) == pytest.approx(MARGIN * 200.0)
