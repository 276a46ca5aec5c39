"""Claims are found by path: by the stem of a shipped file, or as any file."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.errors import UnknownName
from rnnconv_cli.spec import catalogue


@pytest.fixture
def two_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a catalogue of two claims, and make its parent the working folder."""
    folder = tmp_path / "claims"
    folder.mkdir()
    for name in ("perturbation-bound.yaml", "linear-convergence.yaml", "notes.txt"):
        (folder / name).touch()
    monkeypatch.setattr(catalogue, "_IN_A_WHEEL", tmp_path / "absent")
    monkeypatch.setattr(catalogue, "_IN_A_REPOSITORY", folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_shipped_are_the_claim_files_in_order(two_claims: Path) -> None:
    assert catalogue.shipped() == (two_claims / "linear-convergence.yaml", two_claims / "perturbation-bound.yaml")


def test_the_folder_inside_a_wheel_comes_first(two_claims: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = two_claims.parent / "_claims"
    inside.mkdir()
    (inside / "only.yaml").touch()
    monkeypatch.setattr(catalogue, "_IN_A_WHEEL", inside)
    assert catalogue.shipped() == (inside / "only.yaml",)


def test_a_name_wins_over_a_file_of_that_name(two_claims: Path) -> None:
    (two_claims.parent / "perturbation-bound").mkdir()
    assert catalogue.find("perturbation-bound") == two_claims / "perturbation-bound.yaml"


def test_paths_stay_paths(two_claims: Path) -> None:
    assert catalogue.find("absent.yaml") == Path("absent.yaml")
    assert catalogue.find("./perturbation-bound") == Path("./perturbation-bound")
    (two_claims.parent / "mine").touch()
    assert catalogue.find("mine") == Path("mine")


@pytest.mark.parametrize("name", ["pertubation-bound", "perturbation"])
def test_unknown_names_come_with_suggestions(two_claims: Path, name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        catalogue.find(name)
    assert str(caught.value) == (
        f"found claim {name!r} (did you mean perturbation-bound?), wanted one of linear-convergence, perturbation-bound"
    )


@pytest.mark.parametrize("name", ["", "a\0b", "zzz" * 1000])
def test_names_that_resemble_nothing(two_claims: Path, name: str) -> None:
    with pytest.raises(UnknownName, match=r"wanted one of linear-convergence, perturbation-bound$"):
        catalogue.find(name)
