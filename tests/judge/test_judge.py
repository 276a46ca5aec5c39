from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from rnnconv_cli.judge.judge import exit_status, judge_arm, judge_check, judge_claim, level
from rnnconv_cli.records import CheckResult, ClaimResult, Frontier, Observation, Status, Trial, Verdict
from rnnconv_cli.spec.claim import Arm, Law, Perturbation
from rnnconv_cli.spec.loader import LoadedCheck

if TYPE_CHECKING:
    from tests.conftest import Synthetic

WITHIN, OUTSIDE, INCONCLUSIVE, MEASURED = Verdict.WITHIN, Verdict.OUTSIDE, Verdict.INCONCLUSIVE, Verdict.MEASURED
WIDTHS = (64.0, 128.0, 256.0, 512.0, 1024.0)
FALSE, TRUE = 0.5, -0.5  # exponents of data against the bound -0.5 + 0.1
BORDER = -0.4


@pytest.fixture
def arm(synthetic: Synthetic) -> Arm:
    return synthetic.arm(kind="exponent", exponent=-0.5, tolerance=0.1)


def _measured(synthetic: Synthetic, main: float, control: float) -> list[Observation]:
    found = []
    for name, exponent in (("main", main), ("control", control)):
        rows = [[m ** (exponent + tilt) for m in WIDTHS] for tilt in (-0.02, -0.01, 0.01, 0.02)]
        found += synthetic.observations(WIDTHS, rows, arm=name)
    return found


def a_second(trial: Trial) -> float:
    """What every trial is predicted to take."""
    return 1.0


def _check(synthetic: Synthetic, loaded: LoadedCheck, observations: list[Observation]) -> CheckResult:
    return judge_check(
        loaded,
        observations,
        claim=synthetic.claim().claim,
        level=0.95,
        is_count={},
        definitions={"made-up": "a number [1]"},
        price=a_second,
    )


@pytest.mark.parametrize(
    ("main", "control", "verdict", "as_expected"),
    [
        (TRUE, FALSE, WITHIN, True),
        (FALSE, FALSE, OUTSIDE, False),
        (BORDER, FALSE, INCONCLUSIVE, None),
        (TRUE, TRUE, INCONCLUSIVE, None),
        (FALSE, TRUE, INCONCLUSIVE, None),
        (TRUE, BORDER, INCONCLUSIVE, None),
    ],
)
def test_no_verdict_without_a_control_that_breaks(
    main: float, control: float, verdict: Verdict, as_expected: bool | None, arm: Arm, synthetic: Synthetic
) -> None:
    found = _check(synthetic, synthetic.check(arm), _measured(synthetic, main, control))
    assert (found.verdict, found.as_expected) == (verdict, as_expected)
    assert found.control.as_expected is (control == FALSE)
    if control != FALSE:
        assert found.because.startswith("no power: the control (a change) is ")
        assert found.finding.settle.startswith("for the control: ")
        assert len(found.because) <= 110


@pytest.mark.parametrize(("control", "expected", "holds"), [(TRUE, "within", True), (FALSE, "within", False)])
def test_a_control_may_be_declared_to_hold(
    control: float, expected: str, holds: bool, arm: Arm, synthetic: Synthetic
) -> None:
    loaded = synthetic.check(arm, control_expected=expected)
    assert _check(synthetic, loaded, _measured(synthetic, TRUE, control)).control.as_expected is holds


def test_what_is_expected_is_compared_with_the_verdict(arm: Arm, synthetic: Synthetic) -> None:
    loaded = synthetic.check(arm, expected="outside")
    assert _check(synthetic, loaded, _measured(synthetic, FALSE, FALSE)).as_expected is True
    assert _check(synthetic, loaded, _measured(synthetic, TRUE, FALSE)).as_expected is False


