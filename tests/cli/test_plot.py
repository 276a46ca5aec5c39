"""The figure of one check as a file: what is written and said, and what is refused before anything is."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NAME = "first-order-identity"
ABSENT = "which the result has not, wanted one of"
Carry = Callable[..., Any]


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("result")
    words = ["verify", "perturbation-bound", "--check", NAME, "--jobs", "1", "--no-store", "--output", "r.json"]
    subprocess.run([sys.executable, "-m", "rnnconv_cli", *words], cwd=folder, capture_output=True, check=True)
    found: dict[str, Any] = json.loads((folder / "r.json").read_text())
    return found


@pytest.fixture
def result(verified: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A result that a test may change before it writes it with `_write`; r.json has it as it was."""
    monkeypatch.chdir(tmp_path)
    _write(verified)
    return copy.deepcopy(verified)


def _write(document: dict[str, Any]) -> None:
    Path("r.json").write_text(json.dumps(document))


@pytest.mark.usefixtures("result")
def test_a_figure_is_written_in_each_form_and_said_in_words(run: Carry) -> None:
    outputs = [word for form in ("pdf", "SVG", "png") for word in ("--output", f"figures/a.{form}")]
    done = run("plot", "r.json", "--check", NAME, *outputs)
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("The largest error is ")
    assert Path("figures/a.pdf").read_bytes().startswith(b"%PDF-")
    assert Path("figures/a.png").read_bytes().startswith(b"\x89PNG")
    assert "first-order" in Path("figures/a.SVG").read_text()


@pytest.mark.usefixtures("result")
def test_the_same_command_gives_the_same_bytes(run: Carry) -> None:
    look = ("--width", "3.3", "--height", "3", "--font-size", "9", "--font", "serif")
    for name in ("a.pdf", "b.pdf"):
        assert run("plot", "r.json", "--check", NAME, "--output", name, *look).status == 0
    assert Path("a.pdf").read_bytes() == Path("b.pdf").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--check", "first-order-identiti"),
            f"found check 'first-order-identiti', {ABSENT} {NAME}; did you mean {NAME}?",
        ),
        (("--check", "x"), f"found check 'x', {ABSENT} {NAME}\n"),
        (("--check", NAME, "--claim", "perturbation"), f"found claim 'perturbation', {ABSENT} perturbation-bound; did"),
        (("--check", NAME, "--output", "a.jpg"), "found the file 'a.jpg', wanted a name that ends with .pdf, .svg or"),
        (("--check", NAME, "--output", "a.pdf"), "found 'a.pdf' twice, wanted each file once"),
        (("--check", NAME, "--output", "r.json/a.pdf"), "found 'r.json/a.pdf', which cannot be written"),
        (("--check", NAME, "--width", "0.6"), "found a figure of 0.6 x"),
        (("--check", NAME, "--width", "nan"), "found nan, wanted a finite number"),
        (("--check", NAME, "--dpi", "9999"), "9999.0 is not in the range"),
        (("--check", NAME, "--font", "Comic Neue"), "found font 'Comic Neue', wanted one of"),
    ],
)
@pytest.mark.usefixtures("result")
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(run: Carry, words: tuple[str, ...], message: str) -> None:
    done = run("plot", "r.json", "--output", "a.pdf", *words)
    assert (done.status, done.out) == (2, "")
    assert message in done.err
    assert not Path("a.pdf").exists()


def test_a_result_is_not_replaced_by_its_figure(run: Carry, result: dict[str, Any]) -> None:
    Path("r.json").rename("r.svg")
    done = run("plot", "r.svg", "--check", NAME, "--output", "r.svg")
    assert (done.status, json.loads(Path("r.svg").read_text())) == (2, result)
    assert "found 'r.svg', which is read, wanted another file" in done.err


def test_a_name_of_two_claims_wants_its_claim(run: Carry, result: dict[str, Any]) -> None:
    result["claims"].append({**copy.deepcopy(result["claims"][0]), "id": "other"})
    _write(result)
    done = run("plot", "r.json", "--check", NAME, "--output", "a.pdf")
    assert done.status == 2
    assert f"found check '{NAME}' in perturbation-bound and other, wanted one check; add --claim" in done.err
    assert run("plot", "r.json", "--check", NAME, "--claim", "other", "--output", "a.pdf").status == 0


def test_a_check_that_measured_nothing_is_named_with_its_reason(run: Carry, result: dict[str, Any]) -> None:
    check = result["claims"][0]["checks"][0]
    check.update(observations=[], curves=[], estimate=None, because="no draw\x1b[2J at all")
    _write(result)
    done = run("plot", "r.json", "--check", NAME, "--output", "a.pdf")
    assert (done.status, Path("a.pdf").exists()) == (2, False)
    assert "without a number to draw, wanted a check that has measured something; its verdict is within" in done.err
    assert "no draw\\x1b[2J at all" in done.err


def test_many_checks_are_counted_and_not_listed(run: Carry, result: dict[str, Any]) -> None:
    checks = result["claims"][0]["checks"]
    checks += [{**copy.deepcopy(checks[0]), "id": f"number-{index}"} for index in range(20)]
    _write(result)
    done = run("plot", "r.json", "--check", "numbr-7", "--output", "a.pdf")
    assert "wanted one of 21 in it; did you mean number-7, " in done.err


def test_what_is_no_result_is_refused(run: Carry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.json").write_text("{}")
    for name, message in (
        ("a.json", "found a document of no schema in a.json"),
        ("b.json", "found b.json (No such file"),
    ):
        done = run("plot", name, "--check", NAME, "--output", "a.pdf")
        assert (done.status, message in done.err) == (2, True)


def test_help_needs_no_drawing_library() -> None:
    code = (
        "import sys; from rnnconv_cli.cli.main import main; main(['plot', '--help']);"
        "print([name for name in ('matplotlib', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
