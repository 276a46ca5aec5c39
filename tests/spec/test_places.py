from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.records import Place
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import Overrides, load, loads
from rnnconv_cli.spec.places import places

CLAIM = Path(__file__).parent / "claim.yaml"


def lines_of(path: Path) -> dict[str, int]:
    """The line of each id that is a claim's or a check's own: what a text editor would find."""
    lines = path.read_text(encoding="utf-8").splitlines()
    starts = [(n, line.partition("id: ")[2].strip()) for n, line in enumerate(lines, start=1)]
    return {name: n for n, name in starts if lines[n - 1].startswith(("id: ", "  - id: "))}


def test_every_shipped_check_is_found_on_the_line_of_its_id(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = catalogue.shipped()[0].parent
    monkeypatch.chdir(folder.parent)
    loaded = tuple(map(load, catalogue.shipped()))
    found = places(loaded)
    assert len(found) == len(loaded) + sum(len(claim.checks) for claim in loaded)
    for place in found:
        assert Path(place.path).parent == Path(folder.name)
        assert lines_of(Path(place.path))[place.check or place.claim] == place.line


def test_only_selected_checks_have_places() -> None:
    claim = load(CLAIM)
    (first, *others) = [check.check.id for check in claim.checks]
    assert [place.check for place in places([claim])] == ["", first, *others]
    assert [place.check for place in places([claim], [first])] == ["", first]
    assert places([claim], ["another"]) == ()


def test_overrides_move_nothing() -> None:
    changed = Overrides((("problem.separation", "0.4"),), replicates=None)
    assert places([load(CLAIM, changed)]) == places([load(CLAIM)])


def test_a_file_elsewhere_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b.yaml").write_bytes(CLAIM.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert {place.path for place in places([load(Path("./b.yaml"))])} == {"b.yaml"}
    assert {place.path for place in places([load(tmp_path / "b.yaml")])} == {"b.yaml"}
    monkeypatch.chdir(tmp_path / "a")
    assert {place.path for place in places([load(Path("../b.yaml"))])} == {str(tmp_path / "b.yaml")}


def test_what_is_no_file_keeps_its_name() -> None:
    (claim, *_) = places([loads(CLAIM.read_text(encoding="utf-8"), "standard input")])
    assert claim == Place(claim.claim, "", "standard input", claim.line)


def test_a_run_whose_folder_has_gone_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    loaded = loads(CLAIM.read_text(encoding="utf-8"), "b.yaml")
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert {place.path for place in places([loaded])} == {"b.yaml"}
