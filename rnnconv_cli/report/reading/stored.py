"""A stored result read back: what it says of each check, for tables that are made after the run.

A result is a stranger's data: everything that is read is checked for its type, nothing in it is run, and whatever a
table does not need is left unread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnnconv_cli.judge.words import out_of_reach
from rnnconv_cli.records import Verdict
from rnnconv_cli.report.layout import interval
from rnnconv_cli.report.reading.parts import items, number, parsed, section, undamaged, whole, word


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
    budget: float | None = None  # seconds that a plan was made for; None for the whole profile


def read(text: str, origin: str) -> StoredResult:
    """The result in a JSON document. Raises UsageError for anything that `rnnconv verify` does not write."""
    found = parsed(text, origin)
    with undamaged(origin):
        checks = [
            _check(word(claim, "id"), check) for claim in items(found, "claims") for check in items(claim, "checks")
        ]
        version = word(section(found, "tool"), "version")
        seed = whole(found["seed"])
        profile = word(found, "profile")
        budget = number(section(found, "plan")["seconds"]) if found.get("plan") is not None else None
    return StoredResult(version, profile, seed, {(each.claim, each.check): each for each in checks}, budget)


def _check(claim: str, check: Mapping[str, Any]) -> StoredCheck:
    slack = check["slack"]
    return StoredCheck(
        claim=claim,
        check=word(check, "id"),
        verdict=_verdict(check),
        expected=word(check, "expected"),
        predicted=word(section(check, "predicted"), "text"),
        measured=_measured(check["estimate"]),
        widths=_widths(check["estimate"]),
        slack=None if slack is None else number(slack),
        worst=check["worst_adversary"] if isinstance(check["worst_adversary"], str) else "",
        because=word(check, "because"),
        control=word(section(check, "control"), "verdict"),
        control_measured=_measured(section(check, "control")["estimate"]),
        beside={word(each, "id"): _shown(each) for each in items(check, "beside")},
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
        return f"{number(value):.3g} of {number(estimate.get('allowed')):.3g}"
    if value is None:
        return "m* = " + ", ".join(map(_width, items(estimate, "widths")))
    ends = (-math.inf if low is None else number(low), math.inf if high is None else number(high))
    return interval(number(value), *ends)


def _widths(estimate: object) -> str:
    """m* with its interval at each point; an end that is not finite is stored as null."""
    if not isinstance(estimate, dict) or estimate.get("kind") != "frontier":
        return ""
    columns = (items(estimate, name) for name in ("points", "widths", "widths_low", "widths_high"))
    return ", ".join(
        f"{_width(width)} [{_end(low)}, {_end(high)}] at {number(point):.4g}"
        for point, width, low, high in zip(*columns, strict=True)
    )


def _width(value: object) -> str:
    return out_of_reach(math.inf if value is None else number(value)) or _end(value)


def _end(value: object) -> str:
    return "inf" if value is None else f"{number(value):.3g}"


def _shown(exhibit: Mapping[str, Any]) -> float | None:
    value = section(exhibit, "price")["value"] if exhibit.get("price") is not None else exhibit["median"]
    return None if value is None else number(value)


def _verdict(check: Mapping[str, Any]) -> str:
    return str(Verdict(word(check, "verdict")))
