"""Result files: tried before the run, so that no result is lost; written after it, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rnnconv_cli.cli.options import Destination
from rnnconv_cli.errors import OutputError, UsageError
from rnnconv_cli.records import Report
from rnnconv_cli.report import FORMATS

LOGS = ("-wal", "-shm")  # what SQLite appends to the store's name for files beside it


def prepare(destinations: Sequence[Destination]) -> None:
    """Make the folders of result files, and see that each takes a file. Raises UsageError, before anything is run."""
    seen: set[Path] = set()
    for destination in destinations:
        path = _target(destination.path)
        if path in seen:
            raise UsageError(f"{str(destination.path)!r} twice", "each file once", "give each format its own file")
        seen.add(path)
        try:
            _try(path)
        except OSError as error:
            found = f"{str(destination.path)!r}, which cannot be written ({error.strerror or error})"
            raise UsageError(found, "a file that can be written", "nothing was run") from error


def refuse_store(destinations: Sequence[Destination], store: Path) -> None:
    """Raise UsageError for a result file that is the store, or a log of it: it would replace what is kept."""
    base = os.path.realpath(store)
    taken = {Path(base + suffix) for suffix in ("", *LOGS)}
    for destination in destinations:
        if _target(destination.path) in taken:
            raise UsageError(f"{str(destination.path)!r}, which is the store", "another file", "nothing was written")


def refuse_inputs(destinations: Sequence[Destination], files: Iterable[Path]) -> None:
    """Raise UsageError for a result file that is one of the files that are read: it would replace it."""
    for file in files:
        for destination in destinations:
            if _is_same(destination.path, file):
                raise UsageError(f"{str(destination.path)!r}, which is read", "another file", "nothing was written")


def _is_same(path: Path, file: Path) -> bool:
    """Whether two names are those of one file; what cannot be looked at is none."""
    try:
        return path.samefile(file)
    except OSError:
        return False


def write(report: Report, destinations: Sequence[Destination]) -> tuple[OutputError, ...]:
    """Write every result file and return what failed: one file's failure holds no other file up."""
    return write_each(destinations, lambda form: FORMATS[form](report))


def write_each(
    destinations: Sequence[Destination], content_in: Callable[[str], str | bytes]
) -> tuple[OutputError, ...]:
    """The same for any result, which `content_in` puts into a format."""
    failures = []
    for destination in destinations:
        try:
            content = content_in(destination.format)
            _write(_target(destination.path), content.encode() if isinstance(content, str) else content)
        except OSError as error:
            reason = error.strerror or str(error)
            failures.append(OutputError(str(destination.path), reason, "try another file"))
    return tuple(failures)


def _target(path: Path) -> Path:
    """The file behind symbolic links, so that a link is kept and what it leads to is replaced; a pipe as it is."""
    return path if _is_special(path) else Path(os.path.realpath(path))


def _is_special(path: Path) -> bool:
    """Whether the path is a device or a pipe, which is written into and never replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _try(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(None, "is a folder")
    if not _is_special(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path.parent).close()


def _write(path: Path, content: bytes) -> None:
    if _is_special(path):
        path.write_bytes(content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".rnnconv-{secrets.token_hex()}.part"  # not from tempfile, whose files nobody else may read
    try:
        with beside.open("xb") as file:  # a new file: a link that somebody has put there is not followed
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
