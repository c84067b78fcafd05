"""How long time alone leaves an answer as it is."""

from __future__ import annotations

from datetime import timedelta

from handlers.release_cards import headline_card, headline_true_until
from release_core import absences
from release_core.facts import stand
from release_core.lookups import find_release
from release_core.ports import Ports
from release_core.windows import Interval
from tests.release_core import builders, staged


def test_a_card_stays_the_same_up_to_the_instant_that_was_foretold() -> None:
    for ports, key in (_armed(), _validated_long_ago(), _in_its_first_org(), _in_its_second_org(), _approved()):
        _never_changes_early(ports, key)


def _never_changes_early(ports: Ports, key: str) -> None:
    # Not by the hour, at which an answer ends anyway.
    begun = ports.clock.now() + timedelta(minutes=17)
    with ports.store.reading() as session:
        standing = stand(session, ports.policy, find_release(session, key))
    now, ends = begun, []
    while now < begun + timedelta(days=12):
        until = headline_true_until(standing, ports.policy, now)
        assert now < until <= now + timedelta(hours=1)
        drawn = {
            repr(headline_card(standing, ports.policy, moment))
            for moment in (now, now + (until - now) / 3, until - timedelta(microseconds=1))
        }
        assert len(drawn) == 1, f"what {key} looks like changes between {now} and {until}"
        ends.append(repr(headline_card(standing, ports.policy, until)) not in drawn)
        now = until
    assert any(ends), "time changes nothing here, so nothing was tried"


def _armed() -> tuple[Ports, str]:
    ports = builders.ports()
    key = builders.a_soaking_release(ports)
    return ports, key


def _validated_long_ago() -> tuple[Ports, str]:
    ports = builders.ports(policy=builders.a_policy(revalidate_before="7h"))
    key = builders.a_release(ports, window=builders.a_window(11 * 24 + 0.25))
    builders.a_package(ports, key)
    builders.a_passed_validation(ports, key)
    return ports, key


def _approved() -> tuple[Ports, str]:
    """A yes that expires, of a seat with somebody who is away for a while."""
    seats = {
        "qa": {"title": "QA", "people": [builders.QA], "lasts": "3d"},
        "business": {"title": "Business", "people": [builders.BUSINESS]},
    }
    ports = builders.ports(policy=builders.a_policy(seats=seats))
    key = builders.a_release(ports)
    builders.a_package(ports, key)
    builders.approve(ports, key)
    away = Interval(builders.NOW + timedelta(hours=30), builders.NOW + timedelta(hours=50))
    absences.set_absence(ports, builders.DEVELOPER, away, stand_in=builders.BUSINESS)
    return ports, key


def _in_its_first_org() -> tuple[Ports, str]:
    ports = staged.staged_ports()
    key = staged.a_ready_staged_release(ports)
    staged.land_stage(ports, key)
    return ports, key


def _in_its_second_org() -> tuple[Ports, str]:
    ports, key = _in_its_first_org()
    staged.soak(ports, key)
    staged.make_ready(ports, key)
    staged.land_stage(ports, key)
    return ports, key
