"""PyTorch: the backward pass written by hand, into buffers made once; W is updated in place by one product."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rnnconv_cli.bench.cases import GRADIENT, LANCZOS_STEPS, PRODUCT, Case
from rnnconv_cli.bench.contestants.torch_networks import Networks, gradient_work, networks, step_work
from rnnconv_cli.bench.contestants.work import Work, repeated
from rnnconv_cli.bench.data import Outcome, first_pattern, start_vector
from rnnconv_cli.problem.elman import Instance


class Backprop:
    """Networks with their states (L, ..., n, m) and the signals of l >= 2 (L - 1, ..., n, m)."""

    def __init__(self, held: Networks) -> None:
        self.networks, self.W = held, held.W
        self.hidden = torch.relu(held.inputs)
        self.signals = torch.empty_like(self.hidden[1:])
        self.gradient = torch.empty_like(self.W)

    def propagate(self) -> Tensor:
        """Write states and signals; return the losses."""
        net = self.networks
        for layer in range(1, len(self.hidden)):
            state = self.hidden[layer]
            net.multiply_add(net.inputs[layer], self.hidden[layer - 1], self.W.mT, out=state)
            state.clamp_(min=0)
        residual = self.hidden[1:] @ net.B.mT - net.labels
        direct = residual @ net.B
        last = len(self.signals) - 1
        for layer in range(last, -1, -1):
            signal = self.signals[layer]
            if layer == last:
                signal.copy_(direct[layer])
            else:
                net.multiply_add(direct[layer], self.signals[layer + 1], self.W, out=signal)
            signal.mul_(self.hidden[layer + 1] > 0)
        return net.losses(residual)

    def loss_and_gradient(self) -> tuple[Tensor, Tensor]:
        """The losses, and the gradients, a buffer."""
        with torch.inference_mode():
            losses = self.propagate()
            signals, hidden = self.factors()
            return losses, torch.matmul(signals, hidden, out=self.gradient)

    def step(self, learning_rate: float) -> Tensor:
        """Take a step of every network in place; return the losses before it."""
        with torch.inference_mode():
            losses = self.propagate()
            signals, hidden = self.factors()
            self.networks.multiply_add(self.W, signals, hidden, alpha=-learning_rate, out=self.W)
        return losses

    def factors(self) -> tuple[Tensor, Tensor]:
        """S^T and H with gradient S^T H, over time and sequences: (..., m, (L - 1) n) and (..., (L - 1) n, m)."""
        return self._joined(self.signals).mT, self._joined(self.hidden[:-1])

    def _joined(self, layers: Tensor) -> Tensor:
        width = self.W.shape[-1]
        return layers.movedim(0, -3).reshape(*self.W.shape[:-2], -1, width)


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case in PyTorch, without autograd."""
    if case.task == PRODUCT:
        return _product(instances[0])
    if case.task == GRADIENT:
        return gradient_work(Backprop(networks(instances)).loss_and_gradient)
    return step_work(case, instances, lambda: Backprop(networks(instances)), Backprop.step)


def _product(instance: Instance) -> Work:
    W, pattern, start = map(torch.from_numpy, (instance.W[0], first_pattern(instance), start_vector(instance)))

    def call() -> float:
        with torch.inference_mode():
            return chain_norm(W, pattern, start)

    return Work(repeated(call), lambda: Outcome(np.array([call()])))


def chain_norm(W: Tensor, pattern: Tensor, start: Tensor) -> float:
    """The same as `lanczos.chain_norm`: W (m, m), pattern (L, m), start (m,)."""
    steps, transposed = LANCZOS_STEPS, W.T
    lefts, rights = W.new_zeros((steps, len(W))), W.new_zeros((steps + 1, len(W)))
    bidiagonal = torch.zeros((steps, steps + 1), dtype=torch.float64)
    rights[0] = start / start.norm()
    for k in range(steps):
        vector = rights[k]
        for diagonal in pattern:
            vector = torch.mv(W, vector).mul_(diagonal)
        lefts[k], bidiagonal[k, k] = orthonormal(vector, lefts[:k])
        vector = lefts[k]
        for diagonal in pattern.flip(0):
            vector = torch.mv(transposed, diagonal * vector)
        rights[k + 1], bidiagonal[k, k + 1] = orthonormal(vector, rights[: k + 1])
    return float(torch.linalg.svdvals(bidiagonal[:, :steps])[0])


def orthonormal(vector: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The vector (m,) made orthogonal to the rows (k, m) and of length 1, and its length in between."""
    for _ in range(2):
        vector = vector - (rows @ vector) @ rows
    length = vector.norm()
    return vector / length, length
