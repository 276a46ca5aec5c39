"""Has a number moved? Two estimates with their standard errors, or several in a row, make a p-value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from rnnconv_cli.stats.student import Array

ZOOMS, ZOOM_POINTS = 4, 101  # a maximum to a millionth of the first grid


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """A change, its standard error, and the degrees of freedom of that: arrays of one shape."""

    size: Array
    error: Array
    degrees: Array


def shift(values: Array, errors: Array, degrees: Array, weights: Array, *, alike: bool) -> Shift:
    """The sum of weights times independent means (k, ...), which is zero where all means are equal.

    `errors` are standard errors of the means, over `degrees` + 1 replicates each. Means that are `alike` come from the
    same grid with as many replicates: these have one scatter, which is pooled, with the degrees of all; its t is exact.
    Other means keep their own scatter, with the fewest degrees: Welch's, which lie between, err up to three times too
    often at the small p-values that many tests ask for, and so does pooling where the draws are skewed and unequal.
    """
    size = np.sum(weights * values, axis=0)
    if not alike:
        return Shift(size, np.sqrt(np.sum((weights * errors) ** 2, axis=0)), np.min(degrees, axis=0))
    counts, together = degrees + 1, np.sum(degrees, axis=0)
    square = np.sum(degrees * counts * errors**2, axis=0) / together
    return Shift(size, np.sqrt(square * np.sum(weights**2 / counts, axis=0)), together)


def step_weights(degrees: Array) -> Array:
    """The weights of now minus then, (2, ...)."""
    return np.stack([np.full_like(degrees[0], -1.0), np.ones_like(degrees[1])])


def drift_weights(degrees: Array) -> Array:
    """The weights of the least-squares line over the order, times its length: how far it goes from first to last.

    Each mean counts as much as it has replicates, (k, ...): weights by measured scatter would follow its luck.
    """
    counts = degrees + 1
    order = np.arange(len(counts), dtype=np.float64).reshape(-1, *[1] * (counts.ndim - 1))
    offset = order - np.sum(counts * order, axis=0) / np.sum(counts, axis=0)
    return np.asarray(counts * offset / np.sum(counts * offset**2, axis=0) * (len(counts) - 1))


def p_value(found: Shift, threshold: Array) -> Array:
    """The largest chance of such a shift [1] where the true one is at most `threshold` in size; two-sided at 0."""
    size = np.abs(found.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = (size - threshold) / found.error, (size + threshold) / found.error
    tails = scipy.special.stdtr(found.degrees, -near) + scipy.special.stdtr(found.degrees, -far)
    return np.where(found.error > 0, np.minimum(1.0, tails), np.where(size > threshold, 0.0, 1.0))


def shares_p_value(holds: tuple[int, int], trials: tuple[int, int], threshold: float = 0.0) -> float:
    """The p-value [1] of "an event's two probabilities differ by at most the threshold", two-sided.

    Never below the chance that it states: Fisher's exact test of no difference, and beyond a threshold the product of
    two exact tails at the most likely pair of probabilities that are a threshold apart.
    """
    if threshold == 0:
        return _fisher(holds, trials)
    (first, second), (n_first, n_second) = holds, trials
    if abs(second / n_second - first / n_first) <= threshold:
        return 1.0
    if second * n_first < first * n_second:  # count where it does not hold, so that the second share is the larger
        first, second = n_first - first, n_second - second
    product = _largest_product((first, second), trials, threshold)
    return 0.0 if product == 0 else min(1.0, 2 * product * (1 - math.log(product)))


def _largest_product(holds: tuple[int, int], trials: tuple[int, int], threshold: float) -> float:
    """Largest chance of a first count as low times that of a second as high, over shares a threshold apart [1].

    A product of two exact tails is at most x with a chance of x * (1 - log x) at most: Fisher's combination. Its
    logarithm is concave in the share, so that a grid closes in on the largest; that lies between what was seen.
    """
    low, high = holds[0] / trials[0], holds[1] / trials[1] - threshold
    largest = 0.0
    for _ in range(ZOOMS):
        shares = np.linspace(low, high, ZOOM_POINTS)
        below = scipy.special.bdtr(holds[0], trials[0], shares)
        above = scipy.special.bdtrc(holds[1] - 1, trials[1], np.minimum(1.0, shares + threshold))
        products = below * above
        best = int(np.argmax(products))
        largest = max(largest, float(products[best]))
        low, high = shares[max(0, best - 1)], shares[min(ZOOM_POINTS - 1, best + 1)]
    return largest


def _fisher(holds: tuple[int, int], trials: tuple[int, int]) -> float:
    """Fisher's exact p-value [1] of "one probability in both": two-sided, by the table's probability.

    Given how often it held in all, the first count is hypergeometric.
    """
    total, both = sum(holds), sum(trials)
    first = np.arange(max(0, total - trials[1]), min(trials[0], total) + 1)
    logs = _log_choose(trials[0], first) + _log_choose(trials[1], total - first) - _log_choose(both, np.array(total))
    chances = np.exp(logs)
    seen = chances[holds[0] - first[0]]
    return float(min(1.0, np.sum(chances[chances <= seen * (1 + 1e-9)])))  # equal ones differ by rounding


def corrected(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's p-values [1], in the same order: among all, the chance of one at most a by chance is at most a."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[place]))
        found[place] = largest
    return tuple(found)


def leverage(columns: Array) -> float:
    """How far the last coefficient of a least-squares fit (points, terms) may move if no value moves by more than 1."""
    return float(np.sum(np.abs(np.linalg.pinv(columns)[-1])))


def _log_choose(n: int, k: NDArray[np.int64]) -> Array:
    """log of n over k."""
    gammaln = scipy.special.gammaln
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), dtype=np.float64)
