"""`rnnconv check-bundle`: see that a bundle is what it says, without measuring; or measuring a few trials again."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli.bundle import asked_of
from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.errors import EXIT_CONTRADICTED, EXIT_COULD_NOT_MEASURE
from rnnconv_cli.report.layout import Style, amount, heading, painted, paragraph

if TYPE_CHECKING:
    from rnnconv_cli.evidence.check import Checked
    from rnnconv_cli.evidence.rerun import Rerun
    from rnnconv_cli.records import Report
    from rnnconv_cli.sweep.replay import Replay

LABELS = 12  # columns: the digits of a key
MOST_SHOWN = 20  # differences of one step
LARGEST_CHOICE = 10**6  # a random one is short enough to be typed


@click.command("check-bundle", epilog=example("rnnconv check-bundle evidence.zip --rerun 3"))
@click.argument("file", metavar="BUNDLE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--rerun", "count", type=click.IntRange(1, 100_000), metavar="K", help="Measure K trials again, chosen at random."
)
@click.option(
    "--seed-of-choice",
    "seed",
    type=click.IntRange(0, 2**63 - 1),
    metavar="N",
    help="Which trials --rerun chooses: the same for the same N; without it, others each time.",
)
@click.pass_context
def check_bundle(context: click.Context, file: Path, count: int | None, seed: int | None) -> None:
    """Check BUNDLE, a file that bundle has written, without unpacking it and without measuring.

    Every byte must be accounted for, the trials be those that the claim files ask for, and every
    verdict, judged again from the observations, be the stored one. --rerun measures some trials
    again: under the same conditions every bit must be the same, under others, which are named,
    a small relative difference is allowed. A trial that had failed and can be
    measured now differs.

    Exits with 0 if all is as it must be, 2 if BUNDLE is none or not safe to read, 3 if something
    differs, 5 if a trial could not be measured.
    """
    from rnnconv_cli.cli.progress import progress_on
    from rnnconv_cli.evidence.check import check

    style = style_of(sys.stdout)
    with progress_on(sys.stderr, quiet=False) as progress:
        checked = check(file, progress, asked_of)
    put(painted(_found(checked, file, style), style))
    status = EXIT_CONTRADICTED if checked.differences else 0
    unconfirmed = checked.unconfirmed
    if count is not None and checked.report is not None and not checked.differences:
        reruns = _measure_again(checked.report, file, count, seed, style)
        status = max((status, *(each.exit_status for each in reruns)))
        if reruns and not any(each.is_confirmed for each in reruns):
            unconfirmed = (*unconfirmed, "no bit was confirmed by measuring")
    put(painted([_line("verdict", _verdict(checked, status, count, unconfirmed), style)], style))
    context.exit(status)


def _found(checked: Checked, file: Path, style: Style) -> Iterator[RenderableType]:
    """The file with its digest, and step by step what was found."""
    yield heading(str(file), style)
    yield _line("size", f"{checked.file.size:,} bytes", style)
    yield _line("SHA-256", checked.file.sha256, style)
    for step in checked.steps:
        if not step.differences:
            yield _line(step.name, step.passed, style)
        if step.note:
            yield _line("", step.note, style)
        for each in step.differences[:MOST_SHOWN]:
            yield _line(step.name, f"{each.place} {each.what}", style)
        if len(step.differences) > MOST_SHOWN:
            yield _line(step.name, f"... and {len(step.differences) - MOST_SHOWN:,} more", style)


def _measure_again(report: Report, file: Path, count: int, seed: int | None, style: Style) -> Sequence[Rerun]:
    """Measure trials again, and show each as soon as it is compared."""
    from rnnconv_cli.cli.progress import progress_on
    from rnnconv_cli.evidence.rerun import chosen, distinct_trials, measured_again

    number = random.SystemRandom().randrange(LARGEST_CHOICE) if seed is None else seed
    every = distinct_trials(report)
    trials = chosen(every, count, number)
    said = f"{len(trials)} of {len(every):,} trials, the choice of --seed-of-choice {number}"
    put(painted([_line("rerun", said, style)], style))
    found = []
    with progress_on(sys.stderr, quiet=False) as progress:
        for each in measured_again(report, trials, str(file), progress):
            put(painted(_rerun(each, style), style))
            found.append(each)
    return found


def _rerun(rerun: Rerun, style: Style) -> Iterator[RenderableType]:
    place = rerun.places[0] + (f" and {len(rerun.places) - 1} more" if len(rerun.places) > 1 else "")
    yield _line(rerun.key, f"{rerun.label}; {place}", style)
    for words in dict.fromkeys(map(_comparison, rerun.replays)) or [rerun.problem]:
        yield _line("", words, style)


def _comparison(replay: Replay) -> str:
    """What came out, and by which rule it was compared."""
    pairs = len(replay.compared)
    if replay.has_failed:
        return "could not be measured now"
    if replay.had_failed:
        return "measured now, and had failed then: the result has kept this draw from its verdict"
    detail = "" if replay.has_same_detail else "; the detail differs"
    if replay.is_same:
        return f"same bits in {amount(pairs, 'reading')}{detail}"
    largest = max((each.relative or 0.0) for each in replay.compared)
    curve = "" if replay.has_same_curve else ", another loss curve"
    found = f"other bits, relative difference {largest:.2g}{curve}{detail}"
    if not replay.changes:
        return f"{found}: under the same conditions every bit must be the same"
    rule = "as close as other conditions must be" if replay.exit_status == 0 else "further than other conditions allow"
    return f"{found}, {rule} ({', '.join(replay.changes)})"


def _verdict(checked: Checked, status: int, count: int | None, unconfirmed: Sequence[str]) -> str:
    if checked.differences:
        kept = "; nothing was measured again" if count is not None else ""
        return f"something differs{kept}{_other_sources(checked)}"
    if status == EXIT_CONTRADICTED:
        return "a trial that was measured again differs"
    if status == EXIT_COULD_NOT_MEASURE:
        return "a trial could not be measured again"
    but = f", but {'; '.join(unconfirmed)}" if unconfirmed else ""
    return f"all is as it must be{but}; who made the bundle, only its SHA-256 can tell"


def _other_sources(checked: Checked) -> str:
    """Whose differences they may be: what another version writes differently is no forgery."""
    written_by = checked.written_by
    return f"; the result says that it is from {written_by}, and this is another one" if written_by else ""


def _line(label: str, text: str, style: Style) -> RenderableType:
    return paragraph(f"{label:<{LABELS}}", text, style, indent=2)
