"""What is left of f(W + W') beyond its first order (Theorem 4, (7.2)), as a number and as what the ascent raises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary.ball import inner_product
from rnnconv_cli.adversary.climb import Points, pulled_back, states_at
from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import activation_pattern


@dataclass(frozen=True, slots=True, eq=False)
class Remainder:
    """R(W') = f(W + W') - f(W) - <grad f(W), W'>, one W' for all sequences."""

    state: State
    residual: Array  # loss_{i,l} at W, (L, n, d)
    signals: Array  # grad f(W) = sum over i, l >= 2 of signals_{i,l} h_{i,l-1}^T, (L, n, m)

    @property
    def count(self) -> int:
        """One W' for all."""
        return 1

    @property
    def rank(self) -> int:
        """L - 1 layers of every sequence, at W + W' and at W."""
        layers, n_sequences, _ = self.signals.shape
        return 2 * int(n_sequences) * (int(layers) - 1)

    def at(self, left: Array, right: Array, direction: Array, backend: Backend) -> Points:
        """Return the points of these factors.

        R = sum over i, l of <loss, y' - y> + 1/2 ||y' - y||^2, less the first order: no large numbers cancel.
        """
        n_sequences = self.signals.shape[1]
        preactivation, hidden = states_at(self.state, np.arange(n_sequences)[None], left, right, backend)
        values = self._change_of_loss(hidden) - self.first_order_of(left, right)
        return Points(left, right, preactivation, hidden, values, direction)

    def of_matrix(self, matrix: Array, backend: Backend) -> float:
        """Return R for one dense W' (m, m)."""
        instance = self.state.instance
        _, hidden = backend.forward(instance.W + matrix, instance.A, instance.x, instance.activation)
        return float(self._change_of_loss(hidden[:, None])[0]) - self.first_order_of_matrix(matrix)

    def scores(self, points: Points, progress: float) -> Array:
        """Return the values: nothing needs smoothing."""
        return points.values

    def gradient(self, points: Points, progress: float, backend: Backend) -> tuple[Array, Array]:
        """Return grad f(W + W') - grad f(W)."""
        instance = self.state.instance
        residual = self.residual[:, None] + self._output_change(points.hidden)
        pattern = activation_pattern(points.preactivation, instance.activation)
        left, right = pulled_back(self.state, points, pattern * (residual @ instance.B), backend)
        base_left, base_right = self.first_order()
        return np.concatenate([left, -base_left], axis=1), np.concatenate([right, base_right], axis=1)

    def first_order(self) -> tuple[Array, Array]:
        """Return grad f(W) in factors (1, n (L - 1), m)."""
        width = self.signals.shape[2]
        return self.signals[1:].reshape(1, -1, width), self.state.hidden[:-1].reshape(1, -1, width)

    def first_order_of(self, left: Array, right: Array) -> Array:
        """Return <grad f(W), W'_k> for factors (k, r, m)."""
        base_left, base_right = (np.broadcast_to(each, (len(left), *each.shape[1:])) for each in self.first_order())
        return inner_product(base_left, base_right, left, right)

    def first_order_of_matrix(self, matrix: Array) -> float:
        """Return <grad f(W), W'> for one dense W' (m, m)."""
        return float(np.sum(self.signals[1:] * (self.state.hidden[:-1] @ matrix.T)))

    def _change_of_loss(self, hidden: Array) -> Array:
        """Return f(W + W') - f(W) for every point."""
        change = self._output_change(hidden)
        return np.asarray(np.sum(self.residual[:, None] * change + change**2 / 2, axis=(0, 2, 3)))

    def _output_change(self, hidden: Array) -> Array:
        """Return B (h' - h) for l >= 2 and zeros at l = 1, for every point, (L, k, n, d)."""
        change = (hidden - self.state.hidden[:, None]) @ self.state.instance.B.T
        change[0] = 0
        return np.asarray(change)


def remainder_at(state: State, backend: Backend) -> Remainder:
    """Return the remainder around this state's W, of the instance's own loss."""
    instance = state.instance
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    return Remainder(state, residual, backend.backward(instance.W, instance.B, state.pattern, residual))
