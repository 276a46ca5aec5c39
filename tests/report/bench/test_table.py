from __future__ import annotations

from dataclasses import replace

import pytest

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.records import Environment, Exponent
from rnnconv_cli.report.bench.table import duration, render
from rnnconv_cli.report.layout import Style

CASE = Case("step", 4096, 50, 10, 2, "float32")
MANY = Case("replicates", 128, 10, 10, 2, "float64", replicates=64, steps=200)
LIMITS = Limits(1e11, 5e10, 1e-3)
FOUND = CaseResult(
    CASE,
    LIMITS,
    (
        Entry("rnnconv", (0.00125, 0.00125, 0.0015), (1.96, 1.96, 1.9), 2, 1e-7, 1e-6),
        Entry("numpy", (0.005, 0.005, 0.005), (1.0,) * 3, 2, 1e-7, 1e-6),
        Entry("jax", (0.0025, 0.0025, 0.0025), (2.0,) * 3, 2, 1e-7, 1e-6),
        Entry("torch-rnn", loss_error=0.5, problem="wrong: loss is off by 5.0e-01, at most 1e-02 is allowed"),
    ),
)
ALONE = CaseResult(MANY, None, (Entry("rnnconv", (2.0, 2.0, 2.0), (2.0,) * 3, 2),))
EXPONENT = Exponent(1.98, 1.9, 2.06, 0.95, (512.0, 4096.0), 7, (1.98,), (1.9, 1.8, 2.0), (1.9, 1.8, 2.0), 0.5, 0.01)
TIMES = ((1.0, 2.0),)
RESULT = BenchResult(
    "0.1.0",
    "default",
    3,
    Environment((("cpu", "made-up"),)),
    (("rnnconv", "our compiled kernels"),),
    (("torch-loop", "torch"), ("torch-manual", "torch")),
    (("reference", "3 cases, to save time"),),
    (ALONE, FOUND),
    (CostExponent("width", replace(CASE, dtype="float64"), 2.0, 2.0, EXPONENT, EXPONENT, EXPONENT, TIMES, TIMES),),
    ("no time was left for step: m 2",),
    12.34,
)


def test_a_case_is_one_row_with_its_best_peer() -> None:
    lines = render(RESULT).splitlines()
    row = next(line.split() for line in lines if line.startswith("4096"))
    assert row == ["4096", "50", "10", "1.25", "ms", "10.0%", "80%", "2.0", "jax", "2.5", "ms", "40%", "2.00x"]
    assert "    others    numpy 4.00 times ours" in lines


def test_tasks_come_in_their_order_with_what_they_are() -> None:
    text = render(RESULT)
    assert text.index("step, float32, 2 cores: one step") < text.index("replicates, float64, 2 cores: descent runs")
    row = next(line.split() for line in text.splitlines() if line.startswith(" 128"))
    assert row[-4:] == ["none", "-", "-", "-"]


def test_rows_of_a_table_are_sorted_by_n_horizon_and_width() -> None:
    sizes = [(64, 10, 10), (4096, 1, 50), (128, 1, 50), (64, 1, 10)]
    cases = tuple(replace(FOUND, case=replace(CASE, width=m, n_sequences=n, horizon=L)) for m, n, L in sizes)
    text = render(replace(RESULT, cases=cases), Style(brief=True))
    rows = [line.split()[:3] for line in text.splitlines() if line[:4].strip().isdigit()]
    assert rows == [["64", "1", "10"], ["128", "1", "50"], ["4096", "1", "50"], ["64", "10", "10"]]
    assert text.count("one step of gradient descent") == 1


def test_exponents_problems_and_what_is_missing_are_said() -> None:
    text = " ".join(render(RESULT).split())
    power = "1.980 [1.900, 2.060]"
    assert f"m {power} 2 inside 2.000 inside {power} {power}" in text
    assert "m over 512, 4096" in text
    assert "intervals at 95% over 7 rounds; else step: m 4096, n 50, L 10, float64, 2 cores" in text
    assert "missing torch-loop, torch-manual: torch is not installed" in text
    assert "problem torch-rnn, step: m 4096, n 50, L 10, float32, 2 cores: wrong: loss is off" in text
    assert "problem no time was left for step: m 2" in text
    assert "left out reference: 3 cases, to save time" in text
    how = "faster than the fastest peer in 1, level in 0, slower in 0 of 1"
    assert f"2 cases; rnnconv is {how}; grid default, seed 3, 12.3 s" in text


