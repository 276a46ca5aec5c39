from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from typing import Any

import pytest

from rnnconv_cli.bench import measure
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.exponents import fit
from rnnconv_cli.bench.measure import Found, Options
from rnnconv_cli.bench.messages import Timing
from rnnconv_cli.bench.results import CaseResult, CostExponent
from rnnconv_cli.bench.rounds import Rounds
from rnnconv_cli.bench.worker import Worker
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
    result = measure.bench(_options(tasks=("product",), minutes=0.1), recorder, _never)
    assert dict(result.missing) == {name: each.library for name, each in CONTESTANTS.items() if each.library}


def test_cases_that_nobody_can_do_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    assert measure.chosen(_options(), ["reference"]) == [TINY[0]]
    assert measure.chosen(_options(tasks=("product",)), ["reference", "numpy"]) == [TINY[1]]


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [({}, True), ({"tasks": ("forward",)}, False), ({"contestants": ("numpy",)}, False), ({"tasks": ("step",)}, True)],
)
def test_growth_is_that_of_our_step(changes: dict[str, Any], wanted: bool) -> None:
    assert measure.with_growths(_options(**changes)) is wanted


def test_an_exponent_that_fails_is_a_problem(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    def failing(rounds: Rounds, parameter: str) -> None:
        raise MeasurementError("rnnconv", f"died at {parameter}")

    monkeypatch.setattr(Rounds, "exponent", failing)
    found = Found()
    measure.growths(object.__new__(Rounds), ["width"], found, recorder)
    assert found.exponents == []
    assert found.failures == ["exponent in width: rnnconv: died at width"]


def test_an_interrupt_keeps_what_was_found_and_names_the_rest(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    caught: list[str] = []

    def exponent(rounds: Rounds, parameter: str) -> CostExponent:
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
    def exponent(rounds: Rounds, parameter: str) -> CostExponent:
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


def test_a_contestant_that_is_left_out_is_named() -> None:
    cases = [Case("step", 4096, 50, 50, 1, "float32"), TINY[0]]
    assert measure.left_out(cases, ["rnnconv", "reference"]) == (
        ("reference", "1 cases of more than 1e+09 operations, to save time"),
    )
    assert measure.left_out(cases[1:], ["reference"]) == ()


def _never() -> None:
    raise AssertionError("nobody has interrupted")
