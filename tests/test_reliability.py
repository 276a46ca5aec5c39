"""Runs as processes of their own that are killed, or that share a store: nothing is lost, nothing is there twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rnnconv_cli.sweep.store import Store

if TYPE_CHECKING:
    from tests.conftest import DaskStart

ROOT = Path(__file__).resolve().parent.parent
HANG = 600.0  # seconds; only a hang takes as long
SOURCE = {"statement": "(0.0)"}
ABOUT = {"schema": 1, "id": "made-up", "title": "Made up", "source": SOURCE, "statement": "A statement."}
N_DRAWS = 600
N_KILLS = 100


def work(draws: int) -> Mapping[str, Any]:
    """A claim of two trials for each draw, of which one takes about a fortieth of a second."""
    check = {
        "id": "norm",
        "statement": "A statement.",
        "source": SOURCE,
        "quantity": "hidden-norm-upper",
        "problem": {"width": 768, "horizon": 24, "n_sequences": 8},
        "sweep": {"quick": {"replicates": draws}, "full": {"replicates": draws}},
        "prediction": {"kind": "event", "bound": 1.3, "probability": 0.9, "reason": "made up"},
        "control": {"description": "variance 4/m", "change": {"problem": {"weight_variance": 4.0}}},
    }
    return {**ABOUT, "checks": [check]}


def verify(folder: Path, draws: int) -> list[str]:
    """The command that measures so many draws, with a store beside its claim."""
    path = folder / "claim.yaml"
    path.write_text(json.dumps(work(draws)), encoding="utf-8")
    words = [sys.executable, "-m", "rnnconv_cli", "verify", str(path), "--jobs", "2", "--quiet"]
    return [*words, "--store", str(folder / "kept.sqlite")]


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    return verify(tmp_path, N_DRAWS)


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


def n_kept(store: Path) -> int:
    if not store.exists():
        return 0
    with closing(Store(store)) as opened:
        return sum(each.trials for each in opened.shelves())


def assert_sound(store: Path, draws: int = N_DRAWS) -> None:
    """Everything is stored once, and is what was written."""
    with closing(Store(store)) as opened:
        assert opened.damage() == (2 * draws, ())
        assert set(Counter(each.key for each in opened.kept()).values()) == {1}


@pytest.mark.slow
def test_twenty_kills_change_nothing(command: list[str], tmp_path: Path) -> None:
    """SIGKILL, SIGTERM and Ctrl-C at random moments, of the run alone or with its workers."""
    chance = random.Random(0)
    expected = undisturbed(command, tmp_path / "undisturbed.json")
    measured = [0]
    for kill in range(20):
        process = started(command, tmp_path / "killed.json")
        if kill % 3 == 0:
            time.sleep(chance.uniform(0.0, 2.0))
        else:
            wait_for_more_than(measured[-1] + chance.randrange(40), tmp_path / "kept.sqlite", process)
        number = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        with contextlib.suppress(ProcessLookupError):
            chance.choice((os.kill, os.killpg))(process.pid, number)
        process.communicate(timeout=HANG)
        measured.append(n_kept(tmp_path / "kept.sqlite"))
    assert measured == sorted(measured)
    assert len(set(measured)) > 10  # so many were killed in the middle
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


class DaskWorkers:
    """Two workers; one that is killed has a successor."""

    def __init__(self, dask_start: DaskStart) -> None:
        self._start = dask_start
        self._alive = [self._begin(), self._begin()]

    def kill(self, chance: random.Random) -> None:
        worker = self._alive.pop(chance.randrange(2))
        worker.kill()
        worker.wait(HANG)
        self._alive.append(self._begin())

    def _begin(self) -> subprocess.Popen[bytes]:
        return self._start("worker", "--nthreads", "1", "--no-nanny")


def wait_for_more_than(count: int, store: Path, run: subprocess.Popen[bytes]) -> None:
    """Wait until a run has kept a trial, or is at its end."""
    while run.poll() is None and n_kept(store) <= count:
        time.sleep(0.05)


@pytest.mark.slow
def test_a_hundred_kills_change_nothing(tmp_path: Path, dask_address: str, dask_start: DaskStart) -> None:
    """SIGKILL of drivers, workers and Dask workers, in runs over one store that use either engine."""
    command, store = verify(tmp_path, 10 * N_DRAWS), tmp_path / "kept.sqlite"
    expected = undisturbed(command, tmp_path / "undisturbed.json")
    chance, kills, kept = random.Random(0), Counter[str](), [0]
    dask_workers = DaskWorkers(dask_start)
    while kills.total() < N_KILLS:
        on_dask = chance.random() < 0.5
        executor = f"dask:{dask_address}" if on_dask else "process"
        run = started([*command, "--executor", executor], tmp_path / "killed.json")
        wait_for_more_than(kept[-1], store, run)
        for _ in range(chance.randint(1, 3)):
            time.sleep(chance.uniform(0.0, 0.5))
            workers = workers_of(run.pid)
            if on_dask and run.poll() is None:
                dask_workers.kill(chance)
                kills["Dask worker"] += 1
            elif workers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    kills["worker"] += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(chance.uniform(0.0, 1.0))
        kills["driver"] += run.poll() is None
        run.kill()
        run.communicate(timeout=HANG)
        kept.append(n_kept(store))
    assert min(kills[kind] for kind in ("driver", "worker", "Dask worker")) >= N_KILLS // 5
    assert kept == sorted(kept)
    assert len(set(kept)) > N_KILLS // 5  # so many were killed in the middle
    for executor in ("process", f"dask:{dask_address}"):
        assert_ends(started([*command, "--executor", executor], tmp_path / "ended.json"))
        assert document(tmp_path / "ended.json")[0] == expected
    assert_sound(store, 10 * N_DRAWS)


def workers_of(run: int) -> list[int]:
    """The worker processes of a run: the children of the server that it has started."""
    servers = [child for child in children(run) if b"forkserver" in command_line(child)]
    return [worker for server in servers for worker in children(server)]


def command_line(process: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def children(parent: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if path.read_bytes().rpartition(b")")[2].split()[1:2] == [b"%d" % parent]:
                found.append(int(path.parent.name))
    return found
