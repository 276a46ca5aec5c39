from __future__ import annotations

from dataclasses import replace

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.contestants import CONTESTANTS
from rnnconv_cli.bench.results import BenchResult, CaseResult, Entry, Limits
from rnnconv_cli.records import Environment
from rnnconv_cli.report.bench import plot


def _case(width: int, n_sequences: int, cores: int) -> CaseResult:
    entries = (Entry("rnnconv", (2.0, 2.0)), Entry("numpy", (4.0, 4.0)), Entry("jax", problem="died"))
    return CaseResult(Case("step", width, n_sequences, 10, cores, "float32"), Limits(1.0, 1.0, 1.0), entries)


CASES = tuple(_case(width, n, cores) for width in (64, 128) for n in (1, 10) for cores in (1, 2))
RESULT = BenchResult("0", "default", 0, Environment(()), (), (), (), CASES, (), (), 1.0)


def test_a_panel_for_each_size_and_a_line_for_each_contestant() -> None:
    panels = plot.drawn(RESULT)
    assert list(panels) == [("step", "float32", cores, n, 10) for cores in (1, 2) for n in (1, 10)]
    for lines in panels.values():
        assert lines == {"rnnconv": {64: 0.5, 128: 0.5}, "numpy": {64: 0.25, 128: 0.25}}


def test_a_case_without_a_floor_is_not_drawn() -> None:
    assert plot.drawn(replace(RESULT, cases=tuple(replace(each, limits=None) for each in CASES))) == {}


def test_every_contestant_has_a_look_of_its_own() -> None:
    assert set(plot.LOOKS) == set(CONTESTANTS)
    assert len(set(plot.LOOKS.values())) == len(CONTESTANTS)


def test_the_same_result_gives_the_same_bytes() -> None:
    first, second = plot.render(RESULT), plot.render(RESULT)
    assert first == second
    assert "<svg" in first
    assert "share of the floor" in first
    assert "n 10, L 10, float32, 2 cores" in first
    assert "dc:date" not in first


def test_nothing_at_all_is_a_drawing_too() -> None:
    empty = BenchResult("0", "default", 0, Environment(()), (), (), (), (), (), (), 1.0)
    assert "<svg" in plot.render(empty)
