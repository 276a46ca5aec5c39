"""Compiled code is never stale, never loaded from a place that others can write in, and never in the way."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from rnnconv_cli import kernels
from rnnconv_cli.kernels import cache

ROOT = Path(kernels.__file__).parent.parent.parent
NAME = "rnnconv-kernels-0123"
LOOK = "from rnnconv_cli.kernels import CACHE_FOLDER; print(CACHE_FOLDER)"
COMPILE = f"import numpy; from rnnconv_cli.kernels import compiled; compiled.loss(numpy.ones((1, 1, 1))); {LOOK}"
CHILD = f"""
import subprocess, sys
{LOOK}
print(subprocess.run([sys.executable, "-c", {LOOK!r}], capture_output=True, text=True, check=True).stdout)
"""


PLACES = (cache.VARIABLE, "XDG_CACHE_HOME", "HOME")


def python(code: str, places: Mapping[str, str], tree: Path = ROOT) -> list[str]:
    """Return the words that the code prints in a fresh interpreter that knows only these places."""
    inherited = {key: value for key, value in os.environ.items() if key not in PLACES}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**inherited, "PYTHONPATH": str(tree), **places},
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


# --- the name: all that machine code depends on -----------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    copies = [Path(shutil.copy(source, tmp_path)) for source in Path(cache.__file__).parent.glob("*.py")]
    assert {"compiled.py", "activations.py"} <= {copy.name for copy in copies}
    return copies


def test_every_source_counts(sources: list[Path]) -> None:
    seen = {cache.fingerprint(sources, ["fact"])}
    for source in sources:
        source.write_bytes(source.read_bytes() + b"\n")
        seen.add(cache.fingerprint(sources, ["fact"]))
    assert len(seen) == len(sources) + 1


def test_an_edit_that_is_taken_back_is_no_edit(sources: list[Path]) -> None:
    before, content = cache.fingerprint(sources, []), sources[0].read_bytes()
    sources[0].write_bytes(b"")
    assert cache.fingerprint(sources, []) != before
    sources[0].write_bytes(content)
    assert cache.fingerprint(reversed(sources), []) == before


def test_a_renamed_source_counts(sources: list[Path]) -> None:
    before = cache.fingerprint(sources, [])
    renamed = [sources[0].rename(sources[0].with_name("renamed.py")), *sources[1:]]
    assert cache.fingerprint(renamed, []) != before


def test_facts_count_and_do_not_run_together(sources: list[Path]) -> None:
    names = [cache.fingerprint(sources, facts) for facts in (["numba 1", "2"], ["numba 12"], ["numba 1", "3"], [])]
    assert len(set(names)) == 4


def test_facts_name_versions_and_processor() -> None:
    facts = cache.machine_facts()
    assert all(any(fact.startswith(f"{name} ") for fact in facts) for name in cache.PACKAGES)
    assert facts[-2]
    assert "+" in facts[-1]


def test_an_edited_kernel_has_another_folder(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "rnnconv_cli", tree / "rnnconv_cli", ignore=shutil.ignore_patterns("__pycache__"))
    home = tmp_path / "home"
    before = python(LOOK, {"HOME": str(home)}, tree)
    with (tree / "rnnconv_cli" / "kernels" / "activations.py").open("a") as source:
        source.write("\n")
    after = python(LOOK, {"HOME": str(home)}, tree)
    assert before != after
    assert {path.name for path in (home / ".cache" / "rnnconv").iterdir()} == {
        Path(before[0]).name,
        Path(after[0]).name,
    }


# --- the place --------------------------------------------------------------------------------------------------------


def test_candidates_in_order() -> None:
    environment = {"NUMBA_CACHE_DIR": "/asked", "XDG_CACHE_HOME": "/xdg", "HOME": "/me"}
    expected = (Path("/asked") / NAME, Path("/xdg/rnnconv") / NAME, Path("/me/.cache/rnnconv") / NAME)
    assert cache.candidates(environment, NAME) == expected
    assert cache.candidates({"HOME": "/me"}, NAME) == expected[2:]
    assert cache.candidates({}, NAME) == ()


def test_a_parents_choice_is_taken_as_it_is() -> None:
    assert cache.candidates({"NUMBA_CACHE_DIR": f"/asked/{NAME}"}, NAME) == (Path("/asked") / NAME,)


@pytest.mark.parametrize("variable", PLACES)
@pytest.mark.parametrize("value", ["", "relative", "~/cache"])
def test_relative_places_are_ignored(variable: str, value: str) -> None:
    assert cache.candidates({variable: value}, NAME) == ()


def test_a_new_folder_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "rnnconv" / NAME
    assert cache.is_usable(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_may_write_in_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    assert not cache.is_usable(tmp_path)


def test_a_folder_that_belongs_to_others_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.is_usable(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert not cache.is_usable(tmp_path)


def test_a_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not cache.is_usable(tmp_path / "file" / NAME)
    assert not cache.is_usable(tmp_path / "file")


def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full or mounted read-only; the superuser, as in a container, is not stopped by a mode."""

    def refuse(**_: object) -> None:
        raise OSError("read-only file system")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert not cache.is_usable(tmp_path)


