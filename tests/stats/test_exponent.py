from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.records import Cell, Status, Table
from rnnconv_cli.stats.exponent import exponent, slope_interval
from rnnconv_cli.stats.student import Array

WIDTHS = (128.0, 256.0, 512.0, 1024.0, 2048.0)
LOG_WIDTHS = np.log(WIDTHS)
SIMULATIONS = 4000


def _power_law(exponents: list[float], constant: float = 1.0) -> Table:
    rows = tuple(tuple(Cell(constant * m**e, Status.OK) for m in WIDTHS) for e in exponents)
    return Table("width", WIDTHS, rows)


def test_a_power_law_gives_its_power_everywhere() -> None:
    found = exponent(_power_law([-0.6, -0.5, -0.4]), 0.95)
    assert found.value == pytest.approx(-0.5)
    assert found.local == pytest.approx((-0.5,) * 4)
    assert found.without_first == pytest.approx((found.value, found.low, found.high))
    assert found.without_last == pytest.approx(found.without_first)
    assert found.scatter == pytest.approx(0.1)
    assert (found.points, found.replicates, found.level) == (WIDTHS, 3, 0.95)


@given(st.floats(1e-6, 1e6), st.lists(st.floats(-3, 3), min_size=3, max_size=6))
def test_the_unit_of_a_quantity_does_not_matter(constant: float, exponents: list[float]) -> None:
    plain, scaled = exponent(_power_law(exponents), 0.95), exponent(_power_law(exponents, constant), 0.95)
    assert (scaled.value, scaled.low, scaled.high) == pytest.approx((plain.value, plain.low, plain.high), abs=1e-9)


def test_a_floor_shows_as_curvature_although_r_squared_is_high() -> None:
    rng = np.random.default_rng(1)
    m = 2.0 ** np.arange(5, 11)
    values = (1 / m + 0.01) * np.exp(0.02 * rng.standard_normal((8, 6)))
    found = exponent(Table("width", tuple(m), tuple(tuple(Cell(v, Status.OK) for v in row) for row in values)), 0.95)
    assert found.value == pytest.approx(-0.38, abs=0.02)
    assert found.curvature_p < 1e-4
    assert found.without_first[0] > found.value > found.without_last[0]


def test_a_straight_line_has_no_curvature() -> None:
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(200):
        values = np.array(WIDTHS) ** 0.5 * np.exp(0.1 * rng.standard_normal((8, 5)))
        rows = tuple(tuple(Cell(float(v), Status.OK) for v in row) for row in values)
        p_values.append(exponent(Table("width", WIDTHS, rows), 0.95).curvature_p)
    assert np.mean(np.array(p_values) < 0.05) < 0.1


def test_a_missing_cell_leaves_its_replicate_in(
    table: Callable[[tuple[float, ...], list[list[float | Status]]], Table],
) -> None:
    whole: list[float | Status] = [m**0.5 for m in WIDTHS]
    gap = [*whole[:2], Status.ZERO, *whole[3:]]
    found = exponent(table(WIDTHS, [whole, gap, whole]), 0.95)
    assert found.replicates == 3
    assert found.value == pytest.approx(0.5)


@pytest.mark.parametrize("noise", ["normal", "heavy", "skewed"])
@pytest.mark.parametrize("replicates", [5, 8, 10, 20])
def test_interval_covers(noise: str, replicates: int) -> None:
    """Rule 8, with slopes that differ between replicates. Heavy: t with 4 degrees; skewed: log-gamma, as a norm has."""
    rng = np.random.default_rng(replicates)
    shape = (SIMULATIONS, replicates, 5)
    noises: dict[str, Array] = {
        "normal": rng.standard_normal(shape),
        "heavy": rng.standard_t(4, shape) / math.sqrt(2),
        "skewed": np.log(rng.gamma(2, size=shape)) - 0.42278,  # digamma(2)
    }
    slopes = -0.5 + 0.05 * rng.standard_normal((SIMULATIONS, replicates, 1))
    curves = slopes * LOG_WIDTHS + 0.1 * noises[noise]
    fits = [slope_interval(LOG_WIDTHS, curve, 0.95) for curve in curves]
    coverage = np.mean([fit.low <= -0.5 <= fit.high for fit in fits])
    print(f"exponent, {noise} noise, R = {replicates}: {coverage:.1%}")
    assert 0.93 <= coverage <= 0.97


def test_pooled_least_squares_would_not_cover() -> None:
    """Why the slopes are taken replicate by replicate: the textbook interval of one line through all the points."""
    rng = np.random.default_rng(3)
    slopes = -0.5 + 0.05 * rng.standard_normal((1000, 8, 1))
    curves = slopes * (LOG_WIDTHS - LOG_WIDTHS.mean()) + 0.02 * rng.standard_normal((1000, 8, 5))
    x = np.tile(LOG_WIDTHS - LOG_WIDTHS.mean(), 8)
    y = curves.reshape(1000, 40)
    fitted = y @ x / (x @ x)
    residual = y - y.mean(axis=1, keepdims=True) - fitted[:, None] * x
    error = np.sqrt((residual**2).sum(axis=1) / 38 / (x @ x))
    coverage = np.mean(np.abs(fitted + 0.5) <= 2.024 * error)
    print(f"pooled least squares, R = 8: {coverage:.1%}")
    assert coverage < 0.7


def test_interval_covers_at_a_corrected_level() -> None:
    rng = np.random.default_rng(4)
    curves = (0.05 * rng.standard_normal((SIMULATIONS, 8, 1))) * LOG_WIDTHS + 0.1 * rng.standard_normal(
        (SIMULATIONS, 8, 5)
    )
    fits = [slope_interval(LOG_WIDTHS, curve, 0.995) for curve in curves]
    coverage = np.mean([fit.low <= 0 <= fit.high for fit in fits])
    print(f"exponent, level 99.5%, R = 8: {coverage:.2%}")
    assert 0.991 <= coverage <= 0.998
