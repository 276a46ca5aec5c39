"""`rnnconv verify`: measure claims and say whether they hold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnconv_cli.cli import output
from rnnconv_cli.cli.completion import claim_names
from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.dry_run import to_do
from rnnconv_cli.cli.options import (
    Destination,
    cores,
    engine_options,
    example,
    result_options,
    run_options,
    store_options,
)
from rnnconv_cli.cli.step_summary import append_summary
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, EngineError, TrialFailed, UnknownName
from rnnconv_cli.report import FORMATS
from rnnconv_cli.report.standing import warning

if TYPE_CHECKING:
    from rnnconv_cli.pipeline import Options
    from rnnconv_cli.records import Report
    from rnnconv_cli.spec.loader import LoadedClaim


@click.command(epilog=example("rnnconv verify perturbation-bound --check first-order-identity --output results.json"))
@click.argument("names", nargs=-1, metavar="[CLAIM|PATH]...", shell_complete=claim_names)
@click.option("--all", "everything", is_flag=True, help="Every claim that comes with the tool.")
@run_options
@engine_options
@store_options
@result_options
@click.pass_context
def verify(
    context: click.Context,
    names: tuple[str, ...],
    everything: bool,
    checks: tuple[str, ...],
    profile: str,
    settings: tuple[tuple[str, str], ...],
    replicates: int | None,
    budget: float | None,
    seed: int,
    jobs: int | None,
    backend: str,
    executor: str,
    keep_going: bool,
    store: Path,
    no_store: bool,
    fresh: bool,
    dry_run: bool,
    form: str,
    outputs: tuple[Destination, ...],
    strict: bool,
    quiet: bool,
) -> None:
    """Measure claims, or claim files, and say whether they hold.

    Shows a table, or another --format, and exits with 0 if no verdict contradicts its expectation,
    3 if one does, 5 if something could not be measured. --format github annotates the lines of claim
    files, and appends a table to the summary of the step.
    """
    from rnnconv_cli.spec.loader import Overrides, load_all
    from rnnconv_cli.sweep.spawning import start_server

    _refuse_excluded(context, form, outputs, no_store=no_store, dry_run=dry_run)
    files = chosen(names, everything=everything)
    claims = load_all(files, Overrides(settings, replicates, checks))
    jobs = jobs or cores()
    output.refuse_store(outputs, store)
    output.refuse_inputs(outputs, files)
    if idle := [] if everything else _without(claims, checks):
        complain(f"rnnconv: --check names no check of {', '.join(idle)}, of which nothing is measured")
    if not dry_run:
        output.prepare(outputs)
        if jobs > 1 and executor == "process":
            start_server("rnnconv_cli.cli.main")
    from rnnconv_cli import pipeline  # now, as it takes a while
    from rnnconv_cli.kernels.backend import BACKENDS
    from rnnconv_cli.sweep.calibrate import calibrate
    from rnnconv_cli.sweep.engines import named

    named(executor)  # a wrong name is said at once
    if backend not in BACKENDS:
        raise UnknownName("backend", backend, tuple(BACKENDS))
    command = context.obj or ("rnnconv", "verify")
    kept_in = None if no_store else store
    speeds = calibrate() if dry_run or budget is not None else None
    options = pipeline.Options(
        profile, seed, jobs, backend, checks, strict, command, kept_in, fresh, executor, not keep_going, budget, speeds
    )
    if dry_run:
        taken = pipeline.foreseen(claims, options)
        found = pipeline.outstanding(claims, options, taken)
        put(to_do(found, taken, pipeline.at_a_time(options), style_of(sys.stdout)))
        return
    report = _measured(claims, options, quiet=quiet)
    failures = (*output.write(report, outputs), *(append_summary(report) if form == "github" else ()))
    if failures:
        reasons = (*map(str, failures), *report.exit_reasons)
        report = replace(report, exit_status=EXIT_COULD_NOT_MEASURE, exit_reasons=reasons)
    put(FORMATS[form](report, style_of(sys.stdout, brief=quiet)))
    for failure in failures:
        complain(f"rnnconv: {failure}")
    if form != "table" and (said := warning(report)):
        complain(f"rnnconv: {said}")
    context.exit(report.exit_status)


def _without(claims: Sequence[LoadedClaim], checks: Sequence[str]) -> list[str]:
    """The claims that have none of the checks that are named, if any are."""
    named = set(checks)
    return [each.claim.id for each in claims if named and named.isdisjoint(check.check.id for check in each.checks)]


def _refuse_excluded(
    context: click.Context, form: str, outputs: Sequence[Destination], *, no_store: bool, dry_run: bool
) -> None:
    """Raise click.UsageError for options of which one takes the other's effect away."""
    if no_store and context.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE:
        raise click.UsageError("found --store and --no-store, wanted one or the other")
    if dry_run and (outputs or form != "table"):
        raise click.UsageError("found --dry-run with --output or --format, wanted either: it has no results to write")


def chosen(names: tuple[str, ...], *, everything: bool) -> tuple[Path, ...]:
    """The claim files that a command names, each once. Raises click.UsageError where it names none, or all and some."""
    from rnnconv_cli.spec import catalogue

    shipped = catalogue.shipped()
    if everything and names:
        raise click.UsageError("found claims and --all, wanted one or the other")
    if not everything and not names:
        listed = ", ".join(path.stem for path in shipped)
        raise click.UsageError(f"found no claim, wanted a claim, a claim file or --all; the claims are {listed}")
    paths = shipped if everything else tuple(map(catalogue.find, names))
    return tuple({path.resolve(): path for path in paths}.values())


def _measured(claims: Sequence[LoadedClaim], options: Options, *, quiet: bool) -> Report:
    from rnnconv_cli import pipeline
    from rnnconv_cli.cli.progress import progress_on

    try:
        with progress_on(sys.stderr, quiet=quiet) as progress:
            return pipeline.verify(claims, options, progress)
    except (KeyboardInterrupt, TrialFailed, EngineError):
        if options.store is not None and options.store.exists():
            complain(f"rnnconv: finished trials are kept in {options.store}: the same command goes on from there")
        raise
