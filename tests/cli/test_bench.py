from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.bench import measure
from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.measure import Options
from rnnconv_cli.bench.results import BenchResult, CaseResult, Entry
from rnnconv_cli.records import Environment
from rnnconv_cli.sweep.progress import Progress

CASE = Case("step", 64, 10, 10, 1, "float32")
WRONG = Entry("rnnconv", problem="wrong: gradient is off by 5.0e-01, at most 1e-02 is allowed")


class FakeBench:
    """Stands for the bench: keeps what it was asked for, and answers with a result of these entries."""

    def __init__(self) -> None:
        self.options: list[Options] = []
        self.interrupted = False
        self.entries = (Entry("rnnconv", (1.0, 1.0, 1.0)), Entry("numpy", (2.0, 2.0, 2.0)))

    def bench(self, options: Options, progress: Progress, caught: Callable[[], None]) -> BenchResult:
        """Answer as told; where a signal is to come, it comes from this process itself."""
        if self.interrupted:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)  # before the first is even served
            caught()
        self.options.append(options)
        cases = (CaseResult(CASE, None, self.entries),)
        return BenchResult(
            "0", options.grid, options.seed, Environment(()), (), (), (), cases, (), (), 1.0, self.interrupted
        )


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeBench:
    stand_in = FakeBench()
    monkeypatch.setattr(measure, "bench", stand_in.bench)
    return stand_in


def test_the_default_is_a_table_of_everything(run: Callable[..., Any], fake: FakeBench) -> None:
    done = run("bench")
    assert (done.status, done.err) == (0, "")
    assert fake.options == [Options("default", (), (), 7, 5.0, 0)]
    assert "2.00x" in done.out


def test_options_reach_the_bench(run: Callable[..., Any], fake: FakeBench) -> None:
    words = ("--grid", "full", "--task", "step", "--task", "forward", "--only", "jax", "--rounds", "3", "--seed", "9")
    assert run("bench", *words).status == 0
    assert run("bench", *words, "--minutes", "7").status == 0
    assert run("bench", *words, "--width", "128", "--width", "64").status == 0
    options = Options("full", ("step", "forward"), ("jax",), 3, 90.0, 9)
    assert fake.options == [options, replace(options, minutes=7.0), replace(options, widths=(128, 64))]


@pytest.mark.usefixtures("fake")
def test_json_on_stdout_and_in_a_file(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("bench", "--format", "json", "--output", str(tmp_path / "results" / "bench.json"))
    written = (tmp_path / "results" / "bench.json").read_text()
    assert done.status == 0
    assert json.loads(done.out)["cases"][0]["ratio"] == 2.0
    assert written == done.out


def test_what_is_wrong_is_no_success(run: Callable[..., Any], fake: FakeBench) -> None:
    fake.entries = (WRONG, fake.entries[1])
    done = run("bench")
    assert done.status == 5
    assert "wrong: gradient is off" in done.out


def test_an_interrupted_run_shows_and_writes_what_it_has(
    run: Callable[..., Any], fake: FakeBench, tmp_path: Path
) -> None:
    fake.interrupted = True
    done = run("bench", "--output", str(tmp_path / "bench.json"))
    assert done.status == 130
    assert "2.00x" in done.out
    assert "interrupted; the results hold what had been timed until then" in done.err
    assert json.loads((tmp_path / "bench.json").read_text())["interrupted"] is True


def test_further_signals_do_not_take_the_results_away(
    run: Callable[..., Any], fake: FakeBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def written(result: BenchResult) -> str:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        return "<svg/>"

    fake.interrupted = True
    monkeypatch.setattr("rnnconv_cli.report.bench.plot.render", written)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    done = run("bench", "--plot", str(tmp_path / "bench.svg"))
    assert (done.status, (tmp_path / "bench.svg").read_text()) == (130, "<svg/>")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_nothing_to_measure_is_said(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "usable_cores", lambda: 1)
    done = run("bench", "--task", "replicates")
    assert (done.status, done.out) == (5, "")
    assert "nothing to measure: replicates needs 2 cores, and there is 1" in done.err


def test_a_number_that_is_none_is_named(run: Callable[..., Any]) -> None:
    assert "found nan, wanted a finite number" in run("bench", "--minutes", "nan").err


def test_a_plot_is_written_beside_the_results(
    run: Callable[..., Any], fake: FakeBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("rnnconv_cli.report.bench.plot.render", lambda result: "<svg/>")
    assert run("bench", "--plot", str(tmp_path / "bench.svg")).status == 0
    assert (tmp_path / "bench.svg").read_text() == "<svg/>"


def test_a_plot_that_is_no_svg_is_refused_before_timing(
    run: Callable[..., Any], fake: FakeBench, tmp_path: Path
) -> None:
    done = run("bench", "--plot", str(tmp_path / "bench.pdf"))
    assert (done.status, fake.options, list(tmp_path.iterdir())) == (2, [], [])
    assert f"found the file '{tmp_path}/bench.pdf', wanted a name that ends with .svg; nothing was run" in done.err


@pytest.mark.parametrize(
    "words",
    [("--grid", "huge"), ("--only", "nobody"), ("--rounds", "2"), ("--minutes", "0"), ("--task", "none")]
    + [("--minutes", number) for number in ("nan", "inf", "1e400", "-inf")],
)
def test_nonsense_is_a_usage_error(run: Callable[..., Any], fake: FakeBench, words: tuple[str, str]) -> None:
    assert run("bench", *words).status == 2
    assert fake.options == []


@pytest.mark.parametrize("file", ["@/x.csv", "@/x.html", "junit=@/x", "markdown=@/x.json"])
def test_a_format_that_only_other_commands_write_is_refused_before_timing(
    file: str, fake: FakeBench, run: Callable[..., Any], tmp_path: Path
) -> None:
    done = run("bench", "--output", file.replace("@", str(tmp_path)))
    assert (done.status, fake.options) == (2, [])
    assert "wanted one of table, json" in done.err


def test_a_file_that_cannot_be_written_is_refused_before_timing(
    run: Callable[..., Any], fake: FakeBench, tmp_path: Path
) -> None:
    assert run("bench", "--output", str(tmp_path)).status == 2
    assert fake.options == []
