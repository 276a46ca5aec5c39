"""`rnnconv plot`: the figure of one check of a stored result, for a paper."""

from __future__ import annotations

import sys
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnconv_cli.cli import output
from rnnconv_cli.cli.bench import finite
from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import Command, Destination, example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.layout import painted, words
from rnnconv_cli.report.plain import visible

if TYPE_CHECKING:
    from rnnconv_cli.records import CheckResult, Report
    from rnnconv_cli.report.figures.figure import Figure

FORMS = ("pdf", "svg", "png")
MOST_NAMES = 12  # of checks in a message


def _inches(name: str) -> Callable[[Command], Command]:
    """An option for a length of the figure."""
    return click.option(
        name,
        type=click.FloatRange(0.5, 60.0),
        show_default="what its panels need",
        metavar="INCHES",
        callback=finite,
        help="Of the whole figure.",
    )


@click.command(epilog=example("rnnconv plot results.json --check pattern-flips-in-width --output flips.pdf"))
@click.argument("result", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--check", "check_id", required=True, metavar="ID", help="The check to draw.")
@click.option("--claim", "claim_id", metavar="ID", help="Its claim, where several have a check of that name.")
@click.option(
    "--output",
    "outputs",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the figure to FILE.pdf, FILE.svg or FILE.png; may be repeated.",
)
@_inches("--width")
@_inches("--height")
@click.option(
    "--font-size",
    type=click.FloatRange(2.0, 72.0),
    default=7.0,
    show_default=True,
    metavar="POINTS",
    callback=finite,
    help="Of all letters.",
)
@click.option("--font", metavar="FAMILY", show_default="DejaVu Sans", help="A family of fonts that is installed.")
@click.option(
    "--dpi",
    type=click.FloatRange(10.0, 1200.0),
    default=300.0,
    show_default=True,
    metavar="N",
    callback=finite,
    help="Dots per inch of a PNG.",
)
def plot(
    result: Path,
    check_id: str,
    claim_id: str | None,
    outputs: tuple[Path, ...],
    width: float | None,
    height: float | None,
    font_size: float,
    font: str | None,
    dpi: float,
) -> None:
    """Draw one check of RESULT, a file that verify has written: measurements, fit, what is allowed, the control.

    The same result gives the same bytes. The sentence that stands for the figure goes to stdout.
    """
    files = tuple(Destination(_form(path), path) for path in outputs)
    output.refuse_inputs(files, (result,))
    output.prepare(files)
    from rnnconv_cli.report.figures.draw import figure_bytes  # now, as it takes a while
    from rnnconv_cli.report.figures.plan import Look
    from rnnconv_cli.report.reading.stored_report import read_report

    figure = _figure(read_report(text_of(result), str(result)), check_id, claim_id)
    look = Look(width, height, font_size, font, dpi)
    failures = output.write_each(files, lambda form: figure_bytes(figure, form, look))
    style = style_of(sys.stdout)
    put(painted([words(figure.text, style)], style))
    if failures:
        raise failures[0]


def _form(path: Path) -> str:
    """The form that a file's name ends with. Raises UsageError for any other."""
    form = path.suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise UsageError(f"the file {str(path)!r}", "a name that ends with .pdf, .svg or .png")
    return form


def _figure(report: Report, check_id: str, claim_id: str | None) -> Figure:
    """The figure of the one check that is named. Raises UsageError where there is none, or none to draw."""
    from rnnconv_cli.report.figures.data import figure_of

    found = _chosen(report, check_id, claim_id)
    figure = figure_of(found)
    if figure is None:
        hint = f"its verdict is {found.verdict}: {visible(found.because)}"
        raise UsageError(f"check {check_id!r} without a number to draw", "a check that has measured something", hint)
    return figure


def _chosen(report: Report, check_id: str, claim_id: str | None) -> CheckResult:
    named = [claim for claim in report.claims if claim_id in (None, claim.id)]
    if not named:
        _refuse("claim", claim_id or "", [claim.id for claim in report.claims])
    found = [(claim.id, check) for claim in named for check in claim.checks if check.id == check_id]
    if not found:
        _refuse("check", check_id, [check.id for claim in named for check in claim.checks])
    if len(found) > 1:
        claims = " and ".join(visible(claim) for claim, _ in found)
        raise UsageError(f"check {check_id!r} in {claims}", "one check", f"add --claim {visible(found[0][0])}")
    return found[0][1]


def _refuse(kind: str, name: str, known: list[str]) -> None:
    """Raise UsageError for a name that the result has not, with those close to it, and all where they are few."""
    close = get_close_matches(name, known)
    hint = f"did you mean {', '.join(map(visible, close))}?" if close else ""
    listed = (
        f"one of {', '.join(map(visible, known))}"
        if known and len(known) <= MOST_NAMES
        else f"one of {len(known)} in it"
    )
    raise UsageError(f"{kind} {name!r}, which the result has not", listed, hint)
