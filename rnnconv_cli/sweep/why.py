"""Why a trial is not found in the store, in a few words: what is new of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from rnnconv_cli.records import Trial
from rnnconv_cli.sweep.conditions import differences
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.store import Store

MANY = 3  # fields that differ: beyond, a trial resembles none


def reasons(trials: Collection[Trial], store: Store, here: Conditions) -> dict[Trial, str]:
    """Return for each of these trials, which are not found under the conditions `here`, what is new of it."""
    elsewhere = store.conditions_of(trials)
    wanted, known = Counter(map(_setting, trials)), dict[str, Counter[Trial]]()
    found: dict[Trial, str] = {}
    by_setting: dict[Trial, str] = {}
    for trial in trials:
        if trial in elsewhere:
            found[trial] = _changes(elsewhere[trial], here)
            continue
        setting = _setting(trial)
        if setting not in by_setting:
            if trial.quantity not in known:
                known[trial.quantity] = Counter(map(_setting, store.kept_under(here, trial.quantity)))
            by_setting[setting] = _novelty(setting, wanted[setting], known[trial.quantity])
        found[trial] = by_setting[setting]
    return found


def _setting(trial: Trial) -> Trial:
    """The trial without its draw, in the form that the store gives it."""
    return replace(trial, replicate=0, preconditions=tuple(sorted(trial.preconditions)))


def _changes(before: Conditions, here: Conditions) -> str:
    """What the conditions differ in; nothing does where a trial has failed."""
    changed = differences(here, before)
    return ", ".join(change(name, then, now) for name, now, then in changed) or "failed before"


def change(name: str, then: str | None, now: str | None) -> str:
    """Return what became of a condition, in a few words."""
    kind, _, rest = name.partition(".")
    if kind == "sources":
        return f"source of {rest} changed"
    if name == "cpu_features":
        return "processor features changed"
    return f"{name} {then or 'none'} → {now or 'none'}"


def _novelty(setting: Trial, n_wanted: int, known: Mapping[Trial, int]) -> str:
    """What a setting has that those which are known have not."""
    if setting in known:
        return f"replicates {known[setting]} → {known[setting] + n_wanted}"
    numbers = _leaves(setting)
    nearest = min((_differing(numbers, _leaves(each)) for each in known), key=len, default=())
    if not 0 < len(nearest) <= MANY:
        return "never measured"
    return ", ".join(f"new {name} {_shown(numbers.get(name))}" for name in nearest)


def _leaves(trial: Trial) -> dict[str, Any]:
    """The fields of a trial and of its parts, by name."""
    return dict(_named(trial))


def _named(record: Any) -> Iterator[tuple[str, Any]]:
    for each in fields(record):
        value = getattr(record, each.name)
        if hasattr(value, "__dataclass_fields__"):
            yield from _named(value)
        else:
            yield each.name, value


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Sequence[str]:
    return [name for name in dict.fromkeys((*one, *other)) if one.get(name) != other.get(name)]


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
