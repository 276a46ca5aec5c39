from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import SpecError, UnknownName, UsageError
from rnnconv_cli.measure import MEASUREMENTS, Measurement
from rnnconv_cli.measure.cost import TYPICAL, Speeds
from rnnconv_cli.records import CONTROL, MAIN, ProbeSetting, Reading, Trial
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.claim import ALL_PRECONDITIONS
from rnnconv_cli.spec.loader import Overrides, load, loads
from rnnconv_cli.sweep.engines import Processes
from rnnconv_cli.sweep.execute import execute
from rnnconv_cli.sweep.plan import Plan, make_plan, predicted_seconds
from rnnconv_cli.sweep.worker import program

if TYPE_CHECKING:
    from tests.conftest import Recorder, Written

WIDTHS = [32, 64, 128, 256, 512]
VARIANCE = {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}}
EVENT: Mapping[str, Any] = {
    "quantity": "hidden-norm-upper",
    "problem": {"width": 64, "horizon": 4, "n_sequences": 2},
    "sweep": {"replicates": 42},
    "prediction": {"kind": "event", "bound": 1.0, "probability": 0.9, "reason": "made up"},
    "control": VARIANCE,
}
GROWTH: Mapping[str, Any] = {
    "quantity": "hidden-norm-max",
    "problem": {"width": 512, "n_sequences": 1},
    "sweep": {"parameter": "horizon", "grid": [4, 6, 8, 12, 16], "replicates": 5},
    "prediction": {"kind": "growth", "rate": 0.17, "reason": "below half"},
    "control": VARIANCE,
}
PERTURBED: Mapping[str, Any] = {
    "quantity": "pattern-flips",
    "problem": {"horizon": 4, "n_sequences": 2},
    "perturbation": {"tau0": 4.0, "adversaries": ["gaussian", "kinks"]},
    "sweep": {"parameter": "width", "grid": WIDTHS, "replicates": 5},
    "prediction": {"kind": "exponent", "exponent": 0.667, "tolerance": 0.1, "reason": "attained"},
    "control": {
        "description": "tau_0 = sqrt m",
        "change": {"perturbation": {"tau0": {"coefficient": 1.0, "parameter": "width", "power": 0.5}}},
    },
}
TIMES: Mapping[str, Any] = {
    "quantity": "steps-to-accuracy",
    "problem": {"horizon": 4, "n_sequences": 3},
    "training": {"learning_rate": {"coefficient": 0.5, "parameter": "width", "power": -1}, "max_steps": 100},
    "sweep": {"parameter": "width", "grid": WIDTHS, "replicates": 5},
    "prediction": {"kind": "exponent", "exponent": 0.0, "tolerance": 0.1, "reason": "half-width"},
    "control": VARIANCE,
}
DECAY: Mapping[str, Any] = {
    "quantity": "steps-to-decades",
    "problem": {"width": 64, "horizon": 3, "n_sequences": 2},
    "training": {"learning_rate": {"over_lambda_max": 0.5}, "max_steps": 100},
    "sweep": {"parameter": "decades", "grid": [1, 2, 3, 4, 5], "replicates": 5},
    "prediction": {"kind": "decay", "tolerance": 0.1, "reason": "a power"},
    "control": VARIANCE,
}
PROBE: Mapping[str, Any] = {
    "sparsity": 4, "rows": 8, "threshold": 0.5, "margin": 0.5, "kick": 0.1, "deviation": 0.2, "search": "random",
}  # fmt: skip
FRONTIER: Mapping[str, Any] = {
    "quantity": "hidden-norm-lower",
    "problem": {"n_sequences": 1},
    "preconditions": ["unit-first-token", "token-norms"],
    "sweep": {"parameter": "horizon", "grid": [2, 4], "widths": [4, 8, 16, 32, 64], "replicates": 40},
    "prediction": {"kind": "frontier", "side": "lower", "bound": 1.0, "probability": 0.5, "reason": "open"},
    "control": VARIANCE,
}


