"""Every verb has a button or form twin, from the menu everybody reaches all they may do, no button is dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from handlers.conversation import Actions, Answer, Button, Form, Home, LinkButton, Menu, Message, Part
from handlers.menus import BESIDE, GROUPS, INCIDENT, THROUGH_A_CARD
from handlers.verbs import VERBS
from release_core.errors import ReleaseError
from tests.handlers import test_every_verb as scenes
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    QA,
    SECOND_MANAGER,
    STAKEHOLDER,
    TESTER,
    a_soaking_release,
)

WITHOUT_A_BUTTON = {
    "release_remember": "a shortcut on a message: it is about that message, which a button would not know",
}
"""Verbs that are reached by no button, with the reason."""
DRAWN_ELSEWHERE = {
    "release_whole": "under a message that does not fit (tests/handlers/test_show_all.py)",
    "release_pick": "under the list that an org sent (tests/handlers/test_attaching_talk.py)",
    "release_prove": "under a wish that leaves parts as they are (tests/handlers/test_going_back_talk.py)",
}
"""Verbs whose buttons need an org's answer (or more than fits) to be drawn, with the test that clicks it."""
PEOPLE = (MANAGER, SECOND_MANAGER, DEVELOPER, TESTER, ADMINISTRATOR, QA, DIRECTOR, STAKEHOLDER)
LOOKED_AT = (
    *("status", "why", "checklist", "item 2", "tasks", "package", "diff", "results", "calendar", "todo", "answer"),
    *("list", "home", "help"),
)
SCENES: Mapping[str, Callable[[Room], None]] = {
    scene.__name__: scene
    for scene in (
        *(scenes.nothing, scenes.planned, scenes.ticked, scenes.compared, scenes.risky, scenes.asked, scenes.ready),
        *(scenes.under_way, scenes.failed, scenes.lost, scenes.soaking, scenes.rollback_asked, scenes.broken),
        *(scenes.booked, scenes.held),
        *(scenes.frozen, scenes.locked, scenes.with_tasks, scenes.with_task_done),
    )
}


def clickables(parts: tuple[Part, ...] | list[Part]) -> Iterator[Button | Menu]:
    for part in parts:
        items = part.items if isinstance(part, Actions) else [getattr(part, "beside", None)]
        yield from (item for item in items if isinstance(item, Button | Menu))


def asked_by(answer: Answer) -> set[str]:
    """The verbs that an answer offers to click or to submit."""
    if isinstance(answer, Form):
        return {answer.verb}
    return {item.verb for item in clickables(list(answer.parts))}


def offered(room: Room, person: str) -> set[str]:
    """The verbs that somebody is offered wherever they look."""
    found: set[str] = set()
    for text in LOOKED_AT:
        try:
            found |= asked_by(room.says(person, f"release {text}"))
        except ReleaseError:
            continue
    return found | asked_by(room.home(person)) | menu_of(room, person)


def menu_of(room: Room, person: str) -> set[str]:
    """The verbs that somebody reaches by clicks from `/release` and `/incident` alone."""
    found: set[str] = set()
    for root in ("release", "incident"):
        first = room.hears(person, root)
        found |= asked_by(first)
        for item in clickables(list(first.parts)):
            if item.verb == "release_menu":
                found |= asked_by(room.clicks(person, item.label, first))
    return found


@pytest.fixture(scope="module")
def found() -> set[str]:
    """Every verb that is offered to somebody in some scene, in a card, a menu or Home."""
    verbs: set[str] = set()
    for scene in SCENES.values():
        room = Room()
        scene(room)
        room.tell()
        verbs |= {verb for post in room.posts.values() for verb in asked_by(post.message)}
        verbs |= {verb for person in PEOPLE for verb in offered(room, person)}
    return verbs


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_button_or_a_form(found: set[str], verb: str) -> None:
    if verb in WITHOUT_A_BUTTON:
        assert verb not in found
        assert WITHOUT_A_BUTTON[verb]
    elif verb in DRAWN_ELSEWHERE:
        assert not VERBS[verb].typed
    else:
        assert verb in found, f"{verb} is reached by typing alone"


@pytest.mark.parametrize("scene", ["nothing", "asked", "broken", "with_tasks"])
@pytest.mark.parametrize("person", PEOPLE)
def test_from_the_menu_everybody_reaches_all_they_may_do(person: str, scene: str) -> None:
    room = Room()
    SCENES[scene](room)
    reached = menu_of(room, person)
    for verb in VERBS.values():
        if verb.typed and verb.is_for(room.ports, person) and verb.name != "incident_menu":
            assert THROUGH_A_CARD.get(verb.name, verb.name) in reached, verb.name


