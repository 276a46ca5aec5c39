"""A stored document taken apart: each part of the type it must have, or a TypeError that says which has not.

A document is a stranger's data: nothing in it is run, and every value is checked before it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from reprlib import repr as shown
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import LARGEST_NUMBER
from rnnconv_cli.report.document import SCHEMA


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of document: its name, the schema it has under a key, and how one is made."""

    name: str
    schema: str
    hint: str
    key: str = "schema"


MOST_PARTS = 2**23  # lists and mappings of a document, each of a hundred bytes or more: eight times those of a full run
MOST_VALUES = 2**26  # commas of it, and so numbers and texts: three times those of a full run
LONGEST_REASON = 200  # characters
CLAIM_FILES = (".yaml", ".yml")
ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)  # of claims, checks and exhibits, as claim files have them
LONGEST_ID = 64  # characters
KEY = re.compile(r"[0-9a-f]{12}", re.ASCII)  # of a trial
SCHEMA_KEYS = ("schema", "schema_version")
OUR_SCHEMA = re.compile(r"rnnconv-(?P<name>[a-z]+)/(?P<version>[1-9][0-9]{0,8})", re.ASCII)
STORED_RESULT = Form("result", SCHEMA, "write one by `rnnconv verify --output results.json`")


def parsed(text: str, origin: str, form: Form = STORED_RESULT) -> Mapping[str, Any]:
    """The JSON document in a text. Raises UsageError where it is none, one of another form, or of too many parts.

    They are counted before they are made: a text of brackets takes twenty times its size in memory.
    """
    if text.count("[") + text.count("{") > MOST_PARTS or text.count(",") > MOST_VALUES:
        raise UsageError(f"more parts than a document of ours has in {origin}", f"a {form.name}", form.hint)
    try:
        found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        is_claim = origin.endswith(CLAIM_FILES)
        what = f"the claim file {origin}" if is_claim else f"no strict JSON in {origin} ({_reason(error, text)})"
        raise UsageError(what, f"a {form.name}", form.hint) from None
    if not isinstance(found, dict) or found.get(form.key) != form.schema:
        raise _other(found, origin, form)
    return dict(found)


def _other(found: object, origin: str, form: Form) -> UsageError:
    """The refusal of a document of another form: which one it is, as far as it says so."""
    keys = [key for key in SCHEMA_KEYS if isinstance(found, dict) and found.get(key) is not None]
    schema = found[keys[0]] if isinstance(found, dict) and keys else None
    what = "a document of no schema" if schema is None else f"a document of the schema {shown(schema)}"
    hint = form.hint
    if isinstance(schema, str) and (ours := OUR_SCHEMA.fullmatch(schema)):
        what = f"a {ours['name']} ({schema})"
        wanted, _, version = form.schema.rpartition("/")
        if schema.startswith(f"{wanted}/") and int(ours["version"]) > int(version):
            what, hint = f"a newer {ours['name']} ({schema})", "read it with the version of rnnconv that wrote it"
    return UsageError(f"{what} in {origin}", f"a {form.name} ({form.schema})", hint)


@contextmanager
def undamaged(origin: str, form: Form = STORED_RESULT) -> Iterator[None]:
    """Raise UsageError where the block finds a part missing, or not what it must be."""
    try:
        yield
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        reason = f"nothing at {error}" if isinstance(error, KeyError) else str(error)
        found = f"a damaged {form.name} in {origin} ({_short(reason)})"
        raise UsageError(found, "one as it was written", form.hint) from None


def word(part: Mapping[str, Any], key: str) -> str:
    """The text under a key."""
    if not isinstance(part[key], str):
        raise TypeError(f"{key} is no text")
    return str(part[key])


def ident(part: Mapping[str, Any], key: str) -> str:
    """The id under a key: a word that stands in commands and in pages as it is, and does nothing there."""
    found = word(part, key)
    if len(found) > LONGEST_ID or not ID.fullmatch(found):
        wanted = f"small letters and digits, a letter first, with single hyphens between, at most {LONGEST_ID}"
        raise ValueError(f"{key} is {shown(found)}, wanted {wanted}")
    return found


def key_of_trial(part: Mapping[str, Any], key: str) -> str:
    """The key of a trial under a key."""
    found = word(part, key)
    if not KEY.fullmatch(found):
        raise ValueError(f"{key} is {shown(found)}, wanted the 12 hexadecimal digits of a trial's key")
    return found


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
    """A value that is a finite number, and so far below the largest that arithmetic on it stays finite."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST_NUMBER:
        raise TypeError(f"{shown(value)} is no finite number of at most {LARGEST_NUMBER:g}")
    return float(value)


def whole(value: object) -> int:
    """A value that is a whole number, written as one."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{shown(value)} is no whole number")
    return value


def _reason(error: Exception, text: str) -> str:
    if not text.strip():
        return "it is empty"
    if isinstance(error, json.JSONDecodeError):
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        return f"line {error.lineno}: {'it ends within the document' if is_cut else error.msg}"
    return "parts within parts without end" if isinstance(error, RecursionError) else _short(str(error))


def _short(reason: str) -> str:
    """What is wrong in a few words, whatever a stranger's words hold."""
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]}..."


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping; which value of a key that stands twice would hold is anybody's guess."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one mapping")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
