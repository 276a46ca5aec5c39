"""Unquoted words are read as their author meant them, or not at all."""

from __future__ import annotations

import pytest

from rnnconv_cli.spec.scalar import Refusal, resolve


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("1e-3", 1e-3),
        ("1e5", 1e5),
        ("1E-3", 1e-3),
        ("-2e+3", -2e3),
        ("1.0e-3", 1e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("0.0", 0.0),
        ("-0", 0),
        ("0", 0),
        ("+12", 12),
        ("123456789012345678", 123456789012345678),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_numbers_truth_values_and_null(word: str, value: float | bool | None) -> None:
    found = resolve(word)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "word",
    [
        "no",
        "yes",
        "on",
        "off",
        "No",
        "True",
        "FALSE",
        "y",
        "n",
        "1/d",
        "1/m",
        "2020-01-01",
        "e5",
        "-",
        ".",
        "1e",
        "4th",
    ],
)
def test_other_words_are_text(word: str) -> None:
    assert resolve(word) == word


@pytest.mark.parametrize(
    ("word", "wanted", "hint"),
    [
        ("010", "without leading zeros", "octal"),
        ("-007", "without leading zeros", "octal"),
        ("00.5", "without leading zeros", "drop the zeros"),
        ("1:30", "plain number", "base sixty"),
        ("1:30:00.5", "plain number", "base sixty"),
        ("0x1F", "decimal", "base ten"),
        ("0o17", "decimal", "base ten"),
        ("0b101", "decimal", "base ten"),
        ("1_000", "without underscores", "digits alone"),
        (".nan", "finite", "quotes"),
        ("NaN", "finite", "quotes"),
        ("-.inf", "finite", "quotes"),
        ("inf", "finite", "quotes"),
        ("Infinity", "finite", "quotes"),
        ("1e999", "finite", "float64"),
        ("1e-999", "float64 can hold", "zero"),
        ("1234567890123456789", "at most 18 digits", ""),
        ("9" * 100_000, "at most 18 digits", ""),
        ("0." + "3" * 100, "at most 64 characters", ""),
    ],
)
def test_refusals_say_what_to_write(word: str, wanted: str, hint: str) -> None:
    found = resolve(word)
    assert isinstance(found, Refusal)
    assert wanted in found.wanted
    assert hint in found.hint
