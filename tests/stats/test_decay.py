from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.records import Cell, Status, Table
from rnnconv_cli.stats.decay import decay, steps_per_decade

DECADES = tuple(float(k) for k in range(1, 11))
Build = Callable[[tuple[float, ...], list[list[float | Status]]], Table]


def _times(steps: list[float]) -> list[float | Status]:
    return [float(time) for time in np.cumsum(steps)]


def test_steps_are_differences_on_the_tail(table: Build) -> None:
    steps = steps_per_decade(table(DECADES, [_times([5, 5, 5, 5, 5, 5, 20, 21, 22, 23])]), 4)
    assert steps.points == (7.0, 8.0, 9.0, 10.0)
    assert [cell.value for cell in steps.rows[0]] == [20, 21, 22, 23]


def test_several_decades_in_one_step_are_zero_and_not_dropped(table: Build) -> None:
    steps = steps_per_decade(table((1.0, 2.0, 3.0, 4.0), [[3.0, 4.0, 4.0, 6.0]]), 3)
    assert steps.rows[0] == (Cell(1.0, Status.OK), Cell(0.0, Status.ZERO), Cell(2.0, Status.OK))


def test_an_unreached_target_makes_its_decade_infinite(table: Build) -> None:
    times: list[float | Status] = [3.0, Status.FAILED, Status.NOT_REACHED, Status.NOT_REACHED]
    steps = steps_per_decade(table((1.0, 2.0, 3.0, 4.0), [times]), 3)
    assert [cell.status for cell in steps.rows[0]] == [Status.FAILED, Status.NOT_REACHED, Status.NOT_REACHED]


def test_a_tail_as_long_as_the_grid_keeps_to_differences(table: Build) -> None:
    assert steps_per_decade(table((1.0, 2.0, 3.0), [[1.0, 2.0, 3.0]]), 5).points == (2.0, 3.0)


def test_a_geometric_rate_needs_equal_steps(table: Build) -> None:
    found = decay(steps_per_decade(table(DECADES, [_times([40] * 10), _times([80] * 10)]), 4), 0.95)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.tail == (7, 8, 9, 10)
    assert found.steps_per_decade == pytest.approx((math.sqrt(3200),) * 4)
    rates = [1 - 10 ** (-1 / 40), 1 - 10 ** (-1 / 80)]
    assert found.rate == pytest.approx(math.sqrt(rates[0] * rates[1]))
    assert found.rate_low < min(rates) < max(rates) < found.rate_high


@pytest.mark.parametrize("p", [1.0, 2.0, 4.0])
def test_a_power_law_in_time_grows_by_log_ten_over_p(p: float, table: Build) -> None:
    times: list[float | Status] = [round(10 ** (k / p) * 1000) for k in DECADES]
    assert decay(steps_per_decade(table(DECADES, [times] * 2), 4), 0.95).value == pytest.approx(
        math.log(10) / p, rel=1e-3
    )


def test_rate_stays_a_share(table: Build) -> None:
    steps = table((1.0, 2.0, 3.0), [[1.0, 1.0, 1.0], [1e6, 1e6, 1e6]])
    found = decay(steps, 0.99)
    assert 0 <= found.rate_low <= found.rate <= found.rate_high <= 1


@pytest.mark.parametrize("replicates", [5, 8, 20])
def test_interval_covers(replicates: int) -> None:
    """Rates and trends that differ between replicates, noise on each decade, whole steps."""
    rng = np.random.default_rng(replicates)
    decades = np.arange(1, 11.0)
    covered = []
    for _ in range(4000):
        trend = 0.05 + 0.03 * rng.standard_normal((replicates, 1))
        level = np.log(60) + 0.5 * rng.standard_normal((replicates, 1))
        steps = np.exp(level + trend * (decades - 8.5) + 0.05 * rng.standard_normal((replicates, 10)))
        times = np.ceil(np.cumsum(steps, axis=1))
        rows = tuple(tuple(Cell(float(time), Status.OK) for time in row) for row in times)
        found = decay(steps_per_decade(Table("decades", DECADES, rows), 4), 0.95)
        covered.append(found.low <= 0.05 <= found.high)
    coverage = np.mean(covered)
    print(f"decay, R = {replicates}: {coverage:.1%}")
    assert 0.93 <= coverage <= 0.97
