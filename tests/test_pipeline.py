from __future__ import annotations

import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rnnconv_cli import __version__, pipeline
from rnnconv_cli.errors import EXIT_COULD_NOT_MEASURE, ResourceError, SelfCheckError, SpecError, UnknownName, UsageError
from rnnconv_cli.kernels.arrays import Array
from rnnconv_cli.kernels.backend import BACKENDS
from rnnconv_cli.measure.cost import Speeds
from rnnconv_cli.pipeline import Options, foreseen, outstanding, preview, verify
from rnnconv_cli.records import CheckResult, Frontier, Report, Status, Trial, Verdict
from rnnconv_cli.report.json import render
from rnnconv_cli.spec.beside import DRAWS, QUANTITIES
from rnnconv_cli.spec.loader import LoadedClaim, Overrides, loads
from rnnconv_cli.spec.template import claim_text
from rnnconv_cli.sweep import execute as executor
from rnnconv_cli.sweep import worker
from rnnconv_cli.sweep.engines import Processes
from rnnconv_cli.sweep.execute import Readings
from rnnconv_cli.sweep.plan import make_plan
from rnnconv_cli.sweep.progress import Forecast
from rnnconv_cli.sweep.serial import digest_of
from rnnconv_cli.sweep.worker import program

if TYPE_CHECKING:
    from tests.conftest import Recorder, Written

OPTIONS = Options("quick", 3, 1, "compiled", (), False, ("rnnconv", "verify", "made-up.yaml"))
VARIANCE = {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}}
ANY_STEP = {"preconditions": ["unit-first-token", "token-norms", "separation", "gram-schmidt"]}
NORM: Mapping[str, Any] = {
    "id": "norm",
    "quantity": "hidden-norm-upper",
    "problem": {"width": 128, "horizon": 16, "n_sequences": 1},
    "sweep": {"replicates": 60},
    "prediction": {"kind": "event", "bound": 1.1, "probability": 0.9, "reason": "made up"},
    "control": VARIANCE,
}
DECAY: Mapping[str, Any] = {
    "id": "decay",
    "quantity": "steps-to-decades",
    "problem": {"width": 64, "horizon": 3, "n_sequences": 2},
    "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 500},
    "sweep": {"parameter": "decades", "grid": [1, 2, 3, 4, 5, 6], "replicates": 6},
    "prediction": {"kind": "decay", "tail": 3, "tolerance": 0.5, "reason": "made up"},
    "control": {
        "description": "a step a thousand times too large",
        "change": {**ANY_STEP, "training": {"learning_rate": 1e3}},
    },
    "beside": [
        {
            "id": "rate",
            "description": "over the predicted rate",
            "change": {
                "quantity": "tail-rate-over-predicted",
                "training": {"accuracy": 1e-6},
                "sweep": {"parameter": None, "quick": {"grid": None}, "full": {"grid": None}},
            },
        }
    ],
}
FLIPS: Mapping[str, Any] = {
    "id": "flips",
    "quantity": "pattern-flips",
    "problem": {"width": 64, "horizon": 3, "n_sequences": 2},
    "perturbation": {"tau0": 1.0, "adversaries": ["gaussian", "gradient", "kinks"]},
    "sweep": {"replicates": 60},
    "prediction": {"kind": "event", "bound": 20.0, "probability": 0.9, "reason": "made up"},
    "control": {"description": "a hundred times larger", "change": {"perturbation": {"tau0": 100.0}}},
}
FRAGILE: Mapping[str, Any] = {
    "id": "stable-step",
    "quantity": "largest-stable-step",
    "problem": {"width": 128, "horizon": 4, "n_sequences": 4},
    "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 30},
    "sweep": {"replicates": 42},
    "prediction": {"kind": "event", "bound": 100.0, "probability": 0.9, "reason": "made up"},
    "control": {"description": "no bracket", "change": {**ANY_STEP, "training": {"learning_rate": 1e9}}},
}


