"""A package arrives from the chat, then it is compared with its target."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.chat_problems import ChatUnavailable
from bot.flows import comparison, intake
from bot.rehearsal.packages import sample_package
from release_core import attaching
from release_core.attaching import Origin
from release_core.models import ReleasePackage
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER


def _sent(scene: Scene, data: bytes) -> tuple[str, int]:
    key = builders.a_release(scene.ports)
    scene.chat.files["F7"] = data
    return key, attaching.attach_package(scene.ports, DEVELOPER, key, file_id="F7", file_name="sample.zip")


def _row(scene: Scene, package: int) -> ReleasePackage:
    with scene.ports.store.reading() as session:
        return session.exec(select(ReleasePackage).where(ReleasePackage.id == package)).one()


def test_a_file_becomes_the_package_of_its_release(scene: Scene) -> None:
    key, package = _sent(scene, sample_package("mended"))
    intake.intake({"package": package})
    assert scene.release(key).package_id == package
    assert scene.ports.artifacts.load(_row(scene, package).digest) == sample_package("mended")


def test_a_file_that_is_no_package_is_refused_with_a_sentence(scene: Scene) -> None:
    key, package = _sent(scene, b"no zip at all")
    intake.intake({"package": package})
    assert scene.release(key).package_id is None
    assert "package_refused" in scene.said(key)


def test_what_automation_handed_in_is_read_from_the_artifacts(scene: Scene) -> None:
    digest = scene.ports.artifacts.save(sample_package("mended"))
    key = builders.a_release(scene.ports)
    origin = Origin("url", "a.zip", "https://ci.example.com/a.zip", digest=digest)
    package = attaching.attach_from(scene.ports, DEVELOPER, key, origin)
    intake.intake({"package": package})
    assert scene.release(key).package_id == package
    assert _row(scene, package).digest == digest


def test_a_chat_that_is_away_is_no_reason_to_refuse(scene: Scene) -> None:
    """The step tries again by itself; what leaves it is not a verdict on the file."""
    _, package = _sent(scene, sample_package("mended"))
    scene.chat.away = [ChatUnavailable("Slack did not answer.")]
    with pytest.raises(ChatUnavailable):
        intake.fetch(package)
    assert intake.fetch(package) == _digest(scene)


def _digest(scene: Scene) -> str:
    return scene.ports.artifacts.save(sample_package("mended"))


def test_a_package_is_compared_with_what_its_target_holds(scene: Scene) -> None:
    key, package = _sent(scene, sample_package("mended"))
    intake.intake({"package": package})
    comparison.comparison({"package": package})
    kinds = [kind for _, _, kind in _row(scene, package).comparison]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"new": 14, "changed": 4, "deleted": 1}
    assert len(_row(scene, package).verdicts) == 19
    assert "package_compared" in scene.said(key)


def test_a_target_that_cannot_be_asked_is_told(scene: Scene) -> None:
    key, package = _sent(scene, sample_package("mended"))
    intake.intake({"package": package})
    scene.away = True
    comparison.comparison({"package": package})
    assert _row(scene, package).compared_at is None
    assert "cannot be reached" in builders.last(scene.ports, key, "package_not_compared").details["problem"]
