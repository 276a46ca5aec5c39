from __future__ import annotations

import pytest

from rnnconv_cli.judge.unmeasured import failures_among
from rnnconv_cli.records import Observation, ProblemSetting, Status, Trial

PROBLEM = ProblemSetting(
    8, 2, 1, 4, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRIAL = Trial("hidden-norm-upper", PROBLEM, None, None, None, (), (), 0, 0)


def of(arm: str, status: Status, detail: str = "") -> Observation:
    return Observation(arm, 1.0, None, TRIAL, "0" * 12, None, status, detail=detail)


@pytest.mark.parametrize(
    ("observations", "said"),
    [
        ([], ""),
        ([of("main", Status.DIVERGED), of("control", Status.ZERO)], ""),
        (
            [of("main", Status.OK), of("main", Status.FAILED, "no bracket")],
            "could not measure 1 of 2 observations (main): no bracket",
        ),
        (
            [of("control", Status.FAILED), of("main", Status.FAILED, "late")],
            "could not measure 2 of 2 observations (control and main)",
        ),
    ],
)
def test_failures_are_counted_and_the_first_says_why(observations: list[Observation], said: str) -> None:
    assert failures_among(observations) == said
