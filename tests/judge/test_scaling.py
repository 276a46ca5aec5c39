from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rnnconv_cli.judge.scaling import finding
from rnnconv_cli.records import Decay, Exponent, Finding, Growth, Status, Verdict
from rnnconv_cli.spec.claim import Arm

if TYPE_CHECKING:
    from tests.conftest import Synthetic

WIDTHS = (64.0, 128.0, 256.0, 512.0, 1024.0)
DECADES = tuple(float(k) for k in range(1, 9))
Rows = Sequence[Sequence[float | Status]]


def _rows(
    curve: Callable[[float], float], *, points: tuple[float, ...] = WIDTHS, draws: int = 8, scatter: float = 0.02
) -> Rows:
    """Curves whose slopes differ between draws by `scatter`, symmetrically, so that the mean is exact."""
    tilts = np.linspace(-scatter, scatter, draws)
    middle = math.sqrt(points[0] * points[-1])
    return [[curve(p) * (p / middle) ** float(tilt) for p in points] for tilt in tilts]


def _judge(
    synthetic: Synthetic, arm: Arm, rows: Rows, *, points: tuple[float, ...] = WIDTHS, is_count: bool = False
) -> Finding:
    observations = synthetic.observations(points, rows)
    smallest = getattr(arm.prediction, "side", "upper") == "lower"
    return finding(arm, observations, smallest=smallest, level=0.95, is_count=is_count, seconds=1.0)[0]


@pytest.mark.parametrize(
    ("side", "truth", "verdict", "because"),
    [
        ("upper", -0.5, "within", "-0.500 [-0.512, -0.488] lies below -0.5 + 0.1 on 5 widths x 8 draws"),
        ("upper", -0.9, "within", "-0.900 [-0.912, -0.888] lies below -0.5 + 0.1 on 5 widths x 8 draws"),
        ("upper", -0.3, "outside", "-0.300 [-0.312, -0.288] lies above -0.5 + 0.1 on 5 widths x 8 draws"),
        ("upper", -0.4, "inconclusive", "-0.400 [-0.412, -0.388] straddles -0.5 + 0.1 on 5 widths x 8 draws"),
        ("lower", -0.5, "within", "-0.500 [-0.512, -0.488] lies above -0.5 - 0.1 on 5 widths x 8 draws"),
        ("lower", -0.8, "outside", "-0.800 [-0.812, -0.788] lies below -0.5 - 0.1 on 5 widths x 8 draws"),
    ],
)
def test_an_exponent_against_its_bound(
    side: str, truth: float, verdict: str, because: str, synthetic: Synthetic
) -> None:
    arm = synthetic.arm(kind="exponent", side=side, exponent=-0.5, tolerance=0.1)
    found = _judge(synthetic, arm, _rows(lambda m: 3 * m**truth))
    assert (found.verdict, found.because) == (verdict, because)
    assert isinstance(found.estimate, Exponent)
    assert found.slack == pytest.approx((-0.5 - truth) * (1 if side == "upper" else -1))
    assert bool(found.settle) is (verdict == "inconclusive")


@pytest.mark.parametrize(
    ("truth", "verdict", "words"),
    [
        (0.667, "within", "lies inside 0.667 ± 0.1"),
        (0.3, "outside", "lies outside 0.667 ± 0.1"),
        (0.9, "outside", "lies outside 0.667 ± 0.1"),
        (0.567, "inconclusive", "straddles an end of 0.667 ± 0.1"),
    ],
)
def test_an_attained_exponent_is_bounded_on_both_sides(
    truth: float, verdict: str, words: str, synthetic: Synthetic
) -> None:
    found = _judge(
        synthetic, synthetic.arm(kind="attainment", exponent=0.667, tolerance=0.1), _rows(lambda m: m**truth)
    )
    assert found.verdict == verdict
    assert words in found.because


def test_what_a_log_earns_is_said(synthetic: Synthetic) -> None:
    arm = synthetic.arm(kind="exponent", exponent=1 / 3, tolerance=0.0, log_power=1.0)
    found = _judge(synthetic, arm, _rows(lambda m: m ** (1 / 3) * math.log(m) ** 0.5))
    assert found.verdict is Verdict.WITHIN
    assert "lies below 0.333 + 0.184 (log) on" in found.because
    assert found.slack is not None
    assert found.slack > 0.05


HORIZONS = (8.0, 16.0, 24.0, 32.0, 48.0)


