"""What a run is going to take, and what a budget leaves out, in words."""

from __future__ import annotations

from rnnconv_cli.records import CONTROL, MAIN, ArmPlan, BudgetPlan
from rnnconv_cli.sweep.progress import Forecast, duration

GIB = 2**30


def predicted(forecast: Forecast) -> str:
    """The time and the memory of what is still to be measured."""
    if not forecast.seconds:
        return "predicted: nothing to measure, every trial is kept"
    memory = f"at most {forecast.peak_bytes / GIB:.1f} GiB for each trial"
    return f"predicted: {on_cores(forecast.seconds, forecast.jobs)}, {memory}"


def on_cores(seconds: float, jobs: int) -> str:
    """A predicted time of wall-clock, and what it is predicted for."""
    return f"{duration(max(1.0, seconds))} on {_cores(jobs)}"


def within_budget(plan: BudgetPlan) -> str:
    """What a budget costs in sharpness, and how many checks measure less than their profile."""
    checks = dict.fromkeys((each.claim, each.check) for each in plan.arms)
    fewer = sum(bool(left_out(plan, *check)) for check in checks)
    asked = f"a budget of {duration(plan.seconds)} on {_cores(plan.jobs)}"
    if not fewer:
        return f"{asked}: nothing is left out"
    wider = f"half-widths at most {plan.inflation:.2f} times those of the whole profile"
    return f"{asked}: {wider}, as predicted; {fewer} of {len(checks)} checks measure less"


def left_out(plan: BudgetPlan, claim: str, check: str) -> str:
    """What a budget leaves out of a check and of its control; empty for nothing. What stands beside goes with them."""
    parts = {each.arm: _lost(each) for each in plan.arms if (each.claim, each.check) == (claim, check)}
    main, control = parts.get(MAIN, ""), parts.get(CONTROL, "")
    return "; ".join(part for part in (main, f"of the control {control}" if control else "") if part)


def _lost(part: ArmPlan) -> str:
    points = ", ".join(f"{point:g}" for point in part.grid_left_out)
    declared = part.replicates + part.replicates_left_out
    draws = f"{declared} → {part.replicates} draws" if part.replicates_left_out else ""
    return ", ".join(each for each in (f"{part.parameter} {points}" if points else "", draws) if each)


def _cores(jobs: int) -> str:
    return f"{jobs} core{'s' if jobs > 1 else ''}"
