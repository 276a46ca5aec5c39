from __future__ import annotations

import io
from dataclasses import replace

import pytest

from rnnconv_cli.cli.progress import Bar, Lines, Pace, Warnings, progress_on
from rnnconv_cli.records import ArmPlan, BudgetPlan
from rnnconv_cli.sweep.progress import Forecast, Silent


class Clock:
    """A clock that goes on when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_time_left_is_weighted_by_what_the_work_costs() -> None:
    pace = Pace("measuring", total=100.0, began=10.0)
    assert pace.time_left(20.0) is None
    pace.done = 25.0
    assert pace.time_left(20.0) == 30.0
    pace.done = 120.0  # a prediction may be too low
    assert pace.time_left(20.0) == 0.0


def test_work_that_was_not_foreseen_makes_a_phase_longer() -> None:
    pace = Pace("measuring", total=10.0, began=0.0, done=10.0)
    pace.expect(30.0)
    assert pace.time_left(5.0) == 15.0
    unknown = Pace("compiling", total=None, began=0.0)
    unknown.expect(30.0)
    assert unknown.total is None


def test_a_phase_of_unknown_length_has_no_time_left() -> None:
    assert Pace("compiling", total=None, began=0.0, done=5.0).time_left(9.0) is None


def test_a_short_run_writes_nothing(clock: Clock) -> None:
    written: list[str] = []
    lines = Lines(written.append, clock)
    lines.phase("compiling kernels", None)
    clock.now = 1.5
    lines.phase("measuring", 10.0)
    lines.advance("m=64", 10.0)
    lines.close()
    assert written == []


def test_a_log_gets_a_line_now_and_then(clock: Clock) -> None:
    written: list[str] = []
    lines = Lines(written.append, clock)
    lines.phase("compiling kernels", None)
    clock.now = 8.0
    lines.phase("measuring", 100.0)
    for second in range(9, 29):
        clock.now = float(second)
        lines.advance(f"m={second}", 2.0)
    assert written == [
        "compiling kernels took 8 s",
        "10 s: measuring 4%, about 48 s left (m=10)",
        "20 s: measuring 24%, about 38 s left (m=20)",
    ]


PLAN = BudgetPlan(600.0, 2, 1.5, (ArmPlan("claim", "check", "main", None, (), 9, (), 7),))
LONG = Forecast(260.0, 2, 6 * 10**8, None)


@pytest.mark.parametrize(
    ("forecast", "n_lines"), [(LONG, 1), (replace(LONG, seconds=1.0), 0), (replace(LONG, seconds=1.0, plan=PLAN), 2)]
)
def test_a_run_begins_with_what_it_takes(clock: Clock, forecast: Forecast, n_lines: int) -> None:
    """A short one begins with nothing, unless a budget has left something out."""
    written: list[str] = []
    Lines(written.append, clock).planned(forecast)
    stream = Terminal()
    bar = Bar(stream, clock)
    bar.planned(forecast)
    bar.close()
    Silent().planned(forecast)
    assert len(written) == n_lines
    assert [line.split(":")[0] for line in written] == ["predicted", "a budget of 10 min on 2 cores"][:n_lines]
    assert all(line in stream.getvalue() for line in written)


def test_a_warning_is_shown_at_once_by_every_display(clock: Clock, capfd: pytest.CaptureFixture[str]) -> None:
    """Also before a bar is shown, and where nothing else is."""
    written: list[str] = []
    Lines(written.append, clock).warn("the store is gone")
    stream = Terminal()
    bar = Bar(stream, clock)
    bar.warn("the [b]store is gone")
    Warnings().warn("the store is gone")
    assert written == ["rnnconv: the store is gone"]
    assert "rnnconv: the [b]store is gone" in stream.getvalue()
    assert capfd.readouterr() == ("", "rnnconv: the store is gone\n")
    bar.close()


def test_work_outside_a_phase_is_no_error(clock: Clock) -> None:
    written: list[str] = []
    Lines(written.append, clock).advance("m=1", 1.0)
    assert written == []


def test_a_bar_shows_nothing_at_first(clock: Clock) -> None:
    stream = Terminal()
    bar = Bar(stream, clock)
    bar.phase("measuring", 10.0)
    bar.advance("m=64", 1.0)
    bar.close()
    assert "measuring" not in stream.getvalue()


def test_a_bar_names_phase_trial_and_time_left(clock: Clock) -> None:
    stream = Terminal()
    bar = Bar(stream, clock)
    bar.phase("[b]measuring", 10.0)
    clock.now = 4.0
    bar.advance("m=64 [x]", 5.0)
    bar.close()
    assert "[b]measuring" in stream.getvalue()
    assert "about 4 s left, m=64 [x]" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "quiet", "kind"),
    [
        (Terminal(), {}, False, Bar),
        (Terminal(), {"CI": "true"}, False, Lines),
        (Terminal(), {"TERM": "dumb"}, False, Lines),
        (io.StringIO(), {"FORCE_COLOR": "1"}, False, Lines),
        (Terminal(), {}, True, Warnings),
        (None, {}, False, Warnings),
    ],
)
def test_the_stream_decides_the_display(
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO | None,
    environment: dict[str, str],
    quiet: bool,
    kind: type,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with progress_on(stream, quiet=quiet) as shown:
        assert isinstance(shown, kind)
        shown.phase("measuring", 1.0)
        shown.advance("m=64", 1.0)


def test_a_display_is_taken_away_when_the_run_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with pytest.raises(ZeroDivisionError), progress_on(stream, quiet=False):
        raise ZeroDivisionError
    assert "\x1b[?25h" in stream.getvalue()  # the cursor is back
