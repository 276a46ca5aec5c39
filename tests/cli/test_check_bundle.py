"""A bundle is checked: what is shown, and the exit status."""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.cli.bundle import asked_of
from rnnconv_cli.cli.check_bundle import _comparison
from rnnconv_cli.errors import ResourceError
from rnnconv_cli.evidence import check, contents, rerun
from rnnconv_cli.evidence.archive import archive_of
from rnnconv_cli.records import Reading
from rnnconv_cli.report.reading.stored_report import read_report
from rnnconv_cli.sweep.replay import Compared, Replay

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
        "overrides none",
        "checks 1, all that the command has chosen: 1 of 1 of my-claim",
        "outcome 1 within; exit status 0",
        "verdict all is as it must be; who made the bundle",
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
    shown = " ".join(done.out.split())
    assert "as close as other conditions must be (cpu abacus → " in shown
    assert "verdict all is as it must be, but no bit was confirmed by measuring; who made the bundle" in shown


def test_overrides_that_the_command_has_not_are_named(run: Carry, bundle: Path) -> None:
    """A bundle whose manifest has claims read as another rnnconv verify has run them."""
    folder = bundle.parent
    words = (str(folder / "my-claim.yaml"), "--set", "prediction.probability=0.5")
    run("verify", *words, "--jobs", "1", "--no-store", "--quiet", "--output", str(folder / "r.json"))
    shown = " ".join(run("check-bundle", str(altered(run, bundle, id))).out.split())
    assert "overrides --set prediction.probability=0.5 claims" in shown
    text = (folder / "r.json").read_text()
    report = read_report(text, "r.json")
    command = str(dict(report.environment.facts)["command"])
    plain = text.replace(command.split(" --set")[1], " --jobs 1 --no-store --quiet")
    asked = asked_of(command)
    assert asked is not None
    claims, laid = {"my-claim": (folder / "my-claim.yaml").read_bytes()}, asked.overrides
    found = contents.contents_of(plain, read_report(plain, "r.json"), claims, laid)
    bundle.write_bytes(archive_of(found, report.tool_version, (), laid))
    done = run("check-bundle", str(bundle))
    assert done.status == 3
    assert (
        "overrides MANIFEST.json names the overrides --set prediction.probability=0.5, and the command of the result"
        " has none" in " ".join(done.out.split())
    )


def test_a_budget_is_the_one_of_the_command(run: Carry, bundle: Path) -> None:
    words = (str(bundle.parent / "my-claim.yaml"), "--budget", "1h", "--jobs", "1", "--no-store", "--quiet")
    run("verify", *words, "--output", str(bundle.parent / "r.json"))
    assert run("check-bundle", str(altered(run, bundle, id))).status == 0

    def change(document: dict[str, Any]) -> None:
        document["plan"]["seconds"] = 60.0

    done = run("check-bundle", str(altered(run, bundle, change)))
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "the plan is for a budget of 60 s, and the command of the result has a budget of 3600 s" in shown


def made_up_failure(document: dict[str, Any]) -> None:
    for row in document["claims"][0]["checks"][0]["observations"]:
        row.update(value=None, status="failed", detail="MemoryError")


def test_a_trial_that_had_failed_and_can_be_measured_is_named(
    run: Carry, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says that a draw has failed keeps it from its verdict: the judging is not what this is about."""
    monkeypatch.setattr(check, "verdict_differences", lambda *_: ())
    done = run("check-bundle", str(altered(run, bundle, made_up_failure)), "--rerun", "1")
    shown = " ".join(done.out.split())
    assert done.status == 3
    assert "trials 120 observations" in shown
    assert "120 of them failed when the result was written" in shown
    assert "measured now, and had failed then: the result has kept this draw from its verdict" in shown
    assert "verdict a trial that was measured again differs" in shown


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (Reading(1.0, point=1.0, detail="so"), Reading(1.0), "same bits in 1 reading; the detail differs"),
        (
            Reading(1.0, point=1.0, curve=((0, 1.0),)),
            Reading(1.0, curve=((0, 2.0),)),
            "other bits, relative difference 0, another loss curve: under the same conditions every bit must be the"
            " same",
        ),
    ],
)
def test_what_is_beside_a_value_is_compared_too(then: Reading, now: Reading, said: str) -> None:
    replay = Replay((Compared(then, now),), ())
    assert (_comparison(replay), replay.exit_status) == (said, 3)


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
