from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from rnnconv_cli.bench import measure
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.cores import can_pin
from rnnconv_cli.bench.exponents import fit
from rnnconv_cli.bench.measure import Found, Options, Run
from rnnconv_cli.bench.messages import Timing
from rnnconv_cli.bench.results import CaseResult, CostExponent, Entry
from rnnconv_cli.bench.rounds import Rounds
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.bench.workers import Workers
from rnnconv_cli.errors import MeasurementError

TINY = (Case("forward", 8, 2, 3, 1, "float64"), Case("product", 8, 1, 3, 1, "float32"))


def _options(**changes: Any) -> Options:
    return Options(
        **{"grid": "default", "tasks": (), "contestants": (), "rounds": 3, "minutes": 5.0, "seed": 0, **changes}
    )


def test_a_tiny_bench_from_end_to_end(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    options = _options(tasks=("forward",), contestants=("rnnconv", "numpy"))
    result = measure.bench(options, recorder, _never)
    assert result.problems == ()
    assert [case.case for case in result.cases] == [TINY[0]]
    assert [len(entry.seconds) for entry in result.cases[0].entries] == [3, 3]
    assert result.cases[0].ratio is not None
    assert result.cases[0].limits is not None
    assert result.exponents == ()
    facts = dict(result.environment.facts)
    assert facts["second_level_cache_bytes"]
    assert "command" not in facts
    assert facts["keeps_to_cores"] is can_pin()
    assert recorder.phases == [("timing", 1.0)]


def test_no_case_begins_after_the_time_is_up(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    options = _options(tasks=("product",), contestants=("numpy",), minutes=0.1)
    result = measure.bench(options, recorder, _never)
    assert result.cases == ()
    assert result.problems == (f"no time was left for {TINY[1].label}",)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr("rnnconv_cli.bench.contestants.find_spec", lambda name: None)
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    with pytest.raises(MeasurementError, match="nothing to measure: jax needs jax, which is not"):
        measure.bench(_options(contestants=("jax",)), recorder, _never)
    result = measure.bench(_options(tasks=("product",), minutes=0.1), recorder, _never)
    assert dict(result.missing) == {name: each.library for name, each in CONTESTANTS.items() if each.library}


def test_cases_that_nobody_can_do_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    assert measure.chosen(_options(), ["reference"], 1) == [TINY[0]]
    assert measure.chosen(_options(tasks=("product",)), ["reference", "numpy"], 1) == [TINY[1]]
    assert measure.chosen(_options(widths=(8, 16)), ["reference", "numpy"], 1) == list(TINY)
    assert measure.chosen(_options(widths=(16,)), ["reference", "numpy"], 1) == []


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, True),
        ({"tasks": ("forward",)}, False),
        ({"contestants": ("numpy",)}, False),
        ({"tasks": ("step",)}, True),
        ({"widths": (64,)}, False),
    ],
)
def test_growth_is_that_of_our_step(changes: dict[str, Any], wanted: bool) -> None:
    assert measure.with_growths(_options(**changes)) is wanted


