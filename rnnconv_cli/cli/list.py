"""`rnnconv list`: the claims that come with the tool."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
from rich.console import RenderableType

from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.report.layout import Style, painted, row, words


@click.command("list", epilog=example("rnnconv list"))
def list_claims() -> None:
    """List the claims that come with the tool."""
    style = style_of(sys.stdout)
    put(painted(_rows(style), style))


def _rows(style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.spec import catalogue, loader

    claims = [loader.load(path).claim for path in catalogue.shipped()]
    longest = max((len(claim.id) for claim in claims), default=2)
    widths = (longest, 6, 10, max(20, style.width - longest - 6 - 10 - 3))
    yield row([words(name, style, "bold") for name in ("id", "checks", "status", "title and source")], widths)
    for claim in claims:
        about = f"{claim.title} ({claim.source.paper}, {claim.source.statement})"
        yield row([words(text, style) for text in (claim.id, str(len(claim.checks)), claim.status, about)], widths)
