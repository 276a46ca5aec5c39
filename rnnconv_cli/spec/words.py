"""What an annotation of the claim's models allows, in plain words."""

from __future__ import annotations

import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from rnnconv_cli.spec.claim import InverseLambdaMax, Law

_MODEL_NAMES: Mapping[type[BaseModel], str] = {Law: "a law ", InverseLambdaMax: ""}


def members(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of an annotation without `None`, each with its constraints; one where there is no choice."""
    origin = get_origin(annotation)
    if origin is Annotated and len(inner := members(get_args(annotation)[0])) > 1:
        return inner
    if origin in (Union, types.UnionType):
        return tuple(inner for member in get_args(annotation) for inner in members(member))
    return () if annotation is type(None) else (annotation,)


def bare(annotation: Any) -> Any:
    """An annotation without its constraints."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Whether an annotation is a section with keys of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@cache
def fields(model: type[BaseModel]) -> dict[str, Any]:
    """Key in the document → annotation with its constraints."""
    hints = get_type_hints(model, include_extras=True)
    return {field.alias or key: hints[key] for key, field in model.model_fields.items()}


def label(member: Any) -> str:
    """What pydantic calls a member of a union: its kind where it has one, else the name of its class."""
    return kind(member) or (member.__name__ if is_model(member) else "")


def kind(member: Any) -> str:
    """The kind that a model is tagged with; empty for every other annotation."""
    return str(get_args(fields(member)["kind"])[0]) if is_model(member) and "kind" in member.model_fields else ""


def choices(annotation: Any) -> tuple[str, ...]:
    """The words that an annotation allows, or the kinds of a tagged model; empty where it has no such list."""
    alternatives = members(annotation)
    if len(alternatives) == 1 and get_origin(bare(alternatives[0])) is Literal:
        return tuple(str(word) for word in get_args(bare(alternatives[0])))
    kinds = tuple(kind(member) for member in alternatives)
    return kinds if all(kinds) else ()


def describe(annotation: Any) -> str:
    """What an annotation allows, as the end of a sentence that begins with `wanted`."""
    alternatives = members(annotation)
    if len(alternatives) != 1:
        kinds = choices(annotation)
        if kinds:
            return f"a mapping whose kind is one of {', '.join(kinds)}"
        return ", or ".join(describe(member) for member in alternatives)
    if words := choices(annotation):
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    return _describe_one(alternatives[0])


def _describe_one(annotation: Any) -> str:
    inner, limits = bare(annotation), _limits(annotation)
    if is_model(inner):
        required = [field.alias or key for key, field in inner.model_fields.items() if field.is_required()]
        keys = f"{{{', '.join(required)}}}" if required else ""
        return f"{_MODEL_NAMES.get(inner, 'a mapping ')}{keys}".rstrip()
    if inner is int:
        return _number("whole number", limits)
    if inner is float:
        return _number("number", limits)
    if inner is str:
        if "pattern" in limits and "min_length" not in limits:
            return "a lower-case name such as hidden-norm-upper"
        more = ", not all of them blank" if "pattern" in limits else ""
        size = f" of {limits.get('min_length', 0)} to {limits['max_length']} characters" if limits else ""
        return f"a text{size}{more}"
    if get_origin(inner) is tuple:
        least = limits.get("min_length", 0)
        size = f" of {least} to {limits['max_length']} entries" if "max_length" in limits else ""
        return f"a list{size}, each {describe(get_args(inner)[0])}"
    return "a mapping"


def _limits(annotation: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for info in get_args(annotation)[1:] if get_origin(annotation) is Annotated else ():
        for item in info.metadata:
            for key in ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern"):
                if (value := getattr(item, key, None)) is not None:
                    found[key] = value
    return found


def _number(noun: str, limits: Mapping[str, Any]) -> str:
    least, most = limits.get("ge"), limits.get("le")
    if limits == {"gt": 0}:
        return f"a positive {noun}"
    if least is not None and most is not None:
        return f"{least}" if least == most else f"a {noun} from {least} to {most}"
    words = {"gt": "above", "ge": "of at least", "lt": "below", "le": "at most"}
    bounds = " and ".join(f"{words[key]} {value:g}" for key, value in limits.items())
    return f"a {noun} {bounds}".rstrip()
