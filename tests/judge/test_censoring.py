from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.judge.censoring import against, decided_by, is_constant, usable, with_logarithm
from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Status, Table

if TYPE_CHECKING:
    from tests.conftest import Synthetic

POINTS = (64.0, 128.0)


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


@pytest.mark.parametrize(("count", "decides"), [(0, False), (2, False), (3, True), (40, True)])
def test_more_than_five_percent_decide(count: int, decides: bool) -> None:
    found = decided_by(_table(_column(0, Status.OK), _column(count, Status.NOT_REACHED)), AGAINST_THE_CLAIM)
    assert found == (f"{count} of 40 trials not-reached at m = 128" if decides else None)


def test_the_worst_point_is_named() -> None:
    found = decided_by(_table(_column(5, Status.DIVERGED), _column(9, Status.NOT_REACHED)), AGAINST_THE_CLAIM)
    assert found == "9 of 40 trials not-reached at m = 128"


def test_trials_out_of_regime_are_not_counted() -> None:
    column = [*_column(1, Status.DIVERGED, 10), *[Status.OUT_OF_REGIME] * 30]
    assert decided_by(_table(column), AGAINST_THE_CLAIM) == "1 of 10 trials diverged at m = 64"


@pytest.mark.parametrize("status", [Status.ZERO, Status.ROUND_OFF, Status.FAILED, Status.DIVERGED])
@pytest.mark.parametrize(("count", "kept"), [(2, True), (3, False)])
def test_points_with_too_many_censored_trials_are_left_out(status: Status, count: int, kept: bool) -> None:
    found = usable(_table(_column(0, Status.OK), _column(count, status)), is_count=False)
    assert found.table.points == (POINTS if kept else POINTS[:1])
    assert found.left_out == (() if kept else (f"{count} of 40 {status.value} at m = 128",))


def test_a_point_wholly_out_of_regime_is_left_out() -> None:
    found = usable(_table(_column(40, Status.OUT_OF_REGIME), _column(0, Status.OK)), is_count=False)
    assert found.table.points == POINTS[1:]


@pytest.mark.parametrize(("mean", "kept"), [(19.9, False), (20.0, True)])
def test_a_count_needs_a_mean_of_twenty(mean: float, kept: bool) -> None:
    table = _table([mean - 5, mean + 5] * 4)
    assert bool(usable(table, is_count=True).table.points) is kept
    assert usable(table, is_count=False).table.points


def test_zero_counts_pull_the_mean_down() -> None:
    assert usable(_table([Status.ZERO, *[20.5] * 39]), is_count=True).table.points == ()


def test_values_without_a_logarithm_are_zeros() -> None:
    found = with_logarithm(_table([0.0, -1.0, 2.0, Status.DIVERGED]))
    assert [row[0].status for row in found.rows] == [Status.ZERO, Status.ZERO, Status.OK, Status.DIVERGED]


def test_one_number_everywhere_is_constant() -> None:
    assert is_constant(_table([2.0, 2.0], [2.0, Status.ZERO]))
    assert not is_constant(_table([2.0, 2.0], [2.0, 2.5]))
