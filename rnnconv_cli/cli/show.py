"""`rnnconv show`: a claim, its checks and what they would cost, without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import PROFILE, cores, example
from rnnconv_cli.report.layout import Style, heading, painted, paragraph, words

if TYPE_CHECKING:
    from rnnconv_cli.pipeline import CheckCost
    from rnnconv_cli.spec.claim import Arm, Source
    from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim

Line = tuple[str, str]


@click.command(epilog=example("rnnconv show perturbation-bound --profile full"))
@click.argument("name", metavar="CLAIM")
@PROFILE
def show(name: str, profile: str) -> None:
    """Show a claim and its checks, without running them.

    Statement, source, grids, predicted scalings, controls, predicted cost and memory.
    """
    from rnnconv_cli import pipeline
    from rnnconv_cli.spec import catalogue, loader

    claim = loader.load(catalogue.find(name))
    options = pipeline.Options(profile, 0, 1, "compiled", (), False, ())
    costs = pipeline.preview([claim], options).checks
    style = style_of(sys.stdout)
    put(painted(_page(claim, profile, costs, cores(), style), style))


def _page(
    claim: LoadedClaim, profile: str, costs: tuple[CheckCost, ...], jobs: int, style: Style
) -> Iterator[RenderableType]:
    yield heading(f"{claim.claim.id}: {claim.claim.title}", style)
    about = claim.claim
    lines: list[Line] = [("source", source_text(about.source)), ("status", about.status), ("claim", about.statement)]
    for label, text in (*lines, ("notes", about.notes)):
        if text:
            yield paragraph(label, text, style, indent=2)
    by_check = {cost.check: cost for cost in costs}
    for check in claim.checks:
        yield words("", style)
        yield words(check.check.id, style, "bold")
        for label, text in (*_lines(check, profile), ("cost", _cost(by_check[check.check.id], jobs))):
            if text:
                yield paragraph(label, text, style, indent=2)
    yield words("", style)
    yield paragraph("total", _total(costs, profile, jobs), style, indent=0)


def _lines(loaded: LoadedCheck, profile: str) -> Iterator[Line]:
    """What a check says of itself, label by label."""
    from rnnconv_cli.judge.words import path

    check = loaded.check
    yield "source", source_text(check.source) + (f" ({check.status})" if check.status else "")
    yield "statement", check.statement
    yield "quantity", _quantity(check)
    yield "sweep", sweep_text(check, profile)
    yield "path", path(check.sweep.path)
    yield "predicted", _prediction(check, profile)
    yield "expected", "" if check.expected == "within" else check.expected
    yield "control", f"{check.control.description} Expected: {check.control.expected}."
    for exhibit, arm in loaded.exhibits:
        yield "beside", f"{exhibit.id}: {exhibit.description} ({arm.quantity})"
    yield "notes", check.notes


def source_text(source: Source) -> str:
    """Where a statement stands: paper, statement, page."""
    return ", ".join(part for part in (source.paper, source.statement, source.page and f"p. {source.page}") if part)


def sweep_text(arm: Arm, profile: str) -> str:
    """The grid of a profile and its replicates."""
    amount = arm.sweep.quick if profile == "quick" else arm.sweep.full
    draws = f"{amount.replicates} draws"
    widths = f"; widths {', '.join(map(str, amount.widths))}" if amount.widths else ""
    if arm.sweep.parameter is None:
        return f"none, {draws}{widths} ({profile})"
    return f"{arm.sweep.parameter} {', '.join(f'{point:g}' for point in amount.grid)}; {draws} each{widths} ({profile})"


def _quantity(arm: Arm) -> str:
    adversaries = f", adversaries {', '.join(arm.perturbation.adversaries)}" if arm.perturbation else ""
    return f"{arm.quantity}{adversaries}"


def _prediction(arm: Arm, profile: str) -> str:
    from rnnconv_cli.judge.allowed import predict

    amount = arm.sweep.quick if profile == "quick" else arm.sweep.full
    predicted, _ = predict(arm, amount.grid)
    reason = getattr(arm.prediction, "reason", "")
    return f"{predicted.kind}: {predicted.text}{f'. {reason}' if reason else ''}"


def _cost(cost: CheckCost, jobs: int) -> str:
    trials = f"{cost.trials} trials and {cost.control_trials} of control and exhibits"
    return f"{trials}; {_time(cost.seconds, jobs)}; {cost.peak_bytes / 2**20:.0f} MiB for each job"


def _total(costs: tuple[CheckCost, ...], profile: str, jobs: int) -> str:
    memory = max(cost.peak_bytes for cost in costs) / 2**20
    return f"{_time(sum(cost.seconds for cost in costs), jobs)}, {memory:.0f} MiB for each job (profile {profile})"


def _time(seconds: float, jobs: int) -> str:
    wall = seconds / jobs
    shown = f"{wall / 60:.0f} minutes" if wall >= 120 else f"{max(1, round(wall))} s"
    return f"about {seconds:.3g} core-seconds, {shown} on {jobs} core{'s' if jobs > 1 else ''}"
