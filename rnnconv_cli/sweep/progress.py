"""How a run tells the outside how far it is."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receives phases and finished trials; shows them, or not."""

    def phase(self, name: str, total: float | None) -> None:
        """Begin a phase of `total` predicted core-seconds, or of unknown length."""

    def expect(self, seconds: float) -> None:
        """Add so many predicted core-seconds to the phase: work that its beginning did not foresee."""

    def advance(self, label: str, seconds: float) -> None:
        """Count one finished piece of work of so many predicted core-seconds."""

    def close(self) -> None:
        """End the display."""
