"""The shipped JSON Schema is that of the models, and knows a valid claim from a broken one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rnnconv_cli.spec.catalogue import shipped
from rnnconv_cli.spec.document import parse, plain
from rnnconv_cli.spec.schema import DIALECT, SHIPPED, rendered

BASE = Path(__file__).with_name("claim.yaml")


def as_json(path: Path) -> Any:
    """Return a claim file as JSON values."""
    tree, violations = parse(path.read_text(encoding="utf-8"), path.name)
    assert violations == ()
    return json.loads(json.dumps(plain(tree)))


def test_the_shipped_file_is_that_of_the_models() -> None:
    assert SHIPPED.read_text(encoding="ascii") == rendered(), "run python -m rnnconv_cli.spec.schema"


def test_it_is_a_schema_of_its_dialect() -> None:
    schema = json.loads(rendered())
    assert schema["$schema"] == DIALECT
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", [BASE, *shipped()], ids=lambda path: path.stem)
def test_valid_claims_are_valid(path: Path) -> None:
    jsonschema.Draft202012Validator(json.loads(rendered())).validate(as_json(path))


@pytest.mark.parametrize(("key", "value"), [("schema", 2), ("id", "Not An Id"), ("unknown", 1), ("checks", [])])
def test_broken_claims_are_not(key: str, value: object) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(rendered()))
    assert not validator.is_valid({**as_json(BASE), key: value})


def test_the_base_of_these_tests_names_it_on_its_first_line() -> None:
    first = BASE.read_text(encoding="utf-8").splitlines()[0]
    assert (BASE.parent / first.split("$schema=")[1]).resolve() == SHIPPED


def test_the_base_reads_alike_elsewhere() -> None:
    """Another reader sees the same document, but for the numbers that YAML 1.1 takes for text."""
    text = BASE.read_text(encoding="utf-8").replace("1e-3", "0.001")
    assert json.loads(json.dumps(yaml.safe_load(text))) == as_json(BASE)
