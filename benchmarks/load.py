"""What the driver of a sweep spends on each of many tiny trials: python benchmarks/load.py [ENGINE] [TRIALS].

Every trial is a network of width 8 of its own, so that a run is little else than planning, handing over and keeping.
Some of them share a task and a transaction, as in any run of many short trials.
Workers of processes of their own are not counted; those of `thread` are in the driver's process, and are.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.records import ProblemSetting, Trial
from rnnconv_cli.sweep.engines import named
from rnnconv_cli.sweep.execute import execute
from rnnconv_cli.sweep.keeper import StoreKeeper
from rnnconv_cli.sweep.progress import Forecast, Progress
from rnnconv_cli.sweep.worker import program

PROBLEM = ProblemSetting(
    8, 3, 1, 4, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
LEAST = 10_000  # trials: a run of fewer may be too short for workers of its own, and measure here instead


class Silent(Progress):
    """Shows nothing, and notes the driver's memory at every tenth of the run."""

    def __init__(self) -> None:
        self.total, self.ended, self.resident = 0.0, 0.0, list[float]()

    def planned(self, forecast: Forecast) -> None: ...
    def expect(self, seconds: float) -> None: ...
    def close(self) -> None: ...
    def phase(self, name: str, total: float | None) -> None:
        self.total = total or 0.0

    def advance(self, label: str, seconds: float) -> None:
        self.ended += seconds
        if 10 * self.ended > self.total * (len(self.resident) + 1 - 1e-6):
            pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
            self.resident.append(pages * resource.getpagesize() / 2**20)


def main(name: str = "process", count: str = "20000") -> None:
    if int(count) < LEAST:
        sys.exit(f"found {count} trials, wanted at least {LEAST}: fewer may not be worth a pool of workers")
    trials = [Trial("hidden-norm-max", PROBLEM, None, None, None, (), (), k, 0) for k in range(int(count))]
    warm_up(BACKENDS["compiled"], "float64")
    here, progress = program("compiled"), Silent()
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(named(name)(len(os.sched_getaffinity(0)), here)) as workers,
        closing(StoreKeeper(Path(folder, "kept.sqlite"), here.conditions, fresh=False)) as keeper,
    ):
        wall, own = time.perf_counter(), time.process_time()
        execute(trials, backend="compiled", engine=workers, progress=progress, keeper=keeper)
        wall, own = time.perf_counter() - wall, time.process_time() - own
    print(f"{name}: {len(trials)} trials in {wall:.1f} s")
    included = ", the workers' time included" if name == "thread" else ""
    print(f"driver: {1e3 * own / len(trials):.2f} ms of its core for each trial{included}")
    print(f"memory of the driver at every tenth: {', '.join(f'{each:.0f}' for each in progress.resident)} MiB")


if __name__ == "__main__":
    main(*sys.argv[1:])
