from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.document import SCHEMA
from rnnconv_cli.report.reading import parts
from rnnconv_cli.report.reading.parts import (
    STORED_RESULT,
    Form,
    ident,
    items,
    key_of_trial,
    number,
    parsed,
    section,
    undamaged,
    whole,
    word,
)
from rnnconv_cli.spec.claim import Fragment

PART: dict[str, Any] = {"word": "a", "part": {"b": 1}, "list": [1, 2]}


def test_parts_of_their_types() -> None:
    assert (word(PART, "word"), section(PART, "part"), items(PART, "list")) == ("a", {"b": 1}, [1, 2])
    assert (number(2), number(0.5), whole(-3)) == (2.0, 0.5, -3)


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (number, True), (number, "1"), (number, float("nan")), (number, None),
        (whole, True), (whole, 1.0), (whole, "1"),
        (lambda value: word({"key": value}, "key"), 1),
        (lambda value: section({"key": value}, "key"), []),
        (lambda value: items({"key": value}, "key"), {}),
    ],
)  # fmt: skip
def test_any_other_type_is_damage(read: Callable[[Any], Any], value: Any) -> None:
    damaged = r"found a damaged result in r\.json .*, wanted one as it was written"
    with pytest.raises(UsageError, match=damaged), undamaged("r.json"):
        read(value)


@pytest.mark.parametrize(
    "text",
    [
        "a", "a1", "perturbation-bound", "a" * 64, "a-1",
        "", "A", "1a", "-a", "--all", "a-", "a--b", "a_b", "a b", "a\n", "a;b", "a=b", "é", "a٣", "a" * 65,
    ],
)  # fmt: skip
def test_an_id_is_what_a_claim_file_may_have_for_one(text: str) -> None:
    try:
        TypeAdapter(Fragment).validate_python(text)
    except ValidationError:
        with pytest.raises(UsageError, match=r"found a damaged result in r\.json .*wanted small letters and digits"):
            read_one(ident, text)
    else:
        assert read_one(ident, text) == text


def test_a_key_of_a_trial_is_that_of_a_run() -> None:
    assert read_one(key_of_trial, "0123456789ab") == "0123456789ab"
    for text in ("", "0123456789a", "0123456789abc", "0123456789AB", "-123456789ab", "0123456789ab\n"):
        with pytest.raises(UsageError, match="wanted the 12 hexadecimal digits of a trial's key"):
            read_one(key_of_trial, text)


def read_one(read: Callable[[dict[str, Any], str], str], text: str) -> str:
    with undamaged("r.json"):
        return read({"one": text}, "one")


@pytest.mark.parametrize(("limit", "text"), [("MOST_PARTS", "[[[],{}]]"), ("MOST_VALUES", "[0,0,0,0,0]")])
def test_more_parts_than_memory_may_hold_are_counted_before_they_are_made(
    limit: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, limit, 3)
    with pytest.raises(UsageError, match=r"found more parts than a document of ours has in r\.json, wanted a result"):
        parsed(text, "r.json")
    monkeypatch.setattr(parts, limit, 4)
    with pytest.raises(UsageError, match=r"a document of no schema in r\.json"):
        parsed(text, "r.json")


@pytest.mark.parametrize("value", [1.1e300, -1.7e308, float("inf"), float("nan"), True, "1"])
def test_numbers_that_no_run_gives(value: object) -> None:
    with pytest.raises(TypeError, match=r"is no finite number of at most 1e\+300"):
        number(value)


def test_damage_is_told_in_a_few_words() -> None:
    with pytest.raises(UsageError) as caught, undamaged("r.json"):
        number("x" * 10**6)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ('{"schema": 1,\n"claims": [', "line 2: it ends within the document"),
        ('{"schema": 1,\n\n"claims', "line 3: it ends within the document"),
        ('{"schema": 1,\n"claims": x}', "line 2: Expecting value"),
        ("[" * 100_000, "parts within parts without end"),
        ('{"schema": NaN}', "NaN is not JSON"),
        ('{"a": 1, "a": 2}', "a key stands twice in one mapping"),
        ("9" * 10_000, "Exceeds the limit"),
    ],
)
def test_no_json(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(text, "r.json")
    assert str(caught.value).startswith(f"found no strict JSON in r.json ({why}")
    assert str(caught.value).endswith("wanted a result; write one by `rnnconv verify --output results.json`")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("null", "a document of no schema"),
        ("[]", "a document of no schema"),
        ('{"schema": 1}', "a document of the schema 1"),
        ('{"schema": "rnnconv-/2"}', "a document of the schema 'rnnconv-/2'"),
        ('{"schema_version": "rnnconv-baseline/1"}', "a baseline (rnnconv-baseline/1)"),
        ('{"schema": "rnnconv-bench/3"}', "a bench (rnnconv-bench/3)"),
        ('{"schema": "rnnconv-baseline/7"}', "a baseline (rnnconv-baseline/7)"),
        ('{"schema_version": "rnnconv-result/1"}', "a result (rnnconv-result/1)"),
    ],
)
def test_another_document_is_named(text: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(text, "r.json")
    assert str(caught.value).startswith(f"found {what} in r.json, wanted a result ({SCHEMA}); write one by ")


def test_a_newer_document_is_called_newer() -> None:
    with pytest.raises(UsageError) as caught:
        parsed('{"schema": "rnnconv-result/12"}', "r.json")
    assert str(caught.value) == (
        f"found a newer result (rnnconv-result/12) in r.json, wanted a result ({SCHEMA}); "
        "read it with the version of rnnconv that wrote it"
    )
    baseline = Form("baseline", "rnnconv-baseline/3", "write one", key="schema_version")
    with pytest.raises(UsageError, match=r"^found a baseline \(rnnconv-baseline/2\) in b\.json, .*; write one$"):
        parsed('{"schema_version": "rnnconv-baseline/2"}', "b.json", baseline)


def test_a_claim_file_is_no_result() -> None:
    with pytest.raises(UsageError) as caught:
        parsed("schema: 1\nid: my-claim\n", "n.yaml")
    assert str(caught.value) == f"found the claim file n.yaml, wanted a result; {STORED_RESULT.hint}"


def test_a_part_that_is_missing_is_named() -> None:
    with (
        pytest.raises(UsageError, match=r"found a damaged result in r\.json \(nothing at 'seed'\)"),
        undamaged("r.json"),
    ):
        word({}, "seed")
