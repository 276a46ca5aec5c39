"""REPORT → TEXT: pure functions, and the table of formats that a report can be shown or stored in."""

from __future__ import annotations

from typing import Protocol

from rnnconv_cli.records import Report
from rnnconv_cli.report import json, table
from rnnconv_cli.report.layout import PLAIN, Style


class Render(Protocol):
    """A format: the report's text in a style."""

    def __call__(self, report: Report, style: Style = PLAIN) -> str:
        """The report as text."""


FORMATS: dict[str, Render] = {"table": table.render, "json": json.render}
SUFFIXES: dict[str, str] = {".json": "json"}  # a file name's end that says its format; any other is a table
