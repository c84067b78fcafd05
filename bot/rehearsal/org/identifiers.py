"""Salesforce record ids: prefixes, counters, the 18-character checksum."""

from __future__ import annotations

import hashlib
from collections import Counter

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def eighteen(identifier: str) -> str:
    """The 18-character form of a 15-character id; anything of another length comes back as it is."""
    if len(identifier) != 15:
        return identifier
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, letter in enumerate(identifier[start : start + 5]) if "A" <= letter <= "Z")
        suffix += _CHECKSUM[bits]
    return identifier + suffix


def same_id(one: str, other: str) -> bool:
    """Whether two ids name the same record, in whichever of the two lengths they are written."""
    return one[:15] == other[:15] and min(len(one), len(other)) >= 15


def base62(number: int, width: int) -> str:
    """A number in Salesforce's digits, padded on the left with zeros."""
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text.rjust(width, "0")[-width:]


def org_id_of(name: str) -> str:
    """A stable 00D… id for an org of that name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return eighteen("00D" + base62(seed, 12)[:4] + "0000" + base62(seed >> 7, 4))


class IdMint:
    """Hands out ids that ascend per prefix, as an org's own do."""

    def __init__(self, pod: str, counters: dict[str, int] | None = None) -> None:
        self._pod = pod
        self.counters: Counter[str] = Counter(counters or {})

    def mint(self, prefix: str) -> str:
        """The next 18-character id that starts with a three-character prefix."""
        self.counters[prefix] += 1
        return eighteen(f"{prefix}{self._pod}{base62(self.counters[prefix], 10)}")
