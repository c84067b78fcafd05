"""Zips that nobody should be able to release, each bad in one way."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.rehearsal.packages.build import sample_package
from release_core.archives import COMPRESSED_AT_MOST, FILES_AT_MOST, UNZIPPED_AT_MOST, write_archive

_MANIFEST = b"""<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="http://soap.sforce.com/2006/04/metadata">
    <types>
        <members>Greeting</members>
        <name>ApexClass</name>
    </types>
    <version>62.0</version>
</Package>
"""
_CLASS = b"public class Greeting {\n    public static String say() {\n        return 'Hello';\n    }\n}\n"
_META = b"""<?xml version="1.0" encoding="UTF-8"?>
<ApexClass xmlns="http://soap.sforce.com/2006/04/metadata">
    <apiVersion>62.0</apiVersion>
</ApexClass>
"""
GOOD: Mapping[str, bytes] = {
    "package.xml": _MANIFEST,
    "classes/Greeting.cls": _CLASS,
    "classes/Greeting.cls-meta.xml": _META,
}
_DEFLATED, _ENCRYPTED, _UTF8 = 8, 0x1, 0x800
_LINK_MODE = 0o120777 << 16


def not_a_zip() -> bytes:
    """A text file."""
    return b"This is the release of next Tuesday.\n"


def empty_file() -> bytes:
    """No bytes at all."""
    return b""


def cut_off() -> bytes:
    """The first half of a good zip."""
    whole = sample_package("mended")
    return whole[: len(whole) // 2]


def wrong_checksum() -> bytes:
    """A zip whose content does not match what its directory promises."""
    return _zip([replace(_Entry.of(path, data), checksum=1) for path, data in GOOD.items()])


def empty_zip() -> bytes:
    """A zip without files."""
    return write_archive({})


def no_manifest() -> bytes:
    """Classes without a package.xml."""
    return write_archive({path: data for path, data in GOOD.items() if path != "package.xml"})


def manifest_too_deep() -> bytes:
    """A good package, two folders down."""
    return write_archive({f"out/build/{path}": data for path, data in GOOD.items()})


def same_in_two_packages() -> bytes:
    """Two packages in one zip, which bring the same class."""
    return write_archive({f"{top}/{path}": data for top in ("billing", "sales") for path, data in GOOD.items()})


def package_beside_files() -> bytes:
    """A package in a folder, with a file beside the folder."""
    return write_archive({"notes.txt": b"hi", **{f"sales/{path}": data for path, data in GOOD.items()}})


def manifest_in_other_case() -> bytes:
    """A manifest with a capital letter."""
    return write_archive({"Package.xml" if path == "package.xml" else path: data for path, data in GOOD.items()})


def folder_in_other_case() -> bytes:
    """A folder with a capital letter, which a manifest that asks for everything would leave out in silence."""
    everything = _MANIFEST.replace(b"Greeting", b"*")
    renamed = {path.replace("classes/", "Classes/"): data for path, data in GOOD.items()}
    return write_archive({**renamed, "package.xml": everything})


def source_format() -> bytes:
    """An sf project as it is kept in git."""
    return write_archive(
        {
            "sfdx-project.json": b'{"packageDirectories": [{"path": "force-app"}]}',
            "manifest/package.xml": _MANIFEST,
            "force-app/main/default/classes/Greeting.cls": _CLASS,
            "force-app/main/default/classes/Greeting.cls-meta.xml": _META,
            "force-app/main/default/objects/Account/fields/Tier__c.field-meta.xml": b"<CustomField/>",
        }
    )


def climbing_path() -> bytes:
    """A path that would land outside the folder it is unpacked to."""
    return _with("../../etc/cron.d/release")


def absolute_path() -> bytes:
    """A path from the root of the machine."""
    return _with("/etc/passwd")


def backslash_path() -> bytes:
    """A path that climbs on Windows only."""
    return _with("classes\\..\\..\\Greeting.cls")


def drive_path() -> bytes:
    """A path with a drive letter."""
    return _with("C:/Windows/win.ini")


def link() -> bytes:
    """A symbolic link to a file of the machine."""
    return _zip([*_good(), replace(_Entry.of("classes/Other.cls", b"/etc/passwd"), attributes=_LINK_MODE)])


def encrypted() -> bytes:
    """A zip with a password."""
    return _zip([replace(entry, flags=entry.flags | _ENCRYPTED) for entry in _good()])


def duplicate_entry() -> bytes:
    """The same path twice, with different content."""
    return _with("classes/Greeting.cls")


def duplicate_in_other_case() -> bytes:
    """Two paths that are one to Salesforce."""
    return _with("classes/greeting.cls")


def bomb() -> bytes:
    """Under a megabyte that becomes more than Salesforce takes."""
    piece = _Entry.of("staticresources/Zeros0.resource", bytes(64 * 1024 * 1024))
    count = UNZIPPED_AT_MOST // piece.size + 1
    return _zip([*_good(), *(replace(piece, path=f"staticresources/Zeros{n}.resource") for n in range(count))])


def lying_bomb() -> bytes:
    """A bomb whose directory says that each file is tiny."""
    piece = replace(_Entry.of("staticresources/Zeros.resource", bytes(64 * 1024 * 1024)), size=100)
    return _zip([*_good(), piece])


def too_many_files() -> bytes:
    """One file more than a deployment may have."""
    return write_archive({f"classes/C{number}.cls": b"" for number in range(FILES_AT_MOST + 1)})


def too_large() -> bytes:
    """A zip of more than 39 MB."""
    return sample_package("mended") + bytes(COMPRESSED_AT_MOST)


def xml_entities() -> bytes:
    """Entities that would swell to gigabytes."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    swollen = f'<!DOCTYPE Package [<!ENTITY l0 "ha">{laughs}]><Package><version>&l9;</version></Package>'
    return write_archive({**GOOD, "package.xml": swollen.encode()})


