"""Observations → one cell for each replicate and point: the worst over the adversaries."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median

from rnnconv_cli.records import AGAINST_THE_CLAIM, Cell, Observation, Status, Table

WITHOUT_MEANING = frozenset({Status.FAILED, Status.OUT_OF_REGIME})
NOISE = "gaussian"  # the adversary that does not search

Key = tuple[float, int, int]  # point, width, replicate


def table(observations: Sequence[Observation], parameter: str | None, *, smallest: bool) -> Table:
    """The envelope as replicates times points: the smallest value over the adversaries, or the largest.

    Infinity (diverged, not reached) is the largest value and zero the smallest. A trial that failed leaves the worst
    unknown, unless another adversary has reached infinity already; one that is out of regime takes no part.
    """
    cells = {(point, replicate): cell for (point, _, replicate), cell in envelope(observations, smallest=smallest)}
    points = tuple(sorted({point for point, _ in cells}))
    replicates = sorted({replicate for _, replicate in cells})
    absent = Cell(None, Status.OUT_OF_REGIME)
    rows = tuple(tuple(cells.get((point, replicate), absent) for point in points) for replicate in replicates)
    return Table(parameter or "", points, rows)


def envelope(observations: Sequence[Observation], *, smallest: bool) -> tuple[tuple[Key, Cell], ...]:
    """The worst cell over the adversaries for every point, width and replicate."""
    return tuple((key, _worst(trials, smallest)) for key, trials in _by_trial(observations).items())


def worst_adversary(observations: Sequence[Observation], *, smallest: bool) -> str | None:
    """The adversary that is most often the worst, with the median of its value over that of noise; None without any."""
    trials = [
        [each for each in group if each.adversary is not None and each.status not in WITHOUT_MEANING]
        for group in _by_trial(observations).values()
    ]
    extremes = Counter(_extreme(group, smallest) for group in trials if group)
    if not extremes:
        return None
    name = extremes.most_common(1)[0][0]
    margins = [margin for group in trials if (margin := _margin(group, name)) is not None]
    return name if name == NOISE or not margins else f"{name} ({median(margins):.3g}x {NOISE})"


def _by_trial(observations: Sequence[Observation]) -> Mapping[Key, Sequence[Observation]]:
    trials: dict[Key, list[Observation]] = defaultdict(list)
    for each in observations:
        trials[each.point, each.trial.problem.width, each.trial.replicate].append(each)
    return trials


def _worst(trials: Sequence[Observation], smallest: bool) -> Cell:
    used = [each for each in trials if each.status is not Status.OUT_OF_REGIME]
    if not used:
        return Cell(None, Status.OUT_OF_REGIME)
    infinite = [each for each in used if each.status in AGAINST_THE_CLAIM]
    failed = [each for each in used if each.status is Status.FAILED]
    if infinite and not smallest:
        return Cell(None, infinite[0].status)
    if failed:
        return Cell(None, Status.FAILED)
    chosen = min(used, key=_size) if smallest else max(used, key=_size)
    return Cell(chosen.value, chosen.status)


def _extreme(trials: Sequence[Observation], smallest: bool) -> str:
    """The adversary of the worst trial; the first that was named, where several are equal."""
    chosen = min(trials, key=_size) if smallest else max(trials, key=_size)
    return chosen.adversary or ""


def _size(trial: Observation) -> float:
    if trial.status in AGAINST_THE_CLAIM:
        return math.inf
    return trial.value if trial.value is not None else 0.0


def _margin(trials: Sequence[Observation], name: str) -> float | None:
    values = {each.adversary: each.value for each in trials if each.status is Status.OK and each.value is not None}
    noise, worst = values.get(NOISE), values.get(name)
    return worst / noise if noise and worst is not None else None
