"""The courier against the strict local workspace."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.chat_problems import ChannelClosed, ChatProblem, ChatRefused, ChatUnavailable, PersonUnreachable, TokenRefused
from bot.courier import Courier
from bot.pacing import Pace
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace.pace import Pace as Limits
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace, start
from bot.slack_client import blocking_client
from handlers.conversation import Attachment, Message
from handlers.slack.mrkdwn import to_plain
from release_core.errors import Unclear

Json = dict[str, Any]
RELEASES, INCIDENTS, SECRET = "C0RELEASES", "C0INCIDENTS", "C0SALESOPS"


@dataclass
class Chat:
    """A workspace, seen by anna; `courier` never really sleeps, `slept` says how long it would have."""

    running: RunningWorkspace
    http: httpx.Client
    slept: list[float] = field(default_factory=list)
    courier: Courier = field(init=False)

    def __post_init__(self) -> None:
        self.courier = self.another_courier()

    def another_courier(self) -> Courier:
        """A courier that remembers nothing, as after a restart."""
        client = blocking_client(self.running.bot_token, self.running.api_url)
        return Courier(client, Pace(sleep=self.slept.append))

    def act(self, what: str, **body: Any) -> Json:
        """Do something as anna, or steer."""
        answer: Json = self.http.post(what, json={"as": "anna", "wait_seconds": 0, **body}).json()
        assert answer["ok"], answer
        return answer

    def fault(self, kind: str, method: str, **more: Any) -> None:
        """Make trouble."""
        assert self.http.post("faults", json={"kind": kind, "method": method, **more}).json()["ok"]

    def steer(self, what: str, **body: Any) -> None:
        """Rearrange the workspace."""
        assert self.http.post(what, json=body).json()["ok"]

    def reads(self, channel: str = RELEASES, handle: str = "anna") -> list[Json]:
        """What stands in a channel."""
        answer = self.http.get("channel", params={"as": handle, "channel": channel}).json()
        return list(answer["messages"])

    def texts(self, channel: str = RELEASES) -> list[str]:
        """What it says, message by message."""
        return [message["plain"] for message in self.reads(channel)]

    def calls(self, method: str) -> int:
        """How often the bot called."""
        counts: dict[str, int] = self.http.get("calls", params={"method": method}).json()["counts"]
        return counts.get(method, 0)


def began(limits: bool = False, manifest: Path | None = None) -> RunningWorkspace:
    return start(
        0, clock=MovableClock(), manifest=manifest, extras=Extras(pace=Limits(quiet_for=0.02, rate_limits=limits))
    )


@pytest.fixture
def chat() -> Iterator[Chat]:
    """A fresh workspace."""
    running = began()
    with httpx.Client(base_url=f"{running.url}/rehearsal/api/", timeout=20, trust_env=False) as http:
        yield Chat(running, http)
    running.stop()


def now() -> datetime:
    return datetime.now(UTC)


# Posting once


def test_a_post_is_placed_once_and_edited_from_then_on(chat: Chat) -> None:
    ts = chat.courier.place("REL-1/head", RELEASES, Message("REL-1 is planned"))
    assert chat.courier.place("REL-1/head", RELEASES, Message("REL-1 is ready"), known_ts=ts) == ts
    assert chat.texts() == ["REL-1 is ready"]


def test_after_a_restart_the_post_is_found_by_its_slot(chat: Chat) -> None:
    ts = chat.courier.place("REL-1/head", RELEASES, Message("REL-1 is planned"))
    chat.courier.place("REL-2/head", RELEASES, Message("REL-2 is planned"))
    again = chat.another_courier().place("REL-1/head", RELEASES, Message("REL-1 is ready"), since=now())
    assert again == ts
    assert chat.texts() == ["REL-1 is ready", "REL-2 is planned"]


def test_a_slot_never_tried_is_posted_without_a_search(chat: Chat) -> None:
    chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    assert chat.calls("conversations.history") == 0


def test_replies_go_to_their_thread_and_are_found_there(chat: Chat) -> None:
    head = chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    reply = chat.courier.place("REL-1/1", RELEASES, Message("Validated"), thread_ts=head)
    again = chat.another_courier().place("REL-1/1", RELEASES, Message("Valid"), thread_ts=head, since=now())
    assert again == reply
    assert chat.texts() == ["REL-1"]
    thread = chat.http.get("thread", params={"as": "anna", "channel": RELEASES, "ts": head}).json()["messages"]
    assert [message["plain"] for message in thread] == ["REL-1", "Valid"]


def test_an_answer_that_was_lost_is_looked_up_instead_of_posting_twice(chat: Chat) -> None:
    chat.fault("timeout_after", "chat.postMessage")
    ts = chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    assert [message["ts"] for message in chat.reads()] == [ts]
    assert chat.calls("chat.postMessage") == 1


@pytest.mark.parametrize("kind", ["timeout_before", "http_error"])
def test_what_was_not_done_is_asked_for_again(chat: Chat, kind: str) -> None:
    chat.fault(kind, "chat.postMessage", times=2)
    chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    assert chat.texts() == ["REL-1"]
    assert chat.calls("chat.postMessage") == 3


def test_a_slack_that_stays_away_is_told_as_such_and_nothing_is_posted_twice_later(chat: Chat) -> None:
    chat.fault("timeout_after", "chat.postMessage")
    chat.fault("http_error", "conversations.history", times=5)
    with pytest.raises(ChatUnavailable, match="tried again later"):
        chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    chat.another_courier().place("REL-1/head", RELEASES, Message("REL-1"), since=now())
    assert chat.texts() == ["REL-1"]


def test_a_post_that_somebody_deleted_is_posted_anew(chat: Chat) -> None:
    ts = chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    chat.courier.client.chat_delete(channel=RELEASES, ts=ts)
    again = chat.courier.place("REL-1/head", RELEASES, Message("REL-1 is back"), known_ts=ts)
    assert again != ts
    assert chat.texts() == ["REL-1 is back"]


def test_an_edit_whose_answer_was_lost_is_made_again(chat: Chat) -> None:
    ts = chat.courier.place("REL-1/head", RELEASES, Message("one"))
    chat.fault("timeout_after", "chat.update")
    chat.courier.place("REL-1/head", RELEASES, Message("two"), known_ts=ts)
    assert chat.texts() == ["two"]


# Slowing down


def test_slack_is_given_the_time_it_asks_for(chat: Chat) -> None:
    chat.fault("ratelimited", "chat.postMessage", retry_after=7)
    chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    assert chat.texts() == ["REL-1"]
    assert 7.0 in chat.slept


def test_a_wait_of_many_minutes_is_left_to_a_later_try(chat: Chat) -> None:
    chat.fault("ratelimited", "chat.postMessage", retry_after=600)
    with pytest.raises(ChatUnavailable):
        chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    assert (chat.texts(), chat.slept) == ([], [])


def test_a_busy_channel_keeps_its_rate_and_delays_no_other() -> None:
    running = began(limits=True)
    try:
        with httpx.Client(base_url=f"{running.url}/rehearsal/api/", trust_env=False) as http:
            courier = Courier(blocking_client(running.bot_token, running.api_url))

            def post_many(channel: str, count: int) -> None:
                for number in range(count):
                    courier.place(f"{channel}/{number}", channel, Message(str(number)))

            busy = threading.Thread(target=post_many, args=(RELEASES, 7))
            busy.start()
            began_at = time.monotonic()
            post_many(INCIDENTS, 2)
            busy.join()
            assert time.monotonic() - began_at > 3.5
            calls = http.get("calls", params={"method": "chat.postMessage"}).json()["calls"]
            rooms = [call["arguments"]["channel"] for call in calls]
            assert rooms[-1] == RELEASES  # the quiet channel's posts did not wait for the busy one's last
            assert [call["error"] for call in calls] == [None] * 9
    finally:
        running.stop()


# What cannot be done


def failing(chat: Chat, ask: Callable[[Courier], object], kind: type[ChatProblem]) -> ChatProblem:
    with pytest.raises(kind) as raised:
        ask(chat.courier)
    return raised.value


def place(channel: str) -> Callable[[Courier], object]:
    return lambda courier: courier.place("x", channel, Message("x"))


def test_a_channel_without_us_names_who_can_invite_us(chat: Chat) -> None:
    chat.act("kick", channel=RELEASES, user="@rollcall")
    problem = failing(chat, place(RELEASES), ChannelClosed)
    assert problem.code == "not_in_channel"
    assert "Somebody in it has to type" in to_plain(str(problem))
    assert "/invite @Rollcall" in str(problem)


@pytest.mark.parametrize("channel", [SECRET, "C0NOWHERE"])
def test_a_channel_we_cannot_see_names_both_remedies(chat: Chat, channel: str) -> None:
    problem = failing(chat, place(channel), ChannelClosed)
    assert problem.code == "channel_not_found"
    assert "/invite @Rollcall" in str(problem)
    assert "policy" in str(problem)


def test_an_archived_channel_says_what_to_do(chat: Chat) -> None:
    chat.steer("workspace", archive=RELEASES)
    problem = failing(chat, place(RELEASES), ChannelClosed)
    assert problem.code == "is_archived"
    assert "take it out of the archive" in str(problem)


def test_somebody_who_left_cannot_be_written_to(chat: Chat) -> None:
    problem = failing(chat, lambda courier: courier.open_direct("U0LEAVER"), PersonUnreachable)
    assert "administrator" in str(problem)
    assert "U0LEAVER" in str(problem)


def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yml"
    manifest.write_text("display_information: {name: x}\noauth_config: {scopes: {bot: [users:read]}}\n")
    running = began(manifest=manifest)
    try:
        courier = Courier(blocking_client(running.bot_token, running.api_url))
        with pytest.raises(TokenRefused, match=r"chat:write.*Install it again"):
            courier.place("x", RELEASES, Message("x"))
    finally:
        running.stop()


def test_a_token_that_slack_does_not_know_is_told_to_an_administrator(chat: Chat) -> None:
    courier = Courier(blocking_client("xoxb-wrong", chat.running.api_url))
    with pytest.raises(TokenRefused, match="administrator"):
        courier.people()


def test_nobody_there_at_all_is_tried_again_later(chat: Chat) -> None:
    courier = Courier(blocking_client("xoxb-1", "http://127.0.0.1:9/api"), Pace(sleep=chat.slept.append))
    with pytest.raises(ChatUnavailable):
        courier.people()


# To one person


def test_a_direct_conversation_is_the_same_each_time(chat: Chat) -> None:
    assert chat.courier.open_direct("U0RELMGR") == chat.courier.open_direct("U0RELMGR") == "D0RELMGR"


# Files


def test_a_file_is_handed_over_in_a_thread(chat: Chat) -> None:
    head = chat.courier.place("REL-1/head", RELEASES, Message("REL-1"))
    file_id = chat.courier.upload(RELEASES, Attachment("log.txt", b"all is well"), thread_ts=head)
    thread = chat.http.get("thread", params={"as": "anna", "channel": RELEASES, "ts": head}).json()["messages"]
    assert [file["id"] for file in thread[-1]["files"]] == [file_id]
    assert chat.http.get("file", params={"as": "anna", "file": file_id}).content == b"all is well"


@pytest.mark.parametrize("kind", ["ratelimited", "http_error", "timeout_after"])
def test_an_upload_that_slack_did_not_confirm_may_be_tried_later(chat: Chat, kind: str) -> None:
    chat.fault(kind, "files.completeUploadExternal")
    with pytest.raises(ChatUnavailable):
        chat.courier.upload(RELEASES, Attachment("log.txt", b"x"))


def test_an_upload_into_a_closed_channel_says_so(chat: Chat) -> None:
    with pytest.raises(ChannelClosed):
        chat.courier.upload(SECRET, Attachment("log.txt", b"x"))


def sent(chat: Chat, content: bytes, **more: Any) -> str:
    encoded = base64.b64encode(content).decode()
    upload = chat.act("upload", channel=RELEASES, filename="package.zip", content_base64=encoded, **more)
    return str(upload["file"]["id"])


def test_a_file_that_a_person_sent_is_fetched_up_to_the_limit(chat: Chat) -> None:
    file_id = sent(chat, b"0123456789")
    assert chat.courier.fetch_file(file_id, 10) == b"0123456789"
    with pytest.raises(Unclear, match="larger than") as refused:
        chat.courier.fetch_file(file_id, 9)
    assert refused.value.field == "files"


def test_a_file_that_is_larger_than_it_says_is_not_read_to_its_end(chat: Chat) -> None:
    file_id = sent(chat, b"0123")
    chat.running.workspace.contents[file_id] = b"x" * 1_000_000
    with pytest.raises(Unclear, match="larger than"):
        chat.courier.fetch_file(file_id, 100)


def test_a_file_never_shared_with_us_says_what_to_do(chat: Chat) -> None:
    with pytest.raises(ChatRefused, match="Upload it again"):
        chat.courier.fetch_file(sent(chat, b"x", share=False), 10)


def test_our_token_goes_to_slack_alone(chat: Chat) -> None:
    elsewhere = chat.running.api_url.replace("127.0.0.1", "localhost")
    courier = Courier(blocking_client(chat.running.bot_token, elsewhere))
    with pytest.raises(ChatRefused, match="not kept by Slack"):
        courier.fetch_file(sent(chat, b"x"), 10)


# Who is there


def test_everybody_is_known_by_name_and_zone(chat: Chat) -> None:
    known = {person.id: person for person in chat.courier.people()}
    anna = known["U0RELMGR"]
    assert (anna.handle, anna.name, anna.zone, anna.active) == ("anna", "Anna Keller", "Europe/Berlin", True)
    assert not known["U0LEAVER"].active
    assert known["U0ROLLCALL"].bot


def test_a_groups_members_are_known(chat: Chat) -> None:
    assert set(chat.courier.group_members("S0QATEAM")) == {"U0TESTER", "U0ANALYS"}


def test_reading_is_tried_again_while_slack_is_down(chat: Chat) -> None:
    chat.fault("http_error", "users.list", times=2)
    assert chat.courier.people()
    assert len(chat.slept) == 2
