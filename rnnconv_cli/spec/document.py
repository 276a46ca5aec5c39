"""A YAML text as a tree of values that know where they stand.

Read from YAML's events rather than from its composed nodes, so that an alias, an explicit tag or absurd nesting is
refused where it stands, before anything is expanded, constructed or run.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

import yaml

from rnnconv_cli.errors import SpecError, Violation
from rnnconv_cli.spec.scalar import Refusal, Scalar, resolve

MAX_BYTES = 2**20
MAX_DEPTH = 32
MAX_VIOLATIONS = 100  # a hostile text is not read further than this
FAST_LOADER = getattr(yaml, "CSafeLoader", None)  # libyaml, ten times as fast, where PyYAML was built with it
READ_OTHERWISE = re.compile("[\t?\r\x85\u2028\u2029\ufeff]|[|>][-+0-9]*#")  # by libyaml than by PyYAML

Path = tuple[str | int, ...]


class Unreadable(Enum):
    """Stands for a value that was refused while reading, so that the rest of the document can still be checked."""

    UNREADABLE = "unreadable"


UNREADABLE: Final = Unreadable.UNREADABLE


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text, counted from 1."""

    where: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Node:
    """A value, where it stands, and where the key that leads to it stands."""

    value: Scalar | Unreadable | tuple[Node, ...] | Mapping[str, Node]
    mark: Mark
    key: Mark

    @property
    def is_mapping(self) -> bool:
        """Whether the value has keys."""
        return isinstance(self.value, Mapping)

    @property
    def entries(self) -> Mapping[str, Node]:
        """The entries of a mapping; none for any other value."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def items(self) -> tuple[Node, ...]:
        """The elements of a list; none for any other value."""
        return self.value if isinstance(self.value, tuple) else ()

    def child(self, step: str | int) -> Node | None:
        """The entry of that key, or the element of that index."""
        if isinstance(step, str):
            return self.entries.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None

    def nearest(self, path: Iterable[str | int]) -> tuple[Node, bool]:
        """The node at a path, or the last one on the way to it, and whether the path was followed to its end."""
        node = self
        for step in path:
            child = node.child(step)
            if child is None:
                return node, False
            node = child
        return node, True


def plain(node: Node) -> Any:
    """The bare value of a tree: dict, tuple, str, int, float, bool or None (`UNREADABLE` where it was refused)."""
    if isinstance(node.value, Mapping):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(plain(child) for child in node.value)
    return node.value


def shown(value: object) -> str:
    """A value as a message names it: short, ASCII, control characters escaped."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return f"a mapping with the keys {_shortened(', '.join(map(str, value)))}" if value else "an empty mapping"
    if isinstance(value, tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    return f'"{_shortened(str(value))}"'


def dotted(path: Path) -> str:
    """A path as a message names it: `checks.0.sweep.quick.grid`."""
    return ".".join(name(step) for step in path)


def name(key: str | int) -> str:
    """A key as a message names it."""
    return _shortened(str(key))


def _shortened(text: str) -> str:
    escaped = json.dumps(text[:61])[1:-1].replace("\x7f", "\\u007f")
    return escaped if len(text) <= 60 else f"{escaped[:57]}..."


def parse(text: str, where: str) -> tuple[Node, tuple[Violation, ...]]:
    """The tree of one YAML document, and what was refused in it.

    Raises SpecError where no tree can be made: too large, not YAML, empty, several documents, nested too deeply.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise too_large(where)
    quick = _quickly_parsed(text, where)
    if quick is not None:
        return quick, ()
    reader = _Reader(where)
    try:
        return reader.document(yaml.parse(text, Loader=yaml.SafeLoader)), tuple(reader.violations)
    except yaml.YAMLError as error:
        syntax = _syntax_violation(error, text, where)
    except (ValueError, OverflowError):  # PyYAML lets these through for "\U00110000" and %YAML 1.<thousands of digits>
        syntax = Violation(where, 1, 1, "", "an escape or directive that no YAML reader can read", "well-formed YAML")
    raise SpecError((*reader.violations, syntax))


def _quickly_parsed(text: str, where: str) -> Node | None:
    """The tree as libyaml reads it; None where PyYAML might read it otherwise, or has something to say about it."""
    if FAST_LOADER is None or READ_OTHERWISE.search(text):
        return None
    reader = _Reader(where)
    try:
        root = reader.document(yaml.parse(text, Loader=FAST_LOADER))
    except (SpecError, yaml.YAMLError, ValueError, OverflowError):
        return None
    return None if reader.violations or reader.has_gaps else root


def too_large(where: str) -> SpecError:
    """The refusal of a document that is not read at all because of its size."""
    return _refused(Mark(where, 1, 1), (), "a document of more than 1 MiB", "at most 1 MiB")


def _refused(mark: Mark, path: Path, found: str, wanted: str, hint: str = "") -> SpecError:
    return SpecError((Violation(mark.where, mark.line, mark.column, dotted(path), found, wanted, hint),))


def _syntax_violation(error: yaml.YAMLError, text: str, where: str) -> Violation:
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        found = f"the control character {json.dumps(chr(error.character))}" if isinstance(error.character, int) else ""
        return Violation(where, line, column, "", found or "a byte that is not text", "printable text in UTF-8")
    line, column, problem = 1, 1, str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = str(error.problem or error.context)
    problem, hint = problem[:200].removeprefix("found ").encode("ascii", "backslashreplace").decode("ascii"), ""
    if "\\t" in problem or "tab" in problem:
        hint = "indent with spaces, not tabs"
    elif "mapping values are not allowed" in problem:
        problem, hint = "a colon that no key can stand before", "put text that holds a colon in quotes"
    elif "chomping or indentation indicators" in problem or "cannot start any token" in problem:
        hint = "put text that begins with a sign such as | or @ in quotes"
    return Violation(where, line, column, "", problem, "well-formed YAML", hint)


@dataclass(slots=True)
class _Reader:
    """Turns the events of one text into a tree; keeps what it refuses on the way."""

    where: str
    violations: list[Violation] = field(default_factory=list)
    has_gaps: bool = False  # a scalar without a letter, which libyaml puts elsewhere than PyYAML does

    def document(self, events: Iterator[yaml.Event]) -> Node:
        opening = next(event for event in events if not isinstance(event, yaml.StreamStartEvent))
        if isinstance(opening, yaml.StreamEndEvent):
            raise _refused(Mark(self.where, 1, 1), (), "an empty document", "a claim")
        root = self._node(next(events), events, ())
        next(events)  # the end of the document
        following = next(events)
        if isinstance(following, yaml.DocumentStartEvent):
            self._refuse(self._mark(following), (), "a second document", "one document in a file", "remove the `---`")
        return root

    def _mark(self, event: yaml.Event) -> Mark:
        start = event.start_mark
        return Mark(self.where, start.line + 1, start.column + 1) if start else Mark(self.where, 1, 1)

    def _refuse(self, mark: Mark, path: Path, found: str, wanted: str, hint: str = "") -> None:
        self.violations += _refused(mark, path, found, wanted, hint).violations
        if len(self.violations) >= MAX_VIOLATIONS:
            raise SpecError(tuple(self.violations))

    def _node(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path, key: Mark | None = None) -> Node:
        mark = self._mark(event)
        if len(path) > MAX_DEPTH:
            self._refuse(mark, path[:4], "a nesting of more than 32 levels", "at most 32 levels")
            raise SpecError(tuple(self.violations))
        value: Scalar | Unreadable | tuple[Node, ...] | Mapping[str, Node] = UNREADABLE
        if isinstance(event, yaml.AliasEvent):
            self._refuse(
                mark, path, f"the alias *{name(str(event.anchor))}", "the value itself", "write it out in full"
            )
            return Node(value, mark, key or mark)
        self._refuse_decoration(event, mark, path)
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(events, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, path)
        elif isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, mark, path)
        return Node(value, mark, key or mark)

    def _refuse_decoration(self, event: yaml.Event, mark: Mark, path: Path) -> None:
        anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
        if anchor is not None:
            self._refuse(mark, path, f"the anchor &{name(anchor)}", "a plain value", "write values out in full")
        if tag is not None:
            self._refuse(mark, path, f"the tag {name(tag)}", "a plain value", "a claim file has no tags; remove it")

    def _sequence(self, events: Iterator[yaml.Event], path: Path) -> tuple[Node, ...]:
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, (*path, len(items))))
        return tuple(items)

    def _mapping(self, events: Iterator[yaml.Event], path: Path) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            mark = self._mark(event)
            key = self._key(event, events, path)
            child = self._node(next(events), events, (*path, "?" if key is None else key), mark)
            if key is None:
                continue
            if key in entries:
                first = entries[key].key.line
                found = f"the key `{name(key)}` on line {mark.line} and before it on line {first}"
                self._refuse(mark, (*path, key), found, "each key once", "remove one of the two")
                continue
            entries[key] = child
        return entries

    def _key(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> str | None:
        mark = self._mark(event)
        if isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style:
            self._refuse(mark, path, "the merge key <<", "the keys themselves", "write them out in full")
            return None
        before = len(self.violations)
        node = self._node(event, events, (*path, "?"))
        if isinstance(node.value, str):
            return node.value
        if len(self.violations) == before:
            self._refuse(mark, path, f"{shown(plain(node))} as a key", "a name as a key", "put it in quotes")
        return None

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark, path: Path) -> Scalar | Unreadable:
        text = event.value
        self.has_gaps |= not text
        value = resolve(text) if not event.style and event.tag is None else text
        if isinstance(value, Refusal):
            self._refuse(mark, path, name(text), value.wanted, value.hint)
            return UNREADABLE
        odd = "" if not isinstance(value, str) or value.isprintable() else next(filter(_is_control, value), "")
        if odd:
            self._refuse(mark, path, f"the character {json.dumps(odd)} in a text", "printable text")
            return UNREADABLE
        return value


def _is_control(letter: str) -> bool:
    return letter not in "\n\t" and unicodedata.category(letter) in ("Cc", "Cs")
