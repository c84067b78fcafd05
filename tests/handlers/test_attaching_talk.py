"""Where a package comes from, as people say it."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from handlers.conversation import ChoiceField, Form, Message
from handlers.packages import MOST_SHOWN
from release_core import attaching, listings
from release_core.errors import NotFound, Refused, Unclear
from release_core.listings import Listing
from release_core.models import ReleasePackage
from release_core.ports import Ports
from tests.handlers.room import Room, a_file, words_of
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, MANAGER, UAT, a_policy, a_release, intents, later

GIT = {"git": {"repository": "https://git.example.com/a.git"}}


def the_package(ports: Ports) -> ReleasePackage:
    with ports.store.reading() as session:
        return session.get_one(ReleasePackage, 1)


def with_policy(**changes: object) -> Room:
    room = Room(builders.ports(policy=a_policy(**changes)))
    a_release(room.ports)
    return room


def test_a_commit_is_attached_by_its_ref() -> None:
    room = with_policy(**GIT)
    answer = room.hears(DEVELOPER, "release attach REL-1 from git release/2026-11")
    assert words_of(answer).startswith("release/2026-11 is fetched from git for REL-1.")
    package = the_package(room.ports)
    assert (package.source, package.source_ref, package.state) == ("git", "release/2026-11", "reading")
    assert len(intents(room.ports, "checkout")) == 1


def test_a_ref_that_is_called_like_a_release_is_put_in_quotes() -> None:
    room = with_policy(**GIT)
    room.hears(DEVELOPER, 'release attach REL-1 from git "REL-1"')
    assert the_package(room.ports).source_ref == "REL-1"


@pytest.mark.parametrize("words", ["from git", "from git main develop", "from git ..", "from git a:b"])
def test_words_that_name_no_commit_are_refused(words: str) -> None:
    assert isinstance(with_policy(**GIT).refuses(DEVELOPER, f"release attach REL-1 {words}").error, Unclear)


def test_without_a_repository_it_is_said_what_the_policy_lacks() -> None:
    refusal = with_policy().refuses(DEVELOPER, "release attach REL-1 from git main")
    assert "git.repository" in refusal.words


@pytest.mark.parametrize("words", ["attach REL-1 from UAT", "retrieve REL-1 from uat", "retrieve in UAT", "retrieve"])
def test_the_form_asks_what_to_take_from_the_org_that_was_said(words: str) -> None:
    form = with_policy().is_asked(DEVELOPER, f"release {words}")
    [org] = [each for each in form.fields if each.name == "org"]
    assert isinstance(org, ChoiceField)
    assert list(org.value) == [UAT]


def test_an_org_that_is_no_source_is_refused_before_anything_is_filled_in() -> None:
    refusal = with_policy().refuses(DEVELOPER, "release retrieve REL-1 from PRODUCTION")
    assert isinstance(refusal.error, Refused)
    assert "Orgs to take one from: UAT" in refusal.words


def test_a_manifest_that_was_written_down_is_asked_of_the_org() -> None:
    room = with_policy()
    form = room.is_asked(DEVELOPER, "release retrieve REL-1 from UAT")
    answer = room.submits(DEVELOPER, form, manifest="ApexClass: B, A\nLayout: *")
    assert "UAT is asked for 3 names." in words_of(answer)
    package = the_package(room.ports)
    assert (package.source, package.source_ref) == ("org", UAT)
    assert package.manifest == {"ApexClass": ["A", "B"], "Layout": ["*"]}
    assert len(intents(room.ports, "retrieval")) == 1


def test_a_package_xml_that_was_uploaded_is_read_later() -> None:
    room = with_policy()
    form = room.is_asked(DEVELOPER, "release retrieve REL-1 from UAT")
    room.submits(DEVELOPER, form, manifest_file=a_file("package.xml"))
    package = the_package(room.ports)
    assert (package.file_id, package.manifest) == ("F0PACKAGE", {})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Say what to take"),
        ({"manifest": "ApexClass: A", "types": ["Layout"]}, "Choose one way"),
        ({"manifest": "all of it"}, "is no type with names"),
        ({"types": [f"T{number}" for number in range(11)]}, "cannot be listed"),
    ],
)
def test_a_form_that_says_nothing_clear_stays_open(values: dict[str, object], words: str) -> None:
    room = with_policy()
    form = room.is_asked(DEVELOPER, "release retrieve REL-1 from UAT")
    assert words in room.is_refused_the_form(DEVELOPER, form, **values).words
    assert intents(room.ports, "retrieval") == []


def listed(room: Room, names: Sequence[str], kind: str = "ApexClass") -> Message:
    """An org told what it holds; the direct message with the button."""
    digest = room.ports.artifacts.save(json.dumps([[kind, name] for name in names]).encode())
    listings.note_listing(room.ports, DEVELOPER, "REL-1", Listing(UAT, [kind], digest, len(names)))
    number = builders.entries(room.ports, "REL-1")[-1].number
    room.tell()
    return room.posts[f"pick:REL-1:{number}@{DEVELOPER}"].message


def test_types_are_looked_up_first_and_then_picked_from() -> None:
    room = with_policy()
    form = room.is_asked(DEVELOPER, "release retrieve REL-1 from UAT")
    answer = room.submits(DEVELOPER, form, types=["ApexClass"], filter="disc")
    assert "UAT is asked what it holds of ApexClass." in words_of(answer)
    [intent] = intents(room.ports, "listing")
    assert (intent.args["org"], intent.args["types"], intent.args["words"]) == (UAT, ["ApexClass"], "disc")
    post = listed(room, ["Discount", "DiscountTest", "LegacyDiscount"])
    assert "UAT holds 3 components of ApexClass that fit" in words_of(post)
    pick = room.clicks(DEVELOPER, "Pick components…", post)
    assert isinstance(pick, Form)
    answer = room.submits(DEVELOPER, pick, of_ApexClass=["0", "2"])
    assert "UAT is asked for 2 names." in words_of(answer)
    assert the_package(room.ports).manifest == {"ApexClass": ["Discount", "LegacyDiscount"]}


def test_more_than_one_form_can_show_is_reached_by_words_and_picks_are_kept() -> None:
    room = with_policy()
    post = listed(room, [f"Class{number:04}" for number in range(MOST_SHOWN + 50)])
    first = room.clicks(DEVELOPER, "Pick components…", post)
    assert "50 more fit" in words_of(first)
    second = room.submits(DEVELOPER, first, of_ApexClass=["0"], filter="0449")
    assert isinstance(second, Form)
    [shown] = [each for each in second.fields if isinstance(each, ChoiceField)]
    assert [option.label for option in shown.options] == ["Class0449"]
    assert "1 component picked so far." in words_of(second)
    room.submits(DEVELOPER, second, of_ApexClass=["449"])
    assert the_package(room.ports).manifest == {"ApexClass": ["Class0000", "Class0449"]}


def test_nothing_picked_is_refused() -> None:
    room = with_policy()
    pick = room.clicks(DEVELOPER, "Pick components…", listed(room, ["Discount"]))
    assert "Choose at least one" in room.is_refused_the_form(DEVELOPER, pick).words


def test_a_list_with_nothing_in_it_offers_to_choose_again() -> None:
    room = with_policy()
    post = listed(room, [])
    assert "holds nothing of ApexClass that fits" in words_of(post)
    assert isinstance(room.clicks(DEVELOPER, "Choose again…", post), Form)


def test_an_old_list_is_not_picked_from() -> None:
    room = with_policy()
    post = listed(room, ["Discount"])
    later(room.ports, days=7)
    assert (
        "Ask for a new one: /release retrieve REL-1"
        in room.is_refused_the_click(DEVELOPER, "Pick components…", post).words
    )


def test_the_card_says_where_a_package_came_from() -> None:
    room = with_policy()
    wanted = attaching.Origin("org", "retrieve-from-uat.zip", UAT, manifest={"ApexClass": ["A", "B"]})
    package = attaching.attach_from(room.ports, DEVELOPER, "REL-1", wanted)
    attaching.accept_package(room.ports, package, builders.contents("taken"))
    card = words_of(room.hears(MANAGER, "release package REL-1"))
    assert "Taken out of UAT by @Priya Nair, who asked for 2 names." in card
    history = words_of(room.hears(MANAGER, "release timeline REL-1"))
    assert "@Priya Nair asked UAT for ApexClass A, B." in history
    assert "It came from UAT." in history


def test_a_card_of_a_commit_shows_its_sha() -> None:
    room = with_policy(**GIT)
    package = attaching.attach_from(room.ports, DEVELOPER, "REL-1", attaching.Origin("git", "git main", "main"))
    attaching.accept_package(room.ports, package, builders.contents("made"), commit="c0ffee" * 6 + "abcd")
    assert f"Made of commit {'c0ffee' * 6}abcd." in words_of(room.hears(MANAGER, "release package REL-1"))


def test_a_list_that_is_not_there_is_not_found(room: Room) -> None:
    a_release(room.ports)
    with pytest.raises(NotFound, match="Ask for one"):
        listings.find_listing(room.ports, "REL-1", 1)
