"""Trials of a checked result, chosen at random and measured again."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, ResourceError
from rnnconv_cli.records import Observation, Reading, Report, Trial
from rnnconv_cli.report.reading.stored_trial import as_stored
from rnnconv_cli.sweep.progress import Progress
from rnnconv_cli.sweep.replay import Replay, changes, compared, measure_again, refuse_impossible
from rnnconv_cli.sweep.serial import key_of
from rnnconv_cli.sweep.trial import label


@dataclass(frozen=True, slots=True)
class Rerun:
    """A trial that was measured again, with its comparison in every place that has it; or why it was not."""

    key: str
    label: str
    places: tuple[str, ...]
    replays: tuple[Replay, ...]
    problem: str = ""

    @property
    def exit_status(self) -> int:
        """0 where the readings are as they must be, 3 where not, 5 where there are none."""
        return EXIT_COULD_NOT_MEASURE if self.problem else max(each.exit_status for each in self.replays)

    @property
    def is_confirmed(self) -> bool:
        """Whether all bits are the same, wherever the result has it."""
        return bool(self.replays) and all(each.is_same for each in self.replays)


def distinct_trials(report: Report) -> tuple[Trial, ...]:
    """The trials of a result, each once, in its order."""
    return tuple(dict.fromkeys(each.trial for _, each in _observations(report)))


def chosen(trials: Sequence[Trial], count: int, seed: int) -> tuple[Trial, ...]:
    """As many trials at random, without any twice: the same for one seed."""
    return tuple(random.Random(seed).sample(trials, min(count, len(trials))))


def measured_again(report: Report, trials: Sequence[Trial], origin: str, progress: Progress) -> Iterator[Rerun]:
    """Measure trials of a result, one after the other, and compare them with what it has of them.

    Raises UsageError for a trial that no claim could ask for.
    """
    stored: dict[Trial, dict[str, list[Observation]]] = {trial: defaultdict(list) for trial in trials}
    for place, each in _observations(report):
        if each.trial in stored:
            stored[each.trial][place].append(each)
    differ = changes(dict(report.environment.facts), report.backend)
    for trial in trials:
        refuse_impossible(trial, report.backend, origin)
        places = tuple(stored[trial])
        try:
            now = tuple(map(as_stored, measure_again(trial, report.backend, progress)))
        except ResourceError as error:
            yield Rerun(key_of(trial), label(trial), places, (), str(error))
            continue
        runs = [run for rows in stored[trial].values() for run in _runs(rows, len(now))]
        replays = tuple(Replay(compared(run, now, trial.quantity), differ) for run in runs)
        yield Rerun(key_of(trial), label(trial), places, replays)


def _observations(report: Report) -> Iterator[tuple[str, Observation]]:
    for claim in report.claims:
        for check in claim.checks:
            for each in check.observations:
                yield f"{claim.id}/{check.id}, {each.arm}", each


def _runs(rows: Sequence[Observation], length: int) -> Iterator[tuple[Reading, ...]]:
    """The readings of each time that a place has a trial: an arm may have it at several points, with one curve."""
    curve = next((each.curve for each in rows if each.curve), ())
    for first in range(0, len(rows), length):
        run = enumerate(rows[first : first + length])
        yield tuple(
            Reading(each.value, each.status, each.point, () if position else curve, each.detail)
            for position, each in run
        )
