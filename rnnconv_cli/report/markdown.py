"""A report as Markdown in GitHub's flavour: for each claim a table of its checks, and below it why they stand so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rnnconv_cli.records import CheckResult, ClaimResult, Report, Verdict
from rnnconv_cli.report.estimates import measured_in_full
from rnnconv_cli.report.layout import PLAIN, Style, signed
from rnnconv_cli.report.plain import ascii_only, visible
from rnnconv_cli.report.standing import (
    Standing,
    control_in_a_word,
    expectation,
    reason,
    run_reasons,
    standing,
    summary,
    warning,
)

COLUMNS = ("check", "predicted", "measured", "slack", "control", "verdict")
MARKUP = re.compile(r"[\\`*_\[\]<>|~&$#!]")
NO_COMMENT = "<!-- -->"  # shows nothing, and keeps what stands beside it from becoming a link or a mention
LINKS = re.compile(r"(?<=:)(?=//)|(?<=@)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=xmpp)(?=:)", re.IGNORECASE)


def render(report: Report, style: Style = PLAIN) -> str:
    """The report as Markdown; whatever a stranger's words hold, it is shown as it is written."""
    blocks = [f"**rnnconv {_text(report.tool_version, style)}:** {_text(summary(report), style)}"]
    notes = [("error", each) for each in run_reasons(report)]
    if amiss := warning(report):
        notes.append(("warning", amiss))
    if notes:
        blocks.append("\n".join(f"- **{kind}:** {_text(said, style)}" for kind, said in notes))
    for claim in report.claims:
        checks = [check for check in claim.checks if not style.brief or standing(check) is not Standing.FINE]
        if checks or not style.brief:
            blocks += _claim(claim, checks, style)
    return "\n\n".join(blocks) + "\n"


def _claim(claim: ClaimResult, checks: list[CheckResult], style: Style) -> Iterator[str]:
    yield f"## {_text(f'{claim.id}: {claim.title}', style)}"
    verdict = f"{claim.verdict}, expected {claim.expected}"
    yield f"Source: {_text(claim.source, style)}; **{_text(verdict, style)}**"
    rows = ["| " + " | ".join(COLUMNS) + " |", "|---|---|---|---:|---|---|"]
    yield "\n".join([*rows, *(_row(check, style) for check in checks)])
    yield "\n".join(line for check in checks for line in _remarks(check, style))


def _row(check: CheckResult, style: Style) -> str:
    verdict = _text(expectation(check), style)
    cells = (
        _text(check.id, style),
        _text(check.predicted.text, style),
        _text(measured_in_full(check.finding.estimate, check.parameter), style),
        _text(signed(check.finding.slack), style),
        _text(control_in_a_word(check), style),
        f"**{verdict}**" if check.as_expected is False else verdict,
    )
    return "| " + " | ".join(cells) + " |"


def _remarks(check: CheckResult, style: Style) -> Iterator[str]:
    said = f"because {reason(check)}"
    if check.verdict is Verdict.INCONCLUSIVE and check.finding.settle:
        said += f"; to settle it: {check.finding.settle}"
    expected = "" if check.expected is Verdict.WITHIN else f", expected {check.expected}"
    source = f"{check.source} ({check.status}{expected})"
    yield f"- **{_text(check.id, style)}** ({_text(source, style)}): {_text(said, style)}"


def _text(text: str, style: Style) -> str:
    """Words that no reader of Markdown takes for markup, a link or a mention."""
    safe = ascii_only(visible(text)) if style.ascii_only else visible(text)
    return LINKS.sub(NO_COMMENT, MARKUP.sub(r"\\\g<0>", safe))
