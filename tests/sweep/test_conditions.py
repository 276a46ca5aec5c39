"""What a stored number is keyed with besides its trial."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rnnconv_cli.sweep import conditions as module
from rnnconv_cli.sweep.conditions import CARRIED_OUT_BY, PREDICTIONS, SOURCES, conditions, recorded
from rnnconv_cli.sweep.machine import PACKAGE


def test_they_are_named_and_the_same_every_time() -> None:
    facts = dict(conditions("compiled").facts)
    assert conditions("compiled") == conditions("compiled")
    assert {"backend", "compiled", "numpy", "numba", "scipy", "cpu", "cpu_features", "blas.scipy.core"} <= set(facts)
    assert {f"sources.{name}" for name in (*SOURCES, *CARRIED_OUT_BY)} <= set(facts)
    assert not [name for name in facts if "threads" in name]  # which change no bit


def test_backends_are_kept_apart() -> None:
    assert conditions("compiled").digest != conditions("reference").digest


@pytest.mark.parametrize("changed", [*(f"{name}/changed.py" for name in SOURCES), *CARRIED_OUT_BY])
def test_every_source_that_a_number_is_computed_with_counts(
    changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*(f"{name}/changed.py" for name in SOURCES), *CARRIED_OUT_BY, *PREDICTIONS, "report/text.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    before = conditions("compiled")
    for name in (*PREDICTIONS, "report/text.py"):
        (tmp_path / name).write_text("x = 2\n")
    assert conditions("compiled").digest == before.digest
    (tmp_path / changed).write_text("x = 2\n")
    after = conditions("compiled")
    differing = [name for name, value in after.facts if dict(before.facts)[name] != value]
    assert differing == [f"sources.{changed.removesuffix('/changed.py')}"]


def test_predictions_decide_how_long_a_piece_of_a_run_is_and_nothing_else() -> None:
    """And the length of a piece changes no bit, as the tests of descent runs show."""
    files = [path for name in SOURCES for path in (PACKAGE / name).rglob("*.py")]
    readers = {path for path in files if "measure.cost" in path.read_text() or "    cost,\n" in path.read_text()}
    assert {str(path.relative_to(PACKAGE)) for path in readers} == {"measure/__init__.py", "measure/training.py"}


def test_uncompiled_kernels_are_other_conditions() -> None:
    code = "from rnnconv_cli.sweep.conditions import conditions; print(dict(conditions('compiled').facts)['compiled'])"
    for disabled, expected in (("0", "yes"), ("1", "no")):
        environment = {"NUMBA_DISABLE_JIT": disabled, "PYTHONPATH": str(PACKAGE.parent)}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_those_of_a_result_are_found_among_its_facts() -> None:
    here = conditions("compiled")
    facts = {"date": "today", "jobs": 2, "store": None, **dict(here.facts)}
    assert recorded(facts, here).digest == here.digest
    assert ("blas.old.core", "x") in recorded({**facts, "blas.old.core": "x"}, here).facts
    assert ("sources.old", "0") in recorded({**facts, "sources.old": "0"}, here).facts
