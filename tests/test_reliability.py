"""Runs as processes of their own that are killed, or that share a store: nothing is lost, nothing is there twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.sweep.store import Store

ROOT = Path(__file__).resolve().parent.parent
HANG = 300.0  # seconds; only a hang takes as long
SOURCE = {"statement": "(0.0)"}
ABOUT = {"schema": 1, "id": "made-up", "title": "Made up", "source": SOURCE, "statement": "A statement."}
WORK: Mapping[str, Any] = {  # half a minute of it on one core, in many trials
    **ABOUT,
    "checks": [
        {
            "id": "norm",
            "statement": "A statement.",
            "source": SOURCE,
            "quantity": "hidden-norm-upper",
            "problem": {"width": 768, "horizon": 24, "n_sequences": 8},
            "sweep": {"quick": {"replicates": 600}, "full": {"replicates": 600}},
            "prediction": {"kind": "event", "bound": 1.3, "probability": 0.9},
            "control": {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}},
        },
    ],
}
N_TRIALS = 1200


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    path = tmp_path / "claim.yaml"
    path.write_text(json.dumps(WORK), encoding="utf-8")
    store = tmp_path / "kept.sqlite"
    return [sys.executable, "-m", "rnnconv_cli", "verify", str(path), "--jobs", "2", "--quiet", "--store", str(store)]


def started(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    """A run in a process group of its own, which writes its document to a file."""
    words = [*command, "--output", f"json={output}"]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def assert_ends(run: subprocess.Popen[bytes]) -> None:
    """The run ends by itself, with verdicts as expected and nothing to complain of."""
    _, err = run.communicate(timeout=HANG)
    assert (run.returncode, err) == (0, b"")


def document(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is the same in two runs of one seed, and the environment."""
    found = json.loads(path.read_text(encoding="utf-8"))
    environment = found.pop("environment")
    del found["timing"]
    return found, environment


def undisturbed(command: list[str], output: Path) -> dict[str, Any]:
    words = [word for word in command if word != "--store"][:-1]
    assert_ends(started([*words, "--no-store"], output))
    return document(output)[0]


def assert_sound(store: Path) -> None:
    """Everything is stored once, and is what was written."""
    with closing(Store(store)) as opened:
        assert opened.damage() == (N_TRIALS, ())
        assert set(Counter(each.key for each in opened.kept()).values()) == {1}


@pytest.mark.slow
def test_twenty_kills_change_nothing(command: list[str], tmp_path: Path) -> None:
    """SIGKILL, SIGTERM and Ctrl-C at random moments, of the run alone or with its workers."""
    chance = random.Random(0)
    expected = undisturbed(command, tmp_path / "undisturbed.json")
    measured = []
    for _ in range(20):
        process = started(command, tmp_path / "killed.json")
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0.3, 3.0))
        number = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        with contextlib.suppress(ProcessLookupError):
            chance.choice((os.kill, os.killpg))(process.pid, number)
        process.communicate(timeout=HANG)
        if (tmp_path / "kept.sqlite").exists():
            with closing(Store(tmp_path / "kept.sqlite")) as opened:
                measured.append(sum(each.trials for each in opened.shelves()))
    assert measured == sorted(measured)
    assert len(set(measured)) > 3  # some were killed in the middle
    process = started(command, tmp_path / "ended.json")
    assert_ends(process)
    found, environment = document(tmp_path / "ended.json")
    assert found == expected
    assert environment["trials_found"] == measured[-1]
    assert_sound(tmp_path / "kept.sqlite")


@pytest.mark.slow
def test_a_killed_worker_costs_nothing(command: list[str], tmp_path: Path) -> None:
    expected = undisturbed(command, tmp_path / "undisturbed.json")
    process = started(command, tmp_path / "ended.json")
    killed = 0
    while process.poll() is None and killed < 5:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.4)
        workers = workers_of(process.pid)
        if len(workers) == 2:  # one alone has its trials' second chance
            os.kill(workers[0], signal.SIGKILL)
            killed += 1
    assert killed > 0
    assert_ends(process)
    assert document(tmp_path / "ended.json")[0] == expected
    assert_sound(tmp_path / "kept.sqlite")


@pytest.mark.slow
def test_two_runs_share_a_store(command: list[str], tmp_path: Path) -> None:
    runs = [started(command, tmp_path / f"{name}.json") for name in "ab"]
    for each in runs:
        assert_ends(each)
    one, other = (document(tmp_path / f"{name}.json")[0] for name in "ab")
    assert one == other == undisturbed(command, tmp_path / "undisturbed.json")
    assert_sound(tmp_path / "kept.sqlite")


def workers_of(run: int) -> list[int]:
    """The worker processes of a run: the children of the server that it has started."""
    servers = [child for child in children(run) if b"forkserver" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return [worker for server in servers for worker in children(server)]


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_bytes().rpartition(b")")[2].split()[1:2] == [b"%d" % parent]:
                found.append(int(path.parent.name))
    return found
