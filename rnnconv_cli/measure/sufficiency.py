"""How far a network is from what (4.1), Lemma B.3 and the tangent kernel say of wide ones: is it wide enough?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.limit import ROUNDING, limit_gram
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.tangent import tangent_modes
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

LEAST_NORM = 0.5  # (4.1)
CRITICAL_VARIANCE = 2.0  # c in N(0, c/m) of Definition 2.3


def hidden_norm_off_band(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, l of ||h_{i,l}|| / (2(l - 1) + 4) and (1/2) / ||h_{i,l}|| [1]; (4.1) with Lemma B.3 says <= 1."""
    hidden, _, upper = _norms(instance, backend)
    return (as_reading(_farthest((hidden, upper), (LEAST_NORM, hidden))),)


def hidden_norm_off_explicit_band(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """The largest ratio of a norm to its bound in Lemma B.3, index repaired [1]; the lemma says <= 1.

    max over i, l of (1 - 1/(4L))^l / ||h_{i,l}||, ||h_{i,l}|| / (2(l - 1) + 4) and ||g_{i,l}|| / (4(l - 1) + 8).
    """
    hidden, preactivation, upper = _norms(instance, backend)
    horizon = instance.setting.horizon
    lower = (1 - 1 / (4 * horizon)) ** np.arange(1, horizon + 1)[:, None]
    return (as_reading(_farthest((hidden, upper), (preactivation, 2 * upper), (lower, hidden))),)


def smallest_eigenvalue_off_critical_limit(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max(r, 1/r) for r = lambda_min(K) / (m lambda_min(Theta)) [1], Theta the limit at the variance 2/m of the paper.

    A network of another variance is held against the paper's limit. A singular K is infinitely far from it.
    """
    modes = tangent_modes(state_of(instance, backend), backend)
    smallest = float(modes.values[0])
    if not np.isfinite(smallest):
        return (Reading(None, Status.DIVERGED),)
    limits = np.linalg.eigvalsh(limit_gram(instance.x, replace(instance.setting, weight_variance=CRITICAL_VARIANCE)))
    if limits[0] <= ROUNDING * limits[-1]:
        raise MeasurementError(trial.quantity, f"Theta is singular: eigenvalues {limits[0]:.1e} to {limits[-1]:.1e}")
    if not smallest > modes.floor:
        return (Reading(None, Status.DIVERGED),)
    wanted = instance.setting.width * float(limits[0])
    return (as_reading(max(smallest / wanted, wanted / smallest)),)


def _norms(instance: Instance, backend: Backend) -> tuple[Array, Array, Array]:
    """Return ||h_{i,l}|| and ||g_{i,l}||, each (L, n), and 2(l - 1) + 4, (L, 1)."""
    preactivation, hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)
    upper = 2.0 * np.arange(instance.setting.horizon)[:, None] + 4.0
    return np.linalg.norm(hidden, axis=2), np.linalg.norm(preactivation, axis=2), upper


def _farthest(*bounds: tuple[Array | float, Array | float]) -> float:
    """Return the largest ratio of what must be smaller to what must be larger; infinite where a norm is 0 or NaN."""
    with np.errstate(all="ignore"):
        return max(float(np.max(np.nan_to_num(small / large, nan=np.inf, posinf=np.inf))) for small, large in bounds)
