"""A label on the archive that is sent, by which the org's history tells our jobs apart.

DeployRequest keeps no word of ours, but it keeps the exact size of the zip. A zip ends with a comment that every reader
skips; there stands who sent it, padded to a length that no neighbouring attempt has. The contents are untouched.
"""

from __future__ import annotations

import struct

from release_core.archives import COMPRESSED_AT_MOST

_END = b"PK\x05\x06"  # end of central directory record: 22 bytes, the last two are the comment's length
_END_SIZE = 22
_COMMENT_AT_MOST = 0xFFFF
_SHORTEST = 64
_ATTEMPTS, _ASKS = 256, 32  # that are told apart: DEP-1 and DEP-257 may have the same length, hours or days apart


def labelled(archive: bytes, key: str, asked: int = 0) -> bytes:
    """The archive with its attempt's label, e.g. for "DEP-12"; `asked` counts the times it was asked for before.

    A comment that is there already is kept before ours. What would not fit into 39 MB is cut off the label, down to
    none. Bytes that are no zip come back as they are: the org says what is wrong with them.
    """
    at = _end_of(archive)
    if at is None:
        return archive
    number = int("".join(filter(str.isdigit, key)) or 0)
    length = _SHORTEST + number % _ATTEMPTS * _ASKS + asked % _ASKS
    words = f"rollcall {key} {asked}".encode()
    comment = archive[at + _END_SIZE :]
    room = min(_COMMENT_AT_MOST - len(comment), max(0, COMPRESSED_AT_MOST - len(archive)))
    comment += words.ljust(length)[:room]
    return archive[: at + _END_SIZE - 2] + struct.pack("<H", len(comment)) + comment


def _end_of(archive: bytes) -> int | None:
    """Where the end record begins: its comment reaches exactly to the end of the archive."""
    at = len(archive)
    earliest = max(0, len(archive) - _END_SIZE - _COMMENT_AT_MOST)
    while (at := archive.rfind(_END, earliest, at)) >= 0:
        if at + _END_SIZE <= len(archive):
            (length,) = struct.unpack_from("<H", archive, at + _END_SIZE - 2)
            if at + _END_SIZE + length == len(archive):
                return at
    return None
