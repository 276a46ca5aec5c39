"""What the tangent Gram matrix predicts: closed forms against iterated recursions, and runs that follow them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure.linearised import first_step_below
from rnnconv_cli.measure.tangent import spectrum, tangent_gram
from rnnconv_cli.measure.training import clash_floor
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
FitLabels = Callable[[Instance, Backend], Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

NARROW_STEP = {"learning_rate": 1.0, "max_steps": 4000, "accuracy": 1e-4}


@given(
    losses=st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=5),
    shares=st.lists(st.floats(0.01, 1.95), min_size=5, max_size=5),
    accuracy=st.floats(1e-6, 0.999),
)
def test_first_step_is_that_of_the_recursion(losses: list[float], shares: list[float], accuracy: float) -> None:
    start, factors = np.array(losses), (1 - np.array(shares[: len(losses)])) ** 2
    target = accuracy * start.sum()
    current, step = start.copy(), 0
    while current.sum() > target:
        current, step = current * factors, step + 1
    found = first_step_below(start, np.array(shares[: len(losses)]), target)
    assert found is not None
    assert abs(found - step) <= (abs(current.sum() - target) < 1e-9 * target)


def test_a_tiny_share_takes_its_time_and_none_takes_for_ever() -> None:
    one = np.array([1.0])
    assert first_step_below(one, np.array([1e-12]), np.exp(-2.0)) == pytest.approx(1e12, rel=1e-9)
    assert first_step_below(one, np.array([0.0]), 0.5) is None
    assert first_step_below(one, np.array([1.0]), 0.5) == 1
    assert first_step_below(one, np.array([0.5]), 1.0) == 0


def test_predicted_steps_are_those_of_the_iterated_recursion(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=64)
    state = state_of(instance, backend)
    gram = tangent_gram(state, backend)
    residual = (state.hidden @ instance.B.T - instance.labels)[1:].transpose(0, 2, 1).ravel()
    target, step = 1e-4 * residual @ residual, 0
    eta = 1.0 / spectrum(state, backend)[-1]
    while residual @ residual > target:
        residual, step = residual - eta * gram @ residual, step + 1
    assert step > 20
    assert value_of("predicted-steps", instance, backend, training=NARROW_STEP) == step


def test_runs_follow_the_prediction_the_more_the_wider_they_are(draw_instance: DrawInstance, value_of: ValueOf) -> None:
    factors = {
        width: np.mean(
            [
                value_of(
                    "steps-off-prediction",
                    draw_instance(width=width, horizon=3, seed=seed, output_dim=1),
                    BACKENDS["compiled"],
                    training=NARROW_STEP,
                )
                for seed in range(8)
            ]
        )
        for width in (24, 256)
    }
    assert factors[24] > 1.5 > 1.35 > factors[256] >= 1


def test_excess_over_the_floor_of_copies_is_predicted_and_the_loss_itself_never_reached(
    draw_instance: DrawInstance, measure: Measure, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=64, n_sequences=3, copies=2)
    assert clash_floor(instance) > 0
    (reading,) = measure("predicted-steps", instance, backend, training=NARROW_STEP)
    assert (reading.value, reading.status) == (None, Status.NOT_REACHED)
    excess = {**NARROW_STEP, "objective": "excess-over-floor", "accuracy": 0.01}
    steps = value_of("predicted-steps", instance, backend, training=excess)
    taken = value_of("steps-to-accuracy", instance, backend, training={**NARROW_STEP, "accuracy": 0.9})
    assert 1 <= taken < steps < 4000


def test_beyond_two_over_lambda_max_the_recursion_diverges(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    for rate, status in ((1.99, Status.OK), (2.01, Status.DIVERGED)):
        (reading,) = measure(
            "predicted-steps", draw_instance(), backend, training={**NARROW_STEP, "learning_rate": rate}
        )
        assert reading.status is status


def test_rates_are_those_of_the_smallest_eigenvalue(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    values = spectrum(state_of(instance, backend), backend)
    half = {**NARROW_STEP, "learning_rate": 0.5}
    expected = -2 * np.log(1 - 0.5 * values[0] / values[-1])
    assert value_of("predicted-tail-rate", instance, backend, training=half) == pytest.approx(expected, rel=1e-9)
    assert value_of("smallest-tangent-eigenvalue", instance, backend) == pytest.approx(values[0] / 32, rel=1e-12)
    assert value_of("largest-tangent-eigenvalue", instance, backend) == pytest.approx(values[-1] / 32, rel=1e-12)


def test_measured_over_predicted_is_the_ratio_of_the_two(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, training = draw_instance(width=96), {"max_steps": 4000, "accuracy": 1e-6}
    rates = [
        value_of(name, instance, backend, training=training)
        for name in ("measured-tail-rate", "predicted-tail-rate", "tail-rate-over-predicted")
    ]
    assert rates[0] / rates[1] == pytest.approx(rates[2], rel=1e-12)


def test_after_a_run_the_matrix_is_another_and_its_rate_is_nearer_to_the_measured_one(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance, training = draw_instance(width=96, output_dim=1), {"max_steps": 20000, "accuracy": 1e-9}
    before = value_of("smallest-tangent-eigenvalue", instance, backend)
    after = value_of("smallest-tangent-eigenvalue-after-training", instance, backend, training=training)
    assert abs(after / before - 1) > 1e-3
    at_start, at_end, measured = (
        value_of(name, instance, backend, training=training)
        for name in ("predicted-tail-rate", "predicted-tail-rate-after-training", "measured-tail-rate")
    )
    assert abs(np.log(at_end / measured)) < abs(np.log(at_start / measured))
    assert at_end == pytest.approx(measured, rel=0.05)


def test_a_run_that_does_not_arrive_has_no_matrix_at_its_end(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    for name in (
        "smallest-tangent-eigenvalue-after-training",
        "largest-tangent-eigenvalue-after-training",
        "predicted-tail-rate-after-training",
        "steps-off-prediction",
    ):
        (reading,) = measure(name, draw_instance(), backend, training={**NARROW_STEP, "max_steps": 2})
        assert (reading.value, reading.status) == (None, Status.NOT_REACHED)


def test_no_rate_is_predicted_where_a_step_overshoots_the_slowest_mode(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    one = draw_instance(n_sequences=1, horizon=2, output_dim=1)
    with pytest.raises(MeasurementError, match=r"tangent prediction: needs eta lambda_min < 1, found 1\.5"):
        measure("predicted-tail-rate", one, backend, training={"learning_rate": 1.5})


def test_copies_have_a_smallest_eigenvalue_of_round_off(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    (reading,) = measure("smallest-tangent-eigenvalue", draw_instance(n_sequences=3, copies=2), backend)
    assert reading.status in (Status.ROUND_OFF, Status.ZERO)


def test_labels_that_are_fitted_already_leave_nothing_to_predict(
    draw_instance: DrawInstance, fit_labels: FitLabels, measure: Measure, backend: Backend
) -> None:
    fitted = fit_labels(draw_instance(), backend)
    (reading,) = measure("predicted-steps", fitted, backend, training=NARROW_STEP)
    assert reading == Reading(0.0, Status.ZERO)
    (reading,) = measure("steps-off-prediction", fitted, backend, training=NARROW_STEP)
    assert reading == Reading(0.0, Status.ZERO)
