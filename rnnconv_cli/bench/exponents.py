"""How a step's cost grows with m, n and L, beyond the small sizes: exponents by the estimator of the verdicts.

The same fit is made of three more numbers on the same grid: the operations, which is what the algorithm asks for; the
floor, which is what the machine makes of it; and the time over the floor, which is left to our kernels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rnnconv_cli.bench.cases import STEP, Case
from rnnconv_cli.bench.results import CostExponent
from rnnconv_cli.records import Cell, Exponent, Status, Table
from rnnconv_cli.stats.exponent import exponent

BASE = Case(STEP, 1024, 10, 10, 1, "float64")  # the dtype that a claim has unless it names another
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


def fit(parameter: str, times: Sequence[Sequence[float]], floors: Sequence[Sequence[float]]) -> CostExponent:
    """The exponents from times and floors [round][case] in seconds: rounds stand for replicates."""
    growth = GROWTHS[parameter]
    operations = [[float(case.flops) for case in growth.cases]]
    beyond = [[a / b for a, b in zip(*each, strict=True)] for each in zip(times, floors, strict=True)]
    return CostExponent(
        parameter=parameter,
        case=BASE,
        predicted=growth.predicted,
        operations=_power(parameter, operations).value,
        floor=_power(parameter, floors),
        found=_power(parameter, times),
        beyond_floor=_power(parameter, beyond),
        times=tuple(map(tuple, times)),
        floors=tuple(map(tuple, floors)),
    )


def _power(parameter: str, rows: Sequence[Sequence[float]]) -> Exponent:
    """The exponent with which a positive number, [round][case], grows in a parameter."""
    points = tuple(float(getattr(case, parameter)) for case in GROWTHS[parameter].cases)
    cells = tuple(tuple(Cell(number, Status.OK) for number in row) for row in rows)
    return exponent(Table(parameter, points, cells), LEVEL)
