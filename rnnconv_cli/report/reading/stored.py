"""The figures of a stored result: what it says of each check, for tables that are made after the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rnnconv_cli.judge.words import out_of_reach
from rnnconv_cli.records import CheckResult, Estimate, ExhibitResult, Frontier
from rnnconv_cli.report.estimates import measured
from rnnconv_cli.report.reading.stored_report import read_report


@dataclass(frozen=True, slots=True)
class StoredCheck:
    """What a result says of one check, in words and numbers."""

    claim: str
    check: str
    verdict: str
    expected: str
    predicted: str
    measured: str
    widths: str  # m* at each point of a frontier; empty for any other kind
    slack: float | None
    worst: str  # the adversary that won, and its margin; empty without adversaries
    because: str
    control: str  # the control's verdict
    control_measured: str
    beside: Mapping[
        str, float | None
    ]  # the median of each exhibit; beside a frontier, its m* in units of the exhibit's


@dataclass(frozen=True, slots=True)
class StoredResult:
    """The checks of a result, by (claim id, check id), and how it came about."""

    version: str
    profile: str
    seed: int
    checks: Mapping[tuple[str, str], StoredCheck]
    budget: float | None = None  # seconds that a plan was made for; None for the whole profile


def read(text: str, origin: str) -> StoredResult:
    """The result in a JSON document. Raises UsageError for anything that `rnnconv verify` does not write."""
    report = read_report(text, origin)
    checks = {(claim.id, check.id): _check(claim.id, check) for claim in report.claims for check in claim.checks}
    budget = None if report.plan is None else report.plan.seconds
    return StoredResult(report.tool_version, report.profile, report.seed, checks, budget)


def _check(claim: str, check: CheckResult) -> StoredCheck:
    return StoredCheck(
        claim=claim,
        check=check.id,
        verdict=str(check.verdict),
        expected=str(check.expected),
        predicted=check.predicted.text,
        measured=_measured(check.finding.estimate),
        widths=_widths(check.finding.estimate),
        slack=check.finding.slack,
        worst=check.worst_adversary or "",
        because=check.because,
        control=str(check.control.finding.verdict),
        control_measured=_measured(check.control.finding.estimate),
        beside={each.id: _shown(each) for each in check.exhibits},
    )


def _measured(estimate: Estimate | None) -> str:
    """The estimate in a few words, which have to stand in a cell: of a frontier without an exponent, its widths."""
    if isinstance(estimate, Frontier) and estimate.value is None:
        return "m* = " + ", ".join(map(_width, estimate.widths))
    return measured(estimate)


def _widths(estimate: Estimate | None) -> str:
    """m* with its interval at each point."""
    if not isinstance(estimate, Frontier):
        return ""
    columns = (estimate.points, estimate.widths, estimate.widths_low, estimate.widths_high)
    return ", ".join(
        f"{_width(width)} [{low:.3g}, {high:.3g}] at {point:.4g}"
        for point, width, low, high in zip(*columns, strict=True)
    )


def _width(width: float) -> str:
    return out_of_reach(width) or f"{width:.3g}"


def _shown(exhibit: ExhibitResult) -> float | None:
    return exhibit.median if exhibit.price is None else exhibit.price.value
