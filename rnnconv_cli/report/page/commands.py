"""The commands that measure a check again, whole or one trial of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnconv_cli.records import CONTROL, MAIN, CheckResult, Report, Status
from rnnconv_cli.report.reading.parts import CLAIM_FILES

MOST_FAILED = 5  # failed trials whose replay is shown
TAKEN_OVER = ("--set", "--replicates", "--backend")  # options of the run that decide which trials a check has


@dataclass(frozen=True, slots=True)
class Command:
    """A command to type, and what it is for."""

    label: str
    line: str


def commands(claim: str, check: CheckResult, report: Report, result: str) -> tuple[Command, ...]:
    """How to measure the check again, one trial of each arm, and each of the first trials that failed."""
    ran = _words_of(report)
    again = ["rnnconv", "verify", _named(claim, report, ran), "--check", check.id]
    again += ["--profile", report.profile, "--seed", str(report.seed), *_taken_over(ran)]
    return (Command("the whole check", shlex.join(again)), *_replays(check, result))


def _replays(check: CheckResult, result: str) -> Iterator[Command]:
    """Of the control, a trial that is not the claim's own as well."""
    ours = _keys(check, MAIN, Status.OK)
    shared = set(ours)
    theirs = [key for key in _keys(check, CONTROL, Status.OK) if key not in shared]
    for label, keys in (("one trial of the claim", ours), ("one trial of the control", theirs)):
        yield from (Command(label, _replay(result, key)) for key in keys[:1])
    failed = [key for arm in dict.fromkeys(each.arm for each in check.observations) for key in _keys(check, arm)]
    for key in failed[:MOST_FAILED]:
        yield Command("a trial that failed", _replay(result, key))


def _keys(check: CheckResult, arm: str, status: Status = Status.FAILED) -> list[str]:
    return list(dict.fromkeys(each.key for each in check.observations if each.arm == arm and each.status is status))


def _replay(result: str, key: str) -> str:
    return shlex.join(["rnnconv", "replay", _argument(result), "--trial", key])


def _named(claim: str, report: Report, ran: Sequence[str]) -> str:
    """How the run named the claim: by its file, where it was given one, else by its id."""
    declared = {_file_name(place.path) for place in report.places if place.claim == claim} or {f"{claim}.yaml"}
    files = (word for word in ran if word.endswith(CLAIM_FILES) and _file_name(word) in declared)
    return _argument(next(files, claim))


def _argument(word: str) -> str:
    """A file or a claim as no command takes it for an option."""
    return f"./{word}" if word.startswith("-") else word


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _taken_over(ran: Sequence[str]) -> Iterator[str]:
    """The options of the run that say which trials a check has, with their values."""
    for place, word in enumerate(ran):
        name, equals, _ = word.partition("=")
        if name in TAKEN_OVER:
            yield from [word] if equals else ran[place : place + 2]


def _words_of(report: Report) -> list[str]:
    """The run's command as words; none where it is not recorded, or is no command."""
    try:
        return shlex.split(str(dict(report.environment.facts).get("command") or ""))
    except ValueError:
        return []
