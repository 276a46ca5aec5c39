from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from rnnconv_cli import __version__
from rnnconv_cli.cli.main import COMMANDS, main, program
from rnnconv_cli.errors import (
    Interrupted,
    MeasurementError,
    ResourceError,
    RnnconvError,
    SelfCheckError,
    SpecError,
    UnknownName,
    Violation,
)

HEAVY = ("numpy", "scipy", "numba", "llvmlite", "pydantic", "yaml")
EVERY_HELP = [["--help"], *([name, "--help"] for name in COMMANDS)]


def _examples(words: list[str]) -> list[list[str]]:
    """The commands that a help text ends in, each split into words."""
    shown = CliRunner().invoke(program, words).output
    lines = shown.rsplit("Example:", 1)[1].strip().splitlines()
    parts = [part for line in lines for part in line.strip().split(" | ")]
    return [shlex.split(part) for part in parts]


@pytest.mark.parametrize("words", EVERY_HELP, ids=" ".join)
def test_help_ends_in_an_example_that_parses(words: list[str]) -> None:
    examples = _examples(words)
    assert examples
    for name, command, *arguments in examples:
        assert name == "rnnconv"
        COMMANDS[command].make_context(command, arguments)
    if words[0] != "--help":
        assert words[0] in {example[1] for example in examples}


def test_no_help_imports_arrays_or_models() -> None:
    code = (
        "import sys\nfrom rnnconv_cli.cli.main import main\n"
        f"status = [main(words) for words in {EVERY_HELP!r}]\n"
        f"sys.exit(str([any(status), *(name for name in {HEAVY!r} if name in sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "[False]\n"


def test_list_needs_no_arrays() -> None:
    code = (
        "import sys\nfrom rnnconv_cli.cli.main import main\n"
        "main(['list'])\nsys.exit(str([name for name in ('numpy', 'scipy', 'numba') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "[]\n"


def test_version(run: Callable[..., Any]) -> None:
    assert (run("--version").status, run("--version").out) == (0, f"rnnconv {__version__}\n")


@pytest.mark.parametrize("words", [[], ["nonsense"], ["verify", "--nonsense"], ["verify", "--seed", "-1"], ["show"]])
def test_usage_errors_exit_with_2(run: Callable[..., Any], words: list[str]) -> None:
    done = run(*words)
    assert (done.status, done.out) == (2, "")
    assert "Usage: rnnconv" in done.err


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (UnknownName("claim", "x", ("y",), ("y",)), 2, "rnnconv: found claim 'x' (did you mean y?), wanted one of y\n"),
        (SpecError((Violation("a.yaml", 3, 5, "id", "X", "x"),)), 2, "a.yaml:3:5: id: found X, wanted x\n"),
        (ResourceError("width 9", 2**40, 2**30), 2, "rnnconv: width 9: found a need of 1024.00 GiB"),
        (SelfCheckError("compiled", "reference", 1.0, 1e-9), 5, "rnnconv: self-check of backend 'compiled'"),
        (MeasurementError("width 9", "\x1b[2Jbroken"), 5, "rnnconv: width 9: \\x1b[2Jbroken\n"),
        (Interrupted(), 130, "rnnconv: interrupted; no result was written\n"),
    ],
)
def test_an_error_becomes_one_message_and_its_status(
    run: Callable[..., Any], fake: Any, error: RnnconvError, status: int, message: str
) -> None:
    fake.error = error
    done = run("verify", "perturbation-bound")
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith(message)


@pytest.mark.parametrize("words", [("results", "list", "--store"), ("new", "a", "--output")])
def test_a_name_that_no_file_can_have_is_said(run: Callable[..., Any], words: tuple[str, ...]) -> None:
    done = run(*words, "x" * 300)
    assert done.status in (2, 5)
    assert "File name too long" in done.err


def test_a_crash_stays_a_traceback(run: Callable[..., Any], fake: Any) -> None:
    fake.error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run("verify", "perturbation-bound")


def test_only_main_catches_the_root_of_the_error_tree() -> None:
    result = CliRunner().invoke(program, ["verify", "no-such-claim"])
    assert isinstance(result.exception, UnknownName)


