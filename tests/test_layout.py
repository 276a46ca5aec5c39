"""The tree keeps its own rules: layers, mirrored tests, claims that name their schema, nothing left lying about."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "rnnconv_cli"
CLAIMS = sorted((ROOT / "claims").glob("*.yaml"))
TEXT = {".py", ".pyi", ".toml", ".txt", ".md", ".yaml", ".yml", ".json", ""}
PLACES = ("rnnconv_cli", "claims", "tests", "docs", "benchmarks", "stubs", ".ci")
WHOLE_TREE = {
    "test_ci_docs.py",
    "test_fuzzing.py",
    "test_in_browser.py",
    "test_layout.py",
    "test_manual.py",
    "test_packaging.py",
    "test_readme.py",
    "test_reliability.py",
    "test_tutorial.py",
}  # tests of no single module
LONG = {
    Path("records.py"): "read from top to bottom, it is the data-flow",
    Path("kernels/compiled.py"): "the functions of reference.py in the same order, to be read beside it",
}

# Written in two halves, so that this file does not hold what it looks for.
UNFINISHED = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX:"]))
SILENCED = re.compile("|".join([r"#\s*type:\s*" + "ignore", r"#\s*no" + "qa", r"#\s*pragma: no" + " cover"]))
MACHINE = re.compile("|".join([r"/ho" + r"me/\w", r"/ro" + r"ot/\w", r"/wo" + r"rk/\w", r"/Us" + r"ers/\w"]))
INDEX = re.compile("|".join(["--(extra-)?ind" + "ex-url", r"--find-" + "links", r"https?://\S*/sim" + "ple"]))


def _texts() -> Iterator[tuple[Path, str]]:
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for place in PLACES:
        files += [path for path in (ROOT / place).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted(files):
        if path.suffix in TEXT and path.name not in {".coverage", ".git"}:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")


def test_imports_point_down() -> None:
    lint = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, no_logo=True))"
    done = subprocess.run([sys.executable, "-c", lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "pattern", [UNFINISHED, SILENCED, MACHINE, INDEX], ids=["unfinished", "silenced", "machine", "index"]
)
def test_nothing_is_left_lying_about(pattern: re.Pattern[str]) -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda path: path.stem)
def test_claim_names_its_schema_on_the_first_line(claim: Path) -> None:
    first = claim.read_text(encoding="utf-8").splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match is not None, first
    assert (claim.parent / match[1]).is_file()


def test_tests_mirror_the_package() -> None:
    stray = []
    for test in (ROOT / "tests").rglob("test_*.py"):
        inside = test.relative_to(ROOT / "tests")
        if inside.parts[0] == "controls" or (len(inside.parts) == 1 and inside.name in WHOLE_TREE):
            continue
        module = PACKAGE / inside.parent / inside.name.removeprefix("test_")
        if not module.is_file():
            stray.append(str(inside))
    assert sorted(stray) == []


def test_architecture_shows_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawing = text.split("## Layout", 1)[1].split("```")[1]
    modules = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"}
    drawn: set[Path] = set()
    room = Path()
    for line in drawing.split("\nrnnconv_cli/\n", 1)[1].splitlines():
        heading = re.match(r" {2}([\w/]+)/", line)
        if heading:
            room = Path(heading[1])
        elif re.match(r" {2}\S", line):
            room = Path()
        drawn |= {room / name for name in re.findall(r"\b\w+\.py\b", line)}
    assert {"not drawn": sorted(map(str, modules - drawn)), "only drawn": sorted(map(str, drawn - modules))} == {
        "not drawn": [],
        "only drawn": [],
    }


def test_long_files_have_a_reason() -> None:
    lengths = {path.relative_to(PACKAGE): len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path for path, length in lengths.items() if length > 320} <= set(LONG)


@pytest.mark.parametrize("path", sorted((ROOT / "claims").glob("*.yaml")), ids=lambda path: path.stem)
def test_claim_files_fit_a_screen(path: Path) -> None:
    lengths = {number: len(line) for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)}
    assert {number for number, length in lengths.items() if length > 120} == set()
