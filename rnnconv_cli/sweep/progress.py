"""How a run tells the outside what it is going to do, and how far it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from rnnconv_cli.records import BudgetPlan

DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run is predicted to take, without the trials that are kept."""

    seconds: float  # of wall-clock time
    jobs: int  # on so many cores
    peak_bytes: int  # of its largest trial
    plan: BudgetPlan | None  # what a budget takes and leaves out; None for whole profiles


def duration(seconds: float) -> str:
    """A length of time for people."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    large, unit, small, rest = (whole // 60, "min", whole % 60, "s")
    if whole >= 7200:
        large, unit, small, rest = (whole // 3600, "h", whole // 60 % 60, "min")
    return f"{large} {unit} {small:02d} {rest}" if small else f"{large} {unit}"


def seconds_in(text: str) -> float | None:
    """A duration such as 90s, 10m or 1h30m, in seconds; None for anything else, and for no time at all."""
    parts = DURATION.fullmatch(text.strip().lower())
    found = [float(part or 0) for part in parts.groups()] if parts else [0.0]
    return sum(part * unit for part, unit in zip(found, (3600.0, 60.0, 1.0), strict=False)) or None


class Progress(Protocol):
    """Receives phases and finished trials; shows them, or not."""

    def planned(self, forecast: Forecast) -> None:
        """Hear what the run is going to take, before it measures."""

    def warn(self, text: str) -> None:
        """Hear at once what goes wrong while the run goes on."""

    def phase(self, name: str, total: float | None) -> None:
        """Begin a phase of `total` predicted core-seconds, or of unknown length."""

    def expect(self, seconds: float) -> None:
        """Add so many predicted core-seconds to the phase: work that its beginning did not foresee."""

    def advance(self, label: str, seconds: float) -> None:
        """Count one finished piece of work of so many predicted core-seconds."""

    def close(self) -> None:
        """End the display."""


class Silent:
    """Shows nothing."""

    def planned(self, forecast: Forecast) -> None:
        """Plan, unseen."""

    def warn(self, text: str) -> None:
        """Warn nobody: the report says it as well."""

    def phase(self, name: str, total: float | None) -> None:
        """Begin a phase, unseen."""

    def expect(self, seconds: float) -> None:
        """Add to a phase, unseen."""

    def advance(self, label: str, seconds: float) -> None:
        """Count a piece of work, unseen."""

    def close(self) -> None:
        """End, unseen."""
