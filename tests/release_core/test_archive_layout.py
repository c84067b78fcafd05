"""Zips in which a reader might see other files than the directory lists, with the honest ones that only look odd."""

from __future__ import annotations

import base64
import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.salesforce.labelling import labelled
from release_core.archives import open_archive, write_archive
from release_core.errors import Unclear

FILES = {"classes/A.cls": b"class A {}" * 20, "package.xml": b"<Package/>"}
DATED = (2024, 5, 6, 7, 8, 10)
LOCAL, LISTED, END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")

BY_JAR = (
    "UEsDBAoAAAgAALBYeV0AAAAAAAAAAAAAAAAIAAQAY2xhc3Nlcy/+ygAAUEsDBBQACAgIALBYeV0AAAAAAAAAAAAAAAANAAAAY2xh"
    "c3Nlcy9BLmNsc0vOSSwuVnBUqK5NHtIsAFBLBwh9hG8qDwAAAMgAAABQSwMEFAAICAgAsFh5XQAAAAAAAAAAAAAAAAsAAABwYWNr"
    "YWdlLnhtbLMJSEzOTkxP1bcDAFBLBwg4//m4DAAAAAoAAABQSwECCgAKAAAIAACwWHldAAAAAAAAAAAAAAAACAAEAAAAAAAAAAAA"
    "AAAAAAAAY2xhc3Nlcy/+ygAAUEsBAhQAFAAICAgAsFh5XX2EbyoPAAAAyAAAAA0AAAAAAAAAAAAAAAAAKgAAAGNsYXNzZXMvQS5j"
    "bHNQSwECFAAUAAgICACwWHldOP/5uAwAAAAKAAAACwAAAAAAAAAAAAAAAAB0AAAAcGFja2FnZS54bWxQSwUGAAAAAAMAAwCuAAAA"
    "uQAAAAAA"
)


class Unseekable(io.RawIOBase):
    """Where only writing in one go is possible, as into a socket."""

    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.written += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def a_zip(
    *, descriptor: str = "", gap: bytes = b"", before: bytes = b"", extra: bytes = b"", claimed: int | None = None
) -> bytes:
    """A zip as a writer in one go makes it: flag 8, what is known afterwards stands behind the bytes."""
    pieces, directory = bytearray(before), bytearray()
    for path, content in FILES.items():
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(content) + packer.flush()
        known = (zlib.crc32(content), len(packed), len(content))
        flags, name, offset = (8 if descriptor else 0), path.encode(), len(pieces)
        own = (0, 0, 0) if descriptor else (known[0], known[1], known[2] if claimed is None else claimed)
        pieces += LOCAL.pack(b"PK\3\4", 20, flags, 8, 0, 33, *own, len(name), len(extra)) + name + extra + packed
        if descriptor:
            pieces += (b"PK\7\10" if "signed" in descriptor else b"") + struct.pack(
                "<LQQ" if "wide" in descriptor else "<LLL", *known
            )
        pieces += gap
        directory += LISTED.pack(b"PK\1\2", 20, 20, flags, 8, 0, 33, *known, len(name), 0, 0, 0, 0, 0, offset) + name
    end = END.pack(b"PK\5\6", 0, 0, len(FILES), len(FILES), len(directory), len(pieces), 0)
    return bytes(pieces + directory + end)


def by_python(
    stream: io.IOBase | None = None, *, wide: bool = False, comment: bytes = b"", method: int = zipfile.ZIP_DEFLATED
) -> bytes:
    target = io.BytesIO() if stream is None else stream
    with zipfile.ZipFile(target, "w", method) as archive:  # type: ignore[call-overload]
        archive.writestr(zipfile.ZipInfo("classes/", DATED), b"")
        archive.comment = comment
        for path, content in FILES.items():
            with archive.open(zipfile.ZipInfo(path, DATED), "w", force_zip64=wide) as entry:
                entry.write(content)
    return bytes(target.written) if isinstance(target, Unseekable) else target.getvalue()  # type: ignore[attr-defined]


def with_litter() -> bytes:
    target = io.BytesIO(a_zip(descriptor="signed"))
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("__MACOSX/classes/._A.cls", b"\0\5\x16\7")
        archive.writestr("classes/.DS_Store", b"\0\0\0\1Bud1")
    return target.getvalue()


def with_wide_end() -> bytes:
    data = a_zip()
    *_, count, size, begin, _ = END.unpack(data[-22:])
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, begin)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, len(data) - 22, 1)
    return data[:-22] + wide + locator + END.pack(b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)


def by_jar() -> bytes:
    """What `jar cMf` of OpenJDK 17 wrote of `FILES`: a folder, descriptors, a field of its own in the first entry."""
    return base64.b64decode(BY_JAR)


HONEST: dict[str, Callable[[], bytes]] = {
    "Rollcall": lambda: write_archive(FILES),
    "Rollcall, labelled": lambda: labelled(write_archive(FILES), "DEP-12", 1),
    "Rollcall, labelled twice": lambda: labelled(labelled(by_python(), "DEP-12"), "DEP-12", 1),
    "Python": by_python,
    "Python with a comment": lambda: by_python(comment=b"made by hand"),
    "Python in one go": lambda: by_python(Unseekable()),
    "Python with wide sizes": lambda: by_python(wide=True),
    "Python in one go with wide sizes": lambda: by_python(Unseekable(), wide=True),
    "Java": lambda: a_zip(descriptor="signed"),
    "unsigned descriptors": lambda: a_zip(descriptor="plain"),
    "wide descriptors": lambda: a_zip(descriptor="wide"),
    "signed wide descriptors": lambda: a_zip(descriptor="signed wide"),
    "extra fields": lambda: a_zip(extra=b"UT\5\0\3\0\0\0\0"),
    "macOS": with_litter,
    "wide end record": with_wide_end,
    "stored in one go": lambda: by_python(Unseekable(), method=zipfile.ZIP_STORED),
    "jar": by_jar,
}


