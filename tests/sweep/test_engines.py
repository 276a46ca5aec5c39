from __future__ import annotations

from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.errors import EngineError, TrialFailed, UsageError
from rnnconv_cli.kernels.backend import BACKENDS, warm_up
from rnnconv_cli.kernels.threads import threads_in_use
from rnnconv_cli.records import ProblemSetting, Status, TrainingSetting, Trial
from rnnconv_cli.sweep import execute as executor
from rnnconv_cli.sweep.engines import ENGINES, named
from rnnconv_cli.sweep.execute import Readings, execute
from rnnconv_cli.sweep.worker import Program, program

if TYPE_CHECKING:
    from tests.conftest import Recorder

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TRAINING = TrainingSetting("gd", 2, 1.0, "inverse-lambda-max", 200, 1e-3, "loss")
CROWDED = replace(PROBLEM, n_sequences=20, input_dim=3, separation=0.9)  # which no draw can place
TRIALS = tuple(
    Trial(quantity, problem, training, None, None, (), (), replicate, 7)
    for quantity, training in (("hidden-norm-max", None), ("product-norm", None), ("movement", TRAINING))
    for problem in (PROBLEM, replace(PROBLEM, width=96, dtype="float32"))
    for replicate in range(3)
)
HERE = program("compiled")
OURS = ("process", "thread")
THEIRS = (
    "concurrent.futures:ProcessPoolExecutor",
    "concurrent.futures:ThreadPoolExecutor",
    "loky:get_reusable_executor",
)


def measured_by(name: str, trials: tuple[Trial, ...], progress: Recorder, **options: Any) -> Readings:
    with closing(named(name)(2, HERE)) as workers:
        return execute(trials, backend="compiled", engine=workers, progress=progress, **options)


@pytest.fixture(autouse=True)
def _pooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use workers however little there is to do, with the kernels in the cache they read."""
    monkeypatch.setattr(executor, "WORTH_A_POOL_SECONDS", 0.0)
    for dtype in ("float64", "float32"):
        warm_up(BACKENDS["compiled"], dtype)


@pytest.fixture
def alone(recorder: Recorder) -> Readings:
    """What one process measures."""
    with closing(named("process")(1, HERE)) as workers:
        return execute(TRIALS, backend="compiled", engine=workers, progress=recorder)


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_the_same_bits_whoever_carries_trials_out(name: str, alone: Readings, recorder: Recorder) -> None:
    before = threads_in_use()
    assert measured_by(name, TRIALS, recorder) == alone
    assert {each.status for readings in alone.values() for each in readings} == {Status.OK}
    assert threads_in_use() == before


@pytest.mark.parametrize("name", OURS)
def test_a_failed_trial_is_the_end_only_where_that_is_asked(name: str, recorder: Recorder) -> None:
    trials = (*TRIALS[:2], replace(TRIALS[0], problem=CROWDED))
    found = measured_by(name, trials, recorder)
    assert [found[each][0].status for each in trials] == [Status.OK, Status.OK, Status.FAILED]
    said = r"hidden-norm-max m=32 L=4 n=20 draw 0: first tokens: .*; the run ended here, as --fail-fast asks"
    with pytest.raises(TrialFailed, match=said):
        measured_by(name, trials, recorder, fail_fast=True)


class Deaf(Executor):
    """An executor that drops what it is given, once it has said what it measures with."""

    def __init__(self, max_workers: int) -> None:
        self.max_workers = max_workers

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        future = Future[Any]()
        if function is program:
            future.set_result(program(*arguments))
        else:
            future.cancel()
            future.set_running_or_notify_cancel()
        return future


class Foreign(Deaf):
    """An executor whose workers measure with another version."""

    def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        future = Future[Any]()
        future.set_result(replace(program(*arguments), tool="0.0.1"))
        return future


def test_an_engine_that_drops_its_tasks_ends_the_run(recorder: Recorder) -> None:
    name = f"{__name__}:Deaf"
    with pytest.raises(EngineError, match=f"executor {name}: has dropped what it was given; "):
        measured_by(name, TRIALS[:1], recorder)


def test_workers_with_another_program_are_refused_before_anything_is_measured() -> None:
    name = f"{__name__}:Foreign"
    with pytest.raises(EngineError, match=rf"executor {name}: found rnnconv 0.0.1, wanted {HERE.tool}; install"):
        named(name)(2, HERE)


@pytest.mark.parametrize("name", ["os:getcwd", "builtins:dict"])
def test_what_makes_no_executor_is_refused(name: str) -> None:
    said = r"which (cannot be called with max_workers .*|gives dict), wanted a factory of a concurrent.futures.Executor"
    with pytest.raises(UsageError, match=f"found executor '{name}', {said}"):
        named(name)(2, HERE)


@pytest.mark.parametrize("name", ["os:nothing", "no_such_module:Pool", ".:Pool", "concurrent.futures:Executor:x"])
def test_what_cannot_be_imported_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError, match=rf"found executor '{name}', which cannot be imported \(.*PYTHONPATH"):
        named(name)


@pytest.mark.parametrize("name", ["", "processes", "os:", "Process", "process:x", "thread:4", "dask:"])
def test_an_unknown_engine_is_a_usage_error_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UsageError, match=rf"found executor '{name}', wanted one of process, thread, dask; name "):
        named(name)


def test_every_engine_of_ours_is_in_the_table() -> None:
    assert tuple(ENGINES) == OURS
    for name in ENGINES:
        with closing(named(name)(3, HERE)) as workers:
            assert (workers.name, workers.workers(), workers.programs, workers.is_own) == (name, 3, (HERE,), True)


def test_a_worker_that_dies_of_a_foreign_engine_is_replaced(recorder: Recorder) -> None:
    class Dying(ProcessPoolExecutor):
        """A pool whose first worker is killed as work arrives."""

        killed = 0

        def submit(self, function: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
            future: Future[Any] = super().submit(function, *arguments, **options)
            if function is not program and not Dying.killed:
                Dying.killed = 1
                for process in self._processes.values():
                    process.kill()
            return future

    from rnnconv_cli.sweep.engines import Foreign as Engine

    with closing(Engine("dying", Dying, 2, HERE)) as workers:
        found = execute(TRIALS[:6], backend="compiled", engine=workers, progress=recorder)
    assert Dying.killed == 1
    assert {each.status for readings in found.values() for each in readings} == {Status.OK}


def test_a_program_is_of_this_process() -> None:
    assert isinstance(HERE, Program)
    assert HERE == program("compiled") != program("reference")
