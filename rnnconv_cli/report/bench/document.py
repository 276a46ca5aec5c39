"""What a bench has found as one strict-JSON document: the stored form, in `benchmarks/results/`."""

from __future__ import annotations

from dataclasses import asdict

from rnnconv_cli.bench.results import BenchResult, CaseResult, CostExponent, Entry
from rnnconv_cli.bench.summary import doublings, standings
from rnnconv_cli.report.document import Json, finite
from rnnconv_cli.report.json import lay_out
from rnnconv_cli.report.layout import PLAIN, Style

SCHEMA = "rnnconv-bench/3"


def render(result: BenchResult, style: Style = PLAIN) -> str:
    """The result as JSON in ASCII, keys in a fixed order, floats to their last bit; no style changes it."""
    return lay_out(document(result))


def document(result: BenchResult) -> Json:
    """The result as one mapping; times in seconds, numbers that are not finite as None."""
    return finite(
        {
            "schema": SCHEMA,
            "tool": {"name": "rnnconv", "version": result.tool_version},
            "environment": dict(result.environment.facts),
            "grid": result.grid,
            "seed": result.seed,
            "seconds": result.seconds,
            "interrupted": result.interrupted,
            "contestants": dict(result.contestants),
            "missing": dict(result.missing),
            "left_out": [{"contestant": name, "why": why} for name, why in result.left_out],
            "problems": result.problems,
            "summary": {
                "standings": [asdict(standing) for standing in standings(result.cases)],
                "float64_over_float32": [asdict(doubling) for doubling in doublings(result.cases)],
            },
            "cases": [_case(case) for case in result.cases],
            "exponents": [_exponent(cost) for cost in result.exponents],
        }
    )


def _exponent(cost: CostExponent) -> Json:
    places = {"holds_predicted": cost.holds(cost.predicted), "holds_operations": cost.holds(cost.operations)}
    return {**asdict(cost), **places}


def _case(result: CaseResult) -> Json:
    best = next(iter(result.peers), None)
    return {
        "case": asdict(result.case),
        "flops": result.case.flops,
        "bytes": result.case.bytes,
        "limits": None if result.limits is None else asdict(result.limits),
        "is_loaded": result.is_loaded,
        "best_peer": None if best is None else best.contestant,
        "best_peer_cores": None if best is None else best.cores,
        "ratio": result.ratio,
        "standing": result.standing,
        "machine": [asdict(entry) for entry in result.machine],
        "contestants": [_entry(result, entry) for entry in result.entries],
    }


def _entry(result: CaseResult, entry: Entry) -> Json:
    derived = {
        "median": entry.median,
        "spread": entry.spread,
        "busy_threads": entry.busy_threads,
        "of_floor": result.of_floor(entry),
        "times_ours": result.times_ours(entry),
    }
    return {**asdict(entry), **derived}
