"""Each slip of the print against its repair: dense matrices, plain sums, and limits that are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

EPSILON = float(np.finfo(float).eps)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_norms_are_those_of_dense_matrices(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(width=96, layers=layers)
    pattern = reference.forward(instance.W, instance.A, instance.x, instance.activation)[0][-1] >= 0
    active = max(np.linalg.norm(mask[:, None] * instance.W[-1], 2) for mask in pattern)
    assert value_of("weight-norm", instance, backend) == pytest.approx(np.linalg.norm(instance.W[0], 2), rel=2e-3)
    assert value_of("active-weight-norm", instance, backend) == pytest.approx(active, rel=2e-3)


def test_norms_are_near_their_limits_and_not_the_printed_ones(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=512, horizon=2)
    assert value_of("weight-norm", instance, backend) == pytest.approx(2 * math.sqrt(2), rel=0.05)
    assert value_of("active-weight-norm", instance, backend) == pytest.approx(1 + math.sqrt(2), rel=0.05)


def test_the_part_in_earlier_layers_is_the_projection_on_their_span(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=64, horizon=4, n_sequences=3)
    hidden = reference.forward(instance.W, instance.A, instance.x, instance.activation)[1]
    parts = []
    for layer in range(1, 4):
        earlier = hidden[:layer].reshape(-1, 64).T
        parts += [np.linalg.norm(earlier @ np.linalg.lstsq(earlier, each, rcond=None)[0]) for each in hidden[layer]]
    assert value_of("part-in-earlier-layers", instance, backend) == pytest.approx(min(parts), rel=1e-8)
    smallest = np.linalg.norm(hidden[1:], axis=2).min()
    assert value_of("part-in-all-layers", instance, backend) == pytest.approx(smallest, rel=1e-12)


def test_doubling_the_inputs_doubles_both_parts(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    doubled = replace(instance, x=2 * instance.x)
    for quantity in ("part-in-earlier-layers", "part-in-all-layers"):
        assert value_of(quantity, doubled, backend) == pytest.approx(
            2 * value_of(quantity, instance, backend), rel=1e-9
        )


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_only_the_recursion_with_its_input_is_the_network_s(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(width=64, layers=layers)
    unit = EPSILON * 4 * math.sqrt(64)
    assert value_of("recursion-error", instance, backend) < 1
    assert value_of("recursion-error-as-printed", instance, backend) * unit >= 1 - 1e-12  # h_0 = 0: all of h_1 is A x_1


@pytest.mark.parametrize("n_sequences", [3, 4, 5])
def test_the_printed_step_is_n_times_the_gradient(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, n_sequences: int
) -> None:
    instance = draw_instance(width=48, n_sequences=n_sequences)
    unit = EPSILON * 4 * math.sqrt(48)
    printed = value_of("batch-gradient-error-as-printed", instance, backend) * unit
    assert printed == pytest.approx(n_sequences - 1, rel=1e-9)
    assert value_of("batch-gradient-error", instance, backend) < 1


def test_too_few_sequences_for_a_batch_are_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    with pytest.raises(MeasurementError, match="Theorem 2: needs more than 2 sequences, found 2"):
        measure("batch-gradient-error", draw_instance(n_sequences=2), backend)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", ["recursion-error", "batch-gradient-error"])
def test_an_overflow_is_no_error_of_the_formula(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(n_sequences=3)
    (reading,) = measure(quantity, replace(instance, W=1e200 * instance.W), backend)
    assert reading.status is Status.DIVERGED


def test_the_share_above_is_that_of_a_gaussian(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(width=512)
    for threshold, probability in ((1.0, 0.2398), (0.75, 0.2979)):
        found = value_of("share-above", instance, backend, probe={"threshold": threshold})
        assert found == pytest.approx(probability, abs=0.005)
