"""The mathematics, without an oracle: central differences, the paper's own sum, invariances, hand-written descent.

Whatever holds for the reference holds for every backend, so each is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from rnnconv_cli.kernels.activations import ACTIVATIONS, LINEAR, RELU
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.kernels.reference import DIVERGED, REACHED, RUNNING

Network = tuple[Array, Array, Array, Array, Array]
DrawNetwork = Callable[..., Network]

EPS = float(np.finfo(np.float64).eps)
EVERYTHING = np.empty((100, 0), dtype=np.int64)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture(params=ACTIVATIONS)
def activation(request: pytest.FixtureRequest) -> int:
    return ACTIVATIONS[request.param]


def loss_of(backend: Backend, W: Array, network: Network, activation: int) -> float:
    _, A, B, x, labels = network
    return backend.loss(backend.residuals(B, backend.forward(W, A, x, activation)[1], labels))


def gradient_of(backend: Backend, network: Network, activation: int) -> Array:
    W, A, B, x, labels = network
    preactivation, hidden = backend.forward(W, A, x, activation)
    pattern, residual = backend.activation_pattern(preactivation, activation), backend.residuals(B, hidden, labels)
    return backend.weight_gradient(backend.backward(W, B, pattern, residual), hidden, W.shape[0])


def descend(
    backend: Backend,
    network: Network,
    *,
    learning_rate: float = 1e-3,
    batches: Array = EVERYTHING,
    steps: tuple[int, ...] = (0, 10),
    target: float = 0.0,
    limit: float = np.inf,
    activation: int = RELU,
) -> tuple[Array, Array, Array, tuple[int, int]]:
    """Return (W, losses, squared gradient norms, (step, status)) of a run in chunks [steps[k], steps[k + 1])."""
    W, A, B, x, labels = network
    W, losses, norms = W.copy(), np.full(steps[-1], np.nan), np.full(steps[-1], np.nan)
    ended = (0, RUNNING)
    with np.errstate(over="ignore", invalid="ignore"):
        for first, last in pairwise(steps):
            ended = backend.descend(
                W, A, B, x, labels, activation, learning_rate, batches, first, last, target, limit, losses, norms
            )
    return W, losses, norms, ended


# --- the network by hand ----------------------------------------------------------------------------------------------


def test_one_unit_by_hand(backend: Backend) -> None:
    W, A, B = np.array([[[0.5]]]), np.array([[2.0]]), np.array([[3.0]])
    x, labels = np.array([[[1.0]], [[-0.25]], [[-4.0]]]), np.array([[[7.0]], [[1.0]], [[2.0]]])
    preactivation, hidden = backend.forward(W, A, x, RELU)
    assert preactivation.ravel().tolist() == [2.0, 0.5, -7.75]
    assert hidden.ravel().tolist() == [2.0, 0.5, 0.0]
    residual = backend.residuals(B, hidden, labels)
    assert residual.ravel().tolist() == [0.0, 0.5, -2.0]
    assert backend.loss(residual) == 0.5 * (0.25 + 4.0)
    pattern = backend.activation_pattern(preactivation, RELU)
    assert pattern.ravel().tolist() == [1.0, 1.0, 0.0]
    signals = backend.backward(W, B, pattern, residual)
    assert signals.ravel().tolist() == [0.5 * 3.0 * 0.5, 3.0 * 0.5, 0.0]
    assert backend.weight_gradient(signals, hidden, 1).ravel().tolist() == [3.0 * 0.5 * 2.0]


def test_zero_preactivation_counts_as_active(backend: Backend) -> None:
    assert backend.activation_pattern(np.array([[[0.0, -0.0, -1e-300]]]), RELU).ravel().tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("n_matrices", [1, 3], ids=["shared", "independent"])
def test_products_against_dense_matrices(backend: Backend, draw_network: DrawNetwork, n_matrices: int) -> None:
    W, A, B, x, _ = draw_network(width=9, horizon=3, n_matrices=n_matrices)
    pattern = backend.activation_pattern(x[:, 0] @ A.T, RELU)
    product, partial = np.eye(9), backend.apply_product(W, pattern, B)
    for layer in range(3):
        product = pattern[layer][:, None] * W[layer if n_matrices > 1 else 0] @ product
        np.testing.assert_allclose(partial[layer], B @ product.T, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(backend.apply_product_adjoint(W, pattern, B), B @ product, rtol=0, atol=100 * EPS)


# --- the gradient -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_matrices", [1, 4], ids=["shared", "independent"])
@pytest.mark.parametrize("output_dim", [1, 2])
def test_gradient_is_the_central_difference(
    backend: Backend, draw_network: DrawNetwork, activation: int, n_matrices: int, output_dim: int
) -> None:
    """Central differences at step s err by s^2/6 times the third derivative and by eps f / s: below 1e-8 here."""
    network = draw_network(width=15, n_sequences=2, output_dim=output_dim, n_matrices=n_matrices, seed=1)
    W, A, _, x, _ = network
    gradient, step, rng = gradient_of(backend, network, activation), 1e-5, np.random.default_rng(2)
    pattern = backend.forward(W, A, x, activation)[0] >= 0
    tried = 0
    while tried < 5:
        direction = rng.standard_normal(W.shape)
        direction /= np.sqrt(np.sum(direction**2))
        ahead, behind = W + step * direction, W - step * direction
        if any(np.any((backend.forward(side, A, x, activation)[0] >= 0) != pattern) for side in (ahead, behind)):
            continue  # a unit crosses its kink: f has no derivative between the two points
        difference = loss_of(backend, ahead, network, activation) - loss_of(backend, behind, network, activation)
        slope = float(np.vdot(gradient, direction))
        assert abs(difference / (2 * step) - slope) <= 1e-8 * np.linalg.norm(gradient)
        tried += 1


def gradient_by_the_sum(network: Network, pattern: Array, hidden: Array, residual: Array, shift: int) -> Array:
    """Return sum_i sum_a sum_{l<a} D_{l+1} (Back_{l+1->a}^T loss_a) h_l^T as printed; `shift` moves Back's first index.

    Back_{l->a} = B D_a W ... D_{l+1} W and Back_{a->a} = B: every product is formed.
    """
    W, _, B, x, _ = network
    gradient = np.zeros_like(W)
    for i in range(x.shape[1]):
        for a in range(1, x.shape[0]):
            for layer in range(a):
                back = B
                for k in range(a, layer + 1 + shift, -1):
                    back = back @ (pattern[k, i][:, None] * W[0])
                gradient[0] += np.outer(pattern[layer + 1, i] * (back.T @ residual[a, i]), hidden[layer, i])
    return gradient


def test_gradient_is_the_papers_sum_and_not_its_neighbour(
    backend: Backend, draw_network: DrawNetwork, activation: int
) -> None:
    """Fact 2.5 with Back_{l+1->a} agrees to rounding; with Back_{l->a} it must disagree."""
    network = draw_network(width=15, horizon=5, seed=3)
    W, A, B, x, labels = network
    preactivation, hidden = backend.forward(W, A, x, activation)
    pattern, residual = backend.activation_pattern(preactivation, activation), backend.residuals(B, hidden, labels)
    gradient = gradient_of(backend, network, activation)
    size = float(np.linalg.norm(gradient))
    exact = gradient_by_the_sum(network, pattern, hidden, residual, 0)
    shifted = gradient_by_the_sum(network, pattern, hidden, residual, -1)
    assert np.linalg.norm(gradient - exact) <= 5 * 4 * 15 * EPS * size
    assert np.linalg.norm(gradient - shifted) > 0.5 * size


# --- what must not matter, and what must scale ------------------------------------------------------------------------


def test_doubling_the_inputs_doubles_everything_bit_for_bit(backend: Backend, draw_network: DrawNetwork) -> None:
    """Without biases and with h_0 = 0 the network is positively homogeneous, and doubling is exact in binary."""
    W, A, B, x, labels = draw_network(horizon=6)
    once, twice = backend.forward(W, A, x, RELU), backend.forward(W, A, 2 * x, RELU)
    np.testing.assert_array_equal(twice[0], 2 * once[0])
    np.testing.assert_array_equal(twice[1], 2 * once[1])
    gradient = gradient_of(backend, (W, A, B, x, labels), RELU)
    np.testing.assert_array_equal(gradient_of(backend, (W, A, B, 2 * x, 2 * labels), RELU), 4 * gradient)


def test_doubling_the_inputs_is_not_enough_for_tanh(backend: Backend, draw_network: DrawNetwork) -> None:
    W, A, _, x, _ = draw_network()
    tanh = ACTIVATIONS["tanh"]
    assert not np.allclose(backend.forward(W, A, 2 * x, tanh)[1], 2 * backend.forward(W, A, x, tanh)[1], rtol=1e-2)


def test_relabelling_hidden_units_changes_nothing(backend: Backend, draw_network: DrawNetwork, activation: int) -> None:
    W, A, B, x, labels = draw_network(width=21)
    order = np.random.default_rng(0).permutation(21)
    relabelled = (
        np.ascontiguousarray(W[:, order][:, :, order]),
        A[order],
        np.ascontiguousarray(B[:, order]),
        x,
        labels,
    )
    gradient = gradient_of(backend, (W, A, B, x, labels), activation)[:, order][:, :, order]
    error = np.linalg.norm(gradient_of(backend, relabelled, activation) - gradient)
    assert error <= 4 * 4 * 21 * EPS * np.linalg.norm(gradient)


def test_reordering_sequences_permutes_the_states(backend: Backend, draw_network: DrawNetwork) -> None:
    W, A, _, x, _ = draw_network(n_sequences=4)
    order = [2, 0, 3, 1]
    straight, shuffled = backend.forward(W, A, x, RELU)[1], backend.forward(W, A, x[:, order].copy(), RELU)[1]
    allowed = 4 * 4 * 21 * EPS * float(np.linalg.norm(straight))
    np.testing.assert_allclose(shuffled, straight[:, order], rtol=0, atol=allowed)


@pytest.mark.parametrize("rank", [0, 1, 3])
@pytest.mark.parametrize("n_matrices", [1, 4], ids=["shared", "independent"])
def test_low_rank_change_is_the_matrix_it_stands_for(
    backend: Backend, draw_network: DrawNetwork, activation: int, n_matrices: int, rank: int
) -> None:
    W, A, _, x, _ = draw_network(n_matrices=n_matrices)
    rng = np.random.default_rng(0)
    left, right = 0.3 * rng.standard_normal((2, x.shape[1], rank, 16))
    together = backend.forward_low_rank(W, A, x, left, right, activation)
    for i in range(x.shape[1]):
        alone = backend.forward(W + left[i].T @ right[i], A, x[:, i : i + 1].copy(), activation)
        for found, expected in zip(together, alone, strict=True):
            allowed = 4 * 4 * 21 * EPS * float(np.linalg.norm(expected))
            np.testing.assert_allclose(found[:, i], expected[:, 0], rtol=0, atol=allowed)


# --- descent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_matrices", [1, 4], ids=["shared", "independent"])
def test_descent_takes_the_steps_it_says(
    backend: Backend, draw_network: DrawNetwork, activation: int, n_matrices: int
) -> None:
    network = draw_network(n_matrices=n_matrices)
    W, losses, norms, ended = descend(backend, network, steps=(0, 4), activation=activation)
    assert ended == (4, RUNNING)
    by_hand = network[0].copy()
    for step in range(4):
        gradient = gradient_of(backend, (by_hand, *network[1:]), activation)
        loss = loss_of(backend, by_hand, network, activation)
        assert losses[step] == pytest.approx(loss, rel=1e3 * EPS)
        assert norms[step] == pytest.approx(np.sum(gradient**2), rel=1e3 * EPS)
        by_hand -= 1e-3 * gradient
    np.testing.assert_allclose(W, by_hand, rtol=0, atol=1e3 * EPS)


def test_descent_does_not_depend_on_its_chunks(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network(width=33)
    batches = np.random.default_rng(0).integers(3, size=(10, 2))
    for drawn in (EVERYTHING, batches):
        whole = descend(backend, network, batches=drawn, steps=(0, 10))
        for cuts in ((0, 4, 10), (0, 1, 2, 9, 10)):
            parts = descend(backend, network, batches=drawn, steps=cuts)
            for mine, theirs in zip(whole[:3], parts[:3], strict=True):
                np.testing.assert_array_equal(mine, theirs)


def test_a_batch_of_all_sequences_is_gradient_descent(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network()
    batches = np.tile(np.array([2, 0, 1], dtype=np.int64), (10, 1))
    for mine, theirs in zip(descend(backend, network, batches=batches), descend(backend, network), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("batch", "factors"),
    [([1], [0, 3, 0]), ([1, 1], [0, 3, 0]), ([0, 2], [1.5, 0, 1.5]), ([2, 0, 2, 2], [0.75, 0, 2.25])],
)
def test_a_batch_weighs_its_sequences_by_how_often_they_are_drawn(
    backend: Backend, draw_network: DrawNetwork, batch: list[int], factors: list[float]
) -> None:
    """The step is (n/|S|) sum_{i in S} grad f_i, and f itself is still over all sequences."""
    network = draw_network()
    W, A, B, x, labels = network
    found, losses, norms, _ = descend(backend, network, batches=np.array([batch]), steps=(0, 1))
    single = [(W, A, B, x[:, [i]].copy(), labels[:, [i]].copy()) for i in range(3)]
    step = sum(
        (factor * gradient_of(backend, one, RELU) for factor, one in zip(factors, single, strict=True)),
        start=np.zeros_like(W),
    )
    np.testing.assert_allclose(found, W - 1e-3 * step, rtol=0, atol=1e3 * EPS)
    assert norms[0] == pytest.approx(np.sum(step**2), rel=1e3 * EPS)
    assert losses[0] == pytest.approx(loss_of(backend, W, network, RELU), rel=1e3 * EPS)


def test_a_run_ends_at_its_target_before_the_weights_change(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network()
    _, losses, _, _ = descend(backend, network)
    for target in (losses[6], losses[6] * (1 + 1e-9)):
        W, found, norms, ended = descend(backend, network, target=float(target))
        assert ended == (6, REACHED)
        assert np.isfinite(found[:7]).all()
        assert np.isnan(found[7:]).all()
        assert np.isnan(norms[6:]).all()
        np.testing.assert_array_equal(W, descend(backend, network, steps=(0, 6))[0])


def test_a_loss_above_the_limit_is_a_divergence(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network()
    start = loss_of(backend, network[0], network, RELU)
    W, losses, _, ended = descend(backend, network, limit=0.99 * start)
    assert ended == (0, DIVERGED)
    assert losses[0] == start
    np.testing.assert_array_equal(W, network[0])
    assert descend(backend, network, limit=float(losses[0]))[3] == (10, RUNNING)


def test_a_blow_up_is_a_status(backend: Backend, draw_network: DrawNetwork) -> None:
    network = draw_network(horizon=6)
    _, losses, norms, (step, status) = descend(backend, network, learning_rate=1e3, steps=(0, 100), activation=LINEAR)
    assert status == DIVERGED
    assert 0 < step < 100
    assert not np.isfinite(losses[step])
    assert np.isfinite(losses[:step]).all()
    assert np.isnan(losses[step + 1 :]).all()
    assert np.isnan(norms[step:]).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize("where", range(5), ids=["W", "A", "B", "x", "labels"])
def test_a_poisoned_network_has_diverged_at_once(
    backend: Backend, draw_network: DrawNetwork, poison: float, where: int
) -> None:
    """Compiled code that may assume finite values would call NaN finite."""
    network = tuple(array.copy() for array in draw_network())
    network[where][-1] = poison
    W, A, B, x, labels = network
    assert descend(backend, (W, A, B, x, labels), activation=LINEAR)[3] == (0, DIVERGED)


def test_nan_stays_nan_and_is_not_active(backend: Backend, activation: int) -> None:
    poisoned = np.array([[[np.nan, 1.0]]])
    assert np.isnan(backend.activate(poisoned, activation)[0, 0, 0])
    assert backend.activate(poisoned, LINEAR)[0, 0, 1] == 1
    assert backend.activation_pattern(poisoned, RELU).ravel().tolist() == [0.0, 1.0]


# --- spectral norms ---------------------------------------------------------------------------------------------------


def with_singular_values(values: Array, seed: int = 0) -> tuple[Array, Array, Array]:
    """Return (W, pattern, right singular vectors as rows) for a one-layer product with these singular values."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.standard_normal((values.size, values.size)))[0] for _ in range(2))
    return (left * values @ right.T)[None].copy(), np.ones((1, values.size)), right.T


