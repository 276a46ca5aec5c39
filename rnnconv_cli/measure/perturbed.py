"""An instance under the perturbation W' of its trial: what the quantities of Section 5 are read off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import Perturbation, State, Target, displaced, perturbed_states, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import PerturbationSetting, Trial


@dataclass(frozen=True, slots=True, eq=False)
class Perturbed:
    """A base state, the perturbation of it, and the states (L, t, m) of each target's sequence under it."""

    base: State
    perturbation: Perturbation
    targets: tuple[Target, ...]
    preactivation: Array
    hidden: Array

    @property
    def sequences(self) -> list[int]:
        """Return the sequence of each target."""
        return [target.sequence for target in self.targets]

    @property
    def pattern(self) -> Array:
        """Return the diagonals of D = D~ + D' on the targets' sequences, (L, t, m)."""
        return reference.activation_pattern(self.preactivation, self.base.instance.activation)

    @property
    def flips(self) -> Array:
        """Return D' = D - D~ on the targets' sequences, (L, t, m), entries -1, 0, 1 for ReLU."""
        return np.asarray(self.pattern - self.base.pattern[:, self.sequences])


def perturb(instance: Instance, trial: Trial, backend: Backend, targets: tuple[Target, ...]) -> Perturbed:
    """Return the instance (or its displaced copy) under the trial's perturbation of the given targets."""
    setting = perturbation_of(trial)
    base = base_of(instance, trial, backend)
    return under(base, ADVERSARIES[setting.adversary](base, setting.size, targets, backend), targets, trial, backend)


def base_of(instance: Instance, trial: Trial, backend: Backend) -> State:
    """Return the state that the trial perturbs: that of the instance, or of its displaced copy."""
    around = perturbation_of(trial).around
    base = state_of(displaced(instance, backend) if around == "displaced" else instance, backend)
    if not np.isfinite(base.hidden).all():
        raise OverflowedNetwork(trial.quantity, "the hidden states are not finite before any perturbation")
    return base


def under(
    base: State, perturbation: Perturbation, targets: tuple[Target, ...], trial: Trial, backend: Backend
) -> Perturbed:
    """Return a base state under this perturbation."""
    preactivation, hidden = perturbed_states(base, perturbation, targets, backend)
    if not np.isfinite(hidden).all():  # NaN has no pattern: its units would be counted as inactive
        raise OverflowedNetwork(trial.quantity, "the hidden states are not finite under the perturbation")
    return Perturbed(base, perturbation, targets, preactivation, hidden)


def perturbation_of(trial: Trial) -> PerturbationSetting:
    """Return the trial's perturbation; the plan has refused quantities that lack theirs."""
    if trial.perturbation is None:
        raise MeasurementError(trial.quantity, "needs a perturbation section")
    return trial.perturbation


def every_target(instance: Instance) -> tuple[Target, ...]:
    """Return (l, i) for every layer l >= 2 and every sequence."""
    return tuple(target for layer in range(1, instance.setting.horizon) for target in targets_at(instance, layer))


def targets_at(instance: Instance, layer: int) -> tuple[Target, ...]:
    """Return (l, i) for every sequence, at one layer counted from zero."""
    return tuple(Target(layer, i) for i in range(instance.setting.n_sequences))
