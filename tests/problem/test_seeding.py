"""Streams are told apart by everything that keys them, and by nothing else."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.problem.seeding import Stream, stream

KEYS = st.tuples(
    st.integers(0, 2**32 - 1),
    st.sampled_from(Stream),
    st.integers(0, 2000),
    st.lists(st.integers(0, 9000), max_size=3).map(tuple),
)

Key = tuple[int, Stream, int, tuple[int, ...]]


def first_draws(key: Key) -> tuple[int, ...]:
    seed, purpose, replicate, coordinates = key
    return tuple(int(draw) for draw in stream(seed, purpose, replicate, *coordinates).integers(0, 2**63, size=2))


@given(key=KEYS)
def test_the_same_key_draws_the_same_numbers(key: Key) -> None:
    assert first_draws(key) == first_draws(key)


@given(one=KEYS, other=KEYS)
def test_two_keys_draw_different_numbers(one: Key, other: Key) -> None:
    assert (first_draws(one) == first_draws(other)) == (one == other)


def test_neighbouring_keys_never_share_a_stream() -> None:
    coordinates = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (128,), (128, 0)]
    keys = list(product((0, 1, 2), Stream, (0, 1, 2), coordinates))
    assert len({first_draws(key) for key in keys}) == len(keys)


def test_streams_of_two_purposes_are_uncorrelated() -> None:
    draws = [stream(0, purpose, 0, 64).standard_normal(20_000) for purpose in Stream]
    correlations = np.corrcoef(draws) - np.eye(len(draws))
    assert np.abs(correlations).max() < 6 / np.sqrt(20_000)  # six standard errors


@pytest.mark.parametrize(
    ("purpose", "number"),
    [
        ("WEIGHTS", 1),
        ("SEQUENCES", 2),
        ("LABELS", 3),
        ("PERTURBATION", 5),
        ("BATCHES", 6),
        ("START_VECTOR", 7),
        ("LOSS_VECTORS", 8),
    ],
)
def test_numbers_are_part_of_every_result(purpose: str, number: int) -> None:
    assert Stream[purpose] == number