def test_an_exponent_beside_its_interval_is_outside() -> None:
    cost = replace(RESULT.exponents[0], predicted=3.0)
    assert "3 outside 2.000 inside" in " ".join(render(replace(RESULT, exponents=(cost,))).split())
    cost = replace(RESULT.exponents[0], operations=2.0601)
    assert "2 inside 2.060 outside" in " ".join(render(replace(RESULT, exponents=(cost,))).split())


def test_a_case_in_which_we_are_slower_is_counted() -> None:
    slow = replace(FOUND, entries=(Entry("rnnconv", (1.0, 1.0)), *FOUND.entries[1:]))
    text = " ".join(render(replace(RESULT, cases=(FOUND, slow))).split())
    assert "rnnconv is faster than the fastest peer in 1, level in 0, slower in 1 of 2" in text
    assert "slower 0.00x jax, step: m 4096, n 50, L 10, float32, 2 cores" in text


def test_a_level_case_is_marked_and_is_not_slower() -> None:
    level = replace(FOUND, entries=(Entry("rnnconv", (0.0026, 0.0026, 0.0029)), *FOUND.entries[1:]))
    text = " ".join(render(replace(RESULT, cases=(level,))).split())
    assert "0.96x =" in text
    assert "faster than the fastest peer in 0, level in 1, slower in 0 of 1" in text
    assert "slower 0.96x" not in text


def test_a_peer_that_was_faster_on_one_core_says_so() -> None:
    lines = render(replace(RESULT, cases=(replace(FOUND, on_one_core=(Entry("numpy", (0.002,) * 3),)),))).splitlines()
    row = next(line.split() for line in lines if line.startswith("4096"))
    assert row[-6:] == ["numpy", "(1)", "2", "ms", "50%", "1.60x"]
    assert any(line.startswith("(1)") and "a peer on one core" in line for line in lines)
    assert "    others    jax 2.00 times ours" in lines
    assert not any(line.startswith("(1)") for line in render(RESULT).splitlines())


def test_a_loaded_machine_and_one_without_affinity_are_said() -> None:
    loaded = replace(FOUND, machine=(Entry("peak", (0.1,) * 3, (1.7,) * 3, cores=2),))
    text = " ".join(render(replace(RESULT, cases=(loaded, ALONE))).split())
    assert "loaded 1 of 2 cases: the machine did something else too" in text
    assert "keep to its cores" not in text
    assert "loaded" not in " ".join(render(RESULT).split())
    free = replace(RESULT, environment=Environment((("keeps_to_cores", False),)))
    assert "cores this system lets no process keep to its cores" in " ".join(render(free).split())


def test_the_summary_says_where_we_stand_and_what_limits_us() -> None:
    double = replace(FOUND, case=replace(CASE, dtype="float64"), entries=(Entry("rnnconv", (0.0025, 0.0025)),))
    lines = render(replace(RESULT, cases=(FOUND, double))).splitlines()
    row = next(line.split() for line in lines if line.startswith("step, n 50"))
    assert row[-9:] == ["1", "2.00x", "2.00x", "0", "0", "60%", "40%", "40%", "2.50x"]
    assert "    worst     step: m 4096, n 50, L 10, float32, 2 cores" in lines
    assert "step: 2.00x the time of float32 in the median of 1" in " ".join(" ".join(lines).split())


def test_many_problems_are_counted_and_the_first_are_shown() -> None:
    late = tuple(f"no time was left for step: m {m}" for m in range(1, 101))
    text = " ".join(render(replace(RESULT, cases=(), unmeasured=late)).split())
    assert text.count("no time was left") == 20
    assert "and 80 more, which the JSON document has" in text


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
