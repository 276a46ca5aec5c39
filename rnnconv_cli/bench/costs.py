"""How long a case will take, from its operations and from those before it: none begins that will not end in time."""

from __future__ import annotations

import math
from dataclasses import dataclass

SPEED = 2e10  # operations per second and core that everybody is expected to reach while nothing is known
CALLS = 4  # of each contestant: the one that is compared, and the fewest rounds
START_SECONDS, TURN_SECONDS = 2.0, 0.2  # of a contestant in its first case on so many cores, and in every other
TELLING_SECONDS = 10.0  # of a case that says how fast operations are: shorter ones mostly wait
MARGIN = 1.5  # by which what was learnt is exceeded


@dataclass(frozen=True, slots=True)
class Seen:
    """A case that has taken long: its cores, its operations times its contestants, and its seconds."""

    cores: int
    operations: float
    seconds: float


class Costs:
    """What has been seen until now."""

    def __init__(self) -> None:
        self._started: set[int] = set()
        self._seen: list[Seen] = []

    def expected(self, cores: int, operations: float, contestants: int) -> float:
        """Seconds that contestants need, with the fewest rounds, for so many operations of all of them together.

        The seen case nearest in operations, on the same cores if there is one, says how long an operation takes.
        """
        waiting = contestants * (TURN_SECONDS if cores in self._started else START_SECONDS)
        if not self._seen:
            return waiting + CALLS * operations / (SPEED * cores)
        nearest = min(self._seen, key=lambda seen: (seen.cores != cores, abs(math.log(seen.operations / operations))))
        return waiting + MARGIN * operations * nearest.seconds / nearest.operations

    def learn(self, cores: int, operations: float, seconds: float) -> None:
        """Take into account what the fewest rounds have taken."""
        self._started.add(cores)
        if seconds >= TELLING_SECONDS:
            self._seen.append(Seen(cores, operations, seconds))
