"""What one arm of a check has measured, point by point, as a figure shows it: the worst case of every draw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from rnnconv_cli.judge.envelope import table
from rnnconv_cli.judge.words import symbol
from rnnconv_cli.records import CheckResult, Observation, Status, Table
from rnnconv_cli.report.layout import quantity
from rnnconv_cli.report.plain import visible

COLUMNS = ("draws", "smallest", "geometric mean", "largest", "without a value")
WORDS = {"n_sequences": "sequences", "tau0": "radius", "size": "spectral norm", "output_dim": "output dimension"}
AT_INFINITY = frozenset({str(Status.DIVERGED), str(Status.NOT_REACHED)})


@dataclass(frozen=True, slots=True)
class Column:
    """The draws at one point: their values, and how many have none, by status."""

    point: float
    values: tuple[float, ...]
    lost: tuple[tuple[str, int], ...]

    @property
    def mean_log(self) -> float:
        """Mean of the logarithms of the positive values [1]; NaN without any."""
        logs = [math.log(each) for each in self.values if each > 0]
        return fmean(logs) if logs else math.nan


def arm_of(check: CheckResult, name: str) -> tuple[Observation, ...]:
    """The observations of one arm: main, control, or the id of an exhibit."""
    return tuple(each for each in check.observations if each.arm == name)


def columns(check: CheckResult, name: str) -> tuple[Column, ...]:
    """The worst case of every draw of one arm, point by point, ascending."""
    worst = worst_case(check, name)
    return tuple(_column(worst, index) for index in range(len(worst.points)))


def worst_case(check: CheckResult, name: str) -> Table:
    """Replicates times points of one arm: the largest over the adversaries, or the smallest where that was judged."""
    return table(arm_of(check, name), None, smallest=check.worst == "smallest")


def drawn_quantity(observations: Sequence[Observation]) -> str:
    """The quantity of an arm with its unit: steps where it counts those, else [1]."""
    name = visible(observations[0].trial.quantity) if observations else ""
    return f"{name} [{'steps' if name.startswith('steps-') else '1'}]"


def parameter_label(parameter: str | None) -> str:
    """The swept parameter as the paper writes it, in words, and its unit."""
    name = visible(parameter or "point")
    unit = "steps" if name == "steps" else "1"
    return f"{symbol(parameter)} ({WORDS.get(name, name.replace('_', ' '))}) [{unit}]"


def table_rows(name: str, found: Sequence[Column]) -> tuple[tuple[str, ...], ...]:
    """An arm's rows in the table of a figure: its name, the point, and COLUMNS."""
    return tuple(
        (
            name,
            quantity(each.point),
            str(len(each.values)),
            *(map(quantity, _three(each)) if each.values else ("-",) * 3),
            ", ".join(f"{count} {status}" for status, count in each.lost) or "0",
        )
        for each in found
    )


def _three(column: Column) -> tuple[float, float | None, float]:
    middle = math.exp(column.mean_log) if min(column.values) > 0 else None
    return min(column.values), middle, max(column.values)


def _column(worst: Table, index: int) -> Column:
    cells = [row[index] for row in worst.rows]
    found = (cell.value for cell in cells if cell.status is Status.OK and cell.value is not None)
    values = tuple(each for each in found if math.isfinite(each))
    lost = Counter(str(cell.status) for cell in cells if cell.status is not Status.OK)
    return Column(worst.points[index], values, tuple(sorted(lost.items())))
