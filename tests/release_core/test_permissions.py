"""Who may do what, and what the others are told."""

from __future__ import annotations

from typing import get_args

import pytest

from release_core.errors import NotAllowed
from release_core.models import TeamMember
from release_core.permissions import WORDS, may, others, require, seat_people, team_people
from release_core.policy import DEFAULT_RIGHTS, Right
from release_core.ports import Ports
from tests.release_core.builders import (
    ADMINISTRATOR,
    ANALYST,
    BOTH_SEATS,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    OTHER_DEVELOPER,
    OTHER_QA,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_policy,
)

EVERYBODY = {MANAGER, DEVELOPER, TESTER, ADMINISTRATOR, ANALYST, STAKEHOLDER}


def test_every_right_has_its_words_and_its_default() -> None:
    assert set(get_args(Right)) == set(WORDS) == set(DEFAULT_RIGHTS)


@pytest.mark.parametrize(
    ("right", "allowed"),
    [
        ("plan", {MANAGER}),
        ("attach", {MANAGER, DEVELOPER, ADMINISTRATOR}),
        ("settle_any_item", {MANAGER}),
        ("validate", {MANAGER, DEVELOPER, ADMINISTRATOR, TESTER}),
        ("set_window", {MANAGER}),
        ("set_freeze", {MANAGER, ADMINISTRATOR}),
        ("waive_freeze", set()),
        ("deploy", {MANAGER}),
        ("roll_back", {MANAGER, ADMINISTRATOR}),
        ("lock_org", {MANAGER, ADMINISTRATOR}),
        ("broadcast", {MANAGER}),
        ("handle_incident", EVERYBODY - {STAKEHOLDER}),
        ("note", EVERYBODY - {STAKEHOLDER}),
        ("read", EVERYBODY),
    ],
)
def test_roles_hold_their_rights(right: Right, allowed: set[str]) -> None:
    policy = a_policy(rights={})
    assert {person for person in EVERYBODY if may(policy, person, right)} == allowed
    assert not may(policy, "USTRANGER", right)


def test_the_policy_may_give_a_right_to_roles_and_to_people() -> None:
    policy = a_policy(rights={"deploy": ["administrator", DIRECTOR]})
    assert policy.holders_of("deploy") == (ADMINISTRATOR, DIRECTOR)
    assert not may(policy, MANAGER, "deploy")


def test_a_refusal_names_who_may() -> None:
    with pytest.raises(NotAllowed, match="You may not deploy here; nothing was changed") as refused:
        require(a_policy(), STAKEHOLDER, "deploy")
    assert refused.value.who_may == (MANAGER, SECOND_MANAGER)


def test_a_right_that_nobody_holds_says_how_to_give_it() -> None:
    with pytest.raises(NotAllowed, match="Nobody may yet: an administrator names somebody under rights"):
        require(a_policy(rights={}), MANAGER, "waive_freeze")


def test_a_team_is_its_people_and_the_members_of_its_chat_group(ports: Ports) -> None:
    with ports.store.transaction() as session:
        session.add_all(TeamMember(team_id="S0QA", person_id=person) for person in (QA, "UNEWCOMER"))
        session.add(TeamMember(team_id="S0OTHER", person_id="USTRANGER"))
    with ports.store.reading() as session:
        assert team_people(session, ports.policy, "qa") == (QA, OTHER_QA, "UNEWCOMER")
        assert seat_people(session, ports.policy, "qa") == (BOTH_SEATS, OTHER_DEVELOPER, QA, OTHER_QA, "UNEWCOMER")


def test_others_are_those_not_left_out() -> None:
    assert others((QA, MANAGER, TESTER), than=(MANAGER,)) == (QA, TESTER)
