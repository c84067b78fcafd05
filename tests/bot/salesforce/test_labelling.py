"""The label on an archive that is sent: a size of its own for each attempt, the contents untouched."""

from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from bot.rehearsal.packages import sample_package
from bot.salesforce import labelled
from release_core.archives import COMPRESSED_AT_MOST, open_archive


def a_zip(comment: bytes = b"", size: int = 10) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("package.xml", b"x" * size)
        archive.comment = comment
    return packed.getvalue()


def test_each_attempt_and_each_repetition_has_a_size_of_its_own() -> None:
    archive = sample_package("mended")
    sizes = {len(labelled(archive, f"DEP-{number}", asked)) for number in range(1, 200) for asked in range(13)}
    assert len(sizes) == 199 * 13


def test_the_contents_are_untouched_and_the_label_can_be_read() -> None:
    archive = sample_package("mended")
    sent = labelled(archive, "DEP-12", 2)
    assert dict(open_archive(sent)) == dict(open_archive(archive))
    assert zipfile.ZipFile(io.BytesIO(sent)).comment.startswith(b"rollcall DEP-12 2 ")
    assert labelled(archive, "DEP-12", 2) == sent


def test_a_comment_that_is_there_already_stays_before_ours() -> None:
    """git archive writes the commit there."""
    sent = labelled(a_zip(b"8fa81e3"), "DEP-1")
    assert zipfile.ZipFile(io.BytesIO(sent)).comment.startswith(b"8fa81e3rollcall DEP-1 ")


def test_a_comment_that_fills_all_the_room_leaves_none_for_ours() -> None:
    full = a_zip(b"c" * 0xFFFF)
    assert labelled(full, "DEP-1") == full


def test_an_end_record_inside_the_comment_deceives_nobody() -> None:
    """Python's own reader is deceived by it, so only the bytes can be looked at."""
    deceit = b"PK\x05\x06" + b"\0" * 30
    archive = a_zip(deceit)
    sent, length_at = labelled(archive, "DEP-1"), len(archive) - len(deceit) - 2
    assert sent[:length_at] == archive[:length_at]
    assert int.from_bytes(sent[length_at : length_at + 2], "little") == len(sent) - length_at - 2
    assert sent[length_at + 2 :].startswith(deceit + b"rollcall DEP-1 ")


@pytest.mark.parametrize("spare", [0, 5, 63])
def test_no_archive_is_pushed_over_39_mb(spare: int) -> None:
    empty = len(a_zip(size=0))
    large = a_zip(size=COMPRESSED_AT_MOST - empty - spare)
    sent = labelled(large, "DEP-12")
    assert len(sent) == COMPRESSED_AT_MOST
    assert zipfile.ZipFile(io.BytesIO(sent)).namelist() == ["package.xml"]


@pytest.mark.parametrize("junk", [b"", b"PK", b"no zip at all", b"PK\x05\x06", b"PK\x05\x06" + b"\1" * 18])
def test_what_is_no_zip_is_left_for_the_org_to_refuse(junk: bytes) -> None:
    assert labelled(junk, "DEP-1") == junk


def test_other_tools_read_it_without_a_complaint(tmp_path: Path) -> None:
    """Java's own reader is behind Salesforce; here are whichever of these the machine has."""
    (tmp_path / "sent.zip").write_bytes(labelled(sample_package("mended"), "DEP-12"))
    tried = 0
    for command in (
        ["python3", "-m", "zipfile", "-t"],
        ["unzip", "-tqq"],
        ["jar", "tf"],
        ["7z", "t"],
        ["bsdtar", "-tf"],
    ):
        try:
            done = subprocess.run([*command, "sent.zip"], cwd=tmp_path, capture_output=True, check=False)
        except FileNotFoundError:
            continue
        tried += 1
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert tried
