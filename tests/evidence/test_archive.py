"""Every byte of a bundle is accounted for: what changes is found and named, what is not safe is refused."""

from __future__ import annotations

import io
import os
import random
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rnnconv_cli.errors import UsageError
from rnnconv_cli.evidence import manifest as limits
from rnnconv_cli.evidence.archive import Opened, _directory, _member, _packed, archive_of, opened
from rnnconv_cli.evidence.manifest import MANIFEST, RESULT, Manifest, Member, manifest_from, text_of
from rnnconv_cli.evidence.zip_records import ENTRY, LOCAL, REGULAR_FILE, local_header
from rnnconv_cli.spec.loader import Overrides

ALL = re.compile(".*")
NONE = re.compile("(?!)")
MANY = 1000
Packed = dict[str, bytes]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Opened]:
    def carry_out(data: bytes) -> Opened:
        path = tmp_path / "b.zip"
        path.write_bytes(data)
        return opened(path, ALL)

    return carry_out


def regions(archive: bytes) -> Iterator[tuple[str, int]]:
    """The parts of an archive in their order, each with its length."""
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        infos = found.infolist()
        names = [info.filename for info in infos]
        for info in infos:
            yield f"the header of {info.filename}", LOCAL.size + len(info.filename)
            yield info.filename, info.compress_size
        for name in names:
            yield f"the directory's entry of {name}", ENTRY.size + len(name)
        yield "the end of the archive", 22 + len(found.comment)


def place_of(archive: bytes) -> list[str]:
    """The part that each byte belongs to."""
    return [name for name, length in regions(archive) for _ in range(length)]


def test_what_was_put_in_comes_out(read: Callable[[bytes], Opened], members: Packed, archive: bytes) -> None:
    found = read(archive)
    assert found.differences == ()
    assert found.kept == members
    assert found.size == len(archive)
    assert found.manifest is not None
    assert [member.name for member in found.manifest.members] == list(members)


