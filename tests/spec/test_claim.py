"""The models hold what a single section can know."""

from __future__ import annotations

import math
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel, ValidationError

from rnnconv_cli.spec.claim import Arm, Check, Law, Problem, Profile, Source
from rnnconv_cli.spec.merge import NULL_IS_A_VALUE


def test_a_law_follows_its_parameter() -> None:
    law = Law(coefficient=4.0, parameter="horizon", power=2.0, at_least=256.0)
    assert law.at(4) == 256.0
    assert law.at(16) == 1024.0


def test_a_law_beyond_float64_is_infinite() -> None:
    assert Law(coefficient=1.0, parameter="width", power=1e6).at(2.0) == math.inf


@pytest.mark.parametrize("change", [{"width": True}, {"width": "3"}, {"separation": math.nan}, {"depth": 3}])
def test_sections_are_strict_and_closed(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Problem.model_validate(change)


def test_whole_numbers_serve_as_numbers() -> None:
    assert Profile.model_validate({"grid": (1, 2), "replicates": 3}).grid == (1.0, 2.0)


def test_records_are_frozen() -> None:
    with pytest.raises(ValidationError):
        Problem().__setattr__("width", 3)


def test_every_key_where_null_is_not_the_default_is_listed() -> None:
    """`null` in a change takes a key away; where a model's null means something else, the merge must know."""
    hints = get_type_hints(Arm)
    found = set()
    for section in Arm.model_fields:
        for model in (hints[section], *get_args(hints[section])):
            if get_origin(model) is None and isinstance(model, type) and issubclass(model, BaseModel):
                found |= {(section, key) for key, value in model.model_fields.items() if _means_null(model, key, value)}
    assert found == NULL_IS_A_VALUE


def _means_null(model: type[BaseModel], key: str, field: Any) -> bool:
    return type(None) in get_args(get_type_hints(model)[key]) and field.default is not None


def test_a_check_is_an_arm() -> None:
    assert Arm.model_fields.keys() < Check.model_fields.keys()


@pytest.mark.parametrize(
    ("page", "text"),
    [("", "P, (1)"), ("7", "P, (1), p. 7"), ("7, 24", "P, (1), p. 7, 24"), ("App. B", "P, (1), App. B")],
)
def test_a_source_leaves_out_what_is_missing(page: str, text: str) -> None:
    assert Source(paper="P", statement="(1)", page=page).text == text
