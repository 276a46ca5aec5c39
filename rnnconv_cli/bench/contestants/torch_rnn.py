"""PyTorch: torch.nn.RNN, the module that a user would reach for, and autograd with respect to its recurrent weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, Case
from rnnconv_cli.bench.contestants.torch_networks import gradient_work, step_work
from rnnconv_cli.bench.contestants.work import Work, repeated
from rnnconv_cli.bench.data import Outcome
from rnnconv_cli.problem.elman import Instance


class Module:
    """An RNN without biases; its loss starts at l = 2."""

    def __init__(self, instance: Instance) -> None:
        width, input_dim = instance.A.shape
        self.rnn = torch.nn.RNN(
            input_dim, width, nonlinearity="relu", bias=False, dtype=getattr(torch, instance.setting.dtype)
        )
        with torch.no_grad():
            self.rnn.weight_hh_l0.copy_(torch.from_numpy(instance.W[0]))
            self.rnn.weight_ih_l0.copy_(torch.from_numpy(instance.A))
        self.rnn.weight_ih_l0.requires_grad_(False)
        self.W = self.rnn.weight_hh_l0
        self.x, self.B = torch.from_numpy(instance.x), torch.from_numpy(instance.B)
        self.labels = torch.from_numpy(instance.labels[1:])

    def states(self) -> Tensor:
        """h_1, ..., h_L, (L, n, m)."""
        return self.rnn(self.x)[0]

    def loss(self) -> Tensor:
        """1/2 sum over l >= 2 of ||B h_l - y_l||^2."""
        return 0.5 * (self.states()[1:] @ self.B.T - self.labels).square().sum()

    def loss_and_gradient(self) -> tuple[Tensor, Tensor]:
        """The loss, and the gradient (m, m)."""
        loss = self.loss()
        (gradient,) = torch.autograd.grad(loss, self.W)
        return loss.detach(), gradient

    def step(self, learning_rate: float) -> Tensor:
        """Take a step in place and return the loss before it."""
        loss, gradient = self.loss_and_gradient()
        with torch.no_grad():
            self.W.sub_(gradient, alpha=learning_rate)
        return loss


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case by torch.nn.RNN."""
    if case.task == FORWARD:
        module = Module(instances[0])
        return Work(repeated(_inferred(module.states)), lambda: Outcome(np.array([float(_inferred(module.loss)())])))
    if case.task == GRADIENT:
        return gradient_work(Module(instances[0]).loss_and_gradient)

    return step_work(case, instances, lambda: Module(instances[0]), Module.step)


def _inferred(function: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """The function, without what autograd would keep."""

    def call() -> Tensor:
        with torch.inference_mode():
            return function()

    return call
