"""Findings of the kinds that fit a curve: exponent, attainment, growth, decay."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from rnnconv_cli.judge import settle
from rnnconv_cli.judge.allowed import Allowed, predict
from rnnconv_cli.judge.censoring import (
    LEAST_COUNT,
    LEAST_POINTS,
    LEAST_STEPS,
    MOST_CENSORED,
    Lost,
    Usable,
    against,
    is_constant,
    lost_at,
    usable,
    with_logarithm,
)
from rnnconv_cli.judge.envelope import table as envelope_table
from rnnconv_cli.judge.words import extent, interval, shortened, symbol
from rnnconv_cli.records import (
    AGAINST_THE_CLAIM,
    Decay,
    Exponent,
    Finding,
    Growth,
    Observation,
    Predicted,
    Status,
    Table,
    Verdict,
)
from rnnconv_cli.spec.claim import Arm, DecayPrediction, GrowthPrediction
from rnnconv_cli.stats.decay import decay, steps_per_decade
from rnnconv_cli.stats.exponent import exponent
from rnnconv_cli.stats.growth import growth

LEAST_DECADES = 3
LONGEST_OBSTACLE = 91  # characters: one line of a table, after "could not measure: "
LONGEST_LEFT_OUT = 72
Fit = Exponent | Growth | Decay


def finding(
    arm: Arm, observations: Sequence[Observation], *, smallest: bool, level: float, is_count: bool, seconds: float
) -> tuple[Finding, Predicted]:
    """The finding of an arm whose prediction is about a slope; its trials were predicted to take so many seconds."""
    table = _table(arm, observations, smallest)
    statuses = against(arm.prediction) - (frozenset({Status.ZERO}) if is_count else frozenset())
    lost = lost_at(table, statuses, level)
    if lost is not None and lost.decides:
        predicted, _ = predict(arm, table.points)
        return Finding(Verdict.OUTSIDE, _broken(arm, lost, statuses), None, None, ""), predicted
    by_decade = isinstance(arm.prediction, DecayPrediction)
    least_mean = LEAST_STEPS if by_decade else LEAST_COUNT if is_count else 0
    points = usable(table, least_mean=least_mean, spared=statuses if lost else frozenset())
    predicted, allowed = predict(arm, points.table.points)
    least = LEAST_DECADES if by_decade else LEAST_POINTS
    obstacle = _obstacle(points, len(table.points), least)
    if not obstacle and not by_decade and is_constant(points.table):  # a decay in equal steps is a geometric one
        obstacle = "every trial gives the same number: nothing was exercised"
    if obstacle:
        settled = f"a grid with at least {least} points that can be fitted"
        if by_decade:
            settled = f"at least {least} decades that can be fitted: a smaller step, or more steps"
        return Finding(Verdict.INCONCLUSIVE, f"could not measure: {obstacle}", None, None, settled), predicted
    found = _judged(_estimate(arm, points.table, level), predicted, allowed, arm.sweep.parameter, seconds)
    if lost is not None and (found.verdict is not Verdict.OUTSIDE or predicted.side == "both"):
        return _shaken(found, lost, seconds), predicted
    return replace(found, because=found.because + _left_out(points)), predicted


def _table(arm: Arm, observations: Sequence[Observation], smallest: bool) -> Table:
    """The envelope of the quantity that is fitted: for a decay, of the steps for each further decade."""
    table = envelope_table(observations, arm.sweep.parameter, smallest=smallest)
    if isinstance(arm.prediction, DecayPrediction):
        table = steps_per_decade(table, arm.prediction.tail)
    return with_logarithm(table)


def _estimate(arm: Arm, table: Table, level: float) -> Fit:
    match arm.prediction:
        case GrowthPrediction():
            return growth(table, level)
        case DecayPrediction():
            return decay(table, level)
        case _:
            return exponent(table, level)


def _broken(arm: Arm, lost: Lost, statuses: frozenset[Status]) -> str:
    limit = f" within T_max = {arm.training.max_steps}" if arm.training and Status.NOT_REACHED in statuses else ""
    meaning = "zero" if statuses.isdisjoint(AGAINST_THE_CLAIM) else "infinity"
    return f"{lost.words}{limit}: counts as {meaning}, against the claim"


def _shaken(found: Finding, lost: Lost, seconds: float) -> Finding:
    """A finding that stays open: the trials without a value may be too many, and lie where the claim forbids."""
    because = f"{found.because}, but {lost.words}, too few draws to tell if that is above 5 %"
    kept, most = lost.trials - lost.count, Allowed(1 - MOST_CENSORED, 1.0)
    price = settle.by_draws(kept, lost.trials, lost.level, most, seconds=seconds)
    return replace(found, verdict=Verdict.INCONCLUSIVE, because=because, settle=price)


def _obstacle(points: Usable, planned: int, least: int) -> str:
    kept = len(points.table.points)
    if kept >= least:
        return ""
    reasons = "; ".join(points.left_out) or "a grid too short"
    return shortened(f"{kept} of {planned} points can be fitted, wanted {least}: {reasons}", LONGEST_OBSTACLE)


def _left_out(points: Usable) -> str:
    """What the fit went without: whole points, then single trials of the points that it used."""
    cells = [cell.status for row in points.table.rows for cell in row]
    lost = [status for status in cells if status is not Status.OK]
    kinds = " or ".join(status.value for status in Status if status in lost)
    reasons = [*points.left_out, *([f"{len(lost)} of {len(cells)} trials {kinds}"] if lost else [])]
    return "; " + shortened(f"left out: {', '.join(reasons)}", LONGEST_LEFT_OUT) if reasons else ""


def _judged(fit: Fit, predicted: Predicted, allowed: Allowed, parameter: str | None, seconds: float) -> Finding:
    """The interval against what is allowed; then, of an exponent, whether the verdict hangs on one end."""
    verdict = allowed.verdict(fit.low, fit.high)
    slack = _slack(fit.value, predicted)
    measured = interval(fit.value, fit.low, fit.high)
    if isinstance(fit, Exponent) and (bend := _bend(fit, allowed, verdict, parameter)):
        price = f"the curve still bends (quadratic term p = {fit.curvature_p:.2g}): {settle.MORE_POINTS}"
        return Finding(Verdict.INCONCLUSIVE, f"{measured}, but {bend}", fit, slack, price)
    points = fit.tail if isinstance(fit, Decay) else fit.points
    because = f"{measured} {_relation(predicted, allowed, verdict)} {extent(parameter, len(points), fit.replicates)}"
    price = ""
    if verdict is Verdict.INCONCLUSIVE:
        price = settle.by_replicates(fit.value, fit.scatter, fit.replicates, fit.level, allowed, seconds=seconds)
    return Finding(verdict, because, fit, slack, price)


def _bend(fit: Exponent, allowed: Allowed, verdict: Verdict, parameter: str | None) -> str:
    """The end point that a verdict hangs on, in words; empty for none."""
    if verdict is Verdict.INCONCLUSIVE:
        return ""
    for point, (value, low, high) in ((fit.points[0], fit.without_first), (fit.points[-1], fit.without_last)):
        turned = allowed.verdict(low, high) not in (verdict, Verdict.INCONCLUSIVE)
        if turned or (verdict is Verdict.WITHIN and not allowed.holds(value)):
            return f"{interval(value, low, high)} without {symbol(parameter)} = {point:g}: the verdict hangs on one end"
    return ""


def _relation(predicted: Predicted, allowed: Allowed, verdict: Verdict) -> str:
    """Where the interval lies, and the border with what it consists of: number, earned by a log, tolerance."""
    number, excess = predicted.number or 0.0, predicted.tolerance
    outside = verdict is Verdict.OUTSIDE
    if predicted.side == "both":
        verb = {Verdict.WITHIN: "lies inside", Verdict.OUTSIDE: "lies outside"}.get(verdict, "straddles an end of")
        return f"{verb} {number:.3g} ± {excess:.3g}" if excess else f"{verb} ±{number:.3g}"
    upper = math.isfinite(allowed.high)
    sign = "+" if upper else "-"
    border = f"{-number if predicted.kind == 'growth' and not upper else number:.3g}"
    border += f" {sign} {predicted.earned:.3f} (log)" if predicted.earned else ""
    border += f" {sign} {excess:.3g}" if excess else ""
    if verdict is Verdict.INCONCLUSIVE:
        return f"straddles {border}"
    return f"lies {'above' if upper == outside else 'below'} {border}"


def _slack(value: float, predicted: Predicted) -> float:
    """What the prediction leaves unused, without its tolerance: negative where the estimate is beyond it."""
    number = predicted.number or 0.0
    if predicted.kind == "growth":
        return number - {"upper": value, "lower": -value, "both": abs(value)}[predicted.side]
    if predicted.side == "lower":
        return value - (number - predicted.earned)
    return number + predicted.earned - value
