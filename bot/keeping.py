"""What is kept in the artifacts folder, as `rollcall artifacts` tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.phrases import count
from release_core.ports import KeptFile, Ports
from release_core.retention import LEFTOVERS_AFTER, Unneeded, unneeded


@dataclass(frozen=True)
class Look:
    """What is kept, with what the retention rule would delete now."""

    kept: Sequence[KeptFile]
    unneeded: Unneeded
    days: int

    def as_json(self) -> dict[str, object]:
        """Counts and sizes in bytes, digests by release."""
        of_releases: Mapping[str, Sequence[KeptFile]] = self.unneeded.of_releases
        return {
            "files": len(self.kept),
            "bytes": _size(self.kept),
            "would_delete": {
                "files": len(self.unneeded.files),
                "bytes": _size(self.unneeded.files),
                "of_releases": {key: [file.digest for file in files] for key, files in of_releases.items()},
                "leftovers": [file.digest for file in self.unneeded.leftovers],
            },
        }

    def told(self) -> str:
        """The same in sentences."""
        lines = [f"{count(len(self.kept), 'file is', 'files are')} kept, {_shown(self.kept)}."]
        if not self.unneeded.files:
            return f"{lines[0]}\nNothing would be deleted now."
        lines.append(f"{count(len(self.unneeded.files), 'file')} would be deleted now, {_shown(self.unneeded.files)}:")
        for key, files in self.unneeded.of_releases.items():
            lines.append(f"  {key}, over for {self.days} d: {count(len(files), 'file')}, {_shown(files)}")
        if self.unneeded.leftovers:
            left = self.unneeded.leftovers
            lines.append(
                f"  referred to by nothing, {LEFTOVERS_AFTER.days} d old: {count(len(left), 'file')}, {_shown(left)}"
            )
        return "\n".join(lines)


def look_at_artifacts(ports: Ports) -> Look:
    """Look through the folder by the rule; nothing is deleted."""
    kept = ports.artifacts.kept()
    with ports.store.reading() as session:
        found = unneeded(session, ports.policy, kept, ports.clock.now())
    return Look(kept, found, ports.policy.keep_artifacts.days)


def _size(files: Sequence[KeptFile]) -> int:
    return sum(file.size for file in files)


def _shown(files: Sequence[KeptFile]) -> str:
    size = _size(files)
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{size / 1000:,.1f} kB"
