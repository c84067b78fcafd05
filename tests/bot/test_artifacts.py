"""Files under their digest."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.artifacts import ArtifactFolder
from release_core.errors import NotFound
from tests.release_core.builders import digest_of


def the_file(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def test_what_is_kept_is_listed_with_its_size(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    assert artifacts.kept() == []
    digest = artifacts.save(b"one")
    artifacts.save(b"one")
    (tmp_path / digest[:2] / f".{digest}.unfinished").write_bytes(b"o")
    assert [(file.digest, file.size) for file in artifacts.kept()] == [(digest_of(b"one"), 3)]


def test_what_is_saved_again_counts_as_saved_now(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    digest = artifacts.save(b"one")
    os.utime(the_file(tmp_path, digest), (0, 0))
    assert artifacts.kept()[0].saved_at.year == 1970
    artifacts.save(b"one")
    assert abs(artifacts.kept()[0].saved_at.timestamp() - time.time()) < 60


def test_what_was_deleted_is_gone_and_may_be_deleted_again(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    digest = artifacts.save(b"one")
    artifacts.delete(digest)
    artifacts.delete(digest)
    with pytest.raises(NotFound, match="not in the artifacts folder any more"):
        artifacts.load(digest)


def test_what_was_saved_anew_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    digest = artifacts.save(b"one")
    a_week_ago = datetime.now(UTC) - timedelta(days=7)
    assert not artifacts.delete(digest, saved_by=a_week_ago)
    assert artifacts.load(digest) == b"one"
    os.utime(the_file(tmp_path, digest), (0, 0))
    assert artifacts.delete(digest, saved_by=a_week_ago)
    assert artifacts.kept() == []
    assert artifacts.delete(digest, saved_by=a_week_ago), "what is gone already is gone"


def test_what_a_crash_left_half_saved_is_cleared_once_it_is_old(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    digest = artifacts.save(b"one")
    half = tmp_path / digest[:2] / f".{digest}.unfinished"
    half.write_bytes(b"o")
    artifacts.clear_unfinished(datetime.now(UTC) - timedelta(days=7))
    assert half.exists()
    os.utime(half, (0, 0))
    artifacts.clear_unfinished(datetime.now(UTC) - timedelta(days=7))
    assert not half.exists()
    assert artifacts.load(digest) == b"one"


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    artifacts = ArtifactFolder(tmp_path)
    digest = artifacts.save(b"one")
    the_file(tmp_path, digest).write_bytes(b"two")
    with pytest.raises(NotFound, match="is damaged"):
        artifacts.load(digest)