def test_any_program_unpacks_it(members: Packed, archive: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        assert found.testzip() is None
        assert {name: found.read(name) for name in members} == members
        assert found.namelist()[0] == MANIFEST
        assert {info.external_attr for info in found.infolist()} == {REGULAR_FILE}


def test_the_same_members_give_the_same_bytes(members: Packed, archive: bytes) -> None:
    assert archive_of(members, "0.1.0", (), Overrides()) == archive


def test_members_that_are_not_wanted_are_not_held(archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_bytes(archive)
    assert opened(path, NONE).kept == {}
    assert opened(path, NONE).differences == ()


def changed_places(read: Callable[[bytes], Opened], data: bytes) -> set[str]:
    """What is named where bytes were changed; a refusal names its place too."""
    try:
        return {each.place for each in read(data).differences}
    except UsageError as error:
        return set(re.findall(r"\((the [^()]+)\)", str(error)))


@pytest.mark.slow
def test_a_change_of_any_byte_is_found_and_named(read: Callable[[bytes], Opened], archive: bytes) -> None:
    """Each byte in turn, with another value: its part is named, and no other."""
    draw = random.Random(1)
    places = place_of(archive)
    assert len(places) == len(archive)
    for offset, place in enumerate(places):
        changed = bytearray(archive)
        changed[offset] ^= draw.randrange(1, 256)
        assert changed_places(read, bytes(changed)) == {place}, offset


@pytest.mark.slow
def test_a_change_of_any_bit_of_the_structure_is_found_and_named(
    read: Callable[[bytes], Opened], archive: bytes
) -> None:
    """What no CRC-32 covers: dates, attributes, lengths, the comment."""
    for offset, place in enumerate(place_of(archive)):
        if place.startswith("the "):
            for bit in range(8):
                changed = bytearray(archive)
                changed[offset] ^= 1 << bit
                assert changed_places(read, bytes(changed)) == {place}, (offset, bit)


def test_a_field_is_named(read: Callable[[bytes], Opened], archive: bytes) -> None:
    changed = bytearray(archive)
    changed[10] ^= 1
    assert [each.what for each in read(bytes(changed)).differences] == ["is not what the manifest leads to (time)"]


@pytest.mark.parametrize("offset", [0, 1, 43, 500, 2000])
def test_bytes_that_are_put_in_are_found(read: Callable[[bytes], Opened], archive: bytes, offset: int) -> None:
    assert read(archive[:offset] + b"x" + archive[offset:]).differences


def test_bytes_before_and_after_are_named(read: Callable[[bytes], Opened], archive: bytes) -> None:
    after = read(archive + b"more").differences
    assert [(each.place, each.what) for each in after] == [
        ("the end of the archive", "4 bytes follow that belong to no member")
    ]
    before = read(b"#!/bin/sh\n" + archive).differences
    assert [each.place for each in before] == [MANIFEST]
    assert "was changed, or stands elsewhere" in before[0].what


def test_a_file_that_was_cut_off_is_found_wherever_it_ends(read: Callable[[bytes], Opened], archive: bytes) -> None:
    head = LOCAL.size + len(MANIFEST)
    for length in range(head, len(archive), 7):
        assert read(archive[:length]).differences, length
    for length in range(head):
        with pytest.raises(UsageError, match="wanted a bundle of the schema rnnconv-bundle/1"):
            read(archive[:length])


def test_two_members_that_change_places_are_found(read: Callable[[bytes], Opened], members: Packed) -> None:
    turned = archive_of(dict(reversed(members.items())), "0.1.0", (), Overrides())
    straight = archive_of(members, "0.1.0", (), Overrides())
    end = len(local_header(_member(MANIFEST, b"", b"")).data) + len(text_of(_manifest(straight)))
    assert len(turned) == len(straight)
    assert read(straight[:end] + turned[end:]).differences


def _manifest(archive: bytes) -> Manifest:
    with zipfile.ZipFile(io.BytesIO(archive)) as found:
        return manifest_from(found.read(MANIFEST), "b.zip")


# --- what whoever forges a whole archive could write ----------------------------------------------------------------


def forged(members: Packed, **changed: Any) -> bytes:
    """An archive whose manifest says of its result what it is told to, with everything else fitting."""
    packed = {name: _packed(data) for name, data in members.items()}
    described = [_member(name, data, packed[name]) for name, data in members.items()]
    return assembled([replace(each, **changed) if each.name == RESULT else each for each in described], packed)


def assembled(members: list[Member], packed: Packed) -> bytes:
    text = text_of(Manifest("0.1.0", (), Overrides(), tuple(members)))
    own = _member(MANIFEST, text, text)
    parts = [local_header(own).data, text]
    for member in members:
        parts += [local_header(member).data, packed[member.name]]
    directory, end = _directory((own, *members))
    return b"".join((*parts, *(record.data for record in (*directory, end))))


@pytest.mark.parametrize(
    "name",
    [
        "../result.json",
        "/etc/passwd",
        "claims/../../x.yaml",
        "claims/x/y.yaml",
        "C:\\x.yaml",
        "claims/Made-Up.yaml",
        "claims/.yaml",
        "claims/a.yaml\n",
        "other.zip",
        "",
        "\x1b[2J",
        MANIFEST,
    ],
)
def test_a_name_that_no_bundle_has_is_refused(read: Callable[[bytes], Opened], members: Packed, name: str) -> None:
    data = {**members, name: b"x"}
    described = [_member(each, content, _packed(content)) for each, content in data.items()]
    with pytest.raises(UsageError, match=r"a member named .* wanted only those that a bundle has") as caught:
        read(assembled(described, {each: _packed(content) for each, content in data.items()}))
    assert repr(name) in str(caught.value)


def test_a_name_that_stands_twice_is_refused(read: Callable[[bytes], Opened], members: Packed) -> None:
    packed = {name: _packed(data) for name, data in members.items()}
    described = [_member(name, data, packed[name]) for name, data in members.items()]
    with pytest.raises(UsageError, match=r"the member result\.json more than once"):
        read(assembled([*described, described[-1]], packed))


def test_a_missing_member_is_named(read: Callable[[bytes], Opened], members: Packed) -> None:
    del members[RESULT]
    with pytest.raises(UsageError, match=r"found no member result\.json in"):
        read(forged(members))


def test_too_many_members_are_refused(read: Callable[[bytes], Opened], members: Packed) -> None:
    many = {**members, **{f"claims/c{k}.yaml": b"" for k in range(limits.MOST_MEMBERS)}}
    with pytest.raises(UsageError, match=r"1,005 members in .* wanted at most 1,000"):
        read(forged(many))


def test_a_bomb_is_refused_before_it_is_unpacked(read: Callable[[bytes], Opened], members: Packed) -> None:
    members[RESULT] = b"0" * (3 * limits.SMALL)
    with pytest.raises(
        UsageError, match=r"bytes that unpack to 3,145,728 in the member result.json .* at most 200 times"
    ):
        read(forged(members))
    with pytest.raises(UsageError, match=r"1,073,741,825 bytes in the member result.json .* at most 1,073,741,824"):
        read(forged(members, size=limits.MOST_RESULT + 1))


def test_members_that_are_too_large_together_are_refused(read: Callable[[bytes], Opened], members: Packed) -> None:
    packed = {name: _packed(data) for name, data in members.items()}
    described = [_member(name, data, packed[name]) for name, data in members.items()]
    large = {f"claims/c{k}.yaml": b"" for k in range(40)}
    size, length = limits.MOST_TEXT, limits.MOST_TEXT // 100
    described += [Member(name, size, "0" * 64, 0, length, "0" * 64) for name in large]
    with pytest.raises(UsageError, match=r"members of 2,684,35.,... bytes in .* at most 2,147,483,648 together"):
        read(assembled(described, {**packed, **large}))


def test_a_bomb_that_lies_about_its_size_is_unpacked_no_further(
    read: Callable[[bytes], Opened], members: Packed
) -> None:
    members[RESULT] = b"0" * (3 * limits.SMALL)
    found = read(forged(members, size=1000)).differences
    assert [(each.place, each.what) for each in found] == [
        (RESULT, "does not unpack: to more than the 1,000 bytes that the manifest says")
    ]


def test_members_that_share_bytes_are_found(read: Callable[[bytes], Opened], members: Packed) -> None:
    """An overlapping archive names one place of data several times: an offset is another than it must be."""
    archive = archive_of(members, "0.1.0", (), Overrides())
    name = RESULT.encode()
    entry = archive.rindex(name) - ENTRY.size
    changed = archive[: entry + 42] + (0).to_bytes(4, "little") + archive[entry + 46 :]
    found = read(changed).differences
    assert [(each.place, each.what) for each in found] == [
        (f"the directory's entry of {RESULT}", "is not what the manifest leads to (offset)")
    ]


def test_a_size_or_digest_that_is_not_the_contents_is_found(read: Callable[[bytes], Opened], members: Packed) -> None:
    size = len(members[RESULT])
    for changed, said in (
        ({"size": size + 1}, f"to less than the {size + 1:,} bytes that the manifest says"),
        ({"sha256": "0" * 64}, "another SHA-256 or CRC-32"),
        ({"crc32": 0}, "another SHA-256 or CRC-32"),
        ({"packed_sha256": "0" * 64}, "another SHA-256"),
    ):
        found = read(forged(members, **changed)).differences
        assert [each.place for each in found] == [RESULT]
        assert said in found[0].what


@pytest.mark.parametrize("change", [lambda data: data + b"more", lambda data: data[:-3], lambda data: b"\xff" + data])
def test_data_that_does_not_end_where_it_must_is_found(
    read: Callable[[bytes], Opened], members: Packed, change: Callable[[bytes], bytes]
) -> None:
    packed = {name: _packed(data) for name, data in members.items()}
    packed[RESULT] = change(packed[RESULT])
    described = [_member(name, data, packed[name]) for name, data in members.items()]
    found = read(assembled(described, packed)).differences
    assert [each.place for each in found] == [RESULT]
    assert "does not unpack: " in found[0].what


@pytest.mark.parametrize(
    ("kind", "mode"), [("a symbolic link", 0o120777), ("a special file", 0o020666), ("a special file", 0o040755)]
)
def test_what_is_no_file_is_refused(
    read: Callable[[bytes], Opened], members: Packed, archive: bytes, kind: str, mode: int
) -> None:
    entry = archive.rindex(RESULT.encode()) - ENTRY.size
    changed = archive[: entry + 38] + (mode << 16).to_bytes(4, "little") + archive[entry + 42 :]
    with pytest.raises(UsageError, match=rf"found {kind} in .*\(the directory's entry of result\.json\)"):
        read(changed)


def test_an_encrypted_member_is_refused(read: Callable[[bytes], Opened], archive: bytes) -> None:
    header = archive.index(RESULT.encode(), archive.index(b"PK\3\4", 50)) - LOCAL.size
    assert archive[header : header + 4] == b"PK\3\4"
    changed = archive[: header + 6] + b"\1" + archive[header + 7 :]
    with pytest.raises(UsageError, match=r"found an encrypted member in .*\(the header of result\.json\)"):
        read(changed)


def test_other_files_are_refused(read: Callable[[bytes], Opened], tmp_path: Path) -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("../evil", "x")
    for data in (b"", b"PK", b"{}", other.getvalue(), os.urandom(5000)):
        with pytest.raises(
            UsageError, match=r"found another file in .* wanted a bundle of the schema rnnconv-bundle/1"
        ):
            read(data)


def test_what_cannot_be_read_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "pipe", "which is no file to read"),
        (tmp_path, "which is no file to read"),
        (tmp_path / "none.zip", "No such file"),
        (Path("/dev/zero"), "which is no file to read"),
    ):
        with pytest.raises(UsageError, match=said):
            opened(path, ALL)


