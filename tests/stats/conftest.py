"""Tables of values without networks behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from rnnconv_cli.records import Cell, Status, Table

Rows = Sequence[Sequence[float | Status]]


def _table(points: Sequence[float], rows: Rows) -> Table:
    return Table("width", tuple(points), tuple(tuple(_cell(entry) for entry in row) for row in rows))


def _cell(entry: float | Status) -> Cell:
    return Cell(None, entry) if isinstance(entry, Status) else Cell(float(entry), Status.OK)


@pytest.fixture
def table() -> Callable[[Sequence[float], Rows], Table]:
    """Values, or statuses that stand in for them, as replicates times points."""
    return _table
