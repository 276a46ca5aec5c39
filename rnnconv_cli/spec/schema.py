"""The JSON Schema of a claim file, for editors; `python -m rnnconv_cli.spec.schema` writes the shipped copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rnnconv_cli.spec.claim import Claim
from rnnconv_cli.spec.meanings import MEANINGS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHIPPED = Path(__file__).with_name("claim.schema.json")


def rendered() -> str:
    """The schema as the text of the shipped file."""
    schema = {"$schema": DIALECT, **_explained(Claim.model_json_schema(by_alias=True))}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


def _explained(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the meaning of every key, which an editor shows beside it."""
    sections = {Claim.__name__: schema, **schema["$defs"]}
    for model, meanings in MEANINGS.items():
        for key, meaning in meanings.items():
            sections[model.__name__]["properties"][key]["description"] = meaning
    return schema


if __name__ == "__main__":
    SHIPPED.write_text(rendered(), encoding="ascii")
