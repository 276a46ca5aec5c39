"""Finding of a frontier: the smallest width at which an event holds, judged where an exponent is declared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from rnnconv_cli.judge import settle
from rnnconv_cli.judge.allowed import Allowed, holds, predict
from rnnconv_cli.judge.envelope import envelope
from rnnconv_cli.judge.words import extent, interval, out_of_reach, place, shortened
from rnnconv_cli.records import Finding, Frontier, Observation, Predicted, Price, Verdict
from rnnconv_cli.spec.claim import Arm, FrontierPrediction
from rnnconv_cli.stats.frontier import LEAST_POINTS, each_located, frontier, price

ROUNDING = 1e-9  # of a width that has been a logarithm
LONGEST_CAUSE = 110  # characters: one line of a table; every width has its place in the estimate

Answers = Mapping[tuple[float, int, int], bool | None]  # (point, width, replicate)
Array = NDArray[np.float64]


def finding(
    arm: Arm, prediction: FrontierPrediction, observations: Sequence[Observation], *, level: float, seconds: float
) -> tuple[Finding, Predicted]:
    """The finding of a frontier; without a declared exponent it is `measured`, and can still be `outside`.

    It is, where at every point even the widest network fails too often: then no width that was tried is sufficient.
    """
    predicted, allowed = predict(arm, ())
    answered = answers(arm, observations)
    points = sorted({point for point, _, _ in answered})
    if not answered:
        return Finding(Verdict.INCONCLUSIVE, "could not measure: no draws", None, None, "draws"), predicted
    widths, table = _table(answered, points)
    found = frontier(np.array(points), widths, table, prediction.probability, level)
    if prediction.exponent is None:
        return _measured(found, float(widths[-1]), arm.sweep.parameter), predicted
    return _judged(found, predicted, allowed, table.shape[1], arm.sweep.parameter, seconds), predicted


def answers(arm: Arm, observations: Sequence[Observation]) -> Answers:
    """Whether the event held, at every (point, width, replicate) that was drawn; None where that is unknown."""
    prediction = arm.prediction
    if not isinstance(prediction, FrontierPrediction):
        return {}
    smallest = arm.perturbation is not None and arm.perturbation.worst == "smallest"
    return {key: holds(cell, prediction) for key, cell in envelope(observations, smallest=smallest)}


def beside(
    check: Arm, exhibit: Arm, ours: Sequence[Observation], theirs: Sequence[Observation], *, level: float
) -> tuple[Frontier | None, Price | None]:
    """The frontier of an exhibit, and m* of the check over its m*; None where either is not a frontier."""
    if not isinstance(check.prediction, FrontierPrediction) or not isinstance(exhibit.prediction, FrontierPrediction):
        return None, None
    arms = ((check.prediction, answers(check, ours)), (exhibit.prediction, answers(exhibit, theirs)))
    drawn = [{point for point, _, _ in answered} for _, answered in arms]
    common = sorted(drawn[0] & drawn[1])
    if not common:
        return None, None
    ours_at, theirs_at = (
        each_located(*_table(answered, common), prediction.probability, level) for prediction, answered in arms
    )
    found, _ = finding(exhibit, exhibit.prediction, theirs, level=level, seconds=0.0)
    estimate = found.estimate if isinstance(found.estimate, Frontier) else None
    return estimate, price(np.array(common), ours_at, theirs_at, level)


def _table(answered: Answers, points: Sequence[float]) -> tuple[Array, Array]:
    """Widths, ascending, and answers (points, replicates, widths): 1, 0, or NaN where there is none."""
    widths = sorted({width for _, width, _ in answered})
    columns, rows = {width: i for i, width in enumerate(widths)}, {point: i for i, point in enumerate(points)}
    table = np.full((len(points), 1 + max(replicate for _, _, replicate in answered), len(widths)), np.nan)
    for (point, width, replicate), answer in answered.items():
        if answer is not None and point in rows:
            table[rows[point], replicate, columns[width]] = answer
    return np.array(widths, dtype=np.float64), table


def _judged(
    found: Frontier, predicted: Predicted, allowed: Allowed, replicates: int, parameter: str | None, seconds: float
) -> Finding:
    if found.value is None or found.low is None or found.high is None:
        where = f"at too few of {len(found.points)} points, {LEAST_POINTS} are wanted"
        because = f"could not measure: m* lies among the widths tried {where}"
        return Finding(Verdict.INCONCLUSIVE, because, found, None, "widths on both sides of m* at every point")
    verdict = allowed.verdict(found.low, found.high)
    border = f"{predicted.number:.3g}" + (f" + {predicted.tolerance:.3g}" if predicted.tolerance else "")
    verb = {Verdict.WITHIN: "lies below", Verdict.OUTSIDE: "lies above"}.get(verdict, "straddles")
    rests_on = extent(parameter, len(found.points), replicates)
    because = f"m* grows with exponent {interval(found.value, found.low, found.high)}, which {verb} {border} {rests_on}"
    slack = (predicted.number or 0.0) - found.value
    undecided, half_width = verdict is Verdict.INCONCLUSIVE, (found.high - found.low) / 2
    settling = settle.by_scaling(found.value, half_width, replicates, allowed, seconds=seconds) if undecided else ""
    return Finding(verdict, because, found, slack, settling)


def _measured(found: Frontier, widest: float, parameter: str | None) -> Finding:
    """m* at every point; the exponent leads where there is one."""
    if all(low >= widest * (1 - ROUNDING) for low in found.widths_low):
        at_any = f" at any of {len(found.points)} points" if len(found.points) > 1 else ""
        because = f"no width up to {widest:g} is sufficient{at_any}"
        return Finding(Verdict.OUTSIDE, because, found, None, "")
    if not any(math.isfinite(width) and width > 0 for width in found.widths):
        because = f"could not measure: m* lies among the widths drawn at none of {len(found.points)} points"
        return Finding(Verdict.INCONCLUSIVE, because, found, None, "widths on both sides of m*")
    at = [
        f"{out_of_reach(width) or f'{width:.3g}'} [{low:.3g}, {high:.3g}]{place(parameter, point)}"
        for width, (point, high, low) in zip(found.widths, _ends(found), strict=True)
    ]
    said = ", ".join(at)
    power = ""
    if found.value is not None and found.low is not None and found.high is not None:
        power = f"exponent {interval(found.value, found.low, found.high)}; "
    if len(f"{power}m* = {said}") > LONGEST_CAUSE:
        said = f"{at[0]} to {at[-1]}"
    return Finding(Verdict.MEASURED, shortened(f"{power}m* = {said}", LONGEST_CAUSE), found, None, "")


def _ends(found: Frontier) -> Sequence[tuple[float, float, float]]:
    return list(zip(found.points, found.widths_high, found.widths_low, strict=True))
