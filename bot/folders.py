"""A package that lies as a folder on this machine, zipped."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from release_core.archive_layout import unclear
from release_core.archives import FILES_AT_MOST, UNZIPPED_AT_MOST, write_archive

_LEFT_OUT = (".git", ".DS_Store", "Thumbs.db", "desktop.ini", "__MACOSX")


def zip_folder(folder: Path) -> bytes:
    """The files below a folder as a zip; the same files always give the same bytes.

    Unclear when a file is a link or no plain file, or when there is more than Salesforce takes.
    """
    files: dict[str, Path] = {}
    total = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode):
            raise unclear(f"{name} is a link or no plain file. Put the file itself there.")
        files[name], total = path, total + facts.st_size
        if len(files) > FILES_AT_MOST or total > UNZIPPED_AT_MOST:
            raise unclear(
                f"The folder holds more than {FILES_AT_MOST:,} files or {UNZIPPED_AT_MOST:,} bytes, the most that "
                "Salesforce takes in one deployment. Split the release into smaller packages."
            )
    return write_archive({name: path.read_bytes() for name, path in files.items()})


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder, followlinks=False):
        for name in folders:
            if (Path(place) / name).is_symlink():
                raise unclear(f"{name} is a link to a folder. Put the folder itself there.")
        folders[:] = sorted(name for name in folders if name not in _LEFT_OUT)
        yield from (Path(place) / name for name in sorted(names) if name not in _LEFT_OUT)
