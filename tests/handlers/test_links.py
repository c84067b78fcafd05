"""Our own addresses: what leads where, what is shown behind a link, nothing where the bot has no address."""

from __future__ import annotations

import pytest

from handlers.addresses import key_in
from handlers.conversation import Actions
from handlers.links import card_behind
from handlers.slack.blocks import draw_message
from release_core import incidents
from tests.handlers.room import READER, Room, assert_slack_takes, words_of
from tests.release_core.builders import MANAGER, PRODUCTION, TESTER, a_policy, a_release, ports

OURS = "https://rollcall.acme.example"


@pytest.fixture
def public() -> Room:
    """A room whose bot people can reach by its address."""
    return Room(ports(policy=a_policy(public_url=OURS)))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        (f"{OURS}/r/REL-1", "REL-1"),
        (f"{OURS}/r/rel-007/", "REL-7"),
        (f"{OURS}/i/INC-12", "INC-12"),
        (f"{OURS}/i/INC-12?utm=x#y", "INC-12"),
        (f"{OURS}/i/REL-1", ""),
        (f"{OURS}/r/REL-1/more", ""),
        (f"{OURS}/r/REL-12345678901", ""),
        ("http://rollcall.acme.example/r/REL-1", ""),
        ("https://rollcall.acme.example.evil.example/r/REL-1", ""),
        ("https://rollcall.acme.example@evil.example/r/REL-1", ""),
        ("", ""),
        ("no address", ""),
    ],
)
def test_only_our_own_addresses_name_something(url: str, key: str) -> None:
    assert key_in(a_policy(public_url=OURS), url) == key
    assert key_in(a_policy(), url) == ""


def test_cards_link_their_keys_where_the_bot_has_an_address(public: Room, room: Room) -> None:
    for each in (public, room):
        a_release(each.ports)
        incidents.open_incident(each.ports, TESTER, title="Quotes fail", severity=2, org=PRODUCTION)
    for text, path in (("release status", "/r/REL-1"), ("release", "/r/REL-1"), ("incident", "/i/INC-1")):
        assert f"<{OURS}{path}|" in str(draw_message(public.hears(MANAGER, text), READER))
        assert OURS not in str(draw_message(room.hears(MANAGER, text), READER))
    assert "REL-1 Autumn release" in words_of(public.says(MANAGER, "release status"))


def test_behind_a_link_stands_the_headline_with_nothing_to_click(public: Room) -> None:
    a_release(public.ports)
    incidents.open_incident(public.ports, TESTER, title="Quotes fail", severity=2, org=PRODUCTION)
    for url, words in ((f"{OURS}/r/REL-1", "Autumn release"), (f"{OURS}/i/INC-1", "Quotes fail")):
        card = card_behind(public.ports, url)
        assert card is not None
        assert words in words_of(card)
        assert "As of Mon 23 Nov 2026" in words_of(card)
        assert not [part for part in card.parts if isinstance(part, Actions)]
        assert_slack_takes(card)


@pytest.mark.parametrize("url", [f"{OURS}/r/REL-9", f"{OURS}/i/INC-9", "https://elsewhere.example/r/REL-1"])
def test_behind_a_link_that_leads_nowhere_stands_nothing(public: Room, url: str) -> None:
    a_release(public.ports)
    assert card_behind(public.ports, url) is None


@pytest.mark.parametrize(
    "url",
    ["rollcall.acme.com", "http://rollcall.acme.com", "https://acme.com/rollcall", "https://a:b@acme.com", "ftp://x"],
)
def test_an_address_that_people_cannot_be_led_to_is_a_mistake_of_the_policy(url: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as"):
        a_policy(public_url=url)


def test_an_address_is_kept_without_its_last_slash() -> None:
    assert a_policy(public_url=f"{OURS}/").public_url == OURS
    assert a_policy(public_url="http://127.0.0.1:8080").public_url == "http://127.0.0.1:8080"
