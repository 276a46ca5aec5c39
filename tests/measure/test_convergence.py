"""Times, movement and the largest stable step, read off a run or known from a quadratic."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.tangent import tangent_gram
from rnnconv_cli.measure.training import run
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

LONG = {"accuracy": 1e-7, "max_steps": 4000}


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_times_are_the_first_steps_at_each_decade(
    draw_instance: DrawInstance, make_trial: MakeTrial, measure: Measure, backend: Backend, seed: int
) -> None:
    instance, decades = draw_instance(width=96, seed=seed), (1, 2, 4, 5, 7)
    readings = measure("steps-to-decades", instance, backend, training=LONG, read_at=decades)
    losses = run(instance, make_trial("steps-to-decades", instance, training=LONG), backend).losses
    expected = [next(t for t, loss in enumerate(losses) if loss <= 10.0**-k * losses[0]) for k in decades]
    assert [reading.value for reading in readings] == expected
    assert [reading.point for reading in readings] == list(decades)
    assert {reading.status for reading in readings} == {Status.OK}
    assert expected == sorted(expected)
    assert readings[0].curve
    assert not any(reading.curve for reading in readings[1:])
    beyond = measure("steps-beyond-fourth-decade", instance, backend, training=LONG, read_at=(5, 7))
    assert [(reading.point, reading.value) for reading in beyond] == [
        (1.0, expected[3] - expected[2]),
        (3.0, expected[4] - expected[2]),
    ]


def test_times_do_not_depend_on_which_others_are_asked_for(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    instance = draw_instance(width=96)
    together = measure("steps-to-decades", instance, backend, training=LONG, read_at=(1, 3, 5))
    alone = measure("steps-to-decades", instance, backend, training={**LONG, "accuracy": 1e-3}, read_at=(3,))
    assert alone[0].value == together[1].value
    assert measure("steps-to-accuracy", instance, backend, training={**LONG, "accuracy": 1e-3})[0].value == (
        together[1].value
    )


@pytest.mark.parametrize("steps", [(1, 2), (2, 5, 4000), (4000, 5000)])
def test_a_run_that_has_fitted_its_labels_stays_where_it_ended(
    draw_instance: DrawInstance,
    measure: Measure,
    make_trial: Callable[..., Trial],
    backend: Backend,
    steps: tuple[int, ...],
) -> None:
    """Also where it ends before the first step that is asked for, and between two of them."""
    instance = draw_instance(width=96)
    deep = {**LONG, "max_steps": 6000, "accuracy": 1e-12}
    ended = run(instance, make_trial("movement-at-steps", instance, training=deep), backend)
    assert ended.status is Status.OK
    assert 5 < ended.steps < 4000
    readings = measure("movement-at-steps", instance, backend, training=deep, read_at=steps)
    assert [(each.point, each.status) for each in readings] == [(float(step), Status.OK) for step in steps]
    final = float(np.linalg.norm(ended.W - instance.W))
    for each in readings:
        if each.point is not None and each.point >= ended.steps:
            assert each.value == pytest.approx(final, rel=1e-12)
        else:
            assert each.value is not None
            assert 0 < each.value < 1.2 * final


def test_a_run_that_diverges_has_no_later_movement(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    wild = {"learning_rate": 1e4, "learning_rate_unit": "inverse-lambda-max", "max_steps": 100}
    readings = measure("movement-at-steps", draw_instance(width=96), backend, training=wild, read_at=(50, 100))
    assert [(each.value, each.status) for each in readings] == [(None, Status.DIVERGED)] * 2


def test_a_decade_that_is_not_reached_has_no_time_and_the_others_keep_theirs(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    instance = draw_instance(width=96)
    first = measure("steps-to-decades", instance, backend, training=LONG, read_at=(1,))[0].value
    assert first is not None
    short = {**LONG, "max_steps": int(first) + 1}
    readings = measure("steps-to-decades", instance, backend, training=short, read_at=(1, 6))
    assert [(reading.value, reading.status) for reading in readings] == [
        (first, Status.OK),
        (None, Status.NOT_REACHED),
    ]
    beyond = measure("steps-beyond-fourth-decade", instance, backend, training=short, read_at=(5, 6))
    assert [(reading.value, reading.status) for reading in beyond] == [(None, Status.NOT_REACHED)] * 2
    (accuracy,) = measure("steps-to-accuracy", instance, backend, training=short)
    assert (accuracy.value, accuracy.status) == (None, Status.NOT_REACHED)
    assert accuracy.curve


def test_a_loss_that_falls_two_decades_in_a_step_takes_no_steps_in_between(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    """One output of a quadratic at eta = 1/lambda: the first step ends it."""
    instance = draw_instance(activation="linear", horizon=2, n_sequences=1, output_dim=1)
    readings = measure("steps-to-decades", instance, backend, training={"accuracy": 1e-6}, read_at=(1, 6))
    assert [reading.value for reading in readings] == [1.0, 1.0]
    beyond = measure("steps-beyond-fourth-decade", instance, backend, training={"accuracy": 1e-6}, read_at=(5, 6))
    assert beyond == (Reading(0.0, Status.ZERO, 1.0), Reading(0.0, Status.ZERO, 2.0))


@pytest.mark.parametrize("quantity", ["steps-to-decades", "steps-beyond-fourth-decade", "steps-to-accuracy"])
def test_a_run_that_diverges_reaches_nothing(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    sections: dict[str, Any] = {} if quantity == "steps-to-accuracy" else {"read_at": (5, 6)}
    instance = draw_instance(activation="linear")
    readings = measure(quantity, instance, backend, training={"learning_rate": 50.0}, **sections)
    assert {(reading.value, reading.status) for reading in readings} == {(None, Status.DIVERGED)}


# --- the largest stable step ------------------------------------------------------------------------------------------


@np.errstate(over="ignore")
def quadratic_limit(instance: Instance, backend: Backend, steps: int) -> float:
    """Return the largest eta with f_T < f_0 for r_{t+1} = (I - eta K) r_t, by halving."""
    hidden = backend.forward(instance.W, instance.A, instance.x, instance.activation)[1]
    residual = backend.residuals(instance.B, hidden, instance.labels)[1:].transpose(0, 2, 1).ravel()
    values, vectors = np.linalg.eigh(tangent_gram(state_of(instance, backend), backend))
    weights = (vectors.T @ residual) ** 2
    low, high = 1 / values[-1], 256 / values[-1]
    for _ in range(60):
        middle = (low + high) / 2
        stable = np.sum(weights * (1 - middle * values) ** (2 * steps)) < np.sum(weights)
        low, high = (middle, high) if stable else (low, middle)
    return float(low)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("steps", [3, 30, 300])
def test_on_a_quadratic_it_is_where_the_quadratic_stops_falling(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, seed: int, steps: int
) -> None:
    """A linear network with L = 2 is linear in W."""
    instance = draw_instance(activation="linear", horizon=2, n_sequences=3, seed=seed)
    training = {"max_steps": steps}
    limit = quadratic_limit(instance, backend, steps)
    found = value_of("largest-stable-step", instance, backend, training=training)
    assert abs(math.log2(found / limit)) <= 1 / 64 + 1e-6  # half of the last bracket
    multiple = value_of("stable-step-multiple", instance, backend, training=training)
    largest = float(np.linalg.eigvalsh(tangent_gram(state_of(instance, backend), backend))[-1])
    assert multiple == pytest.approx(found * largest, rel=1e-12)
    # 2/lambda_max, and more where T leaves the top mode little time
    assert steps < 30 or multiple == pytest.approx(2, rel=0.15)


def test_it_does_not_depend_on_the_unit_it_is_searched_in(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=96)
    coarse, fine = (
        value_of("largest-stable-step", instance, backend, training={"max_steps": 30, "learning_rate": rate})
        for rate in (1.0, 0.25)
    )
    assert abs(math.log2(coarse / fine)) <= 1 / 32 + 1e-9


@pytest.mark.parametrize("quantity", ["largest-stable-step", "stable-step-multiple"])
@pytest.mark.parametrize("rate", [48.0, 1e-3], ids=["unstable-at-its-lower-end", "stable-at-its-upper-end"])
def test_a_bracket_that_does_not_bracket_is_no_value(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, rate: float
) -> None:
    instance = draw_instance(activation="linear", horizon=2)
    with pytest.raises(MeasurementError, match="largest stable step: not between 1/16 and 256 times"):
        measure(quantity, instance, backend, training={"max_steps": 30, "learning_rate": rate})


# --- movement and rate ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_movement_is_the_frobenius_distance_at_the_target(
    draw_instance: DrawInstance, make_trial: MakeTrial, value_of: ValueOf, backend: Backend, layers: str, dtype: str
) -> None:
    instance = draw_instance(width=96, layers=layers, dtype=dtype)
    found = run(instance, make_trial("movement", instance), backend)
    distance = math.sqrt(float(np.sum((found.W.astype(np.float64) - instance.W) ** 2)))
    assert value_of("movement", instance, backend) == pytest.approx(distance, rel=1e-12)


def test_no_movement_is_read_where_the_target_is_not_met(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    (short,) = measure("movement", draw_instance(), backend, training={"max_steps": 2})
    assert short == Reading(None, Status.NOT_REACHED)
    (blown,) = measure("movement", draw_instance(activation="linear"), backend, training={"learning_rate": 50.0})
    assert blown == Reading(None, Status.DIVERGED)


def test_on_a_quadratic_the_tail_decays_at_the_predicted_rate(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(activation="linear", horizon=2, n_sequences=2)
    training = {"accuracy": 1e-20, "max_steps": 20_000}  # far enough that the slowest mode alone is left
    assert value_of("tail-rate-over-predicted", instance, backend, training=training) == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("problem", "rate"),
    [
        ({"copies": 2, "copy_labels": "independent", "labels": "teacher"}, 1.0),
        ({"horizon": 2, "n_sequences": 1, "output_dim": 1}, 1.0),
    ],
    ids=["singular", "one-mode-at-one-over-lambda"],
)
def test_a_rate_that_cannot_be_predicted_is_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, problem: dict[str, Any], rate: float
) -> None:
    instance = draw_instance(width=96, activation="linear", **problem)
    training = {"learning_rate": rate, "accuracy": 1e-4, "max_steps": 4000}
    with pytest.raises(MeasurementError, match="tangent prediction: needs 0 < eta lambda_min < 1"):
        measure("tail-rate-over-predicted", instance, backend, training=training)


def test_an_unfinished_tail_has_no_rate(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    (short,) = measure("tail-rate-over-predicted", draw_instance(), backend, training={"max_steps": 2})
    assert short == Reading(None, Status.NOT_REACHED)
    instance = draw_instance(activation="linear")
    (blown,) = measure("tail-rate-over-predicted", instance, backend, training={"learning_rate": 50.0})
    assert blown == Reading(None, Status.DIVERGED)


def test_relabelling_hidden_units_changes_no_time(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    instance = draw_instance(width=96)
    order = np.random.default_rng(0).permutation(96)
    relabelled = replace(
        instance,
        W=np.ascontiguousarray(instance.W[:, order][:, :, order]),
        A=instance.A[order],
        B=np.ascontiguousarray(instance.B[:, order]),
    )
    one, other = (
        [reading.value for reading in measure("steps-to-decades", each, backend, training=LONG, read_at=(1, 2, 3))]
        for each in (instance, relabelled)
    )
    assert one == other