def test_a_check_says_where_it_comes_from(arm: Arm, synthetic: Synthetic) -> None:
    found = _check(synthetic, synthetic.check(arm), _measured(synthetic, TRUE, FALSE))
    assert found.source == "arXiv:1810.12065v4, (5.1), p. 12"
    assert (found.id, found.kind, found.parameter, found.status) == ("made-up-check", "exponent", "width", "theorem")
    assert found.definition == found.control.definition == "a number [1]"
    assert found.control.quantity == found.quantity
    assert found.worst_adversary is None
    assert len(found.observations) == 40


def test_a_check_says_what_follows_its_parameter(synthetic: Synthetic) -> None:
    arm = synthetic.arm("horizon", kind="exponent", exponent=-0.5, tolerance=0.1)
    law = Law(coefficient=4.0, parameter="horizon", power=2.0, at_least=256.0)
    followed = arm.model_copy(update={"sweep": arm.sweep.model_copy(update={"path": {"width": law}})})
    assert _check(synthetic, synthetic.check(followed), []).path == "m = max(256, 4 L^2)"
    assert _check(synthetic, synthetic.check(arm), []).path == ""


def test_a_control_can_have_a_prediction_of_another_kind(arm: Arm, synthetic: Synthetic) -> None:
    control = synthetic.arm(None, kind="event", bound=1.0, probability=0.9)
    observations = [
        *(each for each in _measured(synthetic, TRUE, FALSE) if each.arm == "main"),
        *synthetic.observations((1.0,), [[2.0]] * 40, arm="control"),
    ]
    assert _check(synthetic, synthetic.check(arm, control=control), observations).verdict is WITHIN


@pytest.mark.parametrize(("status", "holds"), [(Status.OK, True), (Status.OUT_OF_REGIME, False)])
def test_a_control_that_could_not_be_measured_shows_nothing(
    status: Status, holds: bool, arm: Arm, synthetic: Synthetic
) -> None:
    """One that is expected to stay open has to be measured and to stay open, as around the border here."""
    tilts = (-0.3, 0.3, -0.2, 0.2, -0.1, 0.1, 0.0, 0.0)
    rows = [[m ** (-0.4 + tilt) if status is Status.OK else status for m in WIDTHS] for tilt in tilts]
    main = [each for each in _measured(synthetic, TRUE, FALSE) if each.arm == "main"]
    loaded = synthetic.check(arm, control_expected="inconclusive")
    found = _check(synthetic, loaded, [*main, *synthetic.observations(WIDTHS, rows, arm="control")])
    assert found.control.finding.verdict is INCONCLUSIVE
    assert found.control.as_expected is holds
    assert found.verdict is (WITHIN if holds else INCONCLUSIVE)
    assert holds or found.because.startswith("no power: the control (a change) could not be measured")


def test_a_lost_draw_that_decides_nothing_was_measured_all_the_same(arm: Arm, synthetic: Synthetic) -> None:
    rows: list[list[float | Status]] = [[m ** (TRUE + 0.01 * k) for m in WIDTHS] for k in range(-4, 4)]
    rows[0][-1] = Status.DIVERGED
    control = [each for each in _measured(synthetic, TRUE, FALSE) if each.arm == "control"]
    found = _check(synthetic, synthetic.check(arm), [*synthetic.observations(WIDTHS, rows), *control])
    assert found.verdict is INCONCLUSIVE
    claim = judge_claim(synthetic.claim(), [found])
    assert [exit_status([claim], strict=strict)[0] for strict in (False, True)] == [0, 4]


def test_nothing_measured_is_no_verdict(arm: Arm, synthetic: Synthetic) -> None:
    found = _check(synthetic, synthetic.check(arm, beside=["beside"]), [])
    assert found.verdict is INCONCLUSIVE
    assert found.exhibits[0].median is None


