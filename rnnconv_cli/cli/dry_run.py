"""What `verify --dry-run` shows: what would be measured, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rnnconv_cli.report.layout import Style, painted, paragraph, words
from rnnconv_cli.report.planned import left_out, on_cores, within_budget

if TYPE_CHECKING:
    from rnnconv_cli.records import BudgetPlan
    from rnnconv_cli.sweep.forecast import ToDo


def to_do(found: ToDo, plan: BudgetPlan | None, jobs: int, style: Style) -> str:
    """What is outstanding, check by check, and in all, on so many cores; and what a budget leaves out."""
    return painted(_parts(found, plan, jobs, style), style)


def _parts(found: ToDo, plan: BudgetPlan | None, jobs: int, style: Style) -> Iterator[RenderableType]:
    for each in found.checks:
        yield words(f"{each.claim}/{each.check}", style, "bold")
        if plan is not None and (lost := left_out(plan, each.claim, each.check)):
            yield paragraph("left out", lost, style, indent=2)
        yield paragraph("measure", _amount(each.missing, each.trials, each.seconds, jobs), style, indent=2)
        for reason, count in each.reasons:
            yield paragraph("because", f"{reason} ({count} trial{'s' if count > 1 else ''})", style, indent=2)
        if each.in_rounds:
            yield paragraph("then", "further rounds, of trials that depend on what these show", style, indent=2)
    yield words("", style)
    if plan is not None:
        yield paragraph("plan", within_budget(plan), style, indent=0)
    total = _amount(found.missing, found.trials, found.seconds, jobs)
    yield paragraph("in all", f"{total}; a trial of several checks is measured once", style, indent=0)


def _amount(missing: int, trials: int, seconds: float, jobs: int) -> str:
    from rnnconv_cli.sweep.budget import measuring_seconds

    if not missing:
        return f"nothing: all {trials} trials are kept"
    return f"{missing} of {trials} trials, about {on_cores(measuring_seconds(seconds, 0.0, jobs), jobs)}"
