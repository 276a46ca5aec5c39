"""`rnnconv validate`: every violation of claim files, without running them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.errors import EXIT_USAGE, SpecError, UsageError
from rnnconv_cli.report.layout import unbroken

if TYPE_CHECKING:
    from rnnconv_cli.spec.loader import LoadedClaim

STANDARD_INPUT = "-"


@click.command(epilog=example("rnnconv new my-claim | rnnconv validate -"))
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.pass_context
def validate(context: click.Context, paths: tuple[str, ...]) -> None:
    """Check claim files, without running them.

    `-` stands for standard input. Violations go to stderr as file:line:column.
    """
    style, valid = style_of(sys.stdout), True
    for path in dict.fromkeys(paths):
        try:
            claim = _checked(path)
        except SpecError as error:
            complain(str(error))  # lines that an editor can follow
            valid = False
        except UsageError as error:
            complain(f"rnnconv: {error}")
            valid = False
        else:
            count = len(claim.checks)
            put(unbroken(f"{claim.origin}: valid, {count} check{'s' if count > 1 else ''}", style))
    context.exit(0 if valid else EXIT_USAGE)


def _checked(path: str) -> LoadedClaim:
    """The claim in a file, with every name in it resolved. Raises SpecError, UsageError."""
    from rnnconv_cli.spec import catalogue, loader
    from rnnconv_cli.spec.document import MAX_BYTES

    if path == STANDARD_INPUT:
        claim = loader.load_bytes(_read(MAX_BYTES + 1), "<stdin>")
    else:
        claim = loader.load(catalogue.find(path))
    from rnnconv_cli import pipeline

    pipeline.preview([claim], pipeline.Options("quick", 0, 1, "compiled", (), False, ()))
    return claim


def _read(most: int) -> bytes:
    """So many bytes of standard input, or all there are. Raises UsageError where none can be had."""
    why = "closed"
    if sys.stdin is not None:
        try:
            return sys.stdin.buffer.read(most)
        except OSError as error:
            why = error.strerror or str(error)
    raise UsageError(f"a standard input that cannot be read ({why})", "a claim file", "name a file instead of -")
