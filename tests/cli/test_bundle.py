"""A result is put into a bundle with the claim files that it was run with, or nothing is written."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli.bundle import asked_of
from rnnconv_cli.evidence import contents
from rnnconv_cli.evidence.contents import Asked
from rnnconv_cli.spec.loader import Overrides

Carry = Callable[..., Any]
VERIFY = ("verify", "--jobs", "1", "--no-store", "--quiet")


@pytest.fixture(autouse=True)
def _without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "DRAWS_PAGES", ("a-library-that-nobody-has",))


@pytest.fixture
def claim(tmp_path: Path, run: Carry) -> Path:
    path = tmp_path / "my-claim.yaml"
    path.write_text(run("new", "my-claim").out)
    return path


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("rnnconv verify --all", Asked(Overrides(), None)),
        (
            "rnnconv verify a --set x.y=1 --set 'z=[1, 2]' --replicates 9",
            Asked(Overrides((("x.y", "1"), ("z", "[1, 2]")), 9), None),
        ),
        ("rnnconv verify a b --check one --check two --budget 5m", Asked(Overrides(checks=("one", "two")), 300.0)),
        ("rnnconv verify --replicates 9 a --gone", Asked(Overrides(replicates=9), None)),
        ("rnnconv verify a --set x --replicates nine --budget soon", Asked(Overrides(), None)),
        ("pytest --set x=1 --budget 5m", None),
        ("rnnconv verify 'a", None),
        ("", None),
        (None, None),
    ],
)
def test_what_a_command_has_asked_for(command: object, wanted: Asked | None) -> None:
    assert asked_of(command) == wanted


@pytest.mark.parametrize(
    "words", [(), ("--replicates", "70"), ("--set", "problem.horizon=3", "--set", "problem.width=32")]
)
def test_a_run_of_ones_own_claim_can_be_bundled_and_checked(
    run: Carry, claim: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    result, bundle = tmp_path / "r.json", tmp_path / "deep and long, longer than any line of a log is" / "b.zip"
    assert run(*VERIFY, str(claim), *words, "--output", str(result)).status in (0, 3)
    done = run("bundle", str(result), "-o", str(bundle), "--claims", str(claim))
    assert (done.status, done.err) == (0, "")
    assert f"check     rnnconv check-bundle '{bundle}'" in done.out.splitlines()
    with zipfile.ZipFile(bundle) as found:
        assert found.read("claims/my-claim.yaml") == claim.read_bytes()
        assert found.read("result.json") == result.read_bytes()
    assert run("check-bundle", str(bundle)).status == 0
    before = bundle.read_bytes()
    run("bundle", str(result), "-o", str(bundle), "--claims", str(tmp_path))
    assert bundle.read_bytes() == before


def test_a_shipped_claim_is_found_by_its_digest(run: Carry, tmp_path: Path) -> None:
    result, bundle = tmp_path / "r.json", tmp_path / "b.zip"
    words = ("perturbation-bound", "no-explosion-or-vanishing", "--check", "first-order-identity")
    assert run(*VERIFY, *words, "--output", str(result)).status == 0
    assert run("bundle", str(result), "-o", str(bundle)).status == 0
    done = run("check-bundle", str(bundle))
    assert done.status == 0
    assert "1, all that the command has chosen" in done.out


def test_a_claim_file_that_is_not_the_one_that_was_run_is_refused(run: Carry, claim: Path, tmp_path: Path) -> None:
    result, bundle = tmp_path / "r.json", tmp_path / "b.zip"
    run(*VERIFY, str(claim), "--output", str(result))
    done = run("bundle", str(result), "-o", str(bundle))
    assert done.status == 2
    assert "found no file of the claim 'my-claim' with the digest" in done.err
    assert "name it by --claims" in done.err
    other = claim.with_name("other.yaml")
    other.write_text(claim.read_text(encoding="utf-8").replace("id: my-claim", "id: another"), encoding="utf-8")
    done = run("bundle", str(result), "-o", str(bundle), "--claims", str(other))
    assert f"({other} holds the claim 'another'), wanted the file as it was run" in done.err
    assert not bundle.exists()


def test_a_file_that_is_no_result_or_no_place_is_refused(run: Carry, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"schema": "rnnconv-result/2"}))
    assert "found a newer result (rnnconv-result/2) in" in run("bundle", str(path), "-o", str(tmp_path / "b.zip")).err
    done = run("bundle", str(path), "-o", str(path))
    assert done.status == 2
    assert "which is read, wanted another file; nothing was written" in done.err
    assert "Missing option" in run("bundle", str(path)).err
    assert not (tmp_path / "b.zip").exists()


def test_a_bundle_does_not_replace_a_file_of_another_kind(run: Carry, tmp_path: Path) -> None:
    result, other = tmp_path / "r.json", tmp_path / "other.json"
    result.write_text("{}")
    other.write_text("kept")
    done = run("bundle", str(result), "--output", str(other))
    assert (done.status, done.out) == (2, "")
    assert done.err == f"rnnconv: found the file '{other}', wanted a name that ends with .zip; nothing was written\n"
    assert other.read_text() == "kept"


def test_a_bundle_does_not_replace_what_is_read_for_it(run: Carry, claim: Path, tmp_path: Path) -> None:
    result = tmp_path / "r.json"
    assert run(*VERIFY, str(claim), "--output", str(result)).status in (0, 3)
    before = claim.read_bytes(), result.read_bytes()
    for file in (claim, result):
        for given in (claim, tmp_path):
            done = run("bundle", str(result), "-o", str(file), "--claims", str(given))
            assert done.status == 2
            assert "which is read, wanted another file; nothing was written" in done.err
    assert (claim.read_bytes(), result.read_bytes()) == before
