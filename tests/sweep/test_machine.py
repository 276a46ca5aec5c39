from __future__ import annotations

import gc
import os
import resource
from pathlib import Path

import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.sweep import machine

GIB = 2**30


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda kind: unlimited)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))


MEMINFO = {"proc/meminfo": f"MemTotal: {64 * 2**20} kB\nMemAvailable: {32 * 2**20} kB\n"}


@pytest.mark.usefixtures("no_limits")
def test_memory_is_what_is_free() -> None:
    assert machine.usable_memory() > 0


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize(
    ("files", "room"),
    [
        ({}, 32 * GIB),
        (
            {
                "proc/self/cgroup": "0::/job/inner\n",
                "sys/fs/cgroup/job/inner/memory.max": "max\n",
                "sys/fs/cgroup/job/inner/memory.current": f"{GIB}\n",
                "sys/fs/cgroup/job/memory.max": f"{4 * GIB}\n",
                "sys/fs/cgroup/job/memory.current": f"{3 * GIB}\n",
                "sys/fs/cgroup/job/memory.stat": f"anon 5\ninactive_file {GIB}\n",
            },
            2 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "5:devices:/\n4:memory:/of/the/host\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{2 * GIB}\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            },
            GIB,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n",
            },
            32 * GIB,
        ),
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/memory.max": f"{GIB}\n",
                "sys/fs/cgroup/memory.current": f"{2 * GIB}\n",
            },
            0,
        ),
    ],
    ids=["no-groups", "version-2-parent", "version-1-in-a-container", "version-1-unlimited", "over-its-limit"],
)
def test_memory_is_cut_to_the_control_group(tmp_path: Path, files: dict[str, str], room: int) -> None:
    assert machine.usable_memory(_write(tmp_path, MEMINFO | files)) == room


def test_memory_is_cut_to_the_resource_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {resource.RLIMIT_AS: GIB, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], limits[kind]))
    root = _write(tmp_path, MEMINFO | {"proc/self/statm": "1000 500 100 10 0 400 0"})
    assert machine.usable_memory(root) == GIB - 1000 * resource.getpagesize()


@pytest.mark.usefixtures("no_limits")
def test_memory_without_linux_files_is_the_machines(tmp_path: Path) -> None:
    assert machine.usable_memory(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 8),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "350000 100000\n"}, 3),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "max 100000\n"}, 8),
        ({"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/cpu.max": "50000 100000\n"}, 1),
        (
            {
                "proc/self/cgroup": "2:cpu,cpuacct:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            },
            2,
        ),
        (
            {
                "proc/self/cgroup": "2:cpu:/a\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
    ids=["affinity", "version-2", "version-2-unlimited", "less-than-one", "version-1", "version-1-unlimited"],
)
def test_cores_are_those_of_the_affinity_cut_to_the_quota(tmp_path: Path, files: dict[str, str], cores: int) -> None:
    assert machine.usable_cores(_write(tmp_path, {"proc/x": ""} | files)) == cores


def test_cores_without_affinity_are_the_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert machine.usable_cores(tmp_path) == 1


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({".git/HEAD": "abc123\n"}, "abc123"),
        ({".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": "abc123\n"}, "abc123"),
        (
            {".git/HEAD": "ref: refs/heads/main\n", ".git/packed-refs": "# pack\nabc123 refs/heads/main\n^def\n"},
            "abc123",
        ),
        (
            {
                ".git": "gitdir: main/.git/worktrees/w\n",
                "main/.git/worktrees/w/HEAD": "ref: refs/heads/w\n",
                "main/.git/worktrees/w/commondir": "../..\n",
                "main/.git/refs/heads/w": "abc123\n",
            },
            "abc123",
        ),
        ({".git/HEAD": "ref: refs/heads/main\n"}, None),
        ({}, None),
    ],
    ids=["detached", "loose", "packed", "worktree", "unborn", "no-checkout"],
)
def test_the_commit_is_read_from_the_checkout(tmp_path: Path, files: dict[str, str], commit: str | None) -> None:
    assert machine.commit(_write(tmp_path, files)) == commit


def test_an_environment_names_what_may_change_a_result() -> None:
    facts = dict(machine.environment_facts("compiled", ("rnnconv", "verify", "a b"), 2).facts)
    assert facts["command"] == "rnnconv verify 'a b'"
    assert (facts["backend"], facts["jobs"]) == ("compiled", 2)
    assert {"date", "commit", "sources_sha256", "python", "numpy", "numba", "scipy", "cpu", "cpu_features"} <= set(
        facts
    )
    assert {"blas.scipy", "blas.scipy.core", "blas.scipy.threads", "usable_cores"} <= set(facts)
    assert facts["blas.threads_while_measuring"] == 1


def test_one_thread_while_measuring() -> None:
    with machine.limit_blas_threads():
        threads = {name: value for name, value in machine.blas_facts() if name.endswith(".threads")}
        assert set(threads.values()) == {1}


def test_a_library_that_keeps_its_threads_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = [{"user_api": "blas", "internal_api": "stubborn", "num_threads": 4}]
    monkeypatch.setattr(machine, "threadpool_info", lambda: stubborn)
    with pytest.raises(MeasurementError, match="stubborn: keeps 4 threads, wanted 1"), machine.limit_blas_threads():
        pass


def test_garbage_is_looked_for_as_before_once_the_block_has_ended() -> None:
    before = gc.get_threshold()

    def broken() -> None:
        with machine.rare_collections():
            assert gc.get_threshold() > before
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert gc.get_threshold() == before


def test_speeds_are_positive() -> None:
    assert machine.gemm_peak(seconds=0.0, size=32) > 0
    assert machine.copy_bandwidth(seconds=0.0, entries=64) > 0
