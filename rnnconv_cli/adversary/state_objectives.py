"""What the projected ascent raises of states: their change, and the units that change sign (Lemma C.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.climb import Points, overflowed, pulled_back, states_at
from rnnconv_cli.adversary.perturbation import State, Target
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import activation_pattern

SHARPENED_TO = 0.1  # the smoothing of flips at the end of a climb, over that at its beginning


@dataclass(frozen=True, slots=True, eq=False)
class HiddenChange:
    """||h'_{i,l}|| at each target (l, i) (Lemma C.2a)."""

    state: State
    targets: tuple[Target, ...]

    @property
    def count(self) -> int:
        """One W' for each target."""
        return len(self.targets)

    @property
    def rank(self) -> int:
        """L - 1 layers of one sequence."""
        return len(self.state.hidden) - 1

    def at(self, left: Array, right: Array, direction: Array, backend: Backend) -> Points:
        """Return the points of these factors."""
        preactivation, hidden = states_at(self.state, _own_sequences(self.targets), left, right, backend)
        values = np.linalg.norm(self._change(hidden), axis=1)
        return Points(left, right, preactivation, hidden, values, direction)

    def scores(self, points: Points, progress: float) -> Array:
        """Return the values: nothing needs smoothing."""
        return points.values

    def gradient(self, points: Points, progress: float, backend: Backend) -> tuple[Array, Array]:
        """Return the gradient of ||h'||^2 / 2."""
        pattern = activation_pattern(points.preactivation, self.state.instance.activation)
        place, entering = _places(self.targets, len(points.left)), np.zeros_like(points.hidden)
        entering[place] = pattern[place] * self._change(points.hidden)
        return pulled_back(self.state, points, entering, backend)

    def _change(self, hidden: Array) -> Array:
        place = _places(self.targets, hidden.shape[1])
        return np.asarray(hidden[place] - _repeated(_at_targets(self.state.hidden, self.targets), len(place[0])))


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """The number of units of each target layer that change sign (Lemma C.2b), smoothed to a sum of logistic steps.

    The steps are as wide as |g| of the last unit that a perturbation of the whole ||h_{l-1}|| would pay for, and narrow
    on the way to a tenth of that.
    """

    state: State
    targets: tuple[Target, ...]
    size: float

    @property
    def count(self) -> int:
        """One W' for each target."""
        return len(self.targets)

    @property
    def rank(self) -> int:
        """L - 1 layers of one sequence."""
        return len(self.state.hidden) - 1

    def at(self, left: Array, right: Array, direction: Array, backend: Backend) -> Points:
        """Return the points of these factors, with infinitely many flips where states have overflowed."""
        preactivation, hidden = states_at(self.state, _own_sequences(self.targets), left, right, backend)
        flipped = (self._found(preactivation) >= 0) != (self._before(len(left)) >= 0)
        counts = np.where(overflowed(hidden), np.inf, flipped.sum(axis=1))
        return Points(left, right, preactivation, hidden, counts, direction)

    def scores(self, points: Points, progress: float) -> Array:
        """Return the smoothed counts, sum over the units of 1 / (1 + exp(sign(g~) g / width))."""
        return np.asarray(np.sum(0.5 - 0.5 * np.tanh(self._distance(points, progress) / 2), axis=1))

    def gradient(self, points: Points, progress: float, backend: Backend) -> tuple[Array, Array]:
        """Return the gradient of the smoothed counts, up to a factor."""
        entering = np.zeros_like(points.preactivation)
        slope = 1 - np.tanh(self._distance(points, progress) / 2) ** 2
        entering[_places(self.targets, len(points.left))] = -_sign(self._before(len(points.left))) * slope
        return pulled_back(self.state, points, entering, backend)

    def _found(self, preactivation: Array) -> Array:
        return np.asarray(preactivation[_places(self.targets, preactivation.shape[1])])

    def _before(self, count: int) -> Array:
        return _repeated(_at_targets(self.state.preactivation, self.targets), count)

    def _distance(self, points: Points, progress: float) -> Array:
        """Return sign(g~) g over the present width of a step: negative where a unit has changed its sign."""
        before = self._before(len(points.left))
        widths = _repeated(self._widths()[:, None], len(before)) * SHARPENED_TO**progress
        return np.asarray(_sign(before) * self._found(points.preactivation) / widths)

    def _widths(self) -> Array:
        widths = []
        for target in self.targets:
            g = np.sort(np.abs(self.state.preactivation[target.layer, target.sequence].astype(np.float64)))
            budget = self.size * np.linalg.norm(self.state.hidden[target.layer - 1, target.sequence])
            paid = int(np.searchsorted(np.cumsum(g**2), budget**2))
            widths.append(max(g[min(paid, g.size - 1)], np.finfo(np.float64).tiny))
        return np.array(widths)


def _own_sequences(targets: tuple[Target, ...]) -> Array:
    """Return the sequence of each target, (t, 1)."""
    return np.array([[target.sequence] for target in targets])


def _places(targets: tuple[Target, ...], count: int) -> tuple[Array, Array, int]:
    """Return the index of the target's layer in (L, count, 1, m), for each of `count` points."""
    layers = _repeated(np.array([target.layer for target in targets]), count)
    return layers, np.arange(count), 0


def _at_targets(array: Array, targets: tuple[Target, ...]) -> Array:
    """Return the entries of (L, n, m) at the targets, (t, m)."""
    return np.stack([array[target.layer, target.sequence] for target in targets])


def _repeated(array: Array, count: int) -> Array:
    """Return what belongs to each of `count` points, of what belongs to each target."""
    return np.tile(array, (count // len(array),) + (1,) * (array.ndim - 1))


def _sign(preactivation: Array) -> Array:
    """Return 1 where a unit is active, at zero too, and -1 elsewhere."""
    return np.where(preactivation >= 0, 1.0, -1.0)
