"""What the Gaussian W is to vectors that depend on it: exact conditioning, all x at once, the kick of one column.

Footnote 13: U spans hidden states, which are functions of W, and yet W U has independent N(0, 2/m) entries, because
each new direction is chosen from what W has shown on the earlier ones.
"""

from __future__ import annotations

import numpy as np
import scipy

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.concentration import kolmogorov_distance
from rnnconv_cli.measure.reading import as_reading, probed, probed_count
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Trial

ASCENT_STARTS = 16  # the longest rows, where a single entry of W x can be made largest
ASCENT_STEPS = 60


def conditioned_entries_law(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of the N entries of [W U_{L-1}, W v_{1,L}, A] from N(0, 2/m) [1]."""
    basis = adapted_basis(states(instance, backend))
    return _entries_law(instance, basis[:, : _earlier(instance) + 1])


def conditioned_entries_law_of_adjoint(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """sqrt(N) times the Kolmogorov distance of the N entries of [W U, W v, A] from N(0, 2/m), U and v from W^T h [1].

    Gram-Schmidt of W^T h in the place of h gives directions that depend on more of W than h does.
    """
    basis = adapted_basis(states(instance, backend) @ _matrix(instance))
    return _entries_law(instance, basis[:, : _earlier(instance) + 1])


def conditioned_edge(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """t [1] by which singular values of W U_{L-1}, k = n (L - 1) columns, leave sqrt 2 (1 +- sqrt(k/m)) by t sqrt(2/m).

    For independent entries P[t > s] <= 2 exp(-s^2 / 2) (Davidson, Szarek).
    """
    return _edge(instance, adapted_basis(states(instance, backend))[:, : _earlier(instance)])


def conditioned_edge_of_adjoint(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """t [1] by which singular values of W U leave sqrt 2 (1 +- sqrt(k/m)) by t sqrt(2/m), U from W^T h, not h."""
    basis = adapted_basis(states(instance, backend) @ _matrix(instance))
    return _edge(instance, basis[:, : _earlier(instance)])


def split_rest(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over unit x found of ||y_1|| [1], W x = y_1 + y_2 with |y_2| <= log(m)/sqrt(m) by clipping (Lemma A.17).

    W has the first k columns, k the probe's sparsity; the lemma says ||y_1|| <= sqrt(k/m) log^2 m for all x. The
    squared norm of what clipping leaves is convex in x, so that x <- its normalised gradient can only ascend.
    """
    width, columns = instance.setting.width, probed_count(trial, "sparsity")
    if columns > width:
        raise MeasurementError(trial.quantity, f"sparsity {columns} is more than the width {width}")
    W = _matrix(instance)[:, :columns]
    limit = np.log(width) / np.sqrt(width)
    x = W[np.argsort(-np.linalg.norm(W, axis=1), kind="stable")[:ASCENT_STARTS]].T
    x = x / np.linalg.norm(x, axis=0)
    for _ in range(ASCENT_STEPS):
        ascent = W.T @ _clipped_off(W @ x, limit)
        lengths = np.linalg.norm(ascent, axis=0)
        x = np.where(lengths > 0, ascent / np.where(lengths > 0, lengths, 1), x)
    return (as_reading(float(np.max(np.linalg.norm(_clipped_off(W @ x, limit), axis=0)))),)


def kick_probability(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """min over rows k and signs of P[+-u_k >= theta / (2 sqrt m) | W_2] [1]; Lemma E.4c says >= 1/4.

    u = theta g_2 - (1 - sqrt(1 - theta^2)) g_1 with g_1 = W_2 v_{1,L-1} and a fresh g_2 with N(0, 2/m) entries: given
    W_2, u_k is Gaussian, and its probability needs no draws. The network's W is W_2; theta is the probe's kick.
    """
    theta, width = _theta(trial), instance.setting.width
    g_1 = _matrix(instance) @ _own_directions(instance, backend)[0]
    shift = (1 - np.sqrt(1 - theta**2)) * np.abs(g_1)
    farthest = (theta / (2 * np.sqrt(width)) + shift) / (theta * np.sqrt(2 / width))
    return (as_reading(float(np.min(scipy.special.ndtr(-farthest)))),)


def kick_largest_entry(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """||u||_inf over 3 theta rho / (2 sqrt m) [1], rho = n L d log m; Lemma E.4d says <= 1.

    g_1 = W v_{1,L-1} and g_2 = W v_{1,L}, which are independent by footnote 13.
    """
    theta, setting = _theta(trial), instance.setting
    earlier, own = _own_directions(instance, backend)
    u = theta * (_matrix(instance) @ own) - (1 - np.sqrt(1 - theta**2)) * (_matrix(instance) @ earlier)
    rho = setting.n_sequences * setting.horizon * setting.output_dim * np.log(setting.width)
    return (as_reading(float(np.max(np.abs(u)) / (3 * theta * rho / (2 * np.sqrt(setting.width))))),)


def states(instance: Instance, backend: Backend) -> Array:
    """Return h_{1,1}, ..., h_{n,1}, h_{1,2}, ... as rows, (n L, m): the order of Gram-Schmidt in Section 2."""
    hidden = state_of(instance, backend).hidden
    if not np.isfinite(hidden).all():
        raise OverflowedNetwork("Gram-Schmidt", "the hidden states are not finite")
    return hidden.reshape(-1, instance.setting.width)


def adapted_basis(vectors: Array) -> Array:
    """Return GS of the rows as columns, (m, n L), each pointing along its own vector. Needs nL <= m."""
    if vectors.shape[0] > vectors.shape[1]:
        raise MeasurementError("Gram-Schmidt", f"{vectors.shape[0]} states in {vectors.shape[1]} dimensions")
    basis, triangle = np.linalg.qr(vectors.T)
    return np.asarray(basis * np.where(np.diag(triangle) < 0, -1, 1))


def _matrix(instance: Instance) -> Array:
    """Return the W (m, m) that acts on h_L: the last one where layers are independent."""
    return reference.weights_of_layer(instance.W, instance.setting.horizon - 1)


def _earlier(instance: Instance) -> int:
    return instance.setting.n_sequences * (instance.setting.horizon - 1)


def _theta(trial: Trial) -> float:
    """Return the probe's kick. Raises MeasurementError above 1, where sqrt(1 - theta^2) is no number."""
    theta = probed(trial, "kick")
    if theta > 1:
        raise MeasurementError(
            trial.quantity, f"found kick = {theta:g}, wanted at most 1, since u has sqrt(1 - kick^2)"
        )
    return theta


def _own_directions(instance: Instance, backend: Backend) -> tuple[Array, Array]:
    """Return v_{1,L-1} and v_{1,L}: what the last two states of the first sequence add to all earlier layers."""
    basis = adapted_basis(states(instance, backend))
    earlier = _earlier(instance)
    return basis[:, earlier - instance.setting.n_sequences], basis[:, earlier]


def _entries_law(instance: Instance, basis: Array) -> tuple[Reading, ...]:
    entries = np.concatenate([(_matrix(instance) @ basis).ravel(), instance.A.ravel()])
    distance = kolmogorov_distance(entries / np.sqrt(2 / instance.setting.width), scipy.special.ndtr)
    return (as_reading(distance * float(np.sqrt(entries.size))),)


def _edge(instance: Instance, basis: Array) -> tuple[Reading, ...]:
    width, columns = basis.shape
    values = np.linalg.svd(_matrix(instance) @ basis, compute_uv=False)
    aspect = np.sqrt(columns / width)
    excess = max(values[0] - np.sqrt(2) * (1 + aspect), np.sqrt(2) * (1 - aspect) - values[-1])
    return (as_reading(float(excess * np.sqrt(width / 2))),)


def _clipped_off(y: Array, limit: float) -> Array:
    """Return y minus y clipped to [-limit, limit]."""
    return np.asarray(y - np.clip(y, -limit, limit))
