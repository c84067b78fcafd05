"""Names in a zip that others would read otherwise, and those that an org may well hold."""

from __future__ import annotations

import io
import zipfile

import pytest

from release_core.archives import open_archive, write_archive
from release_core.errors import Unclear

FILES = {"package.xml": b"<Package/>", "classes/A.cls": b"public class A {}" * 50, "classes/B.cls": b""}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["classes/é.cls", "classes/e\u0301.cls"], "accents written in two ways"),
        (["classes/A\u0007.cls"], "control characters"),
        (["classes/A\u202e.cls"], "“classes/A\\u202e.cls”, which has control characters"),
        (["classes/" + "A" * 1000 + ".cls"], "no metadata has more than 1,000 characters"),
        (["a/" * 51 + "A.cls"], "51 folders"),
        (["__MACOSX/../classes/Evil.cls"], "climbs out of the package"),
        (["classes/A", "classes/A/B.cls"], "as if that were a folder"),
        (["classes\\A.cls"], "“classes\\A.cls”"),
    ],
)
def test_names_that_others_would_read_otherwise_are_refused(names: list[str], said: str) -> None:
    with pytest.raises(Unclear) as refused:
        open_archive(write_archive({**FILES, **dict.fromkeys(names, b"x")}))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "name", ["layouts/Kunden\u00adstamm.layout", "layouts/A\u200dB.layout", "documents/Ordner /x.txt"]
)
def test_names_that_an_org_may_hold_are_read(name: str) -> None:
    assert name in open_archive(write_archive({**FILES, name: b"x"}))


def test_a_folder_with_content_is_refused() -> None:
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w") as archive:
        archive.writestr("classes/", b"x")
    with pytest.raises(Unclear, match="folder classes/ has content"):
        open_archive(to.getvalue())
