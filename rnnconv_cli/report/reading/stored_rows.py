"""The trials of a stored check, put together again from what an arm shares and what a row says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rnnconv_cli.records import PerturbationSetting, Place, ProbeSetting, ProblemSetting, TrainingSetting, Trial
from rnnconv_cli.report.document import IN_EVERY_ROW, PLACES
from rnnconv_cli.report.reading.parts import items, number, section, whole, word
from rnnconv_cli.report.reading.typed import made

Curve = tuple[tuple[int, float], ...]  # (step, loss over initial loss)
Facts = Mapping[str, str | int | float | bool | None]
Parts = tuple[ProblemSetting, TrainingSetting | None, PerturbationSetting | None, ProbeSetting | None]
OWN = (*sorted(IN_EVERY_ROW), "learning_rate", "size", "adversary")  # what a row says of its trial, with its probe


class Trials:
    """The trials of one check. Rows of equal numbers share their settings."""

    def __init__(self, arms: Mapping[str, Any], seed: int) -> None:
        """Take what the trials of each arm have in common, and the seed of the run."""
        self._seed = seed
        self._arms = {arm: _Shared(section(arms, arm)) for arm in arms}

    def of(self, row: Mapping[str, Any]) -> Trial:
        """The trial of a row. Raises KeyError, TypeError or ValueError where it is none."""
        return self._arms[word(row, "arm")].trial(row, self._seed)


class _Shared:
    """What the trials of one arm have in common."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._quantity = word(settings, "quantity")
        self._read_at = tuple(map(whole, items(settings, "read_at")))
        self._preconditions = tuple(word({"one": each}, "one") for each in items(settings, "preconditions"))
        self._known: dict[tuple[object, ...], Parts] = {}

    def trial(self, row: Mapping[str, Any], seed: int) -> Trial:
        probe = row["probe"] if row["probe"] is None else tuple(section(row, "probe").items())
        own = (*(row[name] for name in OWN), probe)
        known = (*own, *map(type, own), *(type(value) for _, value in probe or ()))
        parts = self._known.get(known)
        if parts is None:
            parts = self._known[known] = self._parts(row)
        return Trial(self._quantity, *parts, self._read_at, self._preconditions, whole(row["replicate"]), seed)

    def _parts(self, row: Mapping[str, Any]) -> Parts:
        shared = self._settings
        problem = made(ProblemSetting, {**section(shared, "problem"), **row})
        training = perturbation = probe = None
        if shared["training"] is not None:
            given = {**section(shared, "training"), "learning_rate": row["learning_rate"]}
            if given["batch_size"] is None:
                given["batch_size"] = problem.n_sequences
            training = made(TrainingSetting, given)
        if shared["around"] is not None:
            perturbation = made(PerturbationSetting, {**row, "around": shared["around"]})
        if row["probe"] is not None:
            probe = made(ProbeSetting, section(row, "probe"))
        return problem, training, perturbation, probe


def facts_of(environment: Mapping[str, Any]) -> Facts:
    """The facts of a stored environment. Raises TypeError where one is no word or number."""
    facts = {name: value for name, value in environment.items() if name != PLACES}
    for name, value in facts.items():
        if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not math.isfinite(value)):
            raise TypeError(f"the fact {name} is no word or number")
    return facts


def places_of(environment: Mapping[str, Any]) -> tuple[Place, ...]:
    """Where the claims and checks of a stored result are declared; none where it does not say. Raises TypeError."""
    return tuple(map(_place, items(environment, PLACES))) if PLACES in environment else ()


def _place(found: Mapping[str, Any]) -> Place:
    place = made(Place, found)
    if place.line < 1:
        raise ValueError(f"{place.line} is no line of a file")
    return place


def curves_of(check: Mapping[str, Any]) -> Mapping[tuple[str, str], Curve]:
    """The loss curves of a stored check, by their arms and trials; infinite where a loss is stored as null.

    Raises KeyError, TypeError or ValueError where there are none, or two of one run.
    """
    every = items(check, "curves")
    found = {(word(each, "arm"), word(each, "trial")): _curve(each) for each in every}
    if len(found) < len(every):
        raise ValueError("two loss curves of one run")
    return found


def _curve(curve: Mapping[str, Any]) -> Curve:
    losses = (math.inf if each is None else number(each) for each in items(curve, "values"))
    return tuple(zip(map(whole, items(curve, "steps")), losses, strict=True))
