"""Adversaries found by projected ascent, from random points alone and from the constructed ones as well.

A start is the first point of its climb, so that what is found never comes out weaker than the best constructed start.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from rnnconv_cli.adversary.ascent import linearised_ascent
from rnnconv_cli.adversary.ball import random_point, scaled
from rnnconv_cli.adversary.climb import Objective, Points, better, climb, start_at
from rnnconv_cli.adversary.constructed import kinks, loss_kinks
from rnnconv_cli.adversary.perturbation import LowRankPerturbations, State, Target
from rnnconv_cli.adversary.product_objective import ProductChange
from rnnconv_cli.adversary.remainder import Remainder, remainder_at
from rnnconv_cli.adversary.state_objectives import Flips, HiddenChange
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.seeding import Stream

STEPS = 10  # four times as many find 1.5% more change of states, 3% more flips, 7% more change of products

Targets = tuple[Target, ...]
Make = Callable[[State, float, Targets, Backend], Objective]


def ascent_hidden(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend ||h'_l||, from random points and from the linearised ascent (Lemma C.2a)."""
    starts = [linearised_ascent(state, size, targets, backend)]
    return _perturbations(_from_both(_hidden, starts, state, size, targets, backend))


def ascent_hidden_from_random(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend ||h'_l||, from random points alone."""
    return _perturbations(_from_random(_hidden, state, size, targets, backend))


def ascent_flips(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend the smoothed count of flips at the target, from random points and from the kinks (Lemma C.2b)."""
    starts = [kinks(state, size, targets, backend)]
    return _perturbations(_from_both(_flips, starts, state, size, targets, backend))


def ascent_flips_from_random(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend the smoothed count of flips at the target, from random points alone."""
    return _perturbations(_from_random(_flips, state, size, targets, backend))


def ascent_product(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend ||prod D W - prod D~ W~||_2, from random points, the kinks and the linearised ascent (Lemma C.7)."""
    starts = [adversary(state, size, targets, backend) for adversary in (kinks, linearised_ascent)]
    return _perturbations(_from_both(_product, starts, state, size, targets, backend))


def ascent_product_from_random(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend ||prod D W - prod D~ W~||_2, from random points alone."""
    return _perturbations(_from_random(_product, state, size, targets, backend))


def ascent_remainder(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend f(W + W') - f(W) - <grad f(W), W'>, from a random point and from the best constructed one (Theorem 4).

    One W' for all sequences, returned for every target: the constructed ones are the gradient's direction and, of each
    target, the kinks and the kinks that the loss gains from.
    """
    remainder = remainder_at(state, backend)
    aimed = [adversary(state, size, targets, backend) for adversary in (kinks, loss_kinks)]
    factors = [(each.left[[t]], each.right[[t]]) for each in aimed for t in range(len(targets))]
    factors.append(scaled(*remainder.first_order(), -size))
    values = [start_at(remainder, left, right, backend).values[0] for left, right in factors]
    best = LowRankPerturbations(*factors[int(np.argmax(values))])
    return _shared(_from_both(_remainder, [best], state, size, targets, backend), targets)


def ascent_remainder_from_random(state: State, size: float, targets: Targets, backend: Backend) -> LowRankPerturbations:
    """Ascend f(W + W') - f(W) - <grad f(W), W'>, from a random point alone."""
    return _shared(_from_random(_remainder, state, size, targets, backend), targets)


def _hidden(state: State, size: float, targets: Targets, backend: Backend) -> Objective:
    return HiddenChange(state, targets)


def _flips(state: State, size: float, targets: Targets, backend: Backend) -> Objective:
    return Flips(state, targets, size)


def _product(state: State, size: float, targets: Targets, backend: Backend) -> Objective:
    return ProductChange(state, targets, size)


def _remainder(state: State, size: float, targets: Targets, backend: Backend) -> Remainder:
    return remainder_at(state, backend)


@functools.lru_cache(maxsize=1)  # both variants of an adversary begin with it
def _from_random(make: Make, state: State, size: float, targets: Targets, backend: Backend) -> Points:
    objective = make(state, size, targets, backend)
    rng = state.instance.stream(Stream.PERTURBATION, 3)
    left, right = random_point(rng, (objective.count, objective.rank, state.hidden.shape[2]), size)
    return climb(objective, start_at(objective, left, right, backend), size, STEPS, backend)


def _from_both(
    make: Make, starts: list[LowRankPerturbations], state: State, size: float, targets: Targets, backend: Backend
) -> Points:
    objective, found = make(state, size, targets, backend), _from_random(make, state, size, targets, backend)
    points = [start_at(objective, start.left, start.right, backend) for start in starts]
    first = functools.reduce(lambda kept, other: better(kept, kept.values, other, other.values), points)
    climbed = climb(objective, first, size, STEPS, backend)
    return better(found, found.values, climbed, climbed.values)


def _perturbations(points: Points) -> LowRankPerturbations:
    return LowRankPerturbations(points.left, points.right)


def _shared(points: Points, targets: Targets) -> LowRankPerturbations:
    return LowRankPerturbations(
        np.repeat(points.left, len(targets), axis=0), np.repeat(points.right, len(targets), axis=0)
    )
