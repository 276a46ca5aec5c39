"""The worker processes of a run."""

from __future__ import annotations

import contextlib
import math

from rnnconv_cli.bench.cases import Case
from rnnconv_cli.bench.worker import Worker
from rnnconv_cli.errors import MeasurementError


class Workers:
    """A living process for each contestant and number of cores, started when it is first needed, until a time."""

    def __init__(self, end: float = math.inf) -> None:
        self._end = end
        self._living: dict[tuple[str, int], Worker] = {}

    def of(self, contestant: str, cores: int) -> Worker:
        """The worker; a new one where the last cannot be asked. Raises MeasurementError for a contestant that hung."""
        if contestant in self.hung:
            raise MeasurementError(contestant, "gave no answer before")
        key = contestant, cores
        found = self._living.get(key)
        if found is None or not found.is_ready:
            if found is not None:
                found.close()
            found = self._living[key] = Worker(contestant, cores, self._end)
        return found

    @property
    def hung(self) -> frozenset[str]:
        """The contestants that gave no answer, on any number of cores: whoever did once is not asked again."""
        return frozenset(contestant for (contestant, _), worker in self._living.items() if worker.has_hung)

    def release(self, contestant: str, case: Case) -> None:
        """Let a worker that can be asked forget a case."""
        found = self._living.get((contestant, case.cores))
        if found is not None and found.is_ready:
            with contextlib.suppress(MeasurementError):
                found.release(case)

    def close(self) -> None:
        """End all processes."""
        for worker in self._living.values():
            worker.close()
