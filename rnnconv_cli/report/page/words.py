"""What a verdict and a number mean, in sentences for somebody who has never seen the project."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from rnnconv_cli.judge.unmeasured import failures_among
from rnnconv_cli.judge.words import PLURALS, symbol
from rnnconv_cli.records import (
    CONTROL,
    MAIN,
    CheckResult,
    ClaimResult,
    Decay,
    Exponent,
    Frontier,
    Growth,
    IdentityError,
    Probability,
    Verdict,
)
from rnnconv_cli.report.estimates import measured as in_few_words
from rnnconv_cli.report.figures.judged_panel import interval_of
from rnnconv_cli.report.layout import amount, interval, quantity
from rnnconv_cli.report.page import glossary
from rnnconv_cli.report.page.glossary import SHORT
from rnnconv_cli.report.page.numbers import BENDS, smallest_width, smallest_width_in_full, widths_tried
from rnnconv_cli.report.page.settings import adversaries

BESIDE_NOISE = re.compile(r"(.+) \(([0-9.e+-]+)x gaussian\)", re.DOTALL)
TOLERANT = frozenset({"exponent", "attainment", "decay", "frontier"})  # kinds that have a tolerance


def verdict(check: CheckResult) -> str:
    """What the verdict of a check says, in one sentence."""
    agrees = "as its claim file expects" if check.as_expected else "against what its claim file expects"
    match check.verdict:
        case Verdict.WITHIN:
            tail = "" if check.expected is Verdict.WITHIN else f", {agrees}"
            return sentence(f"Holds at these sizes{tail}: {_allowed(check, 'all')}")
        case Verdict.OUTSIDE:
            return sentence(f"Does not hold at these sizes, {agrees}: {_allowed(check, 'none')}")
        case Verdict.MEASURED:
            return "A measurement: the claim file states no number to compare with, so there is no verdict."
        case Verdict.INCONCLUSIVE:
            return sentence(f"Undecided: {_undecided(check)}")


def must(check: CheckResult) -> str:
    """What must happen under the change of the control."""
    expected = check.control.expected
    if check.predicted.number is None:
        return "no width may suffice" if expected is Verdict.OUTSIDE else "some width must suffice"
    return f"the statement must {glossary.MUST[expected]}"


def sentence(text: str) -> str:
    """A text with a full stop; one that was shortened ends with dots already."""
    return text if text.endswith(".") else f"{text}."


def _allowed(check: CheckResult, share: str) -> str:
    """How much of what was measured the statement allows; without an interval, what decided."""
    estimate = check.finding.estimate
    if isinstance(estimate, IdentityError):
        return (
            "no error is larger than rounding explains"
            if share == "all"
            else "errors are larger than rounding explains"
        )
    if estimate is None or estimate.value is None:
        return check.because
    by_tolerance = _by_tolerance(check) if share == "all" else ""
    return (by_tolerance or f"{share} of the measured interval is allowed by the statement") + _bent(check)


def _bent(check: CheckResult) -> str:
    """That a single exponent does not describe the curve; empty where nothing speaks for that."""
    estimate = check.finding.estimate
    return ", though the curve bends" if isinstance(estimate, Exponent) and estimate.curvature_p < BENDS else ""


def _by_tolerance(check: CheckResult) -> str:
    """That a check holds by what is allowed beyond its prediction alone, as a whole or in part; empty where neither."""
    claim, found = check.predicted, interval_of(check.finding.estimate)
    if found is None:
        return ""
    _, low, high = found
    is_above, is_below = claim.side in ("upper", "both"), claim.side in ("lower", "both")
    if claim.kind == "growth":
        beyond = (low > 0 and is_above) or (high < 0 and is_below)
        return "all of the measured interval is allowed, though it does not contain 0" if beyond else ""
    if claim.kind not in TOLERANT or claim.number is None:
        return ""
    if (low > claim.number + claim.earned and is_above) or (high < claim.number - claim.earned and is_below):
        logarithm = f" and the {claim.earned:.2g} of its logarithm" if claim.earned else ""
        only = f"all of the measured interval is allowed, but only by the tolerance of {claim.tolerance:.3g}"
        return f"{only}: it lies beyond the predicted {claim.number:.3g}{logarithm}"
    if claim.side == "both":
        return f"all of the measured interval is within {claim.tolerance:.3g} of the predicted {claim.number:.3g}"
    if (high > claim.number + claim.earned and is_above) or (low < claim.number - claim.earned and is_below):
        return f"all of the measured interval is allowed, a part of it only by the tolerance of {claim.tolerance:.3g}"
    return ""


def _undecided(check: CheckResult) -> str:
    """What kept a check from deciding: a trial that failed, then its control, then its own measurement."""
    judged = [each for each in check.observations if each.arm in (MAIN, CONTROL)]
    if check.control.as_expected or failures_among(judged):
        return check.because
    powerless = "the control did not come out as it must, so this check has not shown that it can tell true from false"
    if check.finding.verdict is not Verdict.INCONCLUSIVE:
        return powerless
    return f"{powerless}; nor does the claim's own measurement decide: {_obstacle(check)}"


def _obstacle(check: CheckResult) -> str:
    """Why the statement itself has no interval, or none that decides."""
    return check.finding.because.removeprefix("could not measure: ")


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
    return f"{what} checked on random networks: {tally(checks)}. {_which_hold(checks)}{_which_fail(checks)}{agrees}"


def _which_hold(checks: Sequence[CheckResult]) -> str:
    """What stands behind the statements that hold; empty where one speaks for itself."""
    what = _standings(checks, Verdict.WITHIN)
    return f"Of those that hold, {what}. " if what else ""


def _which_fail(checks: Sequence[CheckResult]) -> str:
    """What stands behind the statements that do not hold; empty where all do, or where one speaks for itself."""
    what = _standings(checks, Verdict.OUTSIDE)
    proved = any(each.status == "theorem" for each in checks if each.verdict is Verdict.OUTSIDE)
    return (
        f"Of those that do not hold, {what}{'' if proved else '; none tests what the paper proves'}. " if what else ""
    )


def _standings(checks: Sequence[CheckResult], which: Verdict) -> str:
    """How many checks that came out one way test a theorem, how many something else; empty for fewer than two."""
    counts = Counter(each.status for each in checks if each.verdict is which)
    if counts.total() < 2:
        return ""
    known = {words: counts[status] for status, words in glossary.STANDINGS.items()}
    tested = {**known, "something else": counts.total() - sum(known.values())}
    return _listed([f"{count} {'tests' if count == 1 else 'test'} {words}" for words, count in tested.items() if count])


def _beforehand(checks: Sequence[CheckResult], which: Verdict) -> str:
    """Whether checks that came out one way were expected to; empty where that is the usual way."""
    those = [each for each in checks if each.verdict is which]
    against = sum(each.as_expected is False for each in those)
    if against:
        return f" ({against} of them against expectation)" if len(those) > 1 else " (against expectation)"
    if which is Verdict.OUTSIDE:
        return " (as expected)" if len(those) == 1 else " (all as their claim files expect)"
    return ""


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def measured(check: CheckResult) -> str:
    """An estimate with its interval, and what it rests on; without one, why there is none."""
    at = symbol(check.parameter)
    match check.finding.estimate:
        case None:
            return f"no interval: {_obstacle(check)}"
        case Exponent() as estimate:
            return f"exponent of {at}: {_number(estimate)}{_course(estimate)}"
        case Growth() as estimate:
            return f"rate per step of {at}: {_number(estimate)}, beside {at}^{estimate.exponent:.3g}"
        case Probability() as estimate:
            return f"holds in {estimate.holds} of {amount(estimate.trials, 'draw')}: share {_number(estimate)}"
        case IdentityError() as estimate:
            return f"largest error {estimate.value:.3g} rounding units in {amount(estimate.trials, 'draw')}"
        case Decay() as estimate:
            ends = f"{_open(estimate.rate_low)} to {_open(estimate.rate_high)}"
            rate = f"the loss shrinks by the share {estimate.rate:.3g} ({ends}) in each step of the tail"
            return f"growth per decade: {_number(estimate)}, over {len(estimate.tail)} decades; {rate}"
        case Frontier() as estimate:
            widths = _widths(estimate, check)
            if estimate.value is None:
                return widths
            return f"exponent of {at} in m*: {_number(estimate)}{_ends(estimate.local)}; {widths}"


def _course(estimate: Exponent) -> str:
    """Whether one exponent says it all."""
    bends = estimate.curvature_p < BENDS
    return f"; the curve bends, and this is its average slope{_ends(estimate.local)}" if bends else ""


def _ends(local: Sequence[float]) -> str:
    """Between what the slopes from point to point lie."""
    known = [each for each in local if math.isfinite(each)]
    return f", from point to point between {min(known):.2f} and {max(known):.2f}" if len(known) > 1 else ""


def _widths(estimate: Frontier, check: CheckResult) -> str:
    """m* at every point, once where it is the same at all of them."""
    found = list(smallest_width_in_full(estimate, widths_tried(check)))
    points = PLURALS.get(check.parameter or "", "points")
    where = f"m* at {len(found)} {points}" if len(found) > 1 else "m* at one point"
    return f"{where}: {'; '.join(found) if len(set(found)) > 1 else found[0]}" if found else "m* at no point"


def _open(end: float) -> str:
    """The end of an interval, which may be out of reach."""
    return quantity(end) if math.isfinite(end) else "out of reach"


def _number(estimate: Exponent | Growth | Probability | Decay | Frontier) -> str:
    value, low, high = estimate.value, estimate.low, estimate.high
    if value is None or low is None or high is None:
        return "no interval"
    return f"{interval(value, low, high)}, the interval at {100 * estimate.level:.4g} %"


def slack(check: CheckResult) -> str:
    """How much of the claim is left unused, in words."""
    value, claim = check.finding.slack, check.predicted
    if value is None:
        return ""
    if not value:
        return "0: exactly as predicted"
    if claim.kind == "attainment":
        return f"differs by {abs(value):.3g} from the predicted exponent; ± {claim.tolerance:.3g} is allowed"
    side = "on the allowed side of the prediction" if value > 0 else "beyond the prediction"
    counting = f", counting {claim.earned:.2g} for the logarithm" if claim.earned else ""
    before = ", before its tolerance" if value < 0 and claim.tolerance and claim.kind in TOLERANT else ""
    return f"{value:+.3g}: the measured number lies {abs(value):.3g} {side}{counting}{before}"


def brief(check: CheckResult) -> str:
    """An estimate with its interval, for a cell."""
    match check.finding.estimate:
        case None:
            return "no interval"
        case Frontier(value=None) as estimate:
            return f"m* {', '.join(smallest_width(estimate, widths_tried(check)))}"
        case estimate:
            return in_few_words(estimate)


def worst(check: CheckResult) -> str:
    """Which search has found the worst perturbation; empty where none was made."""
    if check.worst_adversary is None:
        return ""
    tried = len(adversaries(check))
    named = BESIDE_NOISE.fullmatch(check.worst_adversary)
    name, times = named.groups() if named else (check.worst_adversary, None)
    if tried == 1:
        return f"{name} alone was tried"
    noise = f", typically {times} times what gaussian noise does" if times else ""
    return f"most often found by {name}{noise}{f'; {tried} were tried' if tried else ''}"
