"""The records of a ZIP archive that say what its members are: the bytes that a bundle has, and what other bytes mean.

Every field has one value only that a bundle gives it, so that the archive's structure follows from its manifest.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from rnnconv_cli.evidence.manifest import MANIFEST, SCHEMA, Member

VERSION = 20  # of the format that unpacks them: 2.0 knows folders and deflate
UNIX = 3 << 8  # who made them: says what the attributes mean
FIRST_DAY = (1 << 5) | 1  # 1 January 1980: the earliest date that the format has
REGULAR_FILE = (stat.S_IFREG | 0o644) << 16  # that everybody may read
ENCRYPTED = 1  # a bit of the flags
STORED, DEFLATED = 0, 8
LOCAL_SIGNATURE, ENTRY_SIGNATURE, END_SIGNATURE = b"PK\3\4", b"PK\1\2", b"PK\5\6"

LOCAL = struct.Struct("<4s5H3I2H")
ENTRY = struct.Struct("<4s6H3I5H2I")
END = struct.Struct("<4s4H2IH")
LOCAL_FIELDS = (
    "signature", "version", "flags", "method", "time", "date", "checksum", "packed size", "size", "length of the name",
    "length of the extra field", "name",
)  # fmt: skip
ENTRY_FIELDS = (
    "signature", "version of its maker", "version", "flags", "method", "time", "date", "checksum", "packed size",
    "size", "length of the name", "length of the extra field", "length of the comment", "disk", "internal attributes",
    "attributes", "offset", "name",
)  # fmt: skip
END_FIELDS = (
    "signature", "disk", "disk of the directory", "members on the disk", "members", "size of the directory",
    "offset of the directory", "length of the comment", "comment",
)  # fmt: skip
COMMENT_LENGTH = len(f"{SCHEMA} {0:010d} {'0' * 64}")


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a bundle has it: what it is called, its fields, its bytes."""

    name: str
    layout: struct.Struct
    fields: tuple[str, ...]
    data: bytes


def local_header(member: Member) -> Record:
    """What stands before a member's data."""
    data = LOCAL.pack(LOCAL_SIGNATURE, VERSION, *_shared(member), 0) + member.name.encode()
    return Record(f"the header of {member.name}", LOCAL, LOCAL_FIELDS, data)


def directory_entry(member: Member, offset: int) -> Record:
    """What the directory at the end says of a member whose header begins at an offset."""
    attributes = (0, 0, 0, 0, REGULAR_FILE, offset)
    data = ENTRY.pack(ENTRY_SIGNATURE, UNIX | VERSION, VERSION, *_shared(member), *attributes) + member.name.encode()
    return Record(f"the directory's entry of {member.name}", ENTRY, ENTRY_FIELDS, data)


def end_record(entries: Sequence[Record], offset: int, manifest: Member) -> Record:
    """What ends the archive: where the directory begins, and a comment with the manifest's length and digest."""
    size, count = sum(len(entry.data) for entry in entries), len(entries)
    comment = f"{SCHEMA} {manifest.size:010d} {manifest.sha256}".encode()
    data = END.pack(END_SIGNATURE, 0, 0, count, count, size, offset, len(comment)) + comment
    return Record("the end of the archive", END, END_FIELDS, data)


def _shared(member: Member) -> tuple[int, ...]:
    """Flags to the length of the name: what both records of a member say."""
    method = STORED if member.name == MANIFEST else DEFLATED
    sizes = (member.crc32, member.packed_size, member.size)
    return 0, method, 0, FIRST_DAY, *sizes, len(member.name.encode())


def changed_fields(record: Record, found: bytes) -> tuple[str, ...]:
    """The fields that other bytes in a record's place give another value; what is too short has no fields."""
    if len(found) != len(record.data):
        return ("length",)
    length = record.layout.size
    wanted = (*record.layout.unpack(record.data[:length]), record.data[length:])
    given = (*record.layout.unpack(found[:length]), found[length:])
    return tuple(name for name, ours, theirs in zip(record.fields, wanted, given, strict=True) if ours != theirs)


def unsafe(record: Record, found: bytes) -> str:
    """What makes a reader of archives do more than unpack a file, in words; nothing where the bytes ask for none.

    Only a record of the same kind and name asks for anything: other bytes in its place are merely other bytes.
    """
    length = record.layout.size
    if record.layout is END or len(found) < length or found[length:] != record.data[length:]:
        return ""
    given = dict(zip(record.fields, record.layout.unpack(found[:length]), strict=False))
    if given["signature"] not in (LOCAL_SIGNATURE, ENTRY_SIGNATURE):
        return ""
    if given["flags"] & ENCRYPTED:
        return "an encrypted member"
    mode = given.get("attributes", REGULAR_FILE) >> 16
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "" if stat.S_ISREG(mode) else "a special file"
