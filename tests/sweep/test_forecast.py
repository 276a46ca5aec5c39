from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.measure.cost import TYPICAL, Speeds
from rnnconv_cli.spec.loader import LoadedClaim
from rnnconv_cli.sweep import forecast as module
from rnnconv_cli.sweep.budget import BUSY
from rnnconv_cli.sweep.forecast import SHORT_RUN, ahead, costs, forecast, likely_rounds, missing, unmeasured
from rnnconv_cli.sweep.plan import Plan, make_plan, predicted_bytes, predicted_seconds
from rnnconv_cli.sweep.serial import Conditions

if TYPE_CHECKING:
    from tests.conftest import Written

HERE = Conditions((("backend", "compiled"),))
LINEAR = {"description": "linear", "change": {"problem": {"activation": "linear"}}}
EVENT: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"width": 16, "horizon": 4, "n_sequences": 2},
    "sweep": {"replicates": 60},
    "prediction": {"kind": "event", "bound": 1.1, "probability": 0.9, "reason": "made up"},
    "control": LINEAR,
}
SEARCH: Mapping[str, Any] = {
    "id": "search",
    "quantity": "hidden-norm-off-band",
    "problem": {"n_sequences": 2},
    "sweep": {"parameter": "horizon", "grid": [2, 3], "search": {"least": 8, "most": 64}, "replicates": 40},
    "prediction": {"kind": "frontier", "bound": 1.0, "probability": 0.75, "reason": "made up"},
    "control": LINEAR,
    "preconditions": ["unit-first-token", "token-norms", "separation"],
}


@pytest.fixture(scope="module")
def claim(written: Written) -> LoadedClaim:
    return written(EVENT, SEARCH)


@pytest.fixture(scope="module")
def plan(claim: LoadedClaim) -> Plan:
    return make_plan([claim], profile="quick", seed=0)


def test_a_check_costs_each_of_its_trials_once(plan: Plan) -> None:
    event, search = costs(Plan((*plan.jobs, *plan.jobs)), TYPICAL)
    assert (event.check, event.trials, event.control_trials) == ("check-0", 60, 60)
    trials = plan.of("made-up", "check-0", "main").trials + plan.of("made-up", "check-0", "control").trials
    assert event.seconds == pytest.approx(sum(map(predicted_seconds, trials)))
    assert event.peak_bytes == max(map(predicted_bytes, trials))
    slower = costs(plan, replace(TYPICAL, trial=2 * TYPICAL.trial))
    assert slower[0].seconds == pytest.approx(event.seconds + 120 * TYPICAL.trial)
    assert search.check == "search"


def test_rounds_count_where_a_search_has_not_begun(claim: LoadedClaim, plan: Plan) -> None:
    rounds = likely_rounds([claim], profile="quick", seed=0)
    assert {(job.check, job.arm) for job in rounds} == {("search", "main"), ("search", "control")}
    assert likely_rounds([claim], profile="quick", seed=0, checks=("check-0",)) == ()
    everything = ahead(plan, rounds, plan.trials)
    assert set(everything) == {job.trial for job in (*plan.jobs, *rounds)}
    assert len(everything) == len(set(everything))
    control = plan.of("made-up", "search", "control").trials
    assert set(ahead(plan, rounds, control)) == {job.trial for job in rounds if job.arm == "control"} | set(control)
    assert ahead(plan, rounds, ()) == ()
    events = plan.of("made-up", "check-0", "main").trials
    assert ahead(plan, rounds, events) == events


def test_a_forecast_is_the_work_over_the_cores_or_its_longest_trial(plan: Plan) -> None:
    speeds = Speeds(trial=1.0)
    seconds = [predicted_seconds(trial, speeds) for trial in plan.trials]
    for jobs in (1, 2):
        found = forecast(plan.trials, jobs=jobs, speeds=speeds, plan=None)
        assert found.seconds == pytest.approx(sum(seconds) / (BUSY * jobs))
        assert (found.jobs, found.peak_bytes) == (jobs, max(map(predicted_bytes, plan.trials)))
    assert forecast(plan.trials, jobs=10**6, speeds=speeds, plan=None).seconds == max(seconds)
    nothing = forecast((), jobs=2, speeds=speeds, plan=None)
    assert (nothing.seconds, nothing.peak_bytes) == (0.0, 0)


def test_the_speeds_of_this_machine_are_taken_for_a_long_run_alone(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, taken = Speeds(trial=1.0), list[Speeds]()

    def calibrated() -> Speeds:
        taken.append(slow)
        return slow

    monkeypatch.setattr(module, "calibrate", calibrated)
    short = forecast(plan.trials, jobs=1, speeds=None, plan=None)
    assert short == forecast(plan.trials, jobs=1, speeds=TYPICAL, plan=None)
    assert (short.seconds < SHORT_RUN, taken) == (True, [])
    monkeypatch.setattr(module, "SHORT_RUN", short.seconds)
    long = forecast(plan.trials, jobs=1, speeds=None, plan=None)
    assert long == forecast(plan.trials, jobs=1, speeds=slow, plan=None)
    assert taken == [slow]


def test_what_is_missing_is_priced_check_by_check(plan: Plan) -> None:
    new = missing(plan.trials, HERE, None, fresh=False)
    assert set(new.values()) == {"no store"}
    main = plan.of("made-up", "check-0", "main").trials
    left = dict.fromkeys(main[:20], "replicates 40 → 60") | dict.fromkeys(main[20:25], "failed before")
    event, search = unmeasured(plan, left, {("made-up", "search")}, TYPICAL).checks
    assert (event.trials, event.missing, event.in_rounds) == (120, 25, False)
    assert event.reasons == (("replicates 40 → 60", 20), ("failed before", 5))
    assert event.seconds == pytest.approx(sum(map(predicted_seconds, left)))
    assert (search.missing, search.seconds, search.reasons, search.in_rounds) == (0, 0.0, (), True)


def test_a_trial_of_two_checks_counts_once_in_all(plan: Plan) -> None:
    twice = Plan((*plan.jobs, *(replace(job, check=f"{job.check}-again") for job in plan.jobs)))
    left = missing(twice.trials, HERE, None, fresh=False)
    one, two = (unmeasured(each, left, (), TYPICAL) for each in (plan, twice))
    assert sum(each.missing for each in two.checks) == 2 * one.missing
    assert (two.trials, two.missing, two.seconds) == (one.trials, one.missing, one.seconds)
    assert one.seconds == pytest.approx(sum(map(predicted_seconds, plan.trials)))
