"""`rnnconv doctor`: what this machine and installation can do, what is wrong with them, and how to mend it."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import click

from rnnconv_cli import __version__
from rnnconv_cli.cli.console import put, style_of, writes_unicode
from rnnconv_cli.cli.options import example
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, RnnconvError
from rnnconv_cli.report.layout import Style, unbroken

OK, WARNING, ERROR = "ok", "warning", "error"
LIBRARIES = ("numpy", "numba", "llvmlite", "scipy", "pydantic", "yaml", "threadpoolctl")
DISTRIBUTIONS = {"yaml": "pyyaml"}  # where it differs from the name on import
LITTLE_MEMORY = 2 * 2**30  # bytes; the quick profile of the shipped claims fits in half of it
SLOW_GEMM = 1.0  # 1e9 operations/s; a reference BLAS without vector instructions is about there


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing looked at: what was found, whether it is well, and what to do if not."""

    subject: str
    found: str
    state: str = OK
    mend: str = ""


@click.command(epilog=example("rnnconv doctor"))
@click.pass_context
def doctor(context: click.Context) -> None:
    """Say what is wrong with this installation, and how to mend it.

    Looks at versions, processor, BLAS, cores, memory, kernel cache, claims, speed and terminal.

    Exits with 5 if nothing could be measured here.
    """
    symptoms = list(_examined())
    style = style_of(sys.stdout)
    put("".join(_shown(symptom, style) for symptom in symptoms))
    context.exit(EXIT_COULD_NOT_MEASURE if any(symptom.state == ERROR for symptom in symptoms) else 0)


def _shown(symptom: Symptom, style: Style) -> str:
    mend = f"; mend: {symptom.mend}" if symptom.mend else ""
    return unbroken(f"{symptom.state:<7} {symptom.subject:<18} {symptom.found}{mend}", style)


def _examined() -> Iterator[Symptom]:
    yield Symptom("rnnconv", __version__)
    yield Symptom("python", f"{platform.python_implementation()} {platform.python_version()}")
    libraries = [_library(name) for name in LIBRARIES]
    yield from libraries
    if any(library.state == ERROR for library in libraries):
        return
    for look in (_processor, _blas, _cores, _memory, _cache, _claims, _speed, _terminal):
        yield from _guarded(look)


def _guarded(look: Callable[[], Iterator[Symptom]]) -> Iterator[Symptom]:
    try:
        yield from look()
    except (RnnconvError, OSError) as error:
        yield Symptom(look.__name__.lstrip("_"), str(error), ERROR, "measuring needs this")


def _library(name: str) -> Symptom:
    from importlib import metadata  # slow to import, and `--help` of every command imports this file

    distribution = DISTRIBUTIONS.get(name, name)
    try:
        importlib.import_module(name)
        return Symptom(distribution, metadata.version(distribution))
    except Exception as error:  # a broken library may fail in any way, and this command is there to say so
        mend = f"python -m pip install --force-reinstall {distribution}"
        return Symptom(distribution, f"cannot be imported ({type(error).__name__}: {error})", ERROR, mend)


def _processor() -> Iterator[Symptom]:
    from rnnconv_cli.sweep.machine import processor_facts

    yield Symptom("processor", str(dict(processor_facts())["cpu"]))
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in {"", "0"}:
        yield Symptom("compiler", "switched off by NUMBA_DISABLE_JIT", WARNING, "unset NUMBA_DISABLE_JIT")


def _blas() -> Iterator[Symptom]:
    from rnnconv_cli.sweep.machine import blas_facts, limit_blas_threads

    facts = dict(blas_facts())
    for name in (name for name in facts if name.count(".") == 1):
        found = f"{facts[name]}, kernels for {facts[f'{name}.core']}, {facts[f'{name}.threads']} threads at rest"
        yield Symptom(name.replace(".", " of "), found)
    with limit_blas_threads():
        yield Symptom("blas threads", "1 while measuring")


def _cores() -> Iterator[Symptom]:
    from rnnconv_cli.sweep.machine import usable_cores

    yield Symptom("usable cores", f"{usable_cores()} of {os.cpu_count()}")


def _memory() -> Iterator[Symptom]:
    from rnnconv_cli.sweep.machine import usable_memory

    usable = usable_memory()
    little = usable < LITTLE_MEMORY
    mend = "use --jobs 1, close other programs, or raise the limit of the control group" if little else ""
    yield Symptom("usable memory", f"{usable / 2**30:.1f} GiB", WARNING if little else OK, mend)


def _cache() -> Iterator[Symptom]:
    from rnnconv_cli.kernels import CACHE_FOLDER
    from rnnconv_cli.kernels.cache import is_usable

    private = CACHE_FOLDER.parent
    if not is_usable(CACHE_FOLDER):
        yield Symptom(
            "kernel cache", f"{CACHE_FOLDER}, not writable", ERROR, "set NUMBA_CACHE_DIR to a folder of yours"
        )
    elif private.parent == Path(gettempdir()) and private.name.startswith("rnnconv-"):
        mend = "set NUMBA_CACHE_DIR to a writable folder: kernels are compiled again in every run"
        yield Symptom("kernel cache", f"{CACHE_FOLDER}, for this run only", WARNING, mend)
    else:
        yield Symptom("kernel cache", str(CACHE_FOLDER))


def _claims() -> Iterator[Symptom]:
    from rnnconv_cli.spec.catalogue import shipped

    found = shipped()
    if found:
        yield Symptom("claims", f"{len(found)} in {found[0].parent}")
    else:
        yield Symptom("claims", "none", WARNING, "python -m pip install --force-reinstall . in a clone of rnnconv")


def _speed() -> Iterator[Symptom]:
    from rnnconv_cli.sweep.machine import copy_bandwidth, gemm_peak

    peak = gemm_peak()
    slow = peak < SLOW_GEMM
    mend = "install SciPy from a wheel, which brings a fast BLAS" if slow else ""
    yield Symptom("gemm peak", f"{peak:.3g} GFLOP/s (float64, one thread)", WARNING if slow else OK, mend)
    yield Symptom("copy bandwidth", f"{copy_bandwidth():.3g} GB/s (one thread, read and write)")


def _terminal() -> Iterator[Symptom]:
    encoding = getattr(sys.stdout, "encoding", None) or "none"
    if writes_unicode(sys.stdout):
        yield Symptom("terminal", f"encoding {encoding}")
    else:
        mend = "set PYTHONIOENCODING=utf-8 for signs such as those of the paper"
        yield Symptom("terminal", f"encoding {encoding}: tables are in ASCII", WARNING, mend)
