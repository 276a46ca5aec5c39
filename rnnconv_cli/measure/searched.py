"""Whether a search finds what is known: its perturbation beside the constructed ones of the same size."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary import Adversary
from rnnconv_cli.adversary.ascent import linearised_ascent
from rnnconv_cli.adversary.constructed import gradient, kinks, single_row, weighted_kinks
from rnnconv_cli.adversary.perturbation import Target
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.perturbed import Perturbed, base_of, every_target, perturb, perturbation_of, targets_at, under
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

CONSTRUCTED: tuple[Adversary, ...] = (gradient, kinks, weighted_kinks, single_row, linearised_ascent)


def hidden_change_over_constructed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Worst ||h'_{i,L}|| over i under the trial's adversary, over the worst under any constructed one [1]."""
    targets = targets_at(instance, instance.setting.horizon - 1)
    constructed = [_worst_change(_constructed(each, instance, trial, backend, targets)) for each in CONSTRUCTED]
    return (_ratio(_worst_change(perturb(instance, trial, backend, targets)), max(constructed), trial),)


def flips_over_constructed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean ||D'_{i,l}||_0 over the targets under the trial's adversary, over the most under any constructed one [1]."""
    targets = every_target(instance)
    constructed = [_mean_flips(_constructed(each, instance, trial, backend, targets)) for each in CONSTRUCTED]
    return (_ratio(_mean_flips(perturb(instance, trial, backend, targets)), max(constructed), trial),)


def _constructed(
    adversary: Adversary, instance: Instance, trial: Trial, backend: Backend, targets: tuple[Target, ...]
) -> Perturbed:
    """Return the instance under this adversary's perturbation, of the trial's size."""
    base = base_of(instance, trial, backend)
    return under(base, adversary(base, perturbation_of(trial).size, targets, backend), targets, trial, backend)


def _worst_change(perturbed: Perturbed) -> float:
    before = perturbed.base.hidden[-1, perturbed.sequences]
    return float(np.max(np.linalg.norm(perturbed.hidden[-1] - before, axis=1)))


def _mean_flips(perturbed: Perturbed) -> float:
    flips = perturbed.flips
    return float(np.mean([np.count_nonzero(flips[each.layer, t]) for t, each in enumerate(perturbed.targets)]))


def _ratio(found: float, constructed: float, trial: Trial) -> Reading:
    if constructed == 0:
        raise MeasurementError(trial.quantity, "no constructed perturbation of this size changes anything")
    return as_reading(found / constructed)
