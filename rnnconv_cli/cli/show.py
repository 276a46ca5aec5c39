"""`rnnconv show`: a claim, its checks and what they would cost, without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from rich.console import RenderableType

from rnnconv_cli.cli.completion import claim_names
from rnnconv_cli.cli.console import put, style_of
from rnnconv_cli.cli.options import PROFILE, cores, example
from rnnconv_cli.records import TANGENT
from rnnconv_cli.report.layout import Style, heading, painted, paragraph, row, words

if TYPE_CHECKING:
    from rnnconv_cli.spec.claim import Arm
    from rnnconv_cli.spec.loader import LoadedCheck, LoadedClaim
    from rnnconv_cli.sweep.forecast import CheckCost

Line = tuple[str, str]


@click.command(epilog=example("rnnconv show perturbation-bound --profile full"))
@click.argument("name", metavar="CLAIM", shell_complete=claim_names)
@PROFILE
@click.option("--literal", is_flag=True, help="Show the paper's constants at this claim's sizes instead.")
def show(name: str, profile: str, literal: bool) -> None:
    """Show a claim and its checks, without running them.

    Statement, source, grids, predicted scalings, controls, predicted cost and memory. With --literal, what the paper's
    bounds say at the claim's widest network when their constants are taken as printed, and which say nothing there.
    """
    from rnnconv_cli.spec import catalogue, loader

    style = style_of(sys.stdout)
    claim = loader.load(catalogue.find(name))
    if literal:
        put(painted(_ledger(claim, profile, style), style))
        return
    from rnnconv_cli import pipeline
    from rnnconv_cli.sweep.calibrate import calibrate

    options = pipeline.Options(profile, 0, 1, "compiled", (), False, (), speeds=calibrate())
    costs = pipeline.preview([claim], options).checks
    put(painted(_page(claim, profile, costs, cores(), style), style))


def _page(
    claim: LoadedClaim, profile: str, costs: tuple[CheckCost, ...], jobs: int, style: Style
) -> Iterator[RenderableType]:
    yield heading(f"{claim.claim.id}: {claim.claim.title}", style)
    about = claim.claim
    lines: list[Line] = [("source", about.source.text), ("status", about.status), ("claim", about.statement)]
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


def _ledger(claim: LoadedClaim, profile: str, style: Style) -> Iterator[RenderableType]:
    from rnnconv_cli.spec.literal import ledger, widest

    check, sizes = widest(claim, "quick" if profile == "quick" else "full")
    entries = ledger(sizes)
    yield heading(f"{claim.claim.id}: the paper's constants, taken literally", style)
    at = (
        f"{check}, at m = {sizes.width:g}, L = {sizes.horizon:g}, n = {sizes.n_sequences:g}, d = {sizes.output_dim:g}, "
        f"delta = {sizes.separation:g}, epsilon = {sizes.accuracy:g} ({profile})"
    )
    yield paragraph("widest", at, style, indent=0)
    yield words("", style)
    widths = (18, 40, 22, max(12, style.width - 83))
    yield row([words(each, style, "bold") for each in ("constant", "formula", "source", "value")], widths)
    for entry in entries:
        cells = (entry.name, entry.formula, entry.source, f"10^{entry.log10:.1f}")
        yield row([words(cell, style) for cell in cells], widths)
        if entry.vacuous:
            yield paragraph("vacuous", entry.vacuous, style)
    yield words("", style)
    empty = sum(bool(entry.vacuous) for entry in entries)
    told = (
        f"{empty} of {len(entries)} say nothing at these sizes. Constants in O(.) and Omega(.) count as 1. "
        "What the checks test is how the quantities scale, not these numbers."
    )
    yield paragraph("in all", told, style, indent=0)


def _lines(loaded: LoadedCheck, profile: str) -> Iterator[Line]:
    """What a check says of itself, label by label."""
    from rnnconv_cli.judge.words import path

    check = loaded.check
    yield "source", check.source.text + (f" ({check.status})" if check.status else "")
    yield "statement", check.statement
    yield "quantity", _quantity(check)
    yield "sweep", sweep_text(check, profile)
    yield "path", path(check.sweep.path)
    yield "predicted", _prediction(check, profile)
    yield "why", check.prediction.reason
    yield "expected", "" if check.expected == "within" else check.expected
    yield "control", f"{check.control.description} Expected: {check.control.expected}."
    for exhibit, arm in loaded.exhibits:
        if not exhibit.id.startswith(TANGENT):
            yield "beside", f"{exhibit.id}: {exhibit.description} ({arm.quantity})"
    if any(exhibit.id.startswith(TANGENT) for exhibit, _ in loaded.exhibits):
        yield "tangent", "eigenvalues and tail rate at both ends of a run, largest stable step at its start"
    yield "notes", check.notes


def sweep_text(arm: Arm, profile: str) -> str:
    """The grid of a profile and its replicates."""
    amount = arm.sweep.quick if profile == "quick" else arm.sweep.full
    draws = f"{amount.replicates} draws"
    widths = f"; widths {', '.join(map(str, amount.widths))}" if amount.widths else ""
    if amount.search is not None:
        draws = f"up to {draws}"
        widths = f"; widths from {amount.search.least} to {amount.search.most}, in rounds"
    if arm.sweep.parameter is None:
        return f"none, {draws}{widths} ({profile})"
    return f"{arm.sweep.parameter} {', '.join(f'{point:g}' for point in amount.grid)}; {draws} each{widths} ({profile})"


def _quantity(arm: Arm) -> str:
    adversaries = f", adversaries {', '.join(arm.perturbation.adversaries)}" if arm.perturbation else ""
    return f"{arm.quantity}{adversaries}"


def _prediction(arm: Arm, profile: str) -> str:
    from rnnconv_cli.judge.allowed import predict
    from rnnconv_cli.judge.words import limit

    amount = arm.sweep.quick if profile == "quick" else arm.sweep.full
    predicted, _ = predict(arm, amount.grid)
    counted = predicted.counted
    if counted is None:
        return f"{predicted.kind}: {predicted.text}"
    sign = "at most" if counted.side == "upper" else "at least"
    event = f"{arm.quantity} is {sign} {limit(counted.bound)} with P ≥ {counted.probability:g}"
    return f"event: {event}" if predicted.kind == "event" else f"frontier: {predicted.text}, where {event}"


def _cost(cost: CheckCost, jobs: int) -> str:
    trials = f"{cost.trials} trials and {cost.control_trials} of control and exhibits"
    return f"{trials}; {_time(cost.seconds, jobs)}; at most {cost.peak_bytes / 2**20:.0f} MiB for each trial"


def _total(costs: tuple[CheckCost, ...], profile: str, jobs: int) -> str:
    memory = max(cost.peak_bytes for cost in costs) / 2**20
    time = _time(sum(cost.seconds for cost in costs), jobs)
    return f"{time}, at most {memory:.0f} MiB for each trial (profile {profile}, predicted for this machine)"


def _time(seconds: float, jobs: int) -> str:
    wall = seconds / jobs
    shown = f"{wall / 60:.0f} minutes" if wall >= 120 else f"{max(1, round(wall))} s"
    return f"about {seconds:.3g} core-seconds, {shown} on {jobs} core{'s' if jobs > 1 else ''}"
