"""What the clients release: a class, in each of its two formats."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

VERSION = "66.0"
GOOD = "public class Greeter { public static Integer one() { return 1; } }"
BROKEN = "public class Broken { public static Integer one() { return Gretter.none(); }"
TEST = "@IsTest private class GreeterTest { @IsTest static void one() { System.assertEquals(1, Greeter.one()); } }"
_SPACE = "http://soap.sforce.com/2006/04/metadata"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
META = (
    f'{_HEAD}<ApexClass xmlns="{_SPACE}">\n    <apiVersion>{VERSION}</apiVersion>\n'
    "    <status>Active</status>\n</ApexClass>\n"
)
_AT = (2026, 1, 1, 0, 0, 0)  # the same bytes on every run


def manifest(*classes: str) -> str:
    """A package.xml that names Apex classes."""
    members = "".join(f"<members>{name}</members>" for name in classes)
    types = f"<types>{members}<name>ApexClass</name></types>" if classes else ""
    return f'{_HEAD}<Package xmlns="{_SPACE}">{types}<version>{VERSION}</version></Package>\n'


def metadata(classes: dict[str, str]) -> dict[str, str]:
    """The files of a metadata-format package, by path."""
    files = {"package.xml": manifest(*classes)}
    for name, source in classes.items():
        files |= {f"classes/{name}.cls": source, f"classes/{name}.cls-meta.xml": META}
    return files


def zipped(files: dict[str, str]) -> bytes:
    """Files as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, _AT), text)
    return buffer.getvalue()


def written(folder: Path, files: dict[str, str]) -> Path:
    """Files below a folder."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def project(folder: Path, classes: dict[str, str]) -> Path:
    """A project in source format."""
    settings = {"packageDirectories": [{"path": "force-app", "default": True}], "sourceApiVersion": VERSION}
    files = {"sfdx-project.json": json.dumps(settings)}
    for name, source in classes.items():
        base = f"force-app/main/default/classes/{name}.cls"
        files |= {base: source, f"{base}-meta.xml": META}
    return written(folder, files)
