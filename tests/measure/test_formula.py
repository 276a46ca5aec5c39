from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Status

FORMULA, SHIFTED = "gradient-formula-error", "gradient-formula-error-shifted"


@pytest.mark.parametrize(
    "changes", [{}, {"layers": "independent"}, {"activation": "linear"}, {"horizon": 2}, {"copies": 2}]
)
def test_the_gradient_written_out_is_the_gradient(
    changes: dict[str, Any], draw_instance: Callable[..., Instance], value_of: Callable[..., float], backend: Backend
) -> None:
    instance = draw_instance(**changes)
    assert value_of(FORMULA, instance, backend) < 1
    assert value_of(SHIFTED, instance, backend) > 1e6


def test_by_hand(write_instance: Callable[..., Instance], value_of: Callable[..., float], backend: Backend) -> None:
    """One unit with W = 3, B = 1, tokens 1 and 0: h = (1, 3, 9); the loss at l = 3 alone has grad = 9 (1 * 3 + 3)."""
    instance = write_instance(W=[[3.0]], B=[[1.0]], x=[[[1.0]], [[0.0]], [[0.0]]], labels=[0.0, 3.0, 0.0])
    assert value_of(FORMULA, instance, backend) == 0
    shifted = 9 * (9 * 1 + 3 * 3)  # one more W in each term
    unit = np.finfo(float).eps * 3
    assert value_of(SHIFTED, instance, backend) == pytest.approx((shifted - 54) / 54 / unit)


def test_relabelled_units_leave_the_error_at_round_off(
    draw_instance: Callable[..., Instance], value_of: Callable[..., float], backends: tuple[Backend, Backend]
) -> None:
    instance = draw_instance(seed=3)
    found = [value_of(SHIFTED, instance, each) for each in backends]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_an_overflow_is_no_identity(draw_instance: Callable[..., Instance], measure: Any, backend: Backend) -> None:
    with np.errstate(all="ignore"):
        (reading,) = measure(FORMULA, draw_instance(weight_variance=1e300), backend)
    assert reading.status is Status.DIVERGED
