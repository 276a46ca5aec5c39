"""Products of layers D_l W ... D_b W at random initialisation ((4.4), Lemma B.11, Claim B.12)."""

from __future__ import annotations

import math

import numpy as np

from rnnconv_cli.adversary.perturbation import State, product_norm, singular_triplet, state_of
from rnnconv_cli.adversary.sparse import Chain, chain_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.reading import as_reading
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.problem.seeding import Stream
from rnnconv_cli.records import Reading, Trial


def product_norm_over_all_layers(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||D_{i,L} W ... D_{i,1} W||_2 [1], the product of L layers; Lemma B.11 says O(L^3)."""
    state = state_of(instance, backend)
    norms = [
        product_norm(instance, backend, instance.W, state.pattern[:, i]) for i in range(instance.setting.n_sequences)
    ]
    return (as_reading(float(np.max(norms))),)


def fixed_vector_product(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, b <= l of ||D_l W ... D_b W z|| / ((1 + 1/L)^(l-b+1) ||z||) [1], z random; Claim B.12 says <= 1."""
    z = instance.stream(Stream.START_VECTOR, 1).standard_normal((1, instance.setting.width)).astype(instance.W.dtype)
    state = state_of(instance, backend)
    growth = [_growth_from(state, backend, i, z) for i in range(instance.setting.n_sequences)]
    return (as_reading(float(np.max(growth))),)


def top_vector_product(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i, b <= l of ||D_l W ... D_b W z|| / ((1 + 1/L)^(l-b+1) ||z||) [1], z chosen after W.

    z is the top right singular vector of D_L W ... D_1 W, where Claim B.12 has a z that is fixed.
    """
    state = state_of(instance, backend)
    growth = []
    for i in range(instance.setting.n_sequences):
        _, _, top = singular_triplet(instance, backend, instance.W, state.pattern[:, i])
        growth.append(_growth_from(state, backend, i, top[None, :]))
    return (as_reading(float(np.max(growth))),)


def fixed_vector_layer(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||1[W y + A x_{i,1} >= 0] o W z|| / ((1 + 1/(2L)) ||z||) [1], y and z random; Claim B.13: <= 1."""
    return (_layer_growth(instance, backend, z_is_fixed=True),)


def top_vector_layer(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||1[W y + A x_{i,1} >= 0] o W z|| / ((1 + 1/(2L)) ||z||) [1], y random, z chosen after W.

    z is the top right singular vector of that layer, where Claim B.13 has a z that is fixed.
    """
    return (_layer_growth(instance, backend, z_is_fixed=False),)


def _layer_growth(instance: Instance, backend: Backend, *, z_is_fixed: bool) -> Reading:
    rng, width = instance.stream(Stream.START_VECTOR, 2), instance.setting.width
    y, z = (np.asarray(rng.standard_normal(width), dtype=instance.W.dtype) for _ in range(2))
    tokens = np.stack([instance.A @ token for token in instance.x[0]])
    carried = backend.apply_product(instance.W[:1], np.ones((1, width), dtype=z.dtype), y[None, :])[0, 0]
    growth = []
    for token in tokens:
        pattern = backend.activation_pattern((carried / np.linalg.norm(y) + token)[None, :], instance.activation)
        vector = z if z_is_fixed else singular_triplet(instance, backend, instance.W[:1], pattern)[2]
        moved = backend.apply_product(instance.W[:1], np.ascontiguousarray(pattern), vector[None, :])[0, 0]
        growth.append(float(np.linalg.norm(moved) / np.linalg.norm(vector)))
    return as_reading(float(np.max(growth)) / (1 + 1 / (2 * instance.setting.horizon)))


def _growth_from(state: State, backend: Backend, sequence: int, z: Array) -> float:
    """Return max over b <= l of ||D_l W ... D_b W z|| / ((1 + 1/L)^(l-b+1) ||z||) for one sequence."""
    horizon = state.instance.setting.horizon
    largest = []
    for first in range(horizon):
        W = state.instance.W if state.instance.W.shape[0] == 1 else state.instance.W[first:]
        partial = backend.apply_product(W, np.ascontiguousarray(state.pattern[first:, sequence]), z)
        norms = np.linalg.norm(partial[:, 0], axis=1) / np.linalg.norm(z)
        allowed = (1 + 1 / horizon) ** np.arange(1, horizon - first + 1)
        largest.append(np.max(norms / allowed))
    return float(np.max(largest))


def long_product_norm(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||W D_{i,L-1} W ... D_{i,1} W||_2 [1], with the leading W of (4.4); Remark 4.1 conjectures O(1)."""
    return (as_reading(_long_product_norm(instance, trial, backend)),)


def long_product_norm_over_free_limit(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||W D_{i,L-1} W ... D_{i,1} W||_2 over its limit for free factors [1].

    The factors become free when m grows at a fixed L.
    """
    limit = free_product_norm(instance.setting.horizon - 1)
    return (as_reading(_long_product_norm(instance, trial, backend) / limit),)


def fixed_vector_long_product(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
    """max over i of ||W D_{i,L-1} W ... D_{i,1} W z|| / ||z|| [1] for a random z drawn apart from the network."""
    z = instance.stream(Stream.START_VECTOR, 1).standard_normal((1, instance.setting.width)).astype(instance.W.dtype)
    state = state_of(instance, backend)
    ends = [
        backend.apply_product(chain.W, chain.diagonals, z)[-1, 0]
        for chain in (_long_chain(state, trial, i) for i in range(instance.setting.n_sequences))
    ]
    return (as_reading(float(np.max(np.linalg.norm(ends, axis=1))) / float(np.linalg.norm(z))),)


def free_product_norm(n_patterns: int) -> float:
    """Return the limit of ||W D_k W ... D_1 W||_2 for k patterns as m grows, if W and the D are free [1].

    Half of the units are active, so that with N = m/2 the product is one of Gaussian matrices with entries N(0, 1/N):
    N x 2N, k - 1 times N x N, 2N x N. Its squared singular values are bounded by

        min over psi > 0 of (psi + 2)^2 (psi + 1)^k / psi,    about 4 e k,

    as S-transforms multiply (square factors alone give the Fuss-Catalan edge (k+1)^(k+1) / k^k: arXiv:1103.3453); one
    W at all times has the same limit as independent ones, since *-distributions of powers of a circular element are
    those of products of free copies (Haagerup and Larsen, J. Funct. Anal. 176, 2000). The minimum solves
    (k + 1) psi^2 + (2k - 1) psi - 2 = 0.
    """
    k = n_patterns
    psi = (1 - 2 * k + math.sqrt(4 * k * k + 4 * k + 9)) / (2 * (k + 1))
    return (psi + 2) * math.exp(0.5 * (k * math.log1p(psi) - math.log(psi)))


def _long_product_norm(instance: Instance, trial: Trial, backend: Backend) -> float:
    state = state_of(instance, backend)
    chains = (_long_chain(state, trial, i) for i in range(instance.setting.n_sequences))
    return float(np.max([product_norm(instance, backend, chain.W, chain.diagonals) for chain in chains]))


def _long_chain(state: State, trial: Trial, sequence: int) -> Chain:
    horizon = state.instance.setting.horizon
    if horizon < 2:
        raise MeasurementError(trial.quantity, "needs a pattern between two W, found L = 1")
    return chain_of(state, sequence, 0, horizon - 2, leading=True)