@pytest.mark.parametrize(
    ("side", "rate", "verdict", "words"),
    [
        ("both", 0.0, "within", "lies inside ±0.17"),
        ("both", 0.35, "outside", "lies outside ±0.17"),
        ("both", -0.35, "outside", "lies outside ±0.17"),
        ("upper", -0.35, "within", "lies below 0.17"),
        ("lower", -0.35, "outside", "lies below -0.17"),
        ("lower", 0.0, "within", "lies above -0.17"),
    ],
)
def test_a_growth_rate_against_its_bound(
    side: str, rate: float, verdict: str, words: str, synthetic: Synthetic
) -> None:
    arm = synthetic.arm("horizon", kind="growth", side=side, rate=0.17)
    rows = _rows(lambda p: p**0.5 * math.exp(rate * p), points=HORIZONS)
    found = _judge(synthetic, arm, rows, points=HORIZONS)
    assert found.verdict == verdict
    assert words in found.because
    assert isinstance(found.estimate, Growth)
    assert found.slack == pytest.approx(0.17 - {"both": abs(rate), "upper": rate, "lower": -rate}[side])


def _decades(steps: Callable[[float], float]) -> list[list[float | Status]]:
    sizes = (0.8, 0.9, 1.0, 1.1, 1.2)
    return [list(map(float, np.ceil(np.cumsum([1000 * size * steps(k) for k in DECADES])))) for size in sizes]


@pytest.mark.parametrize(
    ("steps", "verdict"),
    [(lambda k: 1.0, "within"), (lambda k: math.exp(-0.2 * k), "within"), (lambda k: 10 ** (k / 4), "outside")],
)
def test_a_decay_is_geometric_or_not(steps: Callable[[float], float], verdict: str, synthetic: Synthetic) -> None:
    arm = synthetic.arm("decades", kind="decay", tolerance=0.1)
    found = _judge(synthetic, arm, _decades(steps), points=DECADES)
    assert found.verdict == verdict
    assert isinstance(found.estimate, Decay)
    assert found.because.endswith(" 0 + 0.1 on 4 decades x 5 draws")


def test_an_unreached_target_is_infinity(synthetic: Synthetic) -> None:
    rows = _decades(lambda k: 1.0)
    for row in rows[:3]:
        row[-1] = Status.NOT_REACHED
    found = _judge(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.1), rows, points=DECADES)
    assert found.verdict is Verdict.OUTSIDE
    assert found.estimate is None
    assert found.because == (
        "3 of 5 trials not-reached at decade = 8 within T_max = 5000: counts as infinity, against the claim"
    )


def test_one_unreached_target_of_a_few_may_be_an_accident(synthetic: Synthetic) -> None:
    rows = _decades(lambda k: 1.0)
    rows[2][-1] = Status.NOT_REACHED
    found = _judge(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.1), rows, points=DECADES)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.estimate is not None
    said = "but 1 of 5 trials not-reached at decade = 8, too few draws to tell if that is above 5 %"
    assert found.because.endswith(said)
    assert found.settle.endswith("would decide for outside if the observed share holds")


@pytest.mark.parametrize(
    ("prediction", "slope", "status", "verdict"),
    [
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.1}, 0.5, Status.DIVERGED, "inconclusive"),
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.1}, 3.0, Status.DIVERGED, "outside"),
        ({"kind": "exponent", "side": "lower", "exponent": 1.0, "tolerance": 0.1}, 2.0, Status.ZERO, "inconclusive"),
        ({"kind": "exponent", "side": "lower", "exponent": 1.0, "tolerance": 0.1}, 0.5, Status.ZERO, "outside"),
        ({"kind": "attainment", "exponent": 1.0, "tolerance": 0.1}, 1.0, Status.DIVERGED, "inconclusive"),
        ({"kind": "attainment", "exponent": 1.0, "tolerance": 0.1}, 0.5, Status.DIVERGED, "inconclusive"),
    ],
)
def test_a_lost_draw_never_helps_a_claim_and_never_hides_what_refutes_it(
    prediction: dict[str, Any], slope: float, status: Status, verdict: str, synthetic: Synthetic
) -> None:
    rows: list[Sequence[float | Status]] = [
        [m ** (slope + tilt) for m in WIDTHS] for tilt in (-0.02, -0.01, 0.01, 0.02, -0.03, 0.03, 0.0, 0.0)
    ]
    rows[3] = [*rows[3][:-1], status]
    found = _judge(synthetic, synthetic.arm(**prediction), rows)
    assert found.verdict == verdict
    assert found.estimate is not None
    assert f"1 of {8 if verdict == 'inconclusive' else 40} trials {status.value}" in found.because


