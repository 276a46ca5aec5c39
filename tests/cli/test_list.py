from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.spec import catalogue, loader


def test_every_claim_is_listed_with_its_checks_status_title_and_source(run: Callable[..., Any]) -> None:
    done = run("list")
    assert (done.status, done.err) == (0, "")
    shown = " ".join(done.out.split())
    for path in catalogue.shipped():
        claim = loader.load(path).claim
        assert f"{claim.id} {len(claim.checks)} {claim.status} " in shown
    assert max(map(len, done.out.splitlines())) <= 100


def test_the_coverage_names_every_statement_with_its_checks_or_its_reason(run: Callable[..., Any]) -> None:
    done = run("list", "--coverage")
    assert (done.status, done.err) == (0, "")
    lines = done.out.splitlines()
    at = lines.index("Lemma C.2b (p. 37): O((tau_0 m)^(2/3)) signs change")
    assert lines[at + 1] == "    check     perturbation-bound/pattern-flips-in-width"
    reason = lines.index("footnote 6 (Sec. 2): the loss at l = 1 does not depend on W")
    assert lines[reason + 1].startswith("    no check  True by construction")
    assert not any(line.startswith("    measured") for line in lines)
    assert lines[-1].endswith("with a reason why not")
    assert max(map(len, lines)) <= 100


def test_a_stored_result_stands_beside_the_checks(run: Callable[..., Any], tmp_path: Path) -> None:
    check = {
        "id": "pattern-flips-in-width",
        "status": "theorem",
        "verdict": "within",
        "expected": "within",
        "predicted": {"text": "\u2264 m^0.667 (+0.04)"},
        "estimate": {"kind": "exponent", "value": 0.671, "low": 0.66, "high": 0.68},
        "slack": -0.004,
        "worst_adversary": "kinks (13.9x gaussian)",
        "because": "[bold]x",
        "control": {"verdict": "outside", "estimate": None},
        "beside": [],
    }
    claims = [{"id": "perturbation-bound", "checks": [check]}]
    result = {"schema": "rnnconv-result/1", "tool": {"version": "0"}, "seed": 0, "profile": "full", "claims": claims}
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result))
    done = run("list", "--coverage", "--results", str(path))
    assert (done.status, done.err) == (0, "")
    shown = " ".join(done.out.split())
    assert "pattern-flips-in-width measured within: 0.671 [0.660, 0.680], predicted \u2264 m^0.667 (+0.04)" in shown
    assert "hidden-change-in-width measured not in this result" in shown
    assert shown.endswith("1 check, profile full, seed 0, rnnconv 0")
    path.write_text(json.dumps({**result, "plan": {"seconds": 600.0}}))
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
