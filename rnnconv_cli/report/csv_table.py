"""A report as comma-separated values: one row for each check, every number in full and in a column of its own."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping

from rnnconv_cli.records import MAIN, CheckResult, ClaimResult, Estimate, Frontier, IdentityError, Report
from rnnconv_cli.report.layout import PLAIN, Style
from rnnconv_cli.report.plain import ascii_only, visible
from rnnconv_cli.report.standing import reason, standing
from rnnconv_cli.report.table_of_trials import inert

Value = str | float | bool | None

COLUMNS = (
    "claim", "check", "kind", "status", "source", "quantity", "parameter", "path",
    "predicted_side", "predicted_name", "predicted_number", "tolerance", "earned", "counted_side", "counted_bound",
    "estimate", "low", "high", "level", "allowed", "points", "widths", "widths_low", "widths_high", "slack",
    "verdict", "expected", "as_expected", "standing", "because", "settle",
    "control", "control_verdict", "control_expected", "control_as_expected",
    "control_estimate", "control_low", "control_high", "control_level", "control_allowed", "control_slack",
    "worst_adversary", "trials", "profile", "seed", "backend", "version",
)  # fmt: skip


def render(report: Report, style: Style = PLAIN) -> str:
    """The report in the form of RFC 4180, its header first; a text that a spreadsheet would compute is made none."""
    rows = [_row(report, claim, check) for claim in report.claims for check in claim.checks]
    page = io.StringIO()
    writer = csv.DictWriter(page, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value, style) for name, value in row.items()} for row in rows)
    return page.getvalue()


def _row(report: Report, claim: ClaimResult, check: CheckResult) -> Mapping[str, Value]:
    predicted, control = check.predicted, check.control
    counted = predicted.counted
    return {
        "claim": claim.id,
        "check": check.id,
        "kind": check.kind,
        "status": check.status,
        "source": check.source,
        "quantity": check.quantity,
        "parameter": check.parameter,
        "path": check.path,
        "predicted_side": predicted.side,
        "predicted_name": predicted.number_name,
        "predicted_number": predicted.number,
        "tolerance": predicted.tolerance,
        "earned": predicted.earned,
        "counted_side": None if counted is None else counted.side,
        "counted_bound": None if counted is None else counted.bound,
        **_numbers("", check.finding.estimate),
        **_widths(check.finding.estimate),
        "slack": check.finding.slack,
        "verdict": check.verdict,
        "expected": check.expected,
        "as_expected": check.as_expected,
        "standing": standing(check),
        "because": reason(check),
        "settle": check.finding.settle,
        "control": control.description,
        "control_verdict": control.finding.verdict,
        "control_expected": control.expected,
        "control_as_expected": control.as_expected,
        **_numbers("control_", control.finding.estimate),
        "control_slack": control.finding.slack,
        "worst_adversary": check.worst_adversary,
        "trials": len({each.key for each in check.observations if each.arm == MAIN}),
        "profile": report.profile,
        "seed": report.seed,
        "backend": report.backend,
        "version": report.tool_version,
    }


def _numbers(prefix: str, estimate: Estimate | None) -> Mapping[str, Value]:
    """An estimate with its interval; of an identity, what is allowed in its place."""
    ends: dict[str, Value] = {name: getattr(estimate, name, None) for name in ("low", "high", "level")}
    found: dict[str, Value] = {"estimate": None if estimate is None else estimate.value, **ends}
    found["allowed"] = estimate.allowed if isinstance(estimate, IdentityError) else None
    return {prefix + name: value for name, value in found.items()}


def _widths(estimate: Estimate | None) -> Mapping[str, Value]:
    """The smallest widths of a frontier, point by point; as many as there are points."""
    names = ("points", "widths", "widths_low", "widths_high")
    if not isinstance(estimate, Frontier):
        return dict.fromkeys(names)
    return {name: " ".join(map(_number, getattr(estimate, name))) for name in names}


def _cell(value: Value, style: Style) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return _number(value)
    text = visible(value)
    return str(inert(ascii_only(text) if style.ascii_only else text))


def _number(value: float) -> str:
    """A number to its last digit; nothing where there is none."""
    return "" if math.isnan(value) else repr(value)