@pytest.fixture(scope="module")
def claim(written: Written) -> LoadedClaim:
    """A claim with one check of several kinds."""
    return written(NORM, DECAY, FLIPS)


def checks_of(report: Report) -> dict[str, CheckResult]:
    return {check.id: check for claim in report.claims for check in claim.checks}


def document(report: Report) -> dict[str, Any]:
    """The JSON document without what may differ between two runs of one seed."""
    found: dict[str, Any] = json.loads(render(report))
    return {key: value for key, value in found.items() if key not in ("environment", "timing")}


# --- a run ------------------------------------------------------------------------------------------------------------


def test_a_run_reports_every_check_with_its_control_and_exhibits(claim: LoadedClaim, recorder: Recorder) -> None:
    report = verify([claim], OPTIONS, recorder)
    found = checks_of(report)
    assert list(found) == ["norm", "decay", "flips"]
    assert {(each.verdict, each.control.finding.verdict) for each in found.values()} == {
        (Verdict.WITHIN, Verdict.OUTSIDE)
    }
    declared, *tangent = found["decay"].exhibits
    assert (declared.id, declared.counts) == ("rate", (("ok", 6),))
    assert {exhibit.id for exhibit in tangent} == set(QUANTITIES)
    assert {exhibit.counts for exhibit in tangent} == {(("ok", 2),)}
    assert (report.exit_status, report.exit_reasons) == (0, ())
    assert (report.tool_version, report.profile, report.seed, report.backend) == (__version__, "quick", 3, "compiled")
    assert report.claims[0].digest == claim.digest


def test_the_long_table_has_every_reading_in_its_place(claim: LoadedClaim, recorder: Recorder) -> None:
    found = checks_of(verify([claim], OPTIONS, recorder))
    norm, decay, flips = (found[name].observations for name in ("norm", "decay", "flips"))
    assert [each.trial.replicate for each in norm if each.arm == "main"] == list(range(60))
    assert {(each.arm, each.point, each.adversary) for each in norm} == {("main", 1.0, None), ("control", 1.0, None)}
    assert {(each.point, each.trial.replicate) for each in decay if each.arm == "main"} == {
        (float(decade), replicate) for decade in range(1, 7) for replicate in range(6)
    }
    assert {each.status for each in decay if each.arm == "control"} == {Status.DIVERGED}
    assert {each.arm for each in decay} == {"main", "control", "rate", *QUANTITIES}
    assert all(each.curve for each in decay if each.arm == "main" and each.point == 1.0)
    assert {each.key for each in decay} == {digest_of(each.trial).hex()[:12] for each in decay}
    assert {each.adversary for each in flips} == {"gaussian", "gradient", "kinks"}
    assert len(flips) == 2 * 3 * 60


def test_the_provenance_of_a_run(claim: LoadedClaim, recorder: Recorder) -> None:
    report = verify([claim], OPTIONS, recorder)
    facts = dict(report.environment.facts)
    assert (facts["command"], facts["jobs"]) == ("rnnconv verify made-up.yaml", 1)
    assert facts["numba"] == importlib.metadata.version("numba")
    assert dict(program("compiled").conditions.facts).items() <= facts.items()
    assert facts["blas.threads_while_measuring"] == 1
    assert [name for name, _ in report.timing.seconds] == ["prepare", "measure", "judge", "total"]
    assert [place.check for place in report.places] == ["", "norm", "decay", "flips"]
    assert {place.path for place in report.places} == {claim.origin}


def test_the_environment_is_that_before_measuring(
    claim: LoadedClaim, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that measuring sets is none of the user's."""
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)

    def execute(*arguments: Any, **options: Any) -> executor.Readings:
        monkeypatch.setenv("MKL_NUM_THREADS", "3")
        return executor.execute(*arguments, **options)

    monkeypatch.setattr(pipeline, "execute", execute)
    facts = dict(verify([claim], OPTIONS, recorder).environment.facts)
    assert "variable.MKL_NUM_THREADS" not in facts