def test_what_would_settle_a_check_has_the_price_of_its_own_trials(arm: Arm, synthetic: Synthetic) -> None:
    """Of the main run, each trial once: here 4 draws at each point, and some 100 times as many to decide."""
    rows = [[m ** (-0.39 + tilt) for m in WIDTHS] for tilt in (-0.05, -0.02, 0.02, 0.05)]
    main = synthetic.observations(WIDTHS, rows)
    control = [each for each in _measured(synthetic, TRUE, FALSE) if each.arm == "control"]
    found = _check(synthetic, synthetic.check(arm), [*main, *main, *control])
    match = re.match(
        r"(\d+) instead of 4 draws \(.*x the trials, about (\S+) core-minutes more\)", found.finding.settle
    )
    assert match is not None, found.finding.settle
    assert float(match[2]) == pytest.approx((int(match[1]) - 4) * len(WIDTHS) / 60, rel=0.05)


def test_a_count_is_known_by_its_quantity(arm: Arm, synthetic: Synthetic) -> None:
    observations = _measured(synthetic, TRUE, FALSE)
    counted = judge_check(
        synthetic.check(arm),
        observations,
        claim=synthetic.claim().claim,
        level=0.95,
        is_count={"made-up": True},
        definitions={},
        price=a_second,
    )
    assert "below 20" in counted.finding.because


@pytest.mark.parametrize(
    ("last", "middle", "low", "high", "counts"),
    [
        ([1.0, 3.0, 2.0], 2.0, 1.0, 3.0, (("ok", 3),)),
        ([1.0, 3.0, Status.ZERO], 1.0, 0.0, 3.0, (("ok", 2), ("zero", 1))),
        ([1.0, 3.0, Status.DIVERGED], 3.0, 1.0, None, (("diverged", 1), ("ok", 2))),
        ([1.0, Status.DIVERGED, Status.DIVERGED], None, 1.0, None, (("diverged", 2), ("ok", 1))),
        ([1.0, 2.0, Status.FAILED], 1.5, 1.0, 2.0, (("failed", 1), ("ok", 2))),
        ([Status.FAILED] * 3, None, None, None, (("failed", 3),)),
    ],
)
def test_an_exhibit_shows_its_last_point(
    last: list[float | Status],
    middle: float | None,
    low: float | None,
    high: float | None,
    counts: tuple[tuple[str, int], ...],
    arm: Arm,
    synthetic: Synthetic,
) -> None:
    shown = synthetic.observations((64.0, 128.0), [[99.0, entry] for entry in last], arm="beside")
    found = _check(synthetic, synthetic.check(arm, beside=["beside"]), _measured(synthetic, TRUE, FALSE) + shown)
    exhibit = found.exhibits[0]
    assert (exhibit.point, exhibit.median, exhibit.low, exhibit.high) == (128.0, middle, low, high)
    assert exhibit.counts == counts


SHARES = {16: 0.1, 32: 0.3, 64: 0.6, 128: 0.9, 256: 1.0}


def _dose_response(synthetic: Synthetic, arm: str, shift: float = 1.0) -> list[Observation]:
    """Draws of an event at five widths, whose shares stand at `shift` times the width; never, if that is infinite."""
    rng = np.random.default_rng(1)
    return [
        each
        for width, share in SHARES.items()
        for each in synthetic.observations(
            (4.0,),
            [[2.0 * float(rng.random() > share) if math.isfinite(shift) else 2.0] for _ in range(40)],
            arm=arm,
            width=width if math.isinf(shift) else round(shift * width),
        )
    ]


@pytest.fixture
def open_frontier(synthetic: Synthetic) -> Arm:
    return synthetic.arm("horizon", kind="frontier", bound=1.0, probability=0.5)


def test_a_frontier_that_is_measured_is_no_verdict(open_frontier: Arm, synthetic: Synthetic) -> None:
    observations = _dose_response(synthetic, "main") + _dose_response(synthetic, "control", math.inf)
    found = _check(synthetic, synthetic.check(open_frontier), observations)
    assert (found.verdict, found.control.finding.verdict, found.as_expected) == (MEASURED, OUTSIDE, None)
    assert found.control.finding.because == "no width up to 256 is sufficient"
    claim = judge_claim(synthetic.claim(), [found])
    assert (claim.verdict, claim.as_expected) == (MEASURED, None)
    assert exit_status([claim], strict=True) == (0, ())


