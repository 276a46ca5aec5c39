from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rnnconv_cli.judge.envelope import envelope, table, worst_adversary
from rnnconv_cli.records import Cell, Observation, Status

if TYPE_CHECKING:
    from tests.conftest import Synthetic

OK, ZERO, DIVERGED, FAILED = Status.OK, Status.ZERO, Status.DIVERGED, Status.FAILED
OUT = Status.OUT_OF_REGIME
POINTS = (64.0, 128.0)


def _two(
    synthetic: Synthetic, first: float | Status, second: float | Status, names: tuple[str, str] = ("gaussian", "kinks")
) -> list[Observation]:
    return [
        each
        for name, entry in zip(names, (first, second), strict=True)
        for each in synthetic.observations((64.0,), [[entry]], adversary=name)
    ]


@pytest.mark.parametrize(
    ("first", "second", "largest", "smallest"),
    [
        (1.0, 2.0, Cell(2.0, OK), Cell(1.0, OK)),
        (1.0, ZERO, Cell(1.0, OK), Cell(0.0, ZERO)),
        (ZERO, ZERO, Cell(0.0, ZERO), Cell(0.0, ZERO)),
        (1.0, DIVERGED, Cell(None, DIVERGED), Cell(1.0, OK)),
        (DIVERGED, DIVERGED, Cell(None, DIVERGED), Cell(None, DIVERGED)),
        (1.0, FAILED, Cell(None, FAILED), Cell(None, FAILED)),
        (DIVERGED, FAILED, Cell(None, DIVERGED), Cell(None, FAILED)),
        (1.0, OUT, Cell(1.0, OK), Cell(1.0, OK)),
        (OUT, OUT, Cell(None, OUT), Cell(None, OUT)),
    ],
)
def test_the_worst_adversary_counts(
    first: float | Status, second: float | Status, largest: Cell, smallest: Cell, synthetic: Synthetic
) -> None:
    for one, other in ((first, second), (second, first)):
        observations = _two(synthetic, one, other)
        assert table(observations, "width", smallest=False).rows == ((largest,),)
        assert table(observations, "width", smallest=True).rows == ((smallest,),)


def test_rows_are_replicates_and_columns_ascending_points(synthetic: Synthetic) -> None:
    observations = synthetic.observations((128.0, 64.0), [[1.0, 2.0], [3.0, 4.0]])
    found = table(observations, "width", smallest=False)
    assert found.points == (64.0, 128.0)
    assert [[cell.value for cell in row] for row in found.rows] == [[2.0, 1.0], [4.0, 3.0]]


def test_a_trial_that_is_not_there_is_not_used(synthetic: Synthetic) -> None:
    observations = synthetic.observations(POINTS, [[1.0, 2.0], [3.0, 4.0]])[:-1]
    assert table(observations, "width", smallest=False).rows[1][1] == Cell(None, OUT)


def test_widths_of_a_frontier_are_kept_apart(synthetic: Synthetic) -> None:
    observations = [
        each for width in (32, 64) for each in synthetic.observations((4.0,), [[float(width)]], width=width)
    ]
    assert envelope(observations, smallest=False) == (
        ((4.0, 32, 0), Cell(32.0, OK)),
        ((4.0, 64, 0), Cell(64.0, OK)),
    )


def test_the_adversary_that_is_most_often_worst_is_named_with_its_margin(synthetic: Synthetic) -> None:
    observations = [
        *synthetic.observations(POINTS, [[1.0, 1.0], [1.0, 9.0]], adversary="gaussian"),
        *synthetic.observations(POINTS, [[2.0, 3.0], [4.0, 4.0]], adversary="kinks"),
    ]
    assert worst_adversary(observations, smallest=False) == "kinks (2.5x gaussian)"
    assert worst_adversary(observations, smallest=True) == "gaussian"


@pytest.mark.parametrize(
    ("first", "second", "names", "named"),
    [
        (1.0, DIVERGED, ("gaussian", "kinks"), "kinks"),
        (9.0, FAILED, ("rows", "kinks"), "rows"),
        (ZERO, 1.0, ("gaussian", "kinks"), "kinks"),
        (1.0, 2.0, ("rows", "kinks"), "kinks"),
        (OUT, OUT, ("rows", "kinks"), None),
    ],
)
def test_an_adversary_without_a_margin_stands_alone(
    first: float | Status, second: float | Status, names: tuple[str, str], named: str | None, synthetic: Synthetic
) -> None:
    assert worst_adversary(_two(synthetic, first, second, names), smallest=False) == named


def test_without_adversaries_there_is_no_worst(synthetic: Synthetic) -> None:
    assert worst_adversary(synthetic.observations(POINTS, [[1.0, 2.0]]), smallest=False) is None
