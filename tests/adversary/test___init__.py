"""What every adversary owes: a W' of the size it was given, the same at each call, for each kind of network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import DensePerturbation, Perturbation, State, Target, perturbed_states
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend

DrawState = Callable[..., State]
EveryTarget = Callable[[State], tuple[Target, ...]]

MAY_SPARE_ITS_BUDGET = (
    "kinks",
    "weighted-kinks",
    "loss-kinks",
)  # nothing is spent where it does not pay for the first flip


@pytest.fixture(params=ADVERSARIES)
def adversary(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def matrices(perturbation: Perturbation) -> list[Array]:
    if isinstance(perturbation, DensePerturbation):
        return [perturbation.matrix]
    return [left.T @ right for left, right in zip(perturbation.left, perturbation.right, strict=True)]


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-8, 0.5, 10.0])
def test_spectral_norm_is_the_size_and_never_above(
    draw_state: DrawState,
    every_target: EveryTarget,
    backend: Backend,
    adversary: str,
    size: float,
    dtype: str,
    layers: str,
) -> None:
    state = draw_state(layers=layers, dtype=dtype)
    targets = every_target(state)
    found = ADVERSARIES[adversary](state, size, targets, backend)
    norms = [float(np.linalg.norm(matrix.astype(np.float64), 2)) for matrix in matrices(found)]
    assert len(norms) == (1 if isinstance(found, DensePerturbation) else len(targets))
    rounding = state.instance.W.shape[2] * float(np.finfo(dtype).eps)  # of a product of Householder reflections
    assert max(norms) <= size * (1 + rounding)
    if adversary in MAY_SPARE_ITS_BUDGET:
        assert all(norm == 0 or norm >= 0.99 * size for norm in norms)
        assert size < 0.1 or min(norms) > 0
    elif dtype == "float64" or size > 1e-6:  # below, float32 states cannot tell what a search looks for
        assert min(norms) >= 0.99 * size


def test_the_same_call_gives_the_same_bits_whatever_came_between(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, adversary: str
) -> None:
    state = draw_state()
    first = matrices(ADVERSARIES[adversary](state, 0.5, every_target(state), backend))
    ADVERSARIES[adversary](draw_state(seed=1), 0.5, every_target(state), backend)
    ADVERSARIES[adversary](state, 0.25, every_target(state)[:1], backend)
    again = matrices(ADVERSARIES[adversary](draw_state(), 0.5, every_target(state), backend))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_backends_agree(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, adversary: str, layers: str
) -> None:
    state = draw_state(layers=layers)
    found = matrices(ADVERSARIES[adversary](state, 0.5, every_target(state), backend))
    expected = matrices(ADVERSARIES[adversary](state, 0.5, every_target(state), BACKENDS["reference"]))
    # 1e-3: the size of a dense W' is known to the tolerance of its iterated norm
    dense = adversary in ("gaussian", "gradient", "training-displacement")
    np.testing.assert_allclose(found, expected, rtol=2e-3 if dense else 1e-9, atol=1e-9)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_targeted_ones_leave_earlier_layers_alone(
    draw_state: DrawState, every_target: EveryTarget, backend: Backend, layers: str
) -> None:
    state = draw_state(horizon=6, layers=layers)
    targets = every_target(state)
    for name in ("kinks", "weighted-kinks", "single-row"):
        found = ADVERSARIES[name](state, 0.5, targets, backend)
        preactivation, _ = perturbed_states(state, found, targets, backend)
        for t, target in enumerate(targets):
            before, after = state.preactivation[:, target.sequence], preactivation[:, t]
            np.testing.assert_allclose(after[: target.layer], before[: target.layer], rtol=0, atol=1e-13)
            assert np.abs(after[target.layer] - before[target.layer]).max() > 1e-3
            flipped = (after[: target.layer] >= 0) != (before[: target.layer] >= 0)
            assert not flipped.any()