def malformed_xml() -> bytes:
    """A manifest whose third line closes the wrong element."""
    return write_archive({**GOOD, "package.xml": _MANIFEST.replace(b"<types>", b"<types></members>", 1)})


def missing_member() -> bytes:
    """A manifest that lists a class which is not there."""
    listed = _MANIFEST.replace(b"<members>", b"<members>Farewell</members>\n        <members>", 1)
    return write_archive({**GOOD, "package.xml": listed})


def wildcard_deletion() -> bytes:
    """A destructive manifest that would delete every class."""
    return write_archive({**GOOD, "destructiveChanges.xml": _MANIFEST.replace(b"Greeting", b"*")})


def nothing_in_it() -> bytes:
    """A manifest with a version, and no more."""
    return write_archive({"package.xml": b"<Package><version>62.0</version></Package>"})


BAD: Mapping[str, Callable[[], bytes]] = {
    build.__name__: build
    for build in (
        not_a_zip,
        empty_file,
        cut_off,
        wrong_checksum,
        empty_zip,
        no_manifest,
        manifest_too_deep,
        same_in_two_packages,
        package_beside_files,
        manifest_in_other_case,
        folder_in_other_case,
        source_format,
        climbing_path,
        absolute_path,
        backslash_path,
        drive_path,
        link,
        encrypted,
        duplicate_entry,
        duplicate_in_other_case,
        bomb,
        lying_bomb,
        too_many_files,
        too_large,
        xml_entities,
        malformed_xml,
        missing_member,
        wildcard_deletion,
        nothing_in_it,
    )
}
"""Every kind of bad zip by name."""


@dataclass(frozen=True)
class _Entry:
    """One entry exactly as it is written, true or not; `size` is what the directory claims."""

    path: str
    packed: bytes
    size: int
    checksum: int
    flags: int = _UTF8
    attributes: int = 0

    @classmethod
    def of(cls, path: str, data: bytes) -> _Entry:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return cls(path, packer.compress(data) + packer.flush(), len(data), zlib.crc32(data))

    def fields(self) -> bytes:
        """The part that the local header and the directory share."""
        sizes = (self.checksum, len(self.packed), self.size, len(self.path.encode()), 0)
        return struct.pack("<HHHHHIIIHH", 20, self.flags, _DEFLATED, 0, 0x21, *sizes)


def _good() -> list[_Entry]:
    return [_Entry.of(path, data) for path, data in GOOD.items()]


def _with(path: str) -> bytes:
    return _zip([*_good(), _Entry.of(path, b"something else")])


def _zip(entries: list[_Entry]) -> bytes:
    """A zip with no checks at all; the standard library would refuse to write most of these."""
    body, directory = b"", b""
    for entry in entries:
        name = entry.path.encode()
        place = struct.pack("<HHHII", 0, 0, 0, entry.attributes, len(body))
        directory += b"PK\x01\x02" + struct.pack("<H", (3 << 8) | 20) + entry.fields() + place + name
        body += b"PK\x03\x04" + entry.fields() + name + entry.packed
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end
