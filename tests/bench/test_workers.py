from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.worker import LATE_SECONDS
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError

CASE = Case("step", 8, 2, 3, 1, "float64")


@pytest.fixture
def workers() -> Iterator[Workers]:
    with contextlib.closing(Workers()) as made:
        yield made


def test_a_worker_answers_stays_and_is_ended(workers: Workers, tmp_path: Path) -> None:
    data.expected(CASE, data.draw(CASE, 0)).save(tmp_path / "expected.npz")
    worker = workers.of("numpy", 1)
    accuracy = worker.prepare(CASE, 0, tmp_path / "expected.npz")
    assert accuracy.loss is not None
    assert accuracy.loss < 1e-12
    assert worker.measure(CASE, 1e-3).seconds > 0
    assert workers.of("numpy", 1) is worker
    workers.release("numpy", CASE)
    with pytest.raises(MeasurementError, match="KeyError"):
        worker.measure(CASE, 1e-3)
    assert worker.is_ready
    workers.close()
    assert not worker.is_ready


def test_a_worker_that_dies_is_reported_and_replaced(workers: Workers) -> None:
    worker = workers.of("peak", 1)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(MeasurementError, match="died"):
        worker.prepare(CASE, 0, None)
    workers.release("peak", CASE)  # nothing to do
    assert workers.of("peak", 1) is not worker


def test_a_contestant_that_hangs_is_waited_for_until_the_end_and_not_asked_again(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    patience: list[float] = []

    def unanswered(connection: Connection, timeout: float) -> bool:
        patience.append(timeout)
        return False

    monkeypatch.setattr(Connection, "poll", unanswered)
    late = Workers(end=time.monotonic() - 1.0)
    with contextlib.closing(late):
        with pytest.raises(MeasurementError, match="gave no answer within 30 s"):
            late.of("peak", 1).prepare(CASE, 0, None)
        assert patience == [LATE_SECONDS]
        assert late.hung == {"peak"}
        late.release("peak", CASE)  # nothing to do
        with pytest.raises(MeasurementError, match="before"):
            late.of("peak", 2)
    assert workers.hung == frozenset()


def test_a_worker_whose_answer_was_not_waited_for_is_replaced(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = workers.of("peak", 1)
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "poll", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            worker.prepare(CASE, 0, None)
    assert not worker.is_ready
    workers.release("peak", CASE)  # would take the other question's answer
    assert workers.of("peak", 1) is not worker


def _interrupted(connection: Connection, timeout: float) -> bool:
    raise KeyboardInterrupt


def test_threads_are_set_for_new_processes_only(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    workers.of("peak", 1)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
