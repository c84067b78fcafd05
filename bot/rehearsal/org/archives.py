"""Opening a deployment's zip without trusting it."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from bot.rehearsal.org import markup
from bot.rehearsal.org.manifests import Manifest, read_manifest

MOST_FILES = 10_000
MOST_ZIPPED = 39 * 1024 * 1024
MOST_UNZIPPED = 629_145_600
_NEVER_EXPANDS_MORE_THAN = 200  # times; a zip bomb does, metadata does not
_STAGES = {"destructiveChanges.xml": "pre", "destructiveChangesPre.xml": "pre", "destructiveChangesPost.xml": "post"}
_NOISE = ("__MACOSX/", ".DS_Store")


class BadArchive(Exception):
    """The whole deployment fails; `code` is a StatusCode of the API, or empty when `file` bears a plain problem."""

    def __init__(self, message: str, *, code: str = "", file: str = "package.xml", line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.file = file
        self.line = line


@dataclass(frozen=True)
class Package:
    """One package of a zip: files by path below its root, with what its manifests ask for."""

    prefix: str
    files: Mapping[str, bytes]
    manifest: Manifest
    destructive: Mapping[str, Manifest]  # file name → what it deletes

    def deletions(self, stage: str) -> list[tuple[str, str, str]]:
        """(file name, type, member) rows of the stage `pre` or `post`."""
        return [
            (name, *row)
            for name in sorted(self.destructive)
            if _STAGES[name] == stage
            for row in self.destructive[name].members
        ]


def read_archive(data: bytes, *, single_package: bool) -> list[Package]:
    """The packages in a zip; BadArchive says why there are none."""
    if len(data) > MOST_ZIPPED:
        raise BadArchive(
            f"Maximum size of request reached. Maximum size of request is {MOST_ZIPPED} bytes.", code="LIMIT_EXCEEDED"
        )
    files = _unzip(data)
    roots = _roots(files, single_package)
    return [_package(files, root) for root in roots]


def _unzip(data: bytes) -> dict[str, bytes]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, EOFError) as problem:
        raise BadArchive("No package.xml found") from problem
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_FILES:
        raise BadArchive(
            f"Maximum number of files exceeded: {len(entries)}, the limit is {MOST_FILES}", code="LIMIT_EXCEEDED"
        )
    for entry in entries:
        _refuse_tricks(entry)
    if sum(entry.file_size for entry in entries) > MOST_UNZIPPED:
        raise BadArchive(f"Maximum size of unzipped files exceeded: {MOST_UNZIPPED} bytes", code="LIMIT_EXCEEDED")
    return {entry.filename: _content(archive, entry) for entry in entries if not _is_noise(entry.filename)}


def _is_noise(path: str) -> bool:
    return path.startswith(_NOISE[0]) or path.endswith(_NOISE[1])


def _refuse_tricks(entry: zipfile.ZipInfo) -> None:
    path = entry.filename
    if path.startswith("/") or "\\" in path or ".." in path.split("/") or ":" in path.split("/")[0]:
        raise BadArchive(f"Invalid path in zip file: {path}", file=path)
    if entry.flag_bits & 0x1:
        raise BadArchive(f"Encrypted zip entries are not supported: {path}", file=path)
    if entry.file_size > 1_000_000 and entry.file_size > entry.compress_size * _NEVER_EXPANDS_MORE_THAN:
        raise BadArchive(f"Zip entry expands beyond the allowed ratio: {path}", code="LIMIT_EXCEEDED", file=path)


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(entry) as stream:
            content = stream.read(entry.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as problem:
        raise BadArchive(f"Error reading zip entry: {problem}", file=entry.filename) from problem
    if len(content) > entry.file_size:
        raise BadArchive("Zip entry is larger than it declares", code="LIMIT_EXCEEDED", file=entry.filename)
    return content


def _roots(files: Mapping[str, bytes], single_package: bool) -> list[str]:
    if single_package and "package.xml" in files:
        return [""]
    tops = sorted({path.split("/")[0] for path in files if "/" in path})
    if not tops or (single_package and len(tops) > 1):
        raise BadArchive("No package.xml found")
    for top in tops:
        if f"{top}/package.xml" not in files:
            raise BadArchive("No package.xml found", file=f"{top}/package.xml")
    return [f"{top}/" for top in tops]


def _package(files: Mapping[str, bytes], root: str) -> Package:
    inside = {path[len(root) :]: content for path, content in files.items() if path.startswith(root)}
    manifest = _manifest(inside, root, "package.xml")
    destructive = {name: _manifest(inside, root, name) for name in _STAGES if name in inside}
    rest = {path: content for path, content in inside.items() if path != "package.xml" and path not in _STAGES}
    return Package(root, rest, manifest, destructive)


def _manifest(inside: Mapping[str, bytes], root: str, name: str) -> Manifest:
    try:
        return read_manifest(inside[name])
    except markup.Malformed as problem:
        raise BadArchive(f"Error parsing {name}: {problem}", file=root + name, line=problem.line) from problem
