"""The package as others get it: the built wheel in an empty environment, an editable install, an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import rnnconv_cli

ROOT = Path(__file__).resolve().parent.parent
CLAIMS = {path.name for path in (ROOT / "claims").glob("*.yaml")}
SMALL_CHECK = ("perturbation-bound", "first-order-identity")
TIMEOUT = 600.0  # seconds; a hang must not hold a test run for ever


def _run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONSAFEPATH"}}
    done = subprocess.run(
        command, cwd=folder, env=inherited | environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution, as an index would get it."""
    folder = tmp_path_factory.mktemp("dist")
    _run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "an empty folder"
    folder.mkdir()
    return folder


def _verify(python: str, folder: Path) -> None:
    claim, check = SMALL_CHECK
    command = [python, "-m", "rnnconv_cli", "verify", claim, "--check", check, "--jobs", "1", "--format", "json"]
    document = json.loads(_run(command, folder, HOME=str(folder)).stdout)
    assert [(entry["id"], [part["id"] for part in entry["checks"]]) for entry in document["claims"]] == [
        (claim, [check])
    ]


def test_wheel_holds_the_package_its_claims_and_its_schemas(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"rnnconv_cli/_claims/{name}" for name in CLAIMS}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "rnnconv_cli").rglob("*.schema.json")}
    wanted |= {f"rnnconv_cli/report/page/{name}" for name in ("page.html.jinja", "page.css")}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "rnnconv_cli").rglob("*.py")}
    assert wanted - names == set()
    assert {name.split("/", 1)[0] for name in names} == {"rnnconv_cli", f"rnnconv-{rnnconv_cli.__version__}.dist-info"}


def test_wheel_carries_licence_version_and_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    inside = f"rnnconv-{rnnconv_cli.__version__}.dist-info"
    assert "License-Expression: MIT" in archive.read(f"{inside}/METADATA").decode()
    assert f"{inside}/licenses/LICENSE" in archive.namelist()
    entry_points = archive.read(f"{inside}/entry_points.txt").decode()
    assert "rnnconv = rnnconv_cli.__main__:main" in entry_points
    assert "[pytest11]\nrnnconv = rnnconv_cli.pytest_plugin" in entry_points


def test_unpacked_wheel_lists_its_own_claims(wheel: Path, tmp_path: Path, empty: Path) -> None:
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    shown = "from rnnconv_cli.spec import catalogue; print(*catalogue.shipped(), sep='\\n')"
    paths = _run([sys.executable, "-c", shown], empty, PYTHONPATH=str(unpacked)).stdout.splitlines()
    assert {Path(path).name for path in paths} == CLAIMS
    assert {Path(path).parent for path in paths} == {unpacked / "rnnconv_cli" / "_claims"}
    listed = _run([sys.executable, "-m", "rnnconv_cli", "list"], empty, PYTHONPATH=str(unpacked)).stdout
    assert all(Path(name).stem in listed for name in CLAIMS)


def test_editable_install_lists_the_claims_of_the_tree(empty: Path) -> None:
    origin = json.loads(metadata.distribution("rnnconv").read_text("direct_url.json") or "{}")
    assert origin.get("dir_info", {}).get("editable") is True
    shown = "from rnnconv_cli.spec import catalogue; print(*catalogue.shipped(), sep='\\n')"
    paths = _run([sys.executable, "-c", shown], empty).stdout.splitlines()
    assert {Path(path) for path in paths} == {ROOT / "claims" / name for name in CLAIMS}


def test_versions_agree() -> None:
    assert metadata.version("rnnconv") == rnnconv_cli.__version__
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {rnnconv_cli.__version__}" in cited


@pytest.mark.slow
def test_editable_install_verifies_a_claim_in_an_empty_folder(empty: Path) -> None:
    _verify(sys.executable, empty)


@pytest.mark.slow
def test_wheel_verifies_a_claim_in_an_empty_environment_and_folder(wheel: Path, tmp_path: Path, empty: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    constraints = str(ROOT / "constraints.txt")
    _run([python, "-m", "pip", "install", "-qq", "--constraint", constraints, str(wheel)], empty)
    assert (
        _run([str(environment / "bin" / "rnnconv"), "--version"], empty)
        .stdout.strip()
        .endswith(rnnconv_cli.__version__)
    )
    _verify(python, empty)
