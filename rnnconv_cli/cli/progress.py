"""How far a run is, on stderr: a live bar on a terminal, a line now and then in a log, nothing for a short run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, RenderableType
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as RichProgress

from rnnconv_cli.cli.console import complain
from rnnconv_cli.report.plain import visible
from rnnconv_cli.report.planned import predicted, within_budget
from rnnconv_cli.sweep.progress import Forecast, Progress, Silent, duration

SHOWN_AFTER = 2.0  # seconds; a shorter run shows nothing
LINE_EVERY = 10.0  # seconds between lines in a log
Clock = Callable[[], float]


@dataclass(slots=True)
class Pace:
    """One phase: how much of its predicted core-seconds is done, and how long the rest should take."""

    name: str
    total: float | None
    began: float
    done: float = 0.0
    label: str = ""

    def expect(self, seconds: float) -> None:
        """Make the phase longer; one of unknown length stays so."""
        if self.total is not None:
            self.total += seconds

    def time_left(self, now: float) -> float | None:
        """Seconds to the end of the phase if the rest goes as fast as what is done; None while nothing is known."""
        if self.total is None or self.done <= 0:
            return None
        return (now - self.began) * max(0.0, self.total - self.done) / self.done

    def state(self, now: float) -> str:
        """The phase in words: share done, time left, the latest piece of work."""
        left = self.time_left(now)
        share = f" {min(1.0, self.done / self.total):.0%}" if self.total else ""
        about = "" if left is None else f", about {duration(left)} left"
        return f"{self.name}{share}{about}{f' ({self.label})' if self.label else ''}"


def _start(forecast: Forecast) -> list[str]:
    """The lines that a run begins with: none for a short one."""
    if forecast.plan is None and forecast.seconds < SHOWN_AFTER:
        return []
    return [predicted(forecast), *([] if forecast.plan is None else [within_budget(forecast.plan)])]


class Lines:
    """Writes a line now and then, only when there is something new to say."""

    def __init__(self, write: Callable[[str], None] = complain, clock: Clock = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._began = self._last = clock()
        self._pace: Pace | None = None

    def planned(self, forecast: Forecast) -> None:
        """Say what the run is going to take, and what its budget leaves out."""
        for line in _start(forecast):
            self._write(line)

    def warn(self, text: str) -> None:
        """Write a warning."""
        self._write(f"rnnconv: {text}")

    def phase(self, name: str, total: float | None) -> None:
        """Begin a phase; say how long the one before took, if that was long."""
        now = self._clock()
        if self._pace is not None and now - self._pace.began >= SHOWN_AFTER:
            self._write(f"{self._pace.name} took {duration(now - self._pace.began)}")
        self._pace = Pace(name, total, now)

    def expect(self, seconds: float) -> None:
        """Add work to the phase."""
        if self._pace is not None:
            self._pace.expect(seconds)

    def advance(self, label: str, seconds: float) -> None:
        """Count a piece of work; write a line if the last one is long ago."""
        if self._pace is None:
            return
        self._pace.done, self._pace.label = self._pace.done + seconds, label
        now = self._clock()
        if now - self._last >= LINE_EVERY:
            self._last = now
            self._write(f"{duration(now - self._began)}: {self._pace.state(now)}")

    def close(self) -> None:
        """End; the results say how long the last phase took."""


class Bar:
    """A bar that moves, with the phase, the latest trial and the time left."""

    def __init__(self, stream: TextIO, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        console = Console(file=stream, markup=False, emoji=False, highlight=False)
        self._display = _DelayedDisplay(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[state]}", markup=False),
            console=console,
            transient=True,
            redirect_stdout=False,
        )
        self._display.shown_from, self._display.clock = clock() + SHOWN_AFTER, clock
        self._task = self._display.add_task("starting", total=None, state="")
        self._pace: Pace | None = None
        self._display.start()

    def planned(self, forecast: Forecast) -> None:
        """Say what the run is going to take, and what its budget leaves out, in lines that stay."""
        for line in _start(forecast):
            self._display.console.print(line, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Write a warning, in a line that stays."""
        self._display.console.print(visible(f"rnnconv: {text}"), soft_wrap=True)

    def phase(self, name: str, total: float | None) -> None:
        """Begin a phase."""
        self._pace = Pace(name, total, self._clock())
        self._display.reset(self._task, total=total, description=visible(name), state="")

    def expect(self, seconds: float) -> None:
        """Add work to the phase."""
        if self._pace is not None:
            self._pace.expect(seconds)
            self._display.update(self._task, total=self._pace.total)

    def advance(self, label: str, seconds: float) -> None:
        """Count a piece of work."""
        if self._pace is None:
            return
        self._pace.done += seconds
        left = self._pace.time_left(self._clock())
        state = visible(label) if left is None else f"about {duration(left)} left, {visible(label)}"
        self._display.update(self._task, advance=seconds, state=state)

    def close(self) -> None:
        """Take the bar away."""
        self._display.stop()


class Warnings(Silent):
    """Shows nothing but what goes wrong."""

    def warn(self, text: str) -> None:
        """Write a warning."""
        complain(f"rnnconv: {text}")


class _DelayedDisplay(RichProgress):
    """A live display that shows nothing in its first seconds."""

    shown_from: float = 0.0
    clock: Clock = time.monotonic

    def get_renderables(self) -> Iterable[RenderableType]:
        return super().get_renderables() if self.clock() >= self.shown_from else ()


@contextmanager
def progress_on(stream: TextIO | None, *, quiet: bool) -> Iterator[Progress]:
    """The display that suits a stream: a bar on a terminal, lines elsewhere and in CI, warnings alone when quiet."""
    shown: Progress
    if quiet or stream is None:
        shown = Warnings()
    elif stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb":
        shown = Bar(stream)
    else:
        shown = Lines()
    try:
        yield shown
    finally:
        shown.close()
