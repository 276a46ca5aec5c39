"""What a model refuses, in plain words: the place in the document, what was found, what was wanted.

The place that pydantic names holds the names of union members, which are not in the document. Walking the models'
annotations beside it tells the two apart, and explains a choice between forms (a number, or a law) as one.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from rnnconv_cli.spec import words
from rnnconv_cli.spec.document import MAX_VIOLATIONS, UNREADABLE, Node, Path, plain, shown
from rnnconv_cli.spec.scalar import resolve

_KEY_OF_A_MAPPING = "[key]"  # pydantic's last step where the key itself is refused
_WHY_MISSING = {
    "control": "without a control a check has no power: declare the change that must turn its verdict",
    "reason": "why its numbers are what they are, such as where a tolerance or a bound comes from",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong inside a section: the path to it, what was found, what was wanted, what to try."""

    path: Path
    found: str
    wanted: str
    hint: str = ""
    at_key: bool = False  # the key itself is wrong, not its value


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an error stands in the document, once the names of union members are taken out."""

    path: Path
    annotation: Any  # what that place allows; None at an unknown key
    parent: Any  # what the place above allows
    choice: Path | None = None  # the place of the union that was entered, its annotation, and the member entered
    choice_annotation: Any = None
    chosen: str = ""


def faults(error: ValidationError, model: type[BaseModel], tree: Node) -> tuple[Fault, ...]:
    """What pydantic found, each place once, in the order of the models; the first hundred of a hopeless document.

    Errors beneath a value that the reader has refused already are left out.
    """
    found: dict[tuple[Path, str], Fault] = {}
    for item in error.errors(include_url=False, include_input=False)[:MAX_VIOLATIONS]:
        place = _place(item["loc"], model)
        node, _ = tree.nearest(place.path)
        if node.value is UNREADABLE or len(node.items) >= item.get("ctx", {}).get("min_length", math.inf):
            continue  # pydantic counts valid elements only and calls a list of invalid ones too short
        fault = (_fault if place.choice is None else _choice_fault)(item["type"], place, tree)
        if fault is not None:
            found.setdefault((fault.path, fault.wanted), fault)
    return tuple(found.values())


def unknown(path: Path, found: str, known: Iterable[str], what: str) -> Fault:
    """An unknown key or word, with the known one that it resembles."""
    known = tuple(known)
    close = difflib.get_close_matches(found[:64], known, n=1)
    hint = f"did you mean {close[0]}?" if close else ""
    return Fault(path, f"the unknown {what} {shown(found)}", f"one of {', '.join(known)}", hint, at_key=what == "key")


def _place(loc: tuple[str | int, ...], model: type[BaseModel]) -> _Place:
    place = _Place((), model, None)
    for step in loc:
        alternatives = words.members(place.annotation)
        if len(alternatives) > 1:
            member = next((each for each in alternatives if words.label(each) == step), None)
            place = _Place(place.path, member, place.parent, place.path, place.annotation, str(step))
        elif step == _KEY_OF_A_MAPPING:
            place = _Place(place.path, None, place.parent)
        else:
            inner = _inside(alternatives[0], step) if alternatives else None
            parent = alternatives[0] if alternatives else None
            place = _Place((*place.path, step), inner, parent, place.choice, place.choice_annotation, place.chosen)
    return place


def _inside(annotation: Any, step: str | int) -> Any:
    inner = words.bare(annotation)
    if words.is_model(inner):
        return words.fields(inner).get(str(step))
    arguments = get_args(inner)
    if get_origin(inner) is tuple:
        return arguments[0]
    return arguments[1] if get_origin(inner) is dict else None


def _meant(annotation: Any, node: Node) -> Any:
    """The form of a choice that a value was meant to have: the one of its kind, else the first that shares a key."""
    kind = node.child("kind")
    for member in words.members(annotation):
        if words.kind(member):
            if kind is not None and words.kind(member) == kind.value:
                return member
        elif words.is_model(member) and words.fields(member).keys() & node.entries.keys():
            return member
    return None


def _choice_fault(error_type: str, place: _Place, tree: Node) -> Fault | None:
    """One fault for a value that has no form its place allows; a flaw inside the form it was meant to have; or none."""
    path = place.choice or ()
    node, _ = tree.nearest(path)
    meant = _meant(place.choice_annotation, node)
    if meant is None:
        wanted = words.describe(place.choice_annotation)
        return Fault(path, shown(plain(node)), wanted, _hint(node, wanted))
    return _fault(error_type, place, tree) if words.label(meant) == place.chosen else None


def _fault(error_type: str, place: _Place, tree: Node) -> Fault:
    node, _ = tree.nearest(place.path)
    key = str(place.path[-1]) if place.path else ""
    wanted, known = words.describe(place.annotation), words.choices(place.annotation)
    if error_type == "missing":
        return Fault(place.path, "nothing", f"the key {key}: {wanted}", _WHY_MISSING.get(key, ""))
    if place.annotation is None:
        return unknown(place.path, key, _keys(place.parent), "key")
    if error_type == "union_tag_not_found":
        return Fault((*place.path, "kind"), "nothing", f"the key kind: one of {', '.join(known)}")
    if error_type == "union_tag_invalid":
        kind = (*place.path, "kind")
        return unknown(kind, str(tree.nearest(kind)[0].value), known, "kind")
    if isinstance(node.value, str) and known:
        return unknown(place.path, node.value, known, "word")
    return Fault(place.path, shown(plain(node)), wanted, _hint(node, wanted))


def _keys(annotation: Any) -> tuple[str, ...]:
    """The keys that a section or a mapping may have."""
    inner = words.bare(annotation)
    return tuple(words.fields(inner)) if words.is_model(inner) else words.choices(get_args(inner)[0])


def _hint(node: Node, wanted: str) -> str:
    value = node.value
    if isinstance(value, str) and "number" in wanted and isinstance(resolve(value), int | float):
        return "remove the quotes"
    if isinstance(value, float) and wanted.startswith("a whole number") and value.is_integer():
        return f"write {value:.0f}"
    if wanted.startswith("a list") and isinstance(value, str | int | float):
        said = str(value)
        is_short = len(said) < 40 and said.isascii() and said.isprintable()
        return f"write [{said}]" if is_short else "put it in square brackets"
    return ""
