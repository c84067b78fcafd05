"""A release of monstrous size, told to everybody in every card, form and Home: long text is cut, never refused."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice

import pytest
from sqlmodel import select

from handlers.conversation import Actions, Button, Form, Home, Message
from handlers.verbs import VERBS
from release_core import (
    approvals,
    attaching,
    incidents,
    releases,
    rollback_requests,
    scheduling,
    validations,
)
from release_core.errors import ReleaseError
from release_core.models import ChecklistItem, Incident, Release, ReleasePackage, Task
from release_core.packages import Component
from release_core.ports import Ports
from tests.handlers.room import CAST, Room
from tests.handlers.test_every_verb import SAYINGS
from tests.release_core import builders
from tests.release_core.builders import ADMINISTRATOR, DEVELOPER, MANAGER, PRODUCTION, TESTER, a_window

# Letters of one to four bytes, marks that combine, joined emoji, right to left, markup, our own marks, nothing to see.
KINDS = [
    *("a", "é", "漢字", "👩‍👩‍👧", "مرحبا", "\u202eabc", "Z̸͑", "🇩🇪", "<@U1>&|*_`~", "\ue000person\ue001U1\ue002"),
    *("\u200b", "\n", "\t", "'\""),
]


def words(size: int, start: int = 0) -> str:
    """So many characters of every kind, another beginning for another `start`."""
    shifted = KINDS[start % len(KINDS) :] + KINDS[: start % len(KINDS)]
    return "".join(islice((letter for kind in cycle(shifted) for letter in kind), size)).replace("\n\n", "\n")


def parts() -> list[Component]:
    """500 components with names of 200 characters."""
    return [Component("ApexClass", f"C{number:03}{words(196, number)}") for number in range(500)]


def grow(ports: Ports, key: str) -> None:
    """Make a release as large as people could."""
    note = words(3000)
    for number in range(50):
        scheduling.set_freeze(
            ports,
            ADMINISTRATOR,
            org=PRODUCTION,
            name=words(80, number),
            during=a_window(start=24 * 20 + number),
            reason=note,
        )
    with ports.store.transaction() as session:
        release = session.exec(select(Release).where(Release.key == key)).one()
        release.name, release.contingency = words(200, 3), note
        session.add(release)
        assert release.id is not None
        for item in session.exec(select(ChecklistItem)):
            item.title, item.note = words(300, item.number), note
            session.add(item)
        for number in range(100, 200):
            session.add(
                ChecklistItem(
                    release_id=release.id, number=number, title=words(300, number), owner_id=DEVELOPER, state="open"
                )
            )
        for number in range(101, 301):
            phase = "before" if number % 2 else "after"
            session.add(
                Task(
                    release_id=release.id,
                    number=number,
                    title=words(300, number),
                    phase=phase,
                    org=PRODUCTION,
                    owner_id=DEVELOPER,
                    state="open",
                    note=note,
                )
            )
        for incident in session.exec(select(Incident)):
            incident.title = words(1000)
            session.add(incident)
    releases.add_note(ports, MANAGER, key, note)


def a_monster(ports: Ports) -> str:
    """A release with everything, before its deployment; its key."""
    key = builders.a_release(ports)
    package = attaching.attach_package(ports, DEVELOPER, key, file_id="F1", file_name=words(200) + ".zip")
    attaching.accept_package(ports, package, builders.contents("first", parts()))
    verdicts = ["exact", "manual", "impossible"]
    judged = [(part.type, part.name, verdicts[number % 3]) for number, part in enumerate(parts())]
    builders.note_comparison(ports, package, *judged)  # type: ignore[arg-type]
    attempt = builders.row_id(ports, validations.request_validation(ports, TESTER, key))
    validations.finish_validation(ports, attempt, builders.a_failure(message=words(3000)))
    approvals.ask_for_approvals(ports, MANAGER, key)
    grow(ports, key)
    return key


def a_soaking_monster(ports: Ports) -> str:
    """The same in production, broken, with a rollback asked for."""
    key = builders.a_soaking_release(ports)
    incidents.open_incident(ports, TESTER, title="Quotes fail", severity=1, org=PRODUCTION)
    rollback_requests.ask_rollback(ports, MANAGER, key, words(3000))
    with ports.store.transaction() as session:
        for package in session.exec(select(ReleasePackage)):
            package.components = [[part.type, part.name] for part in parts()]
            session.add(package)
    grow(ports, key)
    return key


@pytest.fixture(params=[a_monster, a_soaking_monster], ids=["planned", "soaking"])
def crowded(request: pytest.FixtureRequest, room: Room) -> Room:
    """A room in which a monster stands."""
    request.param(room.ports)
    return room


def test_everything_that_is_posted_of_it_slack_takes(crowded: Room) -> None:
    assert len(crowded.tell()) > 50


def test_everybodys_home_holds_it(crowded: Room) -> None:
    for person in CAST:
        assert crowded.home(person).parts


def test_every_verb_is_answered_in_words_that_slack_takes(crowded: Room) -> None:
    answered = 0
    for saying in SAYINGS:
        said = saying.text.replace("quotes fail", words(3000)).replace("all is well", words(3000))
        try:
            answer = crowded.says(saying.by, said)
        except ReleaseError:
            crowded.refuses(saying.by, said)
        else:
            answered += 1
            assert answer is not None
    assert answered > 25


def test_every_form_behind_its_buttons_opens(crowded: Room) -> None:
    opened = 0
    for text in ("release", "release status", "release why", "release tasks", "release checklist", "release package"):
        answer = crowded.says(MANAGER, text)
        for label in _labels(answer):
            try:
                opened += isinstance(crowded.clicks(MANAGER, label, answer), Form)  # type: ignore[arg-type]
            except ReleaseError:
                crowded.is_refused_the_click(MANAGER, label, answer)  # type: ignore[arg-type]
    assert opened >= 3


def _labels(answer: Message | Home | Form) -> Iterator[str]:
    for part in answer.parts if isinstance(answer, Message | Home) else ():
        items = part.items if isinstance(part, Actions) else [getattr(part, "beside", None)]
        yield from {item.label: None for item in items if isinstance(item, Button) and item.verb in VERBS}
