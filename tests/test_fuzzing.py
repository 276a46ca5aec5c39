"""Claim files that nobody meant: a claim or a refusal comes out, never anything else, and nothing in them runs."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rnnconv_cli.errors import SpecError, UsageError
from rnnconv_cli.spec import catalogue
from rnnconv_cli.spec.loader import LoadedClaim, load_bytes
from rnnconv_cli.spec.template import claim_text
from rnnconv_cli.sweep.plan import arms, make_plan, profile_of

TEMPLATE = claim_text("made-up")
TEXTS = tuple(path.read_text(encoding="utf-8") for path in catalogue.shipped())
TREES = tuple(yaml.safe_load(text) for text in (*TEXTS, TEMPLATE))
PLACE = re.compile(r"^made up:\d+:\d+: \S.*: found .+, wanted .+", re.DOTALL)
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
LARGEST_PLAN = 3000  # trials, beyond which a test does not make a plan

RUNS_CODE = (  # each makes the file under PyYAML's unsafe loader, before it returns
    "!!python/object/apply:os.system ['touch {file}']",
    "!!python/object/apply:subprocess.check_call [['touch', '{file}']]",
    "!!python/object/apply:builtins.eval [\"open('{file}', 'w').close()\"]",
    "!!python/object/apply:builtins.open ['{file}', 'w']",
)
OTHER_TAGS = (
    "!!python/object/new:subprocess.Popen [['touch', '{file}']]",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/tuple [1, 2]",
    "!include {file}",
)
PLAIN_TEXTS = ("${{touch {file}}}", "$(touch {file})", "a {{{{ open('{file}', 'w') }}}}", "file://{file}")
WORDS = (
    "", "null", "~", "true", "no", "0", "-1", "1", "1e308", "1e400", "-1e-400", ".inf", "-.inf", ".nan", "1_000",
    "0x10", "0o7", "1:30", "2026-01-01", "999999999999999999", "1" * 400, "[]", "{}", "[1, 2", "{a: 1", "[[[[[[[[",
    "&a [*a]", "*nowhere", "&a {<<: *a}", "<<", "? x", "|", ">", "---", "...", "%YAML 9.9", "\t", "\x00", "\ufeff",
    "\u2028", "\U0001f600", "'", '"', "#", "- ", ": ", "[bold red]x[/]", "\x1b[31m", "id", "width", "full", "quick",
    *RUNS_CODE, *OTHER_TAGS, *PLAIN_TEXTS,
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(("width", "horizon", "event", "exponent", "frontier", "decay", "decades", "gd", "float32", "relu")),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)


@st.composite
def mutated_texts(draw: st.DrawFn) -> bytes:
    """A shipped claim file with a few lines, words or bytes that somebody has spoilt."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(st.sampled_from(SPOILING))(draw, lines, lines[at])
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    if draw(st.booleans()):
        return data
    spoilt = bytearray(data)
    for _ in range(draw(st.integers(0, 3))):
        spoilt[draw(st.integers(0, len(spoilt) - 1))] = draw(st.integers(0, 255))
    return bytes(spoilt[: draw(st.integers(len(spoilt) // 2, len(spoilt)))])


def _without(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    return []


def _twice(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    return [line, line]


def _from_elsewhere(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    return [line, draw(st.sampled_from(lines))]


def _indented(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    return [" " * draw(st.integers(0, 8)) + line.lstrip()]


def _another_value(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    key, colon, _ = line.partition(":")
    return [f"{key}{colon} {draw(st.sampled_from(WORDS))}"]


def _another_number(draw: st.DrawFn, lines: list[str], line: str) -> list[str]:
    return [re.sub(r"\d+", lambda _: draw(st.sampled_from(WORDS)), line, count=1)]


SPOILING: tuple[Callable[[st.DrawFn, list[str], str], list[str]], ...] = (
    _without,
    _twice,
    _from_elsewhere,
    _indented,
    _another_value,
    _another_number,
)


@st.composite
def mutated_trees(draw: st.DrawFn) -> bytes:
    """A claim whose values somebody has replaced, removed or added to, somewhere."""
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(tree))))
        match draw(st.sampled_from(("replace", "remove", "add"))):
            case "replace":
                holder[key] = draw(VALUES)
            case "remove":
                del holder[key]
            case _ if isinstance(holder, dict):
                holder[draw(st.text(max_size=12))] = draw(VALUES)
            case _:
                holder.append(draw(VALUES))
    return json.dumps(tree).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = tree if isinstance(tree, dict) else range(len(tree))
    for key in keys:
        yield tree, key
        if isinstance(tree[key], dict | list):
            yield from _places(tree[key])


def n_trials(claim: LoadedClaim) -> int:
    """About how many trials a claim asks for."""
    total = 0
    for check in claim.checks:
        for _, arm in arms(check):
            for profile in ("quick", "full"):
                amount = profile_of(arm, profile)
                widths = len(amount.widths) or 1
                adversaries = len(arm.perturbation.adversaries) if arm.perturbation else 1
                total += max(1, len(amount.grid)) * widths * amount.replicates * adversaries
    return total


def read(data: bytes) -> LoadedClaim | SpecError:
    try:
        return load_bytes(data, "made up")
    except SpecError as refusal:
        return refusal


def plan_or_refusal(claim: LoadedClaim, profile: str) -> str:
    try:
        make_plan([claim], profile=profile, seed=0)
    except (SpecError, UsageError) as refusal:
        return str(refusal)
    return ""


def assert_read_or_refused(data: bytes) -> None:
    found = read(data)
    if isinstance(found, SpecError):
        assert 0 < len(found.violations) <= 200
        for text in map(str, found.violations):
            assert PLACE.match(text)
            assert len(text) < 2000
            assert not CONTROLS.search(text)
    elif n_trials(found) <= LARGEST_PLAN:
        for said in (plan_or_refusal(found, profile) for profile in ("quick", "full")):
            assert not said or PLACE.match(said)


BOTH = mutated_texts() | mutated_trees()


@given(BOTH)
@settings(max_examples=300)
@example(b"")
@example(b"\xff\xfe")
@example(b"a: " + b"[" * 5000)
@example(b"&a [" * 40 + b"]" * 40)
@example(b"".join(b"a%d: &a%d [%s]\n" % (k, k, b"*a%d," % (k - 1) * 9 if k else b"x") for k in range(12)))
def test_a_claim_or_a_refusal(data: bytes) -> None:
    assert_read_or_refused(data)


@pytest.mark.slow
@given(BOTH)
@settings(max_examples=10_000)
def test_a_claim_or_a_refusal_ten_thousand_times(data: bytes) -> None:
    assert_read_or_refused(data)


KEYS = ("title", "statement", "checks", "id", "schema", "source")


def spoilt(key: str, form: str, file: Path) -> bytes:
    """The template with this form, as it stands, for the value of a key."""
    tree = {name: value for name, value in yaml.safe_load(TEMPLATE).items() if name != key}
    return f"{yaml.safe_dump(tree)}{key}: {form.format(file=file)}\n".encode()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # a file that a form opens, nobody closes
@pytest.mark.parametrize("form", RUNS_CODE)
def test_another_loader_runs_the_code(form: str, tmp_path: Path) -> None:
    file = tmp_path / "canary"
    yaml.unsafe_load(spoilt("title", form, file))
    assert file.exists()


@pytest.mark.parametrize("form", [*RUNS_CODE, *OTHER_TAGS])
@pytest.mark.parametrize("key", KEYS)
def test_no_code_in_a_claim_file_runs(form: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "canary"
    found = read(spoilt(key, form, file))
    assert not file.exists()
    assert isinstance(found, SpecError)
    assert f": {key}: found the tag " in str(found)
    assert "wanted a plain value (a claim file has no tags; remove it)" in str(found)


@pytest.mark.parametrize("form", PLAIN_TEXTS)
def test_what_templates_and_shells_would_run_is_plain_text(form: str, tmp_path: Path) -> None:
    file = tmp_path / "canary"
    found = read(spoilt("title", form, file))
    assert isinstance(found, LoadedClaim)
    assert found.claim.title == form.format(file=file)
    assert not file.exists()
