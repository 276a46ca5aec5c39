from __future__ import annotations

import json
import math
from dataclasses import replace

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.results import BenchResult, CaseResult, CostExponent, Entry, Limits
from rnnconv_cli.records import Environment, Exponent
from rnnconv_cli.report.bench.document import SCHEMA, render

CASE = Case("step", 64, 10, 10, 1, "float64")
TIMES = (0.1, 0.1 + 2**-55, 1 / 3)
NAN = (math.nan, -math.inf, math.inf)
EXPONENT = Exponent(2.0, 1.9, 2.1, 0.95, (1.0, 2.0), 3, (2.0,), NAN, NAN, math.nan, 0.1)
RESULT = BenchResult(
    "0.1.0",
    "full",
    7,
    Environment((("cpu", "made-up"), ("usable_cores", 2))),
    (("rnnconv", "our compiled kernels"), ("numpy", "NumPy")),
    (("jax", "jax"),),
    (("reference", "3 cases, to save time"),),
    (
        CaseResult(
            CASE,
            Limits(1e11, 2e10, 0.05),
            (Entry("rnnconv", TIMES, (1.0, 1.0, 0.5), 1, 1e-16, 2e-16), Entry("numpy", problem="its process died")),
        ),
    ),
    (CostExponent("width", CASE, 2.0, 2.2, EXPONENT, EXPONENT, EXPONENT, ((1.0, 4.0),), ((0.5, 2.0),)),),
    (),
    60.0,
)


def test_numbers_come_back_to_their_last_bit() -> None:
    found = json.loads(render(RESULT))
    case = found["cases"][0]
    assert (found["schema"], found["grid"], found["seed"], found["seconds"]) == (SCHEMA, "full", 7, 60.0)
    assert tuple(case["contestants"][0]["seconds"]) == TIMES
    assert Case(**case["case"]) == CASE
    assert case["flops"] == CASE.flops
    assert Limits(**case["limits"]) == RESULT.cases[0].limits


def test_what_was_derived_stands_beside_it() -> None:
    ours, peer = json.loads(render(RESULT))["cases"][0]["contestants"]
    assert ours["of_floor"] == 0.05 / ours["median"]
    assert (ours["times_ours"], ours["busy_threads"]) == (1.0, 1.0)
    assert (peer["median"], peer["of_floor"], peer["problem"]) == (None, None, "its process died")


def test_a_peer_on_fewer_cores_and_the_machine_are_named() -> None:
    peak = Entry("peak", (0.1, 0.1, 0.1), (1.0, 1.0, 1.0), cores=2)
    ours = Entry("rnnconv", (0.5, 0.5, 0.5), (2.0, 2.0, 2.0), cores=2)
    beside = (Entry("numpy", (0.5, 0.5, 0.5)),)
    found = CaseResult(replace(CASE, cores=2), None, (ours,), (peak,), beside)
    case = json.loads(render(replace(RESULT, cases=(found,))))["cases"][0]
    assert (case["best_peer"], case["best_peer_cores"], case["ratio"]) == ("numpy", 1, 1.0)
    assert (case["standing"], case["is_loaded"]) == ("level", True)
    assert [each["contestant"] for each in case["machine"]] == ["peak"]


def test_it_is_strict_json_in_ascii_about_a_machine() -> None:
    text = render(RESULT)
    assert text.isascii()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = json.loads(text)
    assert found["environment"] == {"cpu": "made-up", "usable_cores": 2}
    assert found["contestants"] == {"rnnconv": "our compiled kernels", "numpy": "NumPy"}
    assert found["missing"] == {"jax": "jax"}
    assert found["left_out"] == [{"contestant": "reference", "why": "3 cases, to save time"}]
    assert found["interrupted"] is False
    assert found["exponents"][0]["found"]["without_first"] == [None, None, None]
    assert found["exponents"][0]["holds_predicted"] is True
    assert found["exponents"][0]["holds_operations"] is False
    assert found["exponents"][0]["floors"] == [[0.5, 2.0]]


def test_the_summary_is_in_it() -> None:
    summary = json.loads(render(RESULT))["summary"]
    assert [each["name"] for each in summary["standings"]] == ["all", "step, 1 core"]
    assert summary["standings"][0]["cases"] == 0
    assert summary["standings"][0]["ratio"] is None
    assert summary["float64_over_float32"] == []


def test_every_contestant_begins_a_line() -> None:
    lines = [line for line in render(RESULT).splitlines() if line.lstrip().startswith('"contestant": ')]
    assert len(lines) == 2
