from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.records import Cell, Status, Table
from rnnconv_cli.stats.curves import bends, coefficients, local_slopes, logarithms, slopes

X = np.array([0.0, 1.0, 2.0, 4.0])


def test_each_replicate_has_its_own_line() -> None:
    assert slopes(X, np.array([1 + 2 * X, 5 - 3 * X])) == pytest.approx([2, -3])


def test_a_gap_is_bridged_by_the_other_points() -> None:
    curves = np.array([1 + 2 * X, 1 + 2 * X, 5 - 3 * X])
    curves[1, 2] = curves[2, 0] = math.nan
    assert slopes(X, curves) == pytest.approx([2, 2, -3])


def test_too_few_points_give_no_slope() -> None:
    curve = np.array([[math.nan, 1.0, math.nan, math.nan]])
    assert np.isnan(slopes(X, curve)).all()
    assert np.isnan(coefficients(np.vander(X, 3), np.array([[0.0, 1.0, math.nan, math.nan]]))).all()


def test_bend_is_the_quadratic_coefficient() -> None:
    assert bends(X, np.array([1 + 2 * X + 0.5 * X**2, 3 * X])) == pytest.approx([0.5, 0], abs=1e-12)


def test_local_slopes_are_means_over_replicates_with_both_ends() -> None:
    curves = np.array([2 * X, 4 * X])
    curves[1, 3] = math.nan
    assert local_slopes(X, curves) == pytest.approx((3, 3, 2))
    assert math.isnan(local_slopes(X, np.array([[0.0, 1.0, math.nan, 2.0]]))[1])


def test_only_positive_ok_values_have_a_logarithm(
    table: Callable[[tuple[float, ...], list[list[float | Status]]], Table],
) -> None:
    found = logarithms(table((1.0, 2.0, 3.0), [[math.e, Status.ZERO, -1.0], [1.0, Status.DIVERGED, 0.0]]))
    assert found == pytest.approx(np.array([[1, math.nan, math.nan], [0, math.nan, math.nan]]), nan_ok=True)


def test_a_value_that_is_not_ok_is_not_used() -> None:
    below_the_floor = Table("width", (1.0,), ((Cell(1e-300, Status.ROUND_OFF),),))
    assert np.isnan(logarithms(below_the_floor)).all()
