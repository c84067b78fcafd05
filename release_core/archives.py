"""Zip archives, read without trusting them.

The limits are those of a Metadata API deployment (Metadata API Developer Guide, "Metadata Limits"): 10,000 files,
39 MB compressed, 629,145,600 bytes unzipped.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from release_core.archive_layout import (
    END,
    END_SIGNATURE,
    LOCAL,
    LOCAL_SIGNATURE,
    UTF8_NAME,
    DamagedEntry,
    damaged,
    refuse_unlisted,
    shown,
    start_of,
    unclear,
)

FILES_AT_MOST = 10_000
COMPRESSED_AT_MOST = 39 * 1024 * 1024
UNZIPPED_AT_MOST = 629_145_600
NAME_AT_MOST, FOLDERS_AT_MOST = 1_000, 50

_CHUNK = 64 * 1024
_LISTED, _LISTED_SIGNATURE = struct.Struct("<4s6H3L5H2L"), b"PK\x01\x02"
_VERSION, _UNIX = 20, 3 << 8
_FIRST_DAY = 1 << 5 | 1  # of 1980, the first that a zip can name
_PLAIN_FILE = (stat.S_IFREG | 0o644) << 16
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they turn the direction of reading
_LITTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


class Packed(NamedTuple):
    """A file as it lies in a zip, with what the zip's directory says of it."""

    content: bytes | memoryview
    method: int
    checksum: int
    size: int

    def unpacked(self) -> bytes:
        """The file itself."""
        if self.method == zipfile.ZIP_STORED:
            return bytes(self.content)
        return zlib.decompress(self.content, -zlib.MAX_WBITS, self.size or 1)


_Place = tuple[int, int, int, int, int]
"""Where an entry's packed bytes start and end, then its method, checksum and size: plain numbers take little memory."""


class ArchivedFiles(Mapping[str, bytes]):
    """Path -> content of an archive already checked; each file is inflated when it is asked for.

    Keeping the compressed bytes only is what lets a package of 600 MB be looked at in little memory.
    """

    def __init__(self, data: bytes, places: Mapping[str, _Place]) -> None:
        self._data = data
        self._places = places

    def __getitem__(self, path: str) -> bytes:
        return self.packed(path).unpacked()

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, path: object) -> bool:
        return path in self._places

    def packed(self, path: str) -> Packed:
        """The file without inflating it, for another archive."""
        start, end, method, checksum, size = self._places[path]
        return Packed(memoryview(self._data)[start:end], method, checksum, size)

    def holds_the_same(self, path: str, other: ArchivedFiles) -> bool:
        """Whether both archives hold the same bytes at `path`; inflates only what may be the same and looks different.

        Another checksum or length proves a difference, the same checksum proves nothing.
        """
        if self._places[path][3:] != other._places[path][3:]:
            return False
        ours, theirs = self.packed(path), other.packed(path)
        return ours == theirs or ours.unpacked() == theirs.unpacked()

    def under(self, folder: str) -> ArchivedFiles:
        """The files below `folder` ("" or a name ending in "/"), with paths relative to it."""
        inside = {path[len(folder) :]: place for path, place in self._places.items() if path.startswith(folder)}
        return ArchivedFiles(self._data, inside)

    def joined_with(self, others: Iterable[ArchivedFiles]) -> ArchivedFiles:
        """These files with those of other folders of the same archive; where paths meet, the last one counts."""
        places = dict(self._places)
        for other in others:
            places |= other._places
        return ArchivedFiles(self._data, dict(sorted(places.items())))


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
    with archive:
        everything, directory_at = archive.infolist(), archive.start_dir
        comment_size = len(archive.comment)
    for info in everything:
        _refuse_unsafe(info)
    infos = [info for info in everything if not _LITTER.search(info.filename)]
    places = _checked(_trusted(infos), memoryview(data))
    refuse_unlisted(everything, directory_at, comment_size, data)
    return ArchivedFiles(data, places)


def write_archive(files: Mapping[str, bytes | Packed]) -> bytes:
    """A zip of `files`: sorted, undated; what comes packed from another archive is not packed again."""
    pieces: list[bytes | memoryview] = []
    directory: list[bytes] = []
    offset = 0
    for path in sorted(files):
        name, entry = path.encode(), _packed(files[path])
        flags = 0 if path.isascii() else UTF8_NAME
        common = (flags, entry.method, 0, _FIRST_DAY, entry.checksum, len(entry.content), entry.size, len(name), 0)
        header = LOCAL.pack(LOCAL_SIGNATURE, _VERSION, *common)
        pieces += (header, name, entry.content)
        directory.append(
            _LISTED.pack(_LISTED_SIGNATURE, _UNIX | _VERSION, _VERSION, *common, 0, 0, 0, _PLAIN_FILE, offset) + name
        )
        offset += len(header) + len(name) + len(entry.content)
    size = sum(map(len, directory))
    end = END.pack(END_SIGNATURE, 0, 0, len(directory), len(directory), size, offset, 0)
    return b"".join((*pieces, *directory, end))


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
    for info in files:
        folded = unicodedata.normalize("NFC", info.filename).casefold()
        if folded in seen:
            raise unclear(_twice(seen[folded], info.filename))
        seen[folded] = info.filename
        entries[info.filename] = info
    _refuse_files_that_are_folders(seen, infos)
    declared = sum(info.file_size for info in files)
    if declared > UNZIPPED_AT_MOST:
        raise unclear(_too_much(f"{declared:,} bytes"))
    return dict(sorted(entries.items()))


