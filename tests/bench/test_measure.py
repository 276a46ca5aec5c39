from __future__ import annotations

from typing import Any

import pytest

from rnnconv_cli.bench import measure
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.measure import Options
from rnnconv_cli.bench.rounds import Rounds
from rnnconv_cli.errors import MeasurementError

TINY = (Case("forward", 8, 2, 3, 1, "float64"), Case("product", 8, 1, 3, 1, "float32"))


def _options(**changes: Any) -> Options:
    return Options(**{"grid": "default", "tasks": (), "contestants": (), "rounds": 3, "seed": 0, **changes})


def test_a_tiny_bench_from_end_to_end(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    options = _options(tasks=("forward",), contestants=("rnnconv", "numpy"))
    result = measure.bench(options, recorder)
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
    monkeypatch.setattr(measure, "BUDGETS", {"default": -1.0})
    result = measure.bench(_options(tasks=("product",), contestants=("numpy",)), recorder)
    assert result.cases == ()
    assert result.problems == (f"no time was left for {TINY[1].label}",)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, recorder: Any) -> None:
    monkeypatch.setattr("rnnconv_cli.bench.contestants.find_spec", lambda name: None)
    monkeypatch.setattr(measure, "grid", lambda name, cores: TINY)
    monkeypatch.setattr(measure, "BUDGETS", {"default": -1.0})
    result = measure.bench(_options(tasks=("product",)), recorder)
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
    found, failures = measure.growths(object.__new__(Rounds), recorder)
    assert found == ()
    assert failures[0] == "exponent in width: rnnconv: died at width"
