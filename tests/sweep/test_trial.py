from __future__ import annotations

import math
from dataclasses import replace

import pytest

from rnnconv_cli.kernels.backend import Backend
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.problem.elman import Instance
from rnnconv_cli.records import ProblemSetting, Reading, Status, Trial
from rnnconv_cli.sweep import trial
from rnnconv_cli.sweep.trial import run_group

PROBLEM = ProblemSetting(
    8, 3, 2, 4, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRIAL = Trial("hidden-norm-max", PROBLEM, None, None, None, (), (), 0, 7)


@pytest.mark.parametrize("value", [1e300, -1e300, 0.5])
def test_a_value_that_can_be_counted_with_stays(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    assert _measured(monkeypatch, value) == Reading(value, point=2.0)


@pytest.mark.parametrize("value", [1.1e300, -1.1e300, math.inf, math.nan])
def test_a_value_beyond_has_diverged(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    assert _measured(monkeypatch, value) == Reading(None, Status.DIVERGED, 2.0, detail="beyond 1e+300")


def test_a_precondition_that_memory_does_not_hold_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(setting: ProblemSetting, x: object, asked: tuple[str, ...]) -> tuple[str, ...]:
        if asked:
            raise MemoryError("Unable to allocate 7 TiB")
        return ()

    monkeypatch.setattr(trial, "broken_preconditions", broken)
    asks, does_not = run_group((replace(TRIAL, preconditions=("separation",)), TRIAL), "reference")
    assert asks == (Reading(None, Status.FAILED, detail="Unable to allocate 7 TiB"),)
    assert does_not[0].status is Status.OK


def test_a_broken_precondition_is_out_of_regime_where_it_is_asked_for() -> None:
    narrow = replace(TRIAL, problem=replace(PROBLEM, width=6))  # n L = 6
    asks, does_not = run_group((replace(narrow, preconditions=("gram-schmidt", "separation")), narrow), "reference")
    assert asks == (Reading(None, Status.OUT_OF_REGIME, detail="breaks gram-schmidt"),)
    assert does_not[0].status is Status.OK


def _measured(monkeypatch: pytest.MonkeyPatch, value: float) -> Reading:
    """The reading of a trial whose quantity is `value`."""

    def measure(instance: Instance, trial: Trial, backend: Backend) -> tuple[Reading, ...]:
        return (Reading(value, point=2.0),)

    monkeypatch.setitem(MEASUREMENTS, TRIAL.quantity, replace(MEASUREMENTS[TRIAL.quantity], measure=measure))
    ((reading,),) = run_group((TRIAL,), "reference")
    return reading
