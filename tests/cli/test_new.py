from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnconv_cli.spec import loader


def test_the_template_goes_to_stdout_and_validates(run: Callable[..., Any]) -> None:
    done = run("new", "my-claim")
    assert (done.status, done.err) == (0, "")
    assert loader.loads(done.out, "<new>").claim.id == "my-claim"


def test_the_template_goes_to_a_new_file(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "a folder/my-claim.yaml"
    done = run("new", "my-claim", "--output", str(path))
    assert (done.status, done.out) == (0, "")
    assert done.err.endswith(f"; check it with: rnnconv validate '{path}'\n")
    assert loader.load(path).claim.id == "my-claim"


def test_a_file_is_never_overwritten(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("precious")
    done = run("new", "my-claim", "--output", str(path))
    assert done.status == 2
    assert "nothing was overwritten" in done.err
    assert path.read_text() == "precious"


def test_a_file_that_cannot_be_made_is_no_crash(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("new", "my-claim", "--output", str(tmp_path / "file/x.yaml"))
    assert done.status == 5
    assert "could not be written" in done.err or "exists" in done.err


def test_an_id_that_is_no_fragment_is_refused(run: Callable[..., Any]) -> None:
    done = run("new", "My Claim")
    assert (done.status, done.out) == (2, "")
    assert "lower-case" in done.err
