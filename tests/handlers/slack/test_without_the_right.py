"""Whatever the bot ever drew, pressed or sent by everybody who may not: nothing changes, and they alone read why.

The people and the policy are those of the rehearsal. Every button, menu and form that anybody is shown in three
releases, an incident, a freeze and a lock is collected; then each of the cast who lacks the right presses it, as it is
and with another release's key or with values that nobody drew.
"""

from __future__ import annotations

import itertools
import json
import shutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.rehearsal.workspace import cast
from handlers.conversation import Actions, Actor, Answer, Button, Form, Menu, Part, Place, Request
from handlers.slack.clicks import pack_args, read_click, write_click
from handlers.slack.elements import draw_elements
from handlers.slack.forms import draw_form
from handlers.slack.incoming import Carried
from handlers.verbs import VERBS
from release_core import (
    approvals,
    arming,
    attempts,
    checklists,
    deployments,
    incidents,
    org_locks,
    releases,
    rollback_requests,
    scheduling,
    task_plans,
    validations,
)
from release_core import models as rows_of_ours
from release_core.errors import ReleaseError
from release_core.policy import Policy
from release_core.policy_file import load_policy
from release_core.ports import Ports
from release_core.store import open_store
from release_core.windows import Interval
from tests.handlers.room import READER, Room
from tests.handlers.slack.a_company import Company, Json, employed, move_in
from tests.release_core import builders

ANNA, OMAR, PRIYA, TOMAS, MEI, LENA, GRACE = (
    *(cast.RELEASE_MANAGER, cast.OPERATIONS, cast.DEVELOPER, cast.TESTER, cast.ADMINISTRATOR, cast.ANALYST),
    cast.STAKEHOLDER,
)
CAST = (ANNA, OMAR, PRIYA, TOMAS, MEI, LENA, GRACE)
OUTSIDER = "UOUTSIDER"  # somebody whom the policy does not name
POLICY = Path("bot/rehearsal/policy.yaml")
ADDRESSES = {f"ROLLCALL_REHEARSAL_{org}_URL": "http://127.0.0.1:1" for org in ("UAT", "PRODUCTION")}
_RELEASE = (
    *("", "status REL-1", "status REL-2", "status REL-3", "why REL-2", "checklist REL-3", "item REL-3 3"),
    *("tasks REL-3", "task show REL-3 1", "package REL-2", "results REL-3", "calendar", "todo", "answer REL-1"),
    *("list", "help", "rollback REL-1", "deploy REL-2", "window REL-3", "lock", "unlock", "unfreeze", "update REL-1"),
)
_INCIDENT = ("", "status INC-1", "update INC-1", "resolve INC-1", "rollback INC-1", "open", "help")
LOOKED_AT = (*(f"release {said}" for said in _RELEASE), *(f"incident {said}" for said in _INCIDENT))
DEPTH = 3
DRAWN_ELSEWHERE = {"release_go", "release_pick", "release_prove", "release_remember"}
"""Buttons that need an org's answer or a clear road, which nobody has here; they are pressed as they would be drawn."""


def rehearsed_policy() -> Policy:
    return load_policy(POLICY, ADDRESSES)


# What there is


def _ready(ports: Ports, name: str) -> str:
    """A release whose every gate is open, made by the rehearsal's people."""
    now = ports.clock.now()
    window = Interval(now, now.replace(hour=now.hour + 2))
    plan = releases.Plan(name=name, org="production", kind="standard", owner_id=ANNA, window=window)
    key = releases.plan_release(ports, ANNA, plan)
    builders.a_package(ports, key, author=PRIYA, words=f"{name} {key}")
    for org in ("uat", "production"):
        attempt = builders.row_id(ports, validations.request_validation(ports, PRIYA, key, org=org))
        attempts.note_job(ports, attempt, f"0AfV{attempt}")
        validations.finish_validation(ports, attempt, builders.a_success())
    for item in builders.facts_of(ports, key).items:
        if not item.rule:
            checklists.tick(ports, ANNA, key, str(item.number))
    approvals.ask_for_approvals(ports, ANNA, key)
    for person, seat in ((TOMAS, "qa"), (LENA, "business")):
        approvals.answer(ports, person, key, yes=True, seat=seat)
    return key