def _with(check: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """The check with keys laid over its sections."""
    merged = {
        name: {**check.get(name, {}), **value} if isinstance(value, Mapping) else value
        for name, value in sections.items()
    }
    return {**check, **merged}


def _plan(written: Written, *checks: Mapping[str, Any]) -> Plan:
    return make_plan([written(*checks)], profile="quick", seed=5)


def _trials(written: Written, check: Mapping[str, Any], arm: str = MAIN) -> Sequence[tuple[float, Trial]]:
    return [(job.point, job.trial) for job in _plan(written, check).jobs if job.arm == arm]


# --- laws and paths ---------------------------------------------------------------------------------------------------


def test_a_path_is_followed(written: Written) -> None:
    path = {"width": {"coefficient": 4, "parameter": "horizon", "power": 2, "at_least": 256}}
    check = _with(GROWTH, problem={"width": None}, sweep={"path": path})
    sizes = {(point, trial.problem.horizon, trial.problem.width) for point, trial in _trials(written, check)}
    assert sizes == {(4.0, 4, 256), (6.0, 6, 256), (8.0, 8, 256), (12.0, 12, 576), (16.0, 16, 1024)}


def test_a_law_between_two_integers_is_rounded(written: Written) -> None:
    path = {"width": {"coefficient": 30.3, "parameter": "horizon", "power": 0.5}}
    check = _with(GROWTH, problem={"width": None}, sweep={"path": path})
    widths = [trial.problem.width for _, trial in _trials(written, check) if trial.replicate == 0]
    assert widths == [61, 74, 86, 105, 121]  # 60.6, 74.2, 85.7, 104.96, 121.2
    assert all(type(width) is int for width in widths)


@pytest.mark.parametrize(
    ("parameter", "grid"),
    [("width", [32, 64, 128, 256, 512]), ("n_sequences", [1, 2, 3, 4, 5]), ("separation", [0.1, 0.2, 0.3, 0.4, 0.5])],
)
def test_a_swept_parameter_takes_the_values_of_the_grid(parameter: str, grid: list[float], written: Written) -> None:
    problem = {"width": 64, "horizon": 4, "n_sequences": 2, "separation": 0.5, parameter: None}
    exponent = {"kind": "exponent", "exponent": 0.0, "tolerance": 0.1, "reason": "made up"}
    check = {**GROWTH, "problem": problem, "prediction": exponent}
    trials = _trials(written, _with(check, sweep={"parameter": parameter, "grid": grid}))
    values = [getattr(trial.problem, parameter) for _, trial in trials if trial.replicate == 0]
    assert values == grid
    assert {type(value) for value in values} == ({float} if parameter == "separation" else {int})
    assert [point for point, trial in trials if trial.replicate == 0] == [float(value) for value in grid]


def test_a_radius_is_divided_by_the_root_of_the_width(written: Written) -> None:
    sizes = {
        (trial.problem.width, trial.perturbation and trial.perturbation.size)
        for _, trial in _trials(written, PERTURBED)
    }
    assert sizes == {(width, 4.0 / width**0.5) for width in WIDTHS}
    control = _trials(written, PERTURBED, CONTROL)
    assert {trial.perturbation and trial.perturbation.size for _, trial in control} == {1.0}


@pytest.mark.parametrize(
    ("parameter", "perturbation", "sizes"),
    [
        ("tau0", {}, [0.5 / 8, 1 / 8, 2 / 8, 4 / 8, 8 / 8]),
        ("size", {}, [0.5, 1.0, 2.0, 4.0, 8.0]),
    ],
)
def test_a_swept_perturbation(
    parameter: str, perturbation: dict[str, Any], sizes: list[float], written: Written
) -> None:
    check = {
        **PERTURBED,
        "problem": {"width": 64, "horizon": 4, "n_sequences": 2},
        "perturbation": {"adversaries": ["kinks"], "around": "displaced"},
        "sweep": {"parameter": parameter, "grid": [0.5, 1, 2, 4, 8], "replicates": 5},
        "control": VARIANCE,
    }
    found = [trial.perturbation for _, trial in _trials(written, check) if trial.replicate == 0]
    assert [each and (each.size, each.adversary, each.around) for each in found] == [
        (size, "kinks", "displaced") for size in sizes
    ]


def test_a_fixed_size_may_follow_a_law(written: Written) -> None:
    law = {"coefficient": 2.0, "parameter": "horizon", "power": -1}
    check = _with(PERTURBED, perturbation={"tau0": None, "size": law}, control=VARIANCE)
    assert {trial.perturbation and trial.perturbation.size for _, trial in _trials(written, check)} == {0.5}


def test_every_adversary_meets_every_draw(written: Written) -> None:
    met = {
        (trial.problem.width, trial.perturbation and trial.perturbation.adversary, trial.replicate)
        for _, trial in _trials(written, PERTURBED)
    }
    assert met == {(width, name, draw) for width in WIDTHS for name in ("gaussian", "kinks") for draw in range(5)}


def test_a_step_size_follows_its_law(written: Written) -> None:
    training = {trial.problem.width: trial.training for _, trial in _trials(written, TIMES)}
    assert {width: each and (each.learning_rate, each.learning_rate_unit) for width, each in training.items()} == {
        width: (0.5 * math.pow(width, -1), "absolute") for width in WIDTHS
    }


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"learning_rate": {"over_lambda_max": 0.7}}, ("gd", 3, 0.7, "inverse-lambda-max")),
        ({"learning_rate": 0.25}, ("gd", 3, 0.25, "absolute")),
        ({"learning_rate": 0.25, "method": "sgd", "batch_size": 2}, ("sgd", 2, 0.25, "absolute")),
        ({"learning_rate": 0.25, "batch_size": 2}, ("gd", 3, 0.25, "absolute")),
    ],
)
def test_a_training_section(change: dict[str, Any], expected: tuple[object, ...], written: Written) -> None:
    check = {**TIMES, "training": {"max_steps": 100, "accuracy": 1e-3, **change}}
    found = {trial.training for _, trial in _trials(written, check)}
    assert {each and (each.method, each.batch_size, each.learning_rate, each.learning_rate_unit) for each in found} == {
        expected
    }
    assert {each and (each.max_steps, each.accuracy, each.objective) for each in found} == {(100, 1e-3, "loss")}


