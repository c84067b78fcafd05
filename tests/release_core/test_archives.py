"""Zips that hold more than they list, and honest ones as many tools write them."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import zipfile
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


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["classes/é.cls", "classes/e\u0301.cls"], "accents written in two ways"),
        (["classes/A\u0007.cls"], "control characters"),
        (["classes/A\u202e.cls"], "“classes/A\\u202e.cls”, which has control characters"),
        (["classes/" + "A" * 1000 + ".cls"], "no metadata has more than 1,000 characters"),
        (["a/" * 51 + "A.cls"], "51 folders"),
        (["__MACOSX/../classes/Evil.cls"], "climbs out of the package"),
        (["classes/A", "classes/A/B.cls"], "as if that were a folder"),
        (["classes\\A.cls"], "“classes\\A.cls”"),
    ],
)
def test_names_that_others_would_read_otherwise_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(Unclear) as refused:
        open_archive(write_archive({**FILES, **dict.fromkeys(names, b"x")}))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "name", ["layouts/Kunden\u00adstamm.layout", "layouts/A\u200dB.layout", "documents/Ordner /x.txt"]
)
def test_names_that_an_org_may_hold_are_read(name: str) -> None:
    assert name in open_archive(write_archive({**FILES, name: b"x"}))


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
