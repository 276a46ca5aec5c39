"""Every contestant that can be imported here gets the reference's numbers, before and after it was timed."""

from __future__ import annotations

import numpy as np
import pytest

from rnnconv_cli.bench import data
from rnnconv_cli.bench.cases import DTYPES, REPLICATES, TASKS, Case
from rnnconv_cli.bench.contestants import CONTESTANTS, MACHINE
from rnnconv_cli.bench.timer import errors

PAIRS = [(name, task) for name, contestant in CONTESTANTS.items() for task in contestant.tasks]
TOLERANCES = {"float32": 1e-4, "float64": 1e-11}


def _case(task: str, dtype: str, cores: int = 1) -> Case:
    many = {"replicates": 3, "steps": 2} if task == REPLICATES else {}
    return Case(task, 24, 3, 5, cores, dtype, **many)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_contestant_is_right_before_and_after_its_calls(name: str, task: str, dtype: str) -> None:
    if not CONTESTANTS[name].is_installed:
        pytest.skip(f"{CONTESTANTS[name].library} is not installed")
    case = _case(task, dtype)
    instances = data.draw(case, 0)
    work = CONTESTANTS[name].load()(case, instances)
    wanted = data.expected(case, instances)
    for _ in range(2):
        accuracy = errors(work.outcome(), wanted)
        assert accuracy.loss is not None
        assert accuracy.loss < TOLERANCES[dtype]
        assert (accuracy.gradient or 0.0) < TOLERANCES[dtype]
        assert (accuracy.gradient is None) == (task in {"forward", "product"})
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
    work.run(2)


def test_every_task_has_a_contestant_beside_ours() -> None:
    peers = {task for name, contestant in CONTESTANTS.items() if name != "rnnconv" for task in contestant.tasks}
    assert set(CONTESTANTS["rnnconv"].tasks) == set(TASKS)
    assert peers == set(TASKS)
