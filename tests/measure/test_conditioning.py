"""W on directions that depend on W: against dense linear algebra and a search by hand; the kick's exact law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kstest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.conditioning import adapted_basis
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

WIDTH, N, HORIZON = 96, 2, 4


def gram_schmidt(vectors: np.ndarray) -> np.ndarray:
    columns: list[np.ndarray] = []
    for vector in vectors:
        rest = vector.copy()
        for _ in range(2):
            for column in columns:
                rest -= column * (column @ rest)
        columns.append(rest / np.linalg.norm(rest))
    return np.array(columns).T


def states(instance: Instance) -> np.ndarray:
    hidden = reference.forward(instance.W, instance.A, instance.x, instance.activation)[1]
    return np.array([hidden[layer, i] for layer in range(HORIZON) for i in range(N)])


def test_the_basis_is_gram_schmidt_in_the_order_of_the_layers(draw_instance: DrawInstance) -> None:
    vectors = states(draw_instance(width=WIDTH))
    assert adapted_basis(vectors) == pytest.approx(gram_schmidt(vectors), abs=1e-10)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("which", ["", "-of-adjoint"])
def test_laws_and_edges_are_those_of_dense_algebra(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, which: str, layers: str
) -> None:
    instance = draw_instance(width=WIDTH, horizon=HORIZON, n_sequences=N, layers=layers)
    W = instance.W[-1]
    vectors = states(instance) @ W if which else states(instance)
    U = gram_schmidt(vectors)[:, : N * (HORIZON - 1) + 1]
    entries = np.concatenate([(W @ U).ravel(), instance.A.ravel()]) * math.sqrt(WIDTH / 2)
    law = math.sqrt(entries.size) * kstest(entries, "norm").statistic
    assert value_of(f"conditioned-entries-law{which}", instance, backend) == pytest.approx(law, rel=1e-8)
    values = np.linalg.svd(W @ U[:, :-1], compute_uv=False)
    aspect = math.sqrt(N * (HORIZON - 1) / WIDTH)
    excess = max(max(values) - math.sqrt(2) * (1 + aspect), math.sqrt(2) * (1 - aspect) - min(values))
    assert value_of(f"conditioned-edge{which}", instance, backend) == pytest.approx(
        excess * math.sqrt(WIDTH / 2), rel=1e-8
    )


def test_directions_that_the_weights_chose_are_seen_and_adapted_ones_are_not(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    for seed in range(4):
        instance = draw_instance(width=256, horizon=5, n_sequences=4, seed=seed)
        for quantity, bound in (("conditioned-entries-law", 1.95), ("conditioned-edge", 2.5)):
            assert value_of(quantity, instance, backend) < bound
            assert value_of(f"{quantity}-of-adjoint", instance, backend) > bound


@pytest.mark.parametrize(
    "quantity", ["conditioned-entries-law", "conditioned-edge", "split-rest", "kick-probability", "kick-largest-entry"]
)
def test_order_of_units_does_not_matter(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(width=WIDTH)
    order = np.random.default_rng(0).permutation(WIDTH)
    columns = slice(None) if quantity == "split-rest" else order  # its columns are the ones that are looked at
    moved = replace(
        instance, W=np.ascontiguousarray(instance.W[:, order][:, :, columns]), A=np.ascontiguousarray(instance.A[order])
    )
    assert value_of(quantity, moved, backend) == pytest.approx(value_of(quantity, instance, backend), rel=1e-9)


# --- Lemma A.17 -------------------------------------------------------------------------------------------------------


def test_ascent_finds_the_worst_vector_of_the_plane(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=WIDTH, weight_variance=20.0)
    limit = math.log(WIDTH) / math.sqrt(WIDTH)
    angles = np.linspace(0, math.pi, 20_000)
    images = instance.W[0][:, :2] @ np.array([np.cos(angles), np.sin(angles)])
    worst = np.linalg.norm(np.maximum(np.abs(images) - limit, 0), axis=0).max()
    assert value_of("split-rest", instance, backend, probe={"sparsity": 2}) == pytest.approx(worst, rel=1e-6)


def test_no_random_vector_is_worse_than_the_one_found(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=WIDTH)
    x = np.random.default_rng(0).standard_normal((48, 2000))
    images = instance.W[0][:, :48] @ (x / np.linalg.norm(x, axis=0))
    limit = math.log(WIDTH) / math.sqrt(WIDTH)
    chance = np.linalg.norm(np.maximum(np.abs(images) - limit, 0), axis=0).max()
    assert value_of("split-rest", instance, backend, probe={"sparsity": 48}) > 2 * chance


def test_more_columns_than_there_are_is_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    with pytest.raises(MeasurementError, match=f"split-rest: sparsity {WIDTH + 1} is more than the width {WIDTH}"):
        measure("split-rest", draw_instance(width=WIDTH), backend, probe={"sparsity": WIDTH + 1})
    with pytest.raises(MeasurementError, match=r"split-rest: found sparsity = 0\.4, wanted at least 1 after rounding"):
        measure("split-rest", draw_instance(width=WIDTH), backend, probe={"sparsity": 0.4})


# --- Lemma E.4 --------------------------------------------------------------------------------------------------------


def test_the_kick_s_probability_is_the_share_of_its_draws(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, theta = draw_instance(width=WIDTH, horizon=HORIZON, n_sequences=N), 0.2
    earlier = gram_schmidt(states(instance))[:, N * (HORIZON - 2)]
    g_1 = instance.W[0] @ earlier
    g_2 = np.random.default_rng(0).standard_normal((40_000, 1)) * math.sqrt(2 / WIDTH)
    u = theta * g_2 - (1 - math.sqrt(1 - theta**2)) * g_1
    limit = theta / (2 * math.sqrt(WIDTH))
    share = min(np.mean(u >= limit, axis=0).min(), np.mean(u <= -limit, axis=0).min())
    assert value_of("kick-probability", instance, backend, probe={"kick": theta}) == pytest.approx(share, abs=0.01)


def test_a_small_kick_goes_either_way_and_a_large_one_does_not(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=256, horizon=2, n_sequences=1)
    found = [value_of("kick-probability", instance, backend, probe={"kick": theta}) for theta in (0.01, 0.1, 0.3, 0.9)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.25 > found[2]


def test_the_kick_has_the_law_of_the_coupling(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    instance, theta = draw_instance(width=WIDTH, horizon=HORIZON, n_sequences=N), 0.2
    basis = gram_schmidt(states(instance))
    g_1, g_2 = (instance.W[0] @ basis[:, N * layer] for layer in (HORIZON - 2, HORIZON - 1))
    u = theta * g_2 - (1 - math.sqrt(1 - theta**2)) * g_1
    rho = N * HORIZON * 2 * math.log(WIDTH)
    expected = np.abs(u).max() * 2 * math.sqrt(WIDTH) / (3 * theta * rho)
    assert value_of("kick-largest-entry", instance, backend, probe={"kick": theta}) == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("quantity", ["kick-probability", "kick-largest-entry"])
def test_a_kick_beyond_one_has_no_coupling(
    draw_instance: DrawInstance, measure: Measure, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(width=WIDTH, horizon=HORIZON, n_sequences=N)
    assert math.isfinite(value_of(quantity, instance, backend, probe={"kick": 1.0}))
    with pytest.raises(MeasurementError, match=rf"{quantity}: found kick = 1\.5, wanted at most 1, since u has sqrt"):
        measure(quantity, instance, backend, probe={"kick": 1.5})