@pytest.mark.parametrize(
    ("quantity", "decades", "accuracy"),
    [("steps-to-decades", (1, 2, 3, 4, 5), 1e-5), ("steps-beyond-fourth-decade", (5, 6, 7, 8, 9), 1e-9)],
)
def test_one_run_is_read_at_all_decades(
    quantity: str, decades: tuple[int, ...], accuracy: float, written: Written
) -> None:
    trials = _trials(written, {**DECAY, "quantity": quantity})
    assert len(trials) == 5
    assert {(point, trial.read_at, trial.training and trial.training.accuracy) for point, trial in trials} == {
        (1.0, decades, accuracy)
    }


def test_a_frontier_measures_every_width_at_every_point(written: Written) -> None:
    trials = _trials(written, FRONTIER)
    assert {(point, trial.problem.horizon, trial.problem.width) for point, trial in trials} == {
        (float(horizon), horizon, width) for horizon in (2, 4) for width in (4, 8, 16, 32, 64)
    }
    assert len(trials) == 2 * 5 * 40


# --- arms -------------------------------------------------------------------------------------------------------------


def test_a_check_measures_itself_its_control_and_its_exhibits(written: Written) -> None:
    beside = [{"id": "tanh", "description": "tanh", "change": {"problem": {"activation": "tanh"}}}]
    jobs = _plan(written, {**EVENT, "beside": beside}).jobs
    variances = {job.arm: (job.trial.problem.weight_variance, job.trial.problem.activation) for job in jobs}
    assert variances == {"main": (2.0, "relu"), "control": (4.0, "relu"), "tanh": (2.0, "tanh")}
    assert {(job.claim, job.check, job.point) for job in jobs} == {("made-up", "check-0", 1.0)}
    assert {job.trial.seed for job in jobs} == {5}
    assert len(jobs) == 3 * 42


