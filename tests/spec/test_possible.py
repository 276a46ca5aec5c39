from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import PerturbationSetting, ProbeSetting, ProblemSetting, TrainingSetting, Trial
from rnnconv_cli.spec.possible import impossible

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("sgd", 2, 1.0, "absolute", 9, 1e-3, "loss")
PERTURBATION = PerturbationSetting(0.1, "kinks", "initial")
TRIAL = Trial("made-up", PROBLEM, TRAINING, PERTURBATION, ProbeSetting(rows=2.5), (), ("separation",), 0, 7)


def test_what_a_claim_could_ask_for() -> None:
    assert impossible(TRIAL) == ""
    assert impossible(replace(TRIAL, training=None, perturbation=None, probe=None, preconditions=())) == ""
    assert impossible(replace(TRIAL, training=replace(TRAINING, learning_rate_unit="inverse-lambda-max"))) == ""


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        (replace(TRIAL, replicate=-1), "found draw -1 of seed 7"),
        (replace(TRIAL, seed=2**63), f"of seed {2**63}"),
        (replace(TRIAL, quantity="../x"), "quantity: String should match"),
        (replace(TRIAL, preconditions=("luck",)), "preconditions.0: Input should be"),
        (replace(TRIAL, problem=replace(PROBLEM, width=0)), "problem.width: Input should be greater"),
        (replace(TRIAL, problem=replace(PROBLEM, horizon=1)), "horizon = 1, wanted a horizon of at least 2"),
        (replace(TRIAL, problem=replace(PROBLEM, copies=3)), "3 copies among 2 sequences"),
        (replace(TRIAL, problem=replace(PROBLEM, activation="exec")), "problem.activation: Input should be 'relu'"),
        (replace(TRIAL, problem=replace(PROBLEM, separation=float("nan"))), "problem.separation: Input should be"),
        (replace(TRIAL, training=replace(TRAINING, batch_size=3)), "a batch of 3 among 2 sequences"),
        (replace(TRIAL, training=replace(TRAINING, learning_rate_unit="feet")), "training.learning_rate"),
        (replace(TRIAL, perturbation=replace(PERTURBATION, around="far")), "perturbation.around: Input should be"),
        (replace(TRIAL, probe=ProbeSetting(rows=-1.0)), "probe.rows"),
    ],
)
def test_what_none_could(trial: Trial, why: str) -> None:
    assert why in impossible(trial)
