"""An unquoted YAML word as a value: the number, truth value or text that its author meant, or a refusal.

YAML 1.1 reads `1e-3` as text, `no` as false, `010` as 8 and `1:30` as 90. Here numbers are written as in a paper, only
`true` and `false` are truth values, and a word whose reading depends on the YAML version is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MAX_DIGITS = 18  # every integer up to here is a 64-bit one
MAX_NUMBER_LENGTH = 64

Scalar = str | int | float | bool | None

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.?(nan|inf|infinity)", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9]*)?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a word is not read: what was wanted instead, and what to try."""

    wanted: str
    hint: str


def resolve(word: str) -> Scalar | Refusal:
    """The value of an unquoted word: null, true, false, a finite number, or the word itself as text."""
    if word in _NULL:
        return None
    if word in ("true", "false"):
        return word == "true"
    if word[0] not in "+-.0123456789nNiI":
        return word
    return _ambiguous(word) or _number(word)


def _ambiguous(word: str) -> Refusal | None:
    if _NOT_FINITE.fullmatch(word):
        return Refusal("a finite number", "put it in quotes if text is meant")
    if _LEADING_ZERO.fullmatch(word):
        return Refusal("a number without leading zeros", "YAML 1.1 reads it as octal; drop the zeros or quote it")
    if _OTHER_BASE.fullmatch(word):
        return Refusal("a decimal number", "write it in base ten or put it in quotes")
    if _UNDERSCORED.fullmatch(word):
        return Refusal("a number without underscores", "write the digits alone or put it in quotes")
    if _SEXAGESIMAL.fullmatch(word):
        return Refusal("a plain number", "YAML 1.1 reads colons as base sixty; put it in quotes if text is meant")
    return None


def _number(word: str) -> Scalar | Refusal:
    if _INTEGER.fullmatch(word):
        if len(word.lstrip("+-")) > MAX_DIGITS:
            return Refusal(f"an integer of at most {MAX_DIGITS} digits", "")
        return int(word)
    if not _FLOAT.fullmatch(word):
        return word
    if len(word) > MAX_NUMBER_LENGTH:
        return Refusal(f"a number of at most {MAX_NUMBER_LENGTH} characters", "")
    value = float(word)
    if not math.isfinite(value):
        return Refusal("a finite number", "it is beyond the largest float64")
    if value == 0.0 and re.search(r"[1-9]", re.split(r"[eE]", word)[0]):
        return Refusal("a number that float64 can hold", "it would become zero")
    return value
