"""`rnnconv report`: show stored results again, in any format, or as one page for a browser."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnconv_cli.cli import output
from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import Destination, destinations, example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.cli.step_summary import append_summary
from rnnconv_cli.errors import UsageError
from rnnconv_cli.report import FORMATS

if TYPE_CHECKING:
    from rnnconv_cli.records import Report

PAGE_SUFFIXES = (".html", ".htm")
PAGE = "html"  # the one format that holds several results


@click.command(
    epilog=example("rnnconv report results.json --html report.html", "rnnconv report results.json --format table")
)
@click.argument(
    "results", nargs=-1, required=True, metavar="RESULT...", type=click.Path(dir_okay=False, path_type=Path)
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one page for a browser, a .html file: figures, tables and words; it loads nothing, runs no script.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    show_default="table, where no file is asked for",
    help="Of what is shown on stdout.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="[FORMAT=]FILE",
    callback=destinations(tuple(FORMATS)),
    help="Write the results to a file; may be repeated.",
)
def report(results: tuple[Path, ...], page: Path | None, form: str | None, outputs: tuple[Destination, ...]) -> None:
    """Show each RESULT, a file that verify has written, again. Nothing is measured.

    A page takes several results; every other format takes one.

    Exits with 0 whatever the verdicts are.
    """
    results = tuple(dict.fromkeys(results))
    files = (*([Destination(PAGE, page)] if page is not None else []), *outputs)
    form = form or (None if files else "table")
    output.refuse_inputs(files, results)
    if page is not None and page.suffix.lower() not in PAGE_SUFFIXES:
        hint = "nothing was written; a page under another name: --output html=FILE"
        raise UsageError(f"the suffix {page.suffix!r} of {page}", f"one of {', '.join(PAGE_SUFFIXES)}", hint)
    for each in dict.fromkeys(filter(None, (form, *(file.format for file in files)))):
        _refuse_several(results, each)
    output.prepare(files)
    found = _read(results)
    failures = output.write_each(files, lambda each: _rendered(found, each, stdout=False))
    if form is not None:
        put(_rendered(found, form, stdout=True))
    if form == "github":
        failures += append_summary(*found.values())
    if failures:
        raise failures[0]


def _refuse_several(results: tuple[Path, ...], form: str) -> None:
    if len(results) > 1 and form != PAGE:
        found = f"{len(results)} results for the format {form}"
        raise UsageError(found, "one", "several stand on one page: --html FILE")


def _read(results: tuple[Path, ...]) -> dict[str, Report]:
    from rnnconv_cli.report.reading.stored_report import read_report

    return {str(path): read_report(text_of(path), str(path)) for path in results}


def _rendered(found: dict[str, Report], form: str, *, stdout: bool) -> str:
    from rnnconv_cli.report.layout import PLAIN

    style = style_of(sys.stdout) if stdout else PLAIN
    if form == PAGE:
        from rnnconv_cli.report.page.page import page
        from rnnconv_cli.report.page.parts import Source

        return page([Source(name, each) for name, each in found.items()], style)
    (only,) = found.values()
    return FORMATS[form](only, style)
