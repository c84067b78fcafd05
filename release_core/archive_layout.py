"""How a zip lies in its bytes: entries one after the other, then the directory, and nothing that it does not list."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence

from release_core.errors import Unclear

LOCAL, LOCAL_SIGNATURE = struct.Struct("<4s5H3L2H"), b"PK\x03\x04"
END, END_SIGNATURE = struct.Struct("<4s4H2LH"), b"PK\x05\x06"
UTF8_NAME = 0x800
_SIZES_FOLLOW, _FOLLOWING = 0x8, (b"PK\x07\x08", b"")
_IN_ZIP64, _MANY, _ZIP64_END = 0xFFFFFFFF, 0xFFFF, 56 + 20


def unclear(sentence: str) -> Unclear:
    """A refusal of what was handed in as a package."""
    return Unclear(sentence, field="package")


class DamagedEntry(Exception):
    """An entry whose bytes are not what the zip's directory says of them."""


def refuse_unlisted(infos: Sequence[zipfile.ZipInfo], directory_at: int, comment_size: int, data: bytes) -> None:
    """Unclear unless the zip is its listed entries, its directory and nothing else.

    The zip goes to the org as it is, where another reader may take the entries one after the other as they lie there,
    without the directory: what we judged must be all that it can find.
    """
    at, before = 0, ""
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset != at:
            raise unclear(_unlisted(at, before, info.filename))
        try:
            at = _end_of(info, data)
        except (DamagedEntry, struct.error, UnicodeDecodeError) as cause:
            raise unclear(_two_tales(info.filename)) from cause
        before = info.filename
    if at != directory_at:
        raise unclear(_unlisted(at, before, ""))
    end_at = len(data) - END.size - comment_size
    signature, _, _, _, count, size, *_ = END.unpack_from(data, max(end_at, 0))
    between = data[directory_at + size : end_at] if size != _IN_ZIP64 else b""
    if signature != END_SIGNATURE or count not in (len(infos), _MANY) or len(between) not in (0, _ZIP64_END):
        raise unclear(_unlisted(directory_at, "its last file", ""))
    if between and not (between.startswith(b"PK\x06\x06") and between[56:60] == b"PK\x06\x07"):
        raise unclear(_unlisted(directory_at + size, "its directory", ""))


def _end_of(info: zipfile.ZipInfo, data: bytes) -> int:
    """Where what belongs to an entry ends; DamagedEntry when its own header tells otherwise than the directory."""
    end = start_of(info, memoryview(data)) + info.compress_size
    _, _, flags, method, _, _, *told, name_size, extra_size = LOCAL.unpack_from(data, info.header_offset)
    known = [info.CRC, info.compress_size, info.file_size]
    follow = bool(flags & _SIZES_FOLLOW)
    if _IN_ZIP64 in told[1:] and not follow:
        extra_at = info.header_offset + LOCAL.size + name_size
        told[1:] = _wide_sizes(data[extra_at : extra_at + extra_size])
    left_open = (0, _IN_ZIP64) if follow else ()  # it is told after the content
    if method != info.compress_type or any(a != b and a not in left_open for a, b in zip(told, known, strict=True)):
        raise DamagedEntry
    if not follow:
        return end
    for written in (signature + struct.pack(shape, *known) for shape in ("<3L", "<L2Q") for signature in _FOLLOWING):
        if data[end : end + len(written)] == written:
            return end + len(written)
    raise DamagedEntry


def _wide_sizes(extra: bytes) -> list[int]:
    """Packed and real size as an entry's own field for large files tells them (APPNOTE.TXT 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1 and size >= 16:
            real, packed = struct.unpack_from("<2Q", extra, at + 4)
            return [packed, real]
        at += 4 + size
    raise DamagedEntry


def start_of(info: zipfile.ZipInfo, data: memoryview) -> int:
    """Where the entry's bytes begin; the header before them must name the same file as the directory does."""
    if not 0 <= info.header_offset < len(data):
        raise DamagedEntry
    header = LOCAL.unpack_from(data, info.header_offset)
    name_at = info.header_offset + LOCAL.size
    start = name_at + int(header[9]) + int(header[10])
    name = bytes(data[name_at : name_at + header[9]]).decode("utf-8" if header[2] & UTF8_NAME else "cp437")
    if header[0] != LOCAL_SIGNATURE or name != info.orig_filename or start + info.compress_size > len(data):
        raise DamagedEntry
    return start


def _unlisted(at: int, before: str, after: str) -> str:
    where = f"after {shown(before)}" if before else f"before {shown(after)}" if after else "in it"
    return (
        f"The zip holds bytes {where} (from byte {at:,} on) that its directory does not list. Another reader might "
        "find files there that nobody has looked at. Zip the package's folder again with an ordinary tool."
    )


def _two_tales(path: str) -> str:
    return (
        f"The zip's directory and its entry {shown(path)} disagree about size, checksum or packing. Another reader "
        "might find something else there. Zip the package's folder again with an ordinary tool."
    )


def damaged(path: str) -> str:
    return f"The zip is damaged at {path}: its content does not match its checksum. Make it again, and send it again."


def shown(name: str) -> str:
    """A name as people wrote it, with what cannot be seen made visible."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in name)
