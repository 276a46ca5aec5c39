from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.records import Environment, Exponent
from rnnconv_cli.report.bench_table import duration, render
from rnnconv_cli.report.layout import Style

CASE = Case("step", 4096, 50, 10, 2, "float32")
MANY = Case("replicates", 128, 10, 10, 2, "float64", replicates=64, steps=200)
LIMITS = Limits(1e11, 5e10, 1e-3)
FOUND = CaseResult(
    CASE,
    LIMITS,
    (
        Entry("rnnconv", (0.00125, 0.00125, 0.0015), 1.96, 1e-7, 1e-6),
        Entry("numpy", (0.005, 0.005, 0.005), 1.0, 1e-7, 1e-6),
        Entry("jax", (0.0025, 0.0025, 0.0025), 2.0, 1e-7, 1e-6),
        Entry("torch-rnn", loss_error=0.5, problem="wrong: loss is off by 5.0e-01, at most 1e-02 is allowed"),
    ),
)
ALONE = CaseResult(MANY, None, (Entry("rnnconv", (2.0, 2.0, 2.0), 2.0),))
EXPONENT = Exponent(1.98, 1.9, 2.06, 0.95, (512.0, 4096.0), 7, (1.98,), (1.9, 1.8, 2.0), (1.9, 1.8, 2.0), 0.5, 0.01)
RESULT = BenchResult(
    "0.1.0",
    "default",
    3,
    Environment((("cpu", "made-up"),)),
    (("rnnconv", "our compiled kernels"),),
    (("torch-loop", "torch"), ("torch-manual", "torch")),
    (ALONE, FOUND),
    (CostExponent("width", replace(CASE, dtype="float64"), 2.0, EXPONENT, ((1.0, 2.0),)),),
    ("no time was left for step: m 2",),
    12.34,
)


def test_a_case_is_one_row_with_its_best_peer() -> None:
    lines = render(RESULT).splitlines()
    row = next(line.split() for line in lines if line.startswith("4096"))
    assert row == ["4096", "50", "10", "2", "float32", "1.25", "ms", "10.0%", "80%", "2.0", "jax", "2.5", "ms", "2.00x"]
    assert "    others    numpy 4.00x" in lines


def test_tasks_come_in_their_order_with_what_they_are() -> None:
    text = render(RESULT)
    assert text.index("step: one step") < text.index("replicates: descent runs")
    assert next(line.split() for line in text.splitlines() if line.startswith("128"))[-3:] == ["none", "-", "-"]


def test_exponents_problems_and_what_is_missing_are_said() -> None:
    text = " ".join(render(RESULT).split())
    assert "width 1.980 [1.900, 2.060] at 95%, predicted 2; 7 rounds over 512, 4096" in text
    assert "missing torch-loop, torch-manual: torch is not installed" in text
    assert "problem torch-rnn, step: m 4096, n 50, L 10, float32, 2 cores: wrong: loss is off" in text
    assert "problem no time was left for step: m 2" in text
    assert "2 cases; rnnconv is the fastest in 1 of 1, ratios 2.00x to 2.00x; grid default, seed 3, 12.3 s" in text


@pytest.mark.parametrize("width", [40, 100, 140])
def test_lines_fit(width: int) -> None:
    assert max(map(len, render(RESULT, Style(width=width)).splitlines())) <= width


def test_a_style_changes_characters_and_length_only() -> None:
    assert render(RESULT, Style(ascii_only=True)).isascii()
    assert "others" not in render(RESULT, Style(brief=True))


def test_nothing_at_all_is_a_table_too() -> None:
    assert "0 cases" in render(replace(RESULT, cases=(), exponents=()))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (12.34, "12.3 s"),
        (0.5, "500 ms"),
        (1.234e-3, "1.23 ms"),
        (9.9e-6, "9.9 us"),
        (1e-8, "0.01 us"),
        (1234.5, "1234 s"),
    ],
)
def test_durations_have_three_digits_and_a_unit(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown
