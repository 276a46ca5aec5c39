"""What a perturbation changes, against dense matrices; the expansion (7.1); each quantity's own worst adversary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.perturbation import DensePerturbation, State, Target, displaced, state_of
from rnnconv_cli.errors import MeasurementError, OverflowedNetwork
from rnnconv_cli.kernels import reference
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.measure.stability import second_pattern
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

DrawInstance = Callable[..., Instance]
MakeTrial = Callable[..., Trial]
Measure = Callable[..., tuple[Reading, ...]]
ValueOf = Callable[..., float]

PERTURBED = tuple(
    name
    for name, known in MEASUREMENTS.items()
    if known.reads_perturbation and "gaussian" in known.adversaries and name != "gradient-change"  # of one W' for all
)


@dataclass(frozen=True)
class Kicked:
    """A target with W (K, m, m) and g (L, m) of its sequence before and after W'."""

    target: Target
    W: Array
    W_after: Array
    g: Array
    g_after: Array

    @property
    def h(self) -> Array:
        return np.maximum(self.g, 0)

    @property
    def h_after(self) -> Array:
        return np.maximum(self.g_after, 0)

    def product(self, *, first: int, masks_after: bool, weights_after: bool) -> Array:
        """Return D_L W ... D_first W, layers counted from one."""
        g = self.g_after if masks_after else self.g
        W = self.W_after if weights_after else self.W
        product = np.eye(g.shape[1])
        for layer in range(first, len(g) + 1):
            product = np.diag((g[layer - 1] >= 0) * 1.0) @ W[layer - 1 if len(W) > 1 else 0] @ product
        return product


def kick(
    instance: Instance, backend: Backend, adversary: str, size: float, around: str, targets: list[Target]
) -> list[Kicked]:
    base = displaced(instance, backend) if around == "displaced" else instance
    state: State = state_of(base, backend)
    found = ADVERSARIES[adversary](state, size, tuple(targets), backend)
    kicked = []
    for t, target in enumerate(targets):
        matrix = found.matrix if isinstance(found, DensePerturbation) else found.left[t].T @ found.right[t]
        W = base.W + matrix
        before, after = (reference.forward(each, base.A, base.x, base.activation)[0] for each in (base.W, W))
        kicked.append(Kicked(target, base.W, W, before[:, target.sequence], after[:, target.sequence]))
    return kicked


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("adversary", ADVERSARIES)
def test_every_change_is_the_one_computed_densely(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, adversary: str, around: str, layers: str
) -> None:
    instance, size = draw_instance(layers=layers, n_sequences=3), 0.5
    every = [Target(layer, i) for layer in range(1, 4) for i in range(3)]
    anywhere = kick(instance, backend, adversary, size, around, every)
    at_last = kick(instance, backend, adversary, size, around, [Target(3, i) for i in range(3)])
    at_middle = kick(instance, backend, adversary, size, around, [Target(2, i) for i in range(3)])
    start = state_of(instance, backend).hidden[-1]

    counts, masses, signals = [], [], []
    for each in anywhere:
        layer = each.target.layer
        flips = (each.g_after[layer] >= 0) != (each.g[layer] >= 0)
        counts.append(np.count_nonzero(flips))
        masses.append(np.linalg.norm(flips * each.g_after[layer]))
        before, after = (
            instance.B @ each.product(first=layer + 1, masks_after=masks, weights_after=False)
            for masks in (False, True)
        )
        signals.append(np.linalg.norm(after - before) / np.sqrt(2))
    moved = max(np.linalg.norm(each.h_after[-1] - each.h[-1]) for each in at_last)
    from_start = max(np.linalg.norm(each.h_after[-1] - start[each.target.sequence]) for each in at_last)
    products = max(
        np.linalg.norm(
            each.product(first=2, masks_after=True, weights_after=True)
            - each.product(first=2, masks_after=False, weights_after=False),
            2,
        )
        for each in at_middle
    )
    expected = {
        "pattern-flips": np.mean(counts),
        "flipped-mass": max(masses),
        "backward-change": np.mean(signals),
        "hidden-change": moved,
        "hidden-change-per-size": moved / size,
        "hidden-change-from-start-per-size": from_start / size,
        "product-change": products,
    }
    section = {"adversary": adversary, "size": size, "around": around}
    for quantity, number in expected.items():
        # a percent: where the second singular value is as near, the iteration may end there
        tolerance = 1e-2 if quantity == "product-change" else 1e-9
        assert value_of(quantity, instance, backend, perturbation=section) == pytest.approx(number, rel=tolerance)


