from __future__ import annotations

import time
from dataclasses import asdict

from rnnconv_cli.measure.cost import TYPICAL
from rnnconv_cli.sweep.calibrate import calibrate


def test_speeds_are_those_of_a_computer_and_take_no_time() -> None:
    """Within a factor of 300 of what is typical: a wrong unit would be a factor of 1000 at least."""
    began = time.perf_counter()
    found = asdict(calibrate(0.04))
    assert time.perf_counter() - began < 10
    for name, value in asdict(TYPICAL).items():
        assert value / 300 < found[name] < 300 * value
