"""A package is taken out of an org, or made of a commit; components are listed to pick from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot import outside
from bot.failures import tell_of_failure
from bot.flows import checkout, listing, retrieval
from release_core import attaching, listings
from release_core.attaching import Origin
from release_core.errors import Refused
from release_core.models import ReleasePackage
from release_core.packages import read_package
from tests.bot.flows.scenes import Scene
from tests.bot.test_git_source import IN_METADATA_FORMAT, a_repository
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, PRODUCTION, a_policy

MANIFEST = (
    '<?xml version="1.0"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">'
    "<types><members>LegacyDiscount</members><name>ApexClass</name></types><version>62.0</version></Package>"
)


@pytest.fixture
def source(scene: Scene) -> Iterator[Scene]:
    """A company that lets packages be taken out of production."""
    scene.ports = replace(scene.ports, policy=a_policy(retrieve_from=[PRODUCTION]))
    with outside.within(scene.outside):
        yield scene


def asked_for(scene: Scene, wanted: Mapping[str, Sequence[str]], *, file_id: str = "") -> tuple[str, int]:
    key = builders.a_release(scene.ports)
    origin = Origin("org", "retrieve.zip", PRODUCTION, file_id, manifest=wanted)
    return key, attaching.attach_from(scene.ports, DEVELOPER, key, origin)


def row(scene: Scene, package: int) -> ReleasePackage:
    with scene.ports.store.reading() as session:
        return session.get_one(ReleasePackage, package)


def test_what_was_asked_for_becomes_the_package_with_nothing_added(source: Scene) -> None:
    key, package = asked_for(source, {"ApexClass": ["LegacyDiscount"]})
    retrieval.retrieval({"package": package})
    kept = row(source, package)
    assert (kept.state, kept.source, kept.source_ref) == ("accepted", "org", PRODUCTION)
    assert kept.components == [["ApexClass", "LegacyDiscount"]]
    assert kept.manifest == {"ApexClass": ["LegacyDiscount"]}
    held = read_package(source.ports.artifacts.load(kept.digest))
    assert sorted(held.files) == ["classes/LegacyDiscount.cls", "classes/LegacyDiscount.cls-meta.xml", "package.xml"]
    told = builders.last(source.ports, key, "package_attached")
    assert (told.actor, told.details["ref"], told.details["manifest"]) == (DEVELOPER, PRODUCTION, kept.manifest)


def test_all_of_a_type_can_be_asked_for(source: Scene) -> None:
    _, package = asked_for(source, {"ApexClass": ["*"]})
    retrieval.retrieval({"package": package})
    classes = {component.name for component in source.production.org.inventory.of_type("ApexClass")}
    assert {name for _, name in row(source, package).components} == classes
    assert len(classes) > 1


def test_an_uploaded_package_xml_says_what_is_wanted(source: Scene) -> None:
    key, package = asked_for(source, {}, file_id="F3")
    source.chat.files["F3"] = MANIFEST.encode()
    retrieval.retrieval({"package": package})
    assert row(source, package).manifest == {"ApexClass": ["LegacyDiscount"]}
    assert row(source, package).state == "accepted"
    told = builders.last(source.ports, key, "package_accepted").details
    assert told["manifest"] == {"ApexClass": ["LegacyDiscount"]}


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"<Package", b""])
def test_an_upload_that_is_no_package_xml_is_refused(source: Scene, data: bytes) -> None:
    _, package = asked_for(source, {}, file_id="F3")
    source.chat.files["F3"] = data
    retrieval.retrieval({"package": package})
    assert row(source, package).state == "refused"


def test_what_the_org_does_not_hold_is_told_by_name_and_nothing_is_taken(source: Scene) -> None:
    key, package = asked_for(source, {"ApexClass": ["LegacyDiscount", "Nowhere"], "Layout": ["Account-None"]})
    retrieval.retrieval({"package": package})
    assert row(source, package).state == "refused"
    problem = row(source, package).problem
    assert problem.startswith("PRODUCTION does not hold ApexClass Nowhere, Layout Account-None.")
    assert "then ask again" in problem
    assert source.release(key).package_id is None


def test_an_org_that_is_no_source_any_more_is_not_asked(scene: Scene) -> None:
    _, package = asked_for(scene, {"ApexClass": ["LegacyDiscount"]})
    retrieval.retrieval({"package": package})
    assert "No package is taken from PRODUCTION" in row(scene, package).problem


def test_an_org_that_is_away_is_told(source: Scene) -> None:
    _, package = asked_for(source, {"ApexClass": ["LegacyDiscount"]})
    source.away = True
    retrieval.retrieval({"package": package})
    assert "cannot be reached" in row(source, package).problem


def look_up(scene: Scene, key: str, types: list[str], words: str = "") -> None:
    args = {"release": key, "org": PRODUCTION, "types": types, "words": words, "asker": DEVELOPER}
    listing.listing(args)


def test_what_an_org_holds_is_listed_by_type_and_words(source: Scene) -> None:
    key = builders.a_release(source.ports)
    look_up(source, key, ["ApexClass", "Layout"], "legacy")
    told = builders.last(source.ports, key, "components_listed")
    assert (told.actor, told.details["count"]) == (DEVELOPER, 1)
    assert json.loads(source.ports.artifacts.load(told.details["digest"])) == [["ApexClass", "LegacyDiscount"]]


def test_an_org_that_cannot_list_is_told_to_whoever_asked(source: Scene) -> None:
    key = builders.a_release(source.ports)
    source.away = True
    look_up(source, key, ["ApexClass"])
    told = builders.last(source.ports, key, "components_not_listed")
    assert (told.actor, "cannot be reached" in told.details["problem"]) == (DEVELOPER, True)


def test_a_list_can_be_picked_from_for_six_days(source: Scene) -> None:
    key = builders.a_release(source.ports)
    look_up(source, key, ["ApexClass"])
    number = builders.entries(source.ports, key)[-1].number
    assert listings.find_listing(source.ports, key, number).count > 1
    source.clock.advance(listings.GOOD_FOR * 1.01)
    with pytest.raises(Refused, match="Ask for a new one"):
        listings.find_listing(source.ports, key, number)


def at_git(scene: Scene, tmp_path: Path, ref: str) -> tuple[str, int]:
    scene.ports = replace(scene.ports, policy=a_policy(git={"repository": str(tmp_path / "repo")}))
    key = builders.a_release(scene.ports)
    return key, attaching.attach_from(scene.ports, DEVELOPER, key, Origin("git", f"git {ref}", ref))


def test_a_commit_becomes_the_package_and_its_sha_is_kept(scene: Scene, tmp_path: Path) -> None:
    sha = a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    key, package = at_git(scene, tmp_path, "main")
    with outside.within(scene.outside):
        checkout.checkout({"package": package})
    kept = row(scene, package)
    assert (kept.state, kept.source, kept.source_ref) == ("accepted", "git", sha)
    assert kept.components == [["ApexClass", "Greeter"]]
    told = builders.last(scene.ports, key, "package_accepted").details
    assert (told["ref"], told["asked_as"]) == (sha, "main")


def test_a_ref_that_is_not_there_is_refused_with_a_sentence(scene: Scene, tmp_path: Path) -> None:
    a_repository(tmp_path / "repo", IN_METADATA_FORMAT)
    _, package = at_git(scene, tmp_path, "nowhere")
    with outside.within(scene.outside):
        checkout.checkout({"package": package})
    assert "git could not bring nowhere" in row(scene, package).problem


@pytest.mark.parametrize("source_of", ["org", "git", "file"])
def test_a_flow_that_breaks_ends_the_reading_of_its_package(scene: Scene, source_of: attaching.Source) -> None:
    key = builders.a_release(scene.ports)
    package = attaching.attach_from(scene.ports, DEVELOPER, key, Origin(source_of, "a.zip", PRODUCTION))
    [intent] = builders.intents(scene.ports, attaching.FLOWS[source_of])
    tell_of_failure(scene.ports, intent.key, RuntimeError("a bug"))
    assert row(scene, package).state == "refused"
    assert "A fault in Rollcall" in row(scene, package).problem


def test_a_listing_that_breaks_is_told_to_whoever_asked(source: Scene) -> None:
    key = builders.a_release(source.ports)
    listings.ask_for_listing(source.ports, DEVELOPER, key, PRODUCTION, ["ApexClass"])
    [intent] = builders.intents(source.ports, "listing")
    tell_of_failure(source.ports, intent.key, RuntimeError("a bug"))
    assert builders.last(source.ports, key, "components_not_listed").actor == DEVELOPER
