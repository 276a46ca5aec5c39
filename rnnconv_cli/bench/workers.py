"""The worker processes of a run."""

from __future__ import annotations

import contextlib

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.errors import MeasurementError


class Workers:
    """A living process for each contestant and number of cores, started when it is first needed."""

    def __init__(self) -> None:
        self._living: dict[tuple[str, int], Worker] = {}

    def of(self, contestant: str, cores: int) -> Worker:
        """The worker; a new one where the last has died."""
        key = contestant, cores
        found = self._living.get(key)
        if found is None or not found.is_alive:
            if found is not None:
                found.close()
            found = self._living[key] = Worker(contestant, cores)
        return found

    def release(self, contestant: str, case: Case) -> None:
        """Let a worker that still lives forget a case."""
        found = self._living.get((contestant, case.cores))
        if found is not None and found.is_alive:
            with contextlib.suppress(MeasurementError):
                found.release(case)

    def close(self) -> None:
        """End all processes."""
        for worker in self._living.values():
            worker.close()
