"""A bundle is checked: what is shown, and the exit status."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.errors import ResourceError
from rnnconv_cli.evidence import contents, rerun

Carry = Callable[..., Any]


@pytest.fixture(autouse=True)
def _without_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "DRAWS_PAGES", ("a-library-that-nobody-has",))


@pytest.fixture
def bundle(run: Carry, tmp_path: Path) -> Path:
    claim, result, path = tmp_path / "my-claim.yaml", tmp_path / "r.json", tmp_path / "b.zip"
    claim.write_text(run("new", "my-claim").out)
    run("verify", str(claim), "--jobs", "1", "--no-store", "--quiet", "--output", str(result))
    assert run("bundle", str(result), "-o", str(path), "--claims", str(claim)).status == 0
    return path


def altered(run: Carry, bundle: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The bundle of the result with a change, made again by the command."""
    folder = bundle.parent
    document = json.loads((folder / "r.json").read_text())
    change(document)
    (folder / "other.json").write_text(json.dumps(document))
    other = folder / "other.zip"
    done = run("bundle", str(folder / "other.json"), "-o", str(other), "--claims", str(folder / "my-claim.yaml"))
    assert done.status == 0, done.err
    return other


def test_all_is_as_it_must_be(run: Carry, bundle: Path) -> None:
    done = run("check-bundle", str(bundle), "--rerun", "3", "--seed-of-choice", "5")
    shown = " ".join(done.out.split())
    assert (done.status, done.err) == (0, "")
    for said in (
        "archive every byte is accounted for, in 6 members",
        "claims 1 claim file with the digest that the result names",
        "trials 120 observations, those that the claim files ask for, under their own keys",
        "verdicts judged again: every verdict, reason and estimate is the stored one",
        "rerun 3 of 120 trials, the choice of --seed-of-choice 5",
        "verdict all is as it must be",
    ):
        assert said in shown
    assert shown.count("same bits in 1 reading") == 3
    assert max(map(len, done.out.splitlines())) <= 100
    assert run("check-bundle", str(bundle), "--rerun", "3", "--seed-of-choice", "5").out == done.out


def test_a_choice_of_its_own_can_be_repeated(run: Carry, bundle: Path) -> None:
    done = run("check-bundle", str(bundle), "--rerun", "2")
    (number,) = (line.split()[-1] for line in done.out.splitlines() if "--seed-of-choice" in line)
    assert run("check-bundle", str(bundle), "--rerun", "2", "--seed-of-choice", number).out == done.out


def test_a_changed_byte_is_named(run: Carry, bundle: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[len(data) // 2] ^= 1
    bundle.write_bytes(data)
    done = run("check-bundle", str(bundle), "--rerun", "1")
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "archive result.json its bytes in the archive were changed: another SHA-256" in shown
    assert "verdict something differs; nothing was measured again" in shown
    assert "verdicts" not in shown


def test_a_verdict_that_was_turned_is_named(run: Carry, bundle: Path) -> None:
    def turn(document: dict[str, Any]) -> None:
        document["claims"][0]["checks"][0].update(verdict="outside", because="[red]so it is \x1b[2J")

    done = run("check-bundle", str(altered(run, bundle, turn)))
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "verdicts my-claim/hidden-norm-upper verdict: stored 'outside', judged 'within'" in shown
    assert "because: stored '[red]so it is \\x1b[2J', judged" in shown
    assert "\x1b" not in done.out


def test_what_another_version_wrote_is_said(run: Carry, bundle: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        document["claims"][0]["checks"][0]["verdict"] = "outside"
        document["environment"].update(sources_sha256="0", commit="3fa9c1")

    shown = " ".join(run("check-bundle", str(altered(run, bundle, change))).out.split())
    assert "the result says that it is from rnnconv 0.1.0 of the commit 3fa9c1, and this is another one" in shown


def test_a_made_up_value_is_caught_by_measuring(run: Carry, bundle: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        for row in document["claims"][0]["checks"][0]["observations"]:
            row["value"] *= 1 - 1e-9

    other = altered(run, bundle, change)
    assert run("check-bundle", str(other)).status == 0
    done = run("check-bundle", str(other), "--rerun", "2")
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "other bits, relative difference 1e-09: under the same conditions every bit must be the same" in shown
    assert "verdict a trial that was measured again differs" in shown

    def elsewhere(document: dict[str, Any]) -> None:
        change(document)
        document["environment"]["cpu"] = "abacus"

    done = run("check-bundle", str(altered(run, bundle, elsewhere)), "--rerun", "2")
    assert done.status == 0
    assert "as close as other conditions must be (cpu abacus → " in " ".join(done.out.split())


def test_a_trial_that_cannot_be_measured_is_said(run: Carry, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ResourceError("a trial", 2**40, 2**30)

    monkeypatch.setattr(rerun, "measure_again", refuse)
    done = run("check-bundle", str(bundle), "--rerun", "1")
    assert done.status == 5
    assert "found a need of 1024.00 GiB" in " ".join(done.out.split())
    assert "verdict a trial could not be measured again" in " ".join(done.out.split())


def test_many_differences_are_counted(run: Carry, bundle: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        claim = document["claims"][0]
        claim["checks"] = [{**claim["checks"][0], "id": f"copy-{number}"} for number in range(30)]

    shown = " ".join(run("check-bundle", str(altered(run, bundle, change))).out.split())
    assert "copy-18 is in the result, and the command has not chosen it" in shown
    assert "copy-19" not in shown
    assert "checks ... and 11 more" in shown


def test_what_is_no_bundle_is_refused(run: Carry, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../evil", "x")
    for data in (path.read_bytes(), b"", random.Random(1).randbytes(1000)):
        path.write_bytes(data)
        done = run("check-bundle", str(path))
        assert (done.status, done.out) == (2, "")
        assert "found another file in" in done.err
    assert "No such file" in run("check-bundle", str(tmp_path / "none.zip")).err
    assert "is a directory" in run("check-bundle", str(tmp_path)).err
