from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.template import claim_text


def _stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))


@pytest.fixture
def claim(tmp_path: Path) -> Path:
    path = tmp_path / "my-claim.yaml"
    path.write_text(claim_text("my-claim"), encoding="utf-8")
    return path


def test_shipped_claims_are_valid(run: Callable[..., Any]) -> None:
    done = run("validate", *map(str, catalogue.shipped()))
    assert (done.status, done.err) == (0, "")
    assert done.out.count(": valid, ") == len(catalogue.shipped())


def test_standard_input_is_read(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, claim_text("my-claim").encode())
    done = run("validate", "-")
    assert (done.status, done.out, done.err) == (0, "<stdin>: valid, 1 check\n", "")


def test_bytes_that_are_no_text_are_refused(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    _stdin(monkeypatch, b"id: x\n  \xff\n")
    done = run("validate", "-")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("<stdin>:2:3: ")


@pytest.mark.parametrize(("stdin", "why"), [("<&-", "closed"), ("0>/dev/null", "Bad file descriptor")])
def test_a_standard_input_that_cannot_be_read_is_said(stdin: str, why: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m rnnconv_cli validate - {stdin}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    said = (
        f"rnnconv: found a standard input that cannot be read ({why}), wanted a claim file; name a file instead of -\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_all_violations_of_all_files_are_shown(run: Callable[..., Any], claim: Path) -> None:
    bad = claim.with_name("bad.yaml")
    text = claim.read_text(encoding="utf-8")
    bad.write_text(text.replace("horizon: 16", "horizn: 16").replace("replicates: 60", "replicates: -1"))
    missing = claim.with_name("missing.yaml")
    done = run("validate", str(bad), str(missing), str(claim))
    assert done.status == 2
    assert done.out == f"{claim}: valid, 1 check\n"
    assert done.err.count(f"{bad}:") >= 2
    assert "did you mean horizon?" in done.err
    assert f"rnnconv: found no file '{missing}', wanted a claim file" in done.err.splitlines()[-1]


def test_names_are_resolved(run: Callable[..., Any], claim: Path) -> None:
    text = claim.read_text(encoding="utf-8").replace("quantity: hidden-norm-upper", "quantity: hidden-norm-uper ")
    claim.write_text(text, encoding="utf-8")
    done = run("validate", str(claim))
    assert done.status == 2
    assert done.err.startswith(f"{claim}:")
    assert "found quantity 'hidden-norm-uper' (did you mean hidden-norm-upper" in done.err
    assert done.err.endswith(" more: `rnnconv list --quantities` lists them\n")
    assert len(done.err) < 800


def test_without_a_path_there_is_nothing_to_do(run: Callable[..., Any]) -> None:
    assert run("validate").status == 2
