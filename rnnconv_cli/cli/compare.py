"""`rnnconv compare`: two stored results side by side."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.cli.result_file import text_of

RESULT = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=example("rnnconv compare before.json after.json"))
@click.argument("first", type=RESULT)
@click.argument("second", type=RESULT)
@click.option(
    "--format",
    "form",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    help="The table leaves out checks that are the same.",
)
@click.pass_context
def compare(context: click.Context, first: Path, second: Path, form: str) -> None:
    """Show FIRST and SECOND, files that verify has written, side by side. Nothing is measured.

    Says what differs in how they were run, which checks only one has, which verdicts are other
    ones, how far estimates are apart, and how many observations of the same trials have other
    bits. No test is made: for a gate with a stated rate of false alarms there is baseline.

    Exits with 0 if no verdict of a check that both have is another, 3 if one is, 4 if they have
    no check in common.
    """
    from rnnconv_cli.report.comparison import side_by_side
    from rnnconv_cli.report.comparison_table import render_json, render_table
    from rnnconv_cli.report.reading.stored_report import read_report

    found = side_by_side(*(read_report(text_of(path), str(path)) for path in (first, second)))
    names = (str(first), str(second))
    put(render_json(found, names) if form == "json" else render_table(found, names, style_of(sys.stdout)))
    if not found.pairs:
        complain("rnnconv: no check is in both results: nothing was compared")
    context.exit(found.exit_status)
