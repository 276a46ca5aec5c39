"""What a figure of a check shows: what was measured beside what the claim allows, and the numbers that were judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rnnconv_cli.records import CheckResult
from rnnconv_cli.report.figures import counting_panels, decay_panels, frontier_panels, scaling_panels
from rnnconv_cli.report.figures.figure import Figure

FIGURES: Mapping[str, Callable[[CheckResult], Figure | None]] = {
    "exponent": scaling_panels.figure_of,
    "attainment": scaling_panels.figure_of,
    "growth": scaling_panels.figure_of,
    "event": counting_panels.event_figure,
    "identity": counting_panels.identity_figure,
    "decay": decay_panels.figure_of,
    "frontier": frontier_panels.figure_of,
}


def figure_of(check: CheckResult) -> Figure | None:
    """The figure of a check; None where no trial gave a number that could be drawn, or its kind is not known."""
    draw = FIGURES.get(check.kind)
    return None if draw is None else draw(check)
