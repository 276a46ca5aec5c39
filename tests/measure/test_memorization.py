"""When labels count as fitted, and the floor under clashing copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.training import clash_floor, descend, step_size
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, TrainingSetting

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
MakeTraining = Callable[..., TrainingSetting]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

FLOORS = (
    "floor-deviation",
    "floor-deviation-by-pairs",
    "lowest-loss-over-floor",
    "lowest-loss-over-floor-of-pairs",
)
STILL = {"learning_rate": 1e-12, "learning_rate_unit": "absolute", "max_steps": 1}  # the loss of the network as it is


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((0, 8.1), 0.1),  # 0.01 / 0.1, sign right
        ((0, 9.0), 10.0),
        ((0, -0.2), 8.2**2 / 0.1),
    ],
)
def test_worst_token_is_its_squared_error_in_tenths(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend, labels: tuple[float, float], expected: float
) -> None:
    instance = write_instance(W=((1, -1), (0, 2)), B=((1, 1),), x=(((3, 4),), ((0, 0),)), labels=labels)  # output 8
    assert value_of("worst-token-error", instance, backend, training=STILL) == pytest.approx(expected, rel=1e-8)


def test_a_wrong_sign_is_never_fitted_however_small(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend
) -> None:
    right = {"W": ((1, 0), (0, 1)), "B": ((0.01, 0),), "x": (((1, 0), (1, 0)), ((1, 0), (1, 0)))}  # outputs 0.02
    for label, expected in ((0.03, 0.001), (-0.03, 2.0), (0.0, 2.0)):
        instance = write_instance(**right, labels=((0, 0), (0.03, label)))
        assert value_of("worst-token-error", instance, backend, training=STILL) == pytest.approx(expected, abs=1e-9)


def test_the_worst_token_is_over_outputs_together_and_not_over_the_first_token(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = write_instance(
        W=((1, 0), (0, 1)),
        B=((1, 0), (0, 1)),
        x=(((1, 2),), ((0, 0),), ((0, 0),)),
        labels=(((-50, 50),), ((1.1, 2.2),), ((1.3, 2.1),)),
    )
    # tokens 2 and 3: 0.01 + 0.04 and 0.09 + 0.01, over 0.1 d = 0.2
    assert value_of("worst-token-error", instance, backend, training=STILL) == pytest.approx(0.5, rel=1e-8)


def test_loss_at_the_last_step_is_that_of_the_weights_that_are_kept(
    draw_instance: DrawInstance, make_training: MakeTraining, measure: Measure, backend: Backend
) -> None:
    """At T_max nothing steps beyond the loss that is reported."""
    instance, training = draw_instance(), make_training(max_steps=7, accuracy=1e-12)
    (reading,) = measure("final-loss-ratio", instance, backend, training={"max_steps": 7, "accuracy": 1e-12})
    found = descend(instance, training, backend, step_size(instance, training, backend), 0.0, 1e-12)
    hidden = backend.forward(found.W, instance.A, instance.x, instance.activation)[1]
    loss = backend.loss(backend.residuals(instance.B, hidden, instance.labels))
    assert found.losses[-1] == loss
    assert reading.value == loss / found.losses[0]
    assert reading.curve[0] == (0, 1.0)
    assert reading.curve[-1] == (7, reading.value)


@pytest.mark.parametrize("quantity", ["final-loss-ratio", "worst-token-error"])
def test_a_run_that_diverges_fits_nothing(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    (reading,) = measure(quantity, draw_instance(activation="linear"), backend, training={"learning_rate": 50.0})
    assert (reading.value, reading.status) == (None, Status.DIVERGED)


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize("copy_labels", ["independent", "opposite"])
def test_descent_stops_at_the_floor_of_the_clash_and_never_goes_below(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, copies: int, copy_labels: str
) -> None:
    instance = draw_instance(width=128, n_sequences=4, copies=copies, copy_labels=copy_labels, horizon=3)
    training = {"accuracy": 1e-6, "objective": "excess-over-floor", "max_steps": 5000}
    assert value_of("floor-deviation", instance, backend, training=training) < 1e-4
    lowest = value_of("lowest-loss-over-floor", instance, backend, training=training)
    assert 1 - 1e-12 <= lowest < 1 + 1e-4
    by_pairs = value_of("floor-deviation-by-pairs", instance, backend, training=training)
    below_pairs = value_of("lowest-loss-over-floor-of-pairs", instance, backend, training=training)
    assert by_pairs == pytest.approx(abs(2 / copies - 1), abs=1e-4)  # the floor of a pair is wrong for three
    assert below_pairs == pytest.approx(2 / copies, abs=1e-4)


def test_the_floor_is_found_and_not_imposed(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    """A run that knows nothing of the floor ends there, far closer than a formula that is off by 2% would have it."""
    instance = draw_instance(width=64, horizon=3, n_sequences=3, copies=3)
    training = {"accuracy": 1e-12, "objective": "loss", "max_steps": 1500}
    assert value_of("floor-deviation", instance, backend, training=training) < 1e-6


@pytest.mark.parametrize("seed", range(3))
def test_no_weights_at_all_go_below_the_floor(draw_instance: DrawInstance, backend: Backend, seed: int) -> None:
    instance = draw_instance(n_sequences=3, copies=3, seed=seed)
    floor, rng = clash_floor(instance), np.random.default_rng(seed)
    for scale in (0.0, 0.1, 0.3):
        W = np.asarray(scale * rng.standard_normal(instance.W.shape))
        hidden = backend.forward(W, instance.A, instance.x, instance.activation)[1]
        assert backend.loss(backend.residuals(instance.B, hidden, instance.labels)) >= floor


@pytest.mark.parametrize("quantity", FLOORS)
@pytest.mark.parametrize(
    "problem",
    [{"copies": 1}, {"copies": 2, "labels": "teacher"}, {"copies": 3, "n_sequences": 4, "labels": "teacher"}],
    ids=["no-copies", "two-of-a-teacher", "three-of-a-teacher"],
)
def test_a_floor_of_zero_is_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, problem: dict[str, object]
) -> None:
    with pytest.raises(MeasurementError, match="no two copies have different labels"):
        measure(quantity, draw_instance(**problem), backend, training=STILL)


@pytest.mark.parametrize("quantity", FLOORS)
def test_a_run_that_diverges_has_no_floor(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(activation="linear", copies=2)
    (reading,) = measure(quantity, instance, backend, training={"learning_rate": 50.0})
    assert (reading.value, reading.status) == (None, Status.DIVERGED)