def test_the_phases_of_a_run(claim: LoadedClaim, recorder: Recorder) -> None:
    verify([claim], OPTIONS, recorder)
    assert [name for name, _ in recorder.phases] == ["compiling kernels", "checking the gradient", "measuring"]
    assert recorder.closed
    total = sum(cost.seconds for cost in preview([claim], OPTIONS).checks)
    assert sum(seconds for _, seconds in recorder.advanced) == pytest.approx(total)


# --- one seed, one result ---------------------------------------------------------------------------------------------


def test_one_seed_gives_one_document(claim: LoadedClaim, recorder: Recorder) -> None:
    once, again = (verify([claim], OPTIONS, recorder) for _ in range(2))
    assert document(once) == document(again)
    assert list(json.loads(render(once))) == list(json.loads(render(again)))
    other = document(verify([claim], replace(OPTIONS, seed=4), recorder))
    values = [each["value"] for each in other["claims"][0]["checks"][0]["observations"]]
    assert set(values).isdisjoint(each["value"] for each in document(once)["claims"][0]["checks"][0]["observations"])


def test_workers_do_not_change_the_document(
    claim: LoadedClaim, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = verify([claim], OPTIONS, recorder)
    monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", 0.0)
    assert document(verify([claim], replace(OPTIONS, jobs=2), recorder)) == document(alone)


def test_both_backends_come_to_the_same_verdicts(claim: LoadedClaim, recorder: Recorder) -> None:
    one, other = (
        checks_of(verify([claim], replace(OPTIONS, backend=backend), recorder)) for backend in ("compiled", "reference")
    )
    assert {name: check.verdict for name, check in one.items()} == {
        name: check.verdict for name, check in other.items()
    }
    for name in ("norm", "flips"):
        values = [[each.value or 0.0 for each in found[name].observations] for found in (one, other)]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-9)


# --- a part of it -----------------------------------------------------------------------------------------------------


def test_a_selected_check_keeps_the_level_of_its_claim(claim: LoadedClaim, recorder: Recorder) -> None:
    everything = checks_of(verify([claim], OPTIONS, recorder))
    alone = checks_of(verify([claim], replace(OPTIONS, checks=("norm",)), recorder))
    assert list(alone) == ["norm"]
    assert alone["norm"] == everything["norm"]
    assert alone["norm"].finding.estimate is not None
    assert getattr(alone["norm"].finding.estimate, "level", None) == 1 - 0.05 / 3


def test_a_claim_without_a_selected_check_is_left_out(claim: LoadedClaim, written: Written, recorder: Recorder) -> None:
    other = written({**NORM, "id": "other-norm"}, claim_id="other")
    report = verify([claim, other], replace(OPTIONS, checks=("other-norm",)), recorder)
    assert [(each.id, [check.id for check in each.checks]) for each in report.claims] == [("other", ["other-norm"])]


def test_checks_of_one_name_in_two_claims_do_not_mix(claim: LoadedClaim, written: Written, recorder: Recorder) -> None:
    other = written(NORM, claim_id="other")
    report = verify([claim, other], replace(OPTIONS, checks=("norm",)), recorder)
    assert [len(each.checks[0].observations) for each in report.claims] == [120, 120]
    levels = [getattr(each.checks[0].finding.estimate, "level", None) for each in report.claims]
    assert levels == [1 - 0.05 / 3, 0.95]


def test_overrides_reach_what_is_measured(recorder: Recorder) -> None:
    text = claim_text("made-up-claim")
    plain, changed = (loads(text, "new.yaml", each) for each in (Overrides(), Overrides(replicates=200)))
    assert plain.digest != changed.digest
    counts = [preview([each], OPTIONS).checks[0].trials for each in (plain, changed)]
    assert counts[1] > counts[0]


# --- before measuring -------------------------------------------------------------------------------------------------


