from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from rnnconv_cli.bench import cores


def _system(folder: Path, siblings: Mapping[int, str]) -> Path:
    for number, text in siblings.items():
        topology = folder / f"cpu{number}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(text + "\n")
    return folder


@pytest.mark.parametrize(
    ("siblings", "usable", "chosen"),
    [
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, {0, 1, 2, 3}, [0, 2]),
        ({0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"}, {0, 1, 2, 3}, [0, 1]),
        ({0: "0-1", 1: "0-1", 2: "2-3", 3: "2-3"}, {1, 3}, [1, 3]),
        ({0: "", 1: ""}, {0, 1}, [0, 1]),
        ({}, {4, 7}, [4, 7]),
    ],
)
@pytest.mark.skipif(not cores.can_pin(), reason="no process can be kept to cores here")
def test_siblings_are_one_core(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, siblings: Mapping[int, str], usable: set[int], chosen: list[int]
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: usable)
    assert cores.physical_cores(_system(tmp_path, siblings)) == chosen


@pytest.mark.skipif(not cores.can_pin(), reason="no process can be kept to cores here")
def test_a_process_keeps_to_the_first_physical_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[list[int]] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda process, chosen: kept.append(chosen))
    monkeypatch.setattr(cores, "physical_cores", lambda: [0, 2, 4])
    cores.keep_to(2)
    assert kept == [[0, 2]]


def test_a_system_that_keeps_no_process_to_cores_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    cores.keep_to(1)
    assert not cores.can_pin()
    assert cores.physical_cores(tmp_path) == [0, 1, 2]
