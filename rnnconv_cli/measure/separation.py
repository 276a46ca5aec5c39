"""What earlier layers leave of a hidden state, and of the difference of two ((4.2), (4.3), Lemmas B.6, B.7 and B.9)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading, probed
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Trial

RESIDUAL_CONSTANT = 2e6  # Lemma B.6
RADIUS_CONSTANT, PRINTED_LOSS = 16, 4  # Lemma B.7: r <= alpha/(16 log m), and the loss alpha^1.5/4
ROUNDING_MARGIN = 10


def residual_norm(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i, l of ||(I - U_l U_l^T) h_{i,l+1}||, l from 0 to L - 1 [1]; (4.2) says Omega~(L^-2)."""
    smallest, floor = _smallest_residual(instance, trial, backend)
    return (as_reading(smallest, floor=floor),)


def residual_over_bound(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i, l of ||(I - U_l U_l^T) h_{i,l+1}|| over 1/(2 10^6 L^2 log^3 m) [1]; Lemma B.6 says >= 1."""
    smallest, floor = _smallest_residual(instance, trial, backend)
    setting = instance.setting
    scale = RESIDUAL_CONSTANT * setting.horizon**2 * math.log(setting.width) ** 3
    return (as_reading(smallest * scale, floor=floor * scale),)


def residual_times_horizon_squared(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """L^2 min over i, l of ||(I - U_l U_l^T) h_{i,l+1}|| [1]: (4.2) with constant 1 and no logarithm says >= 1."""
    smallest, floor = _smallest_residual(instance, trial, backend)
    scale = instance.setting.horizon**2
    return (as_reading(smallest * scale, floor=floor * scale),)


def separability(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i != j, l of the separability of (I - U_l U_l^T) h_{i,l+1} and (I - U_l U_l^T) h_{j,l+1} [1].

    Lemma B.9 says >= delta/2 where the first tokens are delta-separable and delta is small.
    """
    smallest, floor = _smallest_separability(instance, trial, backend)
    return (as_reading(smallest, floor=floor),)


def separability_over_first_tokens(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over i != j, l of the separability of (I - U_l U_l^T) h_{i,l+1} and of j's, over that of first tokens [1].

    Of the closest two of these. Lemma B.9 says >= 1/2.
    """
    smallest, floor = _smallest_separability(instance, trial, backend)
    separation = _closest(instance.x[0].astype(np.float64))
    if separation == 0:
        raise MeasurementError("first tokens", "are not separable: two of them lie on one line")
    return (as_reading(smallest / separation, floor=floor / separation),)


def fresh_direction_over_bound(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||(I - U U^T) relu(w + r v)|| over r (1 - 2 alpha) - alpha^1.5/4 [1]; Lemma B.7 says >= 1.

    In R^m, m the `rows` of the probe and alpha its `deviation`: v ~ N(0, 2I/m), r = alpha/(16 log m), the largest
    allowed, w ~ N(0, I/(4m)), which is (alpha, 1/(8 sqrt m))-good by Proposition A.15, and U fixed with nL columns, the
    first of which is relu(w), so that only r v can leave anything. `search: adversarial` takes relu(w + r v) instead:
    a U that has seen v.
    """
    rows, alpha = round(probed(trial, "rows")), probed(trial, "deviation")
    columns = instance.setting.n_sequences * instance.setting.horizon
    if rows * alpha < 4 * columns:
        raise MeasurementError("Lemma B.7", f"wants m >= 4 nL/alpha = {4 * columns / alpha:.6g}, found {rows}")
    radius = alpha / (RADIUS_CONSTANT * math.log(rows))
    bound = radius * (1 - 2 * alpha) - alpha**1.5 / PRINTED_LOSS
    if bound <= 0:
        raise MeasurementError("Lemma B.7", f"bounds a norm from below by {bound:.3g} at m = {rows}, alpha = {alpha:g}")
    rng = instance.stream(Stream.PERTURBATION, 4)
    w = rng.standard_normal(rows) / (2 * math.sqrt(rows))
    activated = np.maximum(w + radius * math.sqrt(2 / rows) * rng.standard_normal(rows), 0)
    seen = trial.probe is not None and trial.probe.search == "adversarial"
    spanning = np.column_stack([activated if seen else np.maximum(w, 0), rng.standard_normal((rows, columns - 1))])
    left = outside(activated[None], np.linalg.qr(spanning)[0])
    floor = ROUNDING_MARGIN * float(np.finfo(np.float64).eps) * float(np.linalg.norm(activated))
    return (as_reading(float(np.linalg.norm(left)) / bound, floor=floor / bound),)


def outside(vectors: Array, basis: Array) -> Array:
    """Return (I - U U^T) v for each row v, with U (m, k) orthonormal; exactly 0 where U spans all of R^m.

    Projected twice: U is orthonormal but for rounding, which at first leaves more than eps ||v|| of a v in its span.
    """
    width, directions = basis.shape
    if directions >= width:
        return np.zeros_like(vectors)
    for _ in range(2):
        vectors = vectors - (vectors @ basis) @ basis.T
    return vectors


def separability_of(first: Array, second: Array) -> float:
    """Return the largest delta for which two vectors are delta-separable (Definition B.8) [1].

    The smaller of the distances of either from the line of the other; zero where one of them is. Taken from their
    difference, which is as far from both lines and cancels less where they are close.
    """
    distances = []
    for vector in (first, second):
        norm = float(np.linalg.norm(vector))
        if norm == 0:
            return 0.0
        direction, difference = vector / norm, second - first
        distances.append(float(np.linalg.norm(difference - direction * (direction @ difference))))
    return min(distances)


def _smallest_residual(instance: Instance, trial: Trial, backend: Backend) -> tuple[float, float]:
    """Return the smallest residual norm, and the rounding error of it that must be reckoned with."""
    hidden = _hidden(instance, trial, backend)
    norms = [float(np.min(np.linalg.norm(residual, axis=1))) for residual in _residuals(hidden)]
    return min(zip(norms, _rounding(instance, hidden), strict=True))


def _smallest_separability(instance: Instance, trial: Trial, backend: Backend) -> tuple[float, float]:
    """Return the smallest separability of two residuals, and the rounding error of it that must be reckoned with."""
    if instance.setting.n_sequences < 2:
        raise MeasurementError(trial.quantity, "needs at least 2 sequences, found 1")
    hidden = _hidden(instance, trial, backend)
    closest = [_closest(residual) for residual in _residuals(hidden)]
    return min(zip(closest, _rounding(instance, hidden), strict=True))


def _closest(vectors: Array) -> float:
    """Return the smallest separability of any two rows."""
    return min(separability_of(first, second) for first, second in combinations(vectors, 2))


def _residuals(hidden: Array) -> Iterator[Array]:
    """Yield (I - U_l U_l^T) h_{i,l+1} for all i, (n, m), with U_l = GS(h_{1..n,1}, ..., h_{1..n,l}), l from 0 to L - 1.

    By Householder reflections: U is orthonormal to rounding however nearly dependent the states are, and where one
    depends on those before it, its column is some other direction orthogonal to them, as the paper has it.
    """
    horizon, n_sequences, width = hidden.shape
    U = np.linalg.qr(hidden[:-1].reshape(-1, width).T)[0]  # layer by layer, all sequences of each
    for layer in range(horizon):
        yield outside(hidden[layer], U[:, : layer * n_sequences])


def _hidden(instance: Instance, trial: Trial, backend: Backend) -> Array:
    """Return h, (L, n, m), in float64 whatever the network computes in."""
    _, hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)
    if not np.isfinite(hidden).all():
        raise OverflowedNetwork(trial.quantity, "the hidden states are not finite")
    return hidden.astype(np.float64)


def _rounding(instance: Instance, hidden: Array) -> tuple[float, ...]:
    """Return for each layer l what rounding may take from its largest state, with a margin: 10 l eps max ||h_{i,l}||.

    The error of a layer is carried on as the state itself is: it shrinks and grows with the norm.
    """
    largest = np.max(np.linalg.norm(hidden, axis=2), axis=1)
    unit = ROUNDING_MARGIN * float(np.finfo(instance.W.dtype).eps)
    return tuple(unit * (layer + 1) * float(norm) for layer, norm in enumerate(largest))