def random_start(width: int) -> Array:
    return np.random.default_rng(99).standard_normal(width)


@pytest.mark.parametrize("n_matrices", [1, 5], ids=["shared", "independent"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_product_norm_is_the_dense_one(
    backend: Backend, draw_network: DrawNetwork, n_matrices: int, dtype: str
) -> None:
    W, A, _, x, _ = draw_network(width=65, horizon=5, n_matrices=n_matrices, dtype=dtype)
    pattern = np.ascontiguousarray((x[:, 0] @ A.T >= 0).astype(dtype))
    dense = backend.apply_product(W, pattern, np.eye(65, dtype=dtype))[-1].T
    found, bound, vector = backend.product_norm(W, pattern, W, pattern[:0], random_start(65).astype(dtype), 1e-3, 65)
    expected = float(np.linalg.norm(dense.astype(np.float64), 2))
    assert bound <= 1e-3
    assert abs(found - expected) <= bound * expected
    assert float(np.linalg.norm(vector)) == pytest.approx(1, rel=65 * float(np.finfo(dtype).eps))
    assert float(np.linalg.norm(dense @ vector)) == pytest.approx(found, rel=1e-3)
    assert vector.dtype == dtype


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-8])
def test_product_norm_of_a_difference(backend: Backend, draw_network: DrawNetwork, size: float) -> None:
    W, A, _, x, _ = draw_network(width=40, horizon=4)
    pattern = np.ascontiguousarray((x[:, 0] @ A.T >= 0).astype(float))
    other = W + size * np.random.default_rng(0).standard_normal(W.shape) / np.sqrt(40)
    changed = pattern.copy()
    if size == 1.0:
        changed[1, :3] = 1 - changed[1, :3]
    eye = np.eye(40)
    dense = (backend.apply_product(W, pattern, eye)[-1] - backend.apply_product(other, changed, eye)[-1]).T
    found, bound, _ = backend.product_norm(W, pattern, other, changed, random_start(40), 1e-3, 40)
    expected = float(np.linalg.norm(dense, 2))
    assert bound <= 1e-3
    assert abs(found - expected) <= bound * expected


