from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from rnnconv_cli.errors import EngineError
from rnnconv_cli.problem import elman
from rnnconv_cli.problem.elman import Instance, draw
from rnnconv_cli.records import ProblemSetting, Status, Trial
from rnnconv_cli.sweep.machine import limit_blas_threads
from rnnconv_cli.sweep.serial import Conditions
from rnnconv_cli.sweep.trial import Draw, drawn_from
from rnnconv_cli.sweep.worker import Done, Program, Task, elsewhere, in_this_process, program, unlike

PROBLEM = ProblemSetting(
    32, 4, 2, 6, 1, 0.5, "fresh", "random", 1, "independent", 2.0, "1/d", "relu", "shared", "float64"
)
TASK = Task((Trial("hidden-norm-max", PROBLEM, None, None, None, (), (), 0, 7),), "compiled", 1)
HERE = program("compiled")


@pytest.fixture(autouse=True)
def _threads_restored() -> Iterator[None]:
    """What a worker limits for its life ends with the test."""
    with limit_blas_threads():
        yield


def changed(name: str, value: str | None) -> Program:
    """This program with one fact of its conditions changed, or without it."""
    facts = dict(HERE.conditions.facts)
    assert name in facts
    kept = {**facts, name: value}
    return replace(HERE, conditions=Conditions(tuple((each, text) for each, text in kept.items() if text is not None)))


def test_what_is_measured_elsewhere_is_what_is_measured_here_and_says_under_which_conditions() -> None:
    here, there = in_this_process(TASK), elsewhere(TASK, HERE)
    assert here.results == there.results
    assert here.results[0][0].status is Status.OK
    assert (here.conditions, there.conditions) == (None, HERE.conditions)


@pytest.mark.parametrize("carry_out", [in_this_process, lambda task: elsewhere(task, HERE)], ids=["here", "elsewhere"])
def test_trials_of_one_instance_share_a_draw_and_other_instances_share_the_task(
    carry_out: Callable[[Task], Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    (first,) = TASK.trials
    beside = replace(first, quantity="product-norm")
    later = replace(first, replicate=1)
    single = replace(first, problem=replace(PROBLEM, dtype="float32"))
    alone = [in_this_process(Task((each,), "compiled", 1)).results[0] for each in (first, beside, later, single)]
    drawn: list[Draw] = []

    def noted(problem: ProblemSetting, seed: int, replicate: int) -> Instance:
        drawn.append((problem, seed, replicate))
        return draw(problem, seed, replicate)

    monkeypatch.setattr(elman, "draw", noted)
    together = carry_out(Task((first, beside, later, single), "compiled", 1))
    assert list(together.results) == alone
    assert drawn == [drawn_from(each) for each in (first, later, single)]


def test_a_task_and_what_came_of_it_are_small() -> None:
    assert len(pickle.dumps(TASK)) < 1500
    assert len(pickle.dumps(elsewhere(TASK, HERE))) < 4000


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (replace(HERE, tool="0.0.1"), f"found rnnconv 0.0.1, wanted {HERE.tool}"),
        (replace(HERE, python="3.99"), f"found python 3.99, wanted {HERE.python}"),
        (changed("sources.kernels", "abc"), "found sources.kernels abc, wanted "),
        (changed("numpy", "1.0"), "found numpy 1.0, wanted "),
        (changed("numba", None), "found numba missing, wanted "),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_another_program_is_refused_by_what_differs(there: Program, said: str) -> None:
    assert unlike(HERE, there).startswith(said)
    assert unlike(HERE, there).count("found") == 1
    with pytest.raises(EngineError, match=r"executor worker on .*: found .*; install the same there as here"):
        elsewhere(TASK, there)


@pytest.mark.parametrize("name", ["cpu", "cpu_features", "blas.scipy.core"])
def test_another_processor_is_no_other_program(name: str) -> None:
    assert unlike(HERE, changed(name, "another")) == ""
