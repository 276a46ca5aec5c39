"""A text becomes a tree whose values know where they stand; what could run, expand or mislead is refused there."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.errors import SpecError
from rnnconv_cli.spec import catalogue, document
from rnnconv_cli.spec.document import MAX_BYTES, MAX_VIOLATIONS, UNREADABLE, Mark, dotted, parse, plain, shown


def refused(text: str) -> str:
    """Return what is said of a text, whether or not a tree could be made of it."""
    try:
        _, violations = parse(text, "a.yaml")
    except SpecError as error:
        return str(error)
    return "\n".join(map(str, violations))


def test_values_and_places() -> None:
    tree, violations = parse("a: 1\nb:\n  - x\n  - {c: 1e-3}\n", "a.yaml")
    assert violations == ()
    assert plain(tree) == {"a": 1, "b": ("x", {"c": 1e-3})}
    node, exists = tree.nearest(("b", 1, "c"))
    assert exists
    assert (node.mark, node.key) == (Mark("a.yaml", 4, 9), Mark("a.yaml", 4, 6))
    parent, exists = tree.nearest(("b", 1, "d"))
    assert not exists
    assert parent.mark == Mark("a.yaml", 4, 5)


def test_text_styles_are_text() -> None:
    tree, violations = parse("a: '010'\nb: \"1:30\"\nc: |\n  no\nd: >-\n  1\n  2\n", "a.yaml")
    assert violations == ()
    assert plain(tree) == {"a": "010", "b": "1:30", "c": "no\n", "d": "1 2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: 1\nb: 2\na: 3\n",
            "a.yaml:3:1: a: found the key `a` on line 3 and before it on line 1, wanted each key once",
        ),
        ("a: 010\n", "a.yaml:1:4: a: found 010, wanted a number without leading zeros (YAML 1.1 reads it as octal"),
        ("a: [1, 1:30]\n", "a.yaml:1:8: a.1: found 1:30, wanted a plain number (YAML 1.1 reads colons as base sixty"),
        ("a: .nan\n", "a.yaml:1:4: a: found .nan, wanted a finite number"),
        ("a: !!python/object/apply:os.system [ls]\n", "found the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: !!str 1\n", "a.yaml:1:4: a: found the tag tag:yaml.org,2002:str, wanted a plain value"),
        ("a: ! x\n", "found the tag !, wanted a plain value (a claim file has no tags; remove it)"),
        ("a: &x 1\n", "a.yaml:1:4: a: found the anchor &x, wanted a plain value"),
        ("a: &x 1\nb: *x\n", "a.yaml:2:4: b: found the alias *x, wanted the value itself (write it out in full)"),
        ("a: {b: 1}\nc:\n  <<: {d: 1}\n", "a.yaml:3:3: c: found the merge key <<, wanted the keys themselves"),
        ("1: x\n", "a.yaml:1:1: (document): found 1 as a key, wanted a name as a key (put it in quotes)"),
        ("[1, 2]: x\n", "found a list of 2 as a key, wanted a name as a key"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: (document): found a second document, wanted one document in a file"),
        ("", "a.yaml:1:1: (document): found an empty document, wanted a claim"),
        ("# a comment\n", "a.yaml:1:1: (document): found an empty document, wanted a claim"),
        (
            "a:\n\tb: 1\n",
            "a.yaml:2:1: (document): found character '\\t' that cannot start any token, wanted well-formed",
        ),
        ("a:\n\tb: 1\n", "(indent with spaces, not tabs)"),
        ("a: ||W|| stays small\n", "(put text that begins with a sign such as | or @ in quotes)"),
        ("a: @W\n", "(put text that begins with a sign such as | or @ in quotes)"),
        ("a: b: c\n", "a.yaml:1:5: (document): found a colon that no key can stand before, wanted well-formed YAML"),
        ("a: [1, 2\nb: 3\n", "a.yaml:2:"),
        ("a: 'x\n", "a.yaml:2:1: (document): found unexpected end of stream"),
        ("a: 1\nb: x\x00y\n", 'a.yaml:2:5: (document): found the control character "\\u0000", wanted printable text'),
        ('a: "\\0"\n', 'a.yaml:1:4: a: found the character "\\u0000" in a text, wanted printable text'),
        ('a: "\\ud800"\n', 'a.yaml:1:4: a: found the character "\\ud800" in a text'),
        ('a: "\\U00110000"\n', "found an escape or directive that no YAML reader can read"),
        (f"%YAML 1.{'9' * 5000}\n---\na: 1\n", "found an escape or directive that no YAML reader can read"),
        ("a: " + "9" * 5000, "wanted an integer of at most 18 digits"),
    ],
)
def test_refusals_say_where_and_what(text: str, message: str) -> None:
    assert message in refused(text)


def test_a_refused_value_leaves_the_rest_readable() -> None:
    tree, violations = parse("a: 010\nb: *x\nc: 3\n", "a.yaml")
    assert plain(tree) == {"a": UNREADABLE, "b": UNREADABLE, "c": 3}
    assert [violation.line for violation in violations] == [1, 2]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_absurd_nesting_is_refused_without_being_followed(opening: str) -> None:
    assert "found a nesting of more than 32 levels, wanted at most 32 levels" in refused(opening * 100_000)


def test_deep_blocks_are_refused() -> None:
    assert "found a nesting of more than 32 levels" in refused("\n".join(f"{' ' * i}a:" for i in range(600)))


def test_an_exploding_document_is_refused_before_it_expands() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)]
    message = refused("\n".join(lines))
    assert "found the alias *a0" in message
    assert message.count("\n") < MAX_VIOLATIONS


def test_a_document_above_one_mebibyte_is_refused() -> None:
    assert "a.yaml:1:1: (document): found a document of more than 1 MiB" in refused("a" * (MAX_BYTES + 1))
    assert "more than 1 MiB" in refused("ε" * (MAX_BYTES // 2 + 1))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing (null)"),
        (True, "true"),
        (1e-3, "0.001"),
        ("a\x1b[31m\n\x7f", '"a\\u001b[31m\\n\\u007f"'),
        ("ε", '"\\u03b5"'),
        ("x" * 100, f'"{"x" * 57}..."'),
        ({}, "an empty mapping"),
        ({"a": 1, "b": 2}, "a mapping with the keys a, b"),
        ((), "an empty list"),
        ((1, 2), "a list of 2"),
    ],
)
def test_found_values_are_short_and_printable(value: object, words: str) -> None:
    assert shown(value) == words


def test_paths_are_dotted_and_printable() -> None:
    assert dotted(("checks", 0, "a\x1bb")) == "checks.0.a\\u001bb"


# --- libyaml and PyYAML -----------------------------------------------------------------------------------------------


def outcome(text: str) -> object:
    """Return the tree and what was refused, or the message where there is no tree."""
    try:
        return parse(text, "a.yaml")
    except SpecError as error:
        return str(error)


ODD = (  # libyaml reads most of them otherwise than PyYAML, or where PyYAML reads nothing
    "a: b\tc\n", "[1\t2]\n", "{a?b: 1}\n", "? a\n: b\n", "a: |#x\n  b\n", "a: >-2#\n   b\n", "a: {b: , c: 1}\n",
    "- a:: \n", "---\n", "{a: ,b: 1}\n", "a: \u2028b\n", "a: b\ufeffc: d\n", "a\x85b: 1\n", "a: b\r\nc: 1\r\n",
    "a: ''\n", "'': a\n", "a:\n", "a: [,]\n", "a: null\nb: ~\n", "é: ü # ö\n", "a: 'b\n\n  c'\n",
    "a: >\n  b\n  c\n\n  d\n", "%YAML 1.1\n---\na: 1\n", "a: \x00\n",
)  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_libyaml_changes_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = outcome(text)
    monkeypatch.setattr(document, "FAST_LOADER", None)
    assert quick == outcome(text)


@pytest.mark.parametrize("path", catalogue.shipped(), ids=lambda path: path.stem)
def test_libyaml_reads_the_shipped_claims_alike(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    quick = document._quickly_parsed(text, "a.yaml") if document.FAST_LOADER else None
    monkeypatch.setattr(document, "FAST_LOADER", None)
    tree, violations = parse(text, "a.yaml")
    assert violations == ()
    assert quick in (tree, None)
