from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.records import Environment, Report, Timing
from rnnconv_cli.report import json as json_format

EMPTY = Report("0.1.0", "quick", 0, "compiled", 0, (), (), Environment(()), Timing((("total", 0.5),)))


@pytest.fixture
def stored(tmp_path: Path) -> tuple[str, str]:
    """Two results that differ in their seed, and have no check."""
    for name, report in (("a.json", EMPTY), ("b.json", replace(EMPTY, seed=1))):
        (tmp_path / name).write_text(json_format.render(report))
    return str(tmp_path / "a.json"), str(tmp_path / "b.json")


def test_two_results_are_shown(run: Callable[..., Any], stored: tuple[str, str]) -> None:
    done = run("compare", *stored)
    assert "differs   seed: 0 → 1" in done.out


def test_results_without_a_check_in_common_are_no_success(run: Callable[..., Any], stored: tuple[str, str]) -> None:
    done = run("compare", *stored)
    assert (done.status, done.err) == (4, "rnnconv: no check is in both results: nothing was compared\n")


def test_json_on_request(run: Callable[..., Any], stored: tuple[str, str]) -> None:
    done = run("compare", *stored, "--format", "json")
    assert json.loads(done.out)["settings"] == [{"name": "seed", "first": "0", "second": "1"}]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "found no strict JSON in "),
        ("{}", "found a document of no schema in "),
        ('{"schema": "rnnconv-result/1"}', "found a damaged result in "),
    ],
)
def test_what_is_no_result_is_named(
    run: Callable[..., Any], stored: tuple[str, str], tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "c.json").write_text(content)
    done = run("compare", stored[0], str(tmp_path / "c.json"))
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert "c.json" in done.err


def test_a_missing_file_is_named(run: Callable[..., Any], stored: tuple[str, str]) -> None:
    done = run("compare", stored[0], "nowhere.json")
    assert done.status == 2
    assert "nowhere.json (No such file or directory)" in done.err
