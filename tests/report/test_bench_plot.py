from __future__ import annotations

import importlib.util

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult, CaseResult, Entry, Limits
from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Environment
from rnnconv_cli.report import bench_plot


def _case(width: int, n_sequences: int, cores: int) -> CaseResult:
    entries = (Entry("rnnconv", (2.0, 2.0)), Entry("numpy", (4.0, 4.0)), Entry("jax", problem="died"))
    return CaseResult(Case("step", width, n_sequences, 10, cores, "float32"), Limits(1.0, 1.0, 1.0), entries)


CASES = tuple(_case(width, n, cores) for width in (64, 128) for n in (1, 10) for cores in (1, 2))
RESULT = BenchResult("0", "default", 0, Environment(()), (), (), CASES, (), (), 1.0)


def test_without_matplotlib_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_plot, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="rnnconv\\[bench\\]"):
        bench_plot.require_matplotlib()


def test_a_line_for_each_contestant_and_n() -> None:
    lines = bench_plot.shares(RESULT, ("step", 10, "float32", 1))
    assert lines == {
        (name, n): {64: share, 128: share} for n in (1, 10) for name, share in (("rnnconv", 0.5), ("numpy", 0.25))
    }


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_the_same_result_gives_the_same_bytes() -> None:
    first, second = bench_plot.render(RESULT), bench_plot.render(RESULT)
    assert first == second
    assert "<svg" in first
    assert "achieved over floor" in first
    assert "dc:date" not in first


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_nothing_at_all_is_a_drawing_too() -> None:
    empty = BenchResult("0", "default", 0, Environment(()), (), (), (), (), (), 1.0)
    assert "<svg" in bench_plot.render(empty)
