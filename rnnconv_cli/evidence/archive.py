"""A bundle's file: a ZIP archive in one form only, so that every byte of it is accounted for.

It is written from its members, and read without being unpacked to disk. Each byte belongs to the manifest, whose digest
stands in the archive's comment, to the data of a member, whose digest stands in the manifest, or to a record that
follows from the manifest: none can change unseen.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from rnnconv_cli.errors import UsageError
from rnnconv_cli.evidence.manifest import (
    FORM,
    MANIFEST,
    MOST_BYTES,
    MOST_MANIFEST,
    SCHEMA,
    Manifest,
    Member,
    manifest_from,
    text_of,
)
from rnnconv_cli.evidence.zip_records import (
    COMMENT_LENGTH,
    LOCAL,
    LOCAL_SIGNATURE,
    Record,
    changed_fields,
    directory_entry,
    end_record,
    local_header,
    unsafe,
)
from rnnconv_cli.spec.loader import Overrides

CHUNK = 2**20  # bytes that are held at a time of a member that is not kept
LEVEL = 6  # of compression: 9 takes four times as long for two per cent
RAW = -15  # deflate as ZIP has it, without a header of its own
COMMENT = re.compile(rf"{re.escape(SCHEMA)} (\d{{10}}) ([0-9a-f]{{64}})".encode())
HEAD = LOCAL.size + len(MANIFEST)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it must be: its place in the bundle, and what is wrong."""

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle's file that has been read: what is wrong with its bytes, and the members that were to be kept."""

    size: int  # bytes
    sha256: str
    manifest: Manifest | None  # None where it cannot be believed
    kept: Mapping[str, bytes]
    differences: tuple[Difference, ...]


def archive_of(
    contents: Mapping[str, bytes], tool_version: str, drawn_with: tuple[tuple[str, str], ...], overrides: Overrides
) -> bytes:
    """The archive of these members, in this order. Raises UsageError for what no bundle may hold."""
    packed = {name: _packed(data) for name, data in contents.items()}
    members = tuple(_member(name, data, packed[name]) for name, data in contents.items())
    text = text_of(Manifest(tool_version, drawn_with, overrides, members))
    manifest_from(text, "the bundle")  # for what it raises
    own = _member(MANIFEST, text, text)
    data = {MANIFEST: text, **packed}
    parts = [part for member in (own, *members) for part in (local_header(member).data, data[member.name])]
    directory, end = _directory((own, *members))
    return b"".join((*parts, *(record.data for record in (*directory, end))))


def opened(path: Path, kept: re.Pattern[str]) -> Opened:
    """Read a bundle's file, and keep the members whose names match. Nothing is unpacked to disk.

    Raises UsageError for what is no bundle, or holds what none does: other names, sizes beyond the limits, links,
    encrypted members.
    """
    if not _is_regular(path):
        raise UsageError(f"{path}, which is no file to read", "a bundle", FORM.hint)
    try:
        with path.open("rb") as file:
            return _read(file, str(path), kept)
    except OSError as error:
        raise UsageError(f"{path} ({error.strerror or error})", "a bundle that can be read", FORM.hint) from error


