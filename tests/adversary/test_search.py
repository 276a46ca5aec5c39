"""What the searches find beside the constructed perturbations: never less than their starts, and as much by chance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import (
    DensePerturbation,
    LowRankPerturbations,
    Perturbation,
    State,
    Target,
    perturbed_states,
    perturbed_weights,
    product_norm,
)
from rnnconv_cli.adversary.remainder import remainder_at
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend

DrawState = Callable[..., State]
Targets = tuple[Target, ...]
Values = Callable[[State, Perturbation, Targets, Backend], Array]

CONSTRUCTED = ("gaussian", "gradient", "kinks", "weighted-kinks", "single-row", "loss-kinks", "linearised-ascent")


def hidden_values(state: State, found: Perturbation, targets: Targets, backend: Backend) -> Array:
    _, hidden = perturbed_states(state, found, targets, backend)
    changes = [hidden[each.layer, t] - state.hidden[each.layer, each.sequence] for t, each in enumerate(targets)]
    return np.asarray(np.linalg.norm(changes, axis=1))


def flip_values(state: State, found: Perturbation, targets: Targets, backend: Backend) -> Array:
    g, _ = perturbed_states(state, found, targets, backend)
    before = [state.preactivation[each.layer, each.sequence] for each in targets]
    after = [g[each.layer, t] for t, each in enumerate(targets)]
    return np.asarray(np.count_nonzero((np.array(after) >= 0) != (np.array(before) >= 0), axis=1))


def product_values(state: State, found: Perturbation, targets: Targets, backend: Backend) -> Array:
    g, _ = perturbed_states(state, found, targets, backend)
    instance, after = state.instance, reference.activation_pattern(g, state.instance.activation)
    return np.array(
        [
            product_norm(
                instance,
                backend,
                perturbed_weights(instance, found, t),
                after[1:, t],
                instance.W,
                state.pattern[1:, each.sequence],
            )
            for t, each in enumerate(targets)
        ]
    )


def remainder_values(state: State, found: Perturbation, targets: Targets, backend: Backend) -> Array:
    instance, beyond = state.instance, remainder_at(state, backend)
    matrices = [perturbed_weights(instance, found, t)[0] - instance.W[0] for t in range(len(targets))]
    return np.array([beyond.of_matrix(matrix, backend) for matrix in matrices])


SEARCHES: dict[str, Values] = {
    "ascent-hidden": hidden_values,
    "ascent-flips": flip_values,
    "ascent-product": product_values,
    "ascent-remainder": remainder_values,
}
LAST = (Target(3, 0), Target(3, 1))


@pytest.fixture(params=SEARCHES)
def search(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("size", [0.02, 0.3, 2.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_search_never_comes_out_weaker_than_its_constructed_starts(
    draw_state: DrawState, backend: Backend, search: str, seed: int, size: float
) -> None:
    state, values = draw_state(seed=seed), SEARCHES[search]
    found = values(state, ADVERSARIES[search](state, size, LAST, backend), LAST, backend)
    starts = {"ascent-hidden": ["linearised-ascent"], "ascent-flips": ["kinks"], "ascent-product": ["kinks"]}
    for name in starts.get(search, ["kinks", "loss-kinks", "gradient"]):
        start = values(state, ADVERSARIES[name](state, size, LAST, backend), LAST, backend)
        assert np.all(found >= start * (1 - 1e-2 if search == "ascent-product" else 1 - 1e-9)), name
    alone = values(state, ADVERSARIES[f"{search}-from-random"](state, size, LAST, backend), LAST, backend)
    assert np.all(found >= alone * (1 - 1e-2 if search == "ascent-product" else 1 - 1e-9))


@pytest.mark.parametrize("search_share", [("ascent-hidden", 1.0), ("ascent-flips", 0.9), ("ascent-product", 1.0)])
def test_from_random_points_alone_it_finds_what_was_constructed(
    draw_state: DrawState, backend: Backend, search_share: tuple[str, float]
) -> None:
    search, share = search_share
    values, ratios = SEARCHES[search], []
    for seed in range(5):
        state = draw_state(seed=seed, width=64)
        found = values(state, ADVERSARIES[f"{search}-from-random"](state, 0.2, LAST, backend), LAST, backend)
        best = max(
            float(np.mean(values(state, ADVERSARIES[name](state, 0.2, LAST, backend), LAST, backend)))
            for name in CONSTRUCTED
        )
        ratios.append(float(np.mean(found)) / best)
    assert np.mean(np.array(ratios) >= share) >= 0.8
    chance = [
        float(np.mean(values(state, ADVERSARIES["gaussian"](state, 0.2, LAST, backend), LAST, backend))) / best
        for state in [draw_state(seed=4, width=64)]
    ]
    assert max(chance) < 0.9


def test_remainder_search_gives_every_target_the_same(draw_state: DrawState, backend: Backend) -> None:
    found = ADVERSARIES["ascent-remainder"](draw_state(), 0.3, LAST, backend)
    assert isinstance(found, LowRankPerturbations)
    np.testing.assert_array_equal(found.left[0], found.left[1])
    np.testing.assert_array_equal(found.right[0], found.right[1])


def test_searches_find_more_than_chance_by_far(draw_state: DrawState, backend: Backend, search: str) -> None:
    state, values = draw_state(width=96), SEARCHES[search]
    found, chance = (
        values(state, ADVERSARIES[name](state, 0.2, LAST, backend), LAST, backend) for name in (search, "gaussian")
    )
    assert np.mean(found) > 1.8 * abs(np.mean(chance))


def test_the_rank_stays_below_what_was_said(draw_state: DrawState, backend: Backend, search: str) -> None:
    found = ADVERSARIES[search](draw_state(), 0.3, LAST, backend)
    assert not isinstance(found, DensePerturbation)
    most = {"ascent-hidden": 6, "ascent-flips": 6, "ascent-product": 12, "ascent-remainder": 24}[search]
    assert found.left.shape == found.right.shape == (2, most, 48)


@np.errstate(all="ignore")
def test_a_network_that_a_search_can_blow_up_is_blown_up(draw_state: DrawState, backend: Backend, search: str) -> None:
    """Whatever reads the perturbation off has diverged, where a search for something finite would hide it."""
    for name in (search, f"{search}-from-random"):
        state = draw_state()
        found = ADVERSARIES[name](state, 1e120, LAST, backend)
        assert not isinstance(found, DensePerturbation)
        assert np.isfinite(found.left).all()
        assert np.isfinite(found.right).all()
        assert not np.isfinite(perturbed_states(state, found, LAST, backend)[1]).all()
