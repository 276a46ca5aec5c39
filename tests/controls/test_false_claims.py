"""The tool can say no: for each kind a claim that is false is `outside`, and a control that breaks nothing takes the
verdict away."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rnnconv_cli.judge.judge import exit_status, judge_check, judge_claim
from rnnconv_cli.records import CheckResult, Observation, Status, Verdict
from rnnconv_cli.spec.claim import Arm

if TYPE_CHECKING:
    from tests.conftest import Synthetic
    from tests.controls.conftest import Bound

LEVEL = 0.95  # at which 8 draws decide about truths this far from the border, whatever the seed
KINDS = ("exponent", "attainment", "growth", "event", "decay", "frontier", "identity")


@pytest.fixture
def true_and_false(
    bounds: Mapping[str, Bound], synthetic: Synthetic
) -> Mapping[str, tuple[Arm, list[Observation], list[Observation]]]:
    """For each kind an arm, what is observed where its claim is true, and where it is false."""
    rng = np.random.default_rng(0)
    found = {
        kind: (bound.arm, bound.world(rng, bound.true), bound.world(rng, bound.false)) for kind, bound in bounds.items()
    }
    identity = synthetic.arm(None, kind="identity", rounding_units=8.0)
    exact, broken = rng.uniform(0, 4, (8, 1)), rng.uniform(1e9, 1e12, (8, 1))
    rounding = [synthetic.observations([1.0], errors.tolist()) for errors in (exact, broken)]
    return {**found, "identity": (identity, rounding[0], rounding[1])}


def _judged(
    synthetic: Synthetic, arm: Arm, main: list[Observation], control: list[Observation], *, expected: str = "within"
) -> CheckResult:
    relabelled = [
        Observation("control", each.point, each.adversary, each.trial, each.key, each.value, each.status)
        for each in control
    ]
    return judge_check(
        synthetic.check(arm, expected=expected),
        [*main, *relabelled],
        claim=synthetic.claim().claim,
        level=LEVEL,
        is_count={},
        definitions={},
        price=lambda trial: 1.0,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_true_claim_with_a_control_that_breaks_it_is_within(
    kind: str, true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]], synthetic: Synthetic
) -> None:
    arm, holds, breaks = true_and_false[kind]
    found = _judged(synthetic, arm, holds, breaks)
    assert (found.verdict, found.as_expected, found.control.as_expected) == (Verdict.WITHIN, True, True)


@pytest.mark.parametrize("kind", KINDS)
def test_a_false_claim_is_outside_and_ends_the_run_with_three(
    kind: str, true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]], synthetic: Synthetic
) -> None:
    arm, _, breaks = true_and_false[kind]
    found = _judged(synthetic, arm, breaks, breaks)
    assert (found.verdict, found.as_expected) == (Verdict.OUTSIDE, False)
    assert exit_status([judge_claim(synthetic.claim(), [found])], strict=False)[0] == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_known_to_be_false_is_as_expected(
    kind: str, true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]], synthetic: Synthetic
) -> None:
    arm, _, breaks = true_and_false[kind]
    found = _judged(synthetic, arm, breaks, breaks, expected="outside")
    assert (found.verdict, found.as_expected) == (Verdict.OUTSIDE, True)
    assert exit_status([judge_claim(synthetic.claim(), [found])], strict=True)[0] == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("claim_holds", [True, False])
def test_a_control_without_power_takes_the_verdict_away(
    kind: str,
    claim_holds: bool,
    true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]],
    synthetic: Synthetic,
) -> None:
    arm, holds, breaks = true_and_false[kind]
    found = _judged(synthetic, arm, holds if claim_holds else breaks, holds)
    assert (found.verdict, found.as_expected) == (Verdict.INCONCLUSIVE, None)
    assert "no power: the control (a change) is within, expected outside" in found.because


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_that_could_not_be_measured_shows_no_power(
    kind: str, true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]], synthetic: Synthetic
) -> None:
    arm, holds, breaks = true_and_false[kind]
    lost = [
        Observation(
            each.arm, each.point, each.adversary, each.trial, each.key, None, Status.FAILED, detail="no bracket"
        )
        for each in breaks
    ]
    assert _judged(synthetic, arm, holds, lost).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("kind", KINDS)
def test_a_blow_up_contradicts_every_kind(
    kind: str, true_and_false: Mapping[str, tuple[Arm, list[Observation], list[Observation]]], synthetic: Synthetic
) -> None:
    """A frontier whose every draw diverges lies beyond every width: it is not measured, and never within."""
    arm, holds, breaks = true_and_false[kind]
    diverged = [
        Observation(each.arm, each.point, each.adversary, each.trial, each.key, None, Status.DIVERGED) for each in holds
    ]
    found = _judged(synthetic, arm, diverged, breaks)
    assert found.verdict is (Verdict.INCONCLUSIVE if kind == "frontier" else Verdict.OUTSIDE)


@pytest.mark.parametrize("stretch", [0.4, 0.5, 0.6])
@pytest.mark.parametrize("deepest", [10, 12])
def test_a_loss_that_falls_like_a_stretched_exponential_is_not_geometric(
    stretch: float, deepest: int, synthetic: Synthetic
) -> None:
    """f = exp(-(t/t_0)^s) takes steps like k^(1/s - 1) for decade k: outside at the tolerance of the shipped claims."""
    decades = tuple(float(k) for k in range(1, deepest + 1))
    rows = [[math.ceil(scale * k ** (1 / stretch)) for k in decades] for scale in np.linspace(20, 40, 8)]
    observed = synthetic.observations(decades, rows)
    found = _judged(synthetic, synthetic.arm("decades", kind="decay", tolerance=0.04), observed, observed)
    assert found.verdict is Verdict.OUTSIDE


@pytest.mark.parametrize("power", [1.0, 2.0, 4.0, 8.0])
def test_a_loss_that_falls_like_a_power_of_time_is_not_geometric(power: float, synthetic: Synthetic) -> None:
    """f = (t/t_0)^-p, which looks straight on any log-log plot: log(10)/p per decade."""
    decades = tuple(float(k) for k in range(1, 11))
    scales = np.linspace(50, 100, 8)
    rows = [[math.ceil(scale * 10 ** (k / power)) for k in decades] for scale in scales]
    found = _judged(
        synthetic,
        synthetic.arm("decades", kind="decay", tolerance=0.1),
        synthetic.observations(decades, rows),
        synthetic.observations(decades, rows),
    )
    assert found.verdict is Verdict.OUTSIDE
    assert f"{math.log(10) / power:.2f}"[:3] in found.because


@pytest.mark.parametrize("rate", [0.5 * math.log(2), -0.5 * math.log(2)])
def test_an_exponential_hides_from_an_exponent_but_not_from_a_rate(rate: float, synthetic: Synthetic) -> None:
    """Norms that double, or halve, at every second layer (variance 4/m, 1/m) pass for a cubic at L <= 8."""
    horizons = (4.0, 8.0, 16.0, 32.0, 64.0)
    tilts = np.linspace(-0.05, 0.05, 8)
    rows = [[math.exp(rate * p) * p ** float(tilt) for p in horizons] for tilt in tilts]
    arm = synthetic.arm("horizon", kind="growth", rate=0.17)
    observations = synthetic.observations(horizons, rows)
    found = _judged(synthetic, arm, observations, observations)
    assert found.verdict is Verdict.OUTSIDE


@pytest.mark.parametrize("factor", [1.02, 2.0])
def test_a_constant_that_is_too_small_is_outside(factor: float, synthetic: Synthetic) -> None:
    """An event with its constant wrong by a factor, on quantities that scatter by 1%."""
    arm = synthetic.arm(None, kind="event", bound=1.0, probability=0.9)
    rng = np.random.default_rng(3)
    values = factor * np.exp(0.01 * rng.standard_normal((57, 1)))
    observations = synthetic.observations([1.0], values.tolist())
    assert _judged(synthetic, arm, observations, observations).verdict is Verdict.OUTSIDE
