"""How processes start, and what they inherit. No array library is imported here: it would read it too early.

Workers are forked from a server: a process of one thread that has imported what they need and has computed nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker

from rnnconv_cli.errors import EngineError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

WORKERS = multiprocessing.get_context("forkserver")
IMPORTS = ("rnnconv_cli.sweep.execute", "scipy.linalg.cython_blas")  # of every worker


def start_server(*modules: str) -> None:
    """Start the process that workers are forked from, if there is none: it goes on to import what they will need.

    That is what every worker needs, and these modules. Libraries have one thread in it and in workers, and neither sees
    Ctrl-C. Raises EngineError where the temporary folder has no room for its socket.
    """
    importlib.import_module("rnnconv_cli.kernels")  # names the folder of compiled code, which the server inherits
    with interrupts_kept(), thread_variables(1):
        forkserver.set_forkserver_preload([*IMPORTS, *modules])
        try:
            forkserver.ensure_running()
        except OSError as error:  # a socket's name has 107 bytes at most
            problem = f"workers cannot start from the temporary folder {tempfile.gettempdir()} ({error})"
            raise EngineError("process", problem, "name a short folder in TMPDIR, or take --executor thread") from error


@contextlib.contextmanager
def interrupts_kept() -> Iterator[None]:
    """Serve Ctrl-C after the block: processes and threads that start in it never see one."""
    resource_tracker.ensure_running()  # whoever needs it starts it, and that unblocks signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def thread_variables(count: int, names: tuple[str, ...] = THREAD_VARIABLES) -> Iterator[None]:
    """Give processes that start in the block so many threads: their libraries read these variables when imported."""
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, str(count)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
