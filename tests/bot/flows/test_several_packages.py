"""Zips whose packages lie in folders, from the check-only run to the way back."""

from __future__ import annotations

import pytest

from bot.rehearsal.packages import sample_package
from release_core.archives import open_archive, write_archive
from release_core.packages import read_package, write_package
from tests.bot.flows.scenes import Scene
from tests.release_core import builders


@pytest.mark.parametrize("folders", [("everything",), ("code", "everything")])
def test_packages_in_folders_are_checked_deployed_and_brought_back(scene: Scene, folders: tuple[str, ...]) -> None:
    key = scene.planned(archive=_in_folders(*folders))
    assert scene.validate(key).state == "validated"
    builders.settle_checklist(scene.ports, key)
    builders.approve(scene.ports, key)
    before = _content(scene)
    assert scene.deploy(key).state == "succeeded"
    assert _content(scene) != before
    assert scene.arm(key).state == "validated"
    assert scene.roll_back(key).state == "succeeded"
    assert _content(scene) == before
    asked = {job.options.single_package for job in scene.production.org.jobs}
    assert asked == {len(folders) == 1, True}, "one folder around everything is still one package, as is the way back"


def _in_folders(*folders: str) -> bytes:
    """The sample, with its Apex classes in the folder "code" when there is one."""
    whole = read_package(sample_package("mended"))
    code = [each for each in whole.components if each.type == "ApexClass" and "code" in folders]
    parts = {"code": code, "everything": [each for each in whole.components if each not in code]}
    files = {}
    for folder in folders:
        own = {path for each in code for path in whole.paths[each]}
        chosen = {path: data for path, data in whole.files.items() if (path in own) == (folder == "code")}
        deleted = whole.deletions_before if folder == "everything" else ()
        later = whole.deletions_after if folder == "everything" else ()
        data = write_package(chosen, parts[folder], api_version="62.0", deletions_before=deleted, deletions_after=later)
        files |= {f"{folder}/{path}": content for path, content in open_archive(data).items()}
    return write_archive(files)


def _content(scene: Scene) -> dict[tuple[str, str], bytes]:
    components = scene.production.org.inventory.components.values()
    return {(f"{each.type} {each.name}", path): data for each in components for path, data in each.files.items()}
