"""Networks drawn or written out by hand, and a measurement of them by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.kernels.activations import ACTIVATIONS
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance, draw
from rnnconv_cli.records import PerturbationSetting, ProbeSetting, ProblemSetting, Reading, TrainingSetting, Trial

TRAINING = {
    "method": "gd",
    "batch_size": 2,
    "learning_rate": 1.0,
    "learning_rate_unit": "inverse-lambda-max",
    "max_steps": 400,
    "accuracy": 1e-3,
    "objective": "loss",
}
PROBE = {"sparsity": 4.0, "rows": 8.0, "threshold": 0.5, "margin": 0.5, "kick": 0.1, "deviation": 0.2}
PERTURBATION = {"size": 0.5, "adversary": "kinks", "around": "initial"}


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    return BACKENDS[request.param]


@pytest.fixture(scope="session")
def draw_instance(make_setting: Callable[..., ProblemSetting]) -> Callable[..., Instance]:
    def make(*, seed: int = 0, replicate: int = 0, **changes: Any) -> Instance:
        return draw(make_setting(**{"width": 32, "n_sequences": 2, **changes}), seed, replicate)

    return make


@pytest.fixture(scope="session")
def write_instance(make_setting: Callable[..., ProblemSetting]) -> Callable[..., Instance]:
    def write(*, W: Any, B: Any, x: Any, labels: Any = None, activation: str = "relu", copies: int = 1) -> Instance:
        """An instance of these very numbers, with A the identity: x is (L, n, m); labels are zero where left out."""
        weights, outputs, tokens = np.array(W, dtype=float), np.array(B, dtype=float), np.array(x, dtype=float)
        horizon, n_sequences, width = tokens.shape
        shape = (horizon, n_sequences, len(outputs))
        targets: Array = np.zeros(shape) if labels is None else np.array(labels, dtype=float).reshape(shape)
        sizes = {"width": width, "horizon": horizon, "n_sequences": n_sequences, "input_dim": width}
        kind = {"output_dim": len(outputs), "activation": activation, "copies": copies}
        setting = make_setting(**sizes, **kind)
        shared = weights.reshape(-1, width, width)
        return Instance(setting, 0, 0, shared, np.eye(width), outputs, tokens, targets, ACTIVATIONS[activation])

    return write


@pytest.fixture(scope="session")
def make_training() -> Callable[..., TrainingSetting]:
    def make(**changes: Any) -> TrainingSetting:
        return TrainingSetting(**{**TRAINING, **changes})

    return make


@pytest.fixture(scope="session")
def make_trial() -> Callable[..., Trial]:
    def make(
        quantity: str,
        instance: Instance,
        *,
        training: dict[str, Any] | None = None,
        perturbation: dict[str, Any] | None = None,
        probe: dict[str, Any] | None = None,
        read_at: tuple[int, ...] = (),
    ) -> Trial:
        """A trial with the sections that its quantity reads."""
        known = MEASUREMENTS[quantity]
        run = TrainingSetting(**{**TRAINING, **(training or {})}) if known.reads_training else None
        usual = {} if PERTURBATION["adversary"] in known.adversaries else {"adversary": known.adversaries[0]}
        asked = {**PERTURBATION, **usual, **(perturbation or {})}
        kick = PerturbationSetting(**asked) if known.reads_perturbation else None
        read = {name: value for name, value in {**PROBE, **(probe or {})}.items() if name in known.reads_probe}
        probed = ProbeSetting(**read) if known.reads_probe else None
        return Trial(quantity, instance.setting, run, kick, probed, read_at, (), instance.replicate, instance.seed)

    return make


@pytest.fixture(scope="session")
def measure(make_trial: Callable[..., Trial]) -> Callable[..., tuple[Reading, ...]]:
    def readings(quantity: str, instance: Instance, backend: Backend, **sections: Any) -> tuple[Reading, ...]:
        return MEASUREMENTS[quantity].measure(instance, make_trial(quantity, instance, **sections), backend)

    return readings


@pytest.fixture(scope="session")
def value_of(measure: Callable[..., tuple[Reading, ...]]) -> Callable[..., float]:
    def value(quantity: str, instance: Instance, backend: Backend, **sections: Any) -> float:
        """The one number of a quantity, which must have one."""
        (reading,) = measure(quantity, instance, backend, **sections)
        assert reading.value is not None, reading.status
        return reading.value

    return value


@pytest.fixture(scope="session")
def backends() -> tuple[Backend, Backend]:
    return BACKENDS["compiled"], BACKENDS["reference"]
