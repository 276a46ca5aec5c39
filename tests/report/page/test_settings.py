"""What was drawn, beside what the control changes, and what became of every measurement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from rnnconv_cli.records import CONTROL, CheckResult, Observation, ProbeSetting, Report, Trial
from rnnconv_cli.report.page.settings import adversaries, counts, settings


@pytest.fixture
def check(report: Report) -> CheckResult:
    return report.claims[0].checks[0]


def _changed(check: CheckResult, change: Callable[[Trial], Trial], arm: str = CONTROL) -> CheckResult:
    def changed(each: Observation) -> Observation:
        return replace(each, trial=change(each.trial)) if each.arm == arm else each

    return replace(check, observations=tuple(map(changed, check.observations)))


def _rows(check: CheckResult) -> dict[str, tuple[str, str]]:
    table = settings(check)
    assert table is not None
    assert table.columns == ("setting", "the claim", "the control")
    return {label: (main, control) for label, main, control in table.rows}


def test_settings_stand_in_words_and_the_same_is_said_once(check: CheckResult) -> None:
    rows = _rows(check)
    assert rows["quantity"] == ("activation-flips", "the same")
    assert rows["width m"] == ("256, 512, 1024, 2048", "the same")
    assert rows["weights"] == ("one W for all layers (recurrent)", "the same")
    assert rows["trained by"] == ("gradient descent", "the same")
    assert rows["unit of the step size"] == ("1/λ_max of the tangent kernel at the start", "the same")
    assert rows["perturbations tried"] == ("kinks", "the same")
    assert rows["needed of every draw"] == ("no token has a norm above 1", "the same")
    assert "labels of these copies" not in rows
    assert "sparsity k" not in rows


def test_what_the_control_changes_comes_first(check: CheckResult) -> None:
    linear = _changed(check, lambda trial: replace(trial, problem=replace(trial.problem, activation="linear")))
    table = settings(linear)
    assert table is not None
    assert table.rows[0] == ("activation", "relu", "linear")
    assert all(control == "the same" for _, _, control in table.rows[1:])


def test_a_setting_of_one_arm_alone_is_none_in_the_other(check: CheckResult) -> None:
    probed = _changed(check, lambda trial: replace(trial, probe=ProbeSetting(sparsity=3.0)), arm="main")
    untrained = _changed(check, lambda trial: replace(trial, training=None))
    assert _rows(probed)["sparsity k"] == ("3", "none")
    assert _rows(untrained)["steps at most"] == ("1000", "none")


def test_copies_have_labels(check: CheckResult) -> None:
    copied = _changed(check, lambda trial: replace(trial, problem=replace(trial.problem, copies=2)))
    assert _rows(copied)["labels of these copies"] == ("each its own", "the same")


def test_many_values_are_a_range(check: CheckResult) -> None:
    wide = replace(
        check,
        observations=tuple(
            replace(each, trial=replace(each.trial, problem=replace(each.trial.problem, horizon=2 + place)))
            for place, each in enumerate(each for each in check.observations if each.arm == "main")
        ),
    )
    assert _rows(wide)["sequence length L"] == ("2 to 13 (12 values)", "none")


def test_widths_of_a_search_are_a_range_from_least_to_most(check: CheckResult) -> None:
    tried = (64, 128, 1024, 2048, 512, 256, 362, 724, 181, 91, 300, 200)
    searched = replace(
        check,
        observations=tuple(
            replace(each, trial=replace(each.trial, problem=replace(each.trial.problem, width=width)))
            for width, each in zip(tried, (each for each in check.observations if each.arm == "main"), strict=True)
        ),
    )
    assert _rows(searched)["width m"] == ("64 to 2048 (12 values)", "none")


def test_a_setting_that_goes_with_the_swept_one_stands_in_its_order(check: CheckResult) -> None:
    def scaled(trial: Trial) -> Trial:
        size = 1 / trial.problem.width
        return replace(trial, probe=ProbeSetting(threshold=size, rows=round(trial.problem.width, -3) + 0.25))

    rows = _rows(_changed(check, scaled, arm="main"))
    assert rows["width m"][0] == "256, 512, 1024, 2048"
    assert rows["threshold b₋"][0] == "0.00390625, 0.00195312, 0.000976562, 0.000488281"
    assert rows["rows |N|"][0] == "0, 1000, 1000, 2000"


def test_only_descent_needs_a_stable_step(check: CheckResult) -> None:
    needing = _changed(check, lambda trial: replace(trial, preconditions=("step-size",)), arm="main")
    without = _changed(needing, lambda trial: replace(trial, training=None), arm="main")
    assert _rows(needing)["needed of every draw"][0].startswith("the step size is below 2/λ_max")
    assert _rows(without)["needed of every draw"][0] == "nothing"


def test_every_measurement_is_counted_with_what_became_of_it(check: CheckResult) -> None:
    table = counts(check)
    assert table is not None
    assert table.columns == ("arm", "measurements", "used", "diverged", "exactly zero", "out of regime")
    assert table.rows == (("the claim", "12", "9", "1", "1", "1"), ("the control", "12", "12", "0", "0", "0"))


def test_nothing_measured_has_no_table(check: CheckResult) -> None:
    nothing = replace(check, observations=())
    assert settings(nothing) is None
    assert counts(nothing) is None


def test_only_adversaries_of_the_claim_itself_compete(check: CheckResult) -> None:
    first, *others = check.observations
    noisy = replace(first, adversary="gaussian")
    assert adversaries(replace(check, observations=(noisy, *others))) == ("gaussian", "kinks")
    assert adversaries(replace(check, observations=(replace(noisy, arm=CONTROL), *others))) == ("kinks",)
    assert adversaries(replace(check, observations=(replace(first, adversary=None),))) == ()
