"""What one perturbation W' changes going forward: hidden states, activation patterns, products (Section 5)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import State, perturbed_weights, product_norm, state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.activations import RELU, TANH
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.perturbed import Perturbed, every_target, perturb, perturbation_of, targets_at
from rnnconv_cli.measure.reading import as_reading, in_rounding_units
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial


def pattern_flips(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Mean over the targets (l >= 2, i) of ||D'_{i,l}||_0 at the target [units]; Lemma C.2b says O(m^(2/3))."""
    perturbed = perturb(instance, trial, backend, every_target(instance))
    flips = perturbed.flips
    counts = [np.count_nonzero(flips[target.layer, t]) for t, target in enumerate(perturbed.targets)]
    return (as_reading(float(np.mean(counts))),)


def flipped_mass(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over the targets (l >= 2, i) of ||D'_{i,l} g_{i,l}|| at the target [1]; Lemma C.2c says O(m^-1/2)."""
    perturbed = perturb(instance, trial, backend, every_target(instance))
    mass = np.linalg.norm(perturbed.flips * perturbed.preactivation, axis=2)
    return (as_reading(float(np.max([mass[target.layer, t] for t, target in enumerate(perturbed.targets)]))),)


def hidden_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||h'_{i,L}|| [1]; Lemma C.2a says O(m^-1/2) and O(tau_0)."""
    perturbed = perturb(instance, trial, backend, targets_at(instance, instance.setting.horizon - 1))
    return (as_reading(float(np.max(_last_change(perturbed, perturbed.base)))),)


def hidden_change_per_size(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||h_{i,L} - h-breve_{i,L}|| / ||W'||_2 [1]; (7.1) bounds it, however small W' is.

    A change below ten times the rounding error eps ||h|| of h itself is marked as round-off.
    """
    perturbed = perturb(instance, trial, backend, targets_at(instance, instance.setting.horizon - 1))
    return _change_per_size(perturbed, perturbed.base, perturbation_of(trial).size)


def hidden_change_from_start_per_size(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||h_{i,L} - h_{i,L} at W0|| / ||W'||_2 [1]: it grows like 1/||W'||_2 where W-breve is not W0."""
    perturbed = perturb(instance, trial, backend, targets_at(instance, instance.setting.horizon - 1))
    return _change_per_size(perturbed, state_of(instance, backend), perturbation_of(trial).size)


def _change_per_size(perturbed: Perturbed, before: State, size: float) -> tuple[Reading, ...]:
    floor = float(np.finfo(before.hidden.dtype).eps) * float(np.max(np.linalg.norm(before.hidden[-1], axis=1)))
    return (as_reading(float(np.max(_last_change(perturbed, before))) / size, floor=10 * floor / size),)


def product_change(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||prod_{l=L..2} D_l W - prod_{l=L..2} D~_l W~||_2 [1]; (5.2) says O(L^7)."""
    targets = targets_at(instance, instance.setting.horizon // 2)
    perturbed = perturb(instance, trial, backend, targets)
    after = perturbed.pattern
    base = perturbed.base
    first = 0 if instance.W.shape[0] == 1 else 1
    norms = [
        product_norm(
            instance,
            backend,
            perturbed_weights(base.instance, perturbed.perturbation, t)[first:],
            after[1:, t],
            base.instance.W[first:],
            base.pattern[1:, target.sequence],
        )
        for t, target in enumerate(targets)
    ]
    return (as_reading(float(np.max(norms))),)


def first_order_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Error of (7.1), relative to ||h_{i,L}|| and in units of eps L sqrt(m) [1]; an identity (Claim G.2)."""
    return _first_order_error(instance, trial, backend, with_second_pattern=True)


def first_order_error_without_second_pattern(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Error of (7.1) with D'' = 0, relative to ||h_{i,L}|| and in units of eps L sqrt(m) [1].

    No identity where any unit changes sign. Zero where none does.
    """
    return _first_order_error(instance, trial, backend, with_second_pattern=False)


def second_pattern(before: Array, after: Array) -> Array:
    """Return D'' of Proposition G.3 for pre-activations g-breve (before) and g (after), elementwise.

    relu(after) - relu(before) = (1[before >= 0] + D'') (after - before); D'' = after/(before - after) where the sign
    falls, after/(after - before) where it rises, 0 where it stays.
    """
    falls, rises = (before >= 0) & (after < 0), (before < 0) & (after >= 0)
    gap = np.where(falls | rises, np.abs(after - before), 1)
    return np.asarray(np.where(falls | rises, after / gap, 0))


def _first_order_error(
    instance: Instance, trial: Trial, backend: Backend, *, with_second_pattern: bool
) -> tuple[Reading, ...]:
    perturbed = perturb(instance, trial, backend, targets_at(instance, instance.setting.horizon - 1))
    base = perturbed.base
    if instance.activation == TANH:
        raise MeasurementError("(7.1)", "is about piecewise linear activations, found tanh")
    if not with_second_pattern and not np.any(perturbed.flips):
        return (Reading(0.0, Status.ZERO),)
    errors = []
    for t, target in enumerate(perturbed.targets):
        before = base.preactivation[:, target.sequence]
        diagonal = base.pattern[:, target.sequence].copy()
        if with_second_pattern and instance.activation == RELU:  # a linear network has D'' = 0
            diagonal += second_pattern(before, perturbed.preactivation[:, t])
        kick = perturbed_weights(base.instance, perturbed.perturbation, t) - base.instance.W
        expanded = _expansion(base.instance.W, diagonal, kick, perturbed.hidden[:, t], backend)
        actual = perturbed.hidden[-1, t] - base.hidden[-1, target.sequence]
        errors.append(np.linalg.norm(expanded - actual) / np.linalg.norm(perturbed.hidden[-1, t]))
    return (in_rounding_units(float(np.max(errors)), instance),)


def _expansion(W: Array, diagonal: Array, kick: Array, hidden: Array, backend: Backend) -> Array:
    """Return sum over a of (D + D'')_L W ... W (D + D'')_{a+1} W' h_a, the right-hand side of (7.1)."""
    total = np.zeros_like(hidden[0])
    for layer in range(1, len(hidden)):
        start = diagonal[layer] * (reference.weights_of_layer(kick, layer) @ hidden[layer - 1])
        later = W if W.shape[0] == 1 else W[layer + 1 :]
        rest = np.ascontiguousarray(diagonal[layer + 1 :])
        total += backend.apply_product(later, rest, start[None, :])[-1, 0] if len(rest) > 0 else start
    return np.asarray(total)


def _last_change(perturbed: Perturbed, before: State) -> Array:
    """Return the distance of h_{i,L} from the same state of `before`, for each target's sequence."""
    states = before.hidden[-1, perturbed.sequences]
    return np.asarray(np.linalg.norm(perturbed.hidden[-1] - states, axis=1))
