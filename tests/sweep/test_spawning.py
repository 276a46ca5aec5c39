"""What workers inherit from the server that they are forked from. Each case is a program, which has its own server."""

from __future__ import annotations

import os
import subprocess
import sys
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


@pytest.mark.parametrize("home", ["a folder", "nowhere"])
def test_workers_inherit_modules_one_thread_no_interrupts_and_the_folder_of_compiled_code(
    home: str, tmp_path: Path
) -> None:
    """The folder also where it is a temporary one, which only the run itself may choose."""
    temporary, program = tmp_path / "temporary", tmp_path / "program.py"
    temporary.mkdir()
    program.write_text(PROGRAM, encoding="utf-8")
    places = {
        "HOME": str(tmp_path) if home == "a folder" else "", "XDG_CACHE_HOME": "", "NUMBA_CACHE_DIR": "",
        "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "4",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, str(program)], env={**os.environ, **places}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    imported, blocked, threads, folder, chosen = done.stdout.split()
    assert (imported, blocked, threads, folder) == ("True", "True", "1", chosen)
    assert list(temporary.iterdir()) == []