def test_a_frontier_whose_control_is_wide_enough_too_has_no_power(open_frontier: Arm, synthetic: Synthetic) -> None:
    observations = _dose_response(synthetic, "main") + _dose_response(synthetic, "control", 2.0)
    found = _check(synthetic, synthetic.check(open_frontier), observations)
    assert (found.finding.verdict, found.control.finding.verdict) == (MEASURED, MEASURED)
    assert (found.verdict, found.because) == (
        INCONCLUSIVE,
        "no power: the control (a change) is measured, expected outside",
    )


def test_a_frontier_that_no_width_reaches_contradicts(open_frontier: Arm, synthetic: Synthetic) -> None:
    observations = [each for arm in ("main", "control") for each in _dose_response(synthetic, arm, math.inf)]
    found = _check(synthetic, synthetic.check(open_frontier), observations)
    assert (found.verdict, found.as_expected) == (OUTSIDE, False)


def test_an_exhibit_of_a_frontier_has_its_price(open_frontier: Arm, synthetic: Synthetic) -> None:
    observations = [
        *_dose_response(synthetic, "main"),
        *_dose_response(synthetic, "control", math.inf),
        *_dose_response(synthetic, "beside", 0.5),
    ]
    found = _check(synthetic, synthetic.check(open_frontier, beside=["beside"]), observations)
    (exhibit,) = found.exhibits
    assert exhibit.estimate is not None
    assert exhibit.price is not None
    assert exhibit.price.value == pytest.approx(2.0)
    assert list(exhibit.price.ratios) == pytest.approx([2.0])
    assert isinstance(found.finding.estimate, Frontier)
    assert found.finding.estimate.widths[0] == pytest.approx(2 * exhibit.estimate.widths[0])


def test_the_worst_adversary_is_named(arm: Arm, synthetic: Synthetic) -> None:
    rows = [[m**-0.5 for m in WIDTHS]] * 4
    observations = [
        *synthetic.observations(WIDTHS, rows, adversary="gaussian"),
        *synthetic.observations(WIDTHS, [[2 * value for value in row] for row in rows], adversary="kinks"),
    ]
    assert judge_arm(arm, observations, level=0.95, is_count=False, seconds=1.0)[2] == "kinks (2x gaussian)"


def test_the_level_is_corrected_for_the_checks_of_a_claim(synthetic: Synthetic) -> None:
    claim = synthetic.claim().claim
    assert level(claim) == 0.95
    assert level(claim.model_copy(update={"checks": claim.checks * 10})) == pytest.approx(0.995)


def _claim(synthetic: Synthetic, arm: Arm, *verdicts: tuple[Verdict, Verdict]) -> ClaimResult:
    """A claim whose checks have these (verdict, expected)."""
    base = _check(synthetic, synthetic.check(arm), _measured(synthetic, TRUE, FALSE))
    decided = (WITHIN, OUTSIDE)
    checks = [
        replace(
            base,
            id=f"check-{index}",
            verdict=verdict,
            expected=expected,
            as_expected=verdict is expected if verdict in decided else None,
            because="the reason",
        )
        for index, (verdict, expected) in enumerate(verdicts)
    ]
    return judge_claim(synthetic.claim(), checks)


