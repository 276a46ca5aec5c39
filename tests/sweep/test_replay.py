"""A stored trial measured again, what its numbers are compared by, and which trials are refused."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import ResourceError, UsageError
from rnnconv_cli.records import (
    PerturbationSetting,
    ProbeSetting,
    ProblemSetting,
    Reading,
    Status,
    TrainingSetting,
    Trial,
)
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import load
from rnnconv_cli.sweep import replay
from rnnconv_cli.sweep.conditions import REL_TOLERANCE, conditions
from rnnconv_cli.sweep.engines import Processes
from rnnconv_cli.sweep.execute import execute
from rnnconv_cli.sweep.plan import make_plan
from rnnconv_cli.sweep.replay import Compared, Replay, changes, compared, measure_again, refuse_impossible
from rnnconv_cli.sweep.worker import program

if TYPE_CHECKING:
    from tests.conftest import Recorder

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 0.5, "inverse-lambda-max", 200, 1e-3, "loss")
TRIAL = Trial("pattern-flips", PROBLEM, None, PerturbationSetting(0.1, "kinks", "initial"), None, (), (), 0, 7)
RUN = Trial("steps-to-decades", PROBLEM, TRAINING, None, None, (1, 2, 3), (), 1, 7)
OK = Reading(0.3, point=1.0)


# --- a trial measured again -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", [TRIAL, RUN])
def test_it_is_measured_as_a_run_measures_it(trial: Trial, recorder: Recorder) -> None:
    engine = Processes(1, program("compiled"))
    expected = execute([trial], backend="compiled", engine=engine, progress=recorder)[trial]
    recorder.phases.clear()
    assert measure_again(trial, "compiled", recorder) == expected
    assert [name.partition(" ")[0] for name, _ in recorder.phases] == ["compiling", "measuring"]


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch, recorder: Recorder) -> None:
    monkeypatch.setattr(replay, "usable_memory", lambda: 1000)
    with pytest.raises(ResourceError, match="pattern-flips m=32 L=4 n=2 draw 0: found a need"):
        measure_again(TRIAL, "compiled", recorder)


# --- two numbers ------------------------------------------------------------------------------------------------------


def test_bits_decide() -> None:
    next_one = math.nextafter(0.3, 1)
    pair = Compared(OK, replace(OK, value=next_one))
    assert (Compared(OK, OK).is_same, pair.is_same, pair.is_close) == (True, False, True)
    assert pair.last_places == 1.0
    assert pair.relative == pytest.approx((next_one - 0.3) / 0.3)
    assert not Compared(replace(OK, value=0.0), replace(OK, value=-0.0)).is_same
    assert Compared(replace(OK, value=3), replace(OK, value=3.0)).is_same


@pytest.mark.parametrize(
    ("stored", "now", "is_close"),
    [
        (1.0, 1.0 + 0.9 * REL_TOLERANCE, True),
        (1.0, 1.0 + 1.1 * REL_TOLERANCE, False),
        (-1e300, -1e300 * (1 + 0.5 * REL_TOLERANCE), True),
        (1e-320, 2e-320, False),
        (1e308, -1e308, False),
        (0.0, 1e-300, False),
    ],
)
def test_other_conditions_are_allowed_a_relative_difference(stored: float, now: float, is_close: bool) -> None:
    pair = Compared(replace(OK, value=stored), replace(OK, value=now))
    assert (pair.is_same, pair.is_close) == (False, is_close)


def test_what_is_at_round_off_has_no_digits_to_compare_under_other_conditions() -> None:
    then, now = Reading(3e-34, Status.ROUND_OFF, 1.0), Reading(9e-34, Status.ROUND_OFF, 1.0)
    assert (Compared(then, now).is_same, Compared(then, now).is_close) == (False, True)
    assert not Compared(then, replace(now, status=Status.OK)).is_close


@pytest.mark.parametrize(
    ("now", "is_same", "is_close"),
    [
        (((0, 1.0), (2, math.inf), (3, 1e-20)), True, True),
        (((0, 1.0 + 1e-9), (2, math.inf), (3, 1e-20)), False, True),
        (((0, 1.0), (2, math.inf), (3, 3e-20)), False, True),
        (((0, 1.1), (2, math.inf), (3, 1e-20)), False, False),
        (((0, 1.0), (2, 1e300), (3, 1e-20)), False, False),
        (((0, 1.0), (1, math.inf), (3, 1e-20)), False, False),
        (((0, 1.0), (2, math.inf)), False, False),
        ((), False, False),
    ],
)
def test_a_loss_curve_is_compared_too(now: Any, is_same: bool, is_close: bool) -> None:
    then = replace(OK, curve=((0, 1.0), (2, math.inf), (3, 1e-20)))
    for stored in (then, replace(then, value=None, status=Status.NOT_REACHED)):
        pair = Compared(stored, replace(stored, curve=now))
        assert (pair.has_same_value, pair.has_same_curve) == (True, is_same)
        assert (pair.is_same, pair.is_close) == (is_same, is_close)
        assert Replay((pair,), ()).exit_status == (0 if is_same else 3)
        assert Replay((pair,), ("numpy 1 → 2",)).exit_status == (0 if is_close else 3)


@pytest.mark.parametrize(
    ("quantity", "stored", "now", "status"),
    [
        ("first-order-error", 1e-3, 4e-3, 0),
        ("first-order-error", 0.0, 0.9, 0),
        ("first-order-error", 0.1, 1.2, 3),
        ("first-order-error-without-second-pattern", 1e13, 1e13 * (1 + 1e-8), 0),
        ("first-order-error-without-second-pattern", 1e13, 1e13 * (1 + 1e-5), 3),
        ("pattern-flips", 20.5, 21.5, 0),
        ("pattern-flips", 20.5, 22.0, 3),
        ("hidden-change", 1e-3, 4e-3, 3),
    ],
)
def test_rounding_errors_and_counts_are_allowed_a_unit(quantity: str, stored: float, now: float, status: int) -> None:
    pairs = compared((replace(OK, value=stored),), (replace(OK, value=now),), quantity)
    assert Replay(pairs, ("numpy 1 → 2",)).exit_status == status
    assert Replay(pairs, ()).exit_status == 3


def test_where_there_is_no_value_the_statuses_are_compared() -> None:
    lost = Reading(None, Status.NOT_REACHED, 1.0)
    assert Compared(lost, lost).is_same
    assert Compared(lost, lost).relative is None
    diverged = Compared(lost, replace(lost, status=Status.DIVERGED))
    assert (diverged.is_same, diverged.is_close, Compared(lost, OK).is_close) == (False, False, False)


def test_a_run_is_read_at_its_own_places() -> None:
    assert not Compared(replace(OK, point=2.0), OK).is_same
    assert Compared(replace(OK, point=512.0), replace(OK, point=None)).is_same


# --- the whole --------------------------------------------------------------------------------------------------------

FAILED = Reading(None, Status.FAILED, 1.0, detail="no bracket")


@pytest.mark.parametrize(
    ("stored", "now", "changed", "status"),
    [
        (OK, OK, (), 0),
        (OK, OK, ("numpy 1 → 2",), 0),
        (OK, replace(OK, value=0.3 * (1 + 1e-9)), (), 3),
        (OK, replace(OK, value=0.3 * (1 + 1e-9)), ("numpy 1 → 2",), 0),
        (OK, replace(OK, value=0.31), ("numpy 1 → 2",), 3),
        (OK, replace(OK, value=None, status=Status.DIVERGED), ("numpy 1 → 2",), 3),
        (OK, FAILED, (), 5),
        (FAILED, FAILED, (), 5),
        (FAILED, OK, (), 3),
        (FAILED, OK, ("numpy 1 → 2",), 3),
        (OK, replace(OK, detail="another"), (), 3),
        (OK, replace(OK, detail="another"), ("numpy 1 → 2",), 0),
    ],
)
def test_what_must_hold_depends_on_the_conditions(
    stored: Reading, now: Reading, changed: tuple[str, ...], status: int
) -> None:
    assert Replay(compared((OK, stored), (OK, now), "hidden-norm-max"), changed).exit_status == status


def test_changes_are_those_of_the_conditions() -> None:
    here: dict[str, Any] = dict(conditions("compiled").facts)
    assert changes({**here, "date": "yesterday", "store": "x", "processors": ""}, "compiled") == ()
    assert changes({**here, "numpy": "1.0"}, "compiled") == (f"numpy 1.0 → {here['numpy']}",)
    assert changes({**here, "sources.kernels": "0", "blas.old.core": "x"}, "compiled") == (
        "source of kernels changed",
        "blas.old.core x → none",
    )
    assert changes({}, "compiled")
    (elsewhere,) = changes({**here, "processors": "abacus, Haswell"}, "compiled")
    assert elsewhere.startswith("processors abacus, Haswell → ")


# --- trials that no claim could ask for -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: path.stem)
def test_what_claims_ask_for_is_possible(path: Any) -> None:
    for profile in ("quick", "full"):
        jobs = make_plan([load(path)], profile=profile, seed=0).jobs
        for job in {(job.check, job.arm, job.point, job.trial.problem.width): job for job in jobs}.values():
            refuse_impossible(job.trial, "compiled", "r.json")


def test_an_unknown_backend() -> None:
    with pytest.raises(UsageError, match=r"found backend 'abacus' in r\.json, wanted one of compiled, reference"):
        refuse_impossible(TRIAL, "abacus", "r.json")


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (replace(TRIAL, quantity="luck"), "the quantity 'luck', which this rnnconv does not know"),
        (replace(TRIAL, problem=replace(PROBLEM, dtype="object")), "problem.dtype"),
        (replace(TRIAL, perturbation=None), "reads other sections"),
        (replace(TRIAL, training=TRAINING), "reads other sections"),
        (replace(TRIAL, probe=ProbeSetting()), "reads other sections"),
        (replace(TRIAL, quantity="good-share", perturbation=None, probe=ProbeSetting(rows=1.0)), "reads other numbers"),
        (replace(TRIAL, perturbation=PerturbationSetting(0.1, "imp", "initial")), "the adversary 'imp'"),
        (replace(TRIAL, read_at=(1,)), "is read elsewhere"),
        (replace(RUN, read_at=()), "is read elsewhere"),
        (replace(RUN, read_at=(2, 1)), "is read elsewhere"),
        (replace(RUN, read_at=(0, 1)), "it is read from 0 to 1"),
        (replace(RUN, read_at=(1, 1000)), "it is read from 1 to 1000"),
        (replace(RUN, quantity="movement-at-steps", read_at=(1, 201)), "it is read from 1 to 201"),
    ],
)
def test_an_impossible_trial(trial: Trial, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        refuse_impossible(trial, "compiled", "r.json")
    said = str(caught.value)
    assert said.startswith("found a trial that no claim could ask for in r.json (")
    assert why in said
