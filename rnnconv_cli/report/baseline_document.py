"""Baseline ↔ JSON text: a few lines for each check, so that two baselines can be compared line by line.

A baseline is a stranger's data, and people write thresholds into it: every part is checked for its type, and a key
that is not known is refused, not passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rnnconv_cli.records import (
    LEAST_KEPT_LEVEL,
    MOST_DRAWS,
    Baseline,
    KeptArm,
    KeptCheck,
    KeptNumber,
    Revision,
    Verdict,
)
from rnnconv_cli.report.document import KINDS, Json
from rnnconv_cli.report.reading.parts import Form, items, number, parsed, section, undamaged, whole, word
from rnnconv_cli.report.reading.typed import made, maybe

SCHEMA = "rnnconv-baseline/1"
BASELINE = Form("baseline", SCHEMA, "write one by `rnnconv baseline write BASELINE RESULT`", key="schema_version")
MOST_REVISIONS = 50
HEAD = ("date", "tool_version", "profile", "seed", "backend", "threshold", "noise")
NEEDS_POSITIVE_POINTS = frozenset({"exponent", "growth", "frontier"})  # whose logarithms are taken


def as_text(baseline: Baseline) -> str:
    """The baseline as JSON in ASCII, numbers to their last bit; three lines for each check."""
    head: dict[str, Json] = {BASELINE.key: SCHEMA, **{name: getattr(baseline, name) for name in HEAD}}
    kept = baseline.history[-MOST_REVISIONS:]
    blocks = {
        "conditions": _block("{}", [f"{_line(name)}: {_line(fact)}" for name, fact in baseline.conditions]),
        "history": _block("[]", [_line(asdict(each)) for each in kept]),
        "claims": _block("{}", [f"{_line(name)}: {_line(digest)}" for name, digest in baseline.claims]),
        "checks": _block("{}", [_check(check) for check in baseline.checks]),
    }
    lines = [f"{_line(name)}: {_line(part)}" for name, part in head.items()]
    return _block("{}", [*lines, *(f"{_line(name)}: {block}" for name, block in blocks.items())]) + "\n"


def read_baseline(text: str, origin: str) -> Baseline:
    """The baseline in a text. Raises UsageError for anything that is none, or is not what it must be."""
    found = parsed(text, origin, BASELINE)
    with undamaged(origin, BASELINE):
        return _baseline(found)


def _block(brackets: str, parts: Sequence[str]) -> str:
    """Parts below each other."""
    return "\n".join((brackets[0], ",\n".join(parts), brackets[1])) if parts else brackets


def _check(check: KeptCheck) -> str:
    declared = {name: value for name in ("threshold", "noise") if (value := getattr(check, name)) is not None}
    head = _line({"verdict": check.verdict, **declared}).removesuffix("}")
    arms = f' "main": {_line(_arm(check.main))},\n "control": {_line(_arm(check.control))}}}'
    return f"{_line(f'{check.claim}/{check.id}')}: {head},\n{arms}"


def _arm(arm: KeptArm) -> Json:
    """What there is of an arm; points that are whole numbers as such."""
    points = [int(point) if point.is_integer() else point for point in arm.points]
    numbers = {each.name: _number(each) for each in arm.numbers}
    parts: dict[str, Json] = {**asdict(arm), "points": points, "numbers": numbers}
    return {name: part for name, part in parts.items() if part not in (None, [], {})}


def _number(kept: KeptNumber) -> Json:
    parts = {name: part for name, part in asdict(kept).items() if name != "name"}
    return {name: part for name, part in parts.items() if part is not None and part is not False}


def _line(part: Json) -> str:
    return json.dumps(part, allow_nan=False)


def _baseline(found: Mapping[str, Any]) -> Baseline:
    _closed(found, (*HEAD, BASELINE.key, "conditions", "history", "claims", "checks"), "the baseline")
    history, claims = items(found, "history"), section(found, "claims")
    conditions, checks = section(found, "conditions"), section(found, "checks")
    return Baseline(
        date=word(found, "date"),
        tool_version=word(found, "tool_version"),
        profile=word(found, "profile"),
        seed=whole(found["seed"]),
        backend=word(found, "backend"),
        conditions=tuple((name, word(conditions, name)) for name in conditions),
        claims=tuple((name, word(claims, name)) for name in claims),
        checks=tuple(_read_check(name, section(checks, name)) for name in checks),
        threshold=_not_negative(found, "threshold"),
        noise=_not_negative(found, "noise"),
        history=tuple(made(Revision, each) for each in history[-MOST_REVISIONS:]),
    )


def _read_check(name: str, check: Mapping[str, Any]) -> KeptCheck:
    claim, separator, own = name.partition("/")
    if not separator:
        raise ValueError(f"{name!r} is no claim/check")
    _closed(check, ("verdict", "threshold", "noise", "main", "control"), name)
    return KeptCheck(
        claim,
        own,
        Verdict(word(check, "verdict")),
        _read_arm(section(check, "main")),
        _read_arm(section(check, "control")),
        *(_not_negative(check, each) if each in check else None for each in ("threshold", "noise")),
    )


def _read_arm(arm: Mapping[str, Any]) -> KeptArm:
    """An arm; what it leaves out is none of what it may have."""
    arm = {"points": [], "level": None, "holds": None, "numbers": {}, "draws": 0, "left_out": 0, **arm}
    _closed(arm, (each.name for each in fields(KeptArm)), "an arm")
    kind, level, count = word(arm, "kind"), maybe(arm, "level"), whole(arm["count"])
    holds = None if arm["holds"] is None else whole(arm["holds"])
    points, numbers = tuple(map(number, items(arm, "points"))), section(arm, "numbers")
    if kind not in ("", *KINDS.values()):
        raise ValueError(f"{kind!r} is no kind of estimate")
    is_level = level is None or LEAST_KEPT_LEVEL <= level < 1
    if not is_level or not 0 <= count <= MOST_DRAWS or not 0 <= (holds or 0) <= count:
        raise ValueError(f"no estimate has level {level}, count {count} and holds {holds}")
    if kind in NEEDS_POSITIVE_POINTS and any(point <= 0 for point in points):
        raise ValueError(f"a point of an estimate of kind {kind} is not positive")
    read = tuple(_read_number(name, section(numbers, name)) for name in numbers)
    verdict, trials = Verdict(word(arm, "verdict")), word(arm, "trials")
    draws, left_out = whole(arm["draws"]), whole(arm["left_out"])
    if draws < 0 or left_out < 0:
        raise ValueError(f"an arm has {draws} draws and has left {left_out} out")
    return KeptArm(verdict, kind, points, level, count, holds, trials, read, draws, left_out)


def _read_number(name: str, kept: Mapping[str, Any]) -> KeptNumber:
    _closed(kept, ("value", "low", "high", "scatter", "by_ratio"), name)
    by_ratio = kept.get("by_ratio", False)
    if not isinstance(by_ratio, bool):
        raise TypeError("by_ratio is neither true nor false")
    known = {"value": None, "low": None, "high": None, "scatter": None, **kept}
    value, low, high, scatter = (maybe(known, each) for each in ("value", "low", "high", "scatter"))
    ends = [end for end in (low, value, high) if end is not None]
    if ends != sorted(ends) or (by_ratio and any(end < 0 for end in ends)):
        raise ValueError(f"{name} has an interval that no number has")
    return KeptNumber(name, value, low, high, scatter, by_ratio)


def _not_negative(part: Mapping[str, Any], key: str) -> float:
    found = number(part[key])
    if found < 0:
        raise ValueError(f"{key} is negative")
    return found


def _closed(part: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    if unknown := sorted(part.keys() - set(known)):
        raise ValueError(f"{where} has the unknown key {unknown[0]!r}")
