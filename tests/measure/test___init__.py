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
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import Reading, Status, Trial
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import load

WriteInstance = Callable[..., Instance]
Measure = Callable[..., tuple[Reading, ...]]

W, B = ((1, -1), (0, 2)), ((1, 1),)
TWO = {"W": W, "B": B, "x": (((3, 4), (1, 0)), ((0, 0), (0, 0)), ((0, 0), (0, 0)))}  # L = 3, n = 2
ONE = {"W": W, "B": B, "x": (((3, 4),), ((0, 0),))}  # L = 2, n = 1
PAIR = {"W": W, "B": B, "x": (((3, 4), (1, 0)), ((0, 0), (0, 0)))}  # L = 2, n = 2
UNIT_TOKEN = {"W": W, "B": B, "x": (((1, 0),), ((0, 0),))}
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
ENTRY = {"sparsity": 1.0, "search": "adversarial"}  # one nonzero, the best one
CUBE = math.sqrt((114 + math.sqrt(114**2 - 4 * 64)) / 2)  # ||W^3||
PSI = (math.sqrt(33) - 3) / 6
ONE_ROW = {"perturbation": {**KICK, "adversary": "kinked-rows"}, "probe": {"rows": 1.0}}  # the same W'
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
    "one-step-growth": Case(TWO, (4 / 3,)),  # 16 / (4/3 (8 + 1))
    "one-step-retention": Case(TWO, (12 / 11,)),  # 1 / (1 - 1/12)
    "fixed-vector-layer": Case(GROWING, (18 / 7,)),  # 3 / (1 + 1/6): x_1 keeps both units active, whatever y
    "top-vector-layer": Case(GROWING, (18 / 7,), tolerance=1e-3),
    "gradient-formula-error": Case(PAIR, (0.0,), tolerance=1.0),  # in units of round-off
    # one W too many: (0, 16) for (0, 8) in the first sequence; the gradient is ((1, 0), (25, 32))
    "gradient-formula-error-shifted": Case(PAIR, (40 / math.sqrt(1650) / UNIT,)),
    "loss-at-start": Case(PAIR, ((64 + 1) / 2,)),
    "product-norm": Case(TWO, (math.sqrt((114 + math.sqrt(114**2 - 4 * 64)) / 2),), tolerance=1e-3),
    "fixed-vector-product": Case(GROWING, ((3 / (4 / 3)) ** 3,)),
    "top-vector-product": Case(GROWING, ((3 / (4 / 3)) ** 3,)),
    # the same two products as W D_2 W D_1 W, of which W^3 is the larger; psi = (sqrt(33) - 3) / 6 for two patterns
    "long-product-norm": Case(TWO, (CUBE,), tolerance=1e-3),
    "long-product-norm-over-free-limit": Case(TWO, (CUBE / ((PSI + 2) * (PSI + 1) / math.sqrt(PSI)),), tolerance=1e-3),
    "fixed-vector-long-product": Case(GROWING, (27.0,)),
    # W D_2 W D_1 W is ((0, -4), (0, 8)) and W^3: their largest entry is 8, that of the shorter products 4
    "sparse-form": Case(TWO, (8.0,), {"probe": ENTRY}),
    "sparse-form-over-corollary": Case(TWO, (8 / (math.sqrt(1 / 2) * math.log(2)),), {"probe": ENTRY}),
    "sparse-form-over-bound": Case(TWO, (8 / (10 * math.sqrt(2 * 3 / 2)),), {"probe": ENTRY}),
    "sparse-form-over-entry-bound": Case(TWO, (8 * math.sqrt(2) / (6 * math.log(2)),), {"probe": ENTRY}),
    # B D_3 W D_2 W D_1 W is (0, 8) and B W^3 is (1, 1)
    "sparse-backward": Case(TWO, (8.0,), {"probe": ENTRY}),
    "sparse-backward-of-fixed-output": Case(TWO, (8.0,), {"probe": ENTRY}),
    "sparse-backward-over-entry-bound": Case(TWO, (8 / (6 * math.log(2)),), {"probe": ENTRY}),
    "changed-product": Case(ONE, (16.0,), {"probe": ENTRY}),  # the second unit twice in both layers: 2 * 2 * 2 * 2
    # the first unit of the last layer is switched on, which leaves W^2 = ((1, -3), (0, 4)): s^2 + 16 / s^2 = 26
    "flipped-product": Case(ONE, (math.sqrt((26 + math.sqrt(26**2 - 4 * 16)) / 2),), {"probe": ENTRY}),
    "gradient-energy": Case(ONE, (25 / 2,)),  # ||D_2 B^T||^2 ||h_1||^2 / m
    # B D_3 W D_2 = (0, 2) and (1, 1): the mean of 4 and 2 over d m = 2
    "gradient-end-to-end": Case(TWO, (1.5,)),
    "gradient-ratio-largest": Case(FITTING, (2 * K / 2,), {"training": FIT}),  # r^2 K over m r^2 / 2
    "gradient-ratio-smallest": Case(FITTING, (2 * K / 2,), {"training": FIT}),
    "steps-to-decades": Case(FITTING, (2, 4, 6), {"training": FIT, "read_at": (1, 2, 3)}),
    "steps-beyond-fourth-decade": Case(FITTING, (2, 4), {"training": FIT, "read_at": (5, 6)}),  # 10 - 8, 12 - 8
    "steps-to-accuracy": Case(FITTING, (12,), {"training": FIT}),
    "largest-stable-step": Case(
        {**ONE, "labels": (0, 6), "activation": "linear"}, (2 / 50,), {"training": {"max_steps": 30}}, tolerance=0.011
    ),  # D = 1: K = 50, and the limit is 2 / K to half of 1/32 of an octave
    "stable-step-multiple": Case(
        {**ONE, "labels": (0, 6), "activation": "linear"}, (2.0,), {"training": {"max_steps": 30}}, tolerance=0.011
    ),
    # r falls by 1 - r_T, and the change of W is rank one: |B D_2 dW h_1| = ||dW|| ||D_2 B^T|| ||h_1||
    "movement": Case(FITTING, ((1 - SHRINK**12) / 5,), {"training": FIT}),
    "movement-at-steps": Case(
        FITTING, ((1 - SHRINK**2) / 5, (1 - SHRINK**5) / 5), {"training": FIT, "read_at": (2, 5)}
    ),
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
    # K / m = 1 * 2 / 2, and the limit is P H = 1/2 * 1
    "distance-to-limit": Case(UNIT_TOKEN, (1.0,)),
    "distance-to-limit-of-independent-layers": Case(UNIT_TOKEN, (1.0,)),
    "smallest-eigenvalue-over-limit": Case(UNIT_TOKEN, (2.0,)),
    "smallest-eigenvalue-off-limit": Case(UNIT_TOKEN, (2.0,)),
    # ((1, 1), (1, 2)) o ((25, 3), (3, 1)) = ((25, 3), (3, 2))
    "smallest-tangent-eigenvalue": Case(PAIR, ((27 - math.sqrt(565)) / 4,)),
    "largest-tangent-eigenvalue": Case(PAIR, ((27 + math.sqrt(565)) / 4,)),
    "smallest-tangent-eigenvalue-after-training": Case(FITTING, (K / 2,), {"training": FIT}),
    "largest-tangent-eigenvalue-after-training": Case(FITTING, (K / 2,), {"training": FIT}),
    "measured-tail-rate": Case(FITTING, (-2 * math.log(SHRINK),), {"training": FIT}),
    "predicted-tail-rate": Case(FITTING, (-2 * math.log(SHRINK),), {"training": FIT}),
    "predicted-tail-rate-after-training": Case(FITTING, (-2 * math.log(SHRINK),), {"training": FIT}),
    "predicted-steps": Case(FITTING, (12,), {"training": FIT}),
    "steps-off-prediction": Case(FITTING, (1.0,), {"training": FIT}),
    "square-norm-deviation": Case(TWO, (0.5,), {"probe": {"rows": 2}}),  # the column (1, 0), sigma = 1
    "chi-square-exponent": Case(TWO, (1 / 8,), {"probe": {"rows": 2}}),  # 2 - 1 = 2 sqrt(2 t)
    "large-entry-mass": Case(TWO, ((1 - math.log(2)) / (2 * math.sqrt(2)),)),
    "relu-norm-deviation": Case(GROWING, (2.0,)),  # ||(3, 0)||
    # the columns keep norms 1 and 2: one of two leaves 1 +- 0.2, and 2 (1 - Phi(0.67449)) = 1/2
    "relu-norm-tail": Case(TWO, (0.6744897501960817**2 / 2,), {"probe": {"rows": 2}}),
    # W (e_1 + e_2) = (0, 2): both units are active, |v| = (1, 0); Phi(1) = 0.8413447 against 1/2 just below 1
    "masked-entries-law": Case(TWO, (math.sqrt(2) * (0.8413447460685429 - 0.5),)),
    "masked-entries-law-of-chosen-shift": Case(TWO, (math.sqrt(2) * (0.8413447460685429 - 0.5),)),
    # ||v||^2 = 1 against P[chi^2_omega <= 1] = 1/4 + 0.6826895 / 2 + (1 - exp(-1/2)) / 4
    "masked-norm-law": Case(TWO, (0.25 + 0.6826894921370859 / 2 + (1 - math.exp(-0.5)) / 4,)),
    "masked-norm-law-of-chosen-shift": Case(TWO, (0.25 + 0.6826894921370859 / 2 + (1 - math.exp(-0.5)) / 4,)),
    # of 1, -1, 0, 2 three have |x| >= t: at t = 1 that is 3/4 against 1/3, at t = 0.01 against 0.992
    "percentile-excess": Case(TWO, (2 * (3 / 4 - 1 / 3),)),
    "percentile-upper-excess": Case(TWO, (2 * (3 / 4 - 1 / 3),)),
    "percentile-upper-excess-over-means": Case(TWO, (2 * (1 - 1 / 3),)),  # 4 away, all four are
    "percentile-lower-excess-over-means": Case(TWO, (2 * (0.992 - 3 / 4),)),
    "good-share": Case({**ONE, "W": ((1, -1), (-1, 2))}, (0.5 / 0.4,)),  # alpha = 0.2
    # W U = ((-0.2, -1.4), (1.6, 1.2)) with U = ((0.6, -0.8), (0.8, 0.6)): with A's, half of the eight are < 1
    "conditioned-entries-law": Case(ONE, (math.sqrt(8) * (0.8413447460685429 - 0.5),)),
    # W^T h_1 = (3, 5) and W^T h_2 = (0, 16): W U = ((-2, -8), (10, 6)) / sqrt 34
    "conditioned-entries-law-of-adjoint": Case(ONE, (math.sqrt(8) * (0.8413447460685429 - 0.5),)),
    # ||(-0.2, 1.6)|| against sqrt 2 (1 + sqrt(1/2))
    "conditioned-edge": Case(ONE, (math.sqrt(2.6) - math.sqrt(2) - 1,)),
    "conditioned-edge-of-adjoint": Case(ONE, (math.sqrt(104 / 34) - math.sqrt(2) - 1,)),
    "split-rest": Case(GROWING, (3 - math.log(2) / math.sqrt(2),), {"probe": {"sparsity": 2}}),  # x = e_1
    # g_1 = (-0.2, 1.6), theta = 0.1: the farther row is at 0.0353553 + 0.0050126 * 1.6 = 0.0433754 over 0.1
    "kick-probability": Case(ONE, (0.3322338,), tolerance=1e-5),
    # g_2 = (-1.4, 1.2): u = (-0.1389975, 0.1119799), rho = 2 log 2
    "kick-largest-entry": Case(ONE, (0.1389975 * 2 * math.sqrt(2) / (0.3 * 2 * math.log(2)),), tolerance=1e-6),
    "weight-norm": Case(ONE, (math.sqrt(3 + math.sqrt(5)),), tolerance=1e-3),
    "active-weight-norm": Case(ONE, (2.0,), tolerance=1e-3),  # the row (0, 2)
    "part-in-earlier-layers": Case(ONE, (6.4,)),  # (0.6, 0.8) (0, 8)
    "part-in-all-layers": Case(ONE, (8.0,)),
    "recursion-error-as-printed": Case(ONE, (1 / UNIT,)),  # h_1 is A x_1 alone
    "recursion-error": Case(ONE, (0.0,), tolerance=1.0),  # in units of round-off
    "batch-gradient-error-as-printed": Case({**CLASH, "labels": ((0, 0, 0), (7, 7, 7))}, (2 / UNIT,)),  # n - 1
    "batch-gradient-error": Case({**CLASH, "labels": ((0, 0, 0), (7, 7, 7))}, (0.0,), tolerance=1.0),
    "share-above": Case(ONE, (0.5,)),  # 1 and 2, of four
    # W gains the row (0.18, 0.24), and D_2 turns from (0, 1) into (1, 1)
    "backward-change-under-new-weights": Case(ONE, (math.hypot(1.18, -0.76),), {"perturbation": KICK}),
    "weights-change-under-new-masks": Case(ONE, (0.3,), {"perturbation": KICK}),
    # B D_2 = (0, 1) and B D_2 W = (0, 2): W' = 0.3 e_2 e_2^T
    "weights-change-under-old-masks": Case(ONE, (0.3,), {"perturbation": {**KICK, "adversary": "aligned"}}),
    "coordinate-change": Case(ONE, (0.5 + 0.3 * 0.3,), ONE_ROW),  # h' = (0.5, 0), <z, h'> = 0.3
    "column-change-by-masks": Case(ONE, (3.0,), ONE_ROW),  # (1, -1) W = (1, -3)
    # the first row of W W' + W' W + W'^2: (0.18, 0.24) + (0.18, 0.3) + 0.18 (0.18, 0.24)
    "column-change-by-weights": Case(ONE, (0.24 + 0.3 + 0.18 * 0.24,), ONE_ROW),
    "kicked-norm": Case(ONE, (5 / 16,), {"perturbation": KICK}),
    # of |g_2| = (1, 8) the one is left at 0.5 < sqrt 2
    "flips-of-two-parts": Case(ONE, (1 / (10 * 4 ** (2 / 3)),), {"probe": {"kick": 2.0, "deviation": 1.0}}),
    "mass-of-two-parts": Case(
        ONE, ((math.sqrt(2) - 0.5) / (3 * math.sqrt(2)),), {"probe": {"kick": 2.0, "deviation": 1.0}}
    ),
    # W D_2 W e_2 = (-2, 4), of which 1/2 log 2 / sqrt 2 is taken off
    "rest-of-sparse-step": Case(
        ONE, (math.hypot(2 - math.log(2) / math.sqrt(8), 4 - math.log(2) / math.sqrt(8)),), {"probe": {"sparsity": 1.0}}
    ),
}


