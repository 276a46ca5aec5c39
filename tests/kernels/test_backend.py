"""Every backend against the reference: each kernel, activation, kind of layer and precision, to rounding."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import cast

import numpy as np
import pytest

from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.activations import ACTIVATIONS, RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend, warm_up

Network = tuple[Array, Array, Array, Array, Array]
DrawNetwork = Callable[..., Network]

SHAPES = (  # width, horizon, n_sequences, output_dim
    (1, 2, 1, 1),
    (7, 2, 1, 1),
    (16, 3, 2, 2),
    (33, 6, 3, 1),
    (8, 5, 4, 2),
)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture(params=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SHAPES, ids=lambda shape: "m{}-L{}-n{}-d{}".format(*shape))
def shape(request: pytest.FixtureRequest) -> tuple[int, int, int, int]:
    width, horizon, n_sequences, output_dim = request.param
    return width, horizon, n_sequences, output_dim


@pytest.fixture(params=["shared", "independent"])
def network(
    request: pytest.FixtureRequest, shape: tuple[int, int, int, int], dtype: str, draw_network: DrawNetwork
) -> Network:
    width, horizon, n_sequences, output_dim = shape
    return draw_network(
        width=width,
        horizon=horizon,
        n_sequences=n_sequences,
        output_dim=output_dim,
        n_matrices=1 if request.param == "shared" else horizon,
        dtype=dtype,
    )


@pytest.fixture(params=ACTIVATIONS)
def activation(request: pytest.FixtureRequest) -> int:
    return ACTIVATIONS[request.param]


def assert_close(found: Array, expected: Array, network: Network, steps: int = 1) -> None:
    """Two orders of the same sums: at most 4 eps times the number of terms that feed one entry, relative to the norm.

    The longest chain is L layers, each a sum of m + d_x terms, or d in the way back, or n L in the gradient; a sum of k
    terms in another order moves by at most 2 k eps of the sum of moduli, which ||w|| ||h|| bounds.
    """
    W, A, B, x, _ = network
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    terms = x.shape[0] * (W.shape[1] + A.shape[1] + B.shape[0] + x.shape[1])
    assert np.max(np.abs(found - expected)) <= 4 * np.finfo(W.dtype).eps * terms * steps * np.linalg.norm(expected)


def test_forward(backend: Backend, network: Network, activation: int) -> None:
    W, A, _, x, _ = network
    for found, expected in zip(
        backend.forward(W, A, x, activation), reference.forward(W, A, x, activation), strict=True
    ):
        assert_close(found, expected, network)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_forward_low_rank(backend: Backend, network: Network, activation: int, rank: int) -> None:
    W, A, _, x, _ = network
    directions = np.stack([(x[r % len(x)] @ A.T) * (0.5 + r) for r in range(rank + 1)], axis=1)
    left, right = directions[:, :rank].copy(), directions[:, 1:].copy()
    kicked = backend.forward_low_rank(W, A, x, left, right, activation)
    for found, expected in zip(kicked, reference.forward_low_rank(W, A, x, left, right, activation), strict=True):
        assert_close(found, expected, network)


def test_activation_and_pattern(backend: Backend, network: Network, activation: int) -> None:
    W, A, _, x, _ = network
    preactivation, _ = reference.forward(W, A, x, activation)
    preactivation[0, 0, 0] = 0  # an inactive value for every activation, an active unit for ReLU
    assert_close(backend.activate(preactivation, activation), reference.activate(preactivation, activation), network)
    pattern = backend.activation_pattern(preactivation, activation)
    assert_close(pattern, reference.activation_pattern(preactivation, activation), network)
    assert pattern[0, 0, 0] == 1


def test_residuals_and_loss(backend: Backend, network: Network, activation: int) -> None:
    W, A, B, x, labels = network
    _, hidden = reference.forward(W, A, x, activation)
    residual = reference.residuals(B, hidden, labels)
    found = backend.residuals(B, hidden, labels)
    assert_close(found, residual, network)
    assert not found[0].any()
    rounding = 2 * residual.size * float(np.finfo(W.dtype).eps)
    assert backend.loss(residual) == pytest.approx(reference.loss(residual), rel=rounding)


def test_backward_and_weight_gradient(backend: Backend, network: Network, activation: int) -> None:
    W, A, B, x, labels = network
    preactivation, hidden = reference.forward(W, A, x, activation)
    pattern, residual = (
        reference.activation_pattern(preactivation, activation),
        reference.residuals(B, hidden, labels),
    )
    signals = reference.backward(W, B, pattern, residual)
    assert_close(backend.backward(W, B, pattern, residual), signals, network)
    gradient = backend.weight_gradient(signals, hidden, W.shape[0])
    assert_close(gradient, reference.weight_gradient(signals, hidden, W.shape[0]), network)
    if W.shape[0] > 1:
        assert not gradient[0].any()


@pytest.mark.parametrize("segment", [0, 2])
@pytest.mark.parametrize("batch_size", [0, 2], ids=["gd", "sgd"])
def test_descend(backend: Backend, network: Network, activation: int, batch_size: int, segment: int) -> None:
    W, A, B, x, labels = network
    steps, learning_rate = 5, 1e-3 / W.shape[1]
    batches = np.random.default_rng(0).integers(x.shape[1], size=(steps, batch_size))

    def run(kernels: Backend) -> tuple[Array, Array, Array, tuple[int, int]]:
        weights, losses, norms = W.copy(), np.full(steps, np.nan), np.full(steps, np.nan)
        settings = (activation, learning_rate, batches, 0, steps, 0.0, np.inf)
        ended = kernels.descend(weights, A, B, x, labels, *settings, losses, norms, segment=segment)
        return weights, losses.astype(W.dtype), norms.astype(W.dtype), ended

    *found, ended = run(backend)
    *expected, expected_end = run(BACKENDS["reference"])
    assert ended == expected_end == (steps, reference.RUNNING)
    for mine, theirs in zip(found, expected, strict=True):
        assert_close(np.asarray(mine), np.asarray(theirs), network, steps=4 * steps)


def test_products(backend: Backend, network: Network, activation: int) -> None:
    W, A, B, x, _ = network
    preactivation, hidden = reference.forward(W, A, x, activation)
    pattern = np.ascontiguousarray(reference.activation_pattern(preactivation, activation)[:, 0])
    assert_close(backend.products(B, hidden[-1]), reference.products(B, hidden[-1]), network)
    assert_close(backend.adjoint_products(A, hidden[-1]), reference.adjoint_products(A, hidden[-1]), network)
    one = W[-1]
    assert_close(backend.products(one, B), reference.products(one, B), network)
    assert_close(backend.adjoint_products(one, B), reference.adjoint_products(one, B), network)
    assert_close(backend.apply_product(W, pattern, B), reference.apply_product(W, pattern, B), network)
    assert_close(backend.apply_product_adjoint(W, pattern, B), reference.apply_product_adjoint(W, pattern, B), network)


def test_adjoint_is_the_adjoint(backend: Backend, network: Network) -> None:
    W, A, _, x, _ = network
    pattern = np.ascontiguousarray(reference.activation_pattern(x @ A.T, RELU)[:, 0])
    y, z = x[0, :1] @ A.T, x[-1, :1] @ A.T
    there = float(np.vdot(y, backend.apply_product(W, pattern, z)[-1]))
    back = float(np.vdot(backend.apply_product_adjoint(W, pattern, y), z))
    scale = np.linalg.norm(y) * np.linalg.norm(z) * 3.0 ** x.shape[0]  # a layer's norm is below 3: 2.4 at large width
    assert abs(there - back) <= 4 * x.shape[0] * W.shape[1] * np.finfo(W.dtype).eps * scale


def test_inputs_are_left_alone(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network()
    before = [array.copy() for array in network]
    W, A, B, x, labels = network
    preactivation, hidden = backend.forward(W, A, x, RELU)
    pattern, residual = backend.activation_pattern(preactivation, RELU), backend.residuals(B, hidden, labels)
    kept = [array.copy() for array in (preactivation, hidden, pattern, residual)]
    backend.weight_gradient(backend.backward(W, B, pattern, residual), hidden, 1)
    backend.apply_product_adjoint(W, pattern[:, 0].copy(), backend.apply_product(W, pattern[:, 0].copy(), B)[-1])
    backend.product_norm(W, pattern[:, 0].copy(), W, pattern[:, 1].copy(), hidden[0, 0], 1e-3, 50)
    backend.adjoint_products(W[0], backend.products(W[0], B))
    for now, then in zip((*network, preactivation, hidden, pattern, residual), (*before, *kept), strict=True):
        np.testing.assert_array_equal(now, then)


def test_warm_up_calls_every_kernel(dtype: str) -> None:
    kernels = {name for name in vars(Backend) if not name.startswith("_")}
    called: set[str] = set()
    stand_in = ModuleType("stand_in")

    def listen(name: str) -> Callable[..., object]:
        def kernel(*arguments: object) -> object:
            called.add(name)
            return getattr(reference, name)(*arguments)

        return kernel

    for name in kernels:
        setattr(stand_in, name, listen(name))
    warm_up(cast(Backend, stand_in), dtype)
    assert called == kernels
