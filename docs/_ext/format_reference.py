"""Every format of a result, as its own module tells it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from markdown_text import code, literal, table

from rnnconv_cli.report import FORMATS, SUFFIXES

NO_SUFFIX = "table"  # the format of a name without one


def formats() -> Iterator[str]:
    """Lines of Markdown: a table of formats, with the ends of file names that choose them."""
    suffixes = {form: code(suffix) for suffix, form in SUFFIXES.items()}
    suffixes[NO_SUFFIX] += ", or none"
    told = {form: inspect.getdoc(inspect.getmodule(render)) or "" for form, render in FORMATS.items()}
    rows = ((code(form), suffixes.get(form, ""), literal(told[form].split("\n\n", 1)[0])) for form in FORMATS)
    yield from table(("format", "suffix", "what it is"), rows)
