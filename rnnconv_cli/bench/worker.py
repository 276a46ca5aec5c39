"""A process of one contestant on some cores: it stays alive, holds cases ready and times them when asked.

Nothing here may import an array library: in the new process, cores and numbers of threads must be set before.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.cores import keep_to
from rnnconv_cli.bench.messages import Accuracy, Failure, Measure, Prepare, Release, Request, Timing
from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.sweep.spawning import THREAD_VARIABLES, thread_variables

ANSWER_SECONDS = 600.0  # after which a process is taken to hang; the largest case takes a tenth of it
LATE_SECONDS = 30.0  # after the end of the run: an answer that was expected in time is waited for so much longer
ENDING_SECONDS = 5.0  # after which a process that was told to end is killed

Answer = TypeVar("Answer")


class Worker:
    """The parent's end of a worker process; it is not waited for long after the end of the run, by time.monotonic."""

    def __init__(self, contestant: str, cores: int, end: float = math.inf) -> None:
        self._name, self._end = contestant, end
        self._owes_answer = False
        self.has_hung = False
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, contestant, cores), name=contestant, daemon=True)
        with thread_variables(cores, (*THREAD_VARIABLES, "NPROC")):
            self._process.start()
        theirs.close()

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked: it lives, and owes no answer to a question that an interrupt has cut off."""
        return self._process.is_alive() and not self._owes_answer

    def prepare(self, case: Case, seed: int, expected: Path | None) -> Accuracy:
        """Make a case ready and return its errors. Raises MeasurementError."""
        return self._ask(Prepare(case, seed, expected), Accuracy)

    def measure(self, case: Case, seconds: float) -> Timing:
        """Time a case that is ready. Raises MeasurementError."""
        return self._ask(Measure(case, seconds), Timing)

    def release(self, case: Case) -> None:
        """Give a case's memory back. Raises MeasurementError."""
        self._ask(Release(case), type(None))

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.terminate()
        self._process.join(ENDING_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, request: Request, kind: type[Answer]) -> Answer:
        patience = min(ANSWER_SECONDS, max(0.0, self._end - time.monotonic()) + LATE_SECONDS)
        self._owes_answer = True
        try:
            self._connection.send(request)
            if not self._connection.poll(patience):
                self.has_hung = True
                self._process.kill()
                raise MeasurementError(self._name, f"gave no answer within {patience:.0f} s")
            answer = self._connection.recv()
            self._owes_answer = False
        except (EOFError, OSError) as error:
            self._process.join(ENDING_SECONDS)
            raise MeasurementError(self._name, f"its process died (exit status {self._process.exitcode})") from error
        if isinstance(answer, Failure):
            raise MeasurementError(self._name, answer.words)
        if not isinstance(answer, kind):
            raise TypeError(f"{request} was answered by {answer}")
        return answer


def serve(connection: Connection, contestant: str, cores: int) -> None:
    """Answer requests until the other end is closed; what goes wrong is an answer too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    keep_to(cores)
    from rnnconv_cli.bench.timer import Timer

    timer = Timer(contestant)
    with contextlib.suppress(EOFError, OSError):  # the other end is closed
        while True:
            request = connection.recv()
            answer: Accuracy | Timing | Failure | None
            try:
                answer = timer.answer(request)
            except Exception as error:  # a contestant's library may fail in any way, and the others go on
                answer = Failure(f"{type(error).__name__}: {error}")
            connection.send(answer)
