"""The cores that a bench keeps its processes on: one of each physical core, where the system says which are one.

No array library is imported here: a worker chooses its cores before it reads how many threads there may be.
"""

from __future__ import annotations

import os
from pathlib import Path

SYSTEM = Path("/sys/devices/system/cpu")


def can_pin() -> bool:
    """Whether this system lets a process choose its cores."""
    return hasattr(os, "sched_setaffinity")


def physical_cores(system: Path = SYSTEM) -> list[int]:
    """One processor number of each physical core that this process may use, the lowest; siblings share a core."""
    usable = sorted(os.sched_getaffinity(0)) if can_pin() else list(range(os.cpu_count() or 1))
    found: dict[str, int] = {}
    for number in usable:
        found.setdefault(_siblings(system / f"cpu{number}" / "topology" / "thread_siblings_list", number), number)
    return list(found.values())


def keep_to(count: int) -> None:
    """Keep this process to the first so many physical cores, where the system allows it."""
    if can_pin():
        os.sched_setaffinity(0, physical_cores()[:count])


def _siblings(path: Path, number: int) -> str:
    """The processors that share a physical core with one, as the system writes them; where it does not, the one."""
    try:
        return path.read_text(encoding="ascii").strip() or str(number)
    except (OSError, ValueError):
        return str(number)
