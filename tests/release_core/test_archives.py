"""Zips that hold more than they list, and honest ones as many tools write them."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release_core.archives import open_archive, write_archive
from release_core.errors import Unclear

FILES = {"package.xml": b"<Package/>", "classes/A.cls": b"public class A {}" * 50, "classes/B.cls": b""}


def plain() -> bytes:
    return write_archive(FILES)


def written(**how: Any) -> bytes:
    """A zip as Python's zipfile writes it."""
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", **how) as archive:
        for path, content in FILES.items():
            archive.writestr(path, content)
    return to.getvalue()


class OneWay(io.RawIOBase):
    """A stream without a way back: whoever writes a zip to it has to tell sizes afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.got = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.got += data
        return len(data)


def streamed(method: int = zipfile.ZIP_DEFLATED) -> bytes:
    to = OneWay()
    with zipfile.ZipFile(to, "w", method) as archive:
        for path, content in FILES.items():
            archive.writestr(path, content)
    return bytes(to.got)


def without_signatures(data: bytes) -> bytes:
    """The streamed zip as older tools write it: what follows an entry has no signature of its own."""
    entries, end = data.count(b"PK\x07\x08"), data.rfind(b"PK\x05\x06")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start, infos = archive.start_dir, archive.infolist()
    directory = bytearray(data[start:end])
    at = 0
    for number, info in enumerate(infos):
        struct.pack_into("<L", directory, at + 42, info.header_offset - 4 * number)
        at += 46 + len(info.filename) + len(info.extra)
    ending = bytearray(data[end:])
    struct.pack_into("<L", ending, 16, start - 4 * entries)
    return data[:start].replace(b"PK\x07\x08", b"") + bytes(directory) + bytes(ending)


def with_zip64_entries() -> bytes:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in FILES.items():
            with archive.open(path, "w", force_zip64=True) as entry:
                entry.write(content)
    return to.getvalue()


def with_folders_and_litter() -> bytes:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("classes")
        for path, content in FILES.items():
            archive.writestr(path, content)
            archive.writestr(f"__MACOSX/._{path}", b"\0\5\26\7")
        archive.writestr("classes/.DS_Store", b"x")
        archive.comment = b"made by hand"
    return to.getvalue()


HONEST: dict[str, Callable[[], bytes]] = {
    "ours": plain,
    "stored": written,
    "deflated": lambda: written(compression=zipfile.ZIP_DEFLATED),
    "streamed": streamed,
    "streamed and stored": lambda: streamed(zipfile.ZIP_STORED),
    "streamed by an older tool": lambda: without_signatures(streamed()),
    "sizes in 64 bits": with_zip64_entries,
    "folders and litter": with_folders_and_litter,
}


@pytest.mark.parametrize("tool", HONEST)
def test_what_honest_tools_write_is_read(tool: str) -> None:
    assert dict(open_archive(HONEST[tool]())) == FILES


@pytest.mark.parametrize(
    "command",
    [
        ["zip", "-q", "-r", "a.zip", "."],
        ["zip", "-q", "-r", "-fz", "a.zip", "."],
        ["sh", "-c", "zip -q -r - . | cat > ../a.zip && mv ../a.zip ."],
        ["jar", "cMf", "a.zip", "package.xml", "classes"],
    ],
)
def test_what_the_usual_programs_write_is_read(tmp_path: Path, command: list[str]) -> None:
    program = "zip" if command[0] == "sh" else command[0]
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    folder = tmp_path / "package"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    subprocess.run(command, cwd=folder, check=True)
    assert dict(open_archive((folder / "a.zip").read_bytes())) == FILES


def an_entry(name: bytes, content: bytes, **told: int) -> bytes:
    """One stored entry as it lies in a zip, without a line in any directory."""
    size = told.get("size", len(content))
    header = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(content), size, size, len(name), 0)
    return header + name + content


def moved(data: bytes, at: int, more: bytes) -> bytes:
    """The zip with bytes put in at a place, its directory pointing where things then are."""
    end = data.rfind(b"PK\x05\x06")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start, infos = archive.start_dir, archive.infolist()
    directory, ending, place = bytearray(data[start:end]), bytearray(data[end:]), 0
    for info in infos:
        if info.header_offset >= at:
            struct.pack_into("<L", directory, place + 42, info.header_offset + len(more))
        place += 46 + len(info.filename.encode()) + len(info.extra)
    struct.pack_into("<L", ending, 16, start + len(more))
    return data[:at] + more + data[at:start] + bytes(directory) + bytes(ending)


HIDDEN = an_entry(b"classes/Evil.cls", b"public class Evil {}")


def second_entry(data: bytes) -> int:
    return sorted(info.header_offset for info in zipfile.ZipFile(io.BytesIO(data)).infolist())[1]


@pytest.mark.parametrize(
    ("spoilt", "where"),
    [
        (lambda data: moved(data, 0, HIDDEN), "before classes/A.cls"),
        (lambda data: HIDDEN + data, "before classes/A.cls"),
        (lambda data: moved(data, second_entry(data), HIDDEN), "after classes/A.cls"),
        (lambda data: moved(data, second_entry(data), b"\0"), "after classes/A.cls"),
        (lambda data: moved(data, zipfile.ZipFile(io.BytesIO(data)).start_dir, HIDDEN), "after package.xml"),
        (lambda data: data + HIDDEN, "its last file"),
    ],
)
def test_bytes_that_no_directory_lists_are_refused(spoilt: Callable[[bytes], bytes], where: str) -> None:
    with pytest.raises(Unclear, match="its directory does not list") as refused:
        open_archive(spoilt(plain()))
    assert where in str(refused.value)


def test_a_second_directory_in_the_comment_is_no_directory() -> None:
    data = plain()
    other = write_archive({"package.xml": b"<Package><types/></Package>"})
    end = data.rfind(b"PK\x05\x06")
    hidden = data[: end + 20] + struct.pack("<H", len(other)) + other
    with pytest.raises(Unclear):
        open_archive(hidden)


@pytest.mark.parametrize("field", [8, 14, 18, 22])
def test_an_entry_that_tells_otherwise_than_the_directory_is_refused(field: int) -> None:
    data = bytearray(plain())
    data[field] ^= 1
    with pytest.raises(Unclear, match=r"disagree about size|damaged"):
        open_archive(bytes(data))


def test_a_directory_that_counts_otherwise_is_refused() -> None:
    data = bytearray(plain())
    end = data.rfind(b"PK\x05\x06")
    struct.pack_into("<2H", data, end + 8, 1, 1)
    with pytest.raises(Unclear):
        open_archive(bytes(data))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["classes/é.cls", "classes/e\u0301.cls"], "accents written in two ways"),
        (["classes/A\u0007.cls"], "invisible characters"),
        (["classes/A\u202e.cls"], "invisible characters"),
        (["classes/A.cls "], "ends in a space or a dot"),
        (["classes./A.cls"], "ends in a space or a dot"),
        (["classes/A", "classes/A/B.cls"], "as if that were a folder"),
        (["classes\\A.cls"], "“classes\\A.cls”"),
    ],
)
def test_names_that_others_would_read_otherwise_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(Unclear) as refused:
        open_archive(write_archive({**FILES, **dict.fromkeys(names, b"x")}))
    assert said in str(refused.value)


def test_a_folder_with_content_is_refused() -> None:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("classes/", b"x")
    with pytest.raises(Unclear, match="folder classes/ has content"):
        open_archive(to.getvalue())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(HONEST)), st.integers(0, 4000), st.binary(min_size=1, max_size=40))
def test_whatever_is_put_into_a_zip_the_same_files_are_read_or_none(tool: str, at: int, more: bytes) -> None:
    data = HONEST[tool]()
    at %= len(data)
    for spoilt in (data[:at] + more + data[at:], data[:at] + more + data[at + len(more) :], data[:at]):
        try:
            found = dict(open_archive(spoilt))
        except Unclear:
            continue
        assert set(found) <= set(FILES) or more in spoilt