@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_signal_ends_a_run(
    run: Callable[..., Any], fake: Any, monkeypatch: pytest.MonkeyPatch, number: int, status: int, word: str
) -> None:
    def stopped(*arguments: object) -> None:
        os.kill(os.getpid(), number)

    monkeypatch.setattr("rnnconv_cli.pipeline.verify", stopped)
    done = run("verify", "perturbation-bound")
    assert (done.status, done.out, done.err) == (status, "", f"rnnconv: {word}; no result was written\n")


def test_an_error_that_follows_from_a_signal_is_the_signal(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("no compiled object yet") from None

    monkeypatch.setattr("rnnconv_cli.pipeline.verify", broken)
    assert run("verify", "perturbation-bound").status == 130


def test_a_closed_pipe_gives_no_traceback() -> None:
    done = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$0" -m rnnconv_cli list | true; exit ${PIPESTATUS[0]}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode in {0, 141}  # 0 where the list was written before its reader went


def test_writing_into_a_pipe_without_a_reader_exits_with_141() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "rnnconv_cli", "new", "my-claim"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("words", [["list"], ["--help"], ["new", "my-claim"], ["verify", "per\u2028turb"]])
def test_an_ascii_locale_is_enough(words: list[str]) -> None:
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "rnnconv_cli", *words], env=environment, capture_output=True, check=False
    )
    assert (done.stdout + done.stderr).isascii()
    assert b"Traceback" not in done.stderr
    assert done.returncode == (2 if words[0] == "verify" else 0)


@pytest.mark.parametrize("words", ["list", "--help", "--version", "new my-claim"])
@pytest.mark.parametrize("stdout", [">&-", "1</dev/null"])
def test_a_stdout_that_takes_nothing_is_said(words: str, stdout: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m rnnconv_cli {words} {stdout}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    said = "rnnconv: standard output could not be written (Bad file descriptor)\n"
    assert (done.returncode, done.stderr) == (5, said)


def test_a_closed_stdout_is_nothing_to_a_command_that_writes_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" -m rnnconv_cli new my-claim --output "$1" >&-', sys.executable, str(tmp_path / "c.yaml")],
        check=False,
    )
    assert done.returncode == 0
    assert (tmp_path / "c.yaml").read_text().count("id: my-claim") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "perturbation-bound", "--check", "first-order-identity"),
        ("verify", "perturbation-bound", "--check", "first-order-identity", "--no-store"),
        ("verify", "perturbation-bound", "--check", "first-order-identity", "--dry-run"),
        ("report", os.devnull, "--html", "a.html"),
        ("bench", "--task", "step", "--width", "64", "--only", "numpy", "--rounds", "3"),
    ],
)
def test_a_current_folder_that_is_gone_is_said(words: tuple[str, ...], tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = 'cd "$1"; rmdir "$1"; shift; exec "$0" -c "$@"'
    program = "import sys; from rnnconv_cli.cli.main import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name != "RNNCONV_STORE"}
    done = subprocess.run(
        ["bash", "-c", script, sys.executable, str(gone), program, *words],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    said = "rnnconv: found no current folder, wanted one that exists; cd to another\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_a_file_that_is_not_there_is_no_lost_folder(run: Callable[..., Any], fake: Any) -> None:
    fake.error = FileNotFoundError()
    with pytest.raises(FileNotFoundError):
        run("verify", "perturbation-bound")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.parametrize("words", [["list"], ["--help"], ["--version"]])
def test_a_full_disk_behind_stdout_is_said(words: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "rnnconv_cli", *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 5
    assert done.stderr == "rnnconv: standard output could not be written (No space left on device)\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
def test_a_full_disk_behind_stderr_leaves_the_status() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "rnnconv_cli", "verify", "nope"], stderr=full, check=False)
    assert done.returncode == 2


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    main(["--version"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_every_command_is_named_after_its_entry() -> None:
    assert {name: command.name for name, command in COMMANDS.items()} == {name: name for name in COMMANDS}
    assert isinstance(program, click.Group)
