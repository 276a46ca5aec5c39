"""`rnnconv results`: what the store holds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli import output
from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import STORE_FILE, Destination, example
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, UnknownName, UsageError
from rnnconv_cli.report import table_of_trials
from rnnconv_cli.report.layout import Style, amount, heading, painted, paragraph, quantity, row, words
from rnnconv_cli.report.plain import visible
from rnnconv_cli.sweep.serial import KEY_DIGITS

if TYPE_CHECKING:
    from rnnconv_cli.sweep.serial import Conditions
    from rnnconv_cli.sweep.store import Kept, Shelf, Store

PARQUET = "parquet"
EXPORTS: dict[str, Callable[..., bytes]] = {
    "csv": table_of_trials.as_csv,
    "jsonl": table_of_trials.as_json_lines,
    PARQUET: table_of_trials.as_parquet,
}


@click.group(epilog=example("rnnconv results list", "rnnconv results export trials.csv"))
def results() -> None:
    """Read the store of finished trials."""


@results.command("list", epilog=example("rnnconv results list"))
@STORE_FILE
def list_results(store: Path) -> None:
    """List how many trials of which quantity are kept, by the conditions that they were measured under."""
    with closing(_opened(store)) as opened:
        shelves = opened.shelves()
    style = style_of(sys.stdout)
    put(painted(_shelves(shelves, style), style))


@results.command(epilog=example("rnnconv results show 3fa9c1"))
@click.argument("key")
@STORE_FILE
def show(key: str, store: Path) -> None:
    """Show the trials whose key begins with KEY: every field, every reading, and what they were measured under."""
    with closing(_opened(store)) as opened:
        found = tuple(opened.kept(key))
    if not found:
        hint = "`rnnconv results export` has every key"
        raise UsageError(f"no trial with a key that begins with {key!r}", "one", hint)
    style = style_of(sys.stdout)
    put(painted(_trials(found, style), style))


@results.command(epilog=example("rnnconv results export trials.csv", "rnnconv results export trials.parquet"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "form", type=click.Choice(tuple(EXPORTS)), help="Unless the file's suffix says it.")
@STORE_FILE
def export(file: Path, form: str | None, store: Path) -> None:
    """Write every reading that is kept to FILE, one in each row.

    Every format has the same columns; parquet needs pyarrow. In csv, a text that a spreadsheet
    would compute begins with an apostrophe.
    """
    form = form or file.suffix.removeprefix(".").lower()
    if form not in EXPORTS:
        raise UsageError(f"the suffix {file.suffix!r}", f"one of {', '.join(EXPORTS)}", "say --format")
    if form == PARQUET:
        table_of_trials.require_pyarrow()
    destination = (Destination(form, file),)
    output.refuse_store(destination, store)
    output.prepare(destination)
    with closing(_opened(store)) as opened:
        found = (
            each
            for kept in opened.kept()
            for each in table_of_trials.rows(
                kept.key, kept.conditions.digest[:KEY_DIGITS], kept.stored_at, kept.trial, kept.readings
            )
        )
        failures = output.write_each(destination, lambda form: EXPORTS[form](found))
    for failure in failures:
        raise failure


@results.command(epilog=example("rnnconv results gc"))
@click.option("--backend", default="compiled", show_default=True, metavar="NAME", help="Keep this backend's trials.")
@STORE_FILE
def gc(backend: str, store: Path) -> None:
    """Delete the trials that no run with this backend would find: of another one, of other sources or versions.

    Those of other processors stay: a run finds what its workers there have measured.
    """
    from rnnconv_cli.kernels.backend import BACKENDS
    from rnnconv_cli.sweep.conditions import conditions, differ_in_processors_only

    if backend not in BACKENDS:
        raise UnknownName("backend", backend, tuple(BACKENDS))
    here = conditions(backend)
    with closing(_opened(store)) as opened:
        gone = opened.drop_all_but(lambda theirs: differ_in_processors_only(here, theirs))
    put(f"{amount(gone, 'trial')} deleted\n")


@results.command(epilog=example("rnnconv results check"))
@STORE_FILE
@click.pass_context
def check(context: click.Context, store: Path) -> None:
    """Read the whole store, and say what in it is not what was written. Exits with 5 if anything is."""
    with closing(_opened(store)) as opened:
        total, damage = opened.damage()
    put("".join(f"{visible(each)}\n" for each in damage))
    put(f"{amount(total, 'trial')}, {amount(len(damage), 'fault')}\n")
    context.exit(EXIT_COULD_NOT_MEASURE if damage else 0)


def _opened(path: Path) -> Store:
    from rnnconv_cli.sweep.store import Store

    if not path.exists():
        raise UsageError(f"no store at {path}", "one", "`rnnconv verify` makes it, or name another --store")
    return Store(path)


def _shelves(shelves: tuple[Shelf, ...], style: Style) -> Iterator[RenderableType]:
    widths = (max(map(len, ("quantity", *(each.quantity for each in shelves)))), 8, 8, 26)
    for conditions in dict.fromkeys(each.conditions for each in shelves):
        yield heading(_short(conditions), style)
        yield row([words(name, style, "bold") for name in ("quantity", "trials", "failed", "last")], widths)
        for each in (each for each in shelves if each.conditions == conditions):
            cells = (each.quantity, str(each.trials), str(each.failed), each.last)
            yield row([words(cell, style) for cell in cells], widths)
        yield words("", style)
    yield words(amount(sum(each.trials for each in shelves), "trial"), style)


def _short(conditions: Conditions) -> str:
    facts = dict(conditions.facts)
    named = [facts[name] for name in ("backend", "cpu") if name in facts]
    versions = [f"{name} {facts[name]}" for name in ("numpy", "scipy", "numba") if name in facts]
    return f"conditions {conditions.digest[:KEY_DIGITS]}: {', '.join((*named, *versions))}"


def _trials(found: tuple[Kept, ...], style: Style) -> Iterator[RenderableType]:
    for kept in found:
        yield heading(f"trial {kept.key}", style)
        first, *others = table_of_trials.rows(kept.key, "", kept.stored_at, kept.trial, kept.readings)
        for name, value in first.items():
            if name not in ("key", "conditions", *table_of_trials.ENDS) and value not in (None, ()):
                yield paragraph(name, str(table_of_trials.joined(value)), style, indent=2)
        for each in (first, *others):
            at = "" if each["point"] is None else f" at {each['point']:g}"
            said = f"{quantity(each['value'])}{at}, {each['status']} {each['detail']}"
            yield paragraph("reading", said, style, indent=2)
        for name, text in kept.conditions.facts:
            yield paragraph("measured by", f"{name} {text}", style, indent=2)