# --- which adversary is the worst for what ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "worst", "size"),
    [
        ("pattern-flips", "kinks", 0.4),
        ("flipped-mass", "single-row", 0.2),
        ("backward-change", "weighted-kinks", 0.4),
        ("hidden-change", "linearised-ascent", 1e-3),
        ("hidden-change-per-size", "linearised-ascent", 1e-3),
    ],
)
def test_each_quantity_has_its_own_worst_adversary(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, worst: str, size: float
) -> None:
    found: dict[str, list[float]] = {name: [] for name in ADVERSARIES if not name.startswith("ascent-")}
    for seed in range(4):
        instance = draw_instance(width=96, seed=seed)
        for name in found:
            (reading,) = measure(quantity, instance, backend, perturbation={"adversary": name, "size": size})
            found[name].append(reading.value or 0.0)
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert max(means, key=means.__getitem__) == worst


# --- the expansion (7.1) ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("around", ["initial", "displaced"])
@pytest.mark.parametrize("adversary", ["gaussian", "gradient", "kinks", "linearised-ascent"])
@pytest.mark.parametrize("size", [1e-8, 1e-3, 0.1, 1.0, 10.0])
def test_expansion_is_exact_to_rounding_at_every_size(
    draw_instance: DrawInstance,
    value_of: ValueOf,
    backend: Backend,
    adversary: str,
    around: str,
    layers: str,
    size: float,
) -> None:
    instance = draw_instance(width=96, horizon=5, layers=layers)
    section = {"adversary": adversary, "size": size, "around": around}
    assert value_of("first-order-error", instance, backend, perturbation=section) < 1  # rounding units


@pytest.mark.parametrize("size", [0.1, 1.0])
def test_without_the_units_that_change_sign_it_is_no_identity(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, size: float
) -> None:
    section = {"adversary": "gaussian", "size": size}
    instance = draw_instance(width=96)
    broken = value_of("first-order-error-without-second-pattern", instance, backend, perturbation=section)
    assert broken > 1e9 * value_of("first-order-error", instance, backend, perturbation=section)


