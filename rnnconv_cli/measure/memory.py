"""How much a measurement holds at a time: what is computed in parts, or without being stored, follows from it."""

from __future__ import annotations

import math

from rnnconv_cli.records import ProblemSetting

COPIES_OF_STATES_IN_GRAM = 8  # beside the backward vectors of all uses: patterns and hidden states tiled, signals, J_q
COPIES_OF_GRAM = 5  # K, its block of hidden products, its decomposition; or a Krylov basis and its tridiagonal form
COPIES_OF_RUN_STATES = 4  # A x, h, signals; packed copies of them
LARGEST_RUN_BYTES = 2**30  # of a descent run's states; beyond it, the run holds a segment of the layers at a time
LARGEST_GRAM_BYTES = 2**30  # beyond it, the ends of the spectrum are found by products with K


def weight_bytes(setting: ProblemSetting) -> int:
    """Return the bytes of one copy of W."""
    matrices = setting.horizon if setting.layers == "independent" else 1
    return matrices * setting.width**2 * (8 if setting.dtype == "float64" else 4)


def layer_bytes(setting: ProblemSetting) -> int:
    """Return the bytes of one number for each neuron and sequence of a layer."""
    return setting.width * setting.n_sequences * (8 if setting.dtype == "float64" else 4)


def layers_held(setting: ProblemSetting) -> int:
    """Return for how many layers at a time a descent run holds its states: 0 for all, which saves a forward pass.

    All where they take at most 1 GiB, or no more than W: as much would go to the sum of a gradient in parts. Segments
    of k layers hold L/k states at their borders, and h and signals of k layers: L/k + 2k is least at k = sqrt(L/2).
    """
    if COPIES_OF_RUN_STATES * setting.horizon * layer_bytes(setting) <= max(LARGEST_RUN_BYTES, weight_bytes(setting)):
        return 0
    return max(1, round(math.sqrt(setting.horizon / 2)))


def gram_bytes(setting: ProblemSetting) -> int:
    """Return the bytes of the tangent Gram matrix and its modes: 8 N (m (L/2 + 8) + 5 N) for N = n (L - 1) d outputs.

    As much as the triangular factor of J takes, which is more than the matrix itself; and its decomposition.
    """
    outputs = outputs_of(setting)
    backward = setting.width * (setting.horizon // 2 + COPIES_OF_STATES_IN_GRAM)
    return 8 * outputs * (backward + COPIES_OF_GRAM * outputs)


def outputs_of(setting: ProblemSetting) -> int:
    """Return the number of outputs that a loss reads, N = n (L - 1) d."""
    return setting.n_sequences * (setting.horizon - 1) * setting.output_dim


def basis_size(setting: ProblemSetting) -> int:
    """Return the size of a basis of all states that W acts on, n (L - 1) at most; of each W its own, if independent."""
    n_sequences, uses = setting.n_sequences, setting.horizon - 1
    if setting.layers == "independent":
        return uses * min(setting.width, n_sequences)
    return min(setting.width, n_sequences * uses)
