"""Trials and readings as text, to their last bits, and the hashes that they are found and checked by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Any

from rnnconv_cli.records import (
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    Reading,
    Status,
    TrainingSetting,
    Trial,
)

SEPARATORS = (",", ":")
PARTS = 4096  # of trials, whose texts are remembered: thousands of trials share them
KEY_DIGITS = 12  # hexadecimal, of a digest: enough to tell the trials of a run apart


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a measured number depends on besides its trial: code, versions, processor, as named facts."""

    facts: tuple[tuple[str, str], ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the facts."""
        return hashlib.sha256(json.dumps(sorted(self.facts)).encode()).hexdigest()


def digest_of(trial: Trial) -> bytes:
    """Return the key of a trial: SHA-256 of what its numbers depend on besides the conditions."""
    return sha256(text_of_trial(trial))


def key_of(trial: Trial) -> str:
    """Return what people name a trial by: the first digits of its digest."""
    return digest_of(trial).hex()[:KEY_DIGITS]


def text_of_trial(trial: Trial) -> str:
    """Return a trial as JSON, the same for equal trials whatever the order of their preconditions."""
    parts = {
        "perturbation": _text_of_part(trial.perturbation),
        "preconditions": _text_of_names(trial.preconditions),
        "probe": _text_of_part(trial.probe),
        "problem": _text_of_part(trial.problem),
        "quantity": json.dumps(trial.quantity),
        "read_at": json.dumps(trial.read_at, separators=SEPARATORS),
        "replicate": str(trial.replicate),
        "seed": str(trial.seed),
        "training": _text_of_part(trial.training),
    }
    return "{" + ",".join(f'"{name}":{text}' for name, text in parts.items()) + "}"


@lru_cache(maxsize=PARTS)
def _text_of_part(part: ProblemSetting | TrainingSetting | PerturbationSetting | ProbeSetting | None) -> str:
    """Equal parts have one text: what is declared as a float is written as one, also where it is given whole."""
    if part is None:
        return "null"
    numbers = {each.name for each in fields(part) if str(each.type).startswith("float")}
    given = asdict(part).items()
    values = {name: float(value) if name in numbers and value is not None else value for name, value in given}
    return json.dumps(values, sort_keys=True, allow_nan=False, separators=SEPARATORS)


@lru_cache(maxsize=PARTS)
def _text_of_names(names: tuple[str, ...]) -> str:
    return json.dumps(sorted(names), separators=SEPARATORS)


def trial_from(text: str) -> Trial:
    """Return the trial of a text."""
    found: dict[str, Any] = json.loads(text)
    parts = {
        "problem": ProblemSetting,
        "training": TrainingSetting,
        "perturbation": PerturbationSetting,
        "probe": ProbeSetting,
    }
    for name, record in parts.items():
        if found[name] is not None:
            found[name] = record(**found[name])
    for name in ("read_at", "preconditions"):
        found[name] = tuple(found[name])
    return Trial(**found)


def text_of_readings(readings: Sequence[Reading]) -> str:
    """Return readings as JSON, every number to its last bit."""
    rows = [
        [
            _number(each.value),
            each.status.value,
            _number(each.point),
            [[step, _number(value)] for step, value in each.curve],
            each.detail,
        ]
        for each in readings
    ]
    return json.dumps(rows, allow_nan=False, separators=SEPARATORS)


def readings_from(text: str) -> tuple[Reading, ...]:
    """Return the readings of a text."""
    return tuple(
        Reading(
            _from_number(value),
            Status(status),
            _from_number(point),
            tuple((step, float(number)) for step, number in curve),
            detail,
        )
        for value, status, point, curve, detail in json.loads(text)
    )


def _number(value: float | None) -> float | str | None:
    """A number as JSON can hold it: what is not finite by its name."""
    return value if value is None or math.isfinite(value) else str(float(value))


def _from_number(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, str) else value


def sha256(text: str) -> bytes:
    """Return the hash of a text."""
    return hashlib.sha256(text.encode()).digest()


def checksum(conditions: str, trial: str, readings: str) -> bytes:
    """Return what a row is checked with: a short hash of the conditions' digest and of both texts."""
    return hashlib.blake2b("\0".join((conditions, trial, readings)).encode(), digest_size=16).digest()
