"""A stored result as commands read it: one file, or a pipe, of bounded size."""

from __future__ import annotations

from pathlib import Path

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.reading.parts import STORED_RESULT, Form

ZIP = b"PK\x03\x04"  # what an archive begins with
MOST_BYTES = 2**30  # several times the result of the full profile


def text_of(path: Path, form: Form = STORED_RESULT, most: int | None = None) -> str:
    """Return the text of a file of bounded size, which should hold such a document. Raises UsageError for none."""
    limit = MOST_BYTES if most is None else most
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
        if data.startswith(ZIP):
            raise UsageError(f"a ZIP archive, {path}", f"a {form.name}", "`rnnconv check-bundle` reads a bundle")
        if len(data) > limit:
            raise UsageError(f"more than {limit:,} bytes in {path}", f"a {form.name}", form.hint)
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"{path} ({why})", f"a {form.name}", form.hint) from error
