"""Every quantity of the table by hand, on networks of two units; then what all of them owe.

The network: W = ((1, -1), (0, 2)), A the identity, B = (1, 1). From x_1 = (3, 4) and zero tokens it gives

    g_1 = (3, 4)     h_1 = (3, 4)    ||h_1|| = 5     D_1 = (1, 1)
    g_2 = (-1, 8)    h_2 = (0, 8)    ||h_2|| = 8     D_2 = (0, 1)
    g_3 = (-8, 16)   h_3 = (0, 16)   ||h_3|| = 16    D_3 = (0, 1)

and from x_1 = (1, 0), (1, 0) for ever, with D = (1, 1). With L = 2 and the first sequence alone, f = 1/2 r^2 is a
quadratic of curvature K = ||D_2 B^T||^2 ||h_1||^2 = 25 for as long as D_2 stays: descent multiplies r by 1 - 25 eta.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial

WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]

W, B = ((1, -1), (0, 2)), ((1, 1),)
TWO = {"W": W, "B": B, "x": (((3, 4), (1, 0)), ((0, 0), (0, 0)), ((0, 0), (0, 0)))}  # L = 3, n = 2
ONE = {"W": W, "B": B, "x": (((3, 4),), ((0, 0),))}  # L = 2, n = 1
GROWING = {"W": ((3, 0), (0, 3)), "B": B, "x": TWO["x"]}  # D = 1 everywhere, W z = 3 z

K = 25.0
SHRINK = 10**-0.26  # of the residual, each step: f falls by 0.52 decades
FITTING = {**ONE, "labels": (0, 7)}  # r_0 = 8 - 7 = 1
FIT = {"learning_rate": (1 - SHRINK) / K, "learning_rate_unit": "absolute", "accuracy": 1e-6}

# three copies of the first sequence whose labels 7, 8, 9 lie around the output 8: f_0 is the floor already
CLASH = {"W": W, "B": B, "x": (((3, 4),) * 3, ((0, 0),) * 3), "labels": ((0, 0, 0), (7, 8, 9)), "copies": 3}
STAY = {"learning_rate": 1e-3, "learning_rate_unit": "absolute", "max_steps": 3, "accuracy": 1e-6}

# ||g_2|| = (1, 8): u = h_1 / 5, so a budget of 0.3 * 5 = 1.5 turns g_2 = (-1, 8) into (0.5, 8) by the row kick
KICK = {"size": 0.3, "adversary": "single-row"}
UNIT = np.finfo(float).eps * 2 * math.sqrt(2)


@dataclass(frozen=True)
class Case:
    """A network by hand, the sections of its trial, and the numbers to find."""

    network: dict[str, Any]
    expected: tuple[float, ...]
    sections: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-10


HAND = {
    "hidden-norm-upper": Case(TWO, (2.0,)),  # 16 / (2 * 2 + 4)
    "hidden-norm-lower": Case(TWO, (12 / 11,)),  # 1 / (1 - 1/12)
    "hidden-norm-lower-as-printed": Case(TWO, (1.0,)),
    "hidden-norm-max": Case(TWO, (16.0,)),
    "hidden-norm-last": Case(TWO, (1.0,)),
    # W^3 = ((1, -7), (0, 8)): s^2 + 64 / s^2 = 1 + 49 + 64
    "product-norm": Case(TWO, (math.sqrt((114 + math.sqrt(114**2 - 4 * 64)) / 2),), tolerance=1e-3),
    "fixed-vector-product": Case(GROWING, ((3 / (4 / 3)) ** 3,)),
    "top-vector-product": Case(GROWING, ((3 / (4 / 3)) ** 3,)),
    "gradient-energy": Case(ONE, (25 / 2,)),  # ||D_2 B^T||^2 ||h_1||^2 / m
    # B D_3 W D_2 = (0, 2) and (1, 1): the mean of 4 and 2 over d m = 2
    "gradient-end-to-end": Case(TWO, (1.5,)),
    "gradient-ratio-largest": Case(FITTING, (2 * K / 2,), {"training": FIT}),  # r^2 K over m r^2 / 2
    "gradient-ratio-smallest": Case(FITTING, (2 * K / 2,), {"training": FIT}),
    "steps-to-decades": Case(FITTING, (2, 4, 6), {"training": FIT, "decades": (1, 2, 3)}),
    "steps-beyond-fourth-decade": Case(FITTING, (2, 4), {"training": FIT, "decades": (5, 6)}),  # 10 - 8, 12 - 8
    "steps-to-accuracy": Case(FITTING, (12,), {"training": FIT}),
    "largest-stable-step": Case(
        {**ONE, "labels": (0, 6), "activation": "linear"}, (2 / 50,), {"training": {"max_steps": 30}}, tolerance=0.011
    ),  # D = 1: K = 50, and the limit is 2 / K to half of 1/32 of an octave
    "stable-step-multiple": Case(
        {**ONE, "labels": (0, 6), "activation": "linear"}, (2.0,), {"training": {"max_steps": 30}}, tolerance=0.011
    ),
    # r falls by 1 - r_T, and the change of W is rank one: |B D_2 dW h_1| = ||dW|| ||D_2 B^T|| ||h_1||
    "movement": Case(FITTING, ((1 - SHRINK**12) / 5,), {"training": FIT}),
    "tail-rate-over-predicted": Case(FITTING, (1.0,), {"training": FIT}),
    "final-loss-ratio": Case(FITTING, (SHRINK**24,), {"training": FIT}, 1e-8),
    "worst-token-error": Case(FITTING, (SHRINK**24 / 0.1,), {"training": FIT}, 1e-8),
    # the mean residual halves from 0.5 in one step of half of 1 / (3 K): f_1 = floor + 3/2 0.25^2
    "floor-deviation": Case(
        {**CLASH, "labels": ((0, 0, 0), (6, 8, 8.5))},
        (1.5 * 0.25**2 / 1.75,),
        {"training": {**STAY, "learning_rate": 0.5 / (3 * K), "max_steps": 1}},
    ),
    "floor-deviation-by-pairs": Case(CLASH, (1 / 3,), {"training": STAY}),  # 1 against (1 + 1 + 4) / 4
    "lowest-loss-over-floor": Case(CLASH, (1.0,), {"training": STAY}),
    "lowest-loss-over-floor-of-pairs": Case(CLASH, (2 / 3,), {"training": STAY}),
    "pattern-flips": Case(ONE, (1.0,), {"perturbation": {**KICK, "adversary": "kinks"}}),  # 1 < 1.5 < ||(1, 8)||
    "flipped-mass": Case(ONE, (0.5,), {"perturbation": KICK}),
    "hidden-change": Case(ONE, (0.5,), {"perturbation": KICK}),
    "hidden-change-per-size": Case(ONE, (0.5 / 0.3,), {"perturbation": KICK}),
    "hidden-change-from-start-per-size": Case(ONE, (0.5 / 0.3,), {"perturbation": KICK}),
    "backward-change": Case(ONE, (math.sqrt(2),), {"perturbation": KICK}),  # B D_2 W turns from (0, 2) into (1, 1)
    # D_2 W gains the row (1, -1) + 0.3 (3, 4) / 5
    "product-change": Case(ONE, (math.hypot(1.18, -0.76),), {"perturbation": KICK}, 1e-3),
    "first-order-error": Case(ONE, (0.0,), {"perturbation": KICK}, 1.0),  # in units of round-off
    # D_2 W' h_1 = 0, and the state moves by 0.5
    "first-order-error-without-second-pattern": Case(ONE, (0.5 / math.hypot(0.5, 8) / UNIT,), {"perturbation": KICK}),
}


def test_every_quantity_is_computed_by_hand() -> None:
    assert set(HAND) == set(MEASUREMENTS)


@pytest.mark.parametrize("quantity", HAND)
def test_by_hand(write_instance: WriteInstance, measure: Measure, backend: Backend, quantity: str) -> None:
    case = HAND[quantity]
    readings = measure(quantity, write_instance(**case.network), backend, **case.sections)
    assert [reading.status for reading in readings] == [Status.OK] * len(readings)
    values = [reading.value for reading in readings]
    assert values == pytest.approx(case.expected, rel=case.tolerance, abs=case.tolerance)


@pytest.mark.parametrize("quantity", MEASUREMENTS)
def test_flags_say_which_sections_are_read(quantity: str, make_trial: Callable[..., Trial], draw_instance: Any) -> None:
    known, trial = MEASUREMENTS[quantity], make_trial(quantity, draw_instance())
    assert (trial.training is not None) == known.reads_training
    assert (trial.perturbation is not None) == known.reads_perturbation
    assert not (known.reads_training and known.reads_perturbation)
    assert known.by_decade == (quantity in ("steps-to-decades", "steps-beyond-fourth-decade"))
    assert known.is_count == (quantity == "pattern-flips")
    assert known.first_decade == (4 if quantity == "steps-beyond-fourth-decade" else 0)


RANDOM: dict[str, dict[str, Any]] = {  # sections under which a drawn network gives every quantity a value
    "steps-to-decades": {"decades": (1, 2, 3)},
    "steps-beyond-fourth-decade": {"training": {"accuracy": 1e-6, "max_steps": 2000}, "decades": (5, 6)},
    "largest-stable-step": {"training": {"max_steps": 30}},
    "stable-step-multiple": {"training": {"max_steps": 30}},
    "tail-rate-over-predicted": {"training": {"accuracy": 1e-5, "max_steps": 2000}},
    "backward-change": {"perturbation": {"adversary": "weighted-kinks"}},
}
CLASHING = {"copies": 2, "n_sequences": 3}
ROUGH = {
    **dict.fromkeys(("product-norm", "top-vector-product", "product-change"), 2e-3),  # iterated norms: residual 1e-3
    "tail-rate-over-predicted": 1e-4,  # a long run past kinks
}


def drawn_for(quantity: str, draw_instance: Callable[..., Instance], **changes: Any) -> Instance:
    return draw_instance(width=96, **(CLASHING if "floor" in quantity else {}), **changes)


@pytest.mark.parametrize("layers", ["shared", "independent"])
@pytest.mark.parametrize("quantity", MEASUREMENTS)
def test_backends_agree(
    draw_instance: Callable[..., Instance],
    measure: Measure,
    backends: tuple[Backend, Backend],
    quantity: str,
    layers: str,
) -> None:
    instance = drawn_for(quantity, draw_instance, layers=layers)
    one, other = (measure(quantity, instance, backend, **RANDOM.get(quantity, {})) for backend in backends)
    assert [(each.status, each.point) for each in one] == [(each.status, each.point) for each in other]
    found, expected = ([each.value for each in readings if each.value is not None] for readings in (one, other))
    assert len(found) == len(expected) == len(one)
    assert all(map(math.isfinite, found))
    if quantity == "first-order-error":
        assert max(found + expected) < 1
    else:
        assert found == pytest.approx(expected, rel=ROUGH.get(quantity, 1e-7))


@pytest.mark.parametrize("quantity", MEASUREMENTS)
def test_single_precision_measures_the_same_thing(
    draw_instance: Callable[..., Instance], measure: Measure, backend: Backend, quantity: str
) -> None:
    one, other = (
        measure(quantity, drawn_for(quantity, draw_instance, dtype=dtype), backend, **RANDOM.get(quantity, {}))
        for dtype in ("float64", "float32")
    )
    for double, single in zip(one, other, strict=True):
        assert single.status == double.status
        if not quantity.startswith("first-order"):
            assert single.value == pytest.approx(double.value, rel=0.05, abs=1e-6)
