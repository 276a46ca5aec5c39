"""What this process may use of its machine, and what that machine is: cores, memory, versions, processor, BLAS."""

from __future__ import annotations

import contextlib
import datetime
import gc
import importlib
import math
import os
import platform
import resource
import shlex
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from llvmlite import binding
from threadpoolctl import threadpool_info, threadpool_limits

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.kernels.cache import fingerprint
from rnnconv_cli.records import Environment

Fact = tuple[str, str | int | float | bool | None]

LIBRARIES = ("numpy", "numba", "llvmlite", "scipy")
VARIABLES = (  # each may change speed or last bits
    "MKL_NUM_THREADS",
    "NUMBA_CPU_NAME",
    "NUMBA_DISABLE_JIT",
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
)
RARE = (50_000, 20, 100)  # new objects to a look for garbage, looks to a wider one; Python's own are (700, 10, 10)
UNLIMITED = 2**60  # bytes; control groups of version 1 write a huge number where there is no limit
PACKAGE = Path(__file__).resolve().parent.parent


# --- what may be used -------------------------------------------------------------------------------------------------


def usable_cores(root: Path = Path("/")) -> int:
    """Number of cores that this process may keep busy: its affinity, cut to the CPU quota of its control groups."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *map(math.floor, _cpu_quotas(root))]))


def usable_memory(root: Path = Path("/")) -> int:
    """Bytes that this process may still take: the least of free memory, control groups' room and resource limits."""
    meminfo = _numbers(root / "proc/meminfo")
    rooms = [*_memory_rooms(root), *_limit_rooms(root)]
    if "MemAvailable:" in meminfo:
        rooms.append(meminfo["MemAvailable:"] * 1024)
    else:
        rooms.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return max(0, min(rooms))


