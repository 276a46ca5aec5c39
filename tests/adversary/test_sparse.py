"""Searches for supports and changes against all of them, on products small enough to be multiplied out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary import sparse
from rnnconv_cli.adversary.perturbation import State
from rnnconv_cli.adversary.sparse import Chain, chain_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.kernels.reference import weights_of_layer

DrawState = Callable[..., State]
SEEDS = range(5)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def multiplied_out(chain: Chain, diagonals: Array | None = None) -> Array:
    product = np.eye(chain.width)
    for layer, diagonal in enumerate(chain.diagonals if diagonals is None else diagonals):
        product = np.diag(diagonal) @ weights_of_layer(chain.W, layer) @ product
    return product


def supports(width: int, sparsity: int) -> Iterator[tuple[int, ...]]:
    return itertools.combinations(range(width), sparsity)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("leading", [False, True])
def test_a_chain_is_the_product_of_its_layers(draw_state: DrawState, layers: str, leading: bool) -> None:
    state = draw_state(layers=layers)
    W = [weights_of_layer(state.instance.W, layer) for layer in range(4)]
    D = [np.diag(state.pattern[layer, 1]) for layer in range(4)]
    expected = D[2] @ W[2] @ D[1] @ W[1]
    found = multiplied_out(chain_of(state, 1, 1, 2, leading=leading))
    assert found == pytest.approx(W[3] @ expected if leading else expected, abs=1e-12)


@pytest.mark.parametrize("sparsity", [2, 3])
def test_the_worst_supports_are_found_among_all(draw_state: DrawState, backend: Backend, sparsity: int) -> None:
    for seed in SEEDS:
        chain = chain_of(draw_state(seed=seed, width=8), 0, 0, 2, leading=True)
        product = multiplied_out(chain)
        worst = max(
            float(np.linalg.norm(product[np.ix_(rows, columns)], 2))
            for rows in supports(8, sparsity)
            for columns in supports(8, sparsity)
        )
        assert sparse.largest_sparse_form(chain, sparsity, rng(), backend) == pytest.approx(worst, rel=2e-3)


def test_one_nonzero_is_the_largest_entry_and_all_of_them_the_norm(draw_state: DrawState, backend: Backend) -> None:
    chain = chain_of(draw_state(width=80), 0, 0, 2, leading=True)
    product = multiplied_out(chain)
    for search in (sparse.largest_sparse_form, sparse.random_sparse_form):
        assert search(chain, 80, rng(), backend) == pytest.approx(np.linalg.norm(product, 2), rel=1e-3)
    assert sparse.largest_sparse_form(chain, 1, rng(), backend) == pytest.approx(np.max(np.abs(product)), rel=1e-12)


def test_random_supports_are_blocks_below_the_worst(draw_state: DrawState, backend: Backend) -> None:
    chain = chain_of(draw_state(), 0, 0, 2, leading=True)
    draws = rng()
    columns, rows = (draws.choice(48, 5, replace=False) for _ in range(2))
    block = multiplied_out(chain)[np.ix_(rows, columns)]
    found = sparse.random_sparse_form(chain, 5, rng(), backend)
    assert found == pytest.approx(np.linalg.norm(block, 2), rel=1e-12)
    assert found < sparse.largest_sparse_form(chain, 5, rng(), backend)


@pytest.mark.parametrize("sparsity", [1, 2, 6])
def test_twice_the_weights_are_twice_as_much_in_every_layer(
    draw_state: DrawState, backend: Backend, sparsity: int
) -> None:
    chain = chain_of(draw_state(), 0, 0, 2, leading=True)
    doubled = replace(chain, W=2 * chain.W)
    for search in (sparse.largest_sparse_form, sparse.random_sparse_form):
        assert search(doubled, sparsity, rng(), backend) == 2**4 * search(chain, sparsity, rng(), backend)


def test_a_dead_chain_has_no_form(draw_state: DrawState, backend: Backend) -> None:
    chain = chain_of(draw_state(), 0, 0, 2, leading=True)
    dead = replace(chain, diagonals=np.zeros_like(chain.diagonals))
    for sparsity in (1, 3, 48):
        assert sparse.largest_sparse_form(dead, sparsity, rng(), backend) == 0
    assert sparse.largest_changed_product(replace(dead, W=0 * dead.W), 3, backend, only_flips=False) == 0


def test_the_largest_part_keeps_the_largest_entries() -> None:
    kept, lengths = sparse.largest_part(np.array([[1.0, -4.0, 3.0], [0.0, 0.0, 0.0]]), 2)
    assert kept.tolist() == [[0, -0.8, 0.6], [0, 0, 0]]
    assert lengths.tolist() == [5, 0]


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("sparsity", [1, 2, 3])
def test_the_worst_columns_are_found_among_all(outputs: int, sparsity: int) -> None:
    for seed in SEEDS:
        back = np.random.default_rng(seed).standard_normal((outputs, 9))
        worst = max(float(np.linalg.norm(back[:, columns], 2)) for columns in supports(9, sparsity))
        found = sparse.largest_columns(back, sparsity)
        assert worst * (0.97 if outputs > 1 else 1 - 1e-12) <= found <= worst * (1 + 1e-12)
        assert sparse.random_columns(back, sparsity, rng()) <= worst * (1 + 1e-12)


def test_backward_signals_are_those_of_the_product(draw_state: DrawState, backend: Backend) -> None:
    chain = chain_of(draw_state(), 1, 1, 3, leading=False)
    expected = chain.instance.B @ multiplied_out(chain)
    assert sparse.backward_signals(chain, backend) == pytest.approx(expected, abs=1e-12)


def allowed(diagonal: Array, *, only_flips: bool) -> list[Array]:
    """Return a diagonal with at most one change, in every way that is allowed."""
    changed = [diagonal]
    for unit in range(len(diagonal)):
        for sign in (-1, 1):
            other = diagonal.copy()
            other[unit] += sign
            if not only_flips or other[unit] in (0, 1):
                changed.append(other)
    return changed


@pytest.mark.parametrize("only_flips", [False, True])
def test_the_worst_changes_are_nearly_found_among_all(
    draw_state: DrawState, backend: Backend, only_flips: bool
) -> None:
    found, largest, unchanged = [], [], []
    for seed in SEEDS:
        chain = chain_of(draw_state(seed=seed, width=7), 0, 0, 1, leading=False)
        choices = [allowed(diagonal, only_flips=only_flips) for diagonal in chain.diagonals]
        norms = [
            float(np.linalg.norm(multiplied_out(chain, np.array(each)), 2)) for each in itertools.product(*choices)
        ]
        largest.append(max(norms))
        unchanged.append(norms[0])
        found.append(sparse.largest_changed_product(chain, 1, backend, only_flips=only_flips))
    assert np.all(np.array(found) <= np.array(largest) * 1.001)
    assert np.all(np.array(found) > np.array(unchanged))
    shares = np.array(found) / np.array(largest)
    assert np.median(shares) > 0.999
    assert np.min(shares) > 0.85


def test_random_changes_do_less_than_chosen_ones(draw_state: DrawState, backend: Backend) -> None:
    chain = chain_of(draw_state(), 0, 0, 3, leading=False)
    for only_flips in (False, True):
        chance = sparse.random_changed_product(chain, 4, rng(), backend, only_flips=only_flips)
        assert chance < sparse.largest_changed_product(chain, 4, backend, only_flips=only_flips)
    everything = sparse.random_changed_product(chain, 48, rng(), backend, only_flips=True)
    assert everything == pytest.approx(np.linalg.norm(multiplied_out(chain, 1 - chain.diagonals), 2), rel=1e-3)


@pytest.mark.parametrize("sparsity", [0, 49])
def test_a_sparsity_that_no_vector_has_is_refused(draw_state: DrawState, backend: Backend, sparsity: int) -> None:
    chain = chain_of(draw_state(), 0, 0, 2, leading=True)
    message = f"found {sparsity} of 48 units, wanted between 1 and all of them"
    searches: tuple[Callable[[], float], ...] = (
        lambda: sparse.largest_sparse_form(chain, sparsity, rng(), backend),
        lambda: sparse.random_sparse_form(chain, sparsity, rng(), backend),
        lambda: sparse.largest_columns(np.ones((1, 48)), sparsity),
        lambda: sparse.random_columns(np.ones((1, 48)), sparsity, rng()),
        lambda: sparse.largest_changed_product(chain, sparsity, backend, only_flips=True),
        lambda: sparse.random_changed_product(chain, sparsity, rng(), backend, only_flips=True),
    )
    for search in searches:
        with pytest.raises(MeasurementError, match=message):
            search()


def test_a_change_that_overflows_at_last_is_not_forgotten(
    draw_state: DrawState, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = chain_of(draw_state(), 0, 0, 3, leading=False)
    monkeypatch.setattr(sparse, "product_norm", lambda *_: float("nan"))
    assert np.isnan(sparse.largest_changed_product(chain, 4, backend, only_flips=True))


def test_columns_whose_norm_overflows_are_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in one climb nor among several."""
    ends = iter([np.array([1.0]), np.array([np.nan])] * sparse.ALTERNATIONS * 2)
    monkeypatch.setattr(np.linalg, "svd", lambda *_, **__: (np.ones((2, 1)), next(ends), np.ones((1, 2))))
    assert np.isnan(sparse.largest_columns(np.ones((2, 3)), 2))
