"""STORED TRIALS → TEXT: one row for each reading, one column for each field, in csv or JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from rnnconv_cli.records import PerturbationSetting, ProbeSetting, ProblemSetting, Reading, TrainingSetting, Trial

Row = dict[str, Any]

SECTIONS = {
    "problem": ProblemSetting,
    "training": TrainingSetting,
    "perturbation": PerturbationSetting,
    "probe": ProbeSetting,
}
PLACE = ("key", "conditions", "stored_at")
ENDS = ("point", "value", "status", "detail")


def columns() -> tuple[str, ...]:
    """The columns, the same for all trials: empty where a trial has no such field."""
    inner = [f"{section}.{each.name}" for section, record in SECTIONS.items() for each in fields(record)]
    return (*PLACE, "quantity", *inner, "read_at", "preconditions", "replicate", "seed", *ENDS)


def rows(key: str, conditions: str, stored_at: str, trial: Trial, readings: Iterable[Reading]) -> Iterator[Row]:
    """One row for each reading of a trial."""
    named = dict(_named(trial))
    for each in readings:
        ends = {"point": each.point, "value": each.value, "status": each.status.value, "detail": each.detail}
        yield {"key": key, "conditions": conditions, "stored_at": stored_at, **named, **ends}


def as_csv(found: Iterable[Row]) -> Iterator[str]:
    """Lines of a csv file, its header first."""
    page = io.StringIO()
    writer = csv.DictWriter(page, columns(), lineterminator="\n")
    writer.writeheader()
    for each in found:
        yield page.getvalue()
        page.seek(0)
        page.truncate()
        writer.writerow(each)
    yield page.getvalue()


def as_json_lines(found: Iterable[Row]) -> Iterator[str]:
    """One JSON object in each line, with every column; null where a trial has no such field."""
    for each in found:
        yield json.dumps({name: each.get(name) for name in columns()}, allow_nan=False) + "\n"


def _named(trial: Trial) -> Iterator[tuple[str, Any]]:
    for each in fields(trial):
        value = getattr(trial, each.name)
        if is_dataclass(value):
            yield from ((f"{each.name}.{inner.name}", getattr(value, inner.name)) for inner in fields(value))
        elif isinstance(value, tuple):
            yield each.name, " ".join(map(str, value))
        elif each.name not in SECTIONS:
            yield each.name, value