def _cpu_quotas(root: Path) -> Iterator[float]:
    for group in _control_groups(root, "cpu"):
        quota, _, period = _text(group / "cpu.max").partition(" ")
        quota = quota or _text(group / "cpu.cfs_quota_us")
        period = period or _text(group / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():  # "max" and -1 stand for no quota
            yield int(quota) / int(period)


def _memory_rooms(root: Path) -> Iterator[int]:
    names = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
    for group in _control_groups(root, "memory"):
        statistics = _numbers(group / "memory.stat")
        reclaimable = statistics.get("total_inactive_file", statistics.get("inactive_file", 0))
        for limit_name, used_name in names:
            limit, used = _text(group / limit_name), _text(group / used_name)
            if limit.isdigit() and used.isdigit() and int(limit) < UNLIMITED:
                yield int(limit) - int(used) + reclaimable


def _limit_rooms(root: Path) -> Iterator[int]:
    pages = _text(root / "proc/self/statm").split()
    for kind, column in ((resource.RLIMIT_AS, 0), (resource.RLIMIT_DATA, 5)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY:
            used = int(pages[column]) * resource.getpagesize() if len(pages) > column else 0
            yield limit - used


def _control_groups(root: Path, controller: str) -> Iterator[Path]:
    """Folders of this process's control groups, of both versions, from its own up to the root of the hierarchy."""
    mount = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        base = mount / controller if controllers else mount
        inner = base / path.lstrip("/")  # in a container it may name a folder of the host: then only the root is there
        yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(base) and folder.is_dir())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _numbers(path: Path) -> dict[str, int]:
    words = (line.split() for line in _text(path).splitlines())
    return {word[0]: int(word[1]) for word in words if len(word) > 1 and word[1].isdigit()}


# --- what it is -------------------------------------------------------------------------------------------------------


def environment_facts(backend: str, command: tuple[str, ...], jobs: int) -> Environment:
    """Everything that may differ between two runs of one seed, as named facts in a fixed order.

    To be collected before measuring: variables and numbers of threads are those at rest, as the run found them.
    """
    facts: list[Fact] = [
        ("date", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")),
        ("command", shlex.join(command)),
        ("backend", backend),
        ("jobs", jobs),
        ("commit", commit(PACKAGE.parent)),
        ("sources_sha256", fingerprint(PACKAGE.rglob("*.py"), ())),
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("platform", platform.platform()),
        *((name, version(name)) for name in LIBRARIES),
        *processor_facts(),
        *blas_facts(),
        ("blas.threads_while_measuring", 1),
        ("usable_cores", usable_cores()),
        ("usable_memory_bytes", usable_memory()),
    ]
    facts += [(f"variable.{name}", os.environ[name]) for name in VARIABLES if name in os.environ]
    return Environment(tuple(facts))


def processor_facts() -> tuple[Fact, ...]:
    """The processor's name and features as the compiler knows them."""
    return (("cpu", binding.get_host_cpu_name()), ("cpu_features", binding.get_host_cpu_features().flatten()))


def blas_facts() -> tuple[Fact, ...]:
    """Each loaded BLAS: implementation, version, the kernel set it chose, its threads. Compiled kernels use SciPy's."""
    facts: list[Fact] = []
    for library in _blas_libraries():
        folders = Path(str(library["filepath"])).parts  # wheels keep theirs in numpy.libs and scipy.libs
        owner = next((name for name in ("scipy", "numpy") if f"{name}.libs" in folders), "system")
        facts += [
            (f"blas.{owner}", f"{library['internal_api']} {library['version']}"),
            (f"blas.{owner}.core", str(library.get("architecture", "unknown"))),
            (f"blas.{owner}.threads", int(library["num_threads"])),
        ]
    return tuple(sorted(facts))


def commit(checkout: Path) -> str | None:
    """The commit that a checkout stands at, read from its git folder; None outside one."""
    folder = checkout / ".git"
    if folder.is_file():  # a linked worktree: `gitdir: <folder>`
        folder = checkout / _text(folder).removeprefix("gitdir:").strip()
    head = _text(folder / "HEAD")
    if not head.startswith("ref:"):
        return head or None
    name = head.removeprefix("ref:").strip()
    shared = folder / (_text(folder / "commondir") or ".")
    packed = (line.split() for line in _text(shared / "packed-refs").splitlines())
    found = (words[0] for words in packed if len(words) == 2 and words[1] == name)
    return _text(folder / name) or _text(shared / name) or next(found, None)


# --- how it is used, and how fast -------------------------------------------------------------------------------------


@contextlib.contextmanager
def limit_blas_threads() -> Iterator[None]:
    """One BLAS thread inside the block, as many as before after it; see `use_one_blas_thread`."""
    limits = use_one_blas_thread()
    try:
        yield
    finally:
        limits.restore_original_limits()


def use_one_blas_thread() -> threadpool_limits:
    """Limit BLAS to one thread from here on; return what undoes it. Raises MeasurementError where a library keeps more.

    Sums change their last bits with the number of threads, so this is part of the result, not of its speed.
    """
    _blas_libraries()  # a library loaded later than the limit would escape it
    limits = threadpool_limits(limits=1, user_api="blas")
    for library in _blas_libraries():
        if library["num_threads"] != 1:
            found = f"keeps {library['num_threads']} threads, wanted 1"
            raise MeasurementError(str(library["internal_api"]), found)
    return limits


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage less often in the block: what is made there is kept, and every look goes through all of it."""
    before = gc.get_threshold()
    gc.set_threshold(*RARE)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def gemm_peak(seconds: float = 0.3, size: int = 768) -> float:
    """Fastest product of two float64 square matrices seen in this time, on one thread [1e9 operations/s]."""
    left, right, out = (np.asfortranarray(np.full((size, size), value)) for value in (1.0, 0.5, 0.0))
    dgemm = scipy.linalg.blas.dgemm
    with limit_blas_threads():
        return 2e-9 * size**3 / fastest(lambda: dgemm(1.0, left, right, c=out, overwrite_c=1), seconds)


def copy_bandwidth(seconds: float = 0.2, entries: int = 2**23) -> float:
    """Fastest copy of a float64 array larger than the caches, read and write counted [1e9 bytes/s]."""
    source, target = np.ones(entries), np.empty(entries)
    return 16e-9 * entries / fastest(lambda: np.copyto(target, source), seconds)


def fastest(work: Callable[[], object], seconds: float) -> float:
    """Shortest time that some work takes, of as many tries as fit into these seconds, one at least [s]."""
    work()  # touches every page once: the first time is that of the memory's first use
    best, end = math.inf, time.perf_counter() + seconds
    while (began := time.perf_counter()) < end or best == math.inf:
        work()
        best = min(best, time.perf_counter() - began)
    return best


def _blas_libraries() -> list[dict[str, Any]]:
    importlib.import_module("scipy.linalg.cython_blas")  # where numba finds its BLAS
    return [library for library in threadpool_info() if library["user_api"] == "blas"]
