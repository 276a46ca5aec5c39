"""Hidden norms: against a plain loop over sequences and layers, and laws that no network breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

NORMS = (
    "hidden-norm-upper",
    "hidden-norm-lower",
    "hidden-norm-lower-as-printed",
    "hidden-norm-max",
    "hidden-norm-last",
)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_norms_are_those_of_lemma_b_3(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    instance = draw_instance(layers=layers, horizon=5, n_sequences=3)
    found: dict[str, list[float]] = {name: [] for name in NORMS}
    for i in range(3):
        h = np.zeros(32)
        for token in range(1, 6):
            W = instance.W[token - 1 if layers == "independent" else 0]
            g = W @ h + instance.A @ instance.x[token - 1, i]
            h = np.maximum(g, 0)
            norm = float(np.linalg.norm(h))
            found["hidden-norm-upper"] += [norm / (2 * token + 2), float(np.linalg.norm(g)) / (4 * token + 4)]
            found["hidden-norm-lower"].append(norm / (1 - 1 / 20) ** token)
            found["hidden-norm-lower-as-printed"].append(norm / (1 - 1 / 20) ** (token - 1))
            found["hidden-norm-max"].append(norm)
        found["hidden-norm-last"].append(norm)
    for name in NORMS:
        extreme = max if name in ("hidden-norm-upper", "hidden-norm-max") else min
        assert value_of(name, instance, backend) == pytest.approx(extreme(found[name]), rel=1e-12)


@pytest.mark.parametrize("quantity", NORMS)
def test_doubling_the_inputs_doubles_every_norm_bit_for_bit(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    doubled = replace(instance, x=2 * instance.x)
    assert value_of(quantity, doubled, backend) == 2 * value_of(quantity, instance, backend)


@pytest.mark.parametrize("quantity", NORMS)
def test_order_of_units_and_of_sequences_does_not_matter(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance(n_sequences=3)
    order = np.random.default_rng(0).permutation(32)
    relabelled = replace(
        instance,
        W=np.ascontiguousarray(instance.W[:, order][:, :, order]),
        A=instance.A[order],
        x=np.ascontiguousarray(instance.x[:, ::-1]),
    )
    assert value_of(quantity, relabelled, backend) == pytest.approx(value_of(quantity, instance, backend), rel=1e-12)


def test_one_sequence_that_vanishes_is_seen_among_others(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(later_tokens="zero", weight_variance=0.5, horizon=8)
    louder = instance.x.copy()
    louder[:, 0] *= 1000
    loud = replace(instance, x=louder)
    quiet = replace(instance, x=np.ascontiguousarray(instance.x[:, 1:]), labels=instance.labels[:, 1:])
    alone = value_of("hidden-norm-last", quiet, backend)
    assert value_of("hidden-norm-last", loud, backend) == pytest.approx(alone, rel=1e-12)


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("quantity", ["hidden-norm-upper", "hidden-norm-max", "hidden-norm-last"])
def test_an_overflow_is_a_divergence(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    (reading,) = measure(quantity, replace(instance, W=1e200 * instance.W), backend)
    assert reading == Reading(None, Status.DIVERGED)


def test_with_zero_tokens_the_norm_stays_near_one(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    values = [
        value_of("hidden-norm-last", draw_instance(width=1024, later_tokens="zero", n_sequences=1, seed=seed), backend)
        for seed in range(4)
    ]
    # ||h||^2 has a relative deviation of about sqrt(5 / m) per layer, and there are four
    assert np.mean(values) == pytest.approx(1, abs=5 * 0.5 * np.sqrt(5 * 4 / 1024) / np.sqrt(4))
