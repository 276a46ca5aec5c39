from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from rnnconv_cli.judge.counting import event_finding, identity_finding
from rnnconv_cli.records import Finding, IdentityError, Probability, Status, Verdict
from rnnconv_cli.spec.claim import EventPrediction, IdentityPrediction

if TYPE_CHECKING:
    from tests.conftest import Synthetic

OK = Status.OK
EVENT = EventPrediction(kind="event", bound=1.0, probability=0.9, reason="made up")
LOWER = EventPrediction(kind="event", side="lower", bound=1.0, probability=0.9, reason="made up")
IDENTITY = IdentityPrediction(kind="identity", rounding_units=8.0, reason="made up")


def _event(synthetic: Synthetic, entries: Sequence[float | Status], prediction: EventPrediction = EVENT) -> Finding:
    observations = synthetic.observations((1.0,), [[entry] for entry in entries])
    arm = synthetic.arm(None, **prediction.model_dump())
    smallest = prediction.side == "lower"
    return event_finding(arm, prediction, observations, smallest=smallest, level=0.95, seconds=1.0)[0]


@pytest.mark.parametrize(
    ("held", "broken", "verdict", "because"),
    [
        (40, 0, "within", "40 of 40 draws are <= 1: [0.912, 1.000] lies above 0.9"),
        (39, 1, "inconclusive", "39 of 40 draws are <= 1: [0.868, 0.999] straddles 0.9"),
        (20, 20, "outside", "20 of 40 draws are <= 1: [0.338, 0.662] lies below 0.9"),
        (0, 40, "outside", "0 of 40 draws are <= 1: [0.000, 0.088] lies below 0.9"),
    ],
)
def test_the_interval_of_the_share_decides(
    held: int, broken: int, verdict: str, because: str, synthetic: Synthetic
) -> None:
    found = _event(synthetic, [0.5] * held + [1.5] * broken)
    assert (found.verdict, found.because) == (verdict, because)
    assert isinstance(found.estimate, Probability)
    assert found.slack == pytest.approx(held / 40 - 0.9)
    assert bool(found.settle) is (verdict == "inconclusive")


def test_a_lower_bound_looks_at_the_other_side(synthetic: Synthetic) -> None:
    found = _event(synthetic, [1.5] * 40, LOWER)
    assert found.verdict is Verdict.WITHIN
    assert "40 of 40 draws are >= 1" in found.because


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.NOT_REACHED])
def test_a_blow_up_or_a_missed_target_fails_the_event(status: Status, synthetic: Synthetic) -> None:
    found = _event(synthetic, [0.5] * 20 + [status] * 20)
    assert found.verdict is Verdict.OUTSIDE
    assert found.because.endswith(f"lies below 0.9 (20 {status.value})")


def test_zero_is_a_value(synthetic: Synthetic) -> None:
    assert _event(synthetic, [Status.ZERO] * 40).verdict is Verdict.WITHIN


def test_out_of_regime_is_not_a_draw(synthetic: Synthetic) -> None:
    found = _event(synthetic, [0.5] * 40 + [Status.OUT_OF_REGIME] * 40)
    assert isinstance(found.estimate, Probability)
    assert found.estimate.trials == 40


@pytest.mark.parametrize(("failed", "verdict"), [(0, "within"), (1, "inconclusive"), (60, "inconclusive")])
def test_a_failed_draw_might_have_broken_the_event(failed: int, verdict: str, synthetic: Synthetic) -> None:
    found = _event(synthetic, [0.5] * 36 + [Status.FAILED] * failed)
    assert found.verdict == verdict
    if failed:
        assert f"({failed} failed)" in found.because


def test_failures_that_could_not_save_an_event_do_not_hide_it(synthetic: Synthetic) -> None:
    assert _event(synthetic, [1.5] * 60 + [Status.FAILED] * 2).verdict is Verdict.OUTSIDE


@pytest.mark.parametrize("entries", [[], [Status.FAILED] * 3, [Status.OUT_OF_REGIME] * 3])
def test_without_numbers_an_event_is_not_measured(entries: Sequence[float | Status], synthetic: Synthetic) -> None:
    found = _event(synthetic, entries)
    assert (found.verdict, found.estimate) == (Verdict.INCONCLUSIVE, None)
    assert found.because.startswith("could not measure: none of")


def _identity(synthetic: Synthetic, entries: Sequence[float | Status]) -> Finding:
    observations = synthetic.observations((1.0,), [[entry] for entry in entries])
    arm = synthetic.arm(None, kind="identity", rounding_units=8.0)
    return identity_finding(arm, IDENTITY, observations, smallest=False)[0]


@pytest.mark.parametrize(
    ("largest", "verdict", "words"),
    [(7.9, "within", "at most 8"), (8.0, "within", "at most"), (9.0, "outside", "beyond 8")],
)
def test_the_largest_error_decides(largest: float, verdict: str, words: str, synthetic: Synthetic) -> None:
    found = _identity(synthetic, [0.1, largest, 0.2])
    assert found.verdict == verdict
    assert words in found.because
    assert found.estimate == IdentityError(largest, 8.0, 3)
    assert found.slack == pytest.approx(8 - largest)


def test_an_error_without_end_breaks_an_identity(synthetic: Synthetic) -> None:
    found = _identity(synthetic, [0.1] * 50 + [Status.DIVERGED])
    assert found.verdict is Verdict.OUTSIDE
    assert isinstance(found.estimate, IdentityError)
    assert found.estimate.value == math.inf


@pytest.mark.parametrize(("unused", "verdict"), [(1, "within"), (2, "inconclusive")])
@pytest.mark.parametrize("status", [Status.ZERO, Status.FAILED])
def test_a_formula_that_is_not_exercised_is_not_confirmed(
    status: Status, unused: int, verdict: str, synthetic: Synthetic
) -> None:
    assert _identity(synthetic, [0.1] * (20 - unused) + [status] * unused).verdict == verdict
    assert _identity(synthetic, [9.0] * (20 - unused) + [status] * unused).verdict is Verdict.OUTSIDE


@pytest.mark.parametrize("entries", [[], [Status.ZERO] * 3, [Status.FAILED, Status.OUT_OF_REGIME]])
def test_without_numbers_an_identity_is_not_measured(entries: Sequence[float | Status], synthetic: Synthetic) -> None:
    found = _identity(synthetic, entries)
    assert (found.verdict, found.estimate) == (Verdict.INCONCLUSIVE, None)
