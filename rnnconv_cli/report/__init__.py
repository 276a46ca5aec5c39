"""REPORT → TEXT: pure functions, and the table of formats that a report can be shown or stored in."""

from __future__ import annotations

from typing import Protocol

from rnnconv_cli.records import Report
from rnnconv_cli.report import csv_table, github, json, junit, latex, markdown, table
from rnnconv_cli.report.layout import PLAIN, Style
from rnnconv_cli.report.page import page


class Render(Protocol):
    """A format: the report's text in a style."""

    def __call__(self, report: Report, style: Style = PLAIN) -> str:
        """The report as text."""


FORMATS: dict[str, Render] = {
    "table": table.render,
    "json": json.render,
    "html": page.render,
    "markdown": markdown.render,
    "latex": latex.render,
    "csv": csv_table.render,
    "junit": junit.render,
    "github": github.render,
}
# A file name's end that says its format; a name without one is a table's.
SUFFIXES: dict[str, str] = {
    ".txt": "table",
    ".json": "json",
    ".html": "html",
    ".md": "markdown",
    ".tex": "latex",
    ".csv": "csv",
    ".xml": "junit",
}