def test_an_exponent_that_fails_is_a_problem(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    def failing(rounds: Rounds, parameter: str, allowance: float) -> None:
        raise MeasurementError("rnnconv", f"died at {parameter}")

    monkeypatch.setattr(Rounds, "exponent", failing)
    found = Found()
    _run(found).growths(["width"], time.monotonic() + 3600.0, recorder)
    assert (found.exponents, found.reached) == ([], 1)
    assert found.unmeasured == ["exponent in width: rnnconv: died at width"]


def test_no_exponent_begins_that_does_not_end_in_time(recorder: Any) -> None:
    found = Found()
    _run(found).growths(["width", "horizon"], time.monotonic() + 1.0, recorder)
    assert found.unmeasured == ["no time was left for exponent in width", "no time was left for exponent in horizon"]


def test_a_large_case_that_does_not_fit_leaves_its_time_to_small_ones(
    monkeypatch: pytest.MonkeyPatch, recorder: Any
) -> None:
    asked: list[tuple[Case, Sequence[str]]] = []

    def one_case(rounds: Rounds, case: Case, contestants: Sequence[str], allowance: float) -> CaseResult:
        asked.append((case, contestants))
        return CaseResult(case, None, ())

    monkeypatch.setattr(Rounds, "measure", one_case)
    large, found = Case("step", 4096, 50, 50, 1, "float32"), Found()
    _run(found).times([large, TINY[0]], ["rnnconv", "reference", "numba"], time.monotonic() + 30.0, recorder)
    assert asked == [(TINY[0], ["rnnconv", "reference"])]
    assert found.unmeasured == [f"no time was left for {large.label}"]
    assert found.left_out == {("reference", "of more than 1e+09 operations, to save time"): 1}


def test_a_contestant_that_has_hung_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr(Workers, "hung", frozenset({"numpy"}))
    asked: list[Sequence[str]] = []

    def one_case(rounds: Rounds, case: Case, contestants: Sequence[str], allowance: float) -> CaseResult:
        asked.append(contestants)
        return CaseResult(case, None, ())

    monkeypatch.setattr(Rounds, "measure", one_case)
    found = Found()
    _run(found).times(TINY, ["rnnconv", "numpy"], time.monotonic() + 60.0, recorder)
    assert asked == [["rnnconv"]] * 2
    assert found.left_out == {("numpy", "after it had given no answer"): 2}


def test_cases_on_two_cores_know_what_was_timed_on_one() -> None:
    one, two = TINY[0], replace(TINY[0], cores=2)
    entry = Entry("numpy", (1.0,))
    alone, both, other = measure.beside_one_core(
        [CaseResult(one, None, (entry,)), CaseResult(two, None, ()), CaseResult(replace(two, width=9), None, ())]
    )
    assert (alone.on_one_core, both.on_one_core, other.on_one_core) == ((), (entry,), ())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"tasks": ("replicates",)}, "replicates needs 2 cores, and there is 1"),
        ({"contestants": ("jax",)}, "jax needs jax, which is not installed"),
        ({"contestants": ("numba",), "tasks": ("step",)}, "no contestant that was asked for knows a task"),
        ({"widths": (4096,)}, "the default grid has no such width for a task and a contestant that were asked for"),
    ],
)
def test_why_there_is_nothing_to_measure(changes: dict[str, Any], why: str) -> None:
    missing = [("jax", "jax")] if changes.get("contestants") == ("jax",) else []
    assert measure.why_nothing(_options(**changes), missing, 1).startswith(why)


def test_a_library_without_metadata_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(measure, "version", unknown)
    assert dict(measure.environment(["jax"]).facts)["jax"] is None


def test_an_interrupt_keeps_what_was_found_and_names_the_rest(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    caught: list[str] = []

    def exponent(rounds: Rounds, parameter: str, allowance: float) -> CostExponent:
        if parameter == "horizon":
            raise MeasurementError("rnnconv", "died")
        return made_up

    def one_case(rounds: Rounds, case: Case, contestants: Sequence[str], allowance: float) -> CaseResult:
        if case == TINY[1]:
            raise KeyboardInterrupt
        return CaseResult(case, None, ())

    made_up = fit("width", [[1.0] * 7] * 3, [[1.0] * 7] * 3)
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    monkeypatch.setattr(Rounds, "exponent", exponent)
    monkeypatch.setattr(Rounds, "measure", one_case)
    result = measure.bench(_options(), recorder, lambda: caught.append("once"))
    assert (result.interrupted, caught) == (True, ["once"])
    assert [case.case for case in result.cases] == [TINY[0]]
    assert len(result.exponents) == 2
    assert result.unmeasured == (
        "exponent in horizon: rnnconv: died",
        f"interrupted before the end of {TINY[1].label}",
    )


def test_an_interrupt_at_once_leaves_nothing_unnamed(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    def exponent(rounds: Rounds, parameter: str, allowance: float) -> CostExponent:
        raise KeyboardInterrupt

    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    monkeypatch.setattr(Rounds, "exponent", exponent)
    result = measure.bench(_options(), recorder, lambda: None)
    assert len(result.unmeasured) == 3 + 2
    assert result.unmeasured[0] == "interrupted before the end of exponent in width"


def test_a_contestant_whose_process_is_killed_ends_nothing(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    asked = Worker.measure

    def killed(worker: Worker, case: Case, seconds: float) -> Timing:
        for child in multiprocessing.active_children() if case == TINY[0] else ():
            if child.name == "numpy":
                child.kill()
                child.join()
        return asked(worker, case, seconds)

    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    monkeypatch.setattr(Worker, "measure", killed)
    result = measure.bench(_options(tasks=("forward", "product"), contestants=("rnnconv", "numpy")), recorder, _never)
    ours, numpy = result.cases[0].entries
    assert len(ours.seconds) == 3
    assert (numpy.seconds, numpy.problem) == ((), "its process died (exit status -9)")
    assert [len(entry.seconds) for entry in result.cases[1].entries] == [3, 3]
    assert result.problems == (f"numpy, {TINY[0].label}: its process died (exit status -9)",)


def _run(found: Found) -> Run:
    """A run whose rounds are replaced by the test."""
    return Run(object.__new__(Rounds), Workers(), found)


def _never() -> None:
    raise AssertionError("nobody has interrupted")
