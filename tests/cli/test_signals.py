from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from rnnconv_cli.cli import signals
from rnnconv_cli.cli.signals import disarm, serve_once, stoppable


@pytest.fixture(autouse=True)
def _a_shell_that_serves_ctrl_c() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_and_is_kept(number: int) -> None:
    with stoppable() as stop:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        assert stop.number == number


def test_an_interrupt_that_was_dropped_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "AGAIN_AFTER", 0.01)
    with stoppable() as stop:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.pause()
        assert stop.number == signal.SIGTERM


def test_a_served_interrupt_does_not_come_again() -> None:
    with stoppable():
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        disarm()
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with stoppable() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert stop.number is None


def test_only_dropped_interrupts_are_kept_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    with stoppable():
        for kind in (KeyboardInterrupt, ValueError):
            sys.unraisablehook(SimpleNamespace(exc_type=kind))
    assert seen == [SimpleNamespace(exc_type=ValueError)]


def test_only_the_first_is_served_where_one_is_enough() -> None:
    with stoppable() as stop:
        serve_once()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        disarm()
    assert stop.number == signal.SIGTERM
