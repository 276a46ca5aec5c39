"""What only compiled code can get wrong: signatures, threads, late compilation, assumptions of finite values."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from rnnconv_cli.kernels import compiled, reference
from rnnconv_cli.kernels.activations import LINEAR, RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend, warm_up

Network = tuple[Array, Array, Array, Array, Array]
DrawNetwork = Callable[..., Network]

KERNELS = sorted(name for name in vars(Backend) if not name.startswith("_"))
EVERYTHING = np.empty((1, 0), dtype=np.int64)


def run(network: Network, steps: int) -> tuple[Array, Array, Array]:
    """Return (W, losses, squared gradient norms) of a gradient descent run."""
    W, A, B, x, labels = network
    W, losses, norms = W.copy(), np.empty(steps), np.empty(steps)
    batches = np.empty((steps, 0), dtype=np.int64)
    compiled.descend(W, A, B, x, labels, RELU, 1e-4, batches, 0, steps, 0.0, np.inf, losses, norms)
    return W, losses, norms


@pytest.mark.parametrize("name", KERNELS)
def test_signature_is_the_references(name: str) -> None:
    """Names, order and annotations of the arguments: a measurement may pass them by position or by name."""
    assert inspect.signature(getattr(compiled, name)) == inspect.signature(getattr(reference, name))


def test_a_running_kernel_can_be_stopped_by_another_thread(draw_network: DrawNetwork) -> None:
    """Another thread sees the first losses of a long run and ends it by poisoning W: the run does not hold the lock."""
    W, A, B, x, labels = draw_network(width=8)
    steps = 400_000
    W, losses, norms = W.copy(), np.full(steps, np.nan), np.empty(steps)
    batches = np.empty((steps, 0), dtype=np.int64)
    run((W, A, B, x, labels), 1)
    begun = threading.Event()

    def long_run() -> tuple[int, int]:
        begun.set()
        return compiled.descend(W, A, B, x, labels, LINEAR, 0.0, batches, 0, steps, 0.0, np.inf, losses, norms)

    with ThreadPoolExecutor(1) as pool, np.errstate(invalid="ignore"):
        ended = pool.submit(long_run)
        begun.wait()
        while np.isnan(losses[0]) and not ended.done():
            pass
        W[:] = np.nan
        step, status = ended.result()
    assert status == reference.DIVERGED
    assert 0 < step < steps
    assert np.isfinite(losses[:step]).all()


def test_two_threads_give_the_bits_of_one(draw_network: DrawNetwork) -> None:
    networks = [draw_network(width=40, seed=seed) for seed in range(8)]
    alone = [run(network, 30) for network in networks]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(run, networks, [30] * len(networks)))
    for mine, theirs in zip(alone, together, strict=True):
        for found, expected in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_a_run_has_the_same_bits_wherever_its_arrays_lie(draw_network: DrawNetwork) -> None:
    """Sums must not depend on alignment, which differs between a worker's memory and the parent's."""
    network = draw_network(width=37)

    def moved(array: Array, by: int) -> Array:
        memory = np.empty(array.size + 8, dtype=array.dtype)
        view: Array = memory[by : by + array.size].reshape(array.shape)
        view[:] = array
        return view

    expected = run(network, 20)
    for by in (1, 2, 3, 5):
        W, A, B, x, labels = (moved(array, by) for array in network)
        for found, wanted in zip(run((W, A, B, x, labels), 20), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_nothing_is_left_to_compile_after_the_warm_up(draw_network: DrawNetwork, dtype: str) -> None:
    def made() -> dict[str, int]:
        return {name: len(each.signatures) for name, each in vars(compiled).items() if hasattr(each, "signatures")}

    kernels = BACKENDS["compiled"]
    warm_up(kernels, dtype)
    before = made()
    W, A, B, x, labels = draw_network(dtype=dtype, n_matrices=4)
    preactivation, hidden = kernels.forward(W, A, x, RELU)
    pairs = np.ascontiguousarray(hidden[:2].transpose(1, 0, 2))
    kernels.forward_low_rank(W, A, x, pairs, pairs, RELU)
    pattern = kernels.activation_pattern(preactivation, RELU)
    for of_one_layer in (kernels.activate, kernels.activation_pattern):
        of_one_layer(preactivation[0], RELU)
    residual = kernels.residuals(B, kernels.activate(preactivation, RELU), labels)
    kernels.loss(residual)
    kernels.weight_gradient(kernels.backward(W, B, pattern, residual), hidden, W.shape[0])
    kernels.descend(W.copy(), A, B, x, labels, RELU, 0.1, EVERYTHING, 0, 1, 0.0, np.inf, np.empty(1), np.empty(1))
    diagonals = np.ascontiguousarray(pattern[:, 0])
    kernels.apply_product_adjoint(W, diagonals, kernels.apply_product(W, diagonals, B)[-1])
    kernels.adjoint_products(W[0], kernels.products(W[0], B))
    kernels.product_norm(W, diagonals, W, diagonals[:0], hidden[0, 0], 1e-3, 100)
    assert made() == before


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_compilation_gives_no_warning(tmp_path: Path, dtype: str) -> None:
    """A performance warning is given at compilation only: a warm cache would hide it."""
    code = f"from rnnconv_cli.kernels.backend import *; warm_up(BACKENDS['compiled'], '{dtype}')"
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