def test_where_no_unit_changes_sign_nothing_is_left_out(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    section = {"adversary": "gaussian", "size": 1e-9}
    (reading,) = measure("first-order-error-without-second-pattern", draw_instance(), backend, perturbation=section)
    assert reading == Reading(0.0, Status.ZERO)


def test_a_linear_network_needs_no_second_pattern(
    draw_instance: DrawInstance, measure: Measure, value_of: ValueOf, backend: Backend
) -> None:
    instance, section = draw_instance(activation="linear"), {"adversary": "gaussian", "size": 1.0}
    assert value_of("first-order-error", instance, backend, perturbation=section) < 1
    (reading,) = measure("first-order-error-without-second-pattern", instance, backend, perturbation=section)
    assert reading.status is Status.ZERO


@pytest.mark.parametrize("quantity", ["first-order-error", "first-order-error-without-second-pattern"])
def test_expansion_is_refused_where_it_is_not_stated(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    with pytest.raises(MeasurementError, match="tanh"):
        measure(quantity, draw_instance(activation="tanh"), backend, perturbation={"adversary": "gaussian"})


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", PERTURBED)
def test_a_network_that_overflows_by_itself_is_said_to(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    huge = replace(instance, W=1e200 * instance.W)
    with pytest.raises(OverflowedNetwork, match="not finite before any perturbation"):
        measure(quantity, huge, backend, perturbation={"adversary": "gaussian"})


@np.errstate(all="ignore")
@pytest.mark.parametrize("quantity", PERTURBED)
def test_an_overflow_under_the_perturbation_is_said_to(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    section = {"adversary": "gaussian", "size": 1e200}
    with pytest.raises(OverflowedNetwork, match="not finite under the perturbation"):
        measure(quantity, draw_instance(), backend, perturbation=section)


FINITE = st.floats(-1e6, 1e6).filter(lambda g: g == 0 or abs(g) > 1e-150)


@given(before=FINITE, after=FINITE)
def test_second_pattern_satisfies_the_identity_that_defines_it(before: float, after: float) -> None:
    """Proposition G.3: relu(b) - relu(a) = (1[a >= 0] + D'') (b - a), with |D''| <= 1 and 0 where the sign stays."""
    (value,) = second_pattern(np.array([before]), np.array([after]))
    pattern = 1.0 if before >= 0 else 0.0
    change = max(after, 0.0) - max(before, 0.0)
    assert (pattern + value) * (after - before) == pytest.approx(change, rel=1e-12, abs=1e-12 * abs(after - before))
    if (before >= 0) == (after >= 0):
        assert value == 0
    elif before >= 0:
        assert -1 <= value <= 0
    else:
        assert 0 <= value <= 1


# --- sizes, statuses, invariances -------------------------------------------------------------------------------------


@pytest.mark.parametrize("adversary", ["kinks", "weighted-kinks", "gaussian", "linearised-ascent"])
def test_flips_and_signals_do_not_see_the_unit_of_the_inputs(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend, adversary: str
) -> None:
    instance = draw_instance()
    scaled = replace(instance, x=4 * instance.x)
    for quantity in ("pattern-flips", "backward-change"):
        one, other = (
            value_of(quantity, each, backend, perturbation={"adversary": adversary}) for each in (instance, scaled)
        )
        assert one == pytest.approx(other, rel=1e-12)
    masses = [
        value_of("flipped-mass", each, backend, perturbation={"adversary": "single-row"}) for each in (instance, scaled)
    ]
    assert masses[1] == pytest.approx(4 * masses[0], rel=1e-12)


def test_around_a_displaced_network_only_the_change_from_there_is_proportional(
    draw_instance: DrawInstance, value_of: ValueOf, backend: Backend
) -> None:
    instance = draw_instance()
    sections = [{"adversary": "linearised-ascent", "size": size, "around": "displaced"} for size in (1e-4, 1e-7)]
    near, nearer = (value_of("hidden-change-per-size", instance, backend, perturbation=each) for each in sections)
    assert near == pytest.approx(nearer, rel=1e-2)
    far, farther = (
        value_of("hidden-change-from-start-per-size", instance, backend, perturbation=each) for each in sections
    )
    assert farther == pytest.approx(1000 * far, rel=1e-2)


def test_a_change_below_the_rounding_of_the_state_is_marked(
    draw_instance: DrawInstance, measure: Measure, backend: Backend
) -> None:
    instance = draw_instance()
    for size, expected in ((1e-6, {Status.OK}), (1e-16, {Status.ROUND_OFF, Status.ZERO})):
        section = {"adversary": "linearised-ascent", "size": size}
        (reading,) = measure("hidden-change-per-size", instance, backend, perturbation=section)
        assert reading.status in expected


@pytest.mark.parametrize("quantity", ["pattern-flips", "flipped-mass", "backward-change"])
def test_a_budget_that_flips_nothing_is_a_zero(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str
) -> None:
    section = {"adversary": "kinks", "size": 1e-9}
    (reading,) = measure(quantity, draw_instance(), backend, perturbation=section)
    assert reading == Reading(0.0, Status.ZERO)


@pytest.mark.parametrize("quantity", PERTURBED)
def test_a_trial_without_perturbation_is_refused(
    draw_instance: DrawInstance, make_trial: MakeTrial, backend: Backend, quantity: str
) -> None:
    instance = draw_instance()
    trial = replace(make_trial(quantity, instance), perturbation=None)
    with pytest.raises(MeasurementError, match=f"{quantity}: needs a perturbation section"):
        MEASUREMENTS[quantity].measure(instance, trial, backend)


@pytest.mark.parametrize("horizon", [2, 3])
@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("quantity", PERTURBED)
def test_shortest_horizons_have_every_quantity(
    draw_instance: DrawInstance, measure: Measure, backend: Backend, quantity: str, layers: str, horizon: int
) -> None:
    section: dict[str, Any] = {"adversary": "gaussian", "size": 1.0}
    (reading,) = measure(quantity, draw_instance(horizon=horizon, layers=layers), backend, perturbation=section)
    assert reading.status is Status.OK
