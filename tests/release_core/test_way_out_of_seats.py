"""Whoever is named as able to clear a seat clears it, whatever the seats, the absences and the answers so far."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from release_core import absences, approvals
from release_core.people_gates import approvals_gate
from release_core.ports import Ports
from release_core.readiness import Gate
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    ANALYST,
    BOTH_SEATS,
    BUSINESS,
    DIRECTOR,
    MANAGER,
    NOW,
    OTHER_QA,
    QA,
    STAKEHOLDER,
    TESTER,
    a_package,
    a_policy,
    a_release,
    facts_of,
)

PEOPLE = [QA, OTHER_QA, BUSINESS, BOTH_SEATS, DIRECTOR, TESTER, ANALYST]


def closed(ports: Ports, key: str) -> list[Gate]:
    found = approvals_gate(facts_of(ports, key), ports.policy, ports.clock.now())
    return [gate for gate in found if not gate.passes]


def any_seat(chance: random.Random) -> dict[str, Any]:
    people = chance.sample(PEOPLE, chance.randint(1, 4))
    quorum = chance.choice(["any", "any", "all", *range(1, len(people) + 1)])
    must = chance.sample(people, 1) if chance.random() < 0.3 else []
    return {"title": "x", "people": people, "quorum": quorum, "mandatory": must}


@pytest.mark.parametrize("seed", range(40))
def test_taking_the_way_out_that_is_named_brings_every_seat_further_until_all_are_filled(seed: int) -> None:
    chance = random.Random(seed)
    names = ["qa", "business", "operations"][: chance.randint(1, 3)]
    # Acceptances need the usual seat; it asks nobody here unless it is drawn.
    seats = {name: {**any_seat(chance), "title": name.capitalize()} for name in names}
    ports = builders.ports(policy=a_policy(seats=seats, approvals={"standard": names}))
    key = a_release(ports)
    a_package(ports, key)
    week = Interval(NOW, NOW + timedelta(days=7))
    for person in chance.sample(PEOPLE, chance.randint(0, 3)):
        deputy = chance.choice([p for p in [*PEOPLE, STAKEHOLDER] if p != person])
        absences.set_absence(ports, person, week, stand_in=deputy)
    for _ in range(len(PEOPLE) + 2):
        helped = [gate for gate in closed(ports, key) if gate.who]
        if not helped:
            break
        gate = chance.choice(helped)
        before = [(one.because, one.who) for one in closed(ports, key)]
        seat = next(name for name in names if gate.because.startswith(name.capitalize()))
        person = chance.choice(gate.who)
        approvals.answer(ports, person, key, yes=True, seat=seat)
        assert [(one.because, one.who) for one in closed(ports, key)] != before, f"{person} changed nothing"
    left = closed(ports, key)
    assert all(gate.code == "nobody_may_approve" for gate in left), left
    assert all("The policy has to name somebody else" in gate.way_out for gate in left)
    assert MANAGER not in {person for gate in left for person in gate.who}
