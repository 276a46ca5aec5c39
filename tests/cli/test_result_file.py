from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.cli import result_file
from rnnconv_cli.cli.result_file import text_of
from rnnconv_cli.errors import UsageError


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_bytes("{\n§}".encode())
    assert text_of(path) == "{\n§}"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff")
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory"), (tmp_path / "latin", "UTF-8")):
        with pytest.raises(UsageError, match=rf"{why}.*wanted a result; write one by"):
            text_of(path)


def test_a_bundle_is_told_apart_from_a_result(tmp_path: Path) -> None:
    path = tmp_path / "e.zip"
    path.write_bytes(b"PK\x03\x04 and so on")
    with pytest.raises(UsageError, match=r"found a ZIP archive, .*e\.zip, wanted a result; `rnnconv check-bundle`"):
        text_of(path)


def test_a_huge_file_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_file, "MOST_BYTES", 1000)
    with pytest.raises(UsageError, match=r"found more than 1,000 bytes in /dev/zero, wanted a result"):
        text_of(Path("/dev/zero"))
