"""Every command with its arguments and options, as the program itself tells them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence

import click
from markdown_text import block, code, literal, table

from rnnconv_cli.cli.main import program

WIDE = 1000  # columns: a help text's own lines are not wrapped, a page does that
VERBATIM = "\b"  # click's sign for lines that keep their ends


def commands() -> Iterator[str]:
    """Lines of Markdown: a section for each command, and for the commands of a group."""
    yield from _described(_context(program, None), "##")


def _context(command: click.Command, parent: click.Context | None) -> click.Context:
    name = "rnnconv" if parent is None else command.name
    return click.Context(command, info_name=name, parent=parent, max_content_width=WIDE, terminal_width=WIDE)


def _described(context: click.Context, level: str) -> Iterator[str]:
    command = context.command
    yield from ("", f"{level} {context.command_path}", "")
    yield from block(command.get_usage(context).removeprefix("Usage: "), "text")
    yield from _paragraphs(command.help or "")
    options = (each for each in command.get_params(context) if isinstance(each, click.Option) and not each.hidden)
    yield from table(("option", "meaning"), (_option(each, context) for each in options))
    yield from _example(command.epilog or "")
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from _described(_context(each, context), f"{level}#" if context.parent else "##")


def _option(option: click.Option, context: click.Context) -> Sequence[str]:
    """How an option is written, and what it does; a choice stands in the meaning, where lines may wrap."""
    written, told = option.get_help_record(context) or ("", "")
    if not isinstance(option.type, click.Choice):
        return code(written), literal(told)
    named = ", ".join(map(code, map(str, option.type.choices)))
    return code(written.partition(" [")[0]), f"{literal(told)} One of {named}."


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith(VERBATIM):
            yield from block(paragraph.removeprefix(VERBATIM).strip("\n"), "text")
        else:
            yield from ("", literal(paragraph), "")


def _example(epilog: str) -> Iterator[str]:
    """The commands of a help text's end, to be copied."""
    lines = epilog.removeprefix(VERBATIM).strip("\n").splitlines()[1:]
    if lines:
        yield from block("\n".join(f"$ {line.strip()}" for line in lines), "console")
