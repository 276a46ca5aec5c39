"""What earlier layers leave of states and of differences, by hand and in exact arithmetic; Lemma B.7 by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.backend import BACKENDS, Backend
from rnnconv_cli.measure.separation import separability_of
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]
Exact = list[Fraction]

RESIDUALS = ("residual-norm", "residual-over-bound", "residual-times-horizon-squared")
SEPARABILITIES = ("separability", "separability-over-first-tokens")


def silent(*tokens: Sequence[Sequence[float]], write: WriteInstance) -> Instance:
    """An instance with W = 0 and A = I, whose states are the tokens: tokens[l][i] for layer l of sequence i."""
    width = len(tokens[0][0])
    return write(W=np.zeros((width, width)), B=np.ones((1, width)), x=list(tokens))


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_smallest_residual_of_three_layers_by_hand(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = silent([[3, 4, 0, 0]], [[5, 0, 2, 0]], [[0, 0, 1, 0]], write=write_instance)
    # norms outside the spans: 5; sqrt(29 - 3^2); the normal (8, -6, -20) of the plane takes 20/sqrt(500) of the third
    expected = 20 / math.sqrt(500)
    assert value_of("residual-norm", instance, backend) == pytest.approx(expected, rel=1e-14)
    assert value_of("residual-times-horizon-squared", instance, backend) == pytest.approx(9 * expected, rel=1e-14)
    bound = 1 / (2e6 * 9 * math.log(4) ** 3)
    assert value_of("residual-over-bound", instance, backend) == pytest.approx(expected / bound, rel=1e-14)


@pytest.mark.parametrize("quantity", RESIDUALS)
def test_nothing_is_left_where_earlier_layers_span_the_space(
    write_instance: WriteInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    layers = ([[3, 1], [1, 3]], [[5, 0], [1, 1]])
    assert measure(quantity, silent(*layers, write=write_instance), backend) == (Reading(0.0, Status.ZERO),)


def test_only_earlier_layers_are_subtracted(write_instance: WriteInstance, value_of: ValueOf, backend: Backend) -> None:
    same = silent([[3, 4, 0], [3, 4, 0]], [[0, 0, 2], [0, 0, 2]], write=write_instance)
    assert value_of("residual-norm", same, backend) == pytest.approx(2, rel=1e-14)


def test_a_state_of_an_earlier_layer_leaves_rounding_or_nothing(
    write_instance: WriteInstance, measure: Measure, backend: Backend
) -> None:
    repeated = silent([[3, 4, 1, 2]], [[1, 2, 5, 7]], [[4, 6, 6, 9]], write=write_instance)
    (reading,) = measure("residual-norm", repeated, backend)
    assert reading.status in {Status.ROUND_OFF, Status.ZERO}


def test_separability_is_counted_both_ways_and_after_projecting(
    write_instance: WriteInstance, value_of: ValueOf, backend: Backend
) -> None:
    # layer 1: (1, 0) and (4, 3) at sin = 3/5; layer 2, outside that plane: (0, 2) and (1, 1) at sin = 1/sqrt(2)
    layers = ([[1, 0, 0, 0], [4, 3, 0, 0]], [[7, 1, 0, 2], [5, 9, 1, 1]])
    instance = silent(*layers, write=write_instance)
    assert value_of("separability", instance, backend) == pytest.approx(3 / 5, rel=1e-14)
    assert value_of("separability-over-first-tokens", instance, backend) == pytest.approx(1, rel=1e-14)
    farther = silent([[2, 0, 0, 0], [0, 2, 0, 0]], layers[1], write=write_instance)
    assert value_of("separability", farther, backend) == pytest.approx(1, rel=1e-14)  # (1, 1) from the line of (0, 2)
    assert value_of("separability-over-first-tokens", farther, backend) == pytest.approx(1 / 2, rel=1e-14)


def test_vectors_on_one_line_are_not_separable() -> None:
    x = np.array([1.0, 2.0, 2.0])
    assert separability_of(x, -x) == pytest.approx(0, abs=1e-15)
    assert separability_of(x, 3 * x) == pytest.approx(0, abs=1e-15)
    assert separability_of(x, 0 * x) == separability_of(0 * x, x) == 0


# --- in exact arithmetic ----------------------------------------------------------------------------------------------


def dot(a: Exact, b: Exact) -> Fraction:
    return sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0))


def without(vector: Exact, direction: Exact) -> Exact:
    share = dot(vector, direction) / dot(direction, direction)
    return [p - share * q for p, q in zip(vector, direction, strict=True)]


def exact_states(instance: Instance) -> list[list[Exact]]:
    """h[l][i] of a ReLU network with the instance's own binary numbers, without any rounding."""
    W, A = ([[Fraction(v) for v in row] for row in matrix] for matrix in (instance.W[0], instance.A))
    x = [[[Fraction(v) for v in token] for token in layer] for layer in instance.x]
    states = [[[Fraction(0)] * len(W) for _ in x[0]]]
    for layer in x:
        rows = [
            [max(dot(w, h) + dot(a, token), Fraction(0)) for w, a in zip(W, A, strict=True)]
            for h, token in zip(states[-1], layer, strict=True)
        ]
        states.append(rows)
    return states[1:]


