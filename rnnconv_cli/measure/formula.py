"""The gradient as the paper writes it out, against backpropagation through time (Fact 2.5)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import State, state_of
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer
from rnnconv_cli.measure.reading import in_rounding_units
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial


def gradient_formula_error(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||grad f - formula||_F / ||grad f||_F in units of eps L sqrt(m) [1]; an identity (Fact 2.5)."""
    return (_gradient_error(instance, backend, shift=0),)


def gradient_formula_error_shifted(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||grad f - formula||_F / ||grad f||_F in units of eps L sqrt(m) [1], with Back_{l -> a} for Back_{l+1 -> a}.

    One layer too many, and no identity.
    """
    return (_gradient_error(instance, backend, shift=1),)


def _gradient_error(instance: Instance, backend: Backend, *, shift: int) -> Reading:
    state = state_of(instance, backend)
    residual = backend.residuals(instance.B, state.hidden, instance.labels)
    signals = backend.backward(instance.W, instance.B, state.pattern, residual)
    gradient = backend.weight_gradient(signals, state.hidden, instance.W.shape[0])
    error = np.linalg.norm(gradient - _written_out(state, residual, shift)) / np.linalg.norm(gradient)
    return in_rounding_units(float(error), instance)


def _written_out(state: State, residual: Array, shift: int) -> Array:
    """Return sum over i, a >= 2, l < a of D_{l+1} (Back_{l+1 -> a}^T loss_a) h_l^T, term by term: (K, m, m)."""
    W, B = state.instance.W, state.instance.B
    total = np.zeros_like(W)
    for last in range(1, len(residual)):
        for layer in range(1, last + 1):  # the layer that this use of W produces
            signal = residual[last] @ B
            for later in range(last, layer - shift, -1):
                signal = (state.pattern[later] * signal) @ weights_of_layer(W, later)
            weights_of_layer(total, layer)[:] += (state.pattern[layer] * signal).T @ state.hidden[layer - 1]
    return total
