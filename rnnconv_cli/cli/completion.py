"""What a shell completes on Tab: click's own scripts, and the names of claims."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from rnnconv_cli.spec import catalogue

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

VARIABLE = "_RNNCONV_COMPLETE"  # set by the script that a shell has read: what it wants


def claim_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Sequence[str | CompletionItem]:
    """The claims of the catalogue that begin so; where none does, the shell's own completion of files."""
    from click.shell_completion import CompletionItem

    names = [path.stem for path in catalogue.shipped() if path.stem.startswith(incomplete)]
    return names or [CompletionItem(incomplete, type="file")]


def answered(program: click.Command) -> int | None:
    """Answer a shell that completes, and return the exit status; None where no shell has asked."""
    asked = os.environ.get(VARIABLE)
    if not asked:
        return None
    from click.shell_completion import shell_complete

    return shell_complete(program, {}, "rnnconv", VARIABLE, asked)
