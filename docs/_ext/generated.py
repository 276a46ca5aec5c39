"""The parts of the manual that the program knows best, put in before a page is read.

A page asks for one by a line such as `<!-- keys of a claim file -->`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from claim_reference import adversaries, keys, quantities
from cli_reference import commands
from format_reference import formats
from sphinx.application import Sphinx

PARTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "keys of a claim file": keys,
    "quantities": quantities,
    "adversaries": adversaries,
    "commands": commands,
    "formats": formats,
}


def setup(app: Sphinx) -> Mapping[str, bool]:
    """Tell Sphinx when to fill pages."""
    app.connect("source-read", _filled)
    return {"parallel_read_safe": True}


def _filled(app: Sphinx, page: str, source: list[str]) -> None:
    for name, made in PARTS.items():
        asked = f"<!-- {name} -->"
        if asked in source[0]:
            source[0] = source[0].replace(asked, "\n".join(made()))
