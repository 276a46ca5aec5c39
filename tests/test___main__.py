"""`python -m rnnconv_cli` as its own process: signals, and folders that cannot be written to."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
HANG = 120.0  # seconds; only a hang takes as long
PROMISED = 2.0  # seconds from a signal to the end
POLL = 0.02  # seconds
SOURCE = {"statement": "(0.0)"}
ABOUT = {"schema": 1, "id": "made-up", "title": "Made up", "source": SOURCE, "statement": "A statement."}
CHECK: Mapping[str, Any] = {
    "id": "norm",
    "statement": "A statement.",
    "source": SOURCE,
    "quantity": "hidden-norm-upper",
    "problem": {"width": 64, "horizon": 4, "n_sequences": 1},
    "sweep": {"quick": {"replicates": 36}, "full": {"replicates": 36}},
    "prediction": {"kind": "event", "bound": 1.0, "probability": 0.9, "reason": "made up"},
    "control": {"description": "variance 64/m", "change": {"problem": {"weight_variance": 64.0}}},
}
ENDLESS: Mapping[str, Any] = {  # hours of work in trials of minutes
    **CHECK,
    "quantity": "movement",
    "problem": {"width": 512, "horizon": 6, "n_sequences": 2},
    "training": {"learning_rate": 1e-9, "max_steps": 1_000_000, "accuracy": 1e-12},
}


def _claim_file(folder: Path, check: Mapping[str, Any]) -> Path:
    path = folder / "claim.yaml"
    path.write_text(json.dumps({**ABOUT, "checks": [check]}), encoding="utf-8")
    return path


def _command(path: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "rnnconv_cli", "verify", str(path), *options]


# --- signals ----------------------------------------------------------------------------------------------------------


@contextmanager
def _at_work(path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A run that has started its workers, in a process group of its own, and the workers' process ids."""
    command = _command(path, "--jobs", "2")
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process, _workers(process)
    finally:
        process.kill()
        process.communicate(timeout=HANG)


def _workers(process: subprocess.Popen[str]) -> list[int]:
    """Wait until the run has both its workers."""
    for _ in range(int(HANG / POLL)):
        servers = [child for child in _children(process.pid) if b"forkserver" in _proc(child, "cmdline")]
        found = [worker for server in servers for worker in _children(server)]
        if len(found) == 2:
            return found
        try:
            process.wait(timeout=POLL)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(f"no workers; exit status {process.returncode}")


def _children(parent: int) -> list[int]:
    everyone = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [each for each in everyone if _proc(each, "stat").rpartition(b")")[2].split()[1:2] == [b"%d" % parent]]


def _proc(process: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:  # it has just ended
        return b""


def _ends(process: int, seconds: float) -> bool:
    """Whether a process, not necessarily a child of ours, ends within this time."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], seconds)[0])
    finally:
        os.close(handle)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
@pytest.mark.parametrize("to_group", [True, False], ids=["terminal", "process"])
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_the_run_and_its_workers(
    number: signal.Signals, status: int, word: str, to_group: bool, tmp_path: Path
) -> None:
    """Ctrl-C reaches every process of a terminal, `kill` one; no traceback, neither from the run nor from a worker."""
    with _at_work(_claim_file(tmp_path, ENDLESS)) as (process, workers):
        (os.killpg if to_group else os.kill)(process.pid, number)
        out, err = process.communicate(timeout=10 * PROMISED)  # what a busy machine may add
        assert (process.returncode, out) == (status, "")
        store = os.environ["RNNCONV_STORE"]
        kept = f"rnnconv: finished trials are kept in {store}: the same command goes on from there"
        predicted, *rest = (line for line in err.splitlines() if not line.startswith("compiling"))  # on a busy machine
        assert predicted.startswith("predicted: ")
        assert rest == [kept, f"rnnconv: {word}; no result was written"]
        assert [worker for worker in workers if not _ends(worker, PROMISED)] == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_workers_do_not_outlive_a_run_that_was_killed(tmp_path: Path) -> None:
    with _at_work(_claim_file(tmp_path, ENDLESS)) as (process, workers):
        process.kill()
        process.communicate(timeout=10 * PROMISED)
        assert [worker for worker in workers if not _ends(worker, 10 * PROMISED)] == []


def test_an_interrupt_of_text_that_was_executed_keeps_the_exit_status(tmp_path: Path) -> None:
    """Python notes it, however it was served, and would end by a signal."""
    (tmp_path / "sitecustomize.py").write_text(
        "from rnnconv_cli.cli import main\n"
        "def interrupted():\n"
        "    try:\n        exec('raise KeyboardInterrupt')\n    except KeyboardInterrupt:\n        return 130\n"
        "main.main = interrupted\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-m", "rnnconv_cli"], env=environment, check=False)
    assert done.returncode == 130


def test_an_interrupt_of_the_imports_ends_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "rnnconv_cli", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_signal_before_anything_is_measured(tmp_path: Path) -> None:
    """While the kernels are imported or compiled, LLVM may swallow an interrupt; it comes again, a second later."""
    command = _command(_claim_file(tmp_path, ENDLESS), "--jobs", "1")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(int(HANG / POLL)):
            if b"numba" in _proc(process.pid, "maps"):
                break
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(timeout=POLL)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10 * PROMISED)
        assert (process.returncode, out) == (130, "")
        *before, last = err.splitlines()
        assert last == "rnnconv: interrupted; no result was written"
        assert all(line.startswith(("predicted: ", "rnnconv: finished trials are kept in ")) for line in before)
    finally:
        process.kill()
        process.communicate(timeout=HANG)


# --- folders ----------------------------------------------------------------------------------------------------------


def _verified(path: Path, folder: Path, environment: Mapping[str, str]) -> None:
    inherited = {key: value for key, value in os.environ.items() if key not in environment}
    done = subprocess.run(
        _command(path, "--format", "json", "--jobs", "1", "--quiet"),
        cwd=folder,
        env={**inherited, **{key: value for key, value in environment.items() if value}},
        capture_output=True,
        text=True,
        timeout=5 * HANG,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert [claim["verdict"] for claim in document["claims"]] == ["within"]


NOWHERE = "/dev/null/nowhere"  # not even root can make a folder there


@pytest.mark.slow
@pytest.mark.parametrize("home", [NOWHERE, ""], ids=["unwritable", "absent"])
def test_without_a_home_or_a_cache(home: str, tmp_path: Path) -> None:
    """Everything is compiled afresh, into a temporary folder that is gone afterwards."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        "HOME": home, "XDG_CACHE_HOME": NOWHERE, "NUMBA_CACHE_DIR": "", "TMPDIR": str(temporary),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    _verified(_claim_file(tmp_path, CHECK), tmp_path, environment)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_a_package_folder_that_is_read_only(tmp_path: Path) -> None:
    package = tmp_path / "site" / "rnnconv_cli"
    shutil.copytree(ROOT / "rnnconv_cli", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "claims", package / "_claims")
    everything = sorted(package.rglob("*"))
    for path in (*everything, package):
        path.chmod(path.stat().st_mode & 0o555)
    try:
        environment = {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        _verified(_claim_file(tmp_path, CHECK), tmp_path, environment)
        assert sorted(package.rglob("*")) == everything  # root may write where nobody may: it must not want to
    finally:
        for path in (package, *everything):
            path.chmod(path.stat().st_mode | 0o200)