def test_product_norm_of_nearly_equal_products_confesses_round_off(backend: Backend, draw_network: DrawNetwork) -> None:
    W, _, _, _, _ = draw_network(width=40)
    _, bound, _ = backend.product_norm(W, np.ones((6, 40)), W * (1 + EPS), np.ones((6, 40)), random_start(40), 1e-3, 40)
    assert bound > 1e-1


def test_product_norm_of_nothing_is_zero(backend: Backend, draw_network: DrawNetwork) -> None:
    W, _, _, _, _ = draw_network()
    everything, nothing, none = np.ones((3, 16)), np.zeros((3, 16)), np.empty((0, 16))
    for pattern, other in ((everything, everything), (nothing, none), (nothing, nothing)):
        found, bound, vector = backend.product_norm(W, pattern, W, other, random_start(16), 1e-3, 16)
        assert (found, bound) == (0.0, 0.0)
        assert vector.shape == (16,)


@pytest.mark.parametrize(
    "values",
    [
        np.r_[1, 1 - 1e-6, 1 - 2e-6, np.linspace(0.9, 0, 47)],
        np.r_[1, 1 - 1e-3, 1 - 2e-3, np.linspace(0.99, 0, 47)],
        np.r_[np.ones(10), np.zeros(40)],
        np.linspace(1, 0.99, 50),
        np.r_[1e6, np.linspace(1, 0, 49)],
        np.r_[1, np.zeros(49)],
        np.ones(50),
    ],
    ids=["tight-cluster", "cluster", "projection", "flat", "gap", "rank-one", "orthogonal"],
)
def test_product_norm_of_awkward_spectra(backend: Backend, values: Array) -> None:
    W, pattern, _ = with_singular_values(values)
    for tolerance in (1e-3, 1e-9):
        found, bound, _ = backend.product_norm(W, pattern, W, pattern[:0], random_start(50), tolerance, 50)
        assert bound <= tolerance
        assert abs(found - values[0]) <= bound * values[0]


