"""What the numbers of a run depend on besides their trials: sources, versions, processor, BLAS."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from numba.core import config

from rnnconv_cli.kernels.cache import fingerprint
from rnnconv_cli.sweep.machine import LIBRARIES, PACKAGE, blas_facts, processor_facts
from rnnconv_cli.sweep.serial import Conditions

SOURCES = ("problem", "adversary", "kernels", "measure")  # folders that a number is computed in
CARRIED_OUT_BY = ("sweep/trial.py",)  # and the file that calls them


def conditions(backend: str) -> Conditions:
    """Return the conditions of numbers that this process, or a worker of it, measures with a backend."""
    cores = tuple((name, str(value)) for name, value in blas_facts() if name.endswith(".core"))
    sources = tuple((f"sources.{name}", _hash((PACKAGE / name).rglob("*.py"))) for name in SOURCES)
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


def _hash(files: Iterable[Path]) -> str:
    return fingerprint(files, ())
