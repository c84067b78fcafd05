"""Zip archives, read without trusting them.

The limits are those of a Metadata API deployment (Metadata API Developer Guide, "Metadata Limits"): 10,000 files,
39 MB compressed, 629,145,600 bytes unzipped.
"""

from __future__ import annotations

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from release_core.errors import Unclear

FILES_AT_MOST = 10_000
COMPRESSED_AT_MOST = 39 * 1024 * 1024
UNZIPPED_AT_MOST = 629_145_600

_CHUNK = 64 * 1024
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = (stat.S_IFREG | 0o644) << 16
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


def unclear(sentence: str) -> Unclear:
    """A refusal of what was handed in as a package."""
    return Unclear(sentence, field="package")


class ArchivedFiles(Mapping[str, bytes]):
    """Path -> content of an archive already checked; each file is inflated when it is asked for.

    Keeping the compressed bytes only is what lets a package of 600 MB be looked at in little memory.
    """

    def __init__(self, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._entries = entries

    def __getitem__(self, path: str) -> bytes:
        return self._archive.read(self._entries[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: object) -> bool:
        return path in self._entries

    def size(self, path: str) -> int:
        """How many bytes the file has, without inflating it."""
        return self._entries[path].file_size

    def under(self, folder: str) -> ArchivedFiles:
        """The files below `folder` ("" or a name ending in "/"), with paths relative to it."""
        inside = {path[len(folder) :]: info for path, info in self._entries.items() if path.startswith(folder)}
        return ArchivedFiles(self._archive, inside)


def open_archive(data: bytes) -> ArchivedFiles:
    """Read a zip handed in by somebody; Unclear (field "package") when it is none or is not safe to read.

    Every entry is inflated once in small pieces, so what is declared about sizes is never believed.
    """
    if len(data) > COMPRESSED_AT_MOST:
        raise unclear(
            f"The zip is {len(data):,} bytes; Salesforce takes at most {COMPRESSED_AT_MOST:,} bytes (39 MB) "
            "compressed. Split the release into smaller packages."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, OSError, EOFError) as cause:
        raise unclear(_no_zip(data)) from cause
    infos = [info for info in archive.infolist() if not _LITTER.search(info.filename)]
    entries = _trusted(infos)
    _inflate_once(archive, entries)
    return ArchivedFiles(archive, entries)


def write_archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of `files`: sorted, undated, so that the same files always give the same bytes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, _ZIP_EPOCH)
            info.external_attr = _PLAIN_FILE
            info.create_system = 3
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[path])
    return target.getvalue()


def _no_zip(data: bytes) -> str:
    if not data:
        return "The file is empty. Send the zip of a package in metadata format."
    if data[:2] == b"PK":
        return "The zip is damaged or was cut off on the way. Make it again, and send it again."
    return "That is not a zip file. Send the zip of a package in metadata format (package.xml with its files)."


def _trusted(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    seen: dict[str, str] = {}
    files = [info for info in infos if not info.is_dir()]
    if len(files) > FILES_AT_MOST:
        raise unclear(
            f"The zip holds {len(files):,} files; Salesforce takes at most {FILES_AT_MOST:,} in one deployment. "
            "Split the release into smaller packages."
        )
    for info in infos:
        _refuse_unsafe(info)
    for info in files:
        folded = info.filename.casefold()
        if folded in seen:
            raise unclear(_twice(seen[folded], info.filename))
        seen[folded] = info.filename
        entries[info.filename] = info
    declared = sum(info.file_size for info in files)
    if declared > UNZIPPED_AT_MOST:
        raise unclear(_too_much(f"{declared:,} bytes"))
    return dict(sorted(entries.items()))


def _twice(first: str, second: str) -> str:
    if first == second:
        return f"The zip holds {first} twice, so nobody can say which one is meant. Remove one of them."
    return (
        f"The zip holds both {first} and {second}, which differ only in upper and lower case; Salesforce treats "
        "them as one. Remove one of them."
    )


def _refuse_unsafe(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    shown = name.encode("unicode_escape").decode("ascii")
    if not name or name.startswith("/") or re.match(r"^[A-Za-z]:", name) or "\\" in name or "\0" in name:
        raise unclear(
            f"The zip holds the path “{shown}”, which is not a plain relative path with forward slashes. "
            "Zip the package's folder again with an ordinary tool."
        )
    if any(part in ("..", ".") for part in name.split("/")) or "//" in name:
        raise unclear(
            f"The zip holds the path “{shown}”, which climbs out of the package. Nothing of it was read; "
            "zip the package's folder again, and ask where this file came from."
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind and kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise unclear(f"The zip's entry {shown} is a link, not a file. Replace it by the file it points to.")
    if info.flag_bits & 0x1:
        raise unclear(f"The zip's entry {shown} is encrypted. Zip the package again without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise unclear(f"The zip's entry {shown} is packed in a way Salesforce cannot read. Use ordinary zip (deflate).")


def _inflate_once(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> None:
    total = 0
    for path, info in entries.items():
        try:
            with archive.open(info) as stream:
                while piece := stream.read(_CHUNK):
                    total += len(piece)
                    if total > UNZIPPED_AT_MOST:
                        raise unclear(_too_much("more than that"))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as cause:
            raise unclear(
                f"The zip is damaged at {path}: its content does not match its checksum. "
                "Make it again, and send it again."
            ) from cause


def _too_much(found: str) -> str:
    return (
        f"Unzipped, the package would be {found}; Salesforce takes at most {UNZIPPED_AT_MOST:,} bytes (600 MB). "
        "It was not unpacked further."
    )
