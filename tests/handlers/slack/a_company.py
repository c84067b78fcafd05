"""A company that the bot works for, with everything it keeps, said, called and logged open to be looked at."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.request.async_request import AsyncBoltRequest
from sqlalchemy import text
from sqlmodel import SQLModel, select

from bot.rehearsal.workspace.blocks import check_blocks
from bot.rehearsal.workspace.model import Channel, Person
from bot.rehearsal.workspace.views import check_view
from handlers.desk import Desk
from handlers.verbs import VERBS
from release_core.ports import Ports
from tests.handlers.slack.serving import Serving, served
from tests.slack_limits import over

Json = dict[str, Any]

# What is written down of a question itself, not of anything that was done.
NOT_DONE = {"receipt"}
# What Slack says when a payload of ours is no good, whoever it is for.
OUR_FAULT = {
    *("invalid_blocks", "invalid_blocks_format", "invalid_arguments", "msg_too_long", "msg_blocks_too_long", "no_text"),
    *("view_too_large", "duplicate_external_id", "invalid_arg_name", "missing_scope", "unknown_method", "invalid_json"),
}


class Errors(logging.Handler):
    """Keeps what is logged as an error: a bug met by a person."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.found.append(self.format(record)[-1500:])


@dataclass
class Company:
    """The bot with releases in several states, its database, what it logged."""

    serving: Serving
    ports: Ports
    errors: Errors = field(default_factory=Errors)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table that tells what was done."""
        tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in NOT_DONE]
        with self.ports.store.reading() as session:
            return {table.name: [tuple(row) for row in session.execute(select(table))] for table in tables}  # type: ignore[call-overload]

    def heads(self) -> list[tuple[str, int]]:
        """How many rows each table has, which fact is the newest of each timeline: cheap to ask often."""
        names = [table.name for table in SQLModel.metadata.sorted_tables if table.name not in NOT_DONE]
        counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM \"{name}\"" for name in names)
        with self.ports.store.reading() as session:
            rows = session.execute(text(counts)).all()  # type: ignore[deprecated]
            rows += session.execute(text("SELECT stream, max(number) FROM timelineentry GROUP BY stream")).all()  # type: ignore[deprecated]
        return [(str(name), int(number)) for name, number in rows]

    def is_sent(self, body: Json) -> tuple[Json, list[str]]:
        """Send something; the acknowledgement and the methods by which something was shown. Everything is checked."""
        app, calls = self.serving.app, self.serving.workspace.workspace.calls
        assert app is not None
        self.errors.found.clear()
        since = calls[-1]["seq"] if calls else 0
        response = self.serving.run(app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode")))
        assert self.serving.run(app.drain(5)) == 0
        assert response.status == 200
        assert self.errors.found == []
        made = [call for call in calls if call["seq"] > since]
        assert [call for call in made if call["error"] in OUR_FAULT] == []
        ack: Json = json.loads(response.body or "{}")
        assert_slack_takes(ack)
        return ack, [call["method"] for call in made if call["ok"]]


def assert_slack_takes(ack: Json) -> None:
    """What an acknowledgement shows is something that Slack would show."""
    if "view" in ack:
        assert check_view(ack["view"], "modal") == []
        assert over("modal", ack["view"]) == []
    if "blocks" in ack:
        assert check_blocks(ack["blocks"], "message") == []
        assert over("message", ack, ours=True) == []
    assert all(isinstance(words, str) and words for words in ack.get("errors", {"": "x"}).values())


@contextlib.contextmanager
def employed(ports: Ports) -> Iterator[Company]:
    """The bot at work; what it logs is kept for `is_sent` alone."""
    # Over sockets a thread of its own draws random masks, which Hypothesis takes for a strategy that does.
    with served(over_http=True, desk=Desk(ports, lambda: None), verbs=VERBS) as serving:
        company = Company(serving, ports)
        logger = logging.getLogger("handlers")
        logger.addHandler(company.errors)
        propagated, logger.propagate = logger.propagate, False
        yield company
        logger.propagate = propagated
        logger.removeHandler(company.errors)


def move_in(serving: Serving, people: Collection[str]) -> None:
    """Give people an account, a place in the channels, a conversation with the bot."""
    workspace = serving.workspace.workspace
    for id_ in people:
        workspace.people[id_] = Person(id_, id_.lower(), id_.title(), "UTC", "member")
        for channel in ("C0RELEASES", "C0INCIDENTS"):
            workspace.channels[channel].members.append(id_)
        direct = f"D{id_[1:]}"
        workspace.channels[direct] = Channel(direct, "", "im", [id_, "U0ROLLCALL"])
