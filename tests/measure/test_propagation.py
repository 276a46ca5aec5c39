"""The two steps of Section 5 alone: no g' of the kind it allows, and no sparse x, does more than what is measured."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import Target, perturbed_states, perturbed_weights, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

PARTS = {"kick": 0.8, "deviation": 0.5}
ALONE = ("flips-of-two-parts", "mass-of-two-parts", "rest-of-sparse-step")


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("adversary", ["gaussian", "linearised-ascent"])
def test_kicked_norm_is_that_of_dense_products(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, adversary: str, layers: str
) -> None:
    instance, size, ratios = draw_instance(layers=layers), 0.5, []
    state, targets = state_of(instance, backend), (Target(3, 0), Target(3, 1))
    found = ADVERSARIES[adversary](state, size, targets, backend)
    _, hidden = perturbed_states(state, found, targets, backend)
    for t in range(2):
        kick = (perturbed_weights(instance, found, t) - instance.W)[0]
        ratios += [np.linalg.norm(kick @ hidden[a, t]) / (size * (4 * (a + 2) + 8)) for a in range(3)]
    section = {"adversary": adversary, "size": size}
    assert value_of("kicked-norm", instance, backend, perturbation=section) == pytest.approx(max(ratios), rel=1e-9)


def test_no_change_in_two_parts_flips_more_or_overshoots_further(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    """Random g' of the allowed kind, and spiteful ones that push the nearest units over: none exceeds what is found."""
    instance, width = draw_instance(width=64), 64
    euclidean, uniform = PARTS["kick"] / 8, PARTS["deviation"] / width
    most_flips = value_of("flips-of-two-parts", instance, backend, probe=PARTS) * 10 * (0.8 * width) ** (2 / 3)
    most_mass = value_of("mass-of-two-parts", instance, backend, probe=PARTS) * 3 * euclidean
    rng, flips, masses = np.random.default_rng(0), [], []
    for g in state_of(instance, backend).preactivation.reshape(-1, width):
        overshoot = np.maximum(uniform - np.abs(g), 0)
        for count in range(width + 1):
            nearest = np.argsort(np.abs(g))[:count]
            first = rng.standard_normal(width) if count == 0 else np.zeros(width)
            first[nearest] = -np.sign(g[nearest]) * np.maximum(np.abs(g[nearest]) - uniform, 1e-3 * euclidean)
            for push in (first, -np.sign(g) * overshoot) if overshoot.any() else (first,):
                after = g + push * (euclidean / np.linalg.norm(push)) - np.sign(g) * uniform
                flipped = (after >= 0) != (g >= 0)
                flips.append(np.count_nonzero(flipped))
                masses.append(np.linalg.norm(after[flipped]))
    assert max(flips) == round(most_flips) == pytest.approx(most_flips)
    assert max(masses) <= most_mass * (1 + 1e-12)
    assert max(masses) == pytest.approx(most_mass, rel=1e-9)


def test_flips_and_mass_do_not_see_the_unit_of_the_states(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    larger, probe = replace(instance, x=4 * instance.x), {name: 4 * value for name, value in PARTS.items()}
    masses = [
        value_of("mass-of-two-parts", each, backend, probe=of) for each, of in ((instance, PARTS), (larger, probe))
    ]
    assert masses[1] == pytest.approx(masses[0], rel=1e-12)
    counts = [
        value_of("flips-of-two-parts", each, backend, probe=of) * of["kick"] ** (2 / 3)
        for each, of in ((instance, PARTS), (larger, probe))
    ]
    assert counts[1] == pytest.approx(counts[0], rel=1e-12)


def test_dense_x_and_no_threshold_give_the_norm_of_the_product(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(horizon=3, n_sequences=1)
    state, W = state_of(instance, backend), instance.W[0]
    product = W @ np.diag(state.pattern[2, 0]) @ W @ np.diag(state.pattern[1, 0]) @ W
    found = value_of("rest-of-sparse-step", instance, backend, probe={"sparsity": 32.0, "threshold": 1e-12})
    norm = np.linalg.norm(product, 2)
    assert 0.98 * norm < found <= norm


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_the_rest_is_at_least_that_of_any_single_entry_of_the_first_row(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(horizon=2, n_sequences=1, layers=layers)
    first, last = instance.W[0 if layers == "shared" else 1], instance.W[-1]
    product = last @ np.diag(state_of(instance, backend).pattern[1, 0]) @ first
    best = product[:, int(np.argmax(np.abs(product[0])))]
    rest = np.maximum(np.abs(best) - 0.5 * math.log(32) / math.sqrt(32), 0)
    found = value_of("rest-of-sparse-step", instance, backend, probe={"sparsity": 1.0, "threshold": 0.5})
    assert found >= np.linalg.norm(rest) * (1 - 1e-12)
    everything = np.maximum(np.abs(product) - 0.5 * math.log(32) / math.sqrt(32), 0)
    assert found <= np.linalg.norm(everything, axis=0).max() * (1 + 1e-12)


def test_more_nonzeros_leave_a_larger_rest(draw_instance: DrawInstance, value_of: ValueOf, backend: Backend) -> None:
    rests = [
        value_of("rest-of-sparse-step", draw_instance(), backend, probe={"sparsity": k, "threshold": 0.5})
        for k in (1.0, 4.0, 16.0)
    ]
    assert rests == sorted(rests)
    assert rests[0] < rests[-1]


@pytest.mark.parametrize("quantity", ALONE)
def test_a_trial_without_probe_is_refused(
    draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    trial = replace(make_trial(quantity, instance), probe=None)
    with pytest.raises(MeasurementError, match=f"{quantity}: needs (kick|sparsity) in the section probe"):
        MEASUREMENTS[quantity].measure(instance, trial, backend)


def test_more_nonzeros_than_entries_are_refused(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    with pytest.raises(MeasurementError, match="sparsity: at most the width 32 entries can be nonzero, found 33"):
        measure("rest-of-sparse-step", draw_instance(), backend, probe={"sparsity": 33.0})
    with pytest.raises(MeasurementError, match=r"rest-of-sparse-step: found sparsity = 0\.4, wanted at least 1 after"):
        measure("rest-of-sparse-step", draw_instance(), backend, probe={"sparsity": 0.4})


@np.errstate(all="ignore")
def test_a_product_that_overflows_where_no_state_does_has_diverged(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    instance = draw_instance(horizon=4)
    steep = replace(instance, W=1e150 * instance.W, A=1e-300 * instance.A)
    assert np.isfinite(state_of(steep, backend).hidden).all()
    (reading,) = measure("rest-of-sparse-step", steep, backend)
    assert reading == Reading(None, Status.DIVERGED)


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", ALONE)
def test_a_network_that_overflows_is_said_to(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    with pytest.raises(OverflowedNetwork, match="the hidden states are not finite"):
        measure(quantity, replace(instance, W=1e200 * instance.W), backend)
