"""Options that commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import click

from rnnconv_cli.report import FORMATS, SUFFIXES
from rnnconv_cli.sweep.progress import seconds_in

Command = TypeVar("Command", bound=Callable[..., Any])


def example(*lines: str) -> str:
    """The end of a help text: commands to type, as they are."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


@dataclass(frozen=True, slots=True)
class Destination:
    """A file that the results go to, and their format in it."""

    format: str
    path: Path


def destinations(
    formats: Sequence[str],
) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], tuple[Destination, ...]]:
    """A callback that reads `[FORMAT=]FILE`s, in formats that the command writes.

    Without a format, the file name's suffix decides; a name without one is a table's. Raises click.BadParameter.
    """
    return lambda context, parameter, texts: tuple(_destination(text, formats) for text in texts)


def _destination(text: str, formats: Sequence[str]) -> Destination:
    form, separator, name = text.partition("=")
    if form not in FORMATS and separator and form.isalnum():  # a path with = in it has a dot or a slash as well
        meant = _meant(form, formats)
        hint = f"; did you mean {meant}?" if meant is not None else ""
        raise click.BadParameter(f"found the format {form!r}, wanted one of {', '.join(formats)}{hint}")
    if separator and not form:
        raise click.BadParameter(f"found {text!r}, wanted FORMAT=FILE, or a file alone")
    if form not in FORMATS or not separator:
        form, name = _format_of(text, formats), text
    if form not in formats:
        raise click.BadParameter(f"found the format {form!r} of {name!r}, wanted one of {', '.join(formats)}")
    if not name:
        raise click.BadParameter(f"found {text!r}, wanted a file name")
    return Destination(form, Path(name))


def _format_of(name: str, formats: Sequence[str]) -> str:
    """The format that a file name's suffix says. Raises click.BadParameter for a suffix that says none."""
    suffix = Path(name).suffix.lower()
    if suffix and suffix not in SUFFIXES:
        known = [each for each, form in SUFFIXES.items() if form in formats]
        close = get_close_matches(suffix, known, n=1, cutoff=0.7)
        hint = f" (did you mean {close[0]}?)" if close else ""
        wanted = f"one of {', '.join(known)}, or FORMAT={name}"
        raise click.BadParameter(f"found the suffix {suffix!r} of {name!r}{hint}, wanted {wanted}")
    return SUFFIXES.get(suffix, "table")


def _meant(form: str, formats: Sequence[str]) -> str | None:
    """The format that a word was to name, if it looks like one."""
    named = SUFFIXES.get(f".{form.lower()}")
    return named if named in formats else next(iter(get_close_matches(form.lower(), formats)), None)


def settings(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Read `KEY=VALUE`s: a dotted path inside a check, and a value as it would stand in a claim file."""
    pairs = []
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator or not key:
            raise click.BadParameter(f"found {text!r}, wanted KEY=VALUE, for example problem.horizon=6")
        pairs.append((key, value))
    return tuple(pairs)


def seconds(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Read a duration such as 90s, 10m or 1h30m, in seconds; None where it is not given. Raises click.BadParameter."""
    if text is None:
        return None
    total = seconds_in(text)
    if total is None:
        raise click.BadParameter(f"found {text!r}, wanted a duration such as 90s, 10m or 1h30m")
    return total


def named_file(context: click.Context, parameter: click.Parameter, path: Path) -> Path:
    """A file that has a name: none at all would be the current folder's. Raises click.BadParameter."""
    if path == Path():
        raise click.BadParameter("found '', wanted a file name")
    return path


def cores() -> int:
    """Number of worker processes unless told otherwise: the cores that this process may use."""
    from rnnconv_cli.sweep.machine import usable_cores

    return usable_cores()


PROFILE = click.option(
    "--profile",
    type=click.Choice(("quick", "full")),
    default="quick",
    show_default=True,
    help="How much to measure: quick takes minutes, full about an hour.",
)
RUN = (
    click.option("--check", "checks", multiple=True, metavar="ID", help="Only this check; may be repeated."),
    PROFILE,
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="KEY=VALUE",
        callback=settings,
        help="Lay a value over every check that runs, e.g. problem.horizon=6; may be repeated.",
    ),
    click.option(
        "--replicates", type=click.IntRange(1, 100_000), metavar="N", help="Draws at each point, in both profiles."
    ),
    click.option(
        "--budget",
        metavar="DURATION",
        callback=seconds,
        help="Choose grids and draws of the profile that fit a time, e.g. 10m or 1h30m, before measuring.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**63 - 1),
        default=0,
        show_default=True,
        metavar="N",
        help="Of all randomness.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 1024),
        metavar="N",
        show_default="usable cores",
        help="Workers, where they are ours to start; they change the time, not one bit of the results.",
    ),
    click.option(
        "--backend", default="compiled", show_default=True, metavar="NAME", help="Kernels: compiled or reference."
    ),
)
ENGINE = (
    click.option(
        "--executor",
        default="process",
        show_default=True,
        metavar="NAME",
        help="What carries trials out: process, thread, dask, dask:ADDRESS, or MODULE:FACTORY of an Executor.",
    ),
    click.option(
        "--keep-going/--fail-fast",
        default=True,
        show_default=True,
        help="Go on after a trial that could not be measured, or end there.",
    ),
)
RESULTS = (
    click.option(
        "--format",
        "form",
        type=click.Choice(tuple(FORMATS)),
        default="table",
        show_default=True,
        help="Of the results on stdout.",
    ),
    click.option(
        "--output",
        "outputs",
        multiple=True,
        metavar="[FORMAT=]FILE",
        callback=destinations(tuple(FORMATS)),
        help="Write the results to a file too; may be repeated.",
    ),
    click.option("--strict", is_flag=True, help="Exit with 4 if a check is inconclusive."),
    click.option("--quiet", is_flag=True, help="No progress; show only what contradicts or does not decide."),
)


STORE_FILE = click.option(
    "--store",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path(".rnnconv", "observations.sqlite"),
    show_default=True,
    envvar="RNNCONV_STORE",
    show_envvar=True,
    metavar="FILE",
    callback=named_file,
    help="Where finished trials are kept, and found by the next run.",
)
STORE = (
    STORE_FILE,
    click.option("--no-store", is_flag=True, help="Keep no trial, and find none."),
    click.option("--fresh", is_flag=True, help="Measure every trial, also those that are kept."),
    click.option("--dry-run", is_flag=True, help="Measure nothing: list what would be measured, and why."),
)


def store_options(command: Command) -> Command:
    """Give a command the options that say where trials are kept."""
    return _with(STORE, command)


def engine_options(command: Command) -> Command:
    """Give a command the options that say what carries trials out."""
    return _with(ENGINE, command)


def run_options(command: Command) -> Command:
    """Give a command the options that say what is measured, and how."""
    return _with(RUN, command)


def result_options(command: Command) -> Command:
    """Give a command the options that say where results go, and what they make of the exit status."""
    return _with(RESULTS, command)


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
