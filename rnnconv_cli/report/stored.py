"""A stored result read back: what it says of each check, for tables that are made after the run.

A result is a stranger's data: everything that is read is checked for its type, nothing in it is run, and whatever a
table does not need is left unread.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Verdict
from rnnconv_cli.report.document import SCHEMA
from rnnconv_cli.report.layout import interval, quantity

HINT = "write one by `rnnconv verify --output results.json`"


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """What a result says of one check, in words and numbers."""

    claim: str
    check: str
    verdict: str
    expected: str
    predicted: str
    measured: str
    widths: str  # m* at each point of a frontier; empty for any other kind
    slack: float | None
    worst: str  # the adversary that won, and its margin; empty without adversaries
    because: str
    control: str  # the control's verdict
    control_measured: str
    beside: Mapping[
        str, float | None
    ]  # the median of each exhibit; beside a frontier, its m* in units of the exhibit's


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The checks of a result, by (claim id, check id), and how it came about."""

    version: str
    profile: str
    seed: int
    checks: Mapping[tuple[str, str], StoredCheck]


def read(text: str, origin: str) -> StoredResult:
    """The result in a JSON document. Raises UsageError for anything that `rnnconv verify` does not write."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"no JSON in {origin}", "a stored result", HINT) from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise UsageError(f"another document in {origin}", f"a result of the schema {SCHEMA}", HINT)
    try:
        checks = [
            _check(_text(claim, "id"), check) for claim in _list(found, "claims") for check in _list(claim, "checks")
        ]
        version = _text(_part(found, "tool"), "version")
        seed = found["seed"]
        profile = _text(found, "profile")
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"a damaged result in {origin} ({error})", "one as it was written", HINT) from None
    if not isinstance(seed, int):
        raise UsageError(f"the seed {seed!r} in {origin}", "a whole number", HINT)
    return StoredResult(version, profile, seed, {(each.claim, each.check): each for each in checks})


def _check(claim: str, check: Mapping[str, Any]) -> StoredCheck:
    slack = check["slack"]
    return StoredCheck(
        claim=claim,
        check=_text(check, "id"),
        verdict=_verdict(check),
        expected=_text(check, "expected"),
        predicted=_text(_part(check, "predicted"), "text"),
        measured=_measured(check["estimate"]),
        widths=_widths(check["estimate"]),
        slack=None if slack is None else _number(slack),
        worst=check["worst_adversary"] if isinstance(check["worst_adversary"], str) else "",
        because=_text(check, "because"),
        control=_text(_part(check, "control"), "verdict"),
        control_measured=_measured(_part(check, "control")["estimate"]),
        beside={_text(each, "id"): _shown(each) for each in _list(check, "beside")},
    )


def _measured(estimate: object) -> str:
    """The estimate in a few words: a number with its interval, or the widths of a frontier."""
    if estimate is None:
        return "nothing"
    if not isinstance(estimate, dict):
        raise TypeError("an estimate is no mapping")
    value, low, high = (estimate.get(name) for name in ("value", "low", "high"))
    if estimate.get("kind") == "identity-error":
        if value is None:  # what is not finite is stored as null
            return "not finite"
        return f"{_number(value):.3g} of {_number(estimate.get('allowed')):.3g}"
    if value is None:
        widths = [each if each is None else _number(each) for each in _list(estimate, "widths")]
        return "m* = " + ", ".join("out of reach" if each is None else quantity(each) for each in widths)
    ends = (-math.inf if low is None else _number(low), math.inf if high is None else _number(high))
    return interval(_number(value), *ends)


def _widths(estimate: object) -> str:
    """m* with its interval at each point; an end that is not finite is stored as null."""
    if not isinstance(estimate, dict) or estimate.get("kind") != "frontier":
        return ""
    columns = (_list(estimate, name) for name in ("points", "widths", "widths_low", "widths_high"))
    return ", ".join(
        f"{_width(width)} [{_width(low)}, {_width(high)}] at {_number(point):.4g}"
        for point, width, low, high in zip(*columns, strict=True)
    )


def _width(value: object) -> str:
    return "out of reach" if value is None else f"{_number(value):.3g}"


def _shown(exhibit: Mapping[str, Any]) -> float | None:
    value = _part(exhibit, "price")["value"] if exhibit.get("price") is not None else exhibit["median"]
    return None if value is None else _number(value)


def _text(part: Mapping[str, Any], key: str) -> str:
    if not isinstance(part[key], str):
        raise TypeError(f"{key} is no text")
    return str(part[key])


def _part(part: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if not isinstance(part[key], dict):
        raise TypeError(f"{key} is no mapping")
    return dict(part[key])


def _list(part: Mapping[str, Any], key: str) -> list[Any]:
    if not isinstance(part[key], list):
        raise TypeError(f"{key} is no list")
    return list(part[key])


def _verdict(check: Mapping[str, Any]) -> str:
    return str(Verdict(_text(check, "verdict")))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is no finite number")
    return float(value)
