"""What `verify --dry-run` shows: what would be measured, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rnnconv_cli.report.layout import Style, painted, paragraph, words

if TYPE_CHECKING:
    from rnnconv_cli.pipeline import Outstanding


def to_do(checks: Sequence[Outstanding], style: Style) -> str:
    """What is outstanding, check by check, and in all."""
    return painted(_parts(checks, style), style)


def _parts(checks: Sequence[Outstanding], style: Style) -> Iterator[RenderableType]:
    for each in checks:
        yield words(f"{each.claim}/{each.check}", style, "bold")
        yield paragraph("measure", _amount(each.missing, each.trials, each.seconds), style, indent=2)
        for reason, count in each.reasons:
            yield paragraph("because", f"{reason} ({count} trial{'s' if count > 1 else ''})", style, indent=2)
        if each.in_rounds:
            yield paragraph("then", "further rounds, of trials that depend on what these show", style, indent=2)
    yield words("", style)
    total = (sum(getattr(each, name) for each in checks) for name in ("missing", "trials", "seconds"))
    yield paragraph("in all", f"{_amount(*total)}; a trial of several checks is measured once", style, indent=0)


def _amount(missing: int, trials: int, seconds: float) -> str:
    if not missing:
        return f"nothing: all {trials} trials are kept"
    return f"{missing} of {trials} trials, about {seconds:.3g} core-seconds"
