"""NumPy as a careful user writes it: BLAS on views, buffers made once, W updated in place by one product."""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, PRODUCT, Case
from rnnconv_cli.bench.contestants.work import CHECK_RATE, TINY_RATE, Work, repeated
from rnnconv_cli.bench.data import Outcome, first_pattern, read_off, start_vector
from rnnconv_cli.bench.lanczos import chain_norm
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.problem.elman import Instance


class Network:
    """A network with its buffers: inputs A x and states (L, n, m), signals and residuals of l = 2 ... L."""

    def __init__(self, instance: Instance) -> None:
        self.W = instance.W[0].copy()
        self.B, self.labels = instance.B, instance.labels[1:]
        self.inputs = instance.x @ instance.A.T
        self.hidden: Array = np.maximum(self.inputs, 0)
        self.active = np.empty(self.inputs.shape[1:], dtype=bool)
        self.signals = np.empty_like(self.inputs[1:])
        self.residual = np.empty_like(self.labels)
        self.gradient = np.empty_like(self.W)
        self.gemm = blas.sgemm if self.W.dtype == np.float32 else blas.dgemm

    def forward(self) -> Array:
        """Write and return the states."""
        for layer in range(1, len(self.hidden)):
            np.dot(self.hidden[layer - 1], self.W.T, out=self.hidden[layer])
            self.hidden[layer] += self.inputs[layer]
            np.maximum(self.hidden[layer], 0, out=self.hidden[layer])
        return self.hidden

    def loss(self) -> float:
        """Write the residuals of the states, and return the loss."""
        np.matmul(self.hidden[1:], self.B.T, out=self.residual)
        self.residual -= self.labels
        return 0.5 * float(np.vdot(self.residual, self.residual))

    def backward(self) -> None:
        """Write the signals."""
        np.matmul(self.residual, self.B, out=self.signals)
        carried = np.empty_like(self.signals[0])
        for layer in range(len(self.signals) - 1, -1, -1):
            if layer < len(self.signals) - 1:
                np.dot(self.signals[layer + 1], self.W, out=carried)
                self.signals[layer] += carried
            np.greater(self.hidden[layer + 1], 0, out=self.active)
            self.signals[layer] *= self.active

    def loss_and_gradient(self) -> tuple[float, Array]:
        """Return the loss and the gradient, (m, m), a buffer."""
        self.forward()
        loss = self.loss()
        self.backward()
        left, right = self._factors()
        np.dot(left.T, right, out=self.gradient)
        return loss, self.gradient

    def step(self, learning_rate: float) -> float:
        """Take one step in place and return the loss before it: W^T - eta H^T S, columns first, is one BLAS call."""
        self.forward()
        loss = self.loss()
        self.backward()
        left, right = self._factors()
        self.gemm(-learning_rate, right.T, left.T, beta=1.0, c=self.W.T, trans_b=True, overwrite_c=True)
        return loss

    def _factors(self) -> tuple[Array, Array]:
        """Signals and the states before them, (n (L - 1), m) each."""
        width = len(self.W)
        return self.signals.reshape(-1, width), self.hidden[:-1].reshape(-1, width)


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case in NumPy."""
    instance = instances[0]
    network = Network(instance)
    if case.task == PRODUCT:
        pattern, start = first_pattern(instance), start_vector(instance)
        return Work(
            repeated(lambda: chain_norm(network.W, pattern, start)),
            lambda: Outcome(np.array([chain_norm(network.W, pattern, start)])),
        )
    if case.task == FORWARD:

        def states() -> Outcome:
            network.forward()
            return Outcome(np.array([network.loss()]))

        return Work(repeated(network.forward), states)
    if case.task == GRADIENT:

        def gradient() -> Outcome:
            loss, found = network.loss_and_gradient()
            return Outcome(np.array([loss]), found[None].copy())

        return Work(repeated(network.loss_and_gradient), gradient)

    def step() -> Outcome:
        longest = Network(instance)
        loss = longest.step(CHECK_RATE)
        return Outcome(np.array([loss]), read_off(instance.W, longest.W[None], CHECK_RATE))

    return Work(repeated(lambda: network.step(TINY_RATE)), step)
