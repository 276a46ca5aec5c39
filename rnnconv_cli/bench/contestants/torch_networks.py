"""What the PyTorch contestants share: networks as tensors, and the tasks in terms of what each does in its own way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants.work import TINY_RATE, Work, repeated
from rnnconv_cli.bench.data import Descended, Outcome, stepped
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.problem.elman import Instance


@dataclass(slots=True, eq=False)
class Networks:
    """One network, or R of them in an axis R before the last two.

    W (m, m), B (d, m), inputs A x (L, n, m), labels of l >= 2 (L - 1, n, d).
    """

    W: Tensor
    B: Tensor
    inputs: Tensor
    labels: Tensor

    @property
    def multiply_add(self) -> Callable[..., Tensor]:
        """u + a b, one product or R of them."""
        multiply: Callable[..., Tensor] = torch.addmm if self.W.dim() == 2 else torch.baddbmm
        return multiply

    def losses(self, residual: Tensor) -> Tensor:
        """1/2 sum ||residual||^2 of each network."""
        return 0.5 * residual.square().sum(dim=(0, -2, -1))


def networks(instances: tuple[Instance, ...]) -> Networks:
    """The instances as tensors: copies, as a step changes W."""

    def joined(arrays: list[Array], axis: int) -> Tensor:
        return torch.tensor(np.stack(arrays, axis) if len(arrays) > 1 else arrays[0])

    return Networks(
        joined([each.W[0] for each in instances], 0),
        joined([each.B for each in instances], 0),
        joined([each.x @ each.A.T for each in instances], 1),
        joined([np.ascontiguousarray(each.labels[1:]) for each in instances], 1),
    )


class Trained(Protocol):
    """What has weights that steps change."""

    W: Tensor


Model = TypeVar("Model", bound=Trained)


def step_work(
    case: Case, instances: tuple[Instance, ...], make: Callable[[], Model], step: Callable[[Model, float], Tensor]
) -> Work:
    """`step` takes one step of a size in place and returns the losses before it."""
    timed = make()

    def descend(learning_rate: float, steps: int) -> Descended:
        checked = make()
        for _ in range(steps):
            losses = step(checked, learning_rate)
        return _numbers(losses), _matrices(checked.W)

    def run(count: int) -> None:
        for _ in range(count * case.steps):
            step(timed, TINY_RATE)

    return Work(run, lambda: stepped(case, instances, descend))


def gradient_work(call: Callable[[], tuple[Tensor, Tensor]]) -> Work:
    """`call` returns losses and gradients."""

    def outcome() -> Outcome:
        losses, gradients = call()
        return Outcome(_numbers(losses), _matrices(gradients))

    return Work(repeated(call), outcome)


def _numbers(losses: Tensor) -> Array:
    """The losses of one network or of R as (R,)."""
    found: Array = np.atleast_1d(losses.detach().numpy())
    return found


def _matrices(tensor: Tensor) -> Array:
    """A matrix of one network or of R as (R, m, m)."""
    found: Array = tensor.detach().numpy().reshape(-1, *tensor.shape[-2:])
    return found