ELSEWHERE = {  # quantities whose cases by hand want other networks: the tests of their own modules hold them
    "test_fake_gradient.py": {
        "gradient-one-hot", "gradient-all-ones", "gradient-random", "gradient-antisymmetric", "gradient-change",
        "largest-gradient", "largest-gradient-of-a-sequence", "largest-gradient-row",
    },
    "test_row_gradients.py": {
        "small-backward-share", "small-backward-share-as-printed", "small-backward-share-of-small-rows",
        "typical-backward-entry", "near-kink-rows", "near-kink-share", "lone-kink-share", "surviving-margin",
        "large-gradient-rows",
    },
    "test_row_kicks.py": {
        "earlier-change", "earlier-change-along-state", "kick-balance", "other-kinks-crossed", "row-change",
        "row-change-of-all-kicked",
    },
    "test_searched.py": {"flips-over-constructed", "hidden-change-over-constructed"},
    "test_separation.py": {
        "residual-norm", "residual-over-bound", "residual-times-horizon-squared", "separability",
        "separability-over-first-tokens", "fresh-direction-over-bound",
    },
    "test_smoothness.py": {
        "remainder", "remainder-at-zero-loss", "remainder-identity-error", "remainder-identity-error-as-printed",
        "remainder-of-initial-gradient", "remainder-per-large-loss",
    },
    "test_sufficiency.py": {
        "hidden-norm-off-band", "hidden-norm-off-explicit-band", "smallest-eigenvalue-off-critical-limit",
    },
}  # fmt: skip


