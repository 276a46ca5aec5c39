from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rnnconv_cli.cli.main import COMMANDS
from rnnconv_cli.spec import catalogue

COMMAND = f"{shutil.which('rnnconv', path=str(Path(sys.executable).parent))}"


def _answer(wanted: str, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command answers to a shell that completes the last of these words."""
    asked = {"_RNNCONV_COMPLETE": wanted, "COMP_WORDS": " ".join(["rnnconv", *words]), "COMP_CWORD": str(len(words))}
    return subprocess.run([COMMAND], env=os.environ | asked, capture_output=True, text=True, check=False)


def _completed(*words: str) -> list[tuple[str, str]]:
    """Completions of the last word as (kind, text)."""
    done = _answer("bash_complete", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return [(kind, text) for kind, _, text in (line.partition(",") for line in done.stdout.splitlines())]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_for_shells(shell: str) -> None:
    done = _answer(f"{shell}_source")
    assert (done.returncode, done.stderr) == (0, "")
    assert "_RNNCONV_COMPLETE" in done.stdout
    found = shutil.which(shell)
    if found is not None:
        subprocess.run([found, "-n"], input=done.stdout, text=True, check=True)


def test_bash_completes_with_its_script(tmp_path: Path) -> None:
    """A shell that has read the script fills COMPREPLY as it does on Tab."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    script = (
        'eval "$(_RNNCONV_COMPLETE=bash_source rnnconv)"\n'
        "COMP_WORDS=(rnnconv verify gauss) COMP_CWORD=2\n"
        '_rnnconv_completion rnnconv\necho "${COMPREPLY[@]}"\n'
    )
    path = os.pathsep.join([str(Path(COMMAND).parent), os.environ["PATH"]])
    done = subprocess.run(
        [bash, "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("gaussian-tools", "")


def test_commands_are_completed() -> None:
    assert _completed("ver") == [("plain", "verify")]
    assert [text for _, text in _completed("")] == sorted(COMMANDS)


@pytest.mark.parametrize("command", ["verify", "show"])
def test_claims_are_completed(command: str) -> None:
    names = [path.stem for path in catalogue.shipped()]
    assert _completed(command, "") == [("plain", name) for name in names]
    assert _completed(command, "gauss") == [("plain", "gaussian-tools")]


def test_what_is_no_claim_is_a_file() -> None:
    assert _completed("verify", "./cl") == [("file", "./cl")]


def test_options_are_completed() -> None:
    assert ("plain", "--profile") in _completed("verify", "--prof")
    assert [text for _, text in _completed("verify", "--profile", "")] == ["quick", "full"]


def test_completion_is_quick_because_it_imports_little() -> None:
    shown = "import sys; from rnnconv_cli.cli.main import main; main(); print(sorted(sys.modules), file=sys.stderr)"
    asked = {"_RNNCONV_COMPLETE": "bash_complete", "COMP_WORDS": "rnnconv verify g", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", shown], env=os.environ | asked, capture_output=True, text=True, check=True
    )
    assert "gaussian-tools" in done.stdout
    assert [name for name in ("numpy", "numba", "pydantic", "yaml") if f"'{name}'" in done.stderr] == []


def test_a_shell_that_nobody_knows_is_told_nothing() -> None:
    done = _answer("elvish_source")
    assert (done.returncode, done.stdout) == (1, "")
