"""Long words and rich words in a strict workspace: “Show all” clicked, rich text sent, people mentioned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from bot.rehearsal.workspace.model import Channel, Person
from handlers import announcements
from handlers.desk import Desk
from handlers.slack.blocks import draw_message
from handlers.verbs import VERBS
from release_core import models as rows
from release_core.lookups import find_release
from release_core.models import ChecklistItem, Post
from release_core.ports import Ports
from tests.handlers.slack.serving import Serving, served
from tests.release_core import builders
from tests.release_core.builders import MANAGER


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Ports]]:
    """REL-1 with 300 items on its checklist."""
    store = builders.a_store(f"sqlite:///{tmp_path_factory.mktemp('all')}/rollcall.sqlite")
    ports = builders.ports(store=store)
    key = builders.a_release(ports)
    with store.transaction() as session:
        release = find_release(session, key)
        for number in range(100, 400):
            title = f"Item {number} of a long list, with a title that says what it is about"
            row = ChecklistItem(release_id=release.id or 0, number=number, title=title, owner_id=MANAGER, state="open")
            session.add(row)
        session.add(rows.Person(id=MANAGER, name="Anna Weiss", zone="Europe/Berlin", seen_at=ports.clock.now()))
    with served(desk=Desk(ports, lambda: None), verbs=VERBS) as serving:
        workspace = serving.workspace.workspace
        workspace.people[MANAGER] = Person(MANAGER, MANAGER.lower(), "Anna Weiss", "Europe/Berlin", "member")
        workspace.channels["C0RELEASES"].members.append(MANAGER)
        workspace.channels[f"D{MANAGER[1:]}"] = Channel(f"D{MANAGER[1:]}", "", "im", [MANAGER, "U0ROLLCALL"])
        yield serving, ports


def handed_over(serving: Serving) -> str:
    """The newest file in the direct conversation with us."""
    person = serving.person(MANAGER.lower())
    person.sees(".txt", "@rollcall")
    [*_, message] = [each for each in person.reads("@rollcall") if each["files"]]
    query = {"as": MANAGER.lower(), "file": message["files"][-1]["id"]}
    return serving.http.get("file", params=query).content.decode()


def test_all_of_a_private_answer_comes_as_a_file(company: tuple[Serving, Ports]) -> None:
    serving, _ = company
    person = serving.person(MANAGER.lower())
    outcome = person.types("/release checklist REL-1")
    [answer] = [each for each in outcome["messages"] if each["ephemeral"]]
    assert "[Show all]" in answer["plain"]
    told = person.clicks("Show all", {"channel": "C0RELEASES", "ts": answer["ts"]})
    assert "direct messages" in str(told["messages"])
    text = handed_over(serving)
    assert all(f"{number} Item {number} of" in text for number in range(100, 400))


def test_all_of_a_post_comes_as_a_file(company: tuple[Serving, Ports]) -> None:
    serving, ports = company
    drawn: Any = announcements.draw(ports, "checklist:REL-1")
    client = WebClient(serving.workspace.bot_token, base_url=serving.workspace.api_url)
    sent = client.chat_postMessage(channel="C0RELEASES", **draw_message(drawn.message))
    with ports.store.transaction() as session:
        session.add(Post(slot="checklist:REL-1", channel="C0RELEASES", ts=str(sent["ts"]), stream="REL-1"))
    serving.person(MANAGER.lower()).clicks("Show all", {"channel": "C0RELEASES", "ts": sent["ts"]})
    serving.person(MANAGER.lower()).sees("checklist-REL-1.txt", "@rollcall")
    assert "399 Item 399 of a long list" in handed_over(serving)


def noted(ports: Ports) -> str:
    return str(builders.entries(ports, "REL-1")[-1].details.get("text") or builders.entries(ports, "REL-1")[-1].details)


def test_somebody_mentioned_in_a_note_is_called_by_name(company: tuple[Serving, Ports]) -> None:
    serving, ports = company
    person = serving.person(MANAGER.lower())
    person.act("message", channel="@rollcall", text=f"note REL-1 -- ask @{MANAGER.lower()} first")
    person.sees("Noted in the timeline", "@rollcall")
    assert "ask @Anna Weiss first" in noted(ports)


def test_what_is_written_richly_is_kept_with_weight_lists_and_names(company: tuple[Serving, Ports]) -> None:
    serving, ports = company
    person = serving.person(MANAGER.lower())
    form = person.types("/release note REL-1")
    [field] = form["view"]["inputs"]
    assert field["type"] == "rich_text_input"
    said = [
        {"type": "text", "text": "Done", "style": {"bold": True}},
        {"type": "text", "text": " by "},
        {"type": "user", "user_id": MANAGER},
    ]
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "the import"}]}
    rich = {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_section", "elements": said},
            {"type": "rich_text_list", "style": "bullet", "elements": [item]},
        ],
    }
    outcome = person.act("submit", view_id=form["view"]["view_id"], values={"note": rich})
    assert outcome["ack"] == "empty", outcome
    assert "*Done* by @Anna Weiss" in noted(ports)
    assert "• the import" in noted(ports)
