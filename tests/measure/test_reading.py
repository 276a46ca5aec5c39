"""A number's status, from the number alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.measure.reading import as_reading, in_rounding_units, probed_count
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]


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


@pytest.mark.parametrize(("dtype", "eps"), [("float64", 2.0**-52), ("float32", 2.0**-23)])
def test_an_error_is_counted_in_what_rounding_adds_up_to(draw_instance: DrawInstance, dtype: str, eps: float) -> None:
    instance = draw_instance(width=64, horizon=5, dtype=dtype)
    assert np.finfo(instance.W.dtype).eps == eps
    assert in_rounding_units(3 * eps * 5 * 8, instance) == Reading(3.0)
    assert in_rounding_units(0.0, instance) == Reading(0.0)
    assert [in_rounding_units(error, instance).status for error in (math.nan, math.inf)] == [Status.DIVERGED] * 2


def test_a_count_is_rounded_and_never_nothing(draw_instance: DrawInstance, make_trial: MakeTrial) -> None:
    def count(rows: float) -> int:
        return probed_count(make_trial("near-kink-rows", draw_instance(), probe={"rows": rows}), "rows")

    assert [count(rows) for rows in (0.51, 1.0, 7.6)] == [1, 1, 8]
    for rows in (0.5, 0.3):
        with pytest.raises(
            MeasurementError, match=f"near-kink-rows: found rows = {rows}, wanted at least 1 after round"
        ):
            count(rows)
