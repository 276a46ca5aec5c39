"""Trials carried out by Dask: a scheduler and workers on this machine, or on as many as there are."""

from __future__ import annotations

import contextlib
import logging
import math
import re
import time
from collections.abc import Iterator
from concurrent.futures import Future

from distributed import Client, KilledWorker, LocalCluster

from rnnconv_cli.errors import EngineError
from rnnconv_cli.sweep.engines import Room, Submit
from rnnconv_cli.sweep.spawning import interrupts_kept
from rnnconv_cli.sweep.worker import SAME, Done, Program, Task, elsewhere, program, unlike

ANSWER_SECONDS = 10.0  # for a scheduler to answer
WORKER_SECONDS = 120.0  # for its first worker
COUNT_SECONDS = 1.0  # for which a count of the workers is believed

ADDRESS = re.compile(r"((tcp|tls)://)?[^\s/:]+(:\d+)", re.ASCII)


def is_address(text: str) -> bool:
    """Whether a scheduler could have this address."""
    return ADDRESS.fullmatch(text) is not None


class OnDask:
    """Dask workers: those of a scheduler at an address, or of a cluster on this machine that ends with the run."""

    is_own = False
    lost: tuple[type[BaseException], ...] = (KilledWorker,)

    def __init__(self, address: str, jobs: int, driver: Program) -> None:
        """Connect. Raises EngineError where no scheduler answers, none of its workers, or one that is not like us."""
        self.name, self._driver = f"dask:{address}" if address else "dask", driver
        self._counted, self._count = -math.inf, 1
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is lost is said once, by us
        with contextlib.ExitStack() as begun:
            try:
                n_workers = 1 if address else jobs
                if not address:
                    with interrupts_kept():
                        address = begun.enter_context(_cluster_here(jobs)).scheduler_address
                self._client = begun.enter_context(Client(address, timeout=ANSWER_SECONDS, set_as_default=False))
                self._client.wait_for_workers(n_workers, timeout=WORKER_SECONDS)
            except Exception as error:  # of the system, of an address, of certificates, of whatever Dask is made of
                problem = f"no scheduler with a worker answers ({type(error).__name__}: {error})"
                raise EngineError(self.name, problem, "start `dask scheduler` and `dask worker`") from error
            self.programs = self._alike()
            self._begun = begun.pop_all()

    def workers(self) -> int:
        """Return how many threads the workers have; one at least, as others may join."""
        if time.monotonic() - self._counted > COUNT_SECONDS:
            with self._connected():
                self._counted, self._count = time.monotonic(), max(1, sum(self._client.nthreads().values()))
        return self._count

    def room(self) -> Room:
        """Return what a thread may take of its worker's memory where it is least; no two trials share it."""
        with self._connected():
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        shares = [worker["memory_limit"] // worker["nthreads"] for worker in workers if worker["memory_limit"]]
        return Room(min(shares, default=math.inf), math.inf)

    @contextlib.contextmanager
    def pool(self, workers: int) -> Iterator[Submit]:
        """Take tasks in the block; what has not begun when an error comes out of it is taken back."""
        executor = self._client.get_executor(pure=False)

        def submit(task: Task) -> Future[Done]:
            with self._connected():
                return executor.submit(elsewhere, task, self._driver)

        try:
            yield submit
        finally:
            executor.shutdown(wait=False)

    def close(self) -> None:
        """Let go of the scheduler; end the cluster that has begun here."""
        self._begun.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:  # a closed connection, or a client that has given up
            problem = f"its scheduler is gone ({type(error).__name__}: {error})"
            raise EngineError(self.name, problem, "start one; the same command goes on") from error

    def _alike(self) -> tuple[Program, ...]:
        answers = self._client.run(program, self._driver.backend, on_error="return")
        for worker, answer in answers.items():
            if not isinstance(answer, Program):
                problem = f"the worker {worker} could not say what it measures with ({answer})"
                raise EngineError(self.name, problem, "see that rnnconv is installed there")
            if differing := unlike(self._driver, answer):
                raise EngineError(self.name, f"the worker {worker} is not like this process: {differing}", SAME)
        return tuple({answer: None for answer in answers.values() if isinstance(answer, Program)})


def _cluster_here(jobs: int) -> LocalCluster:
    """A scheduler and workers of this machine. Its pages, which cannot be left out, are at a free port of it alone."""
    here = "127.0.0.1"
    return LocalCluster(
        n_workers=jobs,
        threads_per_worker=1,
        host=here,
        dashboard_address=f"{here}:0",
        worker_dashboard_address=f"{here}:0",
        silence_logs=logging.ERROR,
    )
