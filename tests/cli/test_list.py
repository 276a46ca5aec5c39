from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.records import BudgetPlan, ClaimResult, Environment, Report, Timing, Verdict
from rnnconv_cli.report.json import render
from rnnconv_cli.spec import catalogue, loader
from tests.report.conftest import check as made_up


def test_every_claim_is_listed_with_its_checks_status_title_and_source(run: Callable[..., Any]) -> None:
    done = run("list")
    assert (done.status, done.err) == (0, "")
    shown = " ".join(done.out.split())
    for path in catalogue.shipped():
        claim = loader.load(path).claim
        assert f"{claim.id} {len(claim.checks)} {claim.status} " in shown
    assert max(map(len, done.out.splitlines())) <= 100


def test_every_quantity_is_listed_with_what_it_is_and_needs(run: Callable[..., Any]) -> None:
    done = run("list", "--quantities")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == list(MEASUREMENTS)
    at = lines.index("hidden-change")
    until = next(i for i, line in enumerate(lines) if i > at and not line.startswith(" "))
    shown = " ".join(" ".join(lines[at + 1 : until]).split())
    assert shown == f"what {MEASUREMENTS['hidden-change'].definition} needs perturbation"
    assert max(map(len, lines)) <= 100


def test_every_adversary_is_listed(run: Callable[..., Any]) -> None:
    done = run("list", "--adversaries")
    assert (done.status, done.err) == (0, "")
    names = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert set(names) == {name for each in MEASUREMENTS.values() for name in each.adversaries}


def test_one_list_at_a_time(run: Callable[..., Any]) -> None:
    done = run("list", "--quantities", "--coverage")
    assert done.status == 2
    assert "wanted one of --quantities, --adversaries and --coverage" in done.err


def test_the_coverage_names_every_statement_with_its_checks_or_its_reason(run: Callable[..., Any]) -> None:
    done = run("list", "--coverage")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    at = lines.index("Lemma C.2b, p. 37: O((tau_0 m)^(2/3)) signs change")
    assert lines[at + 1] == "    check     perturbation-bound/pattern-flips-in-width"
    reason = lines.index("footnote 6, Sec. 2: the loss at l = 1 does not depend on W")
    assert lines[reason + 1].startswith("    no check  True by construction")
    assert not any(line.startswith("    measured") for line in lines)
    assert lines[-1].endswith("with a reason why not")
    assert max(map(len, lines)) <= 100


def test_a_stored_result_stands_beside_the_checks(run: Callable[..., Any], tmp_path: Path) -> None:
    check = replace(made_up("exponent"), id="pattern-flips-in-width", observations=())
    claim = ClaimResult("perturbation-bound", "", "", "", "0" * 64, Verdict.WITHIN, Verdict.WITHIN, True, (check,))
    timing = Timing((("total", 0.5),))
    report = Report("0", "full", 0, "compiled", 0, (), (claim,), Environment(()), timing)
    path = tmp_path / "result.json"
    path.write_text(render(report))
    done = run("list", "--coverage", "--results", str(path))
    assert (done.status, done.err) == (0, "")
    shown = " ".join(done.out.split())
    assert "pattern-flips-in-width measured within: 0.641 [0.622, 0.660], predicted \u2264 m^0.667 (+0.06)" in shown
    assert "hidden-change-in-width measured not in this result" in shown
    assert shown.endswith("1 check, profile full, seed 0, rnnconv 0")
    path.write_text(render(replace(report, plan=BudgetPlan(600.0, 2, 1.5, ()))))
    shown = " ".join(run("list", "--coverage", "--results", str(path)).out.split())
    assert shown.endswith("1 check, profile full within a budget of 10 min, seed 0, rnnconv 0")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "found no strict JSON in"),
        ("[]", "found a document of no schema in"),
        ('{"schema": "rnnconv-result/1"}', "found a damaged result in"),
    ],
)
def test_what_is_no_result_is_refused(text: str, message: str, run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(text)
    done = run("list", "--coverage", "--results", str(path))
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert "write one by `rnnconv verify --output results.json`" in done.err


def test_a_missing_result_is_told(run: Callable[..., Any], tmp_path: Path) -> None:
    done = run("list", "--coverage", "--results", str(tmp_path / "none.json"))
    assert done.status == 2
    assert "No such file or directory" in done.err
    alone = run("list", "--results", str(tmp_path / "none.json"))
    assert alone.status == 2
    assert "found --results without --coverage, wanted both; add --coverage" in alone.err