def exact_smallest(instance: Instance) -> tuple[float, float]:
    """The smallest residual norm and the smallest separability of two residuals, by Gram-Schmidt without rounding."""
    earlier: list[Exact] = []
    norms, separabilities = [], []
    for layer in exact_states(instance):
        residuals = []
        for state in layer:
            for direction in earlier:
                state = without(state, direction)
            residuals.append(state)
        norms += [dot(each, each) for each in residuals]
        for one, other in combinations(residuals, 2):
            distances = [dot(each, each) for each in (without(one, other), without(other, one))]
            separabilities.append(min(distances))
        for state in residuals:
            for direction in earlier[len(earlier) // len(layer) * len(layer) :]:
                state = without(state, direction)
            earlier.append(state)
    return math.sqrt(min(norms)), math.sqrt(min(separabilities))


@pytest.mark.parametrize("later_tokens", ["zero", "shared"])
@pytest.mark.parametrize("separation", [0.5, 1e-3, 1e-8, 1e-11])
def test_values_are_those_of_exact_arithmetic_however_close_the_sequences_are(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, separation: float, later_tokens: str
) -> None:
    sizes = {"width": 10, "horizon": 3, "n_sequences": 2, "input_dim": 3}
    instance = draw_instance(**sizes, separation=separation, later_tokens=later_tokens, seed=1)
    residual, apart = exact_smallest(instance)
    rounding = 10 * 2.2e-16 * 3  # of states of norm about 1; the difference of two keeps it, relative to delta
    assert value_of("separability", instance, backend) == pytest.approx(apart, rel=rounding / separation)
    # U spans differences of close states too, whose directions are known to the same digits
    assert value_of("residual-norm", instance, backend) == pytest.approx(residual, rel=rounding / separation)


def test_exact_gram_schmidt_knows_the_case_done_by_hand(write_instance: WriteInstance) -> None:
    layers = ([[1, 0, 0, 0], [4, 3, 0, 0]], [[7, 1, 0, 2], [5, 9, 1, 1]])
    residual, apart = exact_smallest(silent(*layers, write=write_instance))
    assert residual == pytest.approx(1)
    assert apart == pytest.approx(3 / 5)


# --- invariances and statuses -----------------------------------------------------------------------------------------


def test_residuals_scale_with_the_inputs_and_ratios_do_not(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(n_sequences=3)
    scaled = replace(instance, x=4 * instance.x)
    for quantity, factor in (("residual-norm", 4), ("separability", 4), ("separability-over-first-tokens", 1)):
        before, after = (value_of(quantity, each, backend) for each in (instance, scaled))
        assert after == pytest.approx(factor * before, rel=1e-12)


@pytest.mark.parametrize("quantity", [*RESIDUALS, *SEPARABILITIES])
def test_names_of_hidden_units_and_sequences_do_not_matter(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(n_sequences=3)
    units, sequences = np.random.default_rng(0).permutation(32), [2, 0, 1]
    renamed = replace(
        instance,
        W=np.ascontiguousarray(instance.W[:, units][:, :, units]),
        A=np.ascontiguousarray(instance.A[units]),
        x=np.ascontiguousarray(instance.x[:, sequences]),
    )
    assert value_of(quantity, renamed, backend) == pytest.approx(value_of(quantity, instance, backend), rel=1e-12)


@pytest.mark.parametrize("quantity", [*RESIDUALS, *SEPARABILITIES])
def test_backends_agree(draw_instance: DrawInstance, value_of: ValueOf, quantity: str) -> None:
    instance = draw_instance(width=96, horizon=6, n_sequences=3, later_tokens="zero")
    values = [value_of(quantity, instance, backend) for backend in BACKENDS.values()]
    assert values[0] == pytest.approx(values[1], rel=1e-12)


def test_a_copy_takes_some_direction_of_its_own_and_leaves_no_more(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(n_sequences=3, copies=2)
    alone = replace(instance, x=np.ascontiguousarray(instance.x[:, 1:]))
    with_copy, without_copy = (value_of("residual-norm", each, backend) for each in (instance, alone))
    assert 0.5 * without_copy < with_copy <= without_copy * (1 + 1e-12)


@pytest.mark.parametrize("quantity", SEPARABILITIES)
def test_a_separability_below_the_rounding_of_states_is_marked(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    for separation, expected in ((1e-12, Status.OK), (1e-15, Status.ROUND_OFF)):
        instance = draw_instance(separation=separation, later_tokens="zero")
        (reading,) = measure(quantity, instance, backend)
        assert reading.status is expected


def test_single_precision_has_a_floor_of_its_own(draw_instance: DrawInstance, measure: Measure) -> None:
    for separation, expected in ((1e-3, Status.OK), (1e-6, Status.ROUND_OFF)):
        instance = draw_instance(separation=separation, dtype="float32", later_tokens="zero")
        (reading,) = measure("separability", instance, BACKENDS["reference"])
        assert reading.status is expected


def test_variance_one_halves_differences_every_second_layer(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    sizes = {"width": 512, "horizon": 8, "later_tokens": "zero", "separation": 1e-8}
    kept, halved = (
        value_of("separability-over-first-tokens", draw_instance(weight_variance=variance, **sizes), backend)
        for variance in (2.0, 1.0)
    )
    assert kept > 0.6
    assert kept / 16 < halved < 1.2 / 16  # sqrt(1/2) for each of the 8 layers, at the last of them


# --- what cannot be measured ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", SEPARABILITIES)
def test_one_sequence_has_no_pairs(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match=f"{quantity}: needs at least 2 sequences, found 1"):
        measure(quantity, draw_instance(n_sequences=1), backend)


def test_equal_first_tokens_have_no_separability_to_divide_by(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    with pytest.raises(MeasurementError, match="first tokens: are not separable: two of them lie on one line"):
        measure("separability-over-first-tokens", draw_instance(copies=2), backend)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", [*RESIDUALS, *SEPARABILITIES])
def test_a_network_that_overflows_is_said_to(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match=f"{quantity}: the hidden states are not finite"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend)


# --- Lemma B.7 --------------------------------------------------------------------------------------------------------


@pytest.fixture
def lemma(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> Callable[..., Reading]:
    def reading(**numbers: Any) -> Reading:
        """The reading of Lemma B.7 with these numbers in its probe and nL = 4."""
        instance = draw_instance(width=4, horizon=4, n_sequences=1)
        (found,) = measure("fresh-direction-over-bound", instance, backend, probe=numbers)
        return found

    return reading


def test_a_fresh_step_leaves_its_own_length(lemma: Callable[..., Reading]) -> None:
    """Half of the coordinates of v are let through, whose variance is 2/m: ||D v|| is 1 up to 1/sqrt(m)."""
    rows, alpha = 65536.0, 3e-4
    share = 1 - 2 * alpha - 4 * math.sqrt(alpha) * math.log(rows)  # the bound over r
    reading = lemma(rows=rows, deviation=alpha)
    assert (reading.value or 0) * share == pytest.approx(1, abs=4 / math.sqrt(rows))


def test_a_span_that_has_seen_the_step_leaves_nothing(lemma: Callable[..., Reading]) -> None:
    assert lemma(rows=65536.0, deviation=3e-4, search="adversarial").status in {Status.ROUND_OFF, Status.ZERO}


def test_the_lemma_is_refused_where_it_says_nothing(lemma: Callable[..., Reading]) -> None:
    with pytest.raises(MeasurementError, match=r"wants m >= 4 nL/alpha = 160000, found 65536"):
        lemma(rows=65536.0, deviation=1e-4)
    with pytest.raises(MeasurementError, match=r"bounds a norm from below by -0.00246 at m = 4096, alpha = 0.05"):
        lemma(rows=4096.0, deviation=0.05)
