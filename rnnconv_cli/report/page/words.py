"""What a claim, a check and a number mean, in sentences for somebody who has never seen the project."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from rnnconv_cli.judge.words import PLURALS, symbol
from rnnconv_cli.records import (
    MAIN,
    CheckResult,
    ClaimResult,
    Decay,
    Estimate,
    Exponent,
    Frontier,
    Growth,
    IdentityError,
    Predicted,
    Probability,
    Verdict,
)
from rnnconv_cli.report.estimates import measured as in_few_words
from rnnconv_cli.report.layout import interval, quantity
from rnnconv_cli.report.page.glossary import SHORT, SWEPT


def question(check: CheckResult) -> str:
    """What is measured, as a question."""
    quantity, at = check.quantity, swept(check.parameter)
    match check.kind:
        case "exponent":
            return f"How fast does {quantity} grow or shrink as {at} grows?"
        case "attainment":
            return f"Is the bound sharp: can {quantity} change as fast as the statement allows, as {at} grows?"
        case "growth":
            return f"Does {quantity} change like a power of {symbol(check.parameter)}, and not exponentially?"
        case "event":
            return f"How often does the inequality for {quantity} hold?"
        case "identity":
            return f"Is the formula for {quantity} exact?"
        case "decay":
            return "Does the loss fall by the same factor in every step, or ever more slowly?"
        case "frontier":
            return f"How wide must the network be, for {quantity} to keep its bound?"
        case _:
            return f"What is {quantity}?"


def verdict(check: CheckResult) -> str:
    """What the verdict of a check says, in one sentence."""
    agrees = "as its claim file expects" if check.as_expected else "against what its claim file expects"
    match check.verdict:
        case Verdict.WITHIN:
            tail = "" if check.expected is Verdict.WITHIN else f", {agrees}"
            return f"Holds at these sizes{tail}: {_allowed(check, 'all')}."
        case Verdict.OUTSIDE:
            return f"Does not hold at these sizes, {agrees}: {_allowed(check, 'none')}."
        case Verdict.MEASURED:
            return "A measurement: the paper states no number to compare with, so there is no verdict."
        case Verdict.INCONCLUSIVE:
            return f"Undecided: {_undecided(check)}."


def _allowed(check: CheckResult, share: str) -> str:
    """How much of what was measured the statement allows."""
    if isinstance(check.finding.estimate, IdentityError):
        return (
            "no error is larger than rounding explains"
            if share == "all"
            else "errors are larger than rounding explains"
        )
    return f"{share} of the measured interval is allowed by the statement"


def _undecided(check: CheckResult) -> str:
    if check.finding.estimate is None:
        return "nothing could be estimated"
    if check.finding.verdict is not Verdict.INCONCLUSIVE and not check.control.as_expected:
        return "the control did not come out as it must, so this check has not shown that it can tell true from false"
    return "the measured interval lies on neither side of what the statement allows"


def of_claim(claim: ClaimResult) -> str:
    """What the verdict of a claim says of its checks, in a few words."""
    verdicts = {each.verdict for each in claim.checks}
    word = SHORT[claim.verdict]
    if claim.verdict is Verdict.WITHIN and len(claim.checks) > 1:
        word = "all hold" if verdicts == {Verdict.WITHIN} else "all that are judged hold"
    elif claim.verdict is Verdict.OUTSIDE and len(claim.checks) > 1:
        word = "none holds" if verdicts == {Verdict.OUTSIDE} else "not all hold"
    if claim.as_expected is False:
        return f"{word}, against expectation"
    return f"{word}, as expected" if claim.verdict is Verdict.OUTSIDE else word


def tally(checks: Sequence[CheckResult]) -> str:
    """How many checks came out how, and whether as expected."""
    counts = Counter(each.verdict for each in checks)
    phrases = {
        Verdict.WITHIN: ("holds", "hold"),
        Verdict.OUTSIDE: ("does not hold", "do not hold"),
        Verdict.INCONCLUSIVE: ("is undecided", "are undecided"),
        Verdict.MEASURED: ("is a measurement without a verdict", "are measurements without a verdict"),
    }
    parts = []
    for each, (one, many) in phrases.items():
        if counts[each]:
            parts.append(f"{counts[each]} {one if counts[each] == 1 else many}{_beforehand(checks, each)}")
    return _listed(parts) or "nothing was checked"


def lead(checks: Sequence[CheckResult]) -> str:
    """The whole page in a few sentences."""
    if not checks:
        return "Nothing was checked."
    against = sum(each.as_expected is False for each in checks)
    agrees = (
        "None contradicts what its claim file expected."
        if not against
        else f"{against} contradict{'s' if against == 1 else ''} what the claim file expected: look there first."
    )
    what = f"{len(checks)} statements were" if len(checks) != 1 else "One statement was"
    return f"{what} checked on random networks: {tally(checks)}. {agrees}"


def _beforehand(checks: Sequence[CheckResult], which: Verdict) -> str:
    """Whether checks that came out one way were expected to; empty where that is the usual way."""
    those = [each for each in checks if each.verdict is which]
    against = sum(each.as_expected is False for each in those)
    if against:
        return f" ({against} of them against expectation)" if len(those) > 1 else " (against expectation)"
    if which is Verdict.OUTSIDE:
        return " (as expected)" if len(those) == 1 else " (all as expected)"
    return ""


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def predicted(check: CheckResult) -> str:
    """What the statement allows, in words."""
    claim, at = check.predicted, symbol(check.parameter)
    excess = _excess(claim)
    number = "" if claim.number is None else f"{claim.number:.3g}"
    match claim.kind:
        case "exponent":
            side = {"upper": "at most", "lower": "at least"}.get(claim.side, "about")
            return f"the quantity behaves like a power of {at}, and the power is {side} {number}{excess}"
        case "attainment":
            return f"something allowed by the statement reaches the power {number} of {at}{excess}"
        case "growth":
            limit = {"upper": f"at most {number}", "lower": f"at least -{number}"}.get(
                claim.side, f"between -{number} and {number}"
            )
            return (
                f"beside a power of {at} there is no factor exp(r {at}) of note: the rate r is {limit} per unit of {at}"
            )
        case "event":
            return f"the inequality holds with probability at least {number}"
        case "identity":
            units = f"{number} rounding unit{'s' if claim.number != 1 else ''}"
            return f"both sides agree up to {units} (machine epsilon times the size of the problem)"
        case "decay":
            return f"the logarithm of the steps for each further decade of the loss grows by nothing{excess} per decade"
        case "frontier" if claim.number is not None:
            return f"the smallest width that suffices, m*, grows like a power of {at} of at most {number}{excess}"
        case "frontier":
            return f"no number: the smallest width that suffices, m*, is measured for each {at}"
        case _:
            return claim.text


def _excess(claim: Predicted) -> str:
    """What is allowed beyond the predicted number, and why."""
    between = claim.side == "both"
    parts = [f"± {claim.tolerance:.3g}" if between else f"{claim.tolerance:.3g} of declared tolerance"]
    if claim.earned:
        parts.append(f"{claim.earned:.2g} for the logarithm in the bound")
    shown = _listed(parts)
    if between:
        return f", {shown}"
    sign = "less" if claim.side == "lower" else "plus"
    return f", {sign} {shown}" if claim.tolerance or claim.earned else ", with no tolerance"


def measured(estimate: Estimate | None, parameter: str | None) -> str:
    """An estimate with its interval, and what it rests on."""
    at = symbol(parameter)
    points = PLURALS.get(parameter or "", "points")
    match estimate:
        case None:
            return "nothing: no trial gave a number that could be used"
        case Exponent():
            return f"power of {at}: {_number(estimate)}"
        case Growth():
            beside = f"beside a power of {estimate.exponent:.3g}"
            return f"rate r per unit of {at}: {_number(estimate)}, {beside}"
        case Probability():
            return f"holds in {estimate.holds} of {estimate.trials} draws: share {_number(estimate)}"
        case IdentityError():
            return f"largest error {estimate.value:.3g} rounding units in {estimate.trials} draws"
        case Decay():
            ends = f"{_open(estimate.rate_low)} to {_open(estimate.rate_high)}"
            rate = f"the loss shrinks by the share {estimate.rate:.3g} ({ends}) in each step of the tail"
            return f"growth per decade: {_number(estimate)}, over {len(estimate.tail)} decades; {rate}"
        case Frontier():
            widths = f"m* at {len(estimate.points)} {points}" if len(estimate.points) > 1 else "m* at one point"
            if estimate.value is None:
                return f"{widths}: {_widths(estimate)}"
            return f"power of {at} in m*: {_number(estimate)}; {widths}"


def _widths(estimate: Frontier) -> str:
    found = zip(estimate.widths, estimate.widths_low, estimate.widths_high, strict=True)
    return ", ".join(f"{_open(width)} ({_open(low)} to {_open(high)})" for width, low, high in found)


def _open(end: float) -> str:
    """The end of an interval, which may be out of reach."""
    return quantity(end) if math.isfinite(end) else "out of reach"


def _number(estimate: Exponent | Growth | Probability | Decay | Frontier) -> str:
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return "no power, as there is a single point"
    return f"{interval(value, low, high)}, the interval at {100 * estimate.level:.4g} %"


def slack(value: float | None) -> str:
    """How much of the claim is left unused, in words."""
    if value is None:
        return ""
    side = "on the allowed side of the prediction" if value > 0 else "beyond the prediction, before its tolerance"
    return f"{value:+.3g}: the measured number lies {abs(value):.3g} {side}" if value else "0: exactly as predicted"


def brief(estimate: Estimate | None) -> str:
    """An estimate with its interval, for a cell."""
    if isinstance(estimate, Frontier) and estimate.value is None:
        return f"m* = {', '.join(map(_open, estimate.widths))}"
    return in_few_words(estimate)


def swept(parameter: str | None) -> str:
    """What varies between the networks of a check; empty where nothing does."""
    return SWEPT.get(parameter, parameter) if parameter else ""


def worst(check: CheckResult) -> str:
    """Which search has found the worst perturbation; empty where none was made."""
    if check.worst_adversary is None:
        return ""
    tried = dict.fromkeys(each.adversary for each in check.observations if each.adversary and each.arm == MAIN)
    return f"found by the adversary {check.worst_adversary}, of {len(tried)} that were tried"
