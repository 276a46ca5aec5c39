"""How far networks are from what wide ones do: against plain loops, and laws that no network breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rnnconv_cli.adversary.perturbation import state_of
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure.limit import limit_gram
from rnnconv_cli.measure.tangent import spectrum
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status

DrawInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

BANDS = ("hidden-norm-off-band", "hidden-norm-off-explicit-band")
EIGENVALUE = "smallest-eigenvalue-off-critical-limit"


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("later_tokens", ["fresh", "zero"])
def test_bands_are_those_of_lemma_b_3(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str, later_tokens: str
) -> None:
    instance = draw_instance(layers=layers, horizon=5, n_sequences=3, later_tokens=later_tokens)
    band, explicit = [], []
    for i in range(3):
        h = np.zeros(32)
        for token in range(1, 6):
            W = instance.W[token - 1 if layers == "independent" else 0]
            g = W @ h + instance.A @ instance.x[token - 1, i]
            h = np.maximum(g, 0)
            norm = float(np.linalg.norm(h))
            band += [norm / (2 * token + 2), 0.5 / norm]
            explicit += [
                (1 - 1 / 20) ** token / norm,
                norm / (2 * token + 2),
                float(np.linalg.norm(g)) / (4 * token + 4),
            ]
    assert value_of(BANDS[0], instance, backend) == pytest.approx(max(band), rel=1e-12)
    assert value_of(BANDS[1], instance, backend) == pytest.approx(max(explicit), rel=1e-12)


def test_a_band_by_hand(write_instance: Callable[..., Instance], value_of: ValueOf, backend: Backend) -> None:
    """h_1 = (1, 0) and W halves it: ||h_2|| = 1/2 is on the border of the band, and 1/2 / (7/8)^2 off B.3's."""
    instance = write_instance(W=[[0.5, 0], [0, 0.5]], B=[[1, 0]], x=[[[1.0, 0]], [[0, 0]]])
    assert value_of(BANDS[0], instance, backend) == 1.0
    assert value_of(BANDS[1], instance, backend) == pytest.approx(2 * (7 / 8) ** 2)


@pytest.mark.parametrize("quantity", BANDS)
def test_relabelling_the_units_changes_no_norm(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    order = np.random.default_rng(1).permutation(32)
    relabelled = replace(
        instance,
        W=instance.W[:, order][:, :, order].copy(),
        A=instance.A[order],
        B=instance.B[:, order].copy(),
    )
    assert value_of(quantity, relabelled, backend) == pytest.approx(value_of(quantity, instance, backend), rel=1e-12)


@pytest.mark.parametrize("quantity", BANDS)
@pytest.mark.parametrize("scale", [0.0, 1e200])
def test_norms_that_vanish_or_overflow_are_off_every_band(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, scale: float
) -> None:
    instance = draw_instance(later_tokens="zero")
    with np.errstate(all="ignore"):
        (reading,) = measure(quantity, replace(instance, W=scale * instance.W), backend)
    assert reading == Reading(None, Status.DIVERGED)


@pytest.mark.parametrize("layers", ["shared", "independent"])
def test_wide_networks_come_near_the_limit(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, layers: str
) -> None:
    wide = draw_instance(width=700, horizon=3, layers=layers)
    narrow = draw_instance(width=8, horizon=3, layers=layers)
    assert 1 <= value_of(EIGENVALUE, wide, backend) < 1.25 < value_of(EIGENVALUE, narrow, backend)


def test_at_the_critical_variance_it_is_the_limit_of_the_network(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance(horizon=3)
    own = value_of("smallest-eigenvalue-off-limit", instance, backend)
    assert value_of(EIGENVALUE, instance, backend) == pytest.approx(own, rel=1e-9)


def test_another_variance_is_held_against_the_limit_of_the_paper(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    critical, lower = draw_instance(horizon=3), draw_instance(horizon=3, weight_variance=0.25)
    smallest = float(spectrum(state_of(lower, backend), backend)[0])
    limit = float(np.linalg.eigvalsh(limit_gram(critical.x, critical.setting))[0])
    assert value_of(EIGENVALUE, lower, backend) == pytest.approx(32 * limit / smallest, rel=1e-9)


def test_a_singular_matrix_is_infinitely_far(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    instance = draw_instance(horizon=3)
    assert measure(EIGENVALUE, replace(instance, B=0 * instance.B), backend) == (Reading(None, Status.DIVERGED),)


def test_copies_have_no_limit_to_come_near_to(draw_instance: DrawInstance, measure: Measure, backend: Backend) -> None:
    with pytest.raises(MeasurementError, match="Theta is singular: eigenvalues"):
        measure(EIGENVALUE, draw_instance(copies=2, horizon=3), backend)


@pytest.mark.parametrize("quantity", [*BANDS, EIGENVALUE])
def test_backends_agree(
    draw_instance: DrawInstance, value_of: ValueOf, backends: tuple[Backend, Backend], quantity: str
) -> None:
    instance = draw_instance(horizon=4)
    compiled, reference = (value_of(quantity, instance, each) for each in backends)
    assert compiled == pytest.approx(reference, rel=1e-9)
