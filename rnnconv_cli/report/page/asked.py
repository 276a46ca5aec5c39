"""What a check asks, and what its statement allows, in words for somebody who has never seen the project."""

from __future__ import annotations

import math

from rnnconv_cli.judge.words import limit, symbol
from rnnconv_cli.records import CheckResult, Inequality, Predicted
from rnnconv_cli.report.page.glossary import SWEPT
from rnnconv_cli.report.page.settings import adversaries

LARGEST_EXPONENT = 700.0  # whose exponential is still a number


def question(check: CheckResult) -> str:
    """What is measured, as a question."""
    quantity, at = check.quantity, swept(check.parameter)
    match check.kind:
        case "exponent":
            return f"How fast does {quantity} grow or shrink as {at} grows?"
        case "attainment":
            return f"Does {quantity} change as fast as predicted, neither faster nor more slowly, as {at} grows?"
        case "growth":
            return f"Does {quantity} change like a power of {symbol(check.parameter)}, and not exponentially?"
        case "event":
            return f"How often {_asked_bound(check)}?"
        case "identity":
            return f"Is the formula for {quantity} exact?"
        case "decay":
            return "Does the loss fall by the same factor in every step, or ever more slowly?"
        case "frontier":
            return f"How wide must the network be, for {_kept_bound(check)}?"
        case _:
            return f"What is {quantity}?"


def _asked_bound(check: CheckResult) -> str:
    """How often an event takes place, as a question without its mark."""
    counted = check.predicted.counted
    if counted is None:
        return f"does the inequality for {check.quantity} hold"
    return f"is {check.quantity} {_bound(counted)}"


def _kept_bound(check: CheckResult) -> str:
    """What a network must be wide enough for."""
    counted = check.predicted.counted
    if counted is None:
        return f"{check.quantity} to keep its bound"
    return f"{check.quantity} to be {_bound(counted)} in {_share(counted)}"


def _bound(counted: Inequality) -> str:
    return f"{'at least' if counted.side == 'lower' else 'at most'} {limit(counted.bound)}"


def _share(counted: Inequality) -> str:
    return f"at least {100 * counted.probability:.4g} % of draws"


def predicted(check: CheckResult) -> str:
    """What the statement allows, in words."""
    claim, at = check.predicted, symbol(check.parameter)
    number = "" if claim.number is None else f"{claim.number:.3g}"
    match claim.kind:
        case "exponent":
            side = {"upper": "at most", "lower": "at least"}.get(claim.side, "about")
            return f"the quantity behaves like a power of {at}, with an exponent of {side} {number}{_excess(claim)}"
        case "attainment":
            what = "the worst case" if len(adversaries(check)) > 1 else check.quantity
            return f"{what} behaves like {at}^{number}, within ± {claim.tolerance:.3g}"
        case "growth":
            return f"apart from a power of {at} it {_not_exponential(claim.side, number)} per step of {at}"
        case "event" if claim.counted is not None:
            return f"{check.quantity} is {_bound(claim.counted)} in {_share(claim.counted)}"
        case "event":
            return f"the inequality holds with probability at least {number}"
        case "identity":
            units = f"{number} rounding unit{'s' if claim.number != 1 else ''}"
            return f"both sides agree up to {units} (machine epsilon times the size of the problem)"
        case "decay":
            share = math.expm1(min(claim.tolerance, LARGEST_EXPONENT))
            more = f"at most {100 * share:.2g} % more" if share else "no more"
            return f"each further factor of 10 in the loss takes about as many steps as the last: {more}"
        case "frontier":
            return _frontier(check, number)
        case _:
            return claim.text


def _not_exponential(side: str, number: str) -> str:
    match side:
        case "upper":
            return f"does not grow exponentially: the rate is at most {number}"
        case "lower":
            return f"does not shrink exponentially: the rate is at least -{number}"
        case _:
            return f"neither grows nor shrinks exponentially: the rate is between -{number} and {number}"


def _frontier(check: CheckResult, number: str) -> str:
    """What is said of m*: how it grows, or no more than that it is measured."""
    claim, at = check.predicted, symbol(check.parameter)
    suffices = "that suffices"
    if claim.counted is not None:
        suffices = f"at which {check.quantity} is {_bound(claim.counted)} in {_share(claim.counted)}"
    if number:
        grows = f"grows like a power of {at}, with an exponent of at most {number}{_excess(claim)}"
        return f"m*, the smallest width {suffices}, {grows}"
    each = f" for each {at}" if check.parameter else ""
    return f"no number: m*, the smallest width {suffices}, is measured{each}"


def _excess(claim: Predicted) -> str:
    """What is allowed beyond a number that bounds from one side, and why."""
    parts = [f"{claim.tolerance:.3g} of declared tolerance"] if claim.tolerance else []
    if claim.earned:
        parts.append(f"{claim.earned:.2g} for the logarithm in the bound")
    sign = "less" if claim.side == "lower" else "plus"
    return f", {sign} {' and '.join(parts)}" if parts else ", with no tolerance"


def swept(parameter: str | None) -> str:
    """What varies between the networks of a check; empty where nothing does."""
    return SWEPT.get(parameter, parameter) if parameter else ""
