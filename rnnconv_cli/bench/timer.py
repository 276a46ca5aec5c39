"""What a worker process does with a request: makes a case ready, compares its outcome, times it."""

from __future__ import annotations

import gc
import math
import time
from dataclasses import replace

import numpy as np

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants import CONTESTANTS, MACHINE
from rnnconv_cli.bench.contestants.work import Build, Work
from rnnconv_cli.bench.data import Outcome
from rnnconv_cli.bench.messages import Accuracy, Measure, Prepare, Release, Request, Timing
from rnnconv_cli.kernels.arrays import Array

REST_SECONDS, MOST_REST_SECONDS = 0.005, 1.0
AT_REST = 0.2  # share of the time that the threads of a process at rest may run


class Timer:
    """The cases of one contestant that are ready, each with the seconds that a call took last; infinite before."""

    def __init__(self, contestant: str) -> None:
        self._contestant = {**CONTESTANTS, **MACHINE}[contestant]
        self._build: Build | None = None
        self._ready: dict[Case, tuple[Work, float]] = {}

    def answer(self, request: Request) -> Accuracy | Timing | None:
        """Carry out a request."""
        match request:
            case Prepare():
                return self._prepare(request)
            case Measure():
                return self._measure(request)
            case Release():
                self._ready.pop(request.case, None)
                gc.collect()
                return None

    def _prepare(self, request: Prepare) -> Accuracy:
        if self._build is None:
            self._build = self._contestant.load()
            gc.freeze()  # a library's own objects stay: without them, looking for what a case has left takes no time
        instances = data.draw(request.case, request.seed) if self._contestant.tasks else ()  # the machine needs none
        work = self._build(request.case, instances)
        began = time.perf_counter()
        outcome = work.outcome()  # what is compiled on first use is compiled here, and in no round
        seconds = time.perf_counter() - began
        self._ready[request.case] = work, math.inf
        wait_for_rest()
        if request.expected is None:
            return Accuracy(None, None, seconds=seconds)
        return replace(errors(outcome, Outcome.load(request.expected)), seconds=seconds)

    def _measure(self, request: Measure) -> Timing:
        work, last = self._ready[request.case]
        while True:
            count = max(1, math.ceil(request.seconds / last))
            used, began = time.process_time(), time.perf_counter()
            work.run(count)
            elapsed, used = time.perf_counter() - began, time.process_time() - used
            last = elapsed / count
            self._ready[request.case] = work, last
            if elapsed >= request.seconds / 2:
                wait_for_rest()
                return Timing(last, used / elapsed)


def wait_for_rest() -> None:
    """Return when this process rests: idle threads of a library may spin on, and would disturb who is asked next."""
    end = time.perf_counter() + MOST_REST_SECONDS
    while time.perf_counter() < end:
        used, began = time.process_time(), time.perf_counter()
        time.sleep(REST_SECONDS)
        if time.process_time() - used < AT_REST * (time.perf_counter() - began):
            return


def errors(found: Outcome, wanted: Outcome) -> Accuracy:
    """The largest relative error over replicates; NaN where something is not finite."""
    gradient = last_loss = None
    if found.gradients is not None and wanted.gradients is not None:
        pairs = zip(found.gradients, wanted.gradients, strict=True)
        gradient = float(np.max([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]))
    if found.last_losses is not None and wanted.last_losses is not None:
        last_loss = _relative(found.last_losses, wanted.last_losses)
    return Accuracy(_relative(found.losses, wanted.losses), gradient, last_loss)


def _relative(found: Array, wanted: Array) -> float:
    return float(np.max(np.abs(found - wanted) / np.abs(wanted)))
