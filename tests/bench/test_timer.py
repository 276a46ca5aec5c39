from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.data import Outcome
from rnnconv_cli.bench.messages import Accuracy, Measure, Prepare, Release, Timing
from rnnconv_cli.bench.timer import Timer, errors

CASE = Case("step", 8, 2, 3, 1, "float64")


def test_a_case_is_compared_timed_and_forgotten(tmp_path: Path) -> None:
    data.expected(CASE, data.draw(CASE, 0)).save(tmp_path / "expected.npz")
    timer = Timer("numpy")
    accuracy = timer.answer(Prepare(CASE, 0, tmp_path / "expected.npz"))
    assert isinstance(accuracy, Accuracy)
    assert accuracy.loss is not None
    assert accuracy.gradient is not None
    assert max(accuracy.loss, accuracy.gradient) < 1e-12
    timing = timer.answer(Measure(CASE, 1e-3))
    assert isinstance(timing, Timing)
    assert timing.seconds > 0
    assert timer.answer(Release(CASE)) is None
    with pytest.raises(KeyError):
        timer.answer(Measure(CASE, 1e-3))


def test_the_machine_is_timed_and_has_nothing_to_compare() -> None:
    timer = Timer("bandwidth")
    accuracy = timer.answer(Prepare(CASE, 0, None))
    assert isinstance(accuracy, Accuracy)
    assert (accuracy.loss, accuracy.gradient, accuracy.last_loss) == (None, None, None)
    assert accuracy.seconds > 0
    assert isinstance(timer.answer(Measure(CASE, 1e-3)), Timing)


def test_errors_are_relative_and_the_largest_counts() -> None:
    wanted = Outcome(np.array([1.0, 2.0]), np.stack([np.eye(2), 2 * np.eye(2)]))
    found = Outcome(np.array([1.0, 2.2]), np.stack([np.eye(2), 3 * np.eye(2)]))
    accuracy = errors(found, wanted)
    assert [accuracy.loss, accuracy.gradient] == pytest.approx([0.1, 0.5])
    assert accuracy.last_loss is None
    run = errors(replace(found, last_losses=np.array([3.0, 4.0])), replace(wanted, last_losses=np.array([2.0, 4.0])))
    assert run.last_loss == pytest.approx(0.5)


def test_what_is_not_finite_is_no_small_error() -> None:
    wanted = Outcome(np.ones(2), np.ones((2, 2, 2)))
    found = Outcome(np.array([1.0, np.nan]), np.stack([np.ones((2, 2)), np.full((2, 2), np.nan)]))
    accuracy = errors(found, wanted)
    assert accuracy.loss is not None
    assert accuracy.gradient is not None
    assert np.isnan([accuracy.loss, accuracy.gradient]).all()
