"""Stored trials in each format: the same columns, the same rows, the same bits."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import (
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    Reading,
    Status,
    TrainingSetting,
    Trial,
)
from rnnconv_cli.report import table_of_trials
from rnnconv_cli.report.table_of_trials import (
    FORMULA,
    Row,
    as_csv,
    as_json_lines,
    as_parquet,
    columns,
    joined,
    require_pyarrow,
    rows,
)

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 1.0, "absolute", 9, 1e-3, "loss")
BARE = Trial("movement", PROBLEM, None, None, None, (), (), 0, 2**63 - 1)
FULL = Trial(
    "steps-to-decades",
    PROBLEM,
    TRAINING,
    PerturbationSetting(1 / 3, "kinks", "initial"),
    ProbeSetting(rows=2.0),
    (1, 2),
    ("separation", "token-norms"),
    1,
    7,
)
DETAIL = 'a "b", c\n§ [red]'


@pytest.fixture
def found() -> list[Row]:
    readings = (
        Reading(0.1 + 0.2, point=1.0),
        Reading(-5e-324, point=2.0),
        Reading(math.inf, Status.DIVERGED, detail=DETAIL),
        Reading(None, Status.FAILED),
        Reading(3),
    )
    return [*rows("ab", "cd", "2026", BARE, readings), *rows("ef", "cd", "2026", FULL, readings)]


def _from_csv(text: bytes) -> list[Row]:
    """The rows of a csv file, each cell in the type of its column; an empty cell as None."""
    read: dict[str, Any] = {"int": int, "float": float, "str": str, "list of int": str, "list of str": str}
    kinds = {name: read[kind.removesuffix(" | None")] for name, kind in columns().items()}
    lines = csv.DictReader(io.StringIO(text.decode()))
    return [{name: kinds[name](cell) if cell else None for name, cell in line.items()} for line in lines]


def _from_parquet(content: bytes, folder: Path) -> list[Row]:
    path = folder / "trials.parquet"
    path.write_bytes(content)
    return parquet.read_table(path).to_pylist()


def _plain(row: Row) -> Row:
    """A row without what csv or JSON cannot tell apart: a list from its members, nothing from an empty text."""
    cells = {name: joined(tuple(value) if isinstance(value, list) else value) for name, value in row.items()}
    return {name: None if value in ("", math.inf) else value for name, value in cells.items()}


def test_all_formats_hold_the_same(found: list[Row], tmp_path: Path) -> None:
    in_csv = _from_csv(as_csv(found))
    in_lines = [json.loads(line) for line in as_json_lines(found).splitlines()]
    in_parquet = _from_parquet(as_parquet(found), tmp_path)
    assert [list(each[0]) for each in (in_csv, in_lines, in_parquet)] == [list(columns())] * 3
    plain = [[_plain(row) for row in each] for each in (in_csv, in_lines, in_parquet)]
    assert plain[0] == plain[1] == plain[2]
    assert [repr(float(row["value"])) for row in plain[0][:2]] == [repr(0.1 + 0.2), repr(-5e-324)]
    assert plain[2][2]["detail"] == DETAIL


def test_parquet_has_a_type_for_every_column(found: list[Row], tmp_path: Path) -> None:
    bare, *_, full = _from_parquet(as_parquet(found), tmp_path)
    types = {name: type(value) for name, value in full.items() if value is not None}
    assert (types["problem.width"], types["training.learning_rate"], types["status"]) == (int, float, str)
    assert (bare["seed"], bare["training.method"], bare["probe.rows"]) == (2**63 - 1, None, None)
    assert (full["read_at"], full["preconditions"]) == ([1, 2], ["separation", "token-norms"])
    assert (bare["read_at"], bare["preconditions"]) == ([], [])
    assert _from_parquet(as_parquet(found), tmp_path)[2]["value"] == math.inf


def test_parquet_is_written_in_parts_that_make_one_table(
    found: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = _from_parquet(as_parquet(found), tmp_path)
    monkeypatch.setattr(table_of_trials, "AT_A_TIME", 3)
    assert _from_parquet(as_parquet(iter(found)), tmp_path) == at_once


def test_nothing_stored_is_a_table_without_rows(tmp_path: Path) -> None:
    assert as_csv([]).decode().splitlines() == [",".join(columns())]
    assert as_json_lines([]) == b""
    assert _from_parquet(as_parquet([]), tmp_path) == []


@pytest.mark.parametrize("begin", FORMULA)
def test_a_spreadsheet_computes_no_text(begin: str) -> None:
    text = f"{begin}HYPERLINK(1)"
    (row,) = rows("ab", "cd", "2026", replace(BARE, quantity=text), [Reading(-1.5, detail=text)])
    (line,) = csv.DictReader(io.StringIO(as_csv([row]).decode(), newline=""))
    assert (line["quantity"], line["detail"], line["value"]) == (f"'{text}", f"'{text}", "-1.5")
    assert json.loads(as_json_lines([row]))["detail"] == text


def test_a_carriage_return_ends_no_row_of_csv() -> None:
    (row,) = rows("ab", "cd", "2026", BARE, [Reading(1.0, detail="a\r=b")])
    assert as_csv([row]).decode().splitlines()[1].endswith(",a\\r=b")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    require_pyarrow()
    monkeypatch.setattr(table_of_trials, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"found --format parquet without pyarrow, wanted .*'\.\[parquet\]'"):
        require_pyarrow()
