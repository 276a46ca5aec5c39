"""The Elman network at its random initialisation (Definition 2.3), and the instance that one trial draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rnnconv_cli.kernels.activations import ACTIVATIONS
from rnnconv_cli.kernels.arrays import Array, empty_aligned
from rnnconv_cli.problem import sequences
from rnnconv_cli.problem.seeding import Stream, stream
from rnnconv_cli.records import ProblemSetting

ROWS_AT_A_TIME = 64  # of W that are drawn in float64 before they are stored in the network's own type


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """One network with its data: arrays in the shapes of `kernels/reference.py`, and the code of the activation."""

    setting: ProblemSetting
    seed: int
    replicate: int
    W: Array  # (K, m, m): K = 1 shared over time, K = L independent per layer
    A: Array  # (m, d_x)
    B: Array  # (d, m)
    x: Array  # (L, n, d_x)
    labels: Array  # (L, n, d)
    activation: int

    def stream(self, purpose: Stream, *coordinates: int) -> np.random.Generator:
        """Return a generator keyed by this instance's seed, replicate and width, and the coordinates given."""
        return stream(self.seed, purpose, self.replicate, self.setting.width, *coordinates)


def network(setting: ProblemSetting, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return W (K, m, m) and A (m, d_x) with N(0, c/m) entries, B (d, m) with N(0, 1/d) or N(0, 1/m); variances.

    c is 2 in the paper (Definition 2.3). A and B are drawn before W, so that shared and independent layers share them.
    """
    width, dtype = setting.width, np.dtype(setting.dtype)
    scale = math.sqrt(setting.weight_variance / width)
    A = rng.standard_normal((width, setting.input_dim)) * scale
    B = rng.standard_normal((setting.output_dim, width))
    B /= math.sqrt(setting.output_dim if setting.output_variance == "1/d" else width)
    W = empty_aligned((setting.horizon if setting.layers == "independent" else 1, width, width), dtype)
    for matrix in W:
        for first in range(0, width, ROWS_AT_A_TIME):
            rows = matrix[first : first + ROWS_AT_A_TIME]
            rows[:] = rng.standard_normal(rows.shape) * scale
    return W, A.astype(dtype), B.astype(dtype)


def draw(setting: ProblemSetting, seed: int, replicate: int) -> Instance:
    """Return the instance of (setting, seed, replicate).

    Sequences and labels do not depend on the width: one replicate has the same data at every width. Raises
    MeasurementError where the first tokens cannot be placed.
    """
    x = sequences.inputs(setting, stream(seed, Stream.SEQUENCES, replicate))
    y = sequences.labels(setting, x, stream(seed, Stream.LABELS, replicate))
    W, A, B = network(setting, stream(seed, Stream.WEIGHTS, replicate, setting.width))
    dtype = np.dtype(setting.dtype)
    return Instance(
        setting, seed, replicate, W, A, B, x.astype(dtype), y.astype(dtype), ACTIVATIONS[setting.activation]
    )
