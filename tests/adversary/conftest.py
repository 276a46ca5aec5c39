"""Small networks with their forward pass, for every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rnnconv_cli.adversary.perturbation import State, Target, state_of
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.problem.elman import Instance, draw
from rnnconv_cli.records import ProblemSetting


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture(scope="session")
def draw_instance(make_setting: Callable[..., ProblemSetting]) -> Callable[..., Instance]:
    def make(*, seed: int = 0, **changes: Any) -> Instance:
        return draw(make_setting(**{"width": 48, "n_sequences": 2, **changes}), seed, 0)

    return make


@pytest.fixture
def draw_state(draw_instance: Callable[..., Instance], backend: Backend) -> Callable[..., State]:
    def make(**changes: Any) -> State:
        return state_of(draw_instance(**changes), backend)

    return make


@pytest.fixture(scope="session")
def every_target() -> Callable[[State], tuple[Target, ...]]:
    def targets(state: State) -> tuple[Target, ...]:
        horizon, n_sequences, _ = state.hidden.shape
        return tuple(Target(layer, i) for layer in range(1, horizon) for i in range(n_sequences))

    return targets
