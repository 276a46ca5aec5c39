from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scipy.stats import binom

from rnnconv_cli.judge.censoring import MOST_CENSORED, against, is_constant, lost_at, usable, with_logarithm
from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Status, Table

if TYPE_CHECKING:
    from tests.conftest import Synthetic

POINTS = tuple(64.0 * 2**k for k in range(7))


def _table(*columns: list[float | Status]) -> Table:
    cells = [
        [Cell(None, each) if isinstance(each, Status) else Cell(each, Status.OK) for each in column]
        for column in columns
    ]
    return Table("width", POINTS[: len(columns)], tuple(zip(*cells, strict=True)))


def _column(count: int, status: Status, trials: int = 40) -> list[float | Status]:
    return [status] * count + [30.0 + i for i in range(trials - count)]


@pytest.mark.parametrize(
    ("prediction", "statuses"),
    [
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, AGAINST_THE_CLAIM),
        ({"kind": "exponent", "side": "lower", "exponent": 1.0, "tolerance": 0.0}, {Status.ZERO}),
        ({"kind": "attainment", "exponent": 1.0, "tolerance": 0.1}, AGAINST_THE_CLAIM),
        ({"kind": "growth", "rate": 0.1, "side": "upper"}, AGAINST_THE_CLAIM),
        ({"kind": "growth", "rate": 0.1, "side": "lower"}, {Status.ZERO}),
        ({"kind": "growth", "rate": 0.1}, AGAINST_THE_CLAIM | {Status.ZERO}),
        ({"kind": "decay", "tolerance": 0.1}, AGAINST_THE_CLAIM),
    ],
)
def test_what_counts_against_a_bound_is_infinite_on_its_side(
    prediction: dict[str, Any], statuses: set[Status], synthetic: Synthetic
) -> None:
    assert against(synthetic.arm(**prediction).prediction) == statuses


@pytest.mark.parametrize(("count", "decides"), [(0, None), (2, None), (3, False), (5, False), (6, True), (40, True)])
def test_a_share_decides_where_it_is_above_five_percent_for_certain(count: int, decides: bool | None) -> None:
    found = lost_at(_table(_column(0, Status.OK), _column(count, Status.NOT_REACHED)), AGAINST_THE_CLAIM, 0.95)
    assert (found and found.decides) is decides
    assert found is None or found.words == f"{count} of 40 trials not-reached at m = 128"


@pytest.mark.parametrize("trials", [1, 5, 8, 20, 48])
@pytest.mark.parametrize("points", [1, 5, 7])
@pytest.mark.parametrize("level", [0.95, 0.995])
def test_a_share_of_five_percent_rarely_decides(trials: int, points: int, level: float) -> None:
    """Exactly, by the binomial law: at a true share of 5 % at every point, no more than the level allows."""
    others = [_column(0, Status.OK, trials)] * (points - 1)
    counts = range(trials + 1)
    tables = [_table(_column(count, Status.DIVERGED, trials), *others) for count in counts]
    decides = [(found := lost_at(table, AGAINST_THE_CLAIM, level)) is not None and found.decides for table in tables]
    error = sum(binom.pmf(count, trials, MOST_CENSORED) for count in counts if decides[count])
    assert 1 - (1 - error) ** points <= 1 - level
    assert trials == 1 or decides[-1]  # what always happens is soon beyond doubt


def test_the_worst_point_is_named() -> None:
    found = lost_at(_table(_column(5, Status.DIVERGED), _column(9, Status.NOT_REACHED)), AGAINST_THE_CLAIM, 0.95)
    assert found is not None
    assert found.words == "9 of 40 trials not-reached at m = 128"


def test_a_point_that_decides_comes_before_one_with_a_larger_share_of_few() -> None:
    few = [*_column(1, Status.DIVERGED, 1), *[Status.OUT_OF_REGIME] * 39]
    found = lost_at(_table(few, _column(20, Status.NOT_REACHED)), AGAINST_THE_CLAIM, 0.95)
    assert found is not None
    assert found.words == "20 of 40 trials not-reached at m = 128"


def test_trials_out_of_regime_are_not_counted() -> None:
    column = [*_column(1, Status.DIVERGED, 10), *[Status.OUT_OF_REGIME] * 30]
    found = lost_at(_table(column), AGAINST_THE_CLAIM, 0.95)
    assert found is not None
    assert found.words == "1 of 10 trials diverged at m = 64"


@pytest.mark.parametrize("status", [Status.ZERO, Status.ROUND_OFF, Status.FAILED, Status.DIVERGED])
@pytest.mark.parametrize(("count", "kept"), [(2, True), (3, False)])
def test_points_with_too_many_censored_trials_are_left_out(status: Status, count: int, kept: bool) -> None:
    found = usable(_table(_column(0, Status.OK), _column(count, status)), least_mean=0)
    assert found.table.points == POINTS[: 2 if kept else 1]
    assert found.left_out == (() if kept else (f"{count} of 40 {status.value} at m = 128",))


def test_a_point_wholly_out_of_regime_is_left_out() -> None:
    found = usable(_table(_column(40, Status.OUT_OF_REGIME), _column(0, Status.OK)), least_mean=0)
    assert found.table.points == POINTS[1:2]


@pytest.mark.parametrize(("mean", "kept"), [(19.9, False), (20.0, True)])
def test_a_count_needs_a_mean_of_twenty(mean: float, kept: bool) -> None:
    table = _table([mean - 5, mean + 5] * 4)
    assert bool(usable(table, least_mean=20).table.points) is kept
    assert usable(table, least_mean=0).table.points


def test_zero_counts_pull_the_mean_down() -> None:
    assert usable(_table([Status.ZERO, *[20.5] * 39]), least_mean=20).table.points == ()


def test_values_without_a_logarithm_are_zeros() -> None:
    found = with_logarithm(_table([0.0, -1.0, 2.0, Status.DIVERGED]))
    assert [row[0].status for row in found.rows] == [Status.ZERO, Status.ZERO, Status.OK, Status.DIVERGED]


def test_one_number_everywhere_is_constant() -> None:
    assert is_constant(_table([2.0, 2.0], [2.0, Status.ZERO]))
    assert is_constant(_table([1.0, 1.0], [1.0, 1.0 + 2.0**-52]))
    assert not is_constant(_table([2.0, 2.0], [2.0, 2.5]))
