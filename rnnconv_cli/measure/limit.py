"""The tangent kernel at infinite width: what K/m of a recurrent ReLU network tends to, and how near a network is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.measure.tangent import tangent_gram, tangent_modes
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import ProblemSetting, Reading, Status, Trial

ROUNDING = 1e-8  # of lambda_max(Theta): a cosine that is off by a few eps is an angle of 2e-8


def token_covariances(x: Array, setting: ProblemSetting) -> tuple[Array, Array]:
    """Return (H, P) at infinite width, each (L, L, n, n), for all pairs (l, l', i, j) of tokens.

    H = lim <h_{i,l}, h_{j,l'}>, and P = lim of the mean over the units of D_{i,l} D_{j,l'}. As m grows, the units' g
    become independent copies of one Gaussian vector over the tokens, scaled by 1/sqrt(m), with covariance

        S(l, l') = c (H(l - 1, l' - 1) + <x_l, x_l'>),   H(0, .) = 0,

    c = 2 in the paper. W is one matrix at all times, so that tokens at different times are correlated through it too;
    with independent W_l the first term is there for l = l' alone (A is shared in either case). For ReLU, with theta the
    angle of two tokens under S, P = (pi - theta) / (2 pi) and H = sqrt(S S') (sin theta + (pi - theta) cos theta) /
    (2 pi), the arc-cosine kernels; for a linear network P = 1 and H = S (Alemohammad et al., arXiv:2006.10246; Yang,
    arXiv:2006.14548). x is (L, n, d_x). Raises MeasurementError for other activations, and where a first token is zero.
    """
    if setting.activation not in {"relu", "linear"}:
        raise MeasurementError("infinite width", f"is worked out for relu and linear, found {setting.activation}")
    tokens = x.astype(np.float64)
    horizon, n_sequences, _ = tokens.shape
    if not np.all(np.any(tokens[0] != 0, axis=1)):
        raise MeasurementError("infinite width", "a first token is zero: the pattern of its units has no limit")
    hidden = np.zeros((horizon, horizon, n_sequences, n_sequences))
    patterns = np.zeros_like(hidden)
    variances = np.empty((horizon, n_sequences))
    for layer in range(horizon):
        covariance = np.einsum("ix,ljx->lij", tokens[layer], tokens[: layer + 1])
        if layer > 0:
            shared_with = slice(0, layer) if setting.layers == "shared" else slice(layer - 1, layer)
            covariance[1:][shared_with] += hidden[layer - 1, shared_with]
        covariance *= setting.weight_variance
        variances[layer] = np.diag(covariance[layer])  # so that equal tokens are at an angle of exactly 0
        if setting.activation == "relu":
            scale = np.sqrt(variances[layer][None, :, None] * variances[: layer + 1, None, :])
            angle = np.arccos(np.clip(covariance / scale, -1, 1))
            patterns[layer, : layer + 1] = (np.pi - angle) / (2 * np.pi)
            covariance = scale * (np.sin(angle) + (np.pi - angle) * np.cos(angle)) / (2 * np.pi)
        else:
            patterns[layer, : layer + 1] = 1
        hidden[layer, : layer + 1] = covariance
        for full in (hidden, patterns):
            full[: layer + 1, layer] = full[layer, : layer + 1].transpose(0, 2, 1)
    return hidden, patterns


def limit_gram(x: Array, setting: ProblemSetting) -> Array:
    """Return Theta = lim K/m for one output coordinate, shape (N, N) with N = n (L - 1), rows ordered (l, i).

    K/m tends to its Kronecker product with the identity over the d coordinates, as the rows of B are independent. A
    backward vector starts at its output a as D_a B^T, with the products v_B P(a, b), and each W^T multiplies them by
    c P: W^T may be taken for a matrix of its own, since B is drawn apart from W and is symmetric (arXiv:2006.14548).
    Two backward vectors are correlated only where W^T has been applied to both equally often, so that, from the first
    use of W in l = 2 on,

        Theta(a, b) = P(a, b) (v_B H(a - 1, b - 1) + c Theta(a - 1, b - 1)),   Theta(1, .) = 0,

    v_B = 1/d. With independent W_l both outputs must have used one and the same matrix: Theta(a, b) = 0 for a != b.
    """
    hidden, patterns = token_covariances(x, setting)
    n_layers, n_sequences = x.shape[0] - 1, x.shape[1]
    output_variance = 1 / (setting.output_dim if setting.output_variance == "1/d" else setting.width)
    theta = output_variance * hidden[:-1, :-1]
    if setting.layers == "independent":
        theta *= np.eye(n_layers)[:, :, None, None]
    for layer in range(n_layers):
        if layer > 0:
            theta[layer, 1:] += setting.weight_variance * theta[layer - 1, :-1]
        theta[layer] *= patterns[layer + 1, 1:]
    return np.asarray(theta.transpose(0, 2, 1, 3).reshape(n_layers * n_sequences, n_layers * n_sequences))


def distance_to_limit(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||K/m - Theta||_F / ||Theta||_F [1], Theta the limit at infinite width; the central limit theorem says m^-1/2."""
    return _distance(instance, instance.setting, backend)


def distance_to_limit_of_independent_layers(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||K/m - Theta||_F / ||Theta||_F [1], Theta the limit with a W for each layer: a shared W stays away from it."""
    return _distance(instance, replace(instance.setting, layers="independent"), backend)


def _distance(instance: Instance, setting: ProblemSetting, backend: Backend) -> tuple[Reading, ...]:
    gram = tangent_gram(state_of(instance, backend), backend) / setting.width
    if not np.isfinite(gram).all():
        return (Reading(None, Status.DIVERGED),)
    limit = limit_gram(instance.x, setting)
    scale = float(np.linalg.norm(limit)) * math.sqrt(setting.output_dim)
    layers, sequences = setting.horizon - 1, setting.n_sequences
    gram = gram.reshape(layers, setting.output_dim, sequences, layers, setting.output_dim, sequences)
    limit = limit.reshape(layers, sequences, layers, sequences)
    for coordinate in range(setting.output_dim):
        gram[:, coordinate, :, :, coordinate] -= limit
    return (as_reading(float(np.linalg.norm(gram)) / scale),)


def smallest_eigenvalue_over_limit(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """lambda_min(K) / (m lambda_min(Theta)) [1]; it tends to 1. Raises MeasurementError where Theta is singular."""
    return (_over_limit(instance, trial, backend),)


def smallest_eigenvalue_off_limit(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max(r, 1/r) for r = lambda_min(K) / (m lambda_min(Theta)) [1]: the factor that is missing to the limit."""
    found = _over_limit(instance, trial, backend)
    if found.value is None or found.status is not Status.OK:  # K is singular, and its limit is not
        return (Reading(None, Status.DIVERGED),)
    return (as_reading(max(found.value, 1 / found.value)),)


def _over_limit(instance: Instance, trial: Trial, backend: Backend) -> Reading:
    modes = tangent_modes(state_of(instance, backend), backend)
    smallest = float(modes.values[0])
    if not np.isfinite(smallest):
        return Reading(None, Status.DIVERGED)
    limits = np.linalg.eigvalsh(limit_gram(instance.x, instance.setting))
    if limits[0] <= ROUNDING * limits[-1]:
        raise MeasurementError(trial.quantity, f"Theta is singular: eigenvalues {limits[0]:.1e} to {limits[-1]:.1e}")
    unit = instance.setting.width * float(limits[0])
    return as_reading(smallest / unit, floor=modes.floor / unit)
