"""Which points may enter a fit, and when trials without a value decide on their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass

from rnnconv_cli.judge.words import place
from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Status, Table
from rnnconv_cli.spec.claim import ExponentPrediction, GrowthPrediction, Prediction
from rnnconv_cli.stats.probability import probability

MOST_CENSORED = 0.05  # share of a point's trials
LEAST_POINTS = 4
ROUNDING = 1e-12  # of a value: numbers closer than that are the same one
LEAST_COUNT = 20  # mean of a count from which its logarithm is near enough to normal and unbiased
LEAST_STEPS = 10  # mean steps of a decade from which whole steps move a slope over four decades by 0.02 or so


@dataclass(frozen=True, slots=True)
class Usable:
    """The points that a fit may use, and what keeps the others out."""

    table: Table
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """Trials at one point that count as infinite, or as zero, on the side that a prediction bounds."""

    words: str
    count: int
    trials: int
    level: float  # of the two-sided interval whose lower end decides

    @property
    def decides(self) -> bool:
        """Whether the share is above 5% for certain, and no accident."""
        return probability(self.count, self.trials, self.level).low > MOST_CENSORED


def against(prediction: Prediction) -> frozenset[Status]:
    """The statuses whose logarithm is infinite on the side that a prediction bounds.

    Diverged and not reached are +infinity: nothing against a lower bound, which says nothing of large values. Zero is
    -infinity, and contradicts a lower bound with any constant. Under an attained exponent zero is no evidence: nothing
    was exercised.
    """
    match prediction:
        case ExponentPrediction(side="lower") | GrowthPrediction(side="lower"):
            return frozenset({Status.ZERO})
        case GrowthPrediction(side="both"):
            return AGAINST_THE_CLAIM | {Status.ZERO}
        case _:
            return AGAINST_THE_CLAIM


def with_logarithm(table: Table) -> Table:
    """The table with status `zero` where an `ok` value has no logarithm."""
    rows = tuple(
        tuple(
            Cell(cell.value, Status.ZERO) if cell.status is Status.OK and not (cell.value or 0.0) > 0 else cell
            for cell in row
        )
        for row in table.rows
    )
    return Table(table.parameter, table.points, rows)


def lost_at(table: Table, statuses: Set[Status], level: float) -> Lost | None:
    """The worst point of those where more than 5% of the trials have one of these statuses; None without any.

    The share decides where its exact interval, one-sided and at this level over all points together, lies above 5%: one
    draw of eight may be an accident.
    """
    worst: Lost | None = None
    for index, point in enumerate(table.points):
        counts, total = _counts(table, index)
        count = sum(counts[status] for status in statuses)
        if count <= MOST_CENSORED * total:
            continue
        kinds = " or ".join(status.value for status in Status if status in statuses and counts[status])
        words = f"{count} of {total} trials {kinds}{place(table.parameter, point)}"
        found = Lost(words, count, total, 1 - 2 * (1 - level) / len(table.points))
        if worst is None or (found.decides, found.count / total) > (worst.decides, worst.count / worst.trials):
            worst = found
    return worst


def usable(table: Table, *, least_mean: float, spared: Set[Status] = frozenset()) -> Usable:
    """The points with a logarithm at 95% of the trials in regime at least, and a mean of at least so much.

    Trials of a status that is spared are missing, up to half of a point's, and do not count against the point.
    """
    kept, left_out = [], []
    for index, point in enumerate(table.points):
        obstacle = _obstacle(table, index, least_mean, spared)
        if obstacle:
            left_out.append(f"{obstacle}{place(table.parameter, point)}")
        else:
            kept.append(index)
    points = tuple(table.points[index] for index in kept)
    rows = tuple(tuple(row[index] for index in kept) for row in table.rows)
    return Usable(Table(table.parameter, points, rows), tuple(left_out))


def is_constant(table: Table) -> bool:
    """Whether every value is the same number, up to rounding: then nothing was exercised."""
    values = [cell.value or 0.0 for row in table.rows for cell in row if cell.status is Status.OK]
    return not values or max(values) - min(values) <= ROUNDING * max(values)


def _counts(table: Table, index: int) -> tuple[Counter[Status], int]:
    """How often each status occurs among the trials in regime, and how many these are."""
    counts = Counter(row[index].status for row in table.rows if row[index].status is not Status.OUT_OF_REGIME)
    return counts, counts.total()


def _obstacle(table: Table, index: int, least_mean: float, spared: Set[Status]) -> str:
    counts, total = _counts(table, index)
    if total == 0:
        return "every trial out-of-regime"
    lost = total - counts[Status.OK]
    missing = sum(counts[status] for status in spared)
    if lost - missing > MOST_CENSORED * total or 2 * missing > total:
        kinds = " or ".join(status.value for status in Status if status is not Status.OK and counts[status])
        return f"{lost} of {total} {kinds}"
    if least_mean > 0:
        values = [row[index].value or 0.0 for row in table.rows if row[index].status in (Status.OK, Status.ZERO)]
        mean = sum(values) / len(values)
        if mean < least_mean:
            return f"a mean of {mean:.3g}, below {least_mean:g},"
    return ""
