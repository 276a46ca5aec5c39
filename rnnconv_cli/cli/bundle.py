"""`rnnconv bundle`: put all that a result rests on into one file."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rnnconv_cli.cli import output
from rnnconv_cli.cli.console import complain, put, style_of
from rnnconv_cli.cli.options import Destination, example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.cli.verify import verify
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, UsageError
from rnnconv_cli.report.layout import unbroken

if TYPE_CHECKING:
    from rnnconv_cli.evidence.contents import Asked

LABELS = 9  # columns


@click.command(epilog=example("rnnconv bundle results.json --output evidence.zip"))
@click.argument("result", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The bundle, a ZIP archive: FILE.zip.",
)
@click.option(
    "--claims",
    "given",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="A claim file that was run and is none of the catalogue, or a folder of them; may be repeated.",
)
@click.pass_context
def bundle(context: click.Context, result: Path, file: Path, given: tuple[Path, ...]) -> None:
    """Put all that RESULT rests on into one file: the claim files, the observations, the report.

    RESULT is a file that verify has written. The same result gives the same bytes. Whoever gets the
    bundle can check it with check-bundle, without measuring anything.

    Exits with 2 if a claim file is not found as it was run, 5 if the bundle cannot be written.
    """
    destination = (Destination("bundle", file),)
    inside = (each for folder in given if folder.is_dir() for each in folder.iterdir())
    output.refuse_inputs(destination, (result, *given, *inside))
    if file.suffix.lower() != ".zip":
        raise UsageError(f"the file {str(file)!r}", "a name that ends with .zip", "nothing was written")
    text = text_of(result)
    output.prepare(destination)
    from rnnconv_cli.evidence.archive import archive_of
    from rnnconv_cli.evidence.contents import contents_of, drawn_with, found_claims
    from rnnconv_cli.report.reading.stored_report import read_report
    from rnnconv_cli.spec.loader import NO_OVERRIDES

    report = read_report(text, str(result))
    asked = asked_of(dict(report.environment.facts).get("command"))
    overrides = NO_OVERRIDES if asked is None else asked.overrides
    claims = found_claims(report, given, overrides)
    contents = contents_of(text, report, claims, overrides)
    data = archive_of(contents, report.tool_version, drawn_with(), overrides)
    failures = output.write_each(destination, lambda _: data)
    for failure in failures:
        complain(f"rnnconv: {failure}")
    if failures:
        context.exit(EXIT_COULD_NOT_MEASURE)
    put(_summary(file, data, len(claims)))


def asked_of(command: object) -> Asked | None:
    """What the command of a run has asked for; None where the run was no `rnnconv verify`."""
    from rnnconv_cli.evidence.contents import Asked
    from rnnconv_cli.spec.loader import Overrides

    try:
        _, name, *words = shlex.split(str(command))
    except ValueError:
        return None
    if name != verify.name:
        return None
    with verify.make_context(name, words, resilient_parsing=True) as given:
        found = given.params
    return Asked(Overrides(found["settings"] or (), found["replicates"], found["checks"] or ()), found["budget"])


def _summary(file: Path, data: bytes, n_claims: int) -> str:
    from hashlib import sha256

    style = style_of(sys.stdout)
    size = f"{file}, {len(data):,} bytes, {n_claims} claim file{'s' if n_claims != 1 else ''}"
    command = shlex.join(("rnnconv", "check-bundle", str(file)))
    lines = (("bundle", size), ("SHA-256", sha256(data).hexdigest()), ("check", command))
    return "".join(unbroken(f"{label:<{LABELS}} {text}", style) for label, text in lines)
