"""What somebody may do that no single right tells."""

from __future__ import annotations

from collections.abc import Callable

from release_core.facts import gather
from release_core.lookups import open_releases
from release_core.permissions import may, seat_people, team_people
from release_core.policy import Right
from release_core.ports import Ports
from release_core.readiness import item_owners

Question = Callable[[Ports, str], bool]


def any_of(*rights: Right) -> Question:
    """Whether somebody holds one of several rights."""
    return lambda ports, person_id: any(may(ports.policy, person_id, right) for right in rights)


def settles_items(ports: Ports, person_id: str) -> bool:
    """Whether somebody answers for an item of an open release, or for all of them."""
    if may(ports.policy, person_id, "settle_any_item"):
        return True
    with ports.store.reading() as session:
        for release in open_releases(session)[:40]:
            facts = gather(session, ports.policy, release)
            for item in facts.items:
                team = team_people(session, ports.policy, item.team) if item.team in ports.policy.teams else ()
                if not item.rule and person_id in (*item_owners(item, facts, ports.policy), *team):
                    return True
    return False


def fills_a_seat(ports: Ports, person_id: str) -> bool:
    """Whether somebody may approve or decline for a seat."""
    with ports.store.reading() as session:
        return any(person_id in seat_people(session, ports.policy, seat) for seat in ports.policy.seats)
