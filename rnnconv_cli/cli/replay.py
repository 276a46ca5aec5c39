"""`rnnconv replay`: measure one trial of a stored result again, and compare bits."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import example
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.records import Reading, Status
from rnnconv_cli.report.layout import Style, heading, painted, paragraph
from rnnconv_cli.report.reading.stored_trial import StoredTrial, as_stored, read_trial
from rnnconv_cli.sweep.serial import KEY_DIGITS

if TYPE_CHECKING:
    from rnnconv_cli.sweep.replay import Compared, Replay

CLOSE = "as close as other conditions must be"
APART = "further apart than other conditions take most values: only chaos or cancellation would explain it"
OTHER_BITS = "other bits under the same conditions: the file was changed, or one seed has given two results"
LABELS = 12  # columns: perturbation is the longest label


@click.command(epilog=example("rnnconv replay results.json --trial 3fa9c1"))
@click.argument("result", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--trial", "key", required=True, metavar="KEY", help="The trial's key, or its first digits.")
@click.pass_context
def replay(context: click.Context, result: Path, key: str) -> None:
    """Measure one trial of RESULT, a file that verify has written, again, and compare bits.

    Each observation of a result names its trial by a key. Under the same conditions (backend,
    sources, versions, processor) every bit must be the same, those of a loss curve too; under
    others, which are named, a small relative difference is allowed.

    Exits with 0 if the readings are as they must be, 3 if not, also if a trial that had failed can
    be measured now, 5 if the trial could not be measured, 2 if it does not fit in the memory.
    """
    stored = read_trial(text_of(result), str(result), key)
    from rnnconv_cli.cli.progress import progress_on
    from rnnconv_cli.sweep import replay as again  # now, as it takes a while

    again.refuse_impossible(stored.trial, stored.backend, str(result))
    with progress_on(sys.stderr, quiet=False) as progress:
        now = tuple(map(as_stored, again.measure_again(stored.trial, stored.backend, progress)))
    changes = again.changes(stored.environment, stored.backend)
    style = style_of(sys.stdout)
    put(painted(_settings(stored, style), style))
    status = 0
    for readings, places in _distinct(stored).items():
        found = again.Replay(again.compared(readings, now, stored.trial.quantity), changes)
        put(painted(_comparison(found, places, style), style))
        status = max(status, found.exit_status)
    context.exit(status)


def _distinct(stored: StoredTrial) -> dict[tuple[Reading, ...], list[str]]:
    """What the result has of the trial, with its places: arms may have it at other points, or the file was changed."""
    places: dict[tuple[Reading, ...], list[str]] = {}
    for each in stored.measured:
        places.setdefault(each.readings, []).append(each.place)
    return places


def _settings(stored: StoredTrial, style: Style) -> Iterator[RenderableType]:
    trial = stored.trial
    yield heading(f"trial {stored.digest[:KEY_DIGITS]}: {trial.quantity}, draw {trial.replicate}", style)
    for name in ("problem", "training", "perturbation", "probe"):
        section = getattr(trial, name)
        if section is not None:
            numbers = [f"{field} {value}" for field, value in asdict(section).items() if value is not None]
            yield _line(name, ", ".join(numbers), style)
    if trial.read_at:
        yield _line("read at", ", ".join(map(str, trial.read_at)), style)
    if trial.preconditions:
        yield _line("needs", ", ".join(trial.preconditions), style)
    yield _line("seed", f"{trial.seed}, backend {stored.backend}", style)


def _line(label: str, text: str, style: Style) -> RenderableType:
    return paragraph(f"{label:<{LABELS}}", text, style, indent=2)


def _comparison(found: Replay, places: list[str], style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.sweep.conditions import REL_TOLERANCE

    slack = max(each.slack for each in found.compared)
    allowed = f"a relative difference of {REL_TOLERANCE:g}{f', or one of {slack:g},' if slack else ''} is allowed"
    yield _line("stored in", "; ".join(dict.fromkeys(places)), style)
    under = f"differ in {', '.join(found.changes)}: {allowed}" if found.changes else "the same: every bit must be"
    yield _line("conditions", under, style)
    for each in found.compared:
        yield _line(f"at {each.stored.point:g}", _in_words(each), style)
    for each in found.compared:
        if each.stored.curve or each.now.curve:
            yield _line("loss curve", _curve_in_words(each.stored, each.now), style)
    then, now = (_details(each) for each in ([p.stored for p in found.compared], [p.now for p in found.compared]))
    for detail in then:
        yield _line("detail" if then == now else "then", detail, style)
    for detail in () if then == now else now:
        yield _line("now", detail, style)
    yield _line("verdict", _verdict(found), style)


def _details(readings: Iterable[Reading]) -> tuple[str, ...]:
    """What measuring had to say, each once."""
    return tuple(dict.fromkeys(each.detail for each in readings if each.detail))


def _in_words(pair: Compared) -> str:
    """The two numbers, and how far they are apart."""
    stored, now = (_number(each) for each in (pair.stored, pair.now))
    if pair.has_same_value:
        return f"{stored}: same bits" if pair.now.value is not None else f"{stored}, and again"
    if pair.now.point not in (None, pair.stored.point):
        return f"{stored}, and now {now} at {pair.now.point:g}: read elsewhere"
    if pair.relative is None:
        return f"{stored}, and now {now}"
    units = "1 unit" if pair.last_places == 1 else f"{pair.last_places:.4g} units"
    return f"{stored}, and now {now}: {units} in the last place, relative difference {pair.relative:.2g}"


def _curve_in_words(stored: Reading, now: Reading) -> str:
    """How many losses a run has, or the first that is another."""
    steps = [[step for step, _ in each.curve] for each in (stored, now)]
    if steps[0] != steps[1]:
        return f"{len(steps[0])} losses, and now {len(steps[1])}, at other steps"
    apart = [
        f"{one!r}, and now {other!r}, at step {step}"
        for (step, one), (_, other) in zip(stored.curve, now.curve, strict=True)
        if repr(one) != repr(other)
    ]
    if not apart:
        return f"{len(steps[0])} losses: same bits"
    return f"{len(apart)} of {len(steps[0])} losses have other bits: first {apart[0]}"


def _number(reading: Reading) -> str:
    """A value to its last digit, and its status where that is not ok."""
    value = "no value" if reading.value is None else repr(float(reading.value))
    return value if reading.status is Status.OK else f"{value} ({reading.status})"


def _verdict(found: Replay) -> str:
    if found.has_failed:
        return "could not be measured now" + (", as when the result was written" if found.had_failed else "")
    if found.had_failed:
        return "measured now, and had failed then: the result has kept this draw from its verdict"
    words = "" if found.has_same_detail else "; the detail differs"
    if found.is_same:
        return f"same bits{words}"
    if found.changes:
        return (CLOSE if found.exit_status == 0 else APART) + words
    return OTHER_BITS + words
