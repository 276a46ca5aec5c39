"""Every contestant that can be imported here gets the reference's numbers, before and after it was timed."""

from __future__ import annotations

from dataclasses import replace
from importlib.machinery import ModuleSpec

import numpy as np
import pytest

from rnnconv_cli.bench import contestants, data
from rnnconv_cli.bench.cases import DTYPES, REPLICATES, TASKS, Case
from rnnconv_cli.bench.contestants import CONTESTANTS, MACHINE, plain_numpy
from rnnconv_cli.bench.timer import errors

PAIRS = [(name, task) for name, contestant in CONTESTANTS.items() for task in contestant.tasks]
TOLERANCES = {"float32": 1e-4, "float64": 1e-11}


def _case(task: str, dtype: str, cores: int = 1) -> Case:
    many = {"replicates": 3, "steps": 2} if task == REPLICATES else {}
    return Case(task, 24, 3, 5, cores, dtype, **many)


@pytest.mark.parametrize("n_sequences", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_contestant_is_right_before_and_after_its_calls(name: str, task: str, dtype: str, n_sequences: int) -> None:
    if not CONTESTANTS[name].is_installed:
        pytest.skip(f"{CONTESTANTS[name].library} is not installed")
    case = replace(_case(task, dtype), n_sequences=n_sequences)
    instances = data.draw(case, 0)
    work = CONTESTANTS[name].load()(case, instances)
    wanted = data.expected(case, instances)
    for _ in range(2):
        accuracy = errors(work.outcome(), wanted)
        assert accuracy.loss is not None
        assert accuracy.loss < TOLERANCES[dtype]
        assert (accuracy.gradient or 0.0) < TOLERANCES[dtype]
        assert (accuracy.gradient is None) == (task in {"forward", "product"})
        assert (accuracy.last_loss or 0.0) < TOLERANCES[dtype]
        assert (accuracy.last_loss is None) == (task not in {"step", "replicates"})
        work.run(2)


def test_instances_are_left_as_they_were() -> None:
    case = _case("step", "float64")
    instances = data.draw(case, 0)
    before = instances[0].W.copy()
    for name in ("rnnconv", "reference", "numpy"):
        work = CONTESTANTS[name].load()(case, instances)
        work.outcome()
        work.run(1)
    assert np.array_equal(instances[0].W, before)


@pytest.mark.parametrize("name", list(MACHINE))
@pytest.mark.parametrize("cores", [1, 2])
def test_the_machine_works_on_any_width(name: str, cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnconv_cli.bench.floor.PEAK_SIZE", 16)
    work = MACHINE[name].load()(Case("step", 25, 1, 3, cores, "float32"), ())
    assert work.outcome().losses.size == 0
    work.run(2)


def test_numpy_uses_one_blas_for_all_that_it_is_timed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    network = plain_numpy.Network(data.draw(_case("step", "float32"), 0)[0])
    for name in ("dot", "matmul", "vdot", "einsum"):
        monkeypatch.setattr(np, name, None)
    network.step(1e-3)
    network.loss_and_gradient()


def test_a_folder_without_code_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contestants, "find_spec", lambda name: ModuleSpec(name, None))
    assert not CONTESTANTS["torch-rnn"].is_installed
    assert CONTESTANTS["numpy"].is_installed


def test_every_task_has_a_contestant_beside_ours() -> None:
    peers = {task for name, contestant in CONTESTANTS.items() if name != "rnnconv" for task in contestant.tasks}
    assert set(CONTESTANTS["rnnconv"].tasks) == set(TASKS)
    assert peers == set(TASKS)