def test_a_large_member_is_unpacked_whole(read: Callable[[bytes], Opened], members: Packed) -> None:
    """Longer than what is read or unpacked at a time, packed well and badly."""
    draw = random.Random(2)
    for data in (draw.randbytes(3 * 2**20 + 17), b"".join(b"%d," % draw.randrange(100) for _ in range(10**6))):
        members[RESULT] = data
        found = read(archive_of(members, "0.1.0", (), Overrides()))
        assert found.differences == ()
        assert found.kept[RESULT] == data


def test_zeros_at_the_limit_of_what_is_unpacked_at_a_time(read: Callable[[bytes], Opened], members: Packed) -> None:
    """The decompressor may hold back the last bytes when it has taken all of its input."""
    for size in (2**20 - 1, 2**20):
        members[RESULT] = bytes(size)
        assert read(archive_of(members, "0.1.0", (), Overrides())).differences == ()


def test_a_thousand_random_changes_of_a_bundle_are_found(
    read: Callable[[bytes], Opened], rebundled: Callable[..., Path], result: dict[str, object]
) -> None:
    """A bundle of a result that was measured; each change is named by the part it is in."""
    archive = rebundled(result).read_bytes()
    draw, places = random.Random(3), place_of(archive)
    for _ in range(MANY):
        offset = draw.randrange(len(archive))
        changed = bytearray(archive)
        changed[offset] ^= draw.randrange(1, 256)
        assert changed_places(read, bytes(changed)) == {places[offset]}, offset


def test_a_checksum_of_zlib_is_the_one_of_zip() -> None:
    assert _member("README.txt", b"123456789", b"").crc32 == zlib.crc32(b"123456789") == 0xCBF43926
