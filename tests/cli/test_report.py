"""Stored results shown again: on stdout, in files, as a page; and every refusal by its message."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECK = ("perturbation-bound", "--check", "first-order-identity")
Carry = Callable[..., Any]


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A result as it was written, and the table that its run has shown."""
    folder = tmp_path_factory.mktemp("result")
    command = [sys.executable, "-m", "rnnconv_cli", "verify", *CHECK, "--jobs", "1", "--no-store"]
    done = subprocess.run([*command, "--output", "r.json"], cwd=folder, capture_output=True, text=True, check=True)
    return (folder / "r.json").read_text(), done.stdout


@pytest.fixture
def result(verified: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("r.json").write_text(verified[0])
    return "r.json"


def test_the_table_is_the_one_that_the_run_has_shown(run: Carry, result: str, verified: tuple[str, str]) -> None:
    done = run("report", result)
    assert (done.status, done.out, done.err) == (0, verified[1], "")
    assert run("report", result, "--format", "table").out == done.out


def test_the_document_is_the_one_that_was_stored(run: Carry, result: str, verified: tuple[str, str]) -> None:
    assert run("report", result, "--format", "json").out == verified[0]


def test_a_page_is_written_and_nothing_is_shown(run: Carry, result: str) -> None:
    done = run("report", result, "--html", "pages/r.html")
    assert (done.status, done.out, done.err) == (0, "", "")
    page = Path("pages/r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "rnnconv verify perturbation-bound --check first-order-identity --profile quick --seed 0" in page
    assert "rnnconv replay r.json --trial" in page
    assert "<svg" in page


def test_files_take_the_format_of_their_suffix_and_stdout_the_one_asked_for(run: Carry, result: str) -> None:
    done = run("report", result, "--output", "a.html", "--output", "b.json", "--output", "json=c", "--format", "table")
    assert (done.status, done.err) == (0, "")
    assert "first-order-identity" in done.out
    assert Path("a.html").read_text().startswith("<!doctype html>")
    assert Path("b.json").read_text() == Path("c").read_text() == Path("r.json").read_text()


def test_verify_writes_the_same_page(run: Carry, result: str) -> None:
    assert run("verify", *CHECK, "--jobs", "1", "--no-store", "--quiet", "--output", "v.html").status == 0
    assert Path("v.html").read_text().startswith("<!doctype html>")


def test_several_results_stand_on_one_page(run: Carry, result: str) -> None:
    changed = json.loads(Path(result).read_text()) | {"seed": 1}
    Path("other.json").write_text(json.dumps(changed))
    done = run("report", result, "other.json", result, "--html", "both.html")
    assert (done.status, done.err) == (0, "")
    page = Path("both.html").read_text()
    assert "2 statements were checked" in page
    assert "The claims of other.json" in page


@pytest.mark.parametrize(
    "words", [(), ("--format", "json"), ("--output", "x.json"), ("--html", "x.html", "--format", "table")]
)
def test_only_a_page_takes_several_results(run: Carry, result: str, words: tuple[str, ...]) -> None:
    Path("other.json").write_text(Path(result).read_text())
    done = run("report", result, "other.json", *words)
    assert done.status == 2
    assert done.err.startswith("rnnconv: found 2 results for the format ")
    assert done.err.endswith("wanted one; several stand on one page: --html FILE\n")
    assert done.out == ""
    assert not Path("x.json").exists()
    assert not Path("x.html").exists()


@pytest.mark.parametrize("words", [("--html", "./r.json"), ("--output", "json=r.json"), ("--output", "link.json")])
def test_a_result_is_never_written_over(run: Carry, result: str, words: tuple[str, ...]) -> None:
    before = Path(result).read_text()
    Path("link.json").symlink_to(result)
    done = run("report", result, *words)
    assert done.status == 2
    assert "which is read, wanted another file; nothing was written" in done.err
    assert Path(result).read_text() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found no strict JSON in bad.json (it is empty), wanted a result"),
        ('{"schema": "other"}', "found a document of the schema 'other' in bad.json"),
        ('{"schema": "rnnconv-result/1"}', "found a damaged result in bad.json"),
        ("[" * 100_000, "found no strict JSON in bad.json"),
    ],
)
def test_what_is_no_result_is_refused(run: Carry, tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    done = run("report", str(tmp_path / "bad.json"), "--html", str(tmp_path / "x.html"))
    assert done.status == 2
    assert message in done.err.replace(f"{tmp_path}/", "")
    assert not (tmp_path / "x.html").exists()


def test_a_page_takes_no_other_files_name(run: Carry, result: str) -> None:
    Path("claim.yaml").write_text("schema: 1")
    done = run("report", result, "--html", "claim.yaml")
    assert (done.status, Path("claim.yaml").read_text()) == (2, "schema: 1")
    assert "found the suffix '.yaml' of claim.yaml, wanted one of .html, .htm; nothing was written" in done.err


def test_a_file_that_is_not_there_is_named(run: Carry, tmp_path: Path) -> None:
    done = run("report", str(tmp_path / "nowhere.json"))
    assert done.status == 2
    assert "nowhere.json (No such file or directory), wanted a result" in done.err


def test_a_file_that_cannot_be_written_is_named_before_anything_is(run: Carry, result: str) -> None:
    Path("taken.html").mkdir()
    Path("file").write_text("")
    done = run("report", result, "--output", "a.html", "--output", "file/b.json")
    assert done.status == 2
    assert "found 'file/b.json', which cannot be written" in done.err
    assert run("report", result, "--html", "taken.html").status == 2


def test_a_command_without_a_result_says_what_is_missing(run: Carry) -> None:
    done = run("report")
    assert done.status == 2
    assert "RESULT" in done.err


def test_help_has_an_example(run: Carry) -> None:
    assert "rnnconv report results.json --html report.html" in run("report", "--help").out
