"""A real scheduler and real workers, on the loopback interface."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from rnnconv_cli.errors import EngineError, ResourceError, UsageError
from rnnconv_cli.records import ProblemSetting, Trial
from rnnconv_cli.sweep.engines import Processes, named
from rnnconv_cli.sweep.execute import Readings, execute
from rnnconv_cli.sweep.progress import Forecast
from rnnconv_cli.sweep.worker import program

if TYPE_CHECKING:
    from tests.conftest import DaskStart, Recorder

PROBLEM = ProblemSetting(
    64, 6, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
HERE = program("compiled")


def trials(count: int, problem: ProblemSetting = PROBLEM) -> tuple[Trial, ...]:
    return tuple(Trial("product-norm", problem, None, None, None, (), (), k, 7) for k in range(count))


def alone(some: tuple[Trial, ...], progress: Recorder) -> Readings:
    return execute(some, backend="compiled", engine=Processes(1, HERE), progress=progress)


def test_a_cluster_of_this_machine_gives_the_same_bits(recorder: Recorder) -> None:
    some = trials(8)
    with closing(named("dask")(2, HERE)) as workers:
        assert (workers.workers(), workers.is_own) == (2, False)
        assert {each.conditions for each in workers.programs} == {HERE.conditions}
        found = execute(some, backend="compiled", engine=workers, progress=recorder)
    assert found == alone(some, recorder)


@pytest.mark.slow
def test_workers_that_are_killed_and_others_that_join_change_nothing(
    dask_address: str, dask_start: DaskStart, recorder: Recorder
) -> None:
    some = trials(60, replace(PROBLEM, width=512, horizon=16, n_sequences=4))
    first = dask_start("worker", "--nthreads", "1")
    killed: list[int] = []

    class Killing:
        """Progress that kills the only worker, nanny and all, once a few trials have ended, and starts another."""

        def planned(self, forecast: Forecast) -> None: ...
        def warn(self, text: str) -> None: ...
        def phase(self, name: str, total: float | None) -> None: ...
        def expect(self, seconds: float) -> None: ...
        def close(self) -> None: ...
        def advance(self, label: str, seconds: float) -> None:
            killed.append(0)
            if len(killed) == 5:
                os.killpg(first.pid, signal.SIGKILL)
                dask_start("worker", "--nthreads", "1")

    with closing(named(f"dask:{dask_address}")(1, HERE)) as workers:
        found = execute(some, backend="compiled", engine=workers, progress=Killing())
    assert len(killed) == 60
    assert found == alone(some, recorder)


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [2, 16])  # of trials that end at once, between which workers are counted, or not
def test_a_scheduler_that_is_gone_ends_the_run_and_what_was_measured_is_kept(
    horizon: int,
    dask_address: str,
    dask_scheduler: subprocess.Popen[bytes],
    dask_start: DaskStart,
    recorder: Recorder,
) -> None:
    some = trials(3000, replace(PROBLEM, width=32 * horizon, horizon=horizon, n_sequences=4))
    dask_start("worker", "--nthreads", "1", "--no-nanny")
    kept: list[Trial] = []

    class Keeping:
        def find(self, trials: object) -> Readings:
            return {}

        def keep(self, measured: Readings, conditions: object) -> None:
            kept.extend(measured)
            if len(kept) >= 5:
                dask_scheduler.kill()

    with (
        closing(named(f"dask:{dask_address}")(1, HERE)) as workers,
        pytest.raises(EngineError, match=rf"executor dask:{dask_address}: .*; .*the same command goes on"),
    ):
        execute(some, backend="compiled", engine=workers, progress=recorder, keeper=Keeping())
    assert 5 <= len(kept) < 3000


def test_what_does_not_fit_a_worker_is_refused_by_name(
    dask_address: str, dask_start: DaskStart, recorder: Recorder
) -> None:
    dask_start("worker", "--nthreads", "2", "--memory-limit", "1GiB", "--no-nanny")
    large = replace(trials(1)[0], problem=replace(PROBLEM, width=4096))
    with closing(named(f"dask:{dask_address}")(1, HERE)) as workers:
        assert workers.workers() == 2
        with pytest.raises(ResourceError, match=r"product-norm m=4096 .* wanted at most 0.50 GiB"):
            execute([large], backend="compiled", engine=workers, progress=recorder)


def test_workers_with_another_program_are_refused_by_name(dask_address: str, dask_start: DaskStart) -> None:
    dask_start("worker", "--nthreads", "1", "--no-nanny")
    driver = replace(HERE, tool="9.9")
    said = rf"the worker tcp://127.0.0.1:\d+ is not like this process: found rnnconv {HERE.tool}, wanted 9.9; install"
    with pytest.raises(EngineError, match=said):
        named(f"dask:{dask_address}")(1, driver)


@pytest.mark.parametrize("address", ["nowhere", "ftp://127.0.0.1:8786", "tcp://", "tcp://a b:1", "inproc://x:1"])
def test_what_is_no_address_is_a_usage_error(address: str) -> None:
    with pytest.raises(UsageError, match=rf"found the Dask address '{address}', wanted HOST:PORT"):
        named(f"dask:{address}")


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1:1", "tls://127.0.0.1:1"])
def test_no_scheduler_is_one_message(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnconv_cli.sweep.on_dask.ANSWER_SECONDS", 0.5)
    with pytest.raises(EngineError, match=rf"executor dask:{address}: no scheduler with a worker answers .*; start"):
        named(f"dask:{address}")(1, HERE)
