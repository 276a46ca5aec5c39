"""A manifest has one form, and every part of it is checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.evidence.manifest import NEEDED, Manifest, Member, manifest_from, text_of
from rnnconv_cli.spec.loader import Overrides

MEMBERS = tuple(Member(name, 10, "0" * 64, 7, 5, "f" * 64) for name in NEEDED)
OVERRIDES = Overrides((("problem.width", "8"), ("sweep.quick.grid", "[1, 2]")), 3, ("one", "two"))
MANIFEST = Manifest("0.1.0", (("jinja2", "3.1"),), OVERRIDES, MEMBERS)


def test_nothing_is_lost() -> None:
    assert manifest_from(text_of(MANIFEST), "b.zip") == MANIFEST


def test_another_form_of_the_same_is_refused() -> None:
    document = json.loads(text_of(MANIFEST))
    for text in (json.dumps(document), text_of(MANIFEST).decode() + " "):
        with pytest.raises(UsageError, match=r"a manifest of another form in b\.zip"):
            manifest_from(text.encode(), "b.zip")
    document["note"] = "unread"
    with pytest.raises(UsageError, match="a manifest of another form"):
        manifest_from((json.dumps(document, indent=1) + "\n").encode(), "b.zip")


@pytest.mark.parametrize("text", [b"", b"[", b"\xff", b"[" * 10**5])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(UsageError, match=r"no strict JSON in MANIFEST\.json of b\.zip"):
        manifest_from(text, "b.zip")


@pytest.mark.parametrize("text", [b"[]", b'{"schema": "rnnconv-bundle/2"}', b"{}"])
def test_another_document_is_refused(text: bytes) -> None:
    found = r"a (document of no schema|newer bundle \(rnnconv-bundle/2\)) in MANIFEST\.json of b\.zip"
    with pytest.raises(UsageError, match=rf"{found}, wanted a bundle's manifest \(rnnconv-bundle/1\)"):
        manifest_from(text, "b.zip")


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("overrides"),
        lambda found: found.update(members={}),
        lambda found: found["overrides"].update(set=["a"]),
        lambda found: found["overrides"].update(set=[["a"]]),
        lambda found: found["overrides"].update(set=[["a", 1]]),
        lambda found: found["overrides"].update(replicates=1.5),
        lambda found: found["overrides"].update(checks=[1]),
        lambda found: found["drawn_with"].update(jinja2=3),
        lambda found: found["members"][0].update(size="1"),
        lambda found: found["members"][0].update(size=True),
        lambda found: found["members"][0].pop("sha256"),
    ],
)
def test_a_damaged_part_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(text_of(MANIFEST))
    change(document)
    with pytest.raises(UsageError, match=r"a damaged bundle's manifest in b\.zip"):
        manifest_from(json.dumps(document).encode(), "b.zip")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"size": -1}, "-1 bytes in the member README"),
        ({"packed_size": 0}, "packed in 0"),
        ({"crc32": 2**32}, "packed in 5"),
        ({"sha256": "0" * 63}, "wanted SHA-256 in hexadecimal digits"),
        ({"packed_sha256": "Z" * 64}, "wanted SHA-256 in hexadecimal digits"),
    ],
)
def test_a_number_that_no_member_has_is_refused(values: dict[str, Any], said: str) -> None:
    document = json.loads(text_of(MANIFEST))
    document["members"][0].update(values)
    with pytest.raises(UsageError, match=said):
        manifest_from(json.dumps(document).encode(), "b.zip")
