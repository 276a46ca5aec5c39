"""The two streams that a command writes to: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TextIO

import click

from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.plain import ascii_only, visible

LOG_WIDTH = 100  # columns of a log, which has no width of its own
WIDEST, NARROWEST = 140, 74  # longer lines are hard to read, shorter ones leave no room for a row of figures


def style_of(stream: TextIO | None, *, brief: bool = False) -> Style:
    """What a stream can show: its width and colours if it is a terminal, ASCII alone if that is its encoding."""
    is_terminal = stream is not None and stream.isatty()
    width = shutil.get_terminal_size((LOG_WIDTH, 24)).columns if is_terminal else LOG_WIDTH
    return Style(
        width=min(max(width, NARROWEST), WIDEST),
        ascii_only=not writes_unicode(stream),
        colour=is_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        brief=brief,
    )


def writes_unicode(stream: TextIO | None) -> bool:
    """Whether every character can be written to the stream."""
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")


def put(text: str) -> None:
    """Write results to stdout, at once."""
    click.echo(text, nl=False)


def complain(text: str) -> None:
    """Write lines for people to stderr; nothing in them acts on the terminal."""
    safe = visible(text, lines=True)
    with contextlib.suppress(OSError):  # nobody can be told that stderr is gone, and the exit status still tells
        click.echo(safe if writes_unicode(sys.stderr) else ascii_only(safe), err=True)
