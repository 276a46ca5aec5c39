"""Norms of hidden states at random initialisation ((4.1), Lemma B.3)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial


def hidden_norm_upper(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l of ||h_{i,l}|| / (2(l - 1) + 4) and ||g_{i,l}|| / (4(l - 1) + 8) [1]; Lemma B.3 says <= 1."""
    hidden, preactivation = _norms(instance, backend)
    bound = 2.0 * np.arange(instance.setting.horizon)[:, None] + 4.0
    return (as_reading(max(float(np.max(hidden / bound)), float(np.max(preactivation / (2 * bound))))),)


def hidden_norm_lower(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i, l of ||h_{i,l}|| / (1 - 1/(4L))^l [1]; Lemma B.3 with its index repaired says >= 1."""
    return _hidden_norm_lower(instance, backend, first_power=1)


def hidden_norm_lower_as_printed(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i, l of ||h_{i,l}|| / (1 - 1/(4L))^(l-1) [1]; Lemma B.3 as printed says >= 1, also at l = 1."""
    return _hidden_norm_lower(instance, backend, first_power=0)


def hidden_norm_max(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l of ||h_{i,l}|| [1]: the quantity that explodes where the variance is too large."""
    return (as_reading(float(np.max(_norms(instance, backend)[0]))),)


def hidden_norm_last(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i of ||h_{i,L}|| [1]: after zero tokens, the quantity that vanishes where the variance is too small."""
    return (as_reading(float(np.min(_norms(instance, backend)[0][-1]))),)


def one_step_growth(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l of ||h_{i,l+1}|| / ((1 + 1/L)(||h_{i,l}|| + 1)) [1]; Claim B.4 says <= 1."""
    hidden, _ = _norms(instance, backend)
    bound = (1 + 1 / instance.setting.horizon) * (hidden[:-1] + 1)
    return (as_reading(float(np.max(hidden[1:] / bound))),)


def one_step_retention(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i, l of ||h_{i,l+1}|| / ((1 - 1/(4L)) ||h_{i,l}||) [1]; Claim B.5 says >= 1."""
    hidden, _ = _norms(instance, backend)
    bound = (1 - 1 / (4 * instance.setting.horizon)) * hidden[:-1]
    return (as_reading(float(np.min(hidden[1:] / bound))),)


def _hidden_norm_lower(instance: Instance, backend: Backend, *, first_power: int) -> tuple[Reading, ...]:
    hidden, _ = _norms(instance, backend)
    horizon = instance.setting.horizon
    bound = (1 - 1 / (4 * horizon)) ** (np.arange(horizon)[:, None] + first_power)
    return (as_reading(float(np.min(hidden / bound))),)


def _norms(instance: Instance, backend: Backend) -> tuple[Array, Array]:
    """Return ||h_{i,l}|| and ||g_{i,l}||, each (L, n)."""
    preactivation, hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)
    return np.linalg.norm(hidden, axis=2), np.linalg.norm(preactivation, axis=2)
