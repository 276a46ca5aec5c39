"""`rnnconv bench`: time the kernels against their peers and the machine's limits."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnconv_cli.bench.cases import GRIDS, TASKS, WIDTHS
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.cli import output
from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.options import Destination, destinations, example
from rnnconv_cli.cli.signals import disarm, serve_once
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, UsageError
from rnnconv_cli.report.bench import document as bench_document
from rnnconv_cli.report.bench import plot as bench_plot
from rnnconv_cli.report.bench import table as bench_table

if TYPE_CHECKING:
    from rnnconv_cli.bench.measure import Options
    from rnnconv_cli.bench.results import BenchResult

FORMATS: dict[str, Callable[..., str]] = {"table": bench_table.render, "json": bench_document.render}
PLOT = "plot"
WRITTEN: dict[str, Callable[..., str]] = {**FORMATS, PLOT: lambda result: bench_plot.render(result)}


def finite(context: click.Context, parameter: click.Parameter, number: float | None) -> float | None:
    """A number that is one, or None. Raises click.BadParameter."""
    if number is not None and not math.isfinite(number):
        raise click.BadParameter(f"found {number}, wanted a finite number")
    return number


@click.command(epilog=example("rnnconv bench --task step --output results/bench.json"))
@click.option(
    "--grid",
    type=click.Choice(tuple(GRIDS)),
    default="default",
    show_default=True,
    help="How much to time: "
    + ", ".join(f"{name} takes at most {minutes:g} minutes" for name, minutes in GRIDS.items()),
)
@click.option(
    "--minutes",
    type=click.FloatRange(1.0),
    metavar="N",
    callback=finite,
    help="End within so many minutes instead; cases that no time is left for are named.",
)
@click.option(
    "--task", "tasks", type=click.Choice(tuple(TASKS)), multiple=True, help="Only this task; may be repeated."
)
@click.option(
    "--width",
    "widths",
    type=click.Choice(WIDTHS),
    multiple=True,
    help="Only networks of this width, and no exponents; may be repeated.",
)
@click.option(
    "--only", type=click.Choice(tuple(CONTESTANTS)), multiple=True, help="Only this contestant; may be repeated."
)
@click.option(
    "--rounds",
    type=click.IntRange(3, 1000),
    default=7,
    show_default=True,
    metavar="N",
    help="How often each contestant is timed; slow cases get fewer, but at least 3.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    metavar="N",
    help="The seed of all randomness.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    default="table",
    show_default=True,
    help="The format of the results on stdout.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="[FORMAT=]FILE",
    callback=destinations(tuple(FORMATS)),
    help="Write the results to a file too, as table or json; may be repeated.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw every contestant's share of the floor to FILE.svg.",
)
@click.option("--quiet", is_flag=True, help="No progress; show only our row of each case.")
@click.pass_context
def bench(
    context: click.Context,
    grid: str,
    minutes: float | None,
    tasks: tuple[str, ...],
    widths: tuple[int, ...],
    only: tuple[str, ...],
    rounds: int,
    seed: int,
    form: str,
    outputs: tuple[Destination, ...],
    plot: Path | None,
    quiet: bool,
) -> None:
    """Time the kernels against NumPy, PyTorch and JAX, whichever are installed.

    Everybody is checked against the float64 reference, then asked in turn, in a process of its own
    that keeps to the cores. A ratio is the fastest peer's time over ours; the floor is the least
    time in which the machine could multiply and read as much, measured in the same rounds.

    Exits with 5 if something could not be measured, or was wrong. Ctrl-C ends the run: what had
    been timed is shown and written, and the rest is named.
    """
    from rnnconv_cli.bench.measure import Options

    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"the file {str(plot)!r}", "a name that ends with .svg", "nothing was run")
    files = outputs if plot is None else (*outputs, Destination(PLOT, plot))
    output.prepare(files)
    result = _measured(Options(grid, tasks, only, rounds, minutes or GRIDS[grid], seed, widths), quiet=quiet)
    failures = output.write_each(files, lambda name: WRITTEN[name](result))
    put(FORMATS[form](result, style_of(sys.stdout, brief=quiet)))
    for failure in failures:
        complain(f"rnnconv: {failure}")
    if result.interrupted:
        complain("rnnconv: interrupted; the results hold what had been timed until then")
    context.exit(EXIT_COULD_NOT_MEASURE if failures or result.problems else 0)


def _measured(options: Options, *, quiet: bool) -> BenchResult:
    from rnnconv_cli.bench import measure
    from rnnconv_cli.cli.progress import progress_on

    serve_once()  # the first ends the run, and what it has found is written
    with progress_on(sys.stderr, quiet=quiet) as progress:
        return measure.bench(options, progress, disarm)
