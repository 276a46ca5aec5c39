"""Random streams keyed by what they draw, so that adding, dropping or reordering points changes no other draw."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What a stream is for. The numbers are part of every result: never reuse or reorder them."""

    WEIGHTS = 1
    SEQUENCES = 2
    LABELS = 3
    PERTURBATION = 5
    BATCHES = 6
    START_VECTOR = 7
    LOSS_VECTORS = 8


def stream(seed: int, purpose: Stream, replicate: int, *coordinates: int) -> np.random.Generator:
    """Return the generator of (seed, purpose, replicate, coordinates), independent of every other key."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(purpose), replicate, *coordinates)))