def test_first_usable_candidate_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = {"NUMBA_CACHE_DIR": str(tmp_path / "file"), "HOME": str(tmp_path / "home")}
    folder = cache.choose_folder(environment)
    assert folder.parent == tmp_path / "home" / ".cache" / "rnnconv"
    assert folder.name.startswith(cache.PREFIX)
    assert cache.choose_folder({**environment, "NUMBA_CACHE_DIR": str(folder)}) == folder


def test_no_usable_candidate_makes_a_temporary_folder() -> None:
    folder = cache.choose_folder({})
    assert folder.is_dir()
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    assert cache.choose_folder({"NUMBA_CACHE_DIR": str(folder)}) == folder


# --- whole processes --------------------------------------------------------------------------------------------------


def test_this_process_says_where_it_keeps_its_code() -> None:
    assert os.environ[cache.VARIABLE] == str(kernels.CACHE_FOLDER)
    assert cache.is_usable(kernels.CACHE_FOLDER)


def test_a_numba_that_was_imported_before_keeps_its_code_there_too(tmp_path: Path) -> None:
    here, numbas = python(f"import numba; {LOOK}; print(numba.config.CACHE_DIR)", {"HOME": str(tmp_path)})
    assert here == numbas


def test_the_folder_is_known_without_a_compiler(tmp_path: Path) -> None:
    _, imported = python(f"{LOOK}; import sys; print('numba' in sys.modules)", {"HOME": str(tmp_path)})
    assert imported == "False"


def test_code_is_kept_below_home(tmp_path: Path) -> None:
    (folder,) = python(COMPILE, {"HOME": str(tmp_path)})
    assert Path(folder).parent == tmp_path / ".cache" / "rnnconv"
    if not os.environ.get("NUMBA_DISABLE_JIT"):
        assert list(Path(folder).rglob("compiled.loss*.nbc"))


@pytest.mark.parametrize("home", ["unset", "a file"])
def test_no_place_to_keep_code_still_works_and_leaves_nothing(tmp_path: Path, home: str) -> None:
    occupied, temporary = tmp_path / "file", tmp_path / "tmp"
    occupied.touch()
    temporary.mkdir()
    places = {"XDG_CACHE_HOME": str(occupied), "TMPDIR": str(temporary)}
    if home == "a file":
        places["HOME"] = str(occupied)
    (folder,) = python(COMPILE, places)
    assert Path(folder).is_relative_to(temporary)
    assert list(temporary.iterdir()) == []


def test_a_child_process_shares_the_temporary_folder_and_leaves_it_to_its_maker(tmp_path: Path) -> None:
    mine, childs = python(CHILD + "assert CACHE_FOLDER.is_dir()", {"TMPDIR": str(tmp_path)})
    assert mine == childs
    assert list(tmp_path.iterdir()) == []
