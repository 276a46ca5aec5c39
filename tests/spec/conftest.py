"""A valid claim with one check of each kind, and what is said of it once it is broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnconv_cli.errors import SpecError
from rnnconv_cli.spec.loader import NO_OVERRIDES, Overrides, loads

Refuse = Callable[..., str]


@pytest.fixture(scope="session")
def base() -> str:
    """Return the text of the valid claim."""
    return Path(__file__).with_name("claim.yaml").read_text(encoding="utf-8")


def refusal(text: str, overrides: Overrides = NO_OVERRIDES) -> str:
    """Return the message of a text that must be refused, with `claim.yaml` as its origin."""
    with pytest.raises(SpecError) as caught:
        loads(text, "claim.yaml", overrides)
    return str(caught.value)


@pytest.fixture(scope="session")
def refuse() -> Refuse:
    """Return the function that loads a text which must be refused, and gives back the message."""
    return refusal


@pytest.fixture(scope="session")
def broken(base: str) -> Refuse:
    """Return the function that puts new text for old in the valid claim, loads it, and gives back the message."""

    def broken(*replacements: tuple[str, str]) -> str:
        text = base
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        return refusal(text)

    return broken
