from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.bench.exponents import BASE, GROWTHS, fit


@pytest.mark.parametrize("parameter", list(GROWTHS))
def test_grids_vary_one_parameter_in_half_octaves(parameter: str) -> None:
    points = [getattr(case, parameter) for case in GROWTHS[parameter].cases]
    assert np.allclose(np.diff(np.log2(points)), 0.5, atol=0.05)
    others = {
        (case.task, case.cores, case.dtype, *(getattr(case, name) for name in GROWTHS if name != parameter))
        for case in GROWTHS[parameter].cases
    }
    assert len(others) == 1


def test_the_ends_of_the_grids() -> None:
    ends = {name: (growth.cases[0], growth.cases[-1]) for name, growth in GROWTHS.items()}
    assert [case.width for case in ends["width"]] == [512, 4096]
    assert [case.n_sequences for case in ends["n_sequences"]] == [16, 128]
    assert [case.horizon for case in ends["horizon"]] == [8, 64]


def test_an_exponent_comes_back_from_made_up_times() -> None:
    rng = np.random.default_rng(0)
    points = np.array([case.n_sequences for case in GROWTHS["n_sequences"].cases])
    times = 1e-4 * points**1.0 * np.exp(0.02 * rng.standard_normal((7, len(points))))
    found = fit("n_sequences", times.tolist())
    assert found.found.low < 1.0 < found.found.high
    assert found.found.high - found.found.low < 0.1
    assert found.found.replicates == 7
    assert (found.predicted, found.case) == (1.0, BASE)
