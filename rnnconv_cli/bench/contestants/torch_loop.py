"""PyTorch: a loop over time and autograd; replicates as one batch of products."""

from __future__ import annotations

import torch
from torch import Tensor

from rnnconv_cli.bench.cases import FORWARD, GRADIENT, Case
from rnnconv_cli.bench.contestants.torch_networks import Networks, gradient_work, networks, step_work
from rnnconv_cli.bench.contestants.work import Work, repeated
from rnnconv_cli.bench.data import Outcome
from rnnconv_cli.problem.elman import Instance


def build(case: Case, instances: tuple[Instance, ...]) -> Work:
    """The case in PyTorch."""
    if case.task == FORWARD:
        return _forward(networks(instances))

    def trainable() -> Networks:
        made = networks(instances)
        made.W.requires_grad_()
        return made

    if case.task == GRADIENT:
        held = trainable()
        return gradient_work(lambda: losses_and_gradients(held))
    return step_work(case, instances, trainable, step)


def states(held: Networks) -> Tensor:
    """h_2, ..., h_L, (L - 1, ..., n, m)."""
    transposed, hidden, found = held.W.mT, torch.relu(held.inputs[0]), []
    for inputs in held.inputs[1:]:
        hidden = torch.relu(held.multiply_add(inputs, hidden, transposed))
        found.append(hidden)
    return torch.stack(found)


def losses_and_gradients(held: Networks) -> tuple[Tensor, Tensor]:
    """The loss and the gradient of each network, (...) and (..., m, m)."""
    losses = held.losses(states(held) @ held.B.mT - held.labels)
    (gradients,) = torch.autograd.grad(losses.sum(), held.W)
    return losses.detach(), gradients


def step(held: Networks, learning_rate: float) -> Tensor:
    """Take a step of every network in place; return the losses before it."""
    losses, gradients = losses_and_gradients(held)
    with torch.no_grad():
        held.W.sub_(gradients, alpha=learning_rate)
    return losses


def _forward(held: Networks) -> Work:
    def call() -> Tensor:
        with torch.inference_mode():
            return states(held)

    def outcome() -> Outcome:
        return Outcome(held.losses(call() @ held.B.mT - held.labels).reshape(-1).numpy())

    return Work(repeated(call), outcome)
