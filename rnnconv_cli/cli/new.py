"""`rnnconv new`: a claim file to start from."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from rnnconv_cli.cli.console import complain, put
from rnnconv_cli.cli.options import example
from rnnconv_cli.errors import OutputError, UsageError


@click.command(epilog=example("rnnconv new my-claim --output my-claim.yaml"))
@click.argument("claim_id", metavar="ID")
@click.option("--output", type=click.Path(path_type=Path), metavar="FILE", help="Write to this new file, not stdout.")
def new(claim_id: str, output: Path | None) -> None:
    """Print a commented claim file that validates as it stands."""
    from rnnconv_cli.spec.template import claim_text

    text = claim_text(claim_id)
    if output is None:
        put(text)
        return
    if output.exists():
        raise UsageError(
            f"{str(output)!r}, which exists", "a new file", "nothing was overwritten; name another --output"
        )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise OutputError(str(output), error.strerror or str(error)) from error
    complain(f"wrote {output}; check it with: {shlex.join(('rnnconv', 'validate', str(output)))}")
