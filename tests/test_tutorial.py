"""The tutorial does what it shows: every block is carried out in an empty folder, in order, in one shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from rnnconv_cli import __version__
from rnnconv_cli.spec.loader import loads

ROOT = Path(__file__).resolve().parent.parent
TUTORIAL = ROOT / "docs" / "tutorial.md"
NAMED = re.compile(r"yaml (\S+)")
PROMPT, ASK = "$ ", "$ echo $?"
LEFT_OUT = "..."
TIMEOUT = 900.0  # seconds; only a hang takes as long


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader is told to write."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A line to type, and what the page shows below it."""

    line: int
    text: str
    shown: str
    asks_status: bool = False  # the next line shows how it ended


Step = File | Command


def _steps() -> tuple[Step, ...]:
    tokens = MarkdownIt().parse(TUTORIAL.read_text(encoding="utf-8"))
    return tuple(
        step for token in tokens if token.type == "fence" for step in _of(token.info, token.content, token.map)
    )


def _of(info: str, content: str, place: Sequence[int] | None) -> Iterator[Step]:
    if named := NAMED.fullmatch(info):
        yield File(named[1], content)
    elif info == "console":
        yield from _commands(content, place[0] + 1 if place else 0)


def _commands(block: str, first: int) -> Iterator[Command]:
    found: list[Command] = []
    for number, line in enumerate(block.splitlines(), start=first + 1):
        if line.startswith(PROMPT):
            if line == ASK:
                found[-1] = replace(found[-1], asks_status=True)
            found.append(Command(number, line.removeprefix(PROMPT), ""))
        else:
            found[-1] = replace(found[-1], shown=f"{found[-1].shown}{line}\n")
    yield from found


def _blocks(language: str) -> tuple[str, ...]:
    tokens = MarkdownIt().parse(TUTORIAL.read_text(encoding="utf-8"))
    return tuple(token.content for token in tokens if token.type == "fence" and token.info == language)


STEPS = _steps()
COMMANDS = [step for step in STEPS if isinstance(step, Command)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Carry out the page, and return the folder with what each command has written, by its line in the page."""
    folder, kept = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("record")
    (kept / "script.sh").write_text("\n".join(_scripted(kept)), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RNNCONV_", "COLUMNS"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["bash", str(kept / "script.sh")],
        cwd=folder,
        env={**environment, "PATH": path, "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=True,
    )
    return kept


def _scripted(kept: Path) -> Iterator[str]:
    for index, step in enumerate(STEPS):
        if isinstance(step, File):
            (kept / str(index)).write_text(step.text, encoding="utf-8")
            yield f"cp '{kept / str(index)}' '{step.name}'"
        else:
            base = f"'{kept}'/{step.line}"
            yield f"{{ {step.text}\n}} >{base}.out 2>{base}.err"
            yield f"status=$?; echo $status >{base}.status; (exit $status)"
    yield "exit 0"


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.line}: {command.text}")
def test_a_command_shows_what_the_page_shows(command: Command, record: Path) -> None:
    status = int((record / f"{command.line}.status").read_text())
    found, said = ((record / f"{command.line}.{end}").read_text(encoding="utf-8") for end in ("out", "err"))
    assert status == 0 or command.asks_status, said
    wanted = ".*".join(map(re.escape, command.shown.split(LEFT_OUT)))
    assert re.fullmatch(wanted, found if status == 0 else found + said, re.DOTALL), f"{found}{said}"


@pytest.mark.slow
def test_the_tool_is_installed_as_the_page_says(tmp_path: Path) -> None:
    """In a copy of the checkout, from the one block of the page that needs a package index."""
    (install,) = _blocks("bash")
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "results"))
    done = subprocess.run(
        ["bash", "-e", "-c", f"{install}\nrnnconv --version\ncommand -v rnnconv"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [
        f"rnnconv {__version__}",
        str(checkout / "rnnconv-env" / "bin" / "rnnconv"),
    ]


def test_no_command_is_shown_without_any_of_its_output() -> None:
    assert [command.text for command in COMMANDS if command.shown.strip() == LEFT_OUT] == []


@pytest.mark.parametrize("file", [step for step in STEPS if isinstance(step, File)], ids=lambda file: file.name)
def test_a_file_to_write_is_a_valid_claim(file: File) -> None:
    assert loads(file.text, file.name).claim.id == Path(file.name).stem
