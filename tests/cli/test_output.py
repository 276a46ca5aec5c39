from __future__ import annotations

import errno
import json
import os
import secrets
import stat
import subprocess
from pathlib import Path

import pytest

from rnnconv_cli.cli import output
from rnnconv_cli.cli.options import Destination
from rnnconv_cli.errors import UsageError
from rnnconv_cli.records import Environment, Report, Timing

REPORT = Report("0.1.0", "quick", 0, "compiled", 0, (), (), Environment(()), Timing((("total", 0.5),)))


def test_files_are_written_in_their_formats_into_new_folders(tmp_path: Path) -> None:
    destinations = (Destination("json", tmp_path / "a/b/r.json"), Destination("table", tmp_path / "r.txt"))
    output.prepare(destinations)
    assert not (tmp_path / "r.txt").exists()
    assert output.write(REPORT, destinations) == ()
    assert json.loads((tmp_path / "a/b/r.json").read_text())["profile"] == "quick"
    assert "no checks" in (tmp_path / "r.txt").read_text()
    assert {path.name for path in tmp_path.rglob("*")} == {"a", "b", "r.json", "r.txt"}


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "ordinary").touch()
    output.write(REPORT, (Destination("json", tmp_path / "r.json"),))
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ordinary", "r.json")}
    assert len(modes) == 1


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_umask_says_who_may_read_a_file(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        assert output.write(REPORT, (Destination("json", tmp_path / "r.json"),)) == ()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "r.json").stat().st_mode) == 0o666 & ~mask


def test_a_link_in_the_place_of_a_part_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that others write to: whoever knew the name could have us write wherever we may."""
    (tmp_path / "ours").write_text("kept")
    for target in ("ours", "new"):
        monkeypatch.setattr(secrets, "token_hex", lambda: "known")
        (tmp_path / ".rnnconv-known.part").symlink_to(target)
        (failure,) = output.write(REPORT, (Destination("json", tmp_path / "r.json"),))
        assert str(failure) == f"{tmp_path}/r.json: could not be written (File exists); try another file"
    assert {path.name for path in tmp_path.iterdir()} == {"ours"}
    assert (tmp_path / "ours").read_text() == "kept"


def test_the_name_of_a_part_is_another_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    replace = Path.replace

    def noted(path: Path, target: Path) -> Path:
        seen.append(path)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", noted)
    for _ in range(2):
        assert output.write(REPORT, (Destination("json", tmp_path / "r.json"),)) == ()
    assert len(set(seen)) == 2
    assert {path.parent for path in seen} == {tmp_path}


def test_a_link_is_kept_and_what_it_leads_to_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    output.write(REPORT, (Destination("json", tmp_path / "link.json"),))
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text().startswith("{")


@pytest.mark.parametrize("name", ["kept.sqlite", "kept.sqlite-wal", "kept.sqlite-shm", "link.json", "a/../kept.sqlite"])
def test_a_result_does_not_go_into_the_store(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link.json").symlink_to("kept.sqlite")
    (tmp_path / "store.link").symlink_to("kept.sqlite")
    others = (Destination("json", tmp_path / "kept.sqlite.json"), Destination("json", Path(os.devnull)))
    for store in (tmp_path / "kept.sqlite", tmp_path / "store.link"):
        output.refuse_store(others, store)
        with pytest.raises(UsageError, match="which is the store, wanted another file; nothing was written"):
            output.refuse_store((*others, Destination("json", tmp_path / name)), store)


@pytest.mark.parametrize("name", ["mine.yaml", "link.json", "hard.json", "a/../mine.yaml"])
def test_a_result_does_not_replace_what_is_read(name: str, tmp_path: Path) -> None:
    claim = tmp_path / "mine.yaml"
    claim.write_text("schema: 1\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "link.json").symlink_to("mine.yaml")
    (tmp_path / "hard.json").hardlink_to(claim)
    output.refuse_inputs((Destination("json", tmp_path / "other.json"),), (claim, tmp_path / "gone.yaml"))
    with pytest.raises(UsageError, match="which is read, wanted another file; nothing was written"):
        output.refuse_inputs((Destination("json", tmp_path / name),), (claim,))


def test_a_device_is_written_into_and_not_replaced() -> None:
    destination = Destination("json", Path(os.devnull))
    output.prepare((destination,))
    assert output.write(REPORT, (destination,)) == ()
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_gets_the_results(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        output.prepare((Destination("json", pipe),))
        assert output.write(REPORT, (Destination("json", pipe),)) == ()
        assert reader.communicate()[0].startswith(b"{")


def test_what_cannot_be_written_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file/r.json", Path("/proc/no/r.json")):
        with pytest.raises(UsageError, match=r"cannot be written .*, wanted a file that .*; nothing was run"):
            output.prepare((Destination("json", path),))


def test_one_file_for_two_formats_is_refused(tmp_path: Path) -> None:
    destinations = (Destination("json", tmp_path / "r"), Destination("table", tmp_path / "x/../r"))
    with pytest.raises(UsageError, match="twice"):
        output.prepare(destinations)


def test_a_failure_holds_no_other_file_up_and_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    destinations = (Destination("json", tmp_path / "file/r.json"), Destination("json", tmp_path / "r.json"))
    (failure,) = output.write(REPORT, destinations)
    assert failure.exit_status == 5
    assert str(failure).startswith(f"{tmp_path}/file/r.json: could not be written")
    assert str(failure).endswith("; try another file")
    assert (tmp_path / "r.json").exists()
    assert (tmp_path / "file").read_text() == "old"


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.json").write_text("old")

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        output.write(REPORT, (Destination("json", tmp_path / "r.json"),))
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert (tmp_path / "r.json").read_text() == "old"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.json").write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (failure,) = output.write(REPORT, (Destination("json", tmp_path / "r.json"),))
    assert "could not be written (No space left on device)" in str(failure)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    assert (tmp_path / "r.json").read_text() == "old"
