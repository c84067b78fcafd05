"""A package is compared with a local org, where somebody changes things by hand in between."""

from __future__ import annotations

from datetime import timedelta

from bot.flows import comparison
from bot.rehearsal.org.results import DeployOptions
from release_core import acceptances, attaching, comparing
from release_core.differences import read_change, read_section
from release_core.metadata_types import Component
from release_core.models import ReleasePackage
from release_core.packages import read_package, write_package
from release_core.windows import Interval
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import BUSINESS, DEVELOPER, QA, TESTER

TIER = Component("CustomField", "Account.Tier__c")
ADMIN = Component("Profile", "Admin")


def _object(kind: str) -> bytes:
    more = "<length>40</length>" if kind == "Text" else "<precision>4</precision><scale>0</scale>"
    inner = f"<fields><fullName>Tier__c</fullName><label>Tier</label><type>{kind}</type>{more}</fields>"
    return f'<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">{inner}</CustomObject>'.encode()


def _attached(scene: Scene, archive: bytes) -> tuple[str, int]:
    now = scene.clock.now()
    key = builders.a_release(scene.ports, window=Interval(now, now + timedelta(hours=40)))
    scene.ports.artifacts.save(archive)
    package = attaching.attach_package(scene.ports, DEVELOPER, key, file_id="F1", file_name="tier.zip")
    attaching.accept_package(scene.ports, package, read_package(archive))
    comparison.comparison({"package": package})
    builders.has_run(scene.ports, "comparison")
    return key, package


def _row(scene: Scene, package: int) -> ReleasePackage:
    with scene.ports.store.reading() as session:
        row = session.get(ReleasePackage, package)
        assert row is not None
        return row


def _text(scene: Scene, package: int) -> str:
    return scene.ports.artifacts.load(_row(scene, package).diff_digest).decode()


def test_a_changed_field_is_told_line_by_line_with_who_changed_it_last_and_what_comes_of_it(scene: Scene) -> None:
    key, package = _attached(
        scene, write_package({"objects/Account.object": _object("Number")}, [TIER], api_version="62.0")
    )
    row = _row(scene, package)
    assert row.comparison == [["CustomField", "Account.Tier__c", "changed"]]
    assert row.verdicts[0][2] == "impossible"
    assert row.verdicts[0][5], "the source of the verdict is kept"
    assert row.compared_org == builders.PRODUCTION
    (change,) = [read_change(one) for one in row.last_changed]
    assert (change.by, change.component, change.warning) == ("Dana Whitfield", TIER, "")
    said = read_section(_text(scene, package), TIER)
    assert "<type>Number</type>" in said
    assert "last changed in PRODUCTION by Dana Whitfield" in said
    assert "Way back: impossible" in said
    assert "Source: MDAPI: CustomField" in said
    assert "impossible_not_accepted" in builders.blocked_by(scene.ports, key)


def test_what_is_impossible_waits_for_a_written_yes_and_comes_back_as_a_question_with_another_package(
    scene: Scene,
) -> None:
    archive = write_package({"objects/Account.object": _object("Number")}, [TIER], api_version="62.0")
    key, _ = _attached(scene, archive)
    acceptances.accept(scene.ports, QA, key, "Sales agreed to a new field if it breaks")
    assert "impossible_not_accepted" not in builders.blocked_by(scene.ports, key)
    assert BUSINESS not in [told.actor for told in builders.told(scene.ports, key)]
    other = write_package({"objects/Account.object": _object("Percent")}, [TIER], api_version="62.0")
    scene.ports.artifacts.save(other)
    package = attaching.attach_package(scene.ports, DEVELOPER, key, file_id="F2", file_name="tier-2.zip")
    attaching.accept_package(scene.ports, package, read_package(other))
    comparison.comparison({"package": package})
    assert "impossible_not_accepted" in builders.blocked_by(scene.ports, key)


def test_a_second_look_finds_what_a_colleague_did_in_between(scene: Scene) -> None:
    archive = write_package({"objects/Account.object": _object("Number")}, [TIER], api_version="62.0")
    key, package = _attached(scene, archive)
    before = _text(scene, package)
    scene.clock.advance(timedelta(minutes=5))
    org = scene.production.org
    options = DeployOptions(check_only=False, test_level="RunLocalTests", rollback_on_error=True, single_package=True)
    theirs = write_package({"objects/Account.object": _object("Text")}, [TIER], api_version="62.0")
    job = org.deploy(org.users[3].id, theirs, options)
    org.settle()
    assert job.status == "Succeeded", job
    comparing.request_comparison(scene.ports, TESTER, key)
    comparison.comparison({"package": package, "again": True})
    (change,) = [read_change(one) for one in _row(scene, package).last_changed]
    assert (change.by, change.warning) == ("Ines Calder", "after the package was attached")
    assert _text(scene, package) != before
    assert "<type>Text</type>" in read_section(_text(scene, package), TIER)
    assert scene.said(key).count("package_compared") == 2


def test_nothing_new_in_the_org_means_nothing_new_to_say(scene: Scene) -> None:
    key = scene.planned()
    package = scene.release(key).package_id or 0
    comparing.request_comparison(scene.ports, TESTER, key)
    comparison.comparison({"package": package, "again": True})
    assert builders.last(scene.ports, key, "package_compared").details["again"] == "the same"


def test_an_org_that_is_away_at_the_second_look_leaves_the_first_as_it_was(scene: Scene) -> None:
    key = scene.planned()
    package = scene.release(key).package_id or 0
    before = _row(scene, package)
    scene.away = True
    comparison.comparison({"package": package, "again": True})
    assert "package_not_compared" in scene.said(key)
    assert _row(scene, package).diff_digest == before.diff_digest
