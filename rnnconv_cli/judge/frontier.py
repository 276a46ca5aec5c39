"""Finding of a frontier: the smallest width at which an event holds, judged where an exponent is declared."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rnnconv_cli.judge import settle
from rnnconv_cli.judge.allowed import Allowed, predict
from rnnconv_cli.judge.counting import holds
from rnnconv_cli.judge.envelope import envelope
from rnnconv_cli.judge.words import extent, interval, place, shortened
from rnnconv_cli.records import Finding, Frontier, Observation, Predicted, Verdict
from rnnconv_cli.spec.claim import Arm, FrontierPrediction
from rnnconv_cli.stats.frontier import LEAST_POINTS, frontier

LONGEST_CAUSE = 110  # characters: one line of a table; every width has its place in the estimate


def finding(
    arm: Arm, prediction: FrontierPrediction, observations: Sequence[Observation], *, smallest: bool, level: float
) -> tuple[Finding, Predicted]:
    """The finding of a frontier: `measured` without a declared exponent."""
    predicted, allowed = predict(arm, ())
    cells = envelope(observations, smallest=smallest)
    points, widths, replicates = (sorted({key[axis] for key, _ in cells}) for axis in range(3))
    if not cells:
        return Finding(Verdict.INCONCLUSIVE, "could not measure: no draws", None, None, "draws"), predicted
    answers = np.full((len(points), len(replicates), len(widths)), np.nan)
    for (point, width, replicate), cell in cells:
        answer = holds(cell, prediction)
        if answer is not None:
            answers[points.index(point), replicates.index(int(replicate)), widths.index(width)] = answer
    found = frontier(np.array(points), np.array(widths, dtype=np.float64), answers, prediction.probability, level)
    if prediction.exponent is None:
        return Finding(Verdict.MEASURED, _measured(found, arm.sweep.parameter), found, None, ""), predicted
    return _judged(found, predicted, allowed, len(replicates), arm.sweep.parameter), predicted


def _judged(found: Frontier, predicted: Predicted, allowed: Allowed, replicates: int, parameter: str | None) -> Finding:
    if found.value is None or found.low is None or found.high is None:
        beyond = [point for point, high, low in _ends(found) if not (math.isfinite(high) and low > 0)]
        because = (
            f"could not measure: m* lies beyond the grid of widths at {len(beyond)} of {len(found.points)} points, "
            f"{LEAST_POINTS} are wanted inside"
        )
        return Finding(Verdict.INCONCLUSIVE, because, found, None, "widths on both sides of m* at every point")
    verdict = allowed.verdict(found.low, found.high)
    border = f"{predicted.number:.3g}" + (f" + {predicted.tolerance:.3g}" if predicted.tolerance else "")
    verb = {Verdict.WITHIN: "lies below", Verdict.OUTSIDE: "lies above"}.get(verdict, "straddles")
    rests_on = extent(parameter, len(found.points), replicates)
    because = f"m* grows with exponent {interval(found.value, found.low, found.high)}, which {verb} {border} {rests_on}"
    slack = (predicted.number or 0.0) - found.value
    undecided, half_width = verdict is Verdict.INCONCLUSIVE, (found.high - found.low) / 2
    price = settle.by_scaling(found.value, half_width, replicates, allowed) if undecided else ""
    return Finding(verdict, because, found, slack, price)


def _measured(found: Frontier, parameter: str | None) -> str:
    """m* at every point; the exponent leads where there is one."""
    at = [
        f"{width:.3g} [{low:.3g}, {high:.3g}]{place(parameter, point)}"
        for width, (point, high, low) in zip(found.widths, _ends(found), strict=True)
    ]
    power = ""
    if found.value is not None and found.low is not None and found.high is not None:
        power = f"exponent {interval(found.value, found.low, found.high)}; "
    return shortened(f"{power}m* = {', '.join(at)}", LONGEST_CAUSE)


def _ends(found: Frontier) -> Sequence[tuple[float, float, float]]:
    return list(zip(found.points, found.widths_high, found.widths_low, strict=True))