def test_a_preview_counts_what_a_run_would_measure(claim: LoadedClaim) -> None:
    costs = {cost.check: cost for cost in preview([claim], OPTIONS).checks}
    assert {name: (cost.trials, cost.control_trials) for name, cost in costs.items()} == {
        "norm": (60, 60),
        "decay": (6, 12 + DRAWS["quick"] * len(QUANTITIES)),
        "flips": (180, 180),
    }
    assert {cost.claim for cost in costs.values()} == {"made-up"}
    assert all(cost.seconds > 0 and cost.peak_bytes > 2**20 for cost in costs.values())
    shown = DRAWS["quick"] * len(QUANTITIES)
    assert len(make_plan([claim], profile="quick", seed=0).trials) == 60 + 60 + 18 + shown + 360


def test_a_preview_counts_a_trial_that_arms_share_once(written: Written) -> None:
    check = {**NORM, "beside": [{"id": "same", "description": "the same", "change": {}}]}
    (cost,) = preview([written(check)], OPTIONS).checks
    assert (cost.trials, cost.control_trials) == (60, 60)


def test_names_that_no_table_has(claim: LoadedClaim, written: Written, recorder: Recorder) -> None:
    with pytest.raises(UnknownName, match="found backend 'fast', wanted one of compiled, reference"):
        verify([claim], replace(OPTIONS, backend="fast"), recorder)
    with pytest.raises(
        UnknownName, match=r"found check 'nrm' \(did you mean norm\?\), wanted one of norm, decay, flips"
    ):
        preview([claim], replace(OPTIONS, checks=("nrm",)))
    for look in (preview, foreseen, outstanding):
        with pytest.raises(SpecError, match="found quantity 'norm', wanted one of hidden-norm-upper"):
            look([written({**NORM, "quantity": "norm"})], replace(OPTIONS, budget=60.0))
    assert recorder.phases == []


