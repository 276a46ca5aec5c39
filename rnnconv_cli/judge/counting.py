"""Findings of the kinds that count or compare draw by draw: event and identity."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rnnconv_cli.judge import settle
from rnnconv_cli.judge.allowed import holds, predict
from rnnconv_cli.judge.censoring import MOST_CENSORED
from rnnconv_cli.judge.envelope import envelope
from rnnconv_cli.judge.words import limit
from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Finding, Observation, Predicted, Status, Verdict
from rnnconv_cli.spec.claim import Arm, EventPrediction, IdentityPrediction
from rnnconv_cli.stats.identity import identity
from rnnconv_cli.stats.probability import probability


def event_finding(
    arm: Arm,
    prediction: EventPrediction,
    observations: Sequence[Observation],
    *,
    smallest: bool,
    level: float,
    seconds: float,
) -> tuple[Finding, Predicted]:
    """The finding of an event: the exact interval of its share of draws against the probability declared.

    Where the measurement failed, the draw might have gone either way: a verdict must stand in both cases.
    """
    predicted, allowed = predict(arm, ())
    cells = [cell for _, cell in envelope(observations, smallest=smallest)]
    answers = [holds(cell, prediction) for cell in cells if cell.status is not Status.OUT_OF_REGIME]
    held, unknown, trials = answers.count(True), answers.count(None), len(answers)
    if trials == unknown:
        because = f"could not measure: {_none_measured(cells)}"
        return Finding(Verdict.INCONCLUSIVE, because, None, None, "draws that can be measured"), predicted
    found = probability(held, trials, level)
    best = probability(held + unknown, trials, level)
    verdict = allowed.verdict(found.low, found.high)
    undecided = verdict is Verdict.INCONCLUSIVE
    price = settle.by_draws(held, trials, level, allowed, seconds=seconds) if undecided else ""
    if verdict is not allowed.verdict(best.low, best.high):
        verdict, price = Verdict.INCONCLUSIVE, f"the {unknown} draws that failed"
    sign = "<=" if prediction.side == "upper" else ">="
    share = f"{held} of {trials} draws are {sign} {limit(prediction.bound)}"
    side = {Verdict.WITHIN: "lies above", Verdict.OUTSIDE: "lies below"}.get(verdict, "straddles")
    because = f"{share}: [{found.low:.3f}, {found.high:.3f}] {side} {prediction.probability:g}{_reasons(cells)}"
    return Finding(verdict, because, found, found.value - prediction.probability, price), predicted


def identity_finding(
    arm: Arm, prediction: IdentityPrediction, observations: Sequence[Observation], *, smallest: bool
) -> tuple[Finding, Predicted]:
    """The finding of an exact formula: one error beyond the rounding units allowed breaks it.

    A draw of status `zero` has not exercised the formula. It confirms nothing, and with more than 5% of such draws, or
    of draws that failed, the formula cannot be `within`.
    """
    predicted, allowed = predict(arm, ())
    cells = [cell for _, cell in envelope(observations, smallest=smallest) if cell.status is not Status.OUT_OF_REGIME]
    errors = [error for cell in cells if (error := _error(cell)) is not None]
    if not errors:
        because = f"could not measure: {_none_measured(cells)}"
        return Finding(Verdict.INCONCLUSIVE, because, None, None, "draws that exercise the formula"), predicted
    found = identity(errors, prediction.rounding_units)
    verdict = allowed.verdict(found.value, found.value)
    side = "at most" if verdict is Verdict.WITHIN else "beyond"
    because = (
        f"the largest error of {found.trials} draws, {found.value:.3g} rounding units, is {side} {found.allowed:g}"
    )
    price = ""
    if verdict is Verdict.WITHIN and len(cells) - len(errors) > MOST_CENSORED * len(cells):
        verdict, price = Verdict.INCONCLUSIVE, "draws that exercise the formula"
        because = f"only {found.trials} of {len(cells)} draws exercise the formula{_reasons(cells)}"
    return Finding(verdict, because, found, found.allowed - found.value, price), predicted


def _error(cell: Cell) -> float | None:
    if cell.status in AGAINST_THE_CLAIM:
        return math.inf
    return cell.value if cell.status in (Status.OK, Status.ROUND_OFF) else None


def _reasons(cells: Sequence[Cell]) -> str:
    """The statuses that stand beside `ok`, in brackets; empty where all draws gave a number."""
    statuses = [cell.status for cell in cells]
    counts = [f"{statuses.count(each)} {each.value}" for each in Status if each is not Status.OK and each in statuses]
    return f" ({', '.join(counts)})" if counts else ""


def _none_measured(cells: Sequence[Cell]) -> str:
    return f"none of {len(cells)} draws gave a number{_reasons(cells)}"
