"""Annotations in plain words."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import pytest
from pydantic import BaseModel, Field

from rnnconv_cli.spec import words
from rnnconv_cli.spec.claim import (
    Arm,
    Claim,
    Fragment,
    Law,
    Number,
    Perturbation,
    Prediction,
    Problem,
    Profile,
    Training,
)


@pytest.mark.parametrize(
    ("model", "key", "text"),
    [
        (Problem, "width", "a whole number from 1 to 1000000000"),
        (Problem, "separation", "a number above 0 and at most 1"),
        (Problem, "output_variance", "one of 1/d, 1/m"),
        (Perturbation, "tau0", "a positive number, or a law {coefficient, parameter, power}"),
        (
            Training,
            "learning_rate",
            "a positive number, or a law {coefficient, parameter, power}, or {over_lambda_max}",
        ),
        (Training, "accuracy", "a number above 0 and below 1"),
        (Profile, "grid", "a list of 0 to 1000 entries, each a positive number"),
        (Arm, "quantity", "a lower-case name such as hidden-norm-upper"),
        (Arm, "sweep", "a mapping {quick, full}"),
        (Claim, "schema", "1"),
        (Claim, "title", "a text of 1 to 200 characters"),
        (Law, "power", "a number"),
    ],
)
def test_keys_of_the_models(model: type[BaseModel], key: str, text: str) -> None:
    assert words.describe(words.fields(model)[key]) == text


def test_a_tagged_choice_is_told_by_its_kinds() -> None:
    text = "a mapping whose kind is one of exponent, attainment, growth, event, identity, decay, frontier"
    assert words.describe(Prediction) == text


def test_lower_bounds() -> None:
    assert words.describe(Annotated[float, Field(ge=0)]) == "a number of at least 0"
    assert words.describe(str) == "a text"
    assert words.describe(dict[str, Any]) == "a mapping"


def test_members_keep_their_constraints() -> None:
    assert words.members(Number) == get_args(Number)
    assert words.members(Fragment) == (Fragment,)
    assert words.label(words.members(Prediction)[0]) == "exponent"
    assert words.label(Law) == "Law"
