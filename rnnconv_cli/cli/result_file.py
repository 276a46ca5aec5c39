"""A stored result as commands read it: one file, or a pipe, of bounded size."""

from __future__ import annotations

from pathlib import Path

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.parts import HINT

MOST_BYTES = 2**30  # several times the result of the full profile


def text_of(path: Path) -> str:
    """Return the text of a stored result. Raises UsageError where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UsageError(f"more than {MOST_BYTES:,} bytes in {path}", "a stored result", HINT)
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"{path} ({why})", "a stored result", HINT) from error
