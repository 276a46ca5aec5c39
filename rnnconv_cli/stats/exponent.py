"""Power of a parameter: slopes of log q on log p, one for each replicate, Student's t over them."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.records import Exponent, Table
from rnnconv_cli.stats.curves import bends, local_slopes, logarithms, slopes
from rnnconv_cli.stats.student import Array, MeanInterval, mean_interval, p_value


def exponent(table: Table, level: float) -> Exponent:
    """The exponent e in q = C p^e, where C and e may differ between replicates, with its diagnostics.

    Pooled least squares would cover 59% at a nominal 95% when slopes differ between replicates; slopes per replicate
    with Student's t cover 95%. A replicate without a value at some point is fitted on its other points.
    """
    positions, curves = np.log(np.asarray(table.points)), logarithms(table)
    fit = slope_interval(positions, curves, level)
    return Exponent(
        value=fit.value,
        low=fit.low,
        high=fit.high,
        level=level,
        points=table.points,
        replicates=int(np.sum(~np.isnan(slopes(positions, curves)))),
        local=local_slopes(positions, curves),
        without_first=_ends(slope_interval(positions[1:], curves[:, 1:], level)),
        without_last=_ends(slope_interval(positions[:-1], curves[:, :-1], level)),
        curvature_p=p_value(bends(positions, curves)),
        scatter=fit.scatter,
    )


def slope_interval(positions: Array, curves: Array, level: float) -> MeanInterval:
    """Mean slope of curves (replicates, points) over positions (points,), with Student's t over replicates."""
    return mean_interval(slopes(positions, curves), level)


def _ends(fit: MeanInterval) -> tuple[float, float, float]:
    return fit.value, fit.low, fit.high
