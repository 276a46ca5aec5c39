"""Ctrl-C and SIGTERM end a command within two seconds, whatever code they fall into."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

AGAIN_AFTER = 1.0  # seconds


@dataclass(slots=True)
class Stop:
    """Which signal has asked the command to end; None while none has."""

    number: int | None = None


@contextlib.contextmanager
def stoppable() -> Iterator[Stop]:
    """Raise KeyboardInterrupt for SIGINT and SIGTERM inside the block, and keep which of them came first.

    Python drops an exception that is raised in a callback from C, and LLVM calls back while it compiles: what follows
    is some other error, or nothing at all. So the signal is kept, and the interrupt is raised again a second later. A
    SIGINT that is ignored, as in a shell's background jobs, stays ignored.
    """
    stop = Stop()

    def raise_interrupt(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            stop.number = stop.number or number
            signal.setitimer(signal.ITIMER_REAL, AGAIN_AFTER)
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM, signal.SIGALRM]
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        numbers.append(signal.SIGINT)
    previous = {number: signal.signal(number, raise_interrupt) for number in numbers}
    show_dropped = sys.unraisablehook

    def show_other_dropped(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            show_dropped(dropped)

    sys.unraisablehook = show_other_dropped
    try:
        yield stop
    finally:
        disarm()
        sys.unraisablehook = show_dropped
        for number, handler in previous.items():
            signal.signal(number, handler)


def serve_once() -> None:
    """Ignore every SIGINT and SIGTERM after the first, until the block ends: what that leaves to do is not cut off."""
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, functools.partial(_serve_and_ignore, handler))


def _serve_and_ignore(handler: Callable[[int, FrameType | None], object], number: int, frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):
        if callable(signal.getsignal(each)):
            signal.signal(each, _ignore)
    handler(number, frame)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Do nothing. Not SIG_IGN: Python would complain of a signal that was already on its way."""


def disarm() -> None:
    """Let a served interrupt not be raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)
