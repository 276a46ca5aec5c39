"""One trial of a stored result, put together again from what its arm shares and what its own rows say.

The key proves the reconstruction: it is the hash of every number that the trial depends on.
"""

from __future__ import annotations

import math
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import LARGEST_NUMBER, Reading, Status, Trial
from rnnconv_cli.report.document import stored_value
from rnnconv_cli.report.reading.parts import items, number, parsed, section, undamaged, whole, word
from rnnconv_cli.report.reading.stored_rows import Curve, Facts, Trials, curves_of, facts_of
from rnnconv_cli.sweep.serial import KEY_DIGITS, digest_of

SHOWN, LIKE = 3, 3  # keys in a message; their first digits that are looked at for it
SAME_POINT = 1e-12  # relative: tau0 has been divided by sqrt(m)
EDITED = "the file was changed after it was written: measure again with `rnnconv verify`"
OLDER = "it comes from an older rnnconv: measure again with `rnnconv verify`"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a result has of the trial in one arm of one check: all that one run of it gave, in order."""

    place: str  # claim/check, and the arm
    readings: tuple[Reading, ...]  # as a result has them; the first has the run's loss curve


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """A trial that a result has readings of, and what they were measured under."""

    digest: str  # of the trial, in hexadecimal digits
    trial: Trial
    backend: str
    measured: tuple[Measured, ...]  # once for every place that has it
    environment: Facts


@dataclass(frozen=True, slots=True)
class _Row:
    """An observation, and where it stands."""

    key: str
    place: str
    trials: Trials  # of its check
    values: Mapping[str, Any]
    curve: Curve  # of its trial, where that is a run


def as_stored(reading: Reading) -> Reading:
    """A reading with the numbers that a result would have of it."""
    curve = tuple((step, loss if abs(loss) <= LARGEST_NUMBER else math.inf) for step, loss in reading.curve)
    return replace(reading, value=stored_value(reading.value, reading.status), curve=curve)


def read_trial(text: str, origin: str, key: str) -> StoredTrial:
    """The trial whose key begins with `key`, in a JSON document.

    Raises UsageError for anything that `rnnconv verify` does not write, and where no trial, or more than one, has such
    a key, or its numbers are not those of its key.
    """
    wanted = key.lower()
    if not wanted or set(wanted) - set(string.hexdigits):
        raise UsageError(f"the key {key!r}", "hexadecimal digits", "each observation of a result has its trial's key")
    found = parsed(text, origin)
    with undamaged(origin):
        seed = whole(found["seed"])
        every = tuple(_rows(found, seed, origin))
        backend = word(found, "backend")
        environment = facts_of(section(found, "environment"))
    key = _chosen(tuple(dict.fromkeys(row.key for row in every)), wanted, origin)
    with undamaged(origin):
        rows = [(row, row.trials.of(row.values)) for row in every if row.key == key]
        trials = {digest_of(trial).hex(): trial for _, trial in rows}
    for digest in trials:
        if not digest.startswith(key):
            found_key = f"the key {key} of a trial whose numbers give {digest[:KEY_DIGITS]} in {origin}"
            raise UsageError(found_key, "its own", EDITED)
    digest = _chosen(tuple(trials), wanted, origin)
    trial = trials[digest]
    with undamaged(origin):
        named = [row for row, each in rows if digest_of(each).hex() == digest]
        measured = tuple(_measured(named, len(trial.read_at) or 1))
    points = tuple(_points_of(trial))
    for point in () if trial.read_at else (reading.point for each in measured for reading in each.readings):
        if point is not None and not any(math.isclose(point, each, rel_tol=SAME_POINT) for each in points):
            raise UsageError(f"the point {point:g} in {origin}, which is no number of trial {key}", "its own", EDITED)
    return StoredTrial(digest, trial, backend, measured, environment)


def _points_of(trial: Trial) -> Iterator[float]:
    """Where a trial that is read once may stand: at 1, or at a number of its own that a sweep can vary."""
    yield 1.0
    for part in (trial.problem, trial.perturbation, trial.probe):
        values = () if part is None else asdict(part).values()
        yield from (float(value) for value in values if isinstance(value, int | float))
    if trial.perturbation is not None:
        yield trial.perturbation.size * math.sqrt(trial.problem.width)  # tau0


def _rows(found: Mapping[str, Any], seed: int, origin: str) -> Iterator[_Row]:
    for claim in items(found, "claims"):
        for check in items(claim, "checks"):
            trials, name = Trials(section(check, "arms"), seed), f"{word(claim, 'id')}/{word(check, 'id')}"
            curves = curves_of(check)
            for row in items(check, "observations"):
                arm = word(row, "arm")
                if "trial" not in row:
                    raise UsageError(f"an observation without its trial's key in {origin}", "each with one", OLDER)
                key = word(row, "trial")
                yield _Row(key, f"{name}, {arm}", trials, row, curves.get((arm, key), ()))


def _chosen(known: Sequence[str], wanted: str, origin: str) -> str:
    """The one known key that begins with what is wanted, or is the beginning of it."""
    found = [key for key in known if key.startswith(wanted) or wanted.startswith(key)]
    if len(found) > 1:
        hint = f"say more of it: {_some(found)}"
        raise UsageError(f"{len(found)} trials with a key that begins with {wanted!r} in {origin}", "one", hint)
    if not found:
        like = [key for key in known if key[:LIKE] == wanted[:LIKE]] or known
        hint = f"its keys are {_some(like)}" if known else "it has none"
        raise UsageError(f"no trial with a key that begins with {wanted!r} in {origin}", "one", hint)
    return found[0]


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more


def _measured(rows: Sequence[_Row], length: int) -> Iterator[Measured]:
    """What each place has, each run of `length` readings for itself."""
    by_place: dict[str, list[Reading]] = defaultdict(list)
    curves = {row.place: row.curve for row in rows}
    for row in rows:
        by_place[row.place].append(_reading(row.values))
    for place, readings in by_place.items():
        if len(readings) % length:
            raise ValueError(f"{len(readings)} readings of one trial in {place}, not {length}")
        for first in range(0, len(readings), length):
            head, *others = readings[first : first + length]
            yield Measured(place, (replace(head, curve=curves[place]), *others))


def _reading(row: Mapping[str, Any]) -> Reading:
    value = None if row["value"] is None else number(row["value"])
    status = Status(word(row, "status"))
    if value is None and status is Status.OK:
        raise ValueError("a value that is ok and null")
    return Reading(value, status, number(row["point"]), detail=word(row, "detail"))