def _twice(first: str, second: str) -> str:
    if first == second:
        return f"The zip holds {first} twice, so nobody can say which one is meant. Remove one of them."
    if unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second):
        return (
            f"The zip holds {first} twice, its accents written in two ways (composed, decomposed), so nobody can say "
            "which one is meant. Remove one of them."
        )
    return (
        f"The zip holds both {first} and {second}, which differ only in upper and lower case; Salesforce treats "
        "them as one. Remove one of them."
    )


def _refuse_files_that_are_folders(seen: Mapping[str, str], infos: Iterable[zipfile.ZipInfo]) -> None:
    for info in infos:
        parts = unicodedata.normalize("NFC", info.filename).casefold().split("/")
        for depth in range(1, len(parts)):
            if (above := "/".join(parts[:depth])) in seen:
                raise unclear(
                    f"The zip holds {seen[above]} as a file, and {info.filename} as if that were a folder. "
                    "Remove one of them."
                )


def _refuse_unsafe(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    seen = shown(name)
    if not name or name.startswith("/") or re.match(r"^[A-Za-z]:", name) or "\\" in name or "\0" in name:
        raise unclear(
            f"The zip holds the path “{seen}”, which is not a plain relative path with forward slashes. "
            "Zip the package's folder again with an ordinary tool."
        )
    if any(part in ("..", ".") for part in name.split("/")) or "//" in name:
        raise unclear(
            f"The zip holds the path “{seen}”, which climbs out of the package. Nothing of it was read; "
            "zip the package's folder again, and ask where this file came from."
        )
    if len(name) > NAME_AT_MOST or name.count("/") > FOLDERS_AT_MOST:
        raise unclear(
            f"The zip holds a path of {len(name):,} characters in {name.count('/'):,} folders, beginning with "
            f"“{seen[:60]}”; no metadata has more than {NAME_AT_MOST:,} characters or {FOLDERS_AT_MOST} folders. "
            "Zip the package's folder again, and ask where this file came from."
        )
    if any(unicodedata.category(each) == "Cc" or each in _TURNING for each in name):
        raise unclear(
            f"The zip holds the path “{seen}”, which has control characters in it, so nobody reads it as it is. "
            "Rename the file without them."
        )
    if info.is_dir() and info.file_size:
        raise unclear(f"The zip's folder {seen} has content of its own. Zip the package again with an ordinary tool.")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind and kind not in (stat.S_IFREG, stat.S_IFDIR):
        raise unclear(f"The zip's entry {seen} is a link, not a file. Replace it by the file it points to.")
    if info.flag_bits & 0x1:
        raise unclear(f"The zip's entry {seen} is encrypted. Zip the package again without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise unclear(f"The zip's entry {seen} is packed in a way Salesforce cannot read. Use ordinary zip (deflate).")


def _checked(entries: Mapping[str, zipfile.ZipInfo], data: memoryview) -> dict[str, _Place]:
    """Where the bytes of each entry lie, after all of them were inflated once and fitted."""
    places: dict[str, _Place] = {}
    extents: list[tuple[int, int, str]] = []
    for path, info in entries.items():
        try:
            start = start_of(info, data)
            end = start + info.compress_size
            _inflate_once(Packed(data[start:end], info.compress_type, info.CRC, info.file_size))
        except (DamagedEntry, zlib.error, struct.error, UnicodeDecodeError) as cause:
            raise unclear(damaged(path)) from cause
        places[path] = (start, end, info.compress_type, info.CRC, info.file_size)
        extents.append((info.header_offset, end, path))
    for (_, end, path), (begin, _, _) in pairwise(sorted(extents)):
        if end > begin:  # entries that share their bytes are how a small zip becomes a large bomb
            raise unclear(damaged(path))
    return places


def _inflate_once(entry: Packed) -> None:
    size = checksum = 0
    for piece in _pieces(entry):
        size += len(piece)
        checksum = zlib.crc32(piece, checksum)
        if size > entry.size:
            break
    if (size, checksum) != (entry.size, entry.checksum):
        raise DamagedEntry


def _pieces(entry: Packed) -> Iterator[bytes | memoryview]:
    if entry.method == zipfile.ZIP_STORED:
        yield entry.content
        return
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(entry.content), _CHUNK):
        rest: bytes | memoryview = entry.content[start : start + _CHUNK]
        while rest:
            yield inflater.decompress(rest, _CHUNK)
            rest = inflater.unconsumed_tail
    yield inflater.flush()
    if not inflater.eof or inflater.unused_data:
        raise DamagedEntry


def _packed(data: bytes | Packed) -> Packed:
    if isinstance(data, Packed):
        return data
    deflater = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = deflater.compress(data) + deflater.flush()
    return Packed(memoryview(packed), zipfile.ZIP_DEFLATED, zlib.crc32(data), len(data))


def _too_much(found: str) -> str:
    return (
        f"Unzipped, the package would be {found}; Salesforce takes at most {UNZIPPED_AT_MOST:,} bytes (600 MB). "
        "It was not unpacked further."
    )
