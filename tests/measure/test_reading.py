"""A number's status, from the number alone."""

from __future__ import annotations

import math

import pytest

from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.records import Reading, Status


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nothing_that_is_not_finite_is_a_value(value: float) -> None:
    assert as_reading(value) == Reading(None, Status.DIVERGED)


@pytest.mark.parametrize(
    ("value", "floor", "status"),
    [
        (0.0, 0.0, Status.ZERO),
        (-0.0, 1.0, Status.ZERO),
        (1e-300, 0.0, Status.OK),
        (-3.0, 0.0, Status.OK),
        (1e-9, 1e-8, Status.ROUND_OFF),
        (1e-8, 1e-8, Status.ROUND_OFF),
        (-1e-9, 1e-8, Status.ROUND_OFF),
        (2e-8, 1e-8, Status.OK),
    ],
)
def test_zero_and_round_off_are_told_apart(value: float, floor: float, status: Status) -> None:
    assert as_reading(value, floor=floor) == Reading(value, status)