def _is_regular(path: Path) -> bool:
    """Whether the path is a file: opening a pipe would wait for whoever writes it."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise UsageError(f"{path} ({error.strerror or error})", "a bundle", FORM.hint) from error


def _read(file: BufferedReader, origin: str, kept: re.Pattern[str]) -> Opened:
    size = os.fstat(file.fileno()).st_size
    if size > MOST_BYTES:
        raise UsageError(f"{size:,} bytes in {origin}", f"a bundle, which has at most {MOST_BYTES:,}", FORM.hint)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    text = _manifest_text(file, size, origin)
    if text is None:
        wrong = Difference(MANIFEST, "is not what the end of the archive says: it was changed, or stands elsewhere")
        return Opened(size, digest, None, {}, (wrong,))
    manifest = manifest_from(text, origin)
    found: dict[str, bytes] = {}
    differences = tuple(_differences(file, size, text, manifest, origin, kept, found))
    return Opened(size, digest, manifest, found, differences)


def _manifest_text(file: BufferedReader, size: int, origin: str) -> bytes | None:
    """The manifest, if two of three agree: its bytes, its header, the comment. Raises UsageError for no bundle at all.

    The manifest's length stands in its header and in the comment, one of which may have been changed.
    """
    file.seek(0)
    head = file.read(HEAD)
    file.seek(max(0, size - COMMENT_LENGTH))
    comment = COMMENT.fullmatch(file.read(COMMENT_LENGTH))
    begins = len(head) == HEAD and head[: len(LOCAL_SIGNATURE)] == LOCAL_SIGNATURE
    named = head[LOCAL.size :] == MANIFEST.encode()
    if comment is None and not (begins and named):
        raise UsageError(f"another file in {origin}", f"a bundle of the schema {SCHEMA}", FORM.hint)
    checksum, length = LOCAL.unpack(head[: LOCAL.size])[6:8] if len(head) == HEAD else (0, 0)
    candidates = [length, *([int(comment[1])] if comment else [])]
    for each in candidates:
        text = _at(file, HEAD, min(each, MOST_MANIFEST))
        if comment and hashlib.sha256(text).hexdigest().encode() == comment[2]:
            return text
    text = _at(file, HEAD, min(length, MOST_MANIFEST))
    return text if text and zlib.crc32(text) == checksum else None


def _at(file: BufferedReader, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _differences(
    file: BufferedReader,
    size: int,
    text: bytes,
    manifest: Manifest,
    origin: str,
    kept: re.Pattern[str],
    found: dict[str, bytes],
) -> Iterator[Difference]:
    """Compare the file, from its first byte to its last, with what the manifest says; put what is kept into `found`."""
    own = _member(MANIFEST, text, text)
    file.seek(0)
    for member in (own, *manifest.members):
        yield from _compared(file, local_header(member), origin)
        if member is own:
            file.seek(len(text), os.SEEK_CUR)
            continue
        wrong, content = _data(file, member, is_kept=kept.fullmatch(member.name) is not None)
        yield from wrong
        if content is not None:
            found[member.name] = content
    directory, end = _directory((own, *manifest.members))
    for record in (*directory, end):
        yield from _compared(file, record, origin)
    if file.tell() != size:
        yield Difference("the end of the archive", f"{size - file.tell():,} bytes follow that belong to no member")


def _compared(file: BufferedReader, record: Record, origin: str) -> Iterator[Difference]:
    given = file.read(len(record.data))
    if given == record.data:
        return
    if what := unsafe(record, given):
        raise UsageError(
            f"{what} in {origin} ({record.name})", "files alone, as `rnnconv bundle` packs them", FORM.hint
        )
    fields = ", ".join(changed_fields(record, given))
    yield Difference(record.name, f"is not what the manifest leads to ({fields})")


def _data(file: BufferedReader, member: Member, *, is_kept: bool) -> tuple[tuple[Difference, ...], bytes | None]:
    """What is wrong with the data of a member, and its content where that is right and wanted.

    Only what is packed as the manifest says is unpacked, and never to more than the manifest says.
    """
    begin, digest, left = file.tell(), hashlib.sha256(), member.packed_size
    while left and (chunk := file.read(min(CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
    if left:
        return (Difference(member.name, f"is cut off: {left:,} of {member.packed_size:,} bytes are not there"),), None
    if digest.hexdigest() != member.packed_sha256:
        return (Difference(member.name, "its bytes in the archive were changed: another SHA-256"),), None
    file.seek(begin)
    digest, checksum, pieces = hashlib.sha256(), 0, []
    try:
        for piece in _unpacked(file, member):
            digest.update(piece)
            checksum = zlib.crc32(piece, checksum)
            pieces += [piece] if is_kept else []
    except (zlib.error, ValueError) as error:
        file.seek(begin + member.packed_size)
        return (Difference(member.name, f"does not unpack: {error}"),), None
    if (digest.hexdigest(), checksum) != (member.sha256, member.crc32):
        return (Difference(member.name, "is not what the manifest says: another SHA-256 or CRC-32"),), None
    return (), b"".join(pieces) if is_kept else None


def _unpacked(file: BufferedReader, member: Member) -> Iterator[bytes]:
    """The content of a member, piece by piece. Raises ValueError where it is longer or shorter than it must be."""
    unpacker, room, left = zlib.decompressobj(RAW), member.size + 1, member.packed_size
    while left and not unpacker.eof:
        chunk = file.read(min(CHUNK, left))
        left -= len(chunk)
        is_more = True
        while is_more:
            most = min(room, CHUNK)
            piece = unpacker.decompress(chunk, most)
            chunk, room = unpacker.unconsumed_tail, room - len(piece)
            if not room:
                raise ValueError(f"to more than the {member.size:,} bytes that the manifest says")
            yield piece
            is_more = not unpacker.eof and (bool(chunk) or len(piece) == most)  # it may hold back what had no room
    if left or unpacker.unused_data:
        raise ValueError("bytes follow its end")
    if not unpacker.eof or room != 1:
        raise ValueError(f"to less than the {member.size:,} bytes that the manifest says")


def _packed(data: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW)
    return packer.compress(data) + packer.flush()


def _member(name: str, data: bytes, packed: bytes) -> Member:
    digest, packed_digest = (hashlib.sha256(each).hexdigest() for each in (data, packed))
    return Member(name, len(data), digest, zlib.crc32(data), len(packed), packed_digest)


def _directory(members: tuple[Member, ...]) -> tuple[tuple[Record, ...], Record]:
    """The directory that ends an archive of these members, the manifest first, and the record after it."""
    entries, offset = [], 0
    for member in members:
        entries.append(directory_entry(member, offset))
        offset += len(local_header(member).data) + member.packed_size
    return tuple(entries), end_record(entries, offset, members[0])
