"""Exponential rate beside a power: the term that tells 2^p from p^e."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.records import Growth, Table
from rnnconv_cli.stats.curves import coefficients, local_slopes, logarithms
from rnnconv_cli.stats.student import Array, MeanInterval, mean_interval


def growth(table: Table, level: float) -> Growth:
    """The rate r in log q = a + e log p + r p [1 / unit of p], one for each replicate, Student's t over them."""
    points, curves = np.asarray(table.points), logarithms(table)
    fit = rate_interval(points, curves, level)
    both = _coefficients(points, curves)
    return Growth(
        value=fit.value,
        low=fit.low,
        high=fit.high,
        level=level,
        points=table.points,
        replicates=int(np.sum(~np.isnan(both[:, 2]))),
        exponent=mean_interval(both[:, 1], level).value,
        local=local_slopes(np.log(points), curves),
        scatter=fit.scatter,
    )


def rate_interval(points: Array, curves: Array, level: float) -> MeanInterval:
    """Mean exponential rate of curves log q (replicates, points) at p (points,), with Student's t over replicates."""
    return mean_interval(_coefficients(points, curves)[:, 2], level)


def _coefficients(points: Array, curves: Array) -> Array:
    """a', e, r of every replicate, (replicates, 3), in log q = a' + e log(p/p_0) + r (p - p_1).

    With p_0 and p_1 in the middle of the grid, and p in units of its largest distance from p_1, the terms stay apart in
    floating point on any grid.
    """
    positions, offsets = np.log(points), points - np.mean(points)
    unit = np.max(np.abs(offsets))
    design = np.column_stack([np.ones_like(points), positions - np.mean(positions), offsets / unit])
    found: Array = coefficients(design, curves) / np.array([1, 1, unit])
    return found