def test_every_verb_that_can_be_typed_stands_in_one_group_of_the_menu() -> None:
    placed = [name for _, names in GROUPS.values() for name in names]
    placed += [*BESIDE, *INCIDENT, *THROUGH_A_CARD]
    assert len(placed) == len(set(placed))
    assert set(placed) == {verb.name for verb in VERBS.values() if verb.typed and not verb.is_menu}


@pytest.mark.parametrize("scene", ["nothing", "asked", "broken", "with_tasks", "frozen"])
@pytest.mark.parametrize("person", [MANAGER, STAKEHOLDER])
def test_no_button_of_the_menu_is_dead(person: str, scene: str) -> None:
    room = Room()
    SCENES[scene](room)
    for root in ("release", "incident"):
        first = room.hears(person, root)
        for item in clickables(list(first.parts)):
            second = answered(room, person, item.label, first)
            for inner in clickables(list(second.parts)) if isinstance(second, Message) else ():
                assert len(words_of(answered(room, person, inner.label, second))) > 10, inner.label


def answered(room: Room, person: str, label: str, on: Message) -> Answer:
    """What a click is answered with; a refusal counts as long as it says something."""
    try:
        return room.clicks(person, label, on)
    except ReleaseError as error:
        return Message(str(error))


def test_a_menu_about_one_release_asks_nobody_which_one(room: Room) -> None:
    a_soaking_release(room.ports)
    scenes.a_release(room.ports, name="Winter")
    card = room.hears(MANAGER, "release status REL-2")
    menu = room.clicks(MANAGER, "More…", card)
    assert isinstance(menu, Message)
    plan = room.clicks(MANAGER, "Plan…", menu)
    assert isinstance(plan, Message)
    assert "Plan: REL-2" in words_of(plan)
    assert "Window of REL-2" in words_of(room.clicks(MANAGER, "Window", plan))


def test_a_menu_shows_nobody_a_group_that_is_for_others(room: Room) -> None:
    scenes.planned(room)
    assert "[Orgs…]" in words_of(room.says(ADMINISTRATOR, "release"))
    assert "[Orgs…]" not in words_of(room.says(STAKEHOLDER, "release"))


def test_what_a_verb_leaves_open_is_offered_to_choose_from(room: Room) -> None:
    scenes.with_tasks(room)
    which = room.hears(DEVELOPER, "release task done")
    told = room.clicks(DEVELOPER, "○ 1 Pause the nightly import", which)
    assert "task 1 “Pause the nightly import” is done" in words_of(told)
    org = room.hears(ADMINISTRATOR, "release lock -- disk full")
    assert "PRODUCTION is locked: disk full" in words_of(room.clicks(ADMINISTRATOR, "PRODUCTION", org))
    assert "No freeze is set" in room.refuses(ADMINISTRATOR, "release unfreeze").words
    scenes.a_freeze(room.ports)
    freeze = room.hears(ADMINISTRATOR, "release unfreeze")
    assert "FRZ-1 is lifted" in words_of(room.clicks(ADMINISTRATOR, "FRZ-1 Month end", freeze))


def test_a_task_is_moved_by_a_form(room: Room) -> None:
    scenes.with_tasks(room)
    form = room.is_asked(MANAGER, "release task move 2")
    assert "is task 1 now" in words_of(room.submits(MANAGER, form, to="1"))


def test_many_choices_become_a_menu(room: Room) -> None:
    for number in range(14):
        scenes.a_release(room.ports, name=f"Release number {number}")
    which = room.hears(STAKEHOLDER, "release status")
    [menu] = list(clickables(list(which.parts)))
    assert isinstance(menu, Menu)
    assert len(menu.options) == 14
    chosen = room.clicks(STAKEHOLDER, menu.label, which, choose="REL-9")
    assert "Release number 8" in words_of(chosen)


def test_a_menu_of_a_busy_company_fits_into_a_message(room: Room) -> None:
    for number in range(30):
        scenes.a_release(room.ports, name=f"{'A very long name of a release, ' * 2}{number}")
    menu = room.hears(MANAGER, "release")
    assert "22 more: /release list" in words_of(menu)
    for item in clickables(list(menu.parts)):
        assert not isinstance(item, LinkButton)
        assert not isinstance(room.clicks(MANAGER, item.label, menu), Home) or item.verb == "release_home"
