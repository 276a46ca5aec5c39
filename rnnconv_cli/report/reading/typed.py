"""Records of a stored document: each field of the type that it declares, or a TypeError that says which is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from rnnconv_cli.report.reading.parts import items, number, section, whole, word

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Part = TypeVar("Part", bound="DataclassInstance")
OPEN_ENDS = {"low": -math.inf, "rate_low": -math.inf, "high": math.inf, "rate_high": math.inf}
OUT_OF_REACH = ("widths", "widths_low", "widths_high", "ratios", "ratios_low", "ratios_high")


def made(record: type[Part], values: Mapping[str, Any]) -> Part:
    """A record of words and finite numbers."""
    return record(**{each.name: _typed(str(each.type), each.name, values) for each in fields(record)})


def estimated(record: type[Part], values: Mapping[str, Any]) -> Part:
    """A record of an estimate, whose numbers that are not finite are stored as null.

    An end that is null is open, a width that is null is out of reach, and any other number is not known.
    Raises ValueError where a column is longer than another, or a point is not known.
    """
    columns = {len(items(values, each.name)) for each in fields(record) if each.name in ("points", *OUT_OF_REACH)}
    if len(columns) > 1:
        raise ValueError("a point lacks its numbers")
    return record(**{each.name: _estimated(str(each.type), each.name, values) for each in fields(record)})


def maybe(part: Mapping[str, Any], key: str) -> float | None:
    """The finite number under a key, or None where it has none."""
    return None if part[key] is None else number(part[key])


def truth(part: Mapping[str, Any], key: str) -> bool:
    """The yes or no under a key."""
    if not isinstance(part[key], bool):
        raise TypeError(f"{key} is neither true nor false")
    return bool(part[key])


def _typed(declared: str, name: str, values: Mapping[str, Any]) -> Any:
    if declared.endswith("| None") and values[name] is None:
        return None
    match declared.removesuffix(" | None"):
        case "str":
            return word(values, name)
        case "int":
            return whole(values[name])
        case "tuple[float, ...]":
            return tuple(map(number, items(values, name)))
        case "tuple[int, ...]":
            return tuple(map(whole, items(values, name)))
        case "tuple[str, ...]":
            return tuple(word({name: each}, name) for each in items(values, name))
        case "float":
            return number(values[name])
    raise NotImplementedError(f"{name}: {declared}")


def _estimated(declared: str, name: str, values: Mapping[str, Any]) -> Any:
    match declared:
        case "float":
            return OPEN_ENDS.get(name, math.nan) if values[name] is None else number(values[name])
        case "tuple[float, ...]":
            if name == "points":
                return tuple(map(number, items(values, name)))
            unknown = math.inf if name in OUT_OF_REACH else math.nan
            return tuple(unknown if each is None else number(each) for each in items(values, name))
        case "tuple[float, float, float]":
            ends = section(values, name)
            return tuple(_estimated("float", each, ends) for each in ("value", "low", "high"))
    return _typed(declared, name, values)