def _lands(ports: Ports, key: str) -> None:
    attempt = builders.row_id(ports, deployments.request_deployment(ports, ANNA, key))
    assert not deployments.hold_if_blocked(ports, attempt)
    deployments.note_snapshot(ports, attempt, builders.digest_of(b"before"))
    attempts.note_asking(ports, attempt, "deploying")
    attempts.note_job(ports, attempt, f"0AfD{attempt}")
    builders.land(ports, attempt)
    armed = builders.newest(ports, key, "arming").id
    assert armed is not None
    attempts.note_job(ports, armed, f"0AfA{armed}")
    arming.finish_arming(ports, armed, builders.a_success())


def _work(ports: Ports) -> None:
    """REL-1 soaks with an incident, a wish to go back; REL-2 is ready, REL-3 new; a freeze is ahead, UAT is locked."""
    _lands(ports, _ready(ports, "Autumn"))
    incidents.open_incident(ports, TOMAS, title="Quotes cannot be saved", severity=2, org="production")
    rollback_requests.ask_rollback(ports, ANNA, "REL-1", "quotes cannot be saved")
    _ready(ports, "Winter")
    plan = releases.Plan(name="Spring", org="production", kind="standard", owner_id=ANNA)
    releases.plan_release(ports, ANNA, plan)
    builders.a_package(ports, "REL-3", author=PRIYA, words="spring")
    attempt = builders.row_id(ports, validations.request_validation(ports, PRIYA, "REL-3", org="uat"))
    attempts.note_job(ports, attempt, "0AfVF")
    validations.finish_validation(ports, attempt, builders.a_failure())
    approvals.ask_for_approvals(ports, ANNA, "REL-3")
    for title in ("Pause the import", "Tell the branches"):
        task_plans.add_task(ports, ANNA, "REL-3", task_plans.NewTask(title, "before", PRIYA))
    during = builders.a_window(48, 4)
    scheduling.set_freeze(ports, MEI, org="production", name="Month end", during=during, reason="the books close")
    org_locks.lock_org(ports, MEI, "uat", "disk full")


def _people(ports: Ports) -> None:
    now = ports.clock.now()
    with ports.store.transaction() as session:
        for person in cast.the_people("Rollcall"):
            gone = not person.active
            session.merge(
                rows_of_ours.Person(id=person.id, name=person.name, zone=person.zone, seen_at=now, deactivated=gone)
            )
        for group in cast.the_usergroups():
            for member in group.members:
                session.merge(rows_of_ours.TeamMember(team_id=group.id, person_id=member))


# What was drawn


class Drawn:
    """Every click and form that somebody of the cast is shown, each once; `copies` gives a company to spoil."""

    def __init__(self, copies: Callable[[], Ports]) -> None:
        self.copies = copies
        self.clicks: dict[str, Json] = {}
        self.forms: dict[str, Form] = {}
        self._followed: set[str] = set()

    def collect(self) -> None:
        """Look everywhere, then press everything that came to light, three deep."""
        room = Room(self.copies())
        room.tell()
        for announcement in room.posts.values():
            self._see(announcement.message)
        for person in CAST:
            self._see(room.home(person))
            for said in LOOKED_AT:
                self._ask(room, person, lambda said=said, person=person: room.says(person, said))
        for _ in range(DEPTH):
            for action in list(self.clicks.values()):
                self._follow(action)

    def _follow(self, action: Json) -> None:
        """Whatever a click leads to, for each who may: a copy is spoilt, since it may be the last word."""
        click = read_click(action)
        said = click.args if VERBS[click.verb].right == "read" else sorted(click.args)
        kind = f"{click.verb} {said} {click.args.get('release')}"
        if kind in self._followed:
            return
        self._followed.add(kind)
        room = Room(self.copies())
        who_may = [person for person in CAST if VERBS[click.verb].is_for(room.ports, person)]
        for person in who_may if VERBS[click.verb].right == "read" else who_may[:2]:
            request = Request(click.verb, Actor(person, "", "UTC"), Place("C0RELEASES"), click.args, origin="1.0")
            self._ask(room, person, lambda request=request: room.desk.answer(request))

    def _ask(self, room: Room, person: str, ask: Callable[[], Answer]) -> None:
        try:
            self._see(ask())
        except ReleaseError:
            return

    def _see(self, answer: Answer) -> None:
        if isinstance(answer, Form):
            self.forms.setdefault(f"{answer.verb} {sorted(map(str, answer.args.items()))}", answer)
            return
        for item in clickables(answer.parts):
            for action in pressed(item):
                self.clicks.setdefault(f"{action['action_id']} {action.get('value')} {_chosen(action)}", action)


