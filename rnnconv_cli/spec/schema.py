"""The JSON Schema of a claim file, for editors; `python -m rnnconv_cli.spec.schema` writes the shipped copy."""

from __future__ import annotations

import json
from pathlib import Path

from rnnconv_cli.spec.claim import Claim

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHIPPED = Path(__file__).with_name("claim.schema.json")


def rendered() -> str:
    """The schema as the text of the shipped file."""
    schema = {"$schema": DIALECT, **Claim.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=True, allow_nan=False) + "\n"


if __name__ == "__main__":
    SHIPPED.write_text(rendered(), encoding="ascii")