@pytest.mark.parametrize(
    ("verdicts", "verdict", "expected", "as_expected"),
    [
        (((WITHIN, WITHIN), (WITHIN, WITHIN)), WITHIN, WITHIN, True),
        (((WITHIN, WITHIN), (OUTSIDE, WITHIN)), OUTSIDE, WITHIN, False),
        (((WITHIN, WITHIN), (OUTSIDE, OUTSIDE)), OUTSIDE, OUTSIDE, True),
        (((WITHIN, WITHIN), (INCONCLUSIVE, WITHIN)), INCONCLUSIVE, WITHIN, None),
        (((OUTSIDE, WITHIN), (INCONCLUSIVE, WITHIN)), OUTSIDE, WITHIN, False),
        (((WITHIN, OUTSIDE), (INCONCLUSIVE, WITHIN)), INCONCLUSIVE, OUTSIDE, False),
        (((WITHIN, WITHIN), (MEASURED, WITHIN)), WITHIN, WITHIN, True),
    ],
)
def test_a_claim_is_the_sum_of_its_checks(
    verdicts: tuple[tuple[Verdict, Verdict], ...],
    verdict: Verdict,
    expected: Verdict,
    as_expected: bool | None,
    arm: Arm,
    synthetic: Synthetic,
) -> None:
    found = _claim(synthetic, arm, *verdicts)
    assert (found.verdict, found.expected, found.as_expected) == (verdict, expected, as_expected)
    assert (found.id, len(found.digest)) == ("made-up-claim", 64)


@pytest.mark.parametrize(
    ("verdicts", "plain", "strict"),
    [
        (((WITHIN, WITHIN),), 0, 0),
        (((OUTSIDE, OUTSIDE),), 0, 0),
        (((INCONCLUSIVE, WITHIN),), 0, 4),
        (((OUTSIDE, WITHIN),), 3, 3),
        (((WITHIN, OUTSIDE),), 3, 3),
        (((INCONCLUSIVE, WITHIN), (OUTSIDE, WITHIN)), 3, 3),
    ],
)
def test_exit_status(
    verdicts: tuple[tuple[Verdict, Verdict], ...], plain: int, strict: int, arm: Arm, synthetic: Synthetic
) -> None:
    claim = _claim(synthetic, arm, *verdicts)
    assert exit_status([claim], strict=False)[0] == plain
    assert exit_status([claim], strict=True)[0] == strict


def test_every_reason_is_named_the_most_important_first(arm: Arm, synthetic: Synthetic) -> None:
    claim = _claim(synthetic, arm, (INCONCLUSIVE, WITHIN), (WITHIN, WITHIN), (OUTSIDE, WITHIN))
    contradicted = "made-up-claim/check-2: outside, expected within"
    assert exit_status([claim], strict=False) == (3, (contradicted,))
    assert exit_status([claim], strict=True) == (3, (contradicted, "made-up-claim/check-0: inconclusive, the reason"))
    assert exit_status([], strict=True) == (0, ())


@pytest.mark.parametrize("lost", ["main", "control"])
def test_one_failed_trial_takes_the_verdict_away_and_ends_the_run_with_five(
    lost: str, arm: Arm, synthetic: Synthetic
) -> None:
    measured = _measured(synthetic, TRUE, FALSE)
    index = next(index for index, each in enumerate(measured) if each.arm == lost)
    measured[index] = replace(measured[index], value=None, status=Status.FAILED, detail="no bracket")
    found = _check(synthetic, synthetic.check(arm), measured)
    assert found.verdict is INCONCLUSIVE
    contradicted = replace(found, id="other", verdict=OUTSIDE, as_expected=False, observations=())
    status, reasons = exit_status([judge_claim(synthetic.claim(), [contradicted, found])], strict=False)
    assert status == 5
    assert reasons[0].startswith("made-up-claim/made-up-check: could not measure 1 of ")
    assert reasons[0].endswith(f"({lost}): no bracket")
    assert reasons[1:] == ("made-up-claim/other: outside, expected within",)


@pytest.mark.parametrize("worst", ["largest", "smallest"])
def test_a_check_says_which_value_counts(worst: Literal["largest", "smallest"], arm: Arm, synthetic: Synthetic) -> None:
    observations = _measured(synthetic, TRUE, FALSE)
    assert _check(synthetic, synthetic.check(arm), observations).worst == "largest"
    searched = arm.model_copy(update={"perturbation": Perturbation(size=1.0, adversaries=("gaussian",), worst=worst)})
    assert _check(synthetic, synthetic.check(searched), observations).worst == worst
