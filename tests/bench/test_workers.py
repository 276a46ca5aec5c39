from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
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
    assert worker.is_alive
    workers.close()
    assert not worker.is_alive


def test_a_worker_that_dies_is_reported_and_replaced(workers: Workers) -> None:
    worker = workers.of("peak", 1)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(MeasurementError, match="died"):
        worker.prepare(CASE, 0, None)
    workers.release("peak", CASE)  # nothing to do
    assert workers.of("peak", 1) is not worker


def test_threads_are_set_for_new_processes_only(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    workers.of("peak", 1)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