def test_a_network_beyond_memory_is_refused_before_measuring(
    written: Written, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "run_group", _never)
    huge = written({**NORM, "problem": {"width": 10**7, "horizon": 16, "n_sequences": 1}})
    with pytest.raises(ResourceError, match="m=10000000 L=16 n=1"):
        verify([huge], OPTIONS, recorder)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_a_second_run_measures_nothing_and_finds_the_same(
    claim: LoadedClaim, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(OPTIONS, store=tmp_path / "kept.sqlite")
    first = verify([claim], options, recorder)
    monkeypatch.setattr(worker, "run_group", _never)
    second = verify([claim], options, recorder)
    assert document(second) == document(first) == document(verify([claim], replace(options, jobs=2), recorder))
    counts = [dict(each.environment.facts) for each in (first, second)]
    n_trials = len(make_plan([claim], profile="quick", seed=OPTIONS.seed).trials)
    assert [(each["trials_found"], each["trials_measured"]) for each in counts] == [(0, n_trials), (n_trials, 0)]
    with pytest.raises(AssertionError, match="called with"):
        verify([claim], replace(options, fresh=True), recorder)


def test_an_interrupted_run_is_gone_on_with(claim: LoadedClaim, recorder: Recorder, tmp_path: Path) -> None:
    options = replace(OPTIONS, store=tmp_path / "kept.sqlite")
    undisturbed = verify([claim], OPTIONS, recorder)
    n_before = len(recorder.advanced)

    class Impatient:
        """Ends the run at its hundredth piece of work."""

        def planned(self, forecast: Forecast) -> None: ...

        def warn(self, text: str) -> None: ...

        def phase(self, name: str, total: float | None) -> None:
            self.left = 100

        def expect(self, seconds: float) -> None: ...

        def advance(self, label: str, seconds: float) -> None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

        def close(self) -> None: ...

    with pytest.raises(KeyboardInterrupt):
        verify([claim], options, Impatient())
    ended = verify([claim], options, recorder)
    assert document(ended) == document(undisturbed)
    assert len(recorder.advanced) - n_before == n_before - 100


# --- a budget ---------------------------------------------------------------------------------------------------------


def test_a_run_begins_with_what_it_is_going_to_take(claim: LoadedClaim, recorder: Recorder, tmp_path: Path) -> None:
    options = replace(OPTIONS, store=tmp_path / "kept.sqlite", speeds=Speeds(trial=1.0))
    verify([claim], options, recorder)
    (first,) = recorder.forecasts
    n_trials = len(make_plan([claim], profile="quick", seed=OPTIONS.seed).trials)
    assert (first.jobs, first.plan) == (1, None)
    assert first.seconds > n_trials
    assert first.peak_bytes == max(cost.peak_bytes for cost in preview([claim], OPTIONS).checks)
    verify([claim], options, recorder)
    assert recorder.forecasts[1] == replace(first, seconds=0.0, peak_bytes=0)


@pytest.mark.parametrize(("executor", "planned"), [("process", 3), ("thread", 3), ("made:up", 64)])
def test_a_budget_counts_no_cores_that_are_not_there(
    claim: LoadedClaim, executor: str, planned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "usable_cores", lambda: 3)
    plan = foreseen([claim], replace(OPTIONS, budget=500.0, jobs=64, executor=executor, speeds=Speeds(trial=1.0)))
    assert plan is not None
    assert plan.jobs == planned


def test_a_budget_makes_a_smaller_run_and_says_so(claim: LoadedClaim, recorder: Recorder) -> None:
    options = replace(OPTIONS, budget=500.0, speeds=Speeds(trial=1.0))
    report = verify([claim], options, recorder)
    assert report.plan is not None
    assert recorder.forecasts[0].plan == report.plan
    assert 400 < recorder.forecasts[0].seconds < 500
    taken = {each.check: each for each in report.plan.arms if each.arm == "main"}
    assert taken["norm"].replicates < 60
    measured = {
        (name, each.arm, each.trial) for name, check in checks_of(report).items() for each in check.observations
    }
    drawn = Counter((name, arm) for name, arm, _ in measured)
    assert drawn["norm", "main"] == taken["norm"].replicates
    assert drawn["flips", "main"] == 3 * taken["flips"].replicates
    assert report.claims[0].digest == claim.digest
    assert preview([claim], OPTIONS).checks[0].trials == 60
    left = outstanding([claim], options, report.plan)
    assert sum(each.trials for each in left.checks) == len({trial for _, _, trial in measured}) == left.trials


def test_a_resumed_run_takes_the_plan_that_is_kept(
    claim: LoadedClaim, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine is twice as fast the second time, and would have measured more."""
    slow = replace(OPTIONS, budget=500.0, speeds=Speeds(trial=1.0))
    undisturbed = verify([claim], slow, recorder)
    assert undisturbed.plan is not None
    slow = replace(slow, store=tmp_path / "kept.sqlite")
    fast = replace(slow, speeds=Speeds(trial=0.5))

    def stop(label: str, seconds: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recorder, "advance", stop)
        with pytest.raises(KeyboardInterrupt):
            verify([claim], slow, recorder)
    assert foreseen([claim], fast) == undisturbed.plan
    resumed = verify([claim], fast, recorder)
    assert document(resumed) == document(undisturbed)
    assert dict(resumed.environment.facts)["trials_found"] != 0
    for anew in (replace(fast, store=None), replace(fast, jobs=2), replace(fast, budget=501.0), replace(fast, seed=4)):
        plan = foreseen([claim], anew)
        assert plan is not None
        assert plan.inflation < undisturbed.plan.inflation


def test_a_fresh_run_plans_anew_and_keeps_that_plan(claim: LoadedClaim, recorder: Recorder, tmp_path: Path) -> None:
    slow = replace(OPTIONS, budget=500.0, speeds=Speeds(trial=1.0), store=tmp_path / "kept.sqlite")
    fast = replace(slow, speeds=Speeds(trial=0.5))
    first, anew = verify([claim], slow, recorder).plan, verify([claim], replace(fast, fresh=True), recorder).plan
    assert first != anew
    assert foreseen([claim], slow) == anew


def test_a_budget_that_is_too_small_is_refused_before_measuring(
    claim: LoadedClaim, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "run_group", _never)
    with pytest.raises(UsageError, match="found a budget of 20 s, wanted at least"):
        verify([claim], replace(OPTIONS, budget=20.0, speeds=Speeds(trial=1.0)), recorder)
    assert "measuring" not in [name for name, _ in recorder.phases]


def test_without_a_budget_the_speed_of_a_machine_changes_nothing(claim: LoadedClaim, recorder: Recorder) -> None:
    one, other = (verify([claim], replace(OPTIONS, speeds=Speeds(trial=each)), recorder) for each in (1e-4, 1.0))
    assert document(one) == document(other)
    assert one.plan is None


def test_a_store_that_cannot_be_used_costs_no_result(claim: LoadedClaim, recorder: Recorder, tmp_path: Path) -> None:
    spoilt = tmp_path / "kept.sqlite"
    spoilt.write_text("no store")
    report = verify([claim], replace(OPTIONS, store=spoilt), recorder)
    assert report.exit_status == EXIT_COULD_NOT_MEASURE
    said = f"the store {spoilt} is no store of rnnconv: nothing is kept from here on; name another --store"
    assert recorder.warnings == [said]
    assert report.exit_reasons[0] == f"the store {spoilt} is no store of rnnconv; name another --store"
    assert document(report)["claims"] == document(verify([claim], OPTIONS, recorder))["claims"]
    assert spoilt.read_text() == "no store"


def _never(*arguments: object) -> None:
    raise AssertionError(f"called with {arguments}")


def wrong_gradient(factor: float, disturbance: float) -> ModuleType:
    """The compiled kernels with a weight gradient that is off by a factor and by some noise."""
    right = BACKENDS["compiled"]

    def weight_gradient(signals: Array, hidden: Array, n_matrices: int) -> Array:
        found = factor * right.weight_gradient(signals, hidden, n_matrices)
        return np.asarray(found + disturbance * np.linalg.norm(found) * np.eye(found.shape[1]))

    wrong = ModuleType("wrong")
    vars(wrong).update({**vars(right), "weight_gradient": weight_gradient})
    return wrong


@pytest.mark.parametrize(("factor", "disturbance"), [(-1.0, 0.0), (2.0, 0.0), (1.0, 1e-9), (0.0, 0.0), (np.nan, 0.0)])
def test_a_wrong_gradient_ends_the_run_before_anything_is_measured(
    factor: float, disturbance: float, claim: LoadedClaim, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BACKENDS, "compiled", wrong_gradient(factor, disturbance))
    monkeypatch.setattr(pipeline, "execute", _never)
    with pytest.raises(SelfCheckError) as caught:
        verify([claim], OPTIONS, recorder)
    assert caught.value.exit_status == EXIT_COULD_NOT_MEASURE
    assert str(caught.value).startswith("self-check of backend 'compiled' against the reference gradient: found ")
    assert str(caught.value).endswith("; nothing was measured; try `rnnconv doctor`")
    assert [name for name, _ in recorder.phases] == ["compiling kernels", "checking the gradient"]


# --- what could not be measured ---------------------------------------------------------------------------------------


def test_trials_that_fail_leave_no_verdict_and_end_with_five(written: Written, recorder: Recorder) -> None:
    report = verify([written(NORM, FRAGILE)], replace(OPTIONS, strict=True), recorder)
    found = checks_of(report)
    assert (found["norm"].verdict, found["stable-step"].verdict) == (Verdict.WITHIN, Verdict.INCONCLUSIVE)
    because = (
        "could not measure 42 of 84 observations (control): largest stable step: not between 1/16 and 256 times 1e+09"
    )
    assert found["stable-step"].because == because
    assert report.exit_status == 5
    assert report.exit_reasons == (
        f"made-up/stable-step: {because}",
        f"made-up/stable-step: inconclusive, {because}",
    )


def test_a_failed_exhibit_takes_nothing_away(written: Written, recorder: Recorder) -> None:
    exhibit = {
        "id": "step",
        "description": "no bracket",
        "change": {
            **ANY_STEP,
            "quantity": "largest-stable-step",
            "training": {"learning_rate": 1e9, "max_steps": 2},
            "sweep": {"quick": {"replicates": 2}},
        },
    }
    report = verify([written({**NORM, "beside": [exhibit]})], OPTIONS, recorder)
    found = checks_of(report)["norm"]
    assert (found.verdict, found.exhibits[0].counts) == (Verdict.WITHIN, (("failed", 2),))
    assert (report.exit_status, report.exit_reasons) == (0, ())


def test_a_frontier_without_an_exponent_is_only_measured(written: Written, recorder: Recorder) -> None:
    sweep = {"parameter": "horizon", "grid": [4], "widths": [4, 8, 16, 24, 32], "replicates": 40}
    check = {
        "quantity": "hidden-norm-lower",
        "problem": {"n_sequences": 1},
        "preconditions": ["unit-first-token", "token-norms"],
        "sweep": sweep,
        "prediction": {"kind": "frontier", "side": "lower", "bound": 0.5, "probability": 0.5, "reason": "open"},
        "control": {"description": "variance 1/(4m)", "change": {"problem": {"weight_variance": 0.25}}},
    }
    report = verify([written(check)], replace(OPTIONS, strict=True), recorder)
    (found,) = checks_of(report).values()
    assert (found.verdict, found.as_expected, report.exit_status) == (Verdict.MEASURED, None, 0)
    assert {each.trial.problem.width for each in found.observations} == {4, 8, 16, 24, 32}


SEARCH: Mapping[str, Any] = {
    "quantity": "hidden-norm-off-band",
    "problem": {"n_sequences": 1, "later_tokens": "zero"},
    "preconditions": ["unit-first-token", "token-norms"],
    "sweep": {
        "parameter": "horizon",
        "grid": [3, 6],
        "replicates": 40,
        "search": {"least": 4, "most": 128, "precision": 0.5},
    },
    "prediction": {"kind": "frontier", "bound": 1.0, "probability": 0.5, "reason": "open"},
    "control": {
        "description": "variance 1/(4m)",
        "change": {"problem": {"weight_variance": 0.25}, "sweep": {"quick": {"grid": [6]}}},
    },
    "beside": [{"id": "apart", "description": "a W each", "change": {"problem": {"layers": "independent"}}}],
}


def test_a_frontier_is_searched_in_rounds(written: Written, recorder: Recorder) -> None:
    claim = written(SEARCH)
    report = verify([claim], OPTIONS, recorder)
    (found,) = checks_of(report).values()
    assert (found.verdict, found.control.finding.verdict) == (Verdict.MEASURED, Verdict.OUTSIDE), found.because
    assert len(recorder.expected) > 4  # rounds beyond the first, of claim and control
    first = len(make_plan([claim], profile="quick", seed=OPTIONS.seed).trials)
    assert first < len({each.trial for each in found.observations}) == len(recorder.advanced)
    estimate, (exhibit,) = found.finding.estimate, found.exhibits
    assert isinstance(estimate, Frontier)
    assert all(4 < width < 128 for width in estimate.widths)
    assert exhibit.price is not None
    assert exhibit.price.ratios[0] < exhibit.price.ratios[1]
    assert preview([claim], OPTIONS).checks[0].trials > first


def test_rounds_do_not_depend_on_the_workers(
    written: Written, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = written({**SEARCH, "sweep": {**SEARCH["sweep"], "grid": [3]}, "beside": []})
    alone = verify([claim], OPTIONS, recorder)
    monkeypatch.setattr(pipeline, "execute", _backwards)
    assert document(verify([claim], replace(OPTIONS, jobs=2), recorder)) == document(alone)


def _backwards(trials: Sequence[Trial], **options: Any) -> Readings:
    return executor.execute(tuple(reversed(trials)), **{**options, "engine": Processes(1, program("compiled"))})