def test_an_arm_drops_the_sections_that_its_quantity_never_reads(written: Written) -> None:
    beside = [
        {
            "id": "norm",
            "description": "norm",
            "change": {"quantity": "hidden-norm-max", "sweep": {"quick": {"grid": [64]}, "full": {"grid": [64]}}},
        }
    ]
    for check in (TIMES, PERTURBED):
        trials = _trials(written, {**check, "beside": beside}, "norm")
        assert {(trial.training, trial.perturbation) for _, trial in trials} == {(None, None)}
        assert len(trials) == 5


def test_the_profile_decides_how_much_is_measured(written: Written) -> None:
    sweep = {"quick": {"replicates": 36}, "full": {"replicates": 50}}
    claim = written({**EVENT, "sweep": sweep})
    counts = [len(make_plan([claim], profile=profile, seed=0).jobs) for profile in ("quick", "full")]
    assert counts == [72, 100]


def test_preconditions_stand_at_every_trial(written: Written) -> None:
    assert {trial.preconditions for _, trial in _trials(written, FRONTIER)} == {("unit-first-token", "token-norms")}
    assert {trial.preconditions for _, trial in _trials(written, EVENT)} == {ALL_PRECONDITIONS}


# --- what a trial does not depend on ----------------------------------------------------------------------------------


def test_adding_a_width_changes_no_other_trial(written: Written, recorder: Recorder) -> None:
    few, more = (
        _plan(written, _with(PERTURBED, sweep={"grid": grid})).trials
        for grid in ([32, 64, 128, 256, 512], [16, 32, 64, 96, 128, 256, 512])
    )
    assert set(few) < set(more)
    before, after = (
        execute(trials, backend="compiled", engine=Processes(1, program("compiled")), progress=recorder)
        for trials in (few, more)
    )
    assert all(before[trial] == after[trial] for trial in few)


def test_more_draws_keep_the_first_ones(written: Written) -> None:
    few, more = (_plan(written, _with(EVENT, sweep={"replicates": draws})).trials for draws in (42, 50))
    assert set(few) < set(more)


def test_a_trial_that_two_checks_ask_for_is_measured_once(written: Written) -> None:
    lower = {**EVENT, "prediction": {**EVENT["prediction"], "side": "lower", "bound": 0.0}}
    once, twice = _plan(written, EVENT), _plan(written, EVENT, lower)
    assert len(twice.jobs) == 2 * len(once.jobs)
    assert twice.trials == once.trials


@pytest.mark.parametrize("check", [EVENT, GROWTH, PERTURBED, TIMES, DECAY, FRONTIER])
def test_every_trial_has_a_predicted_cost(check: Mapping[str, Any], written: Written) -> None:
    assert all(predicted_seconds(trial) > 0 for trial in _plan(written, check).trials)


@pytest.mark.parametrize("quantity", MEASUREMENTS)
def test_every_quantity_has_a_predicted_cost(quantity: str, written: Written) -> None:
    measurement = MEASUREMENTS[quantity]
    sections: dict[str, Any] = {}
    if measurement.reads_training:
        sections["training"] = DECAY["training"]
    if measurement.reads_perturbation:
        sections["perturbation"] = {"size": 0.1, "adversaries": list(measurement.adversaries)}
    if measurement.reads_probe:
        sections["probe"] = {name: PROBE[name] for name in measurement.reads_probe}
    base = DECAY if measurement.read_along else EVENT
    if measurement.read_along == "steps":
        base = _with(TIMES, problem={"width": 64}, sweep={"parameter": "steps", "grid": [1, 2, 4, 8, 16]})
    claim = {key: value for key, value in base.items() if key != "training"}
    for trial in _plan(written, {**claim, **sections, "quantity": quantity}).trials:
        assert 0 < predicted_seconds(trial) < 10


