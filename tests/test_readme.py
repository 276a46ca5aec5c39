"""The README promises only what is there: commands, options, claims, targets and links."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = [shlex.split(line.partition(">")[0])[2:] for line in README.splitlines() if line.startswith("$ rnnconv ")]


@cache
def _help(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "rnnconv_cli", *command, "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def _commands() -> set[str]:
    return set(re.findall(r"^  ([a-z-]+)\b", _help().split("Commands:", 1)[1], flags=re.MULTILINE))


def test_every_command_has_an_example() -> None:
    assert {example[0] for example in EXAMPLES} == _commands()


def test_examples_use_options_that_exist() -> None:
    unknown = [
        (example[0], word)
        for example in EXAMPLES
        for word in example[1:]
        if word.startswith("--") and not re.search(rf"{word}\b", _help(example[0]))
    ]
    assert unknown == []


def test_options_in_the_text_exist() -> None:
    named = set(re.findall(r"`(--[a-z]+)", README))
    known = " ".join(_help(command) for command in _commands())
    assert {option for option in named if option not in known} == set()


def test_examples_name_claims_that_exist() -> None:
    named = {example[1] for example in EXAMPLES if example[0] in {"show", "verify"} and example[1][0] != "-"}
    shipped = {path.stem for path in (ROOT / "claims").glob("*.yaml")}
    assert {name for name in named if not name.endswith(".yaml")} <= shipped


def test_the_help_has_the_same_words_for_every_status() -> None:
    table = README.split("## Exit status", 1)[1].split("\n\nWhere several", 1)[0]
    told = dict(re.findall(r"^\| (\d[\d, ]*) \| (.*) \|$", table, flags=re.MULTILINE))
    shown = _help().split("Exit status:", 1)[1].split("\n\n", 1)[0]
    helped = dict(re.findall(r"^ +(\d+(?:, \d+)*) +(.*)$", shown, flags=re.MULTILINE))
    assert helped == {status: words.replace("`", "") for status, words in told.items()}


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []
