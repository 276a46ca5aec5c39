"""The networks of a case, the same for every contestant, and what the float64 reference makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from rnnconv_cli.bench.cases import PRODUCT, Case
from rnnconv_cli.bench.lanczos import chain_norm
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.problem import elman
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import ProblemSetting


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a contestant must get right, for each of R replicates: losses (R,), or norms, and gradients (R, m, m)."""

    losses: Array
    gradients: Array | None = None

    def save(self, path: Path) -> None:
        """Write the arrays to one file."""
        gradients = np.empty((0, 0, 0)) if self.gradients is None else self.gradients
        np.savez(path, losses=self.losses, gradients=gradients)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """Read what `save` has written."""
        with np.load(path) as arrays:
            gradients = arrays["gradients"]
            return cls(arrays["losses"], gradients if gradients.size else None)


def setting(case: Case) -> ProblemSetting:
    """The case's network and data: the paper's initialisation, 16 inputs, one output."""
    return ProblemSetting(
        width=case.width,
        horizon=case.horizon,
        n_sequences=case.n_sequences,
        input_dim=16,
        output_dim=1,
        separation=0.5,
        later_tokens="fresh",
        labels="random",
        copies=1,
        copy_labels="independent",
        weight_variance=2.0,
        output_variance="1/d",
        activation="relu",
        layers="shared",
        dtype=case.dtype,
    )


def draw(case: Case, seed: int) -> tuple[Instance, ...]:
    """One instance for each replicate, in the case's dtype; the last ones drawn are kept."""
    return _draw(setting(case), case.replicates, seed)


@lru_cache(maxsize=1)
def _draw(setting: ProblemSetting, replicates: int, seed: int) -> tuple[Instance, ...]:
    return tuple(elman.draw(setting, seed, replicate) for replicate in range(replicates))


def first_pattern(instance: Instance) -> Array:
    """The diagonals D_1, ..., D_L of the first sequence, (L, m)."""
    preactivation, _ = reference.forward(instance.W, instance.A, instance.x[:, :1], instance.activation)
    return np.ascontiguousarray(reference.activation_pattern(preactivation, instance.activation)[:, 0])


def start_vector(instance: Instance) -> Array:
    """Where Lanczos starts, (m,), in the instance's dtype."""
    return instance.stream(Stream.START_VECTOR).standard_normal(instance.setting.width).astype(instance.W.dtype)


def expected(case: Case, instances: tuple[Instance, ...]) -> Outcome:
    """The outcome by the reference kernels in float64, from the same, rounded, numbers."""
    if case.task == PRODUCT:
        return Outcome(np.array([_norm(instance) for instance in instances]))
    found = [_loss_and_gradient(instance) for instance in instances]
    return Outcome(np.array([loss for loss, _ in found]), np.stack([gradient for _, gradient in found]))


def _norm(instance: Instance) -> float:
    return chain_norm(
        instance.W[0].astype(np.float64),
        first_pattern(instance).astype(np.float64),
        start_vector(instance).astype(np.float64),
    )


def _loss_and_gradient(instance: Instance) -> tuple[float, Array]:
    arrays = (instance.W, instance.A, instance.B, instance.x, instance.labels)
    W, A, B, x, labels = (array.astype(np.float64) for array in arrays)
    preactivation, hidden = reference.forward(W, A, x, instance.activation)
    residual = reference.residuals(B, hidden, labels)
    pattern = reference.activation_pattern(preactivation, instance.activation)
    gradient = reference.weight_gradient(reference.backward(W, B, pattern, residual), hidden, 1)
    return reference.loss(residual), gradient[0]


def read_off(before: Array, after: Array, learning_rate: float) -> Array:
    """The gradients G in after = before - eta G, (R, m, m), where eta G dwarfs W."""
    return (before.astype(np.float64) - after) / learning_rate
