"""The networks of a case, the same for every contestant, and what the float64 reference makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

import numpy as np

from rnnconv_cli.bench.cases import PRODUCT, STEP, Case
from rnnconv_cli.bench.lanczos import chain_norm
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.problem import elman
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import ProblemSetting

CHECK_RATE = 2.0**40  # of the step that is read off: eta G dwarfs W, so that the step taken tells the gradient
SHORT_STEPS = 3  # of the short run
SHORT_RUN_MOST = 2.5e9  # operations of a step beyond which there is no short run: it would take as long as the timing
SHORT_FALL = 0.1  # share of the loss that a step of the short run is to take away, to first order

Descended: TypeAlias = tuple[Array, Array]  # losses before the last step (R,), and W after it (R, m, m)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a contestant must get right, for each of R replicates.

    Losses (R,), or norms; gradients (R, m, m); and of steps also the losses (R,) before the last step of a short run.
    """

    losses: Array
    gradients: Array | None = None
    last_losses: Array | None = None

    def save(self, path: Path) -> None:
        """Write the arrays to one file."""
        gradients, last_losses = (np.empty(0) if each is None else each for each in (self.gradients, self.last_losses))
        np.savez(path, losses=self.losses, gradients=gradients, last_losses=last_losses)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """Read what `save` has written."""
        with np.load(path) as arrays:
            losses, *others = (arrays[name] for name in ("losses", "gradients", "last_losses"))
            gradients, last_losses = (each if each.size else None for each in others)
            return cls(losses, gradients, last_losses)


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
    weights = np.concatenate([instance.W.astype(np.float64) for instance in instances])
    losses, gradients = _losses_and_gradients(instances, weights)
    if not has_short_run(case):
        return Outcome(losses, gradients)
    rate, last_losses, slopes = short_rate(losses, gradients), losses, gradients
    for _ in range(SHORT_STEPS - 1):
        weights -= rate * slopes
        last_losses, slopes = _losses_and_gradients(instances, weights)
    return Outcome(losses, gradients, last_losses)


def stepped(case: Case, instances: tuple[Instance, ...], descend: Callable[[float, int], Descended]) -> Outcome:
    """What steps get: gradients read off one long step, and where there is time for it, a short run of small ones.

    `descend` takes steps of a size from where the instances begin.
    """
    losses, after = descend(CHECK_RATE, 1)
    gradients = read_off(np.concatenate([instance.W for instance in instances]), after, CHECK_RATE)
    if not has_short_run(case):
        return Outcome(losses, gradients)
    return Outcome(losses, gradients, descend(short_rate(losses, gradients), SHORT_STEPS)[0])


def nothing_after(run: Callable[[int], object]) -> Outcome:
    """The outcome of the machine, which has none: only its first call is made, so that no round has it."""
    run(1)
    return Outcome(np.empty(0))


def has_short_run(case: Case) -> bool:
    """Whether steps of the case's networks are few enough operations for a short run."""
    return replace(case, task=STEP, steps=1).flops <= SHORT_RUN_MOST


def short_rate(losses: Array, gradients: Array) -> float:
    """A step size with which a step takes SHORT_FALL of no replicate's loss away, or less."""
    squares = np.array([np.vdot(gradient, gradient) for gradient in gradients], dtype=np.float64)
    return float(SHORT_FALL * np.min(losses / squares))


def _norm(instance: Instance) -> float:
    return chain_norm(
        instance.W[0].astype(np.float64),
        first_pattern(instance).astype(np.float64),
        start_vector(instance).astype(np.float64),
    )


def _losses_and_gradients(instances: tuple[Instance, ...], weights: Array) -> tuple[Array, Array]:
    """Losses (R,) and gradients (R, m, m) of the instances' networks with other weights (R, m, m), in float64."""
    found = [_loss_and_gradient(instance, W[None]) for instance, W in zip(instances, weights, strict=True)]
    return np.array([loss for loss, _ in found]), np.stack([gradient for _, gradient in found])


def _loss_and_gradient(instance: Instance, W: Array) -> tuple[float, Array]:
    A, B, x, labels = (each.astype(np.float64) for each in (instance.A, instance.B, instance.x, instance.labels))
    preactivation, hidden = reference.forward(W, A, x, instance.activation)
    residual = reference.residuals(B, hidden, labels)
    pattern = reference.activation_pattern(preactivation, instance.activation)
    gradient = reference.weight_gradient(reference.backward(W, B, pattern, residual), hidden, 1)
    return reference.loss(residual), gradient[0]


def read_off(before: Array, after: Array, learning_rate: float) -> Array:
    """The gradients G in after = before - eta G, (R, m, m), where eta G dwarfs W."""
    return (before.astype(np.float64) - after) / learning_rate
