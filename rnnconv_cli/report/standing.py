"""What a check's result asks of whoever reads it: one of four, in every format for other programs."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from rnnconv_cli.judge.unmeasured import could_not_measure
from rnnconv_cli.records import CheckResult, Report, Verdict
from rnnconv_cli.report.layout import amount


class Standing(StrEnum):
    """How a check stands, the most pressing first."""

    CONTRADICTED = "contradicts its expectation"
    UNMEASURED = "could not be measured"
    UNDECIDED = "inconclusive"
    FINE = "fine"  # as expected, or only measured


def standing(check: CheckResult) -> Standing:
    """How a check stands."""
    if check.as_expected is False:
        return Standing.CONTRADICTED
    if could_not_measure(check):
        return Standing.UNMEASURED
    return Standing.UNDECIDED if check.verdict is Verdict.INCONCLUSIVE else Standing.FINE


def run_reasons(report: Report) -> tuple[str, ...]:
    """What is wrong with a run as a whole: the reasons of its exit status that are no check's own."""
    names = tuple(f"{claim.id}/{check.id}: " for claim in report.claims for check in claim.checks)
    return tuple(each for each in report.exit_reasons if not each.startswith(names))


def warning(report: Report) -> str:
    """What a run has found amiss that no verdict says: trials that have changed their bits; nothing where none has."""
    facts = dict(report.environment.facts)
    count, first = facts.get("trials_changed"), facts.get("first_changed")
    if not count:
        return ""
    which = f"{count} trials that were" if count != 1 else "1 trial that was"
    again = f"{which} measured again under the same conditions gave other bits than the store has"
    return f"{again}; the first: rnnconv results show {first}"


def reason(check: CheckResult) -> str:
    """Why a check stands as it does, in one sentence."""
    return could_not_measure(check) or check.because


def expectation(check: CheckResult) -> str:
    """A verdict, and whether it was expected where a reader would ask."""
    if check.as_expected is False:
        return f"{check.verdict}, expected {check.expected}"
    return f"{check.verdict}, as expected" if check.verdict is Verdict.OUTSIDE else str(check.verdict)


def control_in_a_word(check: CheckResult) -> str:
    """What the control did; that there is no power where it did not come out as it must."""
    return str(check.control.finding.verdict) if check.control.as_expected else "no power"


def summary(report: Report) -> str:
    """How many checks there are of each verdict, and how many are against their expectation."""
    checks = [check for claim in report.claims for check in claim.checks]
    verdicts = Counter(check.verdict for check in checks)
    counted = ", ".join(f"{verdicts[each]} {each}" for each in Verdict if verdicts[each]) or "none"
    against = sum(check.as_expected is False for check in checks)
    ran = f"profile {report.profile}, seed {report.seed}, exit status {report.exit_status}"
    return f"{amount(len(checks), 'check')}: {counted}; {against or 'none'} against expectation; {ran}"
