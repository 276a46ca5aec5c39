"""One trial of a result measured again: what is shown, and the exit status."""

from __future__ import annotations

import copy
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli.main import main
from rnnconv_cli.records import Reading, Status, Trial
from rnnconv_cli.sweep import replay
from rnnconv_cli.sweep.machine import blas_facts

VARIANCE = {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}}
CLAIM = {
    "schema": 1,
    "id": "made-up",
    "title": "Made up",
    "source": {"statement": "(0.0)"},
    "statement": "A statement.",
    "checks": [
        {
            "id": "decay",
            "statement": "A statement.",
            "source": {"statement": "(0.0)"},
            "quantity": "steps-to-decades",
            "problem": {"width": 32, "horizon": 3, "n_sequences": 2},
            "training": {"learning_rate": {"over_lambda_max": 1.0}, "max_steps": 60},
            "sweep": {
                "parameter": "decades",
                "quick": {"grid": [1, 2, 3, 4, 5], "replicates": 5},
                "full": {"grid": [1, 2, 3, 4, 5], "replicates": 5},
            },
            "prediction": {"kind": "decay", "tail": 3, "tolerance": 0.5, "reason": "made up"},
            "control": VARIANCE,
        },
        {
            "id": "norm",
            "statement": "A statement.",
            "source": {"statement": "(0.0)"},
            "quantity": "hidden-norm-upper",
            "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
            "sweep": {"quick": {"replicates": 42}, "full": {"replicates": 42}},
            "prediction": {"kind": "event", "bound": 9.0, "probability": 0.9, "reason": "made up"},
            "control": VARIANCE,
        },
    ],
}
Carry = Callable[..., Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A result of two checks, as it was written."""
    folder = tmp_path_factory.mktemp("result")
    (folder / "claim.yaml").write_text(json.dumps(CLAIM))
    words = ("verify", str(folder / "claim.yaml"), "--jobs", "1", "--no-store", "--quiet")
    assert main((*words, "--output", str(folder / "result.json"))) in (0, 3)
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return document


@pytest.fixture
def result(written: dict[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(written)


@pytest.fixture
def replayed(run: Carry, tmp_path: Path) -> Carry:
    """Replay the trial of a row of a result."""

    def carry_out(result: dict[str, Any], row: dict[str, Any]) -> Any:
        path = tmp_path / "result.json"
        path.write_text(json.dumps(result))
        return run("replay", str(path), "--trial", row["trial"])

    return carry_out


def rows(result: dict[str, Any], check: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result["claims"][0]["checks"][check]["observations"]
    return found


def test_the_same_bits(replayed: Carry, result: dict[str, Any]) -> None:
    first = rows(result, 1)[0]
    done = replayed(result, first)
    lines = done.out.splitlines()
    assert (done.status, done.err) == (0, "")
    assert lines[0] == f"trial {first['trial']}: hidden-norm-upper, draw 0"
    shown = " ".join(done.out.split())
    for said in (
        "problem width 16, horizon 3, n_sequences 1",
        "seed 0, backend compiled",
        "stored in made-up/norm, main",
        "conditions the same: every bit must be",
        f"at 1 {first['value']!r}: same bits",
        "verdict same bits",
    ):
        assert said in shown
    assert max(map(len, lines)) <= 100


def test_a_run_is_compared_at_every_decade(replayed: Carry, result: dict[str, Any]) -> None:
    first = rows(result, 0)[0]
    done = replayed(result, first)
    assert done.status == 0
    assert done.out.count("same bits") == 5 + 1 + 1  # values, the loss curve, the verdict
    assert [line.split()[1] for line in done.out.splitlines() if line.startswith("  at ")] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("arm", ["main", "control"])
def test_every_arm_can_be_replayed(arm: str, replayed: Carry, result: dict[str, Any]) -> None:
    for check in (0, 1):
        last = [row for row in rows(result, check) if row["arm"] == arm][-1]
        assert replayed(result, last).status == 0


def test_an_altered_digit_is_a_difference(replayed: Carry, result: dict[str, Any]) -> None:
    row = rows(result, 1)[3]
    text, was = repr(row["value"]), row["value"]
    digit = text[8]
    row["value"] = float(text[:8] + ("1" if digit != "1" else "2") + text[9:])
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert f"{row['value']!r}, and now {was!r}: " in shown
    assert re.search(r"\d units? in the last place, relative difference \d", shown)
    assert "verdict other bits under the same conditions: the file was changed, or one seed has given two" in shown


def test_one_altered_copy_of_several_is_found(replayed: Carry, result: dict[str, Any]) -> None:
    check = copy.deepcopy(result["claims"][0]["checks"][1])
    check["id"] = "copy"
    check["observations"][0]["value"] += 1.0
    result["claims"][0]["checks"].append(check)
    done = replayed(result, rows(result, 1)[0])
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "stored in made-up/norm, main" in shown
    assert "stored in made-up/copy, main" in shown
    assert shown.count("verdict same bits") == 1


def test_under_other_conditions_a_small_difference_is_allowed(replayed: Carry, result: dict[str, Any]) -> None:
    row = rows(result, 1)[0]
    result["environment"]["cpu"] = "[red]abacus \x1b[2J"
    row["value"] *= 1 + 1e-9
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 0
    assert "conditions differ in cpu [red]abacus \\x1b[2J → " in shown
    assert "a relative difference of 1e-06 is allowed" in shown
    assert "verdict as close as other conditions must be" in shown
    row["value"] *= 1 + 1e-3
    done = replayed(result, row)
    assert done.status == 3
    assert "verdict further apart than other conditions take most values" in " ".join(done.out.split())


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the kernel sets named are those of x86-64")
def test_rounding_errors_of_other_blas_kernels_are_close(run: Carry, tmp_path: Path) -> None:
    core = dict(blas_facts())["blas.scipy.core"]
    other, path = "Sandybridge" if core == "Haswell" else "Haswell", tmp_path / "result.json"
    words = ("verify", "perturbation-bound", "--check", "first-order-identity", "--replicates", "2", "--no-store")
    done = subprocess.run(
        [sys.executable, "-m", "rnnconv_cli", *words, "--jobs", "1", "--quiet", "--output", str(path)],
        env={**os.environ, "OPENBLAS_CORETYPE": other},
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(path.read_text()) if path.exists() else {}
    assert document, done.stderr
    first = rows(document, 0)[0]
    done_again = run("replay", str(path), "--trial", first["trial"])
    shown = " ".join(done_again.out.split())
    assert done_again.status == 0, shown
    assert f"blas.scipy.core {other} → {core}" in shown
    assert "a relative difference of 1e-06, or one of 1, is allowed" in shown
    assert "verdict as close as other conditions must be" in shown
    assert float(re.findall(r"relative difference (\S+)", shown)[-1]) > 1e-6  # by far more than sums of sums move


def test_a_trial_that_fails_says_all_of_why(
    replayed: Carry, result: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "no bracket " * 30 + "[bold]here"

    def fail(trial: Trial, backend: str, progress: object) -> tuple[Reading, ...]:
        return (Reading(None, Status.FAILED, detail=why),)

    row = rows(result, 1)[0]
    monkeypatch.setattr(replay, "measure_again", fail)
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 5
    assert f"now {why}" in shown
    assert "verdict could not be measured now" in shown
    row.update(status="failed", value=None, detail=why)
    done = replayed(result, row)
    assert done.status == 5
    assert "at 1 no value (failed), and again" in " ".join(done.out.split())
    assert f"detail {why}" in " ".join(done.out.split())
    assert "verdict could not be measured now, as when the result was written" in " ".join(done.out.split())


def test_a_trial_that_has_failed_may_be_measured_now(replayed: Carry, result: dict[str, Any]) -> None:
    row = rows(result, 1)[0]
    value = row["value"]
    row.update(status="failed", value=None, detail="killed its worker")
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert f"at 1 no value (failed), and now {value!r}" in shown
    assert "then killed its worker" in shown
    assert "verdict measured now, and had failed then: the result has kept this draw from its verdict" in shown


def test_a_detail_that_was_made_up_is_a_difference(replayed: Carry, result: dict[str, Any]) -> None:
    row = rows(result, 1)[0]
    row["detail"] = "seen by experts"
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "then seen by experts" in shown
    assert "verdict same bits; the detail differs" in shown


def test_a_loss_curve_that_was_made_up_is_a_difference(replayed: Carry, result: dict[str, Any]) -> None:
    row = rows(result, 0)[0]
    (curve,) = (each for each in result["claims"][0]["checks"][0]["curves"] if _is_of(each, row))
    length = len(curve["values"])
    assert f"loss curve {length} losses: same bits" in " ".join(replayed(result, row).out.split())
    was, curve["values"][1] = curve["values"][1], 0.125
    done = replayed(result, row)
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert f"loss curve 1 of {length} losses have other bits: first 0.125, and now {was!r}, at step" in shown
    assert "verdict other bits under the same conditions" in shown
    curve.update(values=[1.0], steps=[0])
    assert f"1 losses, and now {length}, at other steps" in " ".join(replayed(result, row).out.split())


def _is_of(curve: dict[str, Any], row: dict[str, Any]) -> bool:
    return (curve["arm"], curve["trial"]) == (row["arm"], row["trial"])


def test_a_result_holds_every_condition(result: dict[str, Any]) -> None:
    from rnnconv_cli.sweep.conditions import conditions

    assert dict(conditions("compiled").facts).items() <= result["environment"].items()


def test_what_is_no_result_or_no_key_is_refused(run: Carry, result: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    for text, key, said in (
        ("{", "ab", "found no strict JSON in"),
        ('{"schema": "rnnconv-result/2"}', "ab", "found a newer result (rnnconv-result/2) in"),
        (json.dumps(result), "wrong", "found the key 'wrong', wanted hexadecimal digits"),
        (json.dumps({**result, "backend": "abacus"}), rows(result, 1)[0]["trial"], "found backend 'abacus' in"),
    ):
        path.write_text(text)
        done = run("replay", str(path), "--trial", key)
        assert (done.status, done.out) == (2, "")
        assert said in done.err
    assert "Missing option '--trial'" in run("replay", str(path)).err


def test_an_impossible_trial_is_refused_though_its_key_fits(replayed: Carry, result: dict[str, Any]) -> None:
    """Whoever writes a file can give it a fitting key as well."""
    from rnnconv_cli.report.reading.stored_rows import Trials
    from rnnconv_cli.sweep.serial import key_of

    row = rows(result, 1)[0]
    arms = result["claims"][0]["checks"][1]["arms"]
    arms["main"]["problem"]["activation"] = "exec"
    row["trial"] = key_of(Trials(arms, 0).of(row))
    done = replayed(result, row)
    assert done.status == 2
    assert "found a trial that no claim could ask for in" in done.err
    assert "problem.activation: Input should be 'relu'" in done.err
