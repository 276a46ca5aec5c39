"""What workers inherit from the server that they are forked from. Each case is a program, which has its own server."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from rnnconv_cli.sweep.spawning import THREAD_VARIABLES, WORKERS, start_server

def seen():
    blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    variables = {os.environ.get(name) for name in THREAD_VARIABLES}
    return "fractions" in sys.modules, blocked, *variables, os.environ.get("NUMBA_CACHE_DIR")

if __name__ == "__main__":
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    start_server("fractions")
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
    assert os.environ["OMP_NUM_THREADS"] == "4" and "fractions" not in sys.modules
    with ProcessPoolExecutor(1, WORKERS) as pool:
        print(*pool.submit(seen).result(), os.environ["NUMBA_CACHE_DIR"])
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder with a name that is short enough for a socket in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def ended(program: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The program, written to a folder and run with these variables."""
    path = folder / "program.py"
    path.write_text(program, encoding="utf-8")
    places = {"XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": "", "PYTHONPATH": str(ROOT), **variables}
    return subprocess.run(
        [sys.executable, str(path)], env={**os.environ, **places}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("home", ["a folder", "nowhere"])
def test_workers_inherit_modules_one_thread_no_interrupts_and_the_folder_of_compiled_code(
    home: str, tmp_path: Path, temporary: Path
) -> None:
    """The folder also where it is a temporary one, which only the run itself may choose."""
    place = str(tmp_path) if home == "a folder" else ""
    done = ended(PROGRAM, tmp_path, HOME=place, TMPDIR=str(temporary), OMP_NUM_THREADS="4")
    assert (done.returncode, done.stderr) == (0, "")
    imported, blocked, threads, folder, chosen = done.stdout.split()
    assert (imported, blocked, threads, folder) == ("True", "True", "1", chosen)
    assert list(temporary.iterdir()) == []


def test_a_temporary_folder_with_too_long_a_name_is_said(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    program = """
from rnnconv_cli.errors import EngineError
from rnnconv_cli.sweep.spawning import start_server
try:
    start_server()
except EngineError as error:
    print(error)
"""
    done = ended(program, tmp_path, TMPDIR=str(long))
    assert done.stdout == (
        f"executor process: workers cannot start from the temporary folder {long} (AF_UNIX path too long); "
        "name a short folder in TMPDIR, or take --executor thread\n"
    )
