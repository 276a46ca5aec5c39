"""The manual: built without a network and without a warning, whole in itself, and about a program that exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click
import pytest
from markdown_it import MarkdownIt

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.cli.main import program
from rnnconv_cli.measure import MEASUREMENTS
from rnnconv_cli.report import FORMATS, SUFFIXES
from rnnconv_cli.spec.meanings import MEANINGS
from rnnconv_cli.spec.words import fields

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md") if path.name != "findings.template.md")
SCHEMA = json.loads((ROOT / "rnnconv_cli" / "report" / "result.schema.json").read_text(encoding="utf-8"))
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
TIMEOUT = 300.0  # seconds; a hang must not hold a test run for ever
WITHOUT_A_NETWORK = """
import socket, sys

def refuse(*_):
    raise OSError("the manual is built without a network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
raise SystemExit(main(sys.argv[1:]))
"""


def _commands(command: click.Command, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield words, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _commands(each, (*words, name))


COMMANDS = dict(_commands(program, ("rnnconv",)))


class Page(HTMLParser):
    """What a page links to, what it loads, and the places that it can be entered at."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.places: set[str] = set()
        self.headings = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element refers to."""
        found = dict(attrs)
        self.places |= {each for name in ("id", "name") if (each := found.get(name))}
        self.headings += tag == "h1"
        if tag == "a" and (target := found.get("href")):
            self.links.append(target)
        elif tag in LOADED and (target := found.get(LOADED[tag])):
            self.loaded.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built manual; a warning would end the build."""
    built = tmp_path_factory.mktemp("site")
    strict = ["-W", "--keep-going", "-n", "-q", "-d", str(tmp_path_factory.mktemp("doctrees"))]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_NETWORK, *strict, str(DOCS), str(built)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return built


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}


def test_every_page_is_there_under_one_heading(site: Path, pages: dict[Path, Page]) -> None:
    assert {path.with_suffix("").name for path in PAGES} <= {path.with_suffix("").name for path in pages}
    assert {path.name: pages[site / path.with_suffix(".html").name].headings for path in PAGES} == {
        path.name: 1 for path in PAGES
    }


def test_every_link_inside_leads_somewhere(pages: dict[Path, Page]) -> None:
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            places = pages[target].places if target in pages else set()
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in places):
                broken.append((path.name, link))
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    """Fonts, scripts, styles and pictures are files of the site; elsewhere is where plain links lead, by https."""
    foreign = [(path.name, each) for path, page in pages.items() for each in page.loaded if _is_elsewhere(each)]
    styles = list(site.rglob("*.css"))
    foreign += [
        (path.name, each)
        for path in styles
        for each in re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')]+)", path.read_text(encoding="utf-8"))
        if _is_elsewhere(each)
    ]
    assert foreign == []
    assert styles
    assert {urlsplit(link).scheme for page in pages.values() for link in page.links} <= {"", "https"}


def _is_elsewhere(reference: str) -> bool:
    return bool(urlsplit(reference).netloc) or urlsplit(reference).scheme not in ("", "data")


def _text(site: Path, page: str) -> str:
    return (site / f"{page}.html").read_text(encoding="utf-8")


def test_the_reference_of_the_claim_file_is_complete(site: Path) -> None:
    shown = set(re.findall(r'<span class="pre">([^<]+)</span>', _text(site, "claim-file")))
    keys = {key for model in MEANINGS for key in fields(model)}
    assert sorted((keys | MEASUREMENTS.keys() | ADVERSARIES.keys() | SPARSE_ROW_ADVERSARIES.keys()) - shown) == []


def test_the_reference_of_the_command_line_is_complete(site: Path) -> None:
    shown = _text(site, "cli")
    assert re.findall("<h[23]>(rnnconv[^<]*)<", shown) == [" ".join(words) for words in COMMANDS]
    options = {each for command in COMMANDS.values() for option in command.params for each in option.opts}
    assert sorted(each for each in options if each.startswith("--") and each not in shown) == []


def test_the_reference_of_formats_is_complete(site: Path) -> None:
    shown = set(re.findall(r'<span class="pre">([^<]+)</span>', _text(site, "formats")))
    assert sorted((FORMATS.keys() | SUFFIXES.keys()) - shown) == []


def test_nothing_that_is_generated_is_left_out(site: Path, pages: dict[Path, Page]) -> None:
    asked = [name for page in PAGES for name in re.findall(r"<!-- .* -->", page.read_text(encoding="utf-8"))]
    assert len(asked) == 5
    assert [path.name for path in pages for name in asked if name in path.read_text(encoding="utf-8")] == []


def test_every_part_of_a_result_is_explained() -> None:
    text = (DOCS / "formats.md").read_text(encoding="utf-8")
    check = SCHEMA["$defs"]["check"]["properties"]
    observation = SCHEMA["$defs"]["observation"]["properties"]
    named = {*SCHEMA["properties"], *check, *observation}
    assert sorted(name for name in named if f"`{name}`" not in text) == []


# --- what the pages promise -------------------------------------------------------------------------------------------


def _examples() -> Iterator[tuple[str, str]]:
    """Every command that a page shows, in a block or in a line, with the page's name."""
    for page in PAGES:
        for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
            lines = token.content.splitlines() if token.type == "fence" else ()
            inline = (each.content for each in token.children or () if each.type == "code_inline")
            for text in (*lines, *inline):
                if match := re.match(r"(?:\$ )?(rnnconv [a-z].*)", text):
                    yield page.name, match[1]


def test_every_command_on_a_page_exists() -> None:
    unknown = []
    for page, line in _examples():
        words = shlex.split(re.split(r"[|>;]", line)[0])
        command = next((COMMANDS[found] for k in (3, 2) if (found := tuple(words[:k])) in COMMANDS), None)
        options = {"--help"}
        options |= (
            {each for option in command.params for each in option.opts + option.secondary_opts} if command else set()
        )
        wrong = [word for word in words if word[0] == "-" and len(word) > 1 and word.split("=")[0] not in options]
        unknown += [(page, line, wrong)] if wrong or command is None else []
    assert unknown == []
