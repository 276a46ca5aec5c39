"""What a bundle says that it holds: its members with their digests, and what the run laid over its claim files.

A manifest is a stranger's data. It has one form only, so that a byte that changes nothing cannot be changed either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rnnconv_cli.errors import UsageError
from rnnconv_cli.report.reading.parts import ID, Form, items, parsed, section, undamaged, whole, word
from rnnconv_cli.report.reading.typed import made
from rnnconv_cli.spec.loader import Overrides

SCHEMA = "rnnconv-bundle/1"
MANIFEST, README, RESULT, ENVIRONMENT = "MANIFEST.json", "README.txt", "result.json", "environment.json"
TABLE, PAGE = "report.txt", "report.html"
CLAIM = re.compile(rf"claims/{ID.pattern}\.yaml", re.ASCII)
NAMES = frozenset({README, RESULT, ENVIRONMENT, TABLE, PAGE})
NEEDED = (README, RESULT, ENVIRONMENT, TABLE)
DIGEST = re.compile("[0-9a-f]{64}", re.ASCII)
FORM = Form("bundle's manifest", SCHEMA, "make one by `rnnconv bundle results.json -o evidence.zip`")

MOST_MANIFEST = 2**20  # bytes: claims by the hundred need a tenth of it
MOST_MEMBERS = 1000
MOST_BYTES = 2**31  # of all members, unpacked: several times the full profile
MOST_RESULT = 2**30
MOST_TEXT = 2**26  # of any other member
MOST_RATIO = 200  # of bytes unpacked to bytes packed; results have 5 to 50
SMALL = 2**20  # bytes that any ratio may lead to


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a bundle, as it is and as it is packed."""

    name: str
    size: int  # bytes
    sha256: str
    crc32: int
    packed_size: int  # bytes
    packed_sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle holds beside its manifest, and how its claim files are to be read."""

    tool_version: str
    drawn_with: tuple[tuple[str, str], ...]  # libraries that the page depends on, with their versions
    overrides: Overrides
    members: tuple[Member, ...]


def claim_member(claim: str) -> str:
    """The name of the member that holds the file of a claim."""
    return f"claims/{claim}.yaml"


def text_of(manifest: Manifest) -> bytes:
    """The manifest as the one JSON document that says it."""
    overrides = manifest.overrides
    document = {
        "schema": SCHEMA,
        "tool": {"name": "rnnconv", "version": manifest.tool_version},
        "drawn_with": dict(manifest.drawn_with),
        "overrides": {
            "set": [list(pair) for pair in overrides.settings],
            "replicates": overrides.replicates,
            "checks": list(overrides.checks),
        },
        "members": [asdict(member) for member in manifest.members],
    }
    return (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()


def manifest_from(data: bytes, origin: str) -> Manifest:
    """The manifest of a text. Raises UsageError where it is none, or names what no bundle holds."""
    found = parsed(data.decode("utf-8", "replace"), f"{MANIFEST} of {origin}", FORM)
    with undamaged(origin, FORM):
        overrides, drawn_with = section(found, "overrides"), section(found, "drawn_with")
        replicates = None if overrides["replicates"] is None else whole(overrides["replicates"])
        manifest = Manifest(
            word(section(found, "tool"), "version"),
            tuple((name, word(drawn_with, name)) for name in drawn_with),
            Overrides(tuple(_pairs(items(overrides, "set"))), replicates, tuple(_words(overrides, "checks"))),
            tuple(made(Member, each) for each in items(found, "members")),
        )
    _refuse_unsafe(manifest.members, origin)
    if text_of(manifest) != data:
        raise UsageError(f"a manifest of another form in {origin}", "the one that `rnnconv bundle` writes", FORM.hint)
    return manifest


def _pairs(settings: Sequence[object]) -> Iterator[tuple[str, str]]:
    for each in settings:
        if not isinstance(each, list):
            raise TypeError("a setting is no list")
        key, value = each
        yield word({"a key": key}, "a key"), word({"a value": value}, "a value")


def _words(part: Mapping[str, Any], key: str) -> Iterator[str]:
    return (word({key: each}, key) for each in items(part, key))


def _refuse_unsafe(members: Sequence[Member], origin: str) -> None:
    """Raise UsageError for members that no bundle has: by their names, their sizes or their digests."""
    names = [member.name for member in members]
    if len(members) > MOST_MEMBERS:
        raise UsageError(f"{len(members):,} members in {origin}", f"at most {MOST_MEMBERS:,}", FORM.hint)
    for name in names:
        if name not in NAMES and not CLAIM.fullmatch(name):
            raise UsageError(f"a member named {name!r} in {origin}", "only those that a bundle has", FORM.hint)
        if names.count(name) > 1:
            raise UsageError(f"the member {name} more than once in {origin}", "each once", FORM.hint)
    for name in NEEDED:
        if name not in names:
            raise UsageError(f"no member {name} in {origin}", "all that a bundle has", FORM.hint)
    for member in members:
        _refuse_sizes(member, origin)
    total = sum(member.size for member in members)
    if total > MOST_BYTES:
        raise UsageError(f"members of {total:,} bytes in {origin}", f"at most {MOST_BYTES:,} together", FORM.hint)


def _refuse_sizes(member: Member, origin: str) -> None:
    place = f"the member {member.name} of {origin}"
    most = MOST_RESULT if member.name == RESULT else MOST_TEXT
    if not (0 <= member.size <= most and 0 < member.packed_size <= most + SMALL and 0 <= member.crc32 < 2**32):
        raise UsageError(
            f"{member.size:,} bytes in {place}, packed in {member.packed_size:,}", f"at most {most:,}", FORM.hint
        )
    if member.size > max(SMALL, MOST_RATIO * member.packed_size):
        found = f"{member.packed_size:,} bytes that unpack to {member.size:,} in {place}"
        raise UsageError(found, f"at most {MOST_RATIO} times as many", FORM.hint)
    for digest in (member.sha256, member.packed_sha256):
        if not DIGEST.fullmatch(digest):
            raise UsageError(f"the digest {digest[:80]!r} of {place}", "SHA-256 in hexadecimal digits", FORM.hint)
