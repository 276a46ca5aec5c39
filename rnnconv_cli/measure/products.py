"""Products of layers D_l W ... D_b W at random initialisation ((4.4), Lemma B.11, Claim B.12)."""

from __future__ import annotations

import numpy as np

from rnnconv_cli.adversary.perturbation import State, product_norm, singular_triplet, state_of
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
    """The same as `fixed_vector_product` with z the top right singular vector of the whole product: z is not fixed."""
    state = state_of(instance, backend)
    growth = []
    for i in range(instance.setting.n_sequences):
        _, _, top = singular_triplet(instance, backend, instance.W, state.pattern[:, i])
        growth.append(_growth_from(state, backend, i, top[None, :]))
    return (as_reading(float(np.max(growth))),)


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
