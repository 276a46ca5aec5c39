from __future__ import annotations

import math

import numpy as np
import pytest

from rnnconv_cli.stats.design import by_count, by_student, rate_information, slope_information
from rnnconv_cli.stats.exponent import slope_interval
from rnnconv_cli.stats.growth import rate_interval
from rnnconv_cli.stats.student import t_quantile

RUNS = 300


def test_information_by_hand() -> None:
    assert slope_information([0.0, 1.0, 2.0]) == 2.0
    assert slope_information([3.0]) == 0.0
    assert rate_information([1.0, 2.0]) == 0.0


def test_three_points_leave_one_contrast_to_a_rate() -> None:
    """p = 1, 2, 4 in the direction (1, -2, 1) / sqrt(6), which is orthogonal to 1 and to log p."""
    assert rate_information([1.0, 2.0, 4.0]) == pytest.approx(1 / 6)
    assert rate_information([1.0, 2.0, 4.0, 8.0]) > 1 / 6


@pytest.mark.parametrize(("few", "many"), [((1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 32, 64)), ((4, 8, 16, 64), (1, 4, 64))])
def test_predicted_half_widths_of_a_slope_are_those_of_the_estimator(
    few: tuple[float, ...], many: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(0)

    def found(points: tuple[float, ...], replicates: int) -> float:
        noise = rng.standard_normal((RUNS, replicates, len(points)))
        fits = [slope_interval(np.log(points), curves, 0.99) for curves in noise]
        return float(np.sqrt(np.mean([((fit.high - fit.low) / 2) ** 2 for fit in fits])))

    def predicted(points: tuple[float, ...], replicates: int) -> float:
        return by_student(replicates, 0.99) / math.sqrt(slope_information([math.log(each) for each in points]))

    assert found(few, 6) / found(many, 20) == pytest.approx(predicted(few, 6) / predicted(many, 20), rel=0.05)


def test_predicted_half_widths_of_a_rate_are_those_of_the_estimator() -> None:
    rng = np.random.default_rng(1)
    few, many = (2.0, 4.0, 8.0, 16.0), (2.0, 4.0, 8.0, 16.0, 32.0)

    def found(points: tuple[float, ...]) -> float:
        noise = rng.standard_normal((RUNS, 10, len(points)))
        fits = [rate_interval(np.array(points), curves, 0.95) for curves in noise]
        return float(np.sqrt(np.mean([((fit.high - fit.low) / 2) ** 2 for fit in fits])))

    predicted = math.sqrt(rate_information(many) / rate_information(few))
    assert found(few) / found(many) == pytest.approx(predicted, rel=0.05)


def test_half_widths_of_a_mean() -> None:
    assert by_student(16, 0.95) == pytest.approx(t_quantile(15, 0.95) / 4)
    assert by_student(1, 0.95) == math.inf
    assert by_count(16) == 0.25
