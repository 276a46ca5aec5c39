"""One run on several threads has the bits of one thread; waiting for each other never loses a write."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from rnnconv_cli.kernels import compiled, threads
from rnnconv_cli.kernels.activations import RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.jit import kernel
from rnnconv_cli.kernels.reference import REACHED, RUNNING

Network = tuple[Array, Array, Array, Array, Array]
DrawNetwork = Callable[..., Network]


@pytest.fixture
def on_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    monkeypatch.setattr(compiled, "threads_for", lambda width, n_sequences: threads.threads_in_use())
    before = threads.threads_in_use()
    yield threads.use_threads
    threads.use_threads(before)


def descended(
    network: Network, *, steps: int = 12, batches: Array | None = None, segment: int = 0
) -> tuple[Array, ...]:
    """Return (W, losses, squared gradient norms, (step, status)) of a run."""
    W, A, B, x, labels = network
    W, losses, norms = W.copy(), np.full(steps, np.nan), np.full(steps, np.nan)
    batches = np.empty((steps, 0), dtype=np.int64) if batches is None else batches
    settings = (RELU, 1e-3, batches, 0, steps, 0.0, np.inf)
    ended = compiled.descend(W, A, B, x, labels, *settings, losses, norms, segment=segment)
    return W, losses, norms, np.array(ended)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize(("width", "n_matrices"), [(130, 1), (200, 1), (64, 1), (130, 4)])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bits_do_not_depend_on_the_threads(
    width: int, n_matrices: int, dtype: str, count: int, draw_network: DrawNetwork, on_threads: Callable[[int], None]
) -> None:
    """Also where there are more threads than blocks of rows, and where each layer has a matrix of its own."""
    network = draw_network(width=width, n_sequences=6, n_matrices=n_matrices, dtype=dtype)
    batches = np.array([[step % 6, (5 * step) % 6] for step in range(12)])
    alone, drawn = descended(network), descended(network, batches=batches)
    assert np.isfinite(alone[2]).all()
    on_threads(count)
    together = (*descended(network), *descended(network, batches=batches))
    for found, expected in zip(together, (*alone, *drawn), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "independent"])
@pytest.mark.parametrize("horizon", [2, 3, 8])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy's own products keep no such promise")
def test_bits_do_not_depend_on_the_layers_held(
    dtype: str, horizon: int, shared: bool, count: int, draw_network: DrawNetwork, on_threads: Callable[[int], None]
) -> None:
    """Segments of one layer, of all, and of a number that does not divide them; every layer but the first counts."""
    n_matrices = 1 if shared else horizon
    network = draw_network(width=130, horizon=horizon, n_sequences=6, n_matrices=n_matrices, dtype=dtype)
    batches = np.array([[step % 6, (5 * step) % 6] for step in range(12)])
    alone, drawn = descended(network), descended(network, batches=batches)
    assert np.isfinite(alone[2]).all()
    assert not np.array_equal(alone[0], network[0])
    on_threads(count)
    for segment in (1, 2, 3, 5, 6, 7, 8, 100):
        together = (*descended(network, segment=segment), *descended(network, batches=batches, segment=segment))
        for found, expected in zip(together, (*alone, *drawn), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="NumPy's own products keep no such promise")
def test_a_last_segment_much_shorter_than_the_others(
    dtype: str, draw_network: DrawNetwork, on_threads: Callable[[int], None]
) -> None:
    """Its gradient has fewer terms, of which longer runs are copied than of the others."""
    network = draw_network(width=520, horizon=13, n_sequences=140, dtype=dtype)
    alone = descended(network, steps=2)
    on_threads(2)
    for found, expected in zip(descended(network, steps=2, segment=10), alone, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_all_threads_stop_at_the_same_step(draw_network: DrawNetwork, on_threads: Callable[[int], None]) -> None:
    W, A, B, x, labels = draw_network(width=128)
    losses = descended((W, A, B, x, labels))[1]
    on_threads(2)
    found, norms, batches = np.full(12, np.nan), np.full(12, np.nan), np.empty((12, 0), dtype=np.int64)
    ended = compiled.descend(W.copy(), A, B, x, labels, RELU, 1e-3, batches, 0, 12, losses[7], np.inf, found, norms)
    assert ended == (7, REACHED)
    np.testing.assert_array_equal(found[:8], losses[:8])
    assert np.isnan(found[8:]).all()


@pytest.mark.parametrize("width", [1, 63, 64, 65, 128, 1000, 4096])
def test_shares_are_all_rows(width: int) -> None:
    for parts in (1, 2, 3, 7):
        shares = [threads.share(width, part, parts) for part in range(parts)]
        assert shares[0][0] == 0
        assert shares[-1][1] == width
        assert all(one[1] == other[0] for one, other in itertools.pairwise(shares))
        assert all(first % threads.ALIGNED_ROWS == 0 for first, _ in shares)


@kernel
def hand_around(part: int, parts: int, counters: Array, turns: int, seen: Array) -> int:
    """Write a number and, after a meeting, read the neighbour's, again and again; return how often that was old."""
    stale = 0
    for turn in range(turns):
        seen[8 * part] = turn
        threads.meet(counters, parts)
        if seen[8 * ((part + 1) % parts)] != turn:
            stale += 1
        threads.meet(counters, parts)
    return stale


@pytest.mark.parametrize("parts", [2, 3])
def test_what_is_written_before_a_meeting_is_seen_after_it(parts: int) -> None:
    seen = np.zeros(8 * parts, dtype=np.int64)
    assert threads.side_by_side(lambda part, counters: hand_around(part, parts, counters, 300, seen), parts) == 0


def test_a_small_network_has_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(threads._counts, "threads", 4)
    assert [threads.threads_for(width, 1) for width in (64, 1023, 1024, 4096)] == [1, 1, 2, 4]
    assert [threads.threads_for(width, 50) for width in (64, 128, 192, 256, 4096)] == [1, 1, 3, 4, 4]


def test_a_thread_that_cannot_start_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Thread.start
    started: list[threading.Thread] = []

    def start(self: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(self)
        begun(self)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        threads.side_by_side(lambda part, counters: RUNNING, 2)
    started[0].join(10.0)
    assert not started[0].is_alive()
