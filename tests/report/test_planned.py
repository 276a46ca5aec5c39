from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.records import ArmPlan, BudgetPlan
from rnnconv_cli.report.planned import left_out, predicted, within_budget
from rnnconv_cli.sweep.progress import Forecast

WHOLE = ArmPlan("claim", "check", "main", "width", (64.0, 128.0), 16, (), 0)
LESS = replace(WHOLE, replicates=9, replicates_left_out=7, grid_left_out=(256.0, 512.0))
PLAN = BudgetPlan(600.0, 2, 1.2345, (LESS, replace(WHOLE, arm="control"), replace(WHOLE, check="other")))


@pytest.mark.parametrize(
    ("forecast", "text"),
    [
        (Forecast(260.0, 2, 6 * 10**8, None), "predicted: 4 min 20 s on 2 cores, at most 0.6 GiB for each trial"),
        (Forecast(0.1, 1, 2**30, None), "predicted: 1 s on 1 core, at most 1.0 GiB for each trial"),
        (Forecast(0.0, 2, 0, None), "predicted: nothing to measure, every trial is kept"),
    ],
)
def test_what_a_run_takes(forecast: Forecast, text: str) -> None:
    assert predicted(forecast) == text


def test_what_is_left_out_of_a_check() -> None:
    assert left_out(PLAN, "claim", "check") == "width 256, 512, 16 → 9 draws"
    assert left_out(PLAN, "claim", "other") == left_out(PLAN, "elsewhere", "check") == ""
    control = replace(LESS, arm="control", grid_left_out=())
    both = replace(PLAN, arms=(LESS, control, replace(LESS, arm="exhibit")))
    assert left_out(both, "claim", "check") == "width 256, 512, 16 → 9 draws; of the control 16 → 9 draws"
    assert left_out(replace(PLAN, arms=(control,)), "claim", "check") == "of the control 16 → 9 draws"


def test_what_a_budget_costs() -> None:
    assert within_budget(PLAN) == (
        "a budget of 10 min on 2 cores: half-widths at most 1.23 times those of the whole profile, as predicted; "
        "1 of 2 checks measure less"
    )
    assert within_budget(BudgetPlan(90.0, 1, 1.0, (WHOLE,))) == "a budget of 90 s on 1 core: nothing is left out"