def clickables(parts: Any) -> Iterator[Button | Menu]:
    part: Part
    for part in parts:
        items = part.items if isinstance(part, Actions) else [getattr(part, "beside", None)]
        yield from (item for item in items if isinstance(item, Button | Menu))


def pressed(item: Button | Menu) -> Iterator[Json]:
    """The actions that a client sends for it: one for a button, the first and the last choice of a menu."""
    drawn = draw_elements([item], READER)[0]
    options = drawn.get("options") or [None]
    for option in options[:1] + options[1:][-1:]:
        yield {**drawn, **({"selected_option": option} if option else {})}


def _chosen(action: Json) -> str:
    return str((action.get("selected_option") or {}).get("value"))


def rehearsed_company(path: Path) -> Ports:
    """The rehearsal's people and policy with work in every state, kept in a file."""
    ports = builders.ports(store=builders.a_store(f"sqlite:///{path}"), policy=rehearsed_policy())
    _people(ports)
    _work(ports)
    return ports


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's database as it stands before anybody presses anything."""
    path = tmp_path_factory.mktemp("company") / "rollcall.sqlite"
    rehearsed_company(path).store.engine.dispose()
    return path


def _copies(kept: Path, folder: Path) -> Callable[[], Ports]:
    numbers = itertools.count()
    policy = rehearsed_policy()

    def copy() -> Ports:
        path = folder / f"{next(numbers)}.sqlite"
        shutil.copy(kept, path)
        store = open_store(f"sqlite:///{path}")
        weakref.finalize(store, store.engine.dispose)
        return builders.ports(store=store, policy=policy)

    return copy


