"""How a step's cost grows with m, n and L, beyond the small sizes: exponents by the estimator of the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnnconv_cli.bench.cases import STEP, Case
from rnnconv_cli.bench.results import CostExponent
from rnnconv_cli.records import Cell, Status, Table
from rnnconv_cli.stats.exponent import exponent

BASE = Case(STEP, 1024, 10, 10, 1, "float64")  # W fits in no second-level cache
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Growth:
    """A parameter's grid in half octaves, as cases, and the power with which the cost is to grow in it."""

    predicted: float
    cases: tuple[Case, ...]


GROWTHS: Mapping[str, Growth] = {
    "width": Growth(2.0, tuple(replace(BASE, width=m) for m in (512, 724, 1024, 1448, 2048, 2896, 4096))),
    "n_sequences": Growth(1.0, tuple(replace(BASE, n_sequences=n) for n in (16, 23, 32, 45, 64, 91, 128))),
    "horizon": Growth(1.0, tuple(replace(BASE, horizon=length) for length in (8, 11, 16, 23, 32, 45, 64))),
}


def fit(parameter: str, times: Sequence[Sequence[float]]) -> CostExponent:
    """The exponent from times [round][case] in seconds: rounds stand for replicates."""
    growth = GROWTHS[parameter]
    points = tuple(float(getattr(case, parameter)) for case in growth.cases)
    rows = tuple(tuple(Cell(seconds, Status.OK) for seconds in each) for each in times)
    found = exponent(Table(parameter, points, rows), LEVEL)
    return CostExponent(parameter, BASE, growth.predicted, found, tuple(map(tuple, times)))
