"""The text of a new claim validates as it stands, whatever its id."""

from __future__ import annotations

from pathlib import Path

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.spec.loader import loads
from rnnconv_cli.spec.schema import SHIPPED
from rnnconv_cli.spec.template import claim_text


@pytest.mark.parametrize("claim_id", ["norms-stay-bounded", "a", "true", "null", "no", "nan", "x2-3"])
def test_it_validates(claim_id: str) -> None:
    assert loads(claim_text(claim_id), "new.yaml").claim.id == claim_id


def test_it_names_the_schema_on_its_first_line() -> None:
    assert claim_text("a").splitlines()[0] == f"# yaml-language-server: $schema={SHIPPED.as_uri()}"


def test_the_schema_may_lie_in_a_folder_with_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rnnconv_cli.spec.template.SHIPPED", Path("/my folder/claim.schema.json"))
    assert claim_text("a").splitlines()[0].endswith("$schema=file:///my%20folder/claim.schema.json")


def test_it_is_commented_ascii_of_at_most_120_columns() -> None:
    lines = claim_text("a").splitlines()[1:]
    assert sum("#" in line for line in lines) > 20
    assert all(line.isascii() and len(line) <= 120 for line in lines)


@pytest.mark.parametrize("claim_id", ["", "Lemma B.3", "a_b", "../a", "a\n", "a" * 65, "3-a"])
def test_other_ids_are_refused(claim_id: str) -> None:
    with pytest.raises(
        UsageError, match="wanted a lower-case id of at most 64 letters, digits and hyphens; for example"
    ):
        claim_text(claim_id)