@pytest.fixture(scope="module")
def drawn(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """All that anybody is shown."""
    found = Drawn(_copies(kept, tmp_path_factory.mktemp("copies")))
    found.collect()
    return found


@pytest.fixture(scope="module")
def company(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """The bot at work in a company that nobody may change."""
    with employed(_copies(kept, tmp_path_factory.mktemp("work"))()) as company:
        move_in(company.serving, [OUTSIDER])
        yield company


# What becomes of it


def needs_a_right(verb: str) -> bool:
    """Questions such as the status are answered to anybody in the workspace (docs/policy.md)."""
    return VERBS[verb].right != "read" or VERBS[verb].may is not None


def without_the_right(company: Company, verb: str) -> list[str]:
    everybody = (*CAST, OUTSIDER) if needs_a_right(verb) else ()
    return [person for person in everybody if not VERBS[verb].is_for(company.ports, person)]


def test_all_that_needs_a_right_was_drawn(drawn: Drawn) -> None:
    seen = {read_click(action).verb for action in drawn.clicks.values()} | {form.verb for form in drawn.forms.values()}
    assert set(filter(needs_a_right, VERBS)) - seen == DRAWN_ELSEWHERE


def test_no_click_of_somebody_without_the_right_does_anything(drawn: Drawn, company: Company) -> None:
    tried, tampered = 0, set()
    for action in (*drawn.clicks.values(), *map(_made_up, sorted(DRAWN_ELSEWHERE))):
        click = read_click(action)
        for person in without_the_right(company, click.verb):
            kind = f"{click.verb} {sorted(click.args)} {person}"
            for spoilt in (action, *(_tampered(action) if kind not in tampered else ())):
                container = {"type": "message", "message_ts": "1.2", "channel_id": "C0RELEASES", "is_ephemeral": False}
                body = {**_who(company, person), "type": "block_actions", "actions": [spoilt], "container": container}
                _is_refused_in_private(company, person, body)
                tried += 1
            tampered.add(kind)
    assert tried > 500


def test_no_form_of_somebody_without_the_right_does_anything(drawn: Drawn, company: Company) -> None:
    tried = 0
    for form in drawn.forms.values():
        for person in without_the_right(company, form.verb):
            for args in (form.args, *_other_args(form.args)):
                carried = Carried(form.verb, pack_args(args), Place("C0RELEASES")).written()
                view = {**draw_form(form, private_metadata=carried, reader=READER), "id": "V1", "hash": "1"}
                view["state"] = {"values": dict(_filled_in(view))}
                _is_refused_in_private(
                    company, person, {**_who(company, person), "type": "view_submission", "view": view}
                )
                tried += 1
    assert tried > 50


def _who(company: Company, person: str) -> Json:
    trigger = company.serving.workspace.workspace.new_trigger(person)
    return {"user": {"id": person}, "team": {"id": cast.TEAM_ID}, "trigger_id": trigger, "api_app_id": cast.APP_ID}


def _is_refused_in_private(company: Company, person: str, body: Json) -> None:
    """Nothing is changed; the person, and nobody else, reads a sentence that is about what they did."""
    workspace = company.serving.workspace.workspace
    before, seq = company.heads(), workspace.seq
    ack, _ = company.is_sent(body)
    assert company.heads() == before, body
    said = [json.dumps(ack, ensure_ascii=False)] if ack else []
    for change in workspace.changes:
        if change.seq <= seq:
            continue
        assert change.kind in ("ephemeral", "message"), f"{change} for {body}"
        message = workspace.find_message(str(change.channel), str(change.ts), ephemeral=True)
        assert message is not None
        alone = message.only_for == person or set(workspace.channels[message.channel].members) <= {
            person,
            cast.BOT_USER_ID,
        }
        assert alone, f"everybody reads {message.text}"
        if ON_A_SLOW_MACHINE not in message.text:
            said.append(message.text)
    assert len(said) == 1, (said, body)
    assert len(said[0].split()) > 4, (said, body)
    assert not any(words in said[0] for words in VAGUE), (said, body)


ON_A_SLOW_MACHINE = "This takes longer than usual."  # said after two seconds, before the answer
# An apology for a bug of ours, a form that is offered to somebody who could not send it.
VAGUE = ("Something on our side broke", "press the button to fill in the form")


def _made_up(verb: str) -> Json:
    value = write_click(verb, {"release": "REL-2", "request": "1", "text": "words"})
    return {"type": "button", "block_id": "b", "action_id": verb, "value": value}


def _tampered(action: Json) -> Iterator[Json]:
    """The same click about another release, about what is not there, with more than was drawn."""
    if "selected_option" in action:
        yield {**action, "selected_option": {**action["selected_option"], "value": "REL-99"}}
        return
    click = read_click(action)
    for args in _other_args(click.args):
        yield {**action, "value": write_click(click.verb, args)}


def _other_args(args: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("REL-1", "REL-2", "REL-3", "REL-99"):
        if args.get("release") not in (None, key):
            yield {**args, "release": key}
    numbered = {
        name: "999" for name in args if name in ("item", "task", "request", "freeze", "incident", "seat", "org")
    }
    yield {**args, **numbered, "reason": "because", "note": "because", "confirmed": "yes", "actor": ANNA}


def _filled_in(view: Json) -> Iterator[tuple[str, Json]]:
    """What a client sends of a form in which everything is filled in."""
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        option = element.get("initial_option") or next(iter(element.get("options") or ()), None)
        state = {
            "type": element["type"],
            "value": element.get("initial_value") or "because",
            "selected_option": option,
            "selected_options": [option] if option else [],
            "selected_user": element.get("initial_user") or ANNA,
            "selected_users": [ANNA],
            "selected_date_time": element.get("initial_date_time") or int(builders.NOW.timestamp()) + 7200,
            "files": [{"id": "F0", "name": "a.zip", "size": 3}],
        }
        yield block["block_id"], {element["action_id"]: state}
