from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.records import Cell, Status, Table
from rnnconv_cli.stats.growth import growth, rate_interval

HORIZONS = np.array([4.0, 8.0, 16.0, 24.0, 32.0])


def _table(curves: list[list[float]]) -> Table:
    return Table("horizon", tuple(HORIZONS), tuple(tuple(Cell(q, Status.OK) for q in row) for row in curves))


@given(st.floats(-2, 3), st.floats(-0.5, 0.5), st.floats(1e-3, 1e3))
def test_power_and_rate_are_told_apart(power: float, rate: float, constant: float) -> None:
    curve = (constant * HORIZONS**power * np.exp(rate * HORIZONS)).tolist()
    found = growth(_table([curve, curve]), 0.95)
    assert (found.exponent, found.value) == pytest.approx((power, rate), abs=1e-6)


@pytest.mark.parametrize("unit", [1e-16, 1e-3, 1e12])
def test_a_rate_does_not_depend_on_the_unit(unit: float) -> None:
    points = unit * HORIZONS
    noise = 1e-3 * np.random.default_rng(0).standard_normal((5, len(HORIZONS)))
    curves = 0.7 * np.log(HORIZONS) + 0.1 * HORIZONS + noise
    here, there = rate_interval(HORIZONS, curves, 0.95), rate_interval(points, curves, 0.95)
    assert [each * unit for each in (there.value, there.low, there.high)] == pytest.approx(
        [here.value, here.low, here.high]
    )


def test_far_from_zero_a_power_and_a_rate_cannot_be_told_apart() -> None:
    points = 1e5 + np.arange(5.0)
    curves = np.random.default_rng(0).standard_normal((8, 5))
    found = rate_interval(points, curves, 0.95)
    assert found.high - found.low > 1e4


def test_local_exponents_of_an_exponential_rise() -> None:
    local = growth(_table([np.exp(0.35 * HORIZONS).tolist()] * 2), 0.95).local
    assert list(local) == sorted(local)


def test_a_replicate_without_enough_points_is_not_counted() -> None:
    curve = [Cell(q, Status.OK) for q in HORIZONS.tolist()]
    lost = [Cell(None, Status.ZERO)] * 3 + curve[:2]
    found = growth(Table("horizon", tuple(HORIZONS), (tuple(curve), tuple(curve), tuple(lost))), 0.95)
    assert found.replicates == 2
    assert found.value == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("replicates", [5, 8, 20])
def test_interval_covers(replicates: int) -> None:
    rng = np.random.default_rng(replicates)
    rates = 0.02 + 0.01 * rng.standard_normal((4000, replicates, 1))
    powers = 0.5 + 0.2 * rng.standard_normal((4000, replicates, 1))
    noise = 0.1 * rng.standard_t(4, (4000, replicates, 5)) / math.sqrt(2)
    curves = powers * np.log(HORIZONS) + rates * HORIZONS + noise
    fits = [rate_interval(HORIZONS, curve, 0.95) for curve in curves]
    coverage = np.mean([fit.low <= 0.02 <= fit.high for fit in fits])
    print(f"growth, R = {replicates}: {coverage:.1%}")
    assert 0.93 <= coverage <= 0.97
