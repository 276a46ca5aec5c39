"""The claims that come with the tool, found by path."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from rnnconv_cli.errors import UnknownName

_PACKAGE = Path(__file__).resolve().parent.parent
_IN_A_WHEEL = _PACKAGE / "_claims"
_IN_A_REPOSITORY = _PACKAGE.parent / "claims"  # an editable install has no copy inside the package


def shipped() -> tuple[Path, ...]:
    """The claim files of the catalogue, in alphabetical order; a claim's name is its file's stem."""
    folder = _IN_A_WHEEL if _IN_A_WHEEL.is_dir() else _IN_A_REPOSITORY
    return tuple(sorted(folder.glob("*.yaml")))


def find(name_or_path: str) -> Path:
    """The file of a shipped claim, or the path itself. Raises UnknownName where it is neither.

    What looks like a path (a suffix .yaml or .yml, or a separator) stays one, also where no such file exists: reading
    it then says why not.
    """
    known = {path.stem: path for path in shipped()}
    if name_or_path in known:
        return known[name_or_path]
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if name_or_path.endswith((".yaml", ".yml")) or any(each in name_or_path for each in separators):
        return Path(name_or_path)
    if os.path.exists(name_or_path):
        return Path(name_or_path)
    close = difflib.get_close_matches(name_or_path[:64], known)
    raise UnknownName("claim", name_or_path, tuple(known), tuple(close))