def test_a_predicted_cost_is_that_of_the_machine(written: Written) -> None:
    """Three times as slow in everything but what a call takes."""
    slow = Speeds(**{name: 3 * value for name, value in asdict(TYPICAL).items()})
    trial = _plan(written, EVENT).trials[0]
    wide = replace(trial, problem=replace(trial.problem, width=4096))
    assert predicted_seconds(wide, TYPICAL) == predicted_seconds(wide)
    assert predicted_seconds(wide, slow) == pytest.approx(3 * predicted_seconds(wide), rel=1e-2)


# --- names ------------------------------------------------------------------------------------------------------------

TEXT = """\
schema: 1
id: named
title: Named
source: {statement: "(0.0)"}
statement: A statement.
checks:
  - id: flips
    source: {statement: "(0.0)"}
    statement: A statement.
    quantity: pattern-flips
    problem: {width: 64, horizon: 4, n_sequences: 2}
    perturbation:
      size: 0.1
      adversaries: [gaussian, kinks]
    sweep: {quick: {replicates: 36}, full: {replicates: 36}}
    prediction: {kind: event, bound: 1.0, probability: 0.9, reason: made up}
    control:
      description: Variance 4/m.
      change: {problem: {weight_variance: 4.0}}
    beside:
      - id: other
        description: Another quantity.
        change: {quantity: flipped-mass}
"""


def _refused(text: str, *replacements: tuple[str, str]) -> list[str]:
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    with pytest.raises(SpecError) as caught:
        make_plan([loads(text, "named.yaml")], profile="quick", seed=0)
    return str(caught.value).splitlines()


def test_an_unknown_quantity_is_placed_and_a_near_one_named() -> None:
    (line,) = _refused(TEXT, ("pattern-flips", "patern-flips"), ("{quantity: flipped-mass}", "{problem: {width: 32}}"))
    place = "named.yaml:10:15: checks.0.quantity: "
    first, *_ = MEASUREMENTS
    found = f"found quantity 'patern-flips' (did you mean pattern-flips?), wanted one of {first}, "
    assert line.startswith(place + found)
    assert line.endswith(f" and {len(MEASUREMENTS) - 12} more: `rnnconv list --quantities` lists them")


def test_an_unknown_quantity_in_a_control_or_an_exhibit_is_placed_there() -> None:
    lines = _refused(
        TEXT,
        ("change: {problem: {weight_variance: 4.0}}", "change: {quantity: pattern-flip}"),
        ("{quantity: flipped-mass}", "{quantity: zzz}"),
    )
    assert lines[0].startswith("named.yaml:19:26: checks.0.control.change.quantity: found quantity 'pattern-flip'")
    assert " (did you mean pattern-flips?), wanted one of " in lines[0]
    assert lines[1].startswith("named.yaml:23:28: checks.0.beside.0.change.quantity: found quantity 'zzz'")
    assert "did you mean" not in lines[1]


def test_an_unknown_adversary_is_placed_and_a_near_one_named() -> None:
    line = _refused(TEXT, ("[gaussian, kinks]", "[gaussian, kink]"))[0]
    place = "named.yaml:14:31: checks.0.perturbation.adversaries.1: found adversary 'kink' "
    assert line.startswith(f"{place}(did you mean kinks?), wanted one of gaussian, ")


def test_an_adversary_of_other_quantities_is_refused_with_those_of_its_own() -> None:
    line = _refused(TEXT, ("[gaussian, kinks]", "[gaussian, kinked-rows]"))[0]
    place, wanted = line.split(", wanted one of ")
    assert place.startswith("named.yaml:14:31: checks.0.perturbation.adversaries.1: found adversary 'kinked-rows' (")
    assert "-rows" not in wanted


def test_a_section_that_is_missing() -> None:
    (line,) = _refused(TEXT, ("{quantity: flipped-mass}", "{quantity: movement}"))
    wanted = "found no training section, wanted one: quantity 'movement' reads it"
    assert line == f"named.yaml:23:17: checks.0.beside.0.change: {wanted}"


