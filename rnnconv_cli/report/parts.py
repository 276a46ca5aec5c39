"""A stored result taken apart: each part of the type it must have, or a TypeError that says which has not.

A result is a stranger's data: nothing in it is run, and every value is checked before it is used.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from reprlib import repr as shown
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.document import SCHEMA

HINT = "write one by `rnnconv verify --output results.json`"


def parsed(text: str, origin: str) -> Mapping[str, Any]:
    """The JSON document in a text. Raises UsageError where it is none, or none of the schema of results."""
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise UsageError(f"no JSON in {origin}", "a stored result", HINT) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise UsageError(f"another document in {origin}", f"a result of the schema {SCHEMA}", HINT)
    return found


@contextmanager
def undamaged(origin: str) -> Iterator[None]:
    """Raise UsageError where the block finds a part missing, or not what it must be."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"a damaged result in {origin} ({error})", "one as it was written", HINT) from None


def word(part: Mapping[str, Any], key: str) -> str:
    """The text under a key."""
    if not isinstance(part[key], str):
        raise TypeError(f"{key} is no text")
    return str(part[key])


def section(part: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The mapping under a key."""
    if not isinstance(part[key], dict):
        raise TypeError(f"{key} is no mapping")
    return dict(part[key])


def items(part: Mapping[str, Any], key: str) -> list[Any]:
    """The list under a key."""
    if not isinstance(part[key], list):
        raise TypeError(f"{key} is no list")
    return list(part[key])


def number(value: object) -> float:
    """A value that is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{shown(value)} is no finite number")
    return float(value)


def whole(value: object) -> int:
    """A value that is a whole number, written as one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{shown(value)} is no whole number")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
