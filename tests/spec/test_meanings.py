"""Every key of every section has a meaning, said as a sentence, and no key has one that is not there."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel

from rnnconv_cli.spec import claim as models
from rnnconv_cli.spec.meanings import MEANINGS
from rnnconv_cli.spec.schema import SHIPPED
from rnnconv_cli.spec.words import fields

SECTIONS = [
    each
    for each in vars(models).values()
    if isinstance(each, type) and issubclass(each, models.Model) and each not in (models.Model, models.Arm)
]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda each: each.__name__)
def test_every_key_has_a_meaning(section: type[BaseModel]) -> None:
    assert set(MEANINGS[section]) == set(fields(section))


def test_no_other_model_has_one() -> None:
    assert set(MEANINGS) == set(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda each: each.__name__)
def test_a_meaning_is_a_sentence(section: type[BaseModel]) -> None:
    wrong = [key for key, text in MEANINGS[section].items() if not text.endswith(".") or len(text) > 140]
    assert wrong == []


def test_an_editor_is_told() -> None:
    shipped = json.loads(SHIPPED.read_text(encoding="ascii"))
    shown = shipped["$defs"]["Problem"]["properties"]["separation"]["description"]
    assert shown == MEANINGS[models.Problem]["separation"]
    assert shipped["properties"]["checks"]["description"] == MEANINGS[models.Claim]["checks"]