def test_a_section_that_is_never_read() -> None:
    (line,) = _refused(TEXT, ("quantity: pattern-flips", "quantity: hidden-norm-max"))
    wanted = "found a section, wanted none: quantity 'hidden-norm-max' never reads it"
    assert line == f"named.yaml:13:7: checks.0.perturbation: {wanted}"


def test_decades_belong_to_quantities_that_are_read_by_decade(written: Written) -> None:
    with pytest.raises(SpecError, match="parameter 'decades', wanted another parameter for this quantity"):
        _plan(written, {**DECAY, "quantity": "movement"})
    with pytest.raises(SpecError, match="parameter 'width', wanted parameter 'decades' for this quantity"):
        _plan(written, {**TIMES, "quantity": "steps-to-decades"})


def test_the_violations_of_all_claims_are_reported_at_once(written: Written) -> None:
    claims = [
        written({**EVENT, "quantity": "no-such-thing"}, claim_id=name, origin=f"{name}.yaml") for name in ("one", "two")
    ]
    with pytest.raises(SpecError) as caught:
        make_plan(claims, profile="quick", seed=0)
    assert {violation.where for violation in caught.value.violations} == {"one.yaml", "two.yaml"}


def test_checks_are_selected_by_id_and_a_near_id_is_named(written: Written) -> None:
    claim = written({**EVENT, "id": "upper-norm"}, {**GROWTH, "id": "norm-growth"})
    jobs = make_plan([claim], profile="quick", seed=0, checks=("norm-growth",)).jobs
    assert {job.check for job in jobs} == {"norm-growth"}
    with pytest.raises(UnknownName) as caught:
        make_plan([claim], profile="quick", seed=0, checks=("norm-growth", "norm-grwth"))
    assert str(caught.value) == (
        "found check 'norm-grwth' (did you mean norm-growth?), wanted one of upper-norm, norm-growth"
    )


def test_more_trials_than_a_run_holds_are_counted_and_refused(written: Written) -> None:
    many = _with(PERTURBED, sweep={"replicates": 100_000})
    said = r"found [\d,]+,000 trials, .* of them in .*, wanted at most 1,000,000 in one run; try fewer replicates"
    with pytest.raises(UsageError, match=said):
        _plan(written, many)


def test_the_window_of_a_search_counts_with_all_its_draws(written: Written) -> None:
    sweep = {"parameter": "horizon", "grid": [2, 4], "search": {"least": 4, "most": 64}, "replicates": 70_000}
    with pytest.raises(UsageError, match=r"found 1,1\d\d,\d\d\d trials, .* wanted at most 1,000,000 in one run"):
        _plan(written, {**FRONTIER, "sweep": sweep})


def test_two_claims_of_one_id_are_refused(written: Written) -> None:
    claims = [written(EVENT), written(GROWTH, origin="copy.yaml")]
    with pytest.raises(UsageError, match=r"found the claim id 'made-up' in made-up\.yaml and in copy\.yaml"):
        make_plan(claims, profile="quick", seed=0)


# --- the catalogue ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: str(path.stem))
@pytest.mark.parametrize("profile", ["quick", "full"])
def test_every_shipped_claim_plans(path: Any, profile: str) -> None:
    claim = load(path)
    plan = make_plan([claim], profile=profile, seed=0)
    planned = {(job.check, job.arm) for job in plan.jobs}
    wanted = {
        (check.check.id, arm)
        for check in claim.checks
        for arm in (MAIN, CONTROL, *(exhibit.id for exhibit, _ in check.exhibits))
    }
    assert planned == wanted
    assert all(predicted_seconds(trial) > 0 for trial in plan.trials)