def test_every_quantity_is_computed_by_hand() -> None:
    elsewhere = set().union(*ELSEWHERE.values())
    assert set(HAND) | elsewhere == set(MEASUREMENTS)
    assert not set(HAND) & elsewhere


@pytest.mark.parametrize("file", ELSEWHERE)
def test_what_is_computed_elsewhere_is_named_there(file: str) -> None:
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    assert [name for name in sorted(ELSEWHERE[file]) if f'"{name}"' not in text] == []


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
    assert (trial.probe is not None) == bool(known.reads_probe)
    assert (known.read_along == "decades") == (quantity in ("steps-to-decades", "steps-beyond-fourth-decade"))
    assert known.is_count == (quantity in ("pattern-flips", "near-kink-rows", "large-gradient-rows"))
    assert known.first_decade == (4 if quantity == "steps-beyond-fourth-decade" else 0)


def test_whatever_an_identity_is_claimed_of_is_in_rounding_units() -> None:
    checks = [check for path in catalogue.shipped() for check in load(path).checks]
    claimed = {
        arm.quantity for each in checks for arm in (each.check, each.control) if arm.prediction.kind == "identity"
    }
    in_units = {name for name, known in MEASUREMENTS.items() if known.is_rounding}
    assert claimed | set(IN_ROUNDING_UNITS) <= in_units
    printed_otherwise = {"remainder-identity-error-as-printed", "batch-gradient-error-as-printed"}
    assert in_units - claimed <= printed_otherwise, in_units - claimed