def test_decades_within_one_step_cannot_be_measured(synthetic: Synthetic) -> None:
    rows: Rows = [[30.0, 60.0, 90.0, 120.0, 120.0, 120.0, 150.0, 150.0]] * 5
    found = _judge(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.1), rows, points=DECADES)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.because.startswith("could not measure: 1 of 4 points can be fitted, wanted 3: 5 of 5 zero at decade")


@pytest.mark.parametrize(
    ("prediction", "status", "verdict"),
    [
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, Status.DIVERGED, "outside"),
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, Status.ZERO, "inconclusive"),
        ({"kind": "exponent", "side": "lower", "exponent": 1.0, "tolerance": 0.0}, Status.DIVERGED, "inconclusive"),
        ({"kind": "exponent", "side": "lower", "exponent": 1.0, "tolerance": 0.0}, Status.ZERO, "outside"),
        ({"kind": "attainment", "exponent": 1.0, "tolerance": 0.1}, Status.NOT_REACHED, "outside"),
        ({"kind": "attainment", "exponent": 1.0, "tolerance": 0.1}, Status.ZERO, "inconclusive"),
        ({"kind": "growth", "rate": 0.1}, Status.ZERO, "outside"),
        ({"kind": "growth", "rate": 0.1, "side": "upper"}, Status.ZERO, "inconclusive"),
        ({"kind": "growth", "rate": 0.1, "side": "lower"}, Status.ZERO, "outside"),
        ({"kind": "growth", "rate": 0.1, "side": "lower"}, Status.DIVERGED, "inconclusive"),
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, Status.ROUND_OFF, "inconclusive"),
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, Status.FAILED, "inconclusive"),
        ({"kind": "exponent", "exponent": 1.0, "tolerance": 0.0}, Status.OUT_OF_REGIME, "inconclusive"),
    ],
)
def test_a_status_counts_on_its_side_or_not_at_all(
    prediction: dict[str, Any], status: Status, verdict: str, synthetic: Synthetic
) -> None:
    rows = [[status, status, *row[2:]] for row in _rows(lambda m: m)]
    found = _judge(synthetic, synthetic.arm(**prediction), rows)
    assert (found.verdict, found.estimate) == (verdict, None)
    assert found.because.startswith("could not measure: 3 of 5") is (verdict == "inconclusive")


def test_a_zero_count_is_never_against_a_lower_bound(synthetic: Synthetic) -> None:
    rows: Rows = [[Status.ZERO, Status.ZERO, *row[2:]] for row in _rows(lambda m: m)]
    arm = synthetic.arm(kind="exponent", side="lower", exponent=1.0, tolerance=0.0)
    assert _judge(synthetic, arm, rows, is_count=True).verdict is Verdict.INCONCLUSIVE


def test_one_point_may_be_missing(synthetic: Synthetic) -> None:
    rows: Rows = [[Status.ZERO, *row[1:]] for row in _rows(lambda m: m**-0.5)]
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=-0.5, tolerance=0.1), rows)
    assert found.verdict is Verdict.WITHIN
    assert found.because.endswith("on 4 widths x 8 draws; left out: 8 of 8 zero at m = 64")


def test_single_trials_that_a_fit_goes_without_are_named(synthetic: Synthetic) -> None:
    rows = [list(row) for row in _rows(lambda m: m**-0.5, draws=40)]
    rows[3] = [*rows[3][:-1], Status.DIVERGED]
    arm = synthetic.arm(kind="exponent", exponent=-0.5, tolerance=0.1)
    found = _judge(synthetic, arm, rows)
    assert found.verdict is Verdict.WITHIN
    assert found.because.endswith("on 5 widths x 40 draws; left out: 1 of 200 trials diverged")
    rows = [[Status.ZERO, *row[1:]] for row in rows]
    assert _judge(synthetic, arm, rows).because.endswith(
        "; left out: 40 of 40 zero at m = 64, 1 of 160 trials diverged"
    )