def test_an_override_reaches_the_trials() -> None:
    path = catalogue.find("no-explosion-or-vanishing")
    claim = load(path, Overrides((("problem.output_dim", "3"),), replicates=160))
    plan = make_plan([claim], profile="quick", seed=0, checks=("hidden-norm-upper",))
    assert {(job.trial.problem.output_dim, job.trial.replicate) for job in plan.jobs} == {
        (3, draw) for draw in range(160)
    }


# --- the section probe ------------------------------------------------------------------------------------------------


PROBED = Measurement(lambda instance, trial, backend: (Reading(1.0),), lambda trial: 1e-3, reads_probe=("rows", "kick"))
ROWS: Mapping[str, Any] = {
    "quantity": "probed",
    "problem": {"width": None, "horizon": 4, "n_sequences": 2},
    "probe": {"rows": {"coefficient": 0.5, "parameter": "width", "power": 1}, "kick": 0.1},
    "sweep": {"parameter": "width", "grid": WIDTHS, "replicates": 5},
    "prediction": {"kind": "exponent", "exponent": 0.0, "tolerance": 0.1, "reason": "made up"},
    "control": VARIANCE,
}


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MEASUREMENTS, "probed", PROBED)


@pytest.mark.usefixtures("probed")
def test_a_probe_follows_its_laws_and_the_sweep(written: Written) -> None:
    along_width = {trial.probe for _, trial in _trials(written, ROWS)}
    assert along_width == {ProbeSetting(rows=width / 2, kick=0.1) for width in WIDTHS}
    swept = {**ROWS, "problem": {**ROWS["problem"], "width": 64}, "probe": {"rows": 8}}
    swept["sweep"] = {"parameter": "kick", "grid": [0.1, 0.2, 0.3, 0.4, 0.5], "replicates": 5}
    assert [trial.probe for _, trial in _trials(written, swept) if trial.replicate == 0] == [
        ProbeSetting(rows=8.0, kick=kick) for kick in (0.1, 0.2, 0.3, 0.4, 0.5)
    ]


@pytest.mark.usefixtures("probed")
@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"probe": {"rows": 8}}, "found no kick, wanted one: quantity 'probed' reads it"),
        (
            {"probe": {"rows": 8, "kick": 0.1, "margin": 1}},
            "probe.margin: found a value, wanted none: quantity 'probed'",
        ),
        (
            {"sweep": {"parameter": "margin", "grid": WIDTHS, "replicates": 5}, "problem": {"width": 64}},
            "found parameter 'margin', wanted a parameter that quantity 'probed' reads",
        ),
        (
            {"sweep": {"parameter": "kick", "grid": WIDTHS, "replicates": 5}, "problem": {"width": 64}},
            "found kick set here, and swept, wanted the swept one alone (remove kick)",
        ),
    ],
)
def test_a_probe_that_does_not_fit_is_refused(sections: dict[str, Any], message: str, written: Written) -> None:
    problem = {**ROWS["problem"], **sections.pop("problem", {})}
    with pytest.raises(SpecError) as refusal:
        _plan(written, {**ROWS, "problem": problem, **sections})
    assert message in str(refusal.value)


def test_one_run_is_read_at_all_steps(written: Written, monkeypatch: pytest.MonkeyPatch) -> None:
    along = Measurement(PROBED.measure, PROBED.seconds, reads_training=True, read_along="steps")
    monkeypatch.setitem(MEASUREMENTS, "along", along)
    sweep = {"parameter": "steps", "grid": [1, 2, 4, 8, 16], "replicates": 5}
    check = {**TIMES, "quantity": "along", "problem": {"width": 64, "horizon": 4, "n_sequences": 3}, "sweep": sweep}
    trials = {trial for _, trial in _trials(written, check)}
    assert {(trial.read_at, trial.training and trial.training.max_steps) for trial in trials} == {
        ((1, 2, 4, 8, 16), 16)
    }
    assert len(trials) == 5
    too_far = _with(check, sweep={"grid": [1, 2, 4, 8, 1000]})
    with pytest.raises(SpecError, match=r"found step 1000, wanted at most training\.max_steps, 100"):
        _trials(written, too_far)