RANDOM: dict[str, dict[str, Any]] = {  # sections under which a drawn network gives every quantity a value
    "measured-tail-rate": {"training": {"accuracy": 1e-5, "max_steps": 2000}},
    "steps-to-decades": {"read_at": (1, 2, 3)},
    "steps-beyond-fourth-decade": {"training": {"accuracy": 1e-6, "max_steps": 2000}, "read_at": (5, 6)},
    "largest-stable-step": {"training": {"max_steps": 30}},
    "stable-step-multiple": {"training": {"max_steps": 30}},
    "tail-rate-over-predicted": {"training": {"accuracy": 1e-5, "max_steps": 2000}},
    "backward-change": {"perturbation": {"adversary": "weighted-kinks"}},
    "backward-change-under-new-weights": {"perturbation": {"adversary": "weighted-kinks"}},
    "flips-of-two-parts": {"probe": {"kick": 1.0}},
    "movement-at-steps": {"read_at": (1, 4)},
    "fresh-direction-over-bound": {"probe": {"rows": 327680.0, "deviation": 1e-4}},
    "split-rest": {"probe": {"sparsity": 48}},
}
CLASHING = {"copies": 2, "n_sequences": 3}
IN_ROUNDING_UNITS = (  # the formulas that hold
    "first-order-error",
    "recursion-error",
    "batch-gradient-error",
    "gradient-formula-error",
    "remainder-identity-error",
    "remainder-identity-error-as-printed",  # around W_0 itself the print is right
    "earlier-change",
)
ROUGH = {
    **dict.fromkeys(("product-norm", "top-vector-product", "product-change"), 2e-3),  # iterated norms: residual 1e-3
    **dict.fromkeys(("weight-norm", "active-weight-norm"), 2e-3),
    **dict.fromkeys(("long-product-norm", "long-product-norm-over-free-limit"), 2e-3),
    **dict.fromkeys(("changed-product", "flipped-product"), 2e-3),
    "top-vector-layer": 2e-3,
    "tail-rate-over-predicted": 1e-4,  # a long run past kinks
}


def drawn_for(quantity: str, draw_instance: Callable[..., Instance], **changes: Any) -> Instance:
    sizes = {"n_sequences": 3} if quantity.startswith("batch-gradient") else CLASHING if "floor" in quantity else {}
    return draw_instance(width=96, **sizes, **changes)


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
    if quantity in IN_ROUNDING_UNITS:
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
        if not quantity.startswith(IN_ROUNDING_UNITS):
            assert single.value == pytest.approx(double.value, rel=0.05, abs=1e-6)


@pytest.mark.parametrize("quantity", MEASUREMENTS)
def test_what_is_measured_is_said_with_its_unit_and_without_another_quantity(quantity: str) -> None:
    definition = MEASUREMENTS[quantity].definition
    assert re.search(r"\[[^]]+\]", definition)
    assert "same" not in definition.lower()
    assert "`" not in definition
