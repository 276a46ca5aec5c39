"""What is left of the loss beyond its first order around W-breve: semi-smoothness (Theorem 4), the identity (7.2)."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import DensePerturbation, Perturbation, State, state_of
from rnnconv_cli.adversary.remainder import Remainder, remainder_at
from rnnconv_cli.errors import OverflowedNetwork
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.measure.perturbed import base_of, perturbation_of, targets_at
from rnnconv_cli.measure.reading import as_reading, in_rounding_units
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

LARGE_LOSS = 1e4  # max ||loss|| beside which 1/2 ||B h'||^2, of order tau_0^2, is nothing


def remainder(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """R = f(W-breve + W') - f(W-breve) - <grad f(W-breve), W'> [1], the largest over the targets; zero if negative.

    Theorem 4: at most C_1 m^(1/3) tau_0^(1/3) max ||loss|| ||W'|| + C_2 m ||W'||^2.
    """
    return (as_reading(_largest(base_of(instance, trial, backend), trial, backend)),)


def remainder_at_zero_loss(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """R of Theorem 4 where the labels are the outputs at W-breve [1]: R = 1/2 sum ||B (h - h-breve)||^2.

    The loss at W-breve is zero, and with it the term of C_1.
    """
    state = _relabelled(base_of(instance, trial, backend), 0.0, backend)
    return (as_reading(_largest(state, trial, backend)),)


def remainder_per_large_loss(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """R / max ||loss|| [1] where the loss vectors are the instance's labels, so much enlarged that C_2 drops out."""
    state = _relabelled(base_of(instance, trial, backend), LARGE_LOSS, backend)
    return (as_reading(_largest(state, trial, backend) / LARGE_LOSS),)


def remainder_of_initial_gradient(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """|f(W-breve + W') - f(W-breve) - <grad f(W_0), W'>| [1]: where W-breve is displaced, it is of first order."""
    state = base_of(instance, trial, backend)
    perturbation = _perturbation(state, trial, backend)
    at_initial, beyond = remainder_at(state_of(instance, backend), backend), remainder_at(state, backend)
    first = _first_orders(beyond, perturbation) - _first_orders(at_initial, perturbation)
    return (as_reading(float(np.max(np.abs(_values(beyond, perturbation, trial, backend) + first)))),)


def remainder_identity_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Error of (7.2), relative to its terms and in units of eps L sqrt(m) [1]; an identity around W-breve."""
    state = base_of(instance, trial, backend)
    return _identity_error(state, state, trial, backend)


def remainder_identity_error_as_printed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """Error of (7.2) as printed, f and its gradient at W_0, relative to its terms, in units of eps L sqrt(m) [1].

    No identity where W-breve is displaced.
    """
    return _identity_error(base_of(instance, trial, backend), state_of(instance, backend), trial, backend)


def _identity_error(state: State, printed: State, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    instance, perturbation = state.instance, _perturbation(state, trial, backend)
    at_printed = remainder_at(printed, backend)
    before, residual = backend.loss(at_printed.residual), remainder_at(state, backend).residual
    errors = []
    for kick, slope in zip(_matrices(perturbation), _first_orders(at_printed, perturbation), strict=True):
        _, hidden = backend.forward(instance.W + kick, instance.A, instance.x, instance.activation)
        _refuse_overflow(hidden, trial)
        after = backend.loss(backend.residuals(instance.B, hidden, instance.labels))
        change = (hidden - state.hidden) @ instance.B.T
        beyond = change - _first_order_states(state, kick) @ instance.B.T
        right = float(np.sum((residual * beyond + change**2 / 2)[1:]))
        errors.append(abs(after - before - slope - right) / (after + before + abs(slope)))
    return (in_rounding_units(float(np.max(errors)), instance),)


def _first_order_states(state: State, kick: Array) -> Array:
    """Return sum over a < l of D_l W ... W D_{a+1} W' h_a for every l, (L, n, m)."""
    moved = np.zeros_like(state.hidden)
    for layer in range(1, len(moved)):
        onward = moved[layer - 1] @ weights_of_layer(state.instance.W, layer).T
        moved[layer] = state.pattern[layer] * (onward + state.hidden[layer - 1] @ kick.T)
    return moved


@functools.lru_cache(maxsize=1)  # every adversary of a trial's instance meets the same one
def _relabelled(state: State, size: float, backend: Backend) -> State:
    """Return the state with labels that leave the former labels as loss vectors, the longest of length `size`.

    Where that is zero the residuals are zeros to the last bit: no adversary aims at round-off.
    """
    instance = state.instance
    lengths = np.linalg.norm(instance.labels[1:], axis=2)
    loss = instance.labels * instance.labels.dtype.type(size / float(np.max(lengths)))
    labels = backend.residuals(instance.B, state.hidden, loss)  # outputs minus loss vectors
    return replace(state, instance=replace(instance, labels=labels))


def _perturbation(state: State, trial: Trial, backend: Backend) -> Perturbation:
    """Return the trial's perturbation, aimed at the middle layer of every sequence where it aims at all."""
    setting, targets = perturbation_of(trial), targets_at(state.instance, state.instance.setting.horizon // 2)
    return ADVERSARIES[setting.adversary](state, setting.size, targets, backend)


def _largest(state: State, trial: Trial, backend: Backend) -> float:
    """Return R, the largest over the perturbations of the targets, or zero: the bound is one-sided."""
    values = _values(remainder_at(state, backend), _perturbation(state, trial, backend), trial, backend)
    return max(0.0, float(np.max(values)))


def _values(beyond: Remainder, perturbation: Perturbation, trial: Trial, backend: Backend) -> Array:
    """Return R for each W' of the perturbation."""
    if isinstance(perturbation, DensePerturbation):
        values = np.array([beyond.of_matrix(perturbation.matrix, backend)])
    else:
        none = np.zeros((len(perturbation.left), 0))
        values = beyond.at(perturbation.left, perturbation.right, none, backend).values
    _refuse_overflow(values, trial)
    return values


def _refuse_overflow(values: Array, trial: Trial) -> None:
    if not np.isfinite(values).all():
        raise OverflowedNetwork(trial.quantity, "the hidden states are not finite under the perturbation")


def _first_orders(beyond: Remainder, perturbation: Perturbation) -> Array:
    """Return <grad f, W'> for each W' of the perturbation."""
    if isinstance(perturbation, DensePerturbation):
        return np.array([beyond.first_order_of_matrix(perturbation.matrix)])
    return beyond.first_order_of(perturbation.left, perturbation.right)


def _matrices(perturbation: Perturbation) -> list[Array]:
    if isinstance(perturbation, DensePerturbation):
        return [perturbation.matrix]
    return [left.T @ right for left, right in zip(perturbation.left, perturbation.right, strict=True)]
