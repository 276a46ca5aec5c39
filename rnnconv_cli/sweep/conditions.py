"""What the numbers of a run depend on besides their trials: sources, versions, processor, BLAS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from numba.core import config

from rnnconv_cli.kernels.cache import fingerprint
from rnnconv_cli.sweep.machine import LIBRARIES, PACKAGE, blas_facts, processor_facts
from rnnconv_cli.sweep.serial import Conditions

SOURCES = ("problem", "adversary", "kernels", "measure")  # folders that a number is computed in
PREDICTIONS = ("measure/cost.py",)  # of time and memory: no number depends on them
CARRIED_OUT_BY = ("sweep/trial.py",)  # and the file that calls them
REL_TOLERANCE = 1e-6  # of a value: how far another kind of processor, or another version, may take most of them
ABS_TOLERANCE = 1.0  # of a value in rounding units, and of a count


def conditions(backend: str) -> Conditions:
    """Return the conditions of numbers that this process, or a worker of it, measures with a backend."""
    cores = tuple((name, str(value)) for name, value in blas_facts() if name.endswith(".core"))
    sources = tuple((f"sources.{name}", _hash(_sources(name))) for name in SOURCES)
    callers = tuple((f"sources.{name}", _hash((PACKAGE / name,))) for name in CARRIED_OUT_BY)
    return Conditions(
        (
            ("backend", backend),
            ("compiled", "no" if config.DISABLE_JIT else "yes"),
            *sources,
            *callers,
            *((name, version(name)) for name in LIBRARIES),
            *((name, str(value)) for name, value in processor_facts()),
            *cores,
        )
    )


def differences(ours: Conditions, theirs: Conditions) -> tuple[tuple[str, str | None, str | None], ...]:
    """Return the facts that differ: name, our value, theirs; None where it is not known."""
    here, there = dict(ours.facts), dict(theirs.facts)
    names = dict.fromkeys((*there, *here))
    return tuple((name, here.get(name), there.get(name)) for name in names if here.get(name) != there.get(name))


def differ_in_processors_only(ours: Conditions, theirs: Conditions) -> bool:
    """Whether these are conditions of one run, whose trials two machines may carry out."""
    return all(is_of_the_processor(name) for name, _, _ in differences(ours, theirs))


def processor_facts_of(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    """Return what may differ between two machines that carry out one run."""
    return tuple((name, value) for name, value in conditions.facts if is_of_the_processor(name))


def name_of_processor(facts: tuple[tuple[str, str], ...]) -> str:
    """Return a processor in a few words: its name, and the kernels that BLAS chose for it."""
    return ", ".join(dict.fromkeys(value for name, value in facts if name != "cpu_features"))


def is_of_the_processor(name: str) -> bool:
    """Whether a fact may differ between two machines that carry out one run."""
    return name in ("cpu", "cpu_features") or name.endswith(".core")


def recorded(environment: Mapping[str, object], like: Conditions) -> Conditions:
    """Return the conditions among the facts of a result's environment: what `like` names, and others of the kind."""
    named = {name for name, _ in like.facts}
    kinds = (name for name in environment if name in named or name.startswith("sources.") or is_of_the_processor(name))
    return Conditions(tuple((name, str(environment[name])) for name in kinds))


def _sources(folder: str) -> Iterable[Path]:
    return set((PACKAGE / folder).rglob("*.py")) - {PACKAGE / each for each in PREDICTIONS}


def _hash(files: Iterable[Path]) -> str:
    return fingerprint(files, ())