def test_many_points_that_are_left_out_are_cut_short(synthetic: Synthetic) -> None:
    widths = tuple(2.0**k for k in range(4, 12))
    rows: Rows = [[Status.ZERO] * 4 + list(row[4:]) for row in _rows(lambda m: m**-0.5, points=widths)]
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=-0.5, tolerance=0.1), rows, points=widths)
    fit, left_out = found.because.split("; ")
    assert fit.endswith("on 4 widths x 8 draws")
    assert left_out.startswith("left out: 8 of 8 zero at m = 16, 8 of 8 zero at m = 32, ")
    assert left_out.endswith("...")
    assert len(left_out) <= 72


def test_small_counts_do_not_enter(synthetic: Synthetic) -> None:
    rows = _rows(lambda m: 20 * (m / 256) ** 0.6)
    arm = synthetic.arm(kind="exponent", exponent=0.667, tolerance=0.0)
    assert _judge(synthetic, arm, rows).verdict is Verdict.WITHIN
    found = _judge(synthetic, arm, rows, is_count=True)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "a mean of 8.71, below 20, at m = 64" in found.because


def test_a_constant_has_exercised_nothing(synthetic: Synthetic) -> None:
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=0.0, tolerance=0.1), [[2.0] * 5] * 8)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "nothing was exercised" in found.because


@pytest.mark.parametrize(
    ("exponent", "curve", "verdict"),
    [
        (-0.45, lambda m: 1 / m + 0.004, "inconclusive"),  # -0.49, and -0.42 without the first
        (-0.80, lambda m: 1 / m + 0.004, "outside"),  # also without either end
        (0.0, lambda m: 1 + (4 if m == 1024 else 0), "inconclusive"),  # hangs on the last: within without it
    ],
)
def test_a_verdict_that_hangs_on_one_end_is_none(
    exponent: float, curve: Callable[[float], float], verdict: str, synthetic: Synthetic
) -> None:
    rows = _rows(curve, scatter=0.005)
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=exponent, tolerance=0.01), rows)
    assert found.verdict == verdict
    if verdict == "inconclusive":
        assert "the verdict hangs on one end" in found.because
        assert "more points at the large end" in found.settle


def test_an_interval_that_only_widens_does_not_count(synthetic: Synthetic) -> None:
    """Without an end point the interval reaches over the border, but the estimate stays on its side."""
    rng = np.random.default_rng(5)
    rows = [[float(m**-0.5 * math.exp(0.05 * rng.standard_normal())) for m in WIDTHS] for _ in range(8)]
    whole = _judge(synthetic, synthetic.arm(kind="exponent", exponent=-0.5, tolerance=0.5), rows).estimate
    assert isinstance(whole, Exponent)
    border = (whole.high + max(whole.without_first[2], whole.without_last[2])) / 2
    arm = synthetic.arm(kind="exponent", exponent=border, tolerance=0.0)
    assert whole.high < border < max(whole.without_first[2], whole.without_last[2])
    assert _judge(synthetic, arm, rows).verdict is Verdict.WITHIN


def test_equal_steps_for_every_decade_are_a_geometric_decay(synthetic: Synthetic) -> None:
    rows = [[25 * k for k in DECADES]] * 5
    found = _judge(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.1), rows, points=DECADES)
    assert found.verdict is Verdict.WITHIN


def test_a_few_steps_for_every_decade_show_nothing(synthetic: Synthetic) -> None:
    rows = [[2 * k for k in DECADES]] * 5
    found = _judge(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.1), rows, points=DECADES)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "a mean of 2, below 10" in found.because
    assert found.settle == "at least 3 decades that can be fitted: a smaller step, or more steps"


def test_without_observations_nothing_is_measured(synthetic: Synthetic) -> None:
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=0.0, tolerance=0.1), [])
    assert found.because == "could not measure: 0 of 0 points can be fitted, wanted 4: a grid too short"


def test_one_draw_bounds_nothing(synthetic: Synthetic) -> None:
    found = _judge(synthetic, synthetic.arm(kind="exponent", exponent=0.0, tolerance=0.1), _rows(lambda m: 1 / m)[:1])
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.settle.startswith("at least 2 draws")


@pytest.mark.parametrize("kind", ["exponent", "growth"])
def test_the_reason_fits_a_line(kind: str, synthetic: Synthetic) -> None:
    own: dict[str, Any] = {"exponent": -0.123456, "tolerance": 0.123456, "log_power": 2.0}
    arm = synthetic.arm("n_sequences", kind=kind, **(own if kind == "exponent" else {"rate": 0.0123456}))
    assert len(_judge(synthetic, arm, _rows(lambda m: m**-0.123, draws=20)).because) <= 110
