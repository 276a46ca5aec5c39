"""What docs/ci.md shows works as it stands there: the steps of its workflow, its hook, its commands and options."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from rnnconv_cli.spec.template import claim_text

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)]
(WORKFLOW,) = (block for block in BLOCKS if "jobs" in block)
COMMANDS = re.findall(r"^\$ (.+)$", PAGE, flags=re.MULTILINE)
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))[0]
CHEAP = "perturbation-bound --check first-order-identity --jobs 1"
SOURCE = {"statement": "(0.0)"}
SURPRISING = {  # it holds, and nobody expects it
    **{"schema": 1, "id": "made-up", "title": "Made up", "source": SOURCE, "statement": "A statement."},
    "checks": [
        {
            **{"id": "holds", "statement": "A statement.", "source": SOURCE, "quantity": "hidden-norm-upper"},
            "problem": {"width": 16, "horizon": 3, "n_sequences": 1},
            "sweep": {"quick": {"replicates": 60}, "full": {"replicates": 60}},
            "prediction": {"kind": "event", "bound": 4.0, "probability": 0.8, "reason": "made up"},
            "expected": "outside",
            "control": {
                "description": "twice as wide",
                "change": {"problem": {"width": 32}},
                "expected": "within",
            },
        }
    ],
}
OTHERS = frozenset({"checkout", "setup-python", "cache/restore", "cache/save", "upload-artifact"})


def steps() -> list[dict[str, Any]]:
    (job,) = WORKFLOW["jobs"].values()
    return list(job["steps"])


def carried_out(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the service does, with the commands of this environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def step() -> dict[str, str]:
    return {each["name"]: each["run"] for each in steps() if "run" in each}


# --- the workflow -----------------------------------------------------------------------------------------------------


def test_every_step_is_a_command_or_somebody_elses_action() -> None:
    for each in steps():
        assert ("run" in each) != ("uses" in each)
        if "uses" in each:
            action = re.fullmatch(r"actions/([\w/-]+)@v\d+", each["uses"])
            assert action is not None, each["uses"]
            assert action[1] in OTHERS
    assert WORKFLOW["defaults"] == {"run": {"shell": "bash"}}


def test_what_the_workflow_names_is_there() -> None:
    assert (ROOT / "constraints.txt").is_file()
    keys = [each["with"]["key"] for each in steps() if "key" in each.get("with", {})]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    for pattern in re.findall(r"'([^']+)'", keys[0]):
        assert list(ROOT.glob(pattern)), pattern
    kept = {each["with"]["path"] for each in steps() if "key" in each.get("with", {})}
    assert kept == {".rnnconv\n~/.cache/rnnconv\n"}


@pytest.mark.slow
def test_its_commands_verify_and_compare_in_an_empty_folder(step: dict[str, str], tmp_path: Path) -> None:
    named = {**WORKFLOW["env"], "RNNCONV_CLAIMS": CHEAP, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    verified = carried_out(step["Verify"], tmp_path, **named)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith("::notice")
    result = tmp_path / "results" / "quick.json"
    assert [claim["id"] for claim in json.loads(result.read_text("utf-8"))["claims"]] == ["perturbation-bound"]
    assert "<testsuites" in (tmp_path / "results" / "junit.xml").read_text("utf-8")
    assert "first-order-identity" in (tmp_path / "summary.md").read_text("utf-8")
    baseline = tmp_path / WORKFLOW["env"]["RNNCONV_BASELINE"]
    written = carried_out(f"rnnconv baseline write {baseline} {result}", tmp_path)
    assert written.returncode == 0, written.stderr
    compared = carried_out(step["Compare with the baseline"], tmp_path, **named)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    updated = carried_out(f"rnnconv baseline update {baseline} {result} --reason 'none'", tmp_path)
    assert updated.returncode == 0, updated.stderr


@pytest.mark.slow
def test_its_results_are_there_when_a_verdict_contradicts(step: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "made-up.claim.yaml").write_text(json.dumps(SURPRISING, indent=1), encoding="utf-8")
    done = carried_out(step["Verify"], tmp_path, RNNCONV_CLAIMS="made-up.claim.yaml --jobs 1")
    assert done.returncode == 3, done.stdout + done.stderr
    assert re.search(r"^::error file=made-up\.claim\.yaml,line=\d+,", done.stdout, flags=re.MULTILINE)
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["junit.xml", "quick.json"]


# --- the hook ---------------------------------------------------------------------------------------------------------


def test_the_hook_is_the_one_that_is_shown() -> None:
    shown = [hook for block in BLOCKS if "repos" in block for repo in block["repos"] for hook in repo["hooks"]]
    assert [hook["id"] for hook in shown] == [HOOK["id"]] * 2
    own = shown[1]
    assert {key: own[key] for key in ("name", "entry", "files")} == {
        key: HOOK[key] for key in ("name", "entry", "files")
    }
    assert HOOK["language"] == "python"


@pytest.mark.parametrize(
    ("path", "is_claim"),
    [
        ("claims/linear-convergence.yaml", True),
        ("tests/norms.claim.yaml", True),
        ("norms.claim.yaml", True),
        ("docs/claims/notes.yaml", False),
        ("claims/README.md", False),
        (".github/workflows/claims.yml", False),
        ("claim.yaml", False),
    ],
)
def test_the_hook_takes_claim_files(path: str, is_claim: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) == is_claim


def test_the_hook_refuses_a_broken_file(tmp_path: Path) -> None:
    (tmp_path / "good.claim.yaml").write_text(claim_text("good"), encoding="utf-8")
    (tmp_path / "bad.claim.yaml").write_text(claim_text("bad").replace("kind: ", "kin: ", 1), encoding="utf-8")
    good = carried_out(f"{HOOK['entry']} good.claim.yaml", tmp_path)
    assert (good.returncode, good.stderr) == (0, "")
    both = carried_out(f"{HOOK['entry']} good.claim.yaml bad.claim.yaml", tmp_path)
    assert both.returncode == 2
    assert re.search(r"^bad\.claim\.yaml:\d+:\d+: checks\.0\.prediction.*found", both.stderr, flags=re.MULTILINE)


# --- commands and options ---------------------------------------------------------------------------------------------


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_options_of_the_commands_exist(command: str) -> None:
    program, *words = shlex.split(command)
    if program == "rnnconv":
        n_names = 2 if words[0] == "baseline" else 1
        shown = help_of("rnnconv_cli", *words[:n_names])
    else:
        assert program == "pytest"
        shown = help_of("pytest")
    options = [word for word in words if re.fullmatch(r"--?[a-z-]+", word)]
    assert [option for option in options if not re.search(rf"{option}\b", shown)] == []


def test_options_of_the_plugin_are_all_shown() -> None:
    there = set(re.findall(r"--rnnconv[a-z-]*", help_of("pytest")))
    assert there == set(re.findall(r"--rnnconv[a-z-]*", PAGE))


def test_every_status_is_explained() -> None:
    from rnnconv_cli import errors

    statuses = {value for name, value in vars(errors).items() if name.startswith("EXIT_")} - {errors.EXIT_CLOSED_PIPE}
    rows = re.findall(r"^\| ([\d, ]+) \|", PAGE, flags=re.MULTILINE)
    assert {int(number) for row in rows for number in row.split(", ")} == statuses | {0}
