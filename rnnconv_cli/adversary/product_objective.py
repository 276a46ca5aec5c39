"""What the projected ascent raises of products: the norm of their change (Lemma C.7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.climb import Points, overflowed, pulled_back, states_at
from rnnconv_cli.adversary.perturbation import State, Target
from rnnconv_cli.kernels.activations import LINEAR, RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import activation_pattern, weights_of_layer
from rnnconv_cli.problem.seeding import Stream

PATTERN_WIDTH = 0.3  # of a smoothed step of D in units of ||W'||_2; a third finds 4% less, three times 10% less
POWER_STEPS = 1  # from the vector of the point before; two find no more
FIRST_POWER_STEPS = 12  # from a random vector


@dataclass(frozen=True, slots=True, eq=False)
class ProductChange:
    """||D_L W ... D_2 W - D~_L W~ ... D~_2 W~||_2 for each target's sequence.

    With the top singular vectors y, z of the difference held, y^T D_L W ... D_2 W z depends on W' through the weights
    and through the patterns, whose steps are smoothed. `direction` is z, refined by power iteration at each point.
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
        """L - 1 layers, once for the weights and once for the patterns."""
        return 2 * (len(self.state.hidden) - 1)

    def at(self, left: Array, right: Array, direction: Array, backend: Backend) -> Points:
        """Return the points of these factors, each with the norm that the power iteration has come to.

        A norm that is not finite is the last, and infinite where the states have overflowed.
        """
        preactivation, hidden = states_at(self.state, self._sequences()[:, None], left, right, backend)
        steps, z = POWER_STEPS, direction
        if z.shape[1] == 0:
            start = self.state.instance.stream(Stream.START_VECTOR).standard_normal(left.shape[2])
            steps, z = FIRST_POWER_STEPS, np.tile(start.astype(left.dtype), (len(left), 1))
        values = np.where(overflowed(hidden), np.inf, 0.0).astype(left.dtype)
        for _ in range(steps):
            z = _unit(z)
            y = self._difference(preactivation, left, right, z, backend)
            values = np.where(np.isfinite(values), np.linalg.norm(y, axis=1), values)
            z = self._adjoint_difference(preactivation, left, right, _unit(y), backend)
        return Points(left, right, preactivation, hidden, values, _unit(z))

    def scores(self, points: Points, progress: float) -> Array:
        """Return the values: only the gradient is smoothed."""
        return points.values

    def gradient(self, points: Points, progress: float, backend: Backend) -> tuple[Array, Array]:
        """Return the gradient of y^T D_L W ... D_2 W z, of the weights and of the smoothed patterns."""
        g, left, right = points.preactivation, points.left, points.right
        y = _unit(self._difference(g, left, right, points.direction, backend))
        pattern = self._after(g)
        entered, partial = self._through(pattern, left, right, points.direction, backend)
        carried = self._back_through(pattern, left, right, y, backend)
        entering = carried[1:] * entered * self._pattern_slope(g[1:, :, 0])
        by_pattern = np.concatenate([np.zeros_like(g[:1]), entering[:, :, None]])
        state_left, state_right = pulled_back(self.state, points, by_pattern, backend)
        weight_left, weight_right = (pattern[1:] * carried[1:]).transpose(1, 0, 2), partial[:-1].transpose(1, 0, 2)
        return np.concatenate([weight_left, state_left], axis=1), np.concatenate([weight_right, state_right], axis=1)

    def _sequences(self) -> Array:
        return np.array([target.sequence for target in self.targets])

    def _before(self, count: int) -> Array:
        """Return D~ of each point's sequence, (L, k, m)."""
        return self.state.pattern[:, np.tile(self._sequences(), count // len(self.targets))]

    def _after(self, preactivation: Array) -> Array:
        return activation_pattern(preactivation[:, :, 0], self.state.instance.activation)

    def _difference(self, preactivation: Array, left: Array, right: Array, z: Array, backend: Backend) -> Array:
        """Return (D_L W ... D_2 W - D~_L W~ ... D~_2 W~) z for each point's z."""
        both = self._through(*self._after_and_before(preactivation, left, right, z), backend)[1][-1]
        return np.asarray(both[: len(z)] - both[len(z) :])

    def _adjoint_difference(self, preactivation: Array, left: Array, right: Array, y: Array, backend: Backend) -> Array:
        both = self._back_through(*self._after_and_before(preactivation, left, right, y), backend)[0]
        return np.asarray(both[: len(y)] - both[len(y) :])

    def _after_and_before(
        self, preactivation: Array, left: Array, right: Array, vectors: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Return pattern, factors and vectors of both products, so that they share each pass over W."""
        pattern = np.concatenate([self._after(preactivation), self._before(len(left))], axis=1)
        none = np.zeros_like(left)
        return pattern, np.concatenate([left, none]), np.concatenate([right, none]), np.concatenate([vectors, vectors])

    def _through(self, pattern: Array, left: Array, right: Array, z: Array, backend: Backend) -> tuple[Array, Array]:
        """Return (W + W') p_{a-1} for a = 2..L, (L - 1, k, m), and p_1 = z, p_a = D_a (W + W') p_{a-1}, (L, k, m)."""
        entered, partial = np.empty_like(pattern[1:]), np.empty_like(pattern)
        partial[0] = z
        for layer in range(1, len(pattern)):
            W = weights_of_layer(self.state.instance.W, layer)
            entered[layer - 1] = backend.products(W, partial[layer - 1])
            entered[layer - 1] += _low_rank(left, right, partial[layer - 1])
            partial[layer] = pattern[layer] * entered[layer - 1]
        return entered, partial

    def _back_through(self, pattern: Array, left: Array, right: Array, y: Array, backend: Backend) -> Array:
        """Return c_L = y and c_{a-1} = (W + W')^T D_a c_a down to a = 2, (L, k, m)."""
        carried = np.empty_like(pattern)
        carried[-1] = y
        for layer in range(len(pattern) - 1, 0, -1):
            signal = pattern[layer] * carried[layer]
            carried[layer - 1] = backend.adjoint_products(weights_of_layer(self.state.instance.W, layer), signal)
            carried[layer - 1] += _low_rank(right, left, signal)
        return carried

    def _pattern_slope(self, preactivation: Array) -> Array:
        """Return dD/dg: for ReLU that of a logistic step."""
        activation = self.state.instance.activation
        if activation == LINEAR:
            return np.zeros_like(preactivation)
        if activation == RELU:
            width = PATTERN_WIDTH * self.size
            return np.asarray((1 - np.tanh(preactivation / (2 * width)) ** 2) / (4 * width))
        hidden = np.tanh(preactivation)
        return np.asarray(-2 * hidden * (1 - hidden**2))


def _low_rank(left: Array, right: Array, vectors: Array) -> Array:
    """Return sum_r left_{k,r} <right_{k,r}, v_k> for each k."""
    return np.asarray(((right @ vectors[:, :, None]).transpose(0, 2, 1) @ left)[:, 0])


def _unit(vectors: Array) -> Array:
    """Return the rows at length 1; rows of zeros stay."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0))
