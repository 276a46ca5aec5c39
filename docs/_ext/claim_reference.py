"""Every key of a claim file, every quantity and every adversary, as the program itself knows them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin

from markdown_text import literal, table
from pydantic import BaseModel

from rnnconv_cli.adversary import ADVERSARIES
from rnnconv_cli.adversary.sparse_rows import SPARSE_ROW_ADVERSARIES
from rnnconv_cli.measure import MEASUREMENTS, Measurement
from rnnconv_cli.spec import claim, words
from rnnconv_cli.spec.meanings import MEANINGS

TITLES: Mapping[type[BaseModel], str] = {
    claim.Claim: "The file",
    claim.Source: "source",
    claim.Check: "checks",
    claim.Problem: "problem",
    claim.Sweep: "sweep",
    claim.Profile: "sweep: quick and full",
    claim.Search: "sweep: search",
    claim.ExponentPrediction: "prediction: exponent",
    claim.AttainmentPrediction: "prediction: attainment",
    claim.GrowthPrediction: "prediction: growth",
    claim.EventPrediction: "prediction: event",
    claim.IdentityPrediction: "prediction: identity",
    claim.DecayPrediction: "prediction: decay",
    claim.FrontierPrediction: "prediction: frontier",
    claim.Control: "control",
    claim.Exhibit: "beside",
    claim.Perturbation: "perturbation",
    claim.Probe: "probe",
    claim.Training: "training",
    claim.Law: "A number that follows a parameter",
    claim.InverseLambdaMax: "A step in units of the kernel",
}

ONE_OF_THEM: Mapping[type[BaseModel], str] = {
    claim.Check: "a check",
    claim.Exhibit: "an exhibit",
    claim.Law: "a law",
    claim.InverseLambdaMax: "a multiple of 1/λ_max",
}


# --- keys of a claim file ---------------------------------------------------------------------------------------------


def keys() -> Iterator[str]:
    """Lines of Markdown: a section with a table for each section of a claim file."""
    for model, title in TITLES.items():
        yield from ("", f"({_target(model)})=", f"### {title}", "", f"{inspect.getdoc(model)}", "")
        yield from table(("key", "what it may be", "unless given", "meaning"), _rows(model))


def _rows(model: type[BaseModel]) -> Iterator[Sequence[str]]:
    for key, annotation in words.fields(model).items():
        field = next(each for name, each in model.model_fields.items() if key in (name, each.alias))
        default = "*required*" if field.is_required() else _default(field.default)
        yield f"`{key}`", _allowed(annotation), default, literal(MEANINGS[model][key])


def _default(value: object) -> str:
    if value in (None, (), {}, ""):
        return "none"
    if value == claim.ALL_PRECONDITIONS:
        return "all of them"
    return f"`{value}`"


def _allowed(annotation: Any) -> str:
    """What an annotation allows, with links to the sections that it leads to."""
    members = words.members(annotation)
    if all(map(words.kind, members)):
        return f"one of the kinds {', '.join(f'[{words.kind(each)}](#{_target(each)})' for each in members)}"
    return " or ".join(map(_one, members))


def _one(annotation: Any) -> str:
    inner = words.bare(annotation)
    if words.is_model(inner):
        named = literal(ONE_OF_THEM.get(inner, f"the section {TITLES[inner]}"))
        return f"[{named}](#{_target(inner)})"
    if get_origin(inner) is tuple:
        size = literal(words.describe(annotation).split(", each ", 1)[0])
        return f"{size}, each {_allowed(get_args(inner)[0])}"
    if get_origin(inner) is dict and words.is_model(get_args(inner)[1]):
        key, value = get_args(inner)
        return f"a mapping from {_allowed(key)} to {_allowed(value)}"
    known = words.choices(annotation)
    return ", ".join(f"`{word}`" for word in known) if known else literal(words.describe(annotation))


def _target(model: type[BaseModel]) -> str:
    return f"key-{re.sub('[^a-z]+', '-', TITLES[model].lower())}"


# --- quantities and adversaries ---------------------------------------------------------------------------------------


def quantities() -> Iterator[str]:
    """Lines of Markdown: a table for each theme, with what a check must have for each quantity."""
    themes: dict[str, list[tuple[str, Measurement]]] = {}
    for name, each in MEASUREMENTS.items():
        theme = inspect.getdoc(inspect.getmodule(each.measure)) or ""
        themes.setdefault(theme.split("\n\n", 1)[0], []).append((name, each))
    for theme, found in themes.items():
        yield from ("", f"### {literal(theme).rstrip('.')}", "")
        rows = (
            (f"`{name}`", literal(_said(each.measure)), ", ".join(f"`{need}`" for need in each.needs))
            for name, each in found
        )
        yield from table(("quantity", "what it is", "needs"), rows)


def adversaries() -> Iterator[str]:
    """Lines of Markdown: a table of what a perturbation may name."""
    named: tuple[tuple[str, Callable[..., object]], ...] = (*ADVERSARIES.items(), *SPARSE_ROW_ADVERSARIES.items())
    yield from table(
        ("adversary", "how it looks for W'"), ((f"`{name}`", literal(_said(each))) for name, each in named)
    )


def _said(described: Callable[..., object]) -> str:
    """The first paragraph of what a function says of itself."""
    return (inspect.getdoc(described) or "").split("\n\n", 1)[0]