@pytest.mark.parametrize("max_steps", [1, 2, 4, 8])
def test_a_short_iteration_finds_too_small_a_norm_and_says_so(max_steps: int) -> None:
    values = np.linspace(1, 0, 100) ** 0.25
    W, pattern, _ = with_singular_values(values)
    found, bound, _ = BACKENDS["compiled"].product_norm(W, pattern, W, pattern[:0], random_start(100), 1e-9, max_steps)
    assert found < 1
    assert bound > 1e-9
    assert np.min(np.abs(found - values)) <= bound * found


def test_no_steps_no_norm() -> None:
    W, pattern, _ = with_singular_values(np.ones(4))
    found, bound, _ = BACKENDS["compiled"].product_norm(W, pattern, W, pattern[:0], random_start(4), 1e-3, 0)
    assert np.isnan(found)
    assert bound == np.inf


def test_product_norm_stops_where_the_tolerance_is_met() -> None:
    W, pattern, _ = with_singular_values(np.r_[1, np.linspace(0.5, 0, 99)])
    compiled = BACKENDS["compiled"]
    bounds = [
        compiled.product_norm(W, pattern, W, pattern[:0], random_start(100), tolerance, 100)[1]
        for tolerance in (1e-1, 1e-3, 1e-6)
    ]
    assert 1e-3 < bounds[0] <= 1e-1
    assert 1e-6 < bounds[1] <= 1e-3
    assert bounds[2] <= 1e-6


def test_product_norm_recovers_the_singular_vector(backend: Backend) -> None:
    W, pattern, right = with_singular_values(np.r_[2, np.linspace(1, 0, 29)])
    found, _, vector = backend.product_norm(W, pattern, W, pattern[:0], random_start(30), 1e-9, 30)
    assert found == pytest.approx(2, rel=1e-9)
    assert abs(float(np.vdot(vector, right[0]))) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("poison", [np.nan, np.inf], ids=str)
def test_product_norm_of_a_blow_up_is_not_a_number(backend: Backend, draw_network: DrawNetwork, poison: float) -> None:
    W = draw_network()[0].copy()
    W[0, 3, 4] = poison
    with np.errstate(over="ignore", invalid="ignore"):
        found, bound, vector = backend.product_norm(
            W, np.ones((4, 16)), W, np.empty((0, 16)), random_start(16), 1e-3, 16
        )
    assert np.isnan(found)
    assert bound == np.inf
    assert vector.shape == (16,)
