"""Every form that is refused keeps all that was typed, also when what it is about changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.rehearsal.workspace.model import Channel, Person
from handlers.desk import Desk
from handlers.verbs import VERBS
from release_core import approvals, attaching, incidents, org_locks, releases, rollback_requests
from release_core.ports import Ports
from tests.handlers.slack.serving import Serving, served
from tests.release_core import builders
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    QA,
    SECOND_MANAGER,
    TESTER,
    UAT,
    a_policy,
    a_release,
    a_soaking_release,
    a_store,
)

Meanwhile = Callable[[Ports], object]
LONG = "What was typed, in *many* words. " * 20


@dataclass(frozen=True)
class Refused:
    """A form, what somebody fills in, what happens meanwhile, a part of the refusal."""

    text: str
    by: str
    values: Mapping[str, Any]
    told: str
    meanwhile: Meanwhile = field(default=lambda ports: None)


def _cancel(key: str) -> Meanwhile:
    return lambda ports: releases.cancel_release(ports, MANAGER, key, "no longer needed")


def _other_package(ports: Ports) -> None:
    package = attaching.attach_package(ports, DEVELOPER, "REL-2", file_id="F2", file_name="other.zip")
    attaching.accept_package(ports, package, builders.contents("second"))


FORMS = [
    Refused(
        "new",
        MANAGER,
        {"name": "Winter", "until": "2026-12-05T22:00", "contingency": LONG},
        "Say when the window opens",
    ),
    Refused("window REL-3", MANAGER, {"at": "2026-12-05T22:00", "until": "2026-12-05T21:00"}, "ends at or before"),
    Refused("window REL-3", MANAGER, {"at": "2026-12-05T22:00"}, "REL-3 is cancelled", _cancel("REL-3")),
    Refused(
        "freeze",
        ADMINISTRATOR,
        {"org": "PRODUCTION", "at": "2026-12-05T22:00", "until": "2026-12-05T21:00", "name": "Year end", "note": LONG},
        "ends at or before",
    ),
    Refused("task REL-3", MANAGER, {"title": "Pause", "minutes": "a few"}, "whole number"),
    Refused("tests REL-3", MANAGER, {"classes": "No, Such, 9Class!"}, "9Class!"),
    Refused("strategy REL-3", MANAGER, {"note": LONG}, "is cancelled", _cancel("REL-3")),
    Refused("waive REL-3 1", MANAGER, {"note": LONG}, "is cancelled", _cancel("REL-3")),
    Refused("block REL-3 1", MANAGER, {"note": LONG}, "is cancelled", _cancel("REL-3")),
    Refused("cancel REL-3", SECOND_MANAGER, {"note": LONG}, "is over", _cancel("REL-3")),
    Refused(
        "lock in UAT", ADMINISTRATOR, {"note": LONG}, "locked", lambda p: org_locks.lock_org(p, MANAGER, UAT, "copy")
    ),
    Refused("decline REL-2", QA, {"note": LONG}, "asked", _other_package),
    Refused("update REL-3", MANAGER, {"note": LONG, "at": "2020-01-01T10:00"}, "has passed"),
    Refused(
        "/incident update INC-1",
        TESTER,
        {"note": LONG},
        "resolved",
        lambda p: incidents.resolve_incident(p, TESTER, "INC-1", "mended"),
    ),
    Refused(
        "rollback REL-1",
        MANAGER,
        {"note": LONG},
        "already asked",
        lambda p: rollback_requests.ask_rollback(p, SECOND_MANAGER, "REL-1", "quotes cannot be saved"),
    ),
]


@pytest.fixture
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Ports]]:
    """REL-1 soaks, an incident is open; REL-2 waits for its approvals; REL-3 is new."""
    store = a_store(f"sqlite:///{tmp_path_factory.mktemp('drafts')}/rollcall.sqlite")
    ports = builders.ports(store=store, policy=a_policy())
    a_soaking_release(ports)
    builders.a_package(ports, a_release(ports, name="Asked"))
    approvals.ask_for_approvals(ports, MANAGER, "REL-2")
    a_release(ports, name="New")
    incidents.open_incident(ports, TESTER, title="Quotes cannot be saved", severity=2, org=PRODUCTION)
    with served(desk=Desk(ports, lambda: None), verbs=VERBS) as serving:
        workspace = serving.workspace.workspace
        for id_ in (MANAGER, SECOND_MANAGER, ADMINISTRATOR, TESTER, QA, DEVELOPER):
            workspace.people[id_] = Person(id_, id_.lower(), id_.title(), "UTC", "member")
            workspace.channels["C0RELEASES"].members.append(id_)
            direct = f"D{id_[1:]}"
            workspace.channels[direct] = Channel(direct, "", "im", [id_, "U0ROLLCALL"])
        yield serving, ports


@pytest.mark.parametrize("refused", FORMS, ids=lambda refused: f"{refused.text}: {refused.told}")
def test_a_refused_form_keeps_all_that_was_typed(company: tuple[Serving, Ports], refused: Refused) -> None:
    serving, ports = company
    person = serving.person(refused.by.lower())
    form = person.types(refused.text if refused.text.startswith("/") else f"/release {refused.text}")
    assert form["view"] is not None, form
    refused.meanwhile(ports)
    outcome = person.act("submit", view_id=form["view"]["view_id"], values=dict(refused.values))
    assert outcome["ack"] == "errors", outcome
    assert refused.told in str(outcome["view"]["errors"])
    before = {each["block_id"]: each["value"] for each in form["view"]["inputs"]}
    kept = {each["block_id"]: each["value"] for each in outcome["view"]["inputs"]}
    assert kept.keys() == before.keys()
    for name, value in refused.values.items():
        assert _same(kept[name], value), (name, kept[name])
    assert {name: kept[name] for name in kept if name not in refused.values} == {
        name: before[name] for name in before if name not in refused.values
    }


def _same(kept: Any, typed: Any) -> bool:
    """Whether a field holds what was typed, however its state is written."""
    words = str(kept)
    if str(typed)[:2] == "20" and "T" in str(typed):
        return isinstance(kept, int) or str(kept).isdecimal()
    return str(typed).strip()[:100] in words or str(typed).casefold() in words.casefold()