@pytest.mark.parametrize("tool", HONEST)
def test_what_honest_tools_write_is_read(tool: str) -> None:
    assert dict(open_archive(HONEST[tool]())) == FILES


@pytest.mark.skipif(shutil.which("zip") is None, reason="the zip command is not installed here")
@pytest.mark.parametrize("options", [["-r"], ["-rX"], ["-rD"], ["-r0"]])
def test_what_the_zip_command_writes_is_read(tmp_path: Path, options: list[str]) -> None:
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    subprocess.run(["zip", "-q", *options, "out.zip", *FILES], cwd=tmp_path, check=True)
    assert dict(open_archive((tmp_path / "out.zip").read_bytes())) == FILES
    piped = subprocess.run(["zip", "-q", *options, "-", *FILES], cwd=tmp_path, check=True, capture_output=True)
    assert dict(open_archive(piped.stdout)) == FILES


def hidden_entry() -> bytes:
    name = b"classes/Hidden.cls"
    return LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(b"x"), 1, 1, len(name), 0) + name + b"x"


def with_changed_header(field: int, value: int) -> bytes:
    data = bytearray(a_zip())
    words = list(LOCAL.unpack_from(data, 0))
    words[field] = value
    LOCAL.pack_into(data, 0, *words)
    return bytes(data)


def with_two_ends() -> bytes:
    data = a_zip()
    inner = END.pack(b"PK\5\6", 0, 0, 0, 0, 0, len(data), 0)
    return data[:-2] + struct.pack("<H", len(inner)) + inner


def miscounted() -> bytes:
    data = a_zip()
    *_, size, begin, _ = END.unpack(data[-22:])
    return data[:-22] + END.pack(b"PK\5\6", 0, 0, 1, 1, size, begin, 0)


def alone(name: bytes, offset: int = 0, extra: bytes = b"") -> bytes:
    """A zip of one empty file, whose directory may say that it lies elsewhere."""
    entry = LOCAL.pack(b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name
    line = LISTED.pack(b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), len(extra), 0, 0, 0, 0, offset)
    directory = line + name + extra
    return entry + directory + END.pack(b"PK\5\6", 0, 0, 1, 1, len(directory), len(entry), 0)


def test_an_entry_without_a_name_is_refused() -> None:
    with pytest.raises(Unclear, match="not a plain relative path"):
        open_archive(alone(b""))


@pytest.mark.parametrize("where", [2**63 + 5, 2**40, 4000])
def test_an_entry_that_lies_beyond_the_end_is_refused(where: int) -> None:
    with pytest.raises(Unclear, match="damaged at a"):
        open_archive(alone(b"a", 0xFFFFFFFF, struct.pack("<HHQ", 1, 8, where)))


def test_large_file_sizes_of_an_entry_are_held_against_the_directory() -> None:
    data = bytearray(by_python(wide=True))
    at = data.index(struct.pack("<2H", 1, 16)) + 4
    data[at] ^= 1
    with pytest.raises(Unclear, match="disagree about size"):
        open_archive(bytes(data))


CROOKED: dict[str, tuple[Callable[[], bytes], str]] = {
    "an entry before the first": (lambda: a_zip(before=hidden_entry()), "bytes before classes/A.cls"),
    "bytes put in front": (lambda: b"#!/bin/sh\n" + a_zip(), "bytes before classes/A.cls"),
    "an entry between two": (lambda: a_zip(gap=hidden_entry()), "bytes after classes/A.cls"),
    "bytes after a descriptor": (
        lambda: a_zip(descriptor="signed", gap=hidden_entry()),
        "bytes after classes/A.cls",
    ),
    "bytes after the end": (lambda: labelled(a_zip(), "DEP-1") + b"more", "bytes after its last file"),
    "two end records": (with_two_ends, "bytes in it"),
    "fewer entries counted": (miscounted, "bytes after its last file"),
    "another method": (lambda: with_changed_header(3, 0), "its entry classes/A.cls disagree"),
    "another checksum": (lambda: with_changed_header(6, 1), "its entry classes/A.cls disagree"),
    "another packed size": (lambda: with_changed_header(7, 1), "its entry classes/A.cls disagree"),
    "another size": (lambda: with_changed_header(8, 1), "its entry classes/A.cls disagree"),
    "a descriptor promised": (lambda: with_changed_header(2, 8), "its entry classes/A.cls disagree"),
}


@pytest.mark.parametrize("trick", CROOKED)
def test_zip_in_which_others_may_see_other_files_is_refused(trick: str) -> None:
    make, said = CROOKED[trick]
    with pytest.raises(Unclear, match=said) as refusal:
        open_archive(make())
    assert refusal.value.field == "package"
    assert "Zip the package's folder again" in str(refusal.value)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(HONEST)), st.integers(0, 4000), st.binary(min_size=1, max_size=40))
def test_whatever_is_done_to_a_zip_the_same_files_are_read_or_none(tool: str, at: int, more: bytes) -> None:
    data = HONEST[tool]()
    at %= len(data)
    for spoilt in (data[:at] + more + data[at:], data[:at] + more + data[at + len(more) :], data[:at]):
        try:
            found = dict(open_archive(spoilt))
        except Unclear:
            continue
        assert found == FILES
