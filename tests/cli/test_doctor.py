from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rnnconv_cli.errors import MeasurementError
from rnnconv_cli.sweep import machine


@pytest.fixture(autouse=True)
def _no_measuring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "gemm_peak", lambda: 50.0)
    monkeypatch.setattr(machine, "copy_bandwidth", lambda: 20.0)


def _line(shown: str, subject: str) -> str:
    return next(line for line in shown.splitlines() if line[8:].startswith(subject))


def test_a_sound_installation_is_all_there(run: Callable[..., Any]) -> None:
    done = run("doctor")
    assert (done.status, done.err) == (0, "")
    subjects = (
        "rnnconv", "python", "numpy", "numba", "scipy", "processor", "blas of numpy", "blas of scipy", "blas threads",
        "usable cores", "usable memory", "kernel cache", "claims", "gemm peak", "copy bandwidth", "terminal",
    )  # fmt: skip
    assert all(_line(done.out, subject) for subject in subjects)
    assert {line.split()[0] for line in done.out.splitlines() if line[0] != " "} <= {"ok", "warning"}


def test_a_broken_library_ends_the_examination(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = importlib.import_module

    def broken(name: str, package: str | None = None) -> ModuleType:
        if name == "scipy":
            raise OSError("libgfortran.so: cannot open shared object file")
        return genuine(name, package)

    monkeypatch.setattr(importlib, "import_module", broken)
    done = run("doctor")
    assert done.status == 5
    assert "error   scipy" in done.out
    assert "pip install --force-reinstall scipy" in " ".join(done.out.split())
    assert "gemm" not in done.out


def test_what_cannot_be_looked_at_is_an_error(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing() -> int:
        raise MeasurementError("openblas", "keeps 2 threads, wanted 1")

    monkeypatch.setattr(machine, "usable_memory", failing)
    done = run("doctor")
    assert done.status == 5
    assert "openblas: keeps 2 threads" in _line(done.out, "memory")
    assert _line(done.out, "terminal")


@pytest.mark.parametrize(
    ("name", "value", "subject", "mend"),
    [("usable_memory", 2**29, "usable memory", "--jobs 1"), ("gemm_peak", 0.5, "gemm peak", "SciPy")],
)
def test_a_weakness_is_a_warning_with_its_mend(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str, value: float, subject: str, mend: str
) -> None:
    monkeypatch.setattr(machine, name, lambda: value)
    done = run("doctor")
    assert done.status == 0
    assert _line(done.out, subject).startswith("warning")
    assert mend in done.out


def test_a_cache_for_one_run_is_a_warning(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "rnnconv-abc" / "kernels"
    folder.mkdir(parents=True)
    monkeypatch.setattr("rnnconv_cli.kernels.CACHE_FOLDER", folder)
    monkeypatch.setattr("rnnconv_cli.cli.doctor.gettempdir", lambda: str(tmp_path))
    assert _line(run("doctor").out, "kernel cache").startswith("warning")


def test_a_path_stays_on_one_line(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "  ".join(["a folder with blanks"] * 8)
    folder.mkdir()
    monkeypatch.setattr("rnnconv_cli.kernels.CACHE_FOLDER", folder)
    assert str(folder) in _line(run("doctor").out, "kernel cache")


def test_a_cache_that_cannot_be_written_is_an_error(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("rnnconv_cli.kernels.CACHE_FOLDER", tmp_path / "file")
    done = run("doctor")
    assert done.status == 5
    assert _line(done.out, "kernel cache").startswith("error")


def test_a_switched_off_compiler_is_named(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert _line(run("doctor").out, "compiler").startswith("warning")
