"""Least-squares curves, one for each replicate, through the points at which that replicate has a value."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.records import Status, Table
from rnnconv_cli.stats.student import Array


def logarithms(table: Table) -> Array:
    """log q, (replicates, points); NaN where a cell has no positive value to take the logarithm of."""
    return np.array(
        [
            [
                math.log(cell.value)
                if cell.status is Status.OK and cell.value is not None and cell.value > 0
                else math.nan
                for cell in row
            ]
            for row in table.rows
        ],
        dtype=np.float64,
    ).reshape(len(table.rows), len(table.points))


def coefficients(design: Array, curves: Array) -> Array:
    """Least-squares coefficients (replicates, terms) of curves (replicates, points) on a design (points, terms).

    A replicate is fitted on its own values; one with fewer values than terms has NaN coefficients.
    """
    present = ~np.isnan(curves)
    found = np.full((len(curves), design.shape[1]), np.nan)
    for pattern in np.unique(present, axis=0):
        if pattern.sum() >= design.shape[1]:
            rows = (present == pattern).all(axis=1)
            found[rows] = curves[np.ix_(rows, pattern)] @ np.linalg.pinv(design[pattern]).T
    return found


def slopes(positions: Array, curves: Array) -> Array:
    """Slope of every replicate's straight line [curve unit per position unit], (replicates,)."""
    return coefficients(_powers(positions, 1), curves)[:, 1]


def bends(positions: Array, curves: Array) -> Array:
    """Quadratic coefficient of every replicate's parabola, (replicates,); zero for a power law in log-log."""
    return coefficients(_powers(positions, 2), curves)[:, 2]


def local_slopes(positions: Array, curves: Array) -> tuple[float, ...]:
    """Slope between adjacent points, mean over the replicates that have a value at both; NaN where none has."""
    steps = np.diff(curves, axis=1) / np.diff(positions)
    return tuple(float(np.mean(step[~np.isnan(step)])) if (~np.isnan(step)).any() else np.nan for step in steps.T)


def _powers(positions: Array, degree: int) -> Array:
    """1, x, ... x^degree of the centred positions: columns that stay apart in floating point."""
    return np.vander(positions - np.mean(positions), degree + 1, increasing=True)
