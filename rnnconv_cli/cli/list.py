"""`rnnconv list`: the claims that come with the tool, and what of the paper they cover."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.layout import Style, amount, painted, paragraph, row, words
from rnnconv_cli.sweep.progress import duration

if TYPE_CHECKING:
    from rnnconv_cli.report.reading.stored import StoredCheck, StoredResult
    from rnnconv_cli.spec.coverage import Covered


@click.command(
    "list",
    epilog=example("rnnconv list", "rnnconv list --quantities", "rnnconv list --coverage --results results.json"),
)
@click.option("--quantities", is_flag=True, help="List what a check can measure, and what it needs for that.")
@click.option("--adversaries", is_flag=True, help="List who looks for the worst perturbation.")
@click.option("--coverage", is_flag=True, help="List the paper's statements, each with its checks or why it has none.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --coverage: a stored result, whose figures stand beside the checks.",
)
def list_claims(quantities: bool, adversaries: bool, coverage: bool, results: Path | None) -> None:
    """List the claims that come with the tool, or what a claim file can name."""
    if results is not None and not coverage:
        raise UsageError("--results without --coverage", "both", "add --coverage")
    if quantities + adversaries + coverage > 1:
        raise UsageError("several lists asked for", "one of --quantities, --adversaries and --coverage")
    style = style_of(sys.stdout)
    if quantities:
        put(painted(_quantities(style), style))
    elif adversaries:
        put(painted(_adversaries(style), style))
    else:
        put(painted(_statements(results, style) if coverage else _rows(style), style))


def _quantities(style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.measure import MEASUREMENTS

    for name, each in MEASUREMENTS.items():
        yield words(name, style, "bold")
        yield paragraph("what", each.definition, style)
        if each.needs:
            yield paragraph("needs", ", ".join(each.needs), style)


def _adversaries(style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.adversary import ADVERSARIES
    from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES

    named: tuple[tuple[str, object], ...] = (*ADVERSARIES.items(), *SPARSE_ROW_ADVERSARIES.items())
    for name, each in named:
        yield words(name, style, "bold")
        yield paragraph("how", " ".join((inspect.getdoc(each) or "").split("\n\n", 1)[0].split()), style)


def _rows(style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.spec import catalogue, loader

    claims = [loader.load(path).claim for path in catalogue.shipped()]
    longest = max((len(claim.id) for claim in claims), default=2)
    widths = (longest, 6, 10, max(20, style.width - longest - 6 - 10 - 3))
    yield row([words(name, style, "bold") for name in ("id", "checks", "status", "title and source")], widths)
    for claim in claims:
        about = f"{claim.title} ({claim.source.paper}, {claim.source.statement})"
        yield row([words(text, style) for text in (claim.id, str(len(claim.checks)), claim.status, about)], widths)


def _statements(results: Path | None, style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.spec import catalogue, loader
    from rnnconv_cli.spec.claim import Source
    from rnnconv_cli.spec.coverage import coverage

    stored = _stored(results)
    measured = stored.checks if stored else None
    covered = coverage([loader.load(path) for path in catalogue.shipped()])
    for each in covered:
        source = Source(paper="", statement=each.statement.id, page=each.statement.page)
        yield words(f"{source.text}: {each.statement.name}", style, "bold")
        yield from _checks(each, measured, style)
    checked = sum(bool(each.checks) for each in covered)
    yield words("", style)
    yield words(f"{len(covered)} statements: {checked} checked, {len(covered) - checked} with a reason why not", style)
    if stored:
        budget = "" if stored.budget is None else f" within a budget of {duration(stored.budget)}"
        origin = f"profile {stored.profile}{budget}, seed {stored.seed}, rnnconv {stored.version}"
        yield words(f"figures of {results}: {amount(len(stored.checks), 'check')}, {origin}", style)


def _checks(
    covered: Covered, measured: Mapping[tuple[str, str], StoredCheck] | None, style: Style
) -> Iterator[RenderableType]:
    if covered.statement.reason:
        yield paragraph("no check", covered.statement.reason, style)
    for claim, check in covered.checks:
        yield paragraph("check", f"{claim}/{check}", style)
        if measured is None:
            continue
        found = measured.get((claim, check))
        said = f"{found.verdict}: {found.measured}, predicted {found.predicted}" if found else "not in this result"
        yield paragraph("measured", said, style)


def _stored(results: Path | None) -> StoredResult | None:
    """What a stored result says of each check. Raises UsageError where it cannot be read."""
    from rnnconv_cli.report.reading import stored

    if results is None:
        return None
    return stored.read(text_of(results), str(results))
