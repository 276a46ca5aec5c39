"""Whether a loss falls geometrically: steps for each further decade, which must stop growing on the tail."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Decay, Status, Table
from rnnconv_cli.stats.curves import logarithms, slopes
from rnnconv_cli.stats.exponent import slope_interval
from rnnconv_cli.stats.student import mean_interval


def steps_per_decade(times: Table, tail: int) -> Table:
    """T_k - T_(k-1) for the last `tail` decades k [steps], from the first steps T_k with f <= 10^-k f_0.

    A decade passed within a single step takes 0 steps, which has status `zero`: it has no logarithm. A decade with an
    end that was never reached has that end's status, infinity before any other.
    """
    chosen = range(max(1, len(times.points) - tail), len(times.points))
    rows = tuple(tuple(_difference(row[k - 1], row[k]) for k in chosen) for row in times.rows)
    return Table(times.parameter, tuple(times.points[k] for k in chosen), rows)


def decay(steps: Table, level: float) -> Decay:
    """Growth of log(steps per further decade) per decade [1], one slope for each replicate, Student's t over them.

    0 for a geometric rate; log(10)/p for f ~ t^-p. `rate` is 1 - 10^(-1/S), the share of the loss that one step takes
    off, at each replicate's mean S of steps per decade; its interval is Student's t on the logarithm.
    """
    decades, curves = np.asarray(steps.points), logarithms(steps)
    fit = slope_interval(decades, curves, level)
    rates = np.array([_log_rate(np.exp(row[~np.isnan(row)]).tolist()) for row in curves], dtype=np.float64)
    rate = mean_interval(rates, level)
    return Decay(
        value=fit.value,
        low=fit.low,
        high=fit.high,
        level=level,
        tail=tuple(int(decade) for decade in steps.points),
        replicates=int(np.sum(~np.isnan(slopes(decades, curves)))),
        steps_per_decade=tuple(float(np.exp(mean_interval(column, level).value)) for column in curves.T),
        rate=math.exp(rate.value),
        rate_low=math.exp(rate.low),
        rate_high=min(1.0, _exp(rate.high)),
        scatter=fit.scatter,
    )


def _difference(before: Cell, after: Cell) -> Cell:
    for cell in (before, after):
        if cell.status in AGAINST_THE_CLAIM:
            return Cell(None, cell.status)
    for cell in (before, after):
        if cell.value is None:
            return Cell(None, cell.status)
    steps = (after.value or 0.0) - (before.value or 0.0)
    return Cell(steps, Status.OK if steps > 0 else Status.ZERO)


def _log_rate(steps: list[float]) -> float:
    """log(1 - 10^(-1/S)) for the mean S of some steps per decade; NaN without any."""
    return math.log(-math.expm1(-math.log(10) * len(steps) / sum(steps))) if steps else math.nan


def _exp(exponent: float) -> float:
    return math.inf if exponent > 700 else math.exp(exponent)
