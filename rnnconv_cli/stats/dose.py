"""Which widths to draw next, and how often, so that the smallest sufficient one becomes known: rounds of a search.

Each round is a function of what has been drawn so far and of nothing else. Widths stand on one lattice, eight to the
octave, and a width is always drawn from replicate 0 on: rounds ask for the same draws again and add to them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnconv_cli.stats.frontier import GROUPS, Located, excluded, located
from rnnconv_cli.stats.response import WINDOW, monotone_shares
from rnnconv_cli.stats.student import Array, t_quantile

PER_OCTAVE = 8  # widths of the lattice: as close as a response that rises within a seventh of an octave needs
STRIDES = (8, 4, 2, 1)  # distances that the window's widths may have on the lattice
FIRST_DRAWS = GROUPS  # at every octave: one for each group of the jackknife
CLIMB = 2  # octaves added while the widest one is too narrow
TRUSTED = 1.5 * math.log(2)  # log width from a width that held often enough to the crossing of the fitted curve
LEAST_DRAWS = 40  # at every width of the window before a search may end


@dataclass(frozen=True, slots=True)
class Search:
    """Where m* is looked for, and when it is known well enough."""

    least: int  # m
    most: int  # m
    draws: int  # most at one width
    precision: float  # predicted half-width of the interval of log m* that ends the search [1]

    @property
    def lattice(self) -> tuple[int, ...]:
        """The widths that may be drawn: 2^(j/8), rounded, from least to most."""
        return _rounded(self._eighths)

    @property
    def octaves(self) -> tuple[int, ...]:
        """The widths of the climb, an octave apart; the widest of the lattice is always among them."""
        return _rounded((*self._eighths[::PER_OCTAVE], self._eighths[-1]))

    @property
    def _eighths(self) -> range:
        first, last = (PER_OCTAVE * math.log2(end) for end in (self.least, self.most))
        return range(math.ceil(first), math.floor(last) + 1)

    @property
    def stages(self) -> tuple[int, ...]:
        """Draws at a width after each stage: whole numbers of groups, so that all groups are drawn equally often."""
        wanted = (FIRST_DRAWS, min(LEAST_DRAWS, self.draws), self.draws)
        return tuple(dict.fromkeys(GROUPS * math.ceil(each / GROUPS) for each in wanted))


def _rounded(eighths: Iterable[int]) -> tuple[int, ...]:
    """Widths at these eighths of an octave; small ones that round alike stand once."""
    return tuple(dict.fromkeys(round(2 ** (j / PER_OCTAVE)) for j in eighths))


def first_draws(search: Search) -> Mapping[int, int]:
    """The first round: the three least octaves."""
    return dict.fromkeys(search.octaves[: 1 + CLIMB], FIRST_DRAWS)


def typical_draws(search: Search) -> Mapping[int, int]:
    """What a search is likely to draw of each width, if m* is in the middle of its range; one draw of the widest."""
    lattice, middle, stride = search.lattice, len(search.lattice) // 2, PER_OCTAVE // 2
    climb = [width for width in search.octaves if width <= 2 * lattice[middle]]
    window = lattice[max(0, middle - WINDOW // 2 * stride) : middle + WINDOW // 2 * stride : stride]
    return {lattice[-1]: 1, **dict.fromkeys(climb, FIRST_DRAWS), **dict.fromkeys(window, search.draws)}


def next_draws(
    search: Search, asked: Mapping[int, int], holds: Array, probability: float, level: float
) -> Mapping[int, int]:
    """How often each width must have been drawn after the next round; nothing where the search is over.

    `asked` is how often each width has been drawn, answered or not; holds (replicates, lattice) is 1, 0 or NaN.

    The search climbs by octaves, 8 draws each, until the widest holds often enough. Then it draws four widths around
    the estimate of m*, as far apart as the response is steep: 8, 40 and as many times as declared, at each stage until
    the window stays where it is. It ends where the fitted curve predicts an interval that is narrow enough, where exact
    intervals show that m* is beyond the widest width, or after the last stage.

    The scatter between groups, which the interval itself is made from, has no part in the decision: 8 groups that agree
    by luck would end the search, and intervals then cover 82% instead of 95%.
    """
    lattice, octaves = search.lattice, search.octaves
    if not asked:
        return first_draws(search)
    tried = np.sum(~np.isnan(holds), axis=0)
    answered, widest = tried > 0, max(asked)
    enough = _wide_enough(np.nansum(holds, axis=0)[answered], tried[answered].astype(np.float64), probability)
    if widest < octaves[-1] and not enough.any():
        higher = octaves.index(max(width for width in octaves if width <= widest)) + 1
        return dict.fromkeys(octaves[higher : higher + CLIMB], FIRST_DRAWS)
    found = located(np.log(lattice), holds, probability, level)
    stage = max(asked.values())
    rough = np.log(lattice)[answered][enough][0] if enough.any() else math.log(lattice[-1])
    known = excluded(np.log(lattice), np.nansum(holds, axis=0), tried.astype(np.float64), probability, level)
    window = [lattice[index] for index in _window(found, float(rough), known, np.log(lattice))]
    if found.censored and found.low >= float(np.log(lattice)[-1]):
        return {}
    if all(asked.get(width, 0) >= stage for width in window):
        later = [draws for draws in search.stages if draws > stage]
        if not later or (stage >= LEAST_DRAWS and _is_known(found, search, level)):
            return {}
        stage = later[0]
    return {width: stage for width in window if asked.get(width, 0) < stage}


def _is_known(found: Located, search: Search, level: float) -> bool:
    """Whether the fitted curve predicts an interval of log m* that is narrow enough."""
    return not found.censored and t_quantile(GROUPS - 1, level) * found.error <= search.precision


def _wide_enough(held: Array, tried: Array, probability: float) -> NDArray[np.bool_]:
    """Which of the widths hold often enough, by their monotone shares."""
    return monotone_shares(held, tried) >= probability if len(held) else np.zeros(0, dtype=np.bool_)


def _window(found: Located, rough: float, known: tuple[float, float], lattice: Array) -> tuple[int, ...]:
    """Four places of the lattice around m*, two on either side where it has them, about one steepness apart.

    Not far from the rough place, the narrowest width that holds often enough so far: few draws make a flat curve, which
    crosses anywhere, or none that rises. And not beyond what is `known` to be too narrow or wide enough: a window that
    many draws have shown to lie on one side of m* must move.
    """
    centre = rough if math.isnan(found.value) else min(max(found.value, rough - TRUSTED), rough + TRUSTED)
    centre = min(max(centre, known[0]), known[1])
    stride = next((each for each in STRIDES if each * math.log(2) / PER_OCTAVE <= found.steepness), STRIDES[-1])
    last = len(lattice) - 1
    stride = max(1, min(stride, last // (WINDOW - 1)))
    above = math.ceil(int(np.searchsorted(lattice, centre)) / stride)
    start = min(max(above - WINDOW // 2, 0), last // stride - WINDOW + 1)
    return tuple((start + each) * stride for each in range(WINDOW))
