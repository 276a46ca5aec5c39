from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.bench.exponents import BASE, GROWTHS, fit
from rnnconv_cli.bench.results import CostExponent
from rnnconv_cli.spec.claim import Problem


@pytest.mark.parametrize("parameter", list(GROWTHS))
def test_grids_vary_one_parameter_in_half_octaves(parameter: str) -> None:
    points = [getattr(case, parameter) for case in GROWTHS[parameter].cases]
    assert np.allclose(np.diff(np.log2(points)), 0.5, atol=0.05)
    others = {
        (case.task, case.cores, case.dtype, *(getattr(case, name) for name in GROWTHS if name != parameter))
        for case in GROWTHS[parameter].cases
    }
    assert len(others) == 1


def test_the_base_has_the_dtype_that_claims_have() -> None:
    assert Problem().dtype == BASE.dtype


def test_the_ends_of_the_grids() -> None:
    ends = {name: (growth.cases[0], growth.cases[-1]) for name, growth in GROWTHS.items()}
    assert [case.width for case in ends["width"]] == [512, 4096]
    assert [case.n_sequences for case in ends["n_sequences"]] == [16, 128]
    assert [case.horizon for case in ends["horizon"]] == [8, 64]


def test_an_exponent_comes_back_from_made_up_times() -> None:
    rng = np.random.default_rng(0)
    points = np.array([case.n_sequences for case in GROWTHS["n_sequences"].cases])
    times = 1e-4 * points**1.0 * np.exp(0.02 * rng.standard_normal((7, len(points))))
    floors = 1e-5 * points**0.9 * np.ones((7, 1))
    found = fit("n_sequences", times.tolist(), floors.tolist())
    assert found.found.low < 1.0 < found.found.high
    assert found.holds(found.predicted)
    assert found.floor.value == pytest.approx(0.9)
    assert found.beyond_floor.value == pytest.approx(found.found.value - 0.9)
    assert found.found.high - found.found.low < 0.1
    assert found.found.replicates == 7
    assert (found.predicted, found.case) == (1.0, BASE)


@pytest.mark.parametrize(("parameter", "power"), [("width", 2.0), ("n_sequences", 1.0)])
def test_operations_grow_as_predicted_in_m_and_n(parameter: str, power: float) -> None:
    assert _of_ones(parameter).operations == pytest.approx(power)


def test_operations_grow_a_little_faster_than_the_horizon() -> None:
    horizons = np.array([8, 11, 16, 23, 32, 45, 64])
    by_hand = np.polyfit(np.log(horizons), np.log(3 * horizons - 4), 1)[0]
    assert _of_ones("horizon").operations == pytest.approx(by_hand)
    assert 1.05 < by_hand < 1.10


def test_a_time_that_does_not_grow_is_outside() -> None:
    assert not _of_ones("width").holds(2.0)


def _of_ones(parameter: str) -> CostExponent:
    ones = [[1.0] * len(GROWTHS[parameter].cases)] * 3
    return fit(parameter, ones, ones)
