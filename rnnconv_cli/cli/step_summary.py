"""The summary of a step of GitHub Actions: a report as Markdown, appended to the file that the runner names."""

from __future__ import annotations

import os

from rnnconv_cli.errors import OutputError
from rnnconv_cli.records import Report
from rnnconv_cli.report.layout import Style
from rnnconv_cli.report.markdown import render
from rnnconv_cli.report.standing import summary

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST_BYTES = 2**20 - 2**14  # a runner drops a summary of more than 1 MiB, what other commands have written included


def append_summary(report: Report) -> tuple[OutputError, ...]:
    """Append the report to the summary of this step, if there is one; return what failed."""
    path = os.environ.get(VARIABLE)
    if not path:
        return ()
    try:
        with open(path, "ab") as file:
            file.write(_fitting(report, MOST_BYTES - file.tell()).encode())
    except (OSError, ValueError) as error:
        hint = f"let {VARIABLE} name a file that can be written, or unset it"
        return (OutputError(path, getattr(error, "strerror", None) or str(error), hint),)
    return ()


def _fitting(report: Report, room: int) -> str:
    """All of the report, or what needs attention, or how many checks there are of each verdict."""
    for shown in (render(report), render(report, Style(brief=True))):
        if len(shown.encode()) <= room:
            return f"{shown}\n"
    return f"rnnconv: {summary(report)}\n"
