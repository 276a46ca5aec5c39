"""NumPy as a careful user writes it: SciPy's BLAS on views, buffers made once, W updated in place by one product.

All products are SciPy's, which adds them to what is there: NumPy brings a BLAS of its own, and the idle threads of
one would spin on the cores of the other.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import blas

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, PRODUCT, Case
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, repeated
from rnnconv_cli.bench.data import Descended, Outcome, first_pattern, start_vector, stepped
from rnnconv_cli.bench.lanczos import chain_norm
from rnnconv_cli.kernels.arrays import Array, copy_aligned
from rnnconv_cli.problem.elman import Instance


class Network:
    """A network with its buffers: inputs A x and states (L, n, m), signals and residuals of l = 2 ... L.

    BLAS sees every array transposed, columns first. The product of W with one vector has a function of its own.
    """

    def __init__(self, instance: Instance) -> None:
        self.W = copy_aligned(instance.W[0])
        self.B, self.labels = instance.B, instance.labels[1:]
        self.inputs = instance.x @ instance.A.T
        self.hidden: Array = np.maximum(self.inputs, 0)
        self.active = np.empty(self.inputs.shape[1:], dtype=bool)
        self.signals = np.empty_like(self.inputs[1:])
        self.residual = np.empty(self.labels.shape, dtype=self.labels.dtype)
        self.gradient = np.empty_like(self.W)
        is_single, self.is_one = self.W.dtype == np.float32, self.inputs.shape[1] == 1
        self.gemm = blas.sgemm if is_single else blas.dgemm
        self.gemv = blas.sgemv if is_single else blas.dgemv

    def forward(self) -> Array:
        """Write and return the states."""
        for layer in range(1, len(self.hidden)):
            state = self.hidden[layer]
            np.copyto(state, self.inputs[layer])
            self._add_product(self.hidden[layer - 1], state, forth=True)
            np.maximum(state, 0, out=state)
        return self.hidden

    def loss(self) -> float:
        """Write the residuals of the states, and return the loss."""
        states, residual = self._flat(self.hidden[1:]), self._flat(self.residual)
        self.gemm(1.0, self.B.T, states.T, c=residual.T, trans_a=True, overwrite_c=True)
        self.residual -= self.labels
        return 0.5 * float(np.square(self.residual).sum())

    def backward(self) -> None:
        """Write the signals."""
        residual, signals = self._flat(self.residual), self._flat(self.signals)
        self.gemm(1.0, self.B.T, residual.T, c=signals.T, overwrite_c=True)
        for layer in range(len(self.signals) - 1, -1, -1):
            if layer < len(self.signals) - 1:
                self._add_product(self.signals[layer + 1], self.signals[layer], forth=False)
            np.greater(self.hidden[layer + 1], 0, out=self.active)
            self.signals[layer] *= self.active

    def loss_and_gradient(self) -> tuple[float, Array]:
        """Return the loss and the gradient, (m, m), a buffer."""
        self.forward()
        loss = self.loss()
        self.backward()
        left, right = self._factors()
        self.gemm(1.0, right.T, left.T, c=self.gradient.T, trans_b=True, overwrite_c=True)
        return loss, self.gradient

    def step(self, learning_rate: float) -> float:
        """Take a step in place and return the loss before it: W^T - eta H^T S, columns first, is one BLAS call."""
        self.forward()
        loss = self.loss()
        self.backward()
        left, right = self._factors()
        self.gemm(-learning_rate, right.T, left.T, beta=1.0, c=self.W.T, trans_b=True, overwrite_c=True)
        return loss

    def _add_product(self, vectors: Array, out: Array, *, forth: bool) -> None:
        """Add W v, or W^T v on the way back, for every row v of `vectors` (n, m) to that of `out`."""
        if self.is_one:
            self.gemv(1.0, self.W.T, vectors[0], beta=1.0, y=out[0], trans=forth, overwrite_y=True)
        else:
            self.gemm(1.0, self.W.T, vectors.T, beta=1.0, c=out.T, trans_a=forth, overwrite_c=True)

    def _factors(self) -> tuple[Array, Array]:
        """Signals and the states before them, (n (L - 1), m) each."""
        return self._flat(self.signals), self._flat(self.hidden[:-1])

    def _flat(self, layers: Array) -> Array:
        """Layers (k, n, m) as rows (k n, m)."""
        return layers.reshape(-1, layers.shape[-1])


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

    def descend(learning_rate: float, steps: int) -> Descended:
        checked = Network(instance)
        losses = [checked.step(learning_rate) for _ in range(steps)]
        return np.array(losses[-1:]), checked.W[None]

    return Work(repeated(lambda: network.step(TINY_RATE)), lambda: stepped(case, instances, descend))
