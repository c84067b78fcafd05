"""Packages and snapshots, kept as files under their digest."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from release_core.errors import NotFound
from release_core.ports import KeptFile

_DIGEST = re.compile(r"[0-9a-f]{64}")


class ArtifactFolder:
    """A folder of files named by the SHA-256 of their bytes; safe to use from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, data: bytes) -> str:
        """Keep `data` and return its digest; a crash leaves the whole file or none."""
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with contextlib.suppress(FileNotFoundError):
            # Somebody needs these bytes anew: whoever clears up leaves alone what was saved a moment ago.
            os.utime(path)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(f".{digest}.{uuid.uuid4().hex}")
            with unfinished.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        return digest

    def load(self, digest: str) -> bytes:
        """The bytes kept under `digest`; NotFound when they are gone or damaged."""
        try:
            data = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise NotFound(
                f"The file {digest[:12]}… is not in the artifacts folder any more. "
                "Put it back from a backup; without it nothing that needs it can be compared, built or sent."
            ) from None
        if hashlib.sha256(data).hexdigest() != digest:
            raise NotFound(f"The file {digest[:12]}… in the artifacts folder is damaged: its content does not match.")
        return data

    def kept(self) -> Sequence[KeptFile]:
        """Every whole file in the folder, by digest."""
        found = []
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            with contextlib.suppress(FileNotFoundError):
                if _DIGEST.fullmatch(path.name):
                    facts = path.stat()
                    found.append(KeptFile(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC)))
        return found

    def delete(self, digest: str, *, saved_by: datetime | None = None) -> bool:
        """Remove the file under `digest`, unless it was saved anew after `saved_by`; whether it is gone now."""
        path = self._path(digest)
        with contextlib.suppress(FileNotFoundError):
            if saved_by is not None and path.stat().st_mtime > saved_by.timestamp():
                return False
            path.unlink()
        return True

    def clear_unfinished(self, before: datetime) -> None:
        """Remove what a crash left of files that were being saved before an instant."""
        for path in self._folder.glob("[0-9a-f][0-9a-f]/.*"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before.timestamp():
                    path.unlink()

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise NotFound("There is no artifact without a digest.")
        return self._folder / digest[:2] / digest
