"""STORED TRIALS → ROWS: one for each reading, one column for each field, as csv, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import PerturbationSetting, ProbeSetting, ProblemSetting, Reading, TrainingSetting, Trial

Row = dict[str, Any]

SECTIONS = {
    "problem": ProblemSetting,
    "training": TrainingSetting,
    "perturbation": PerturbationSetting,
    "probe": ProbeSetting,
}
PLACE = ("key", "conditions", "stored_at")
ENDS = {"point": "float", "value": "float", "status": "str", "detail": "str"}
AT_A_TIME = 50_000  # rows that are put into columns together
FORMULA = tuple("=+-@\t\n\uff1d\uff0b\uff0d\uff20")  # a spreadsheet takes a text that begins so for a formula


def columns() -> dict[str, str]:
    """The columns and their types, the same for all trials: empty where a trial has no such field."""
    inner = {
        f"{section}.{each.name}": str(each.type) for section, record in SECTIONS.items() for each in fields(record)
    }
    return {
        **dict.fromkeys((*PLACE, "quantity"), "str"),
        **inner,
        "read_at": "list of int",
        "preconditions": "list of str",
        **dict.fromkeys(("replicate", "seed"), "int"),
        **ENDS,
    }


def rows(key: str, conditions: str, stored_at: str, trial: Trial, readings: Iterable[Reading]) -> Iterator[Row]:
    """One row for each reading of a trial."""
    named = dict(_named(trial))
    for each in readings:
        ends = {"point": each.point, "value": each.value, "status": each.status.value, "detail": each.detail}
        yield {"key": key, "conditions": conditions, "stored_at": stored_at, **named, **ends}


def as_csv(found: Iterable[Row]) -> bytes:
    """A csv file, its header first; a text that a spreadsheet would compute begins with an apostrophe."""
    page = io.StringIO()
    writer = csv.DictWriter(page, tuple(columns()), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: inert(joined(value)) for name, value in each.items()} for each in found)
    return page.getvalue().encode()


def as_json_lines(found: Iterable[Row]) -> bytes:
    """One JSON object in each line, with every column; null for what a trial has not, or what is not finite."""
    names = tuple(columns())
    lines = (json.dumps({name: _finite(joined(each.get(name))) for name in names}, allow_nan=False) for each in found)
    return "".join(f"{line}\n" for line in lines).encode()


def as_parquet(found: Iterable[Row]) -> bytes:
    """A Parquet file, every column of its own type; null where a trial has no such field."""
    import pyarrow
    from pyarrow import parquet

    types = {"int": pyarrow.int64(), "float": pyarrow.float64(), "str": pyarrow.string()}
    types |= {f"list of {name}": pyarrow.list_(inner) for name, inner in types.items()}
    schema = pyarrow.schema([(name, types[kind.removesuffix(" | None")]) for name, kind in columns().items()])
    page, every = io.BytesIO(), iter(found)
    with parquet.ParquetWriter(page, schema) as writer:
        while some := list(islice(every, AT_A_TIME)):
            writer.write_table(pyarrow.Table.from_pylist(some, schema=schema))
    return page.getvalue()


def require_pyarrow() -> None:
    """Raises UsageError where pyarrow is not installed."""
    found = find_spec("pyarrow")
    if found is None or found.origin is None:
        hint = "try pip install '.[parquet]' in a clone"
        raise UsageError("--format parquet without pyarrow", "pyarrow to be installed", hint)


def joined(value: Any) -> Any:
    """A value as one cell: the members of a list with blanks between them."""
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def inert(value: Any) -> Any:
    """A cell that no spreadsheet computes; a carriage return, which csv does not quote everywhere, as its escape."""
    if not isinstance(value, str):
        return value
    text = value.replace("\r", "\\r")
    return f"'{text}" if text.startswith(FORMULA) else text


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _named(trial: Trial) -> Iterator[tuple[str, Any]]:
    for each in fields(trial):
        value = getattr(trial, each.name)
        if is_dataclass(value):
            yield from ((f"{each.name}.{inner.name}", getattr(value, inner.name)) for inner in fields(value))
        elif each.name not in SECTIONS:
            yield each.name, value
