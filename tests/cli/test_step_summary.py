from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli import step_summary
from rnnconv_cli.cli.step_summary import append_summary
from rnnconv_cli.errors import OutputError
from rnnconv_cli.records import Environment, Report, Timing
from rnnconv_cli.report import json as json_format
from rnnconv_cli.report.markdown import render

EMPTY = Report("0.1.0", "quick", 0, "compiled", 0, (), (), Environment(()), Timing((("total", 0.5),)))
CLAIM = "perturbation-bound"


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a step's summary, in which another command has written already."""
    path = tmp_path / "summary.md"
    path.write_text("# before\n")
    monkeypatch.setenv(step_summary.VARIABLE, str(path))
    return path


def test_the_report_is_appended(summary: Path) -> None:
    assert append_summary(EMPTY) == ()
    assert summary.read_text() == f"# before\n{render(EMPTY)}\n"


def test_elsewhere_nothing_is_written(summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", None):
        monkeypatch.setenv(step_summary.VARIABLE, value) if value is not None else monkeypatch.delenv(
            step_summary.VARIABLE
        )
        assert append_summary(EMPTY) == ()
    assert summary.read_text() == "# before\n"


def test_a_summary_that_is_too_long_says_less(summary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner drops the whole summary of a step that is too long."""
    long = replace(EMPTY, exit_reasons=("x" * 1000,))
    monkeypatch.setattr(step_summary, "MOST_BYTES", 500)
    assert append_summary(long) == ()
    assert summary.read_text() == (
        "# before\nrnnconv: 0 checks: none; none against expectation; profile quick, seed 0, exit status 0\n"
    )


def test_a_summary_that_cannot_be_written_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(step_summary.VARIABLE, str(tmp_path))
    (failure,) = append_summary(EMPTY)
    assert isinstance(failure, OutputError)
    hint = "let GITHUB_STEP_SUMMARY name a file that can be written, or unset it"
    assert str(failure) == f"{tmp_path}: could not be written (Is a directory); {hint}"


def test_verify_appends_it_with_its_annotations_alone(run: Callable[..., Any], fake: Any, summary: Path) -> None:
    run("verify", CLAIM)
    assert summary.read_text() == "# before\n"
    done = run("verify", CLAIM, "--format", "github")
    assert done.out.startswith("::notice title=rnnconv::0 checks: none;")
    assert summary.read_text().startswith("# before\n**rnnconv 0.1.0:** 0 checks")


def test_verify_ends_with_five_where_it_cannot_be_written(
    run: Callable[..., Any], fake: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(step_summary.VARIABLE, str(tmp_path))
    done = run("verify", CLAIM, "--format", "github")
    assert done.status == 5
    assert f"::error title=rnnconv::{tmp_path}: could not be written" in done.out


def test_a_stored_result_is_annotated_later(run: Callable[..., Any], tmp_path: Path, summary: Path) -> None:
    (tmp_path / "r.json").write_text(json_format.render(EMPTY))
    done = run("report", str(tmp_path / "r.json"), "--format", "github")
    assert (done.status, done.out.count("::notice")) == (0, 1)
    assert "**rnnconv 0.1.0:** 0 checks" in summary.read_text()
