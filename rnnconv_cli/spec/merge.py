"""A change laid over a check: mapping by mapping, so that every value keeps the place where it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import get_args

from rnnconv_cli.errors import Violation
from rnnconv_cli.spec.claim import PathParameter, Probe
from rnnconv_cli.spec.document import MAX_DEPTH, UNREADABLE, Mark, Node, Path, name, parse, shown

# A number that follows another one is one value: half of an old law and half of a new one is neither.
WHOLE = frozenset(
    {("training", "learning_rate"), ("perturbation", "tau0"), ("perturbation", "size")}
    | {("sweep", "path", parameter) for parameter in get_args(PathParameter)}
    | {("probe", name) for name in Probe.model_fields if name != "search"}
)

# `null` takes a key away, so that its default holds again, except here, where null differs from the default.
NULL_IS_A_VALUE = frozenset({("problem", "separation")})


def laid_over(base: Node, change: Node, path: Path = ()) -> Node:
    """The base with a change's entries in place of its own; a prediction of another kind replaces the base's.

    What the reader has refused stays refused.
    """
    if base.value is UNREADABLE:
        return base
    if not change.is_mapping or not base.is_mapping or _replaces(base, change, path):
        return change
    entries = dict(base.entries)
    for key, child in change.entries.items():
        here = (*path, key)
        if takes_away(child, here):
            entries.pop(key, None)
        else:
            entries[key] = laid_over(entries[key], child, here) if key in entries else child
    return Node(entries, change.mark, change.key)


def _replaces(base: Node, change: Node, path: Path) -> bool:
    if path == ("prediction",):
        kind = change.child("kind")
        return kind is not None and kind.value != getattr(base.child("kind"), "value", None)
    return path in WHOLE


def takes_away(node: Node, path: Path) -> bool:
    """Whether a value at that path of a check is a null that lets the key's default hold again."""
    return node.value is None and path not in NULL_IS_A_VALUE


def put(base: Node, path: Path, value: Node) -> Node:
    """The base with one value at a path of keys; what is missing on the way is made, and null takes the key away."""
    return _put(base, path, value, takes_away(value, path))


def _put(base: Node, path: Path, value: Node, away: bool) -> Node:
    if base.value is UNREADABLE:
        return base
    entries = dict(base.entries)
    key, rest = str(path[0]), path[1:]
    if rest:
        entries[key] = _put(entries.get(key, Node({}, value.mark, value.key)), rest, value, away)
    elif away:
        entries.pop(key, None)
    else:
        entries[key] = value
    return Node(entries, base.mark, base.key)


def marks(node: Node) -> Iterator[Mark]:
    """Every place in a tree."""
    yield node.mark
    yield node.key
    for child in (*node.entries.values(), *node.items):
        yield from marks(child)


def override(key: str, text: str) -> tuple[Path, Node | None, tuple[Violation, ...]]:
    """A setting `KEY=TEXT` as a path inside a check, its value, and what is wrong with it."""
    where = f"--set {name(key)}"
    path = tuple(key.split("."))
    if not all(path) or len(path) > MAX_DEPTH:
        wanted = "a dotted path inside a check, such as sweep.quick.replicates"
        return path, None, (Violation(where, 1, 1, name(key), f"the key {shown(key)}", wanted),)
    if not text.strip():
        return path, None, (Violation(where, 1, 1, "", "nothing after =", "a value"),)
    node, violations = parse(text, where)
    return path, node, violations


def replicates(count: int) -> Iterable[tuple[Path, Node]]:
    """The number of draws at each point, in both profiles."""
    mark = Mark("--replicates", 1, 1)
    node = Node(count, mark, mark)
    return ((("sweep", "quick", "replicates"), node), (("sweep", "full", "replicates"), node))
