"""npm's `@slack/bolt`, unchanged, against the local workspace: over Socket Mode, then over signed HTTP."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlencode

import httpx

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace, start
from tests.conformance import clients
from tests.conformance.ledger import Ledger, differs
from tests.conformance.recorder import Window, window
from tests.conformance.scene import ROOT

_HERE = Path(__file__).parent
RECORDED = ROOT / "tests" / "bot" / "rehearsal" / "workspace" / "exchanges" / "bolt-js.json"
_STARTS_WITHIN = 60.0
_WAITS = 20.0
Json = dict[str, Any]


@dataclass
class Talk:
    """A workspace with the Bolt app in it; people act through the rehearsal's API."""

    name: str
    workspace: RunningWorkspace
    http: httpx.Client
    ledger: Ledger
    window: Window

    def act(self, what: str, **body: Any) -> Json:
        """Anna does something; the outcome."""
        found: Json = self.http.post(what, json={"as": "anna", "wait_seconds": 5, **body}).json()
        return found

    def types(self, text: str) -> Json:
        """Anna types a command in #releases."""
        return self.act("command", channel="#releases", text=f"/release {text}")

    def reads(self, text: str) -> str:
        """Waits until something with these words stands in #releases; all of it."""
        deadline = time.monotonic() + _WAITS
        while time.monotonic() < deadline:
            shown = self.http.get("channel", params={"as": "anna", "channel": "#releases"}).json()["messages"]
            for message in reversed(shown):
                if text in message["plain"]:
                    return str(message["plain"])
            time.sleep(0.05)
        return "nothing of the kind"

    def check(self, what: str, found: object, wanted: object) -> None:
        """One line of the ledger."""
        self.ledger.check(self.name, what, differs(found, wanted))


def over_sockets(folder: Path, ledger: Ledger, *, record: bool = False) -> None:
    """Everything, over Socket Mode, with a refresh in between; with `record` what it asked is written down."""
    with _talk("Bolt (JavaScript), Socket Mode", folder, ledger) as talk:
        for part in (_commands, _forms, _clicks, _events, _calls, _reconnecting):
            part(talk)
        if record:
            _write(talk.window)


def over_http(folder: Path, ledger: Ledger, *, record: bool = False) -> None:
    """Everything but the sockets, over signed HTTP; nothing of it needs recording twice."""
    with _talk("Bolt (JavaScript), HTTP", folder, ledger, over_http=True) as talk:
        for part in (_commands, _forms, _clicks, _events, _calls):
            part(talk)


def _write(opened: Window) -> None:
    """The calls as they were written, each form of a method once: {"method", "type", "body", "answer"}."""
    kept: dict[Any, Json] = {}
    for exchange in opened.exchanges:
        asked, said = exchange["request"], exchange["answer"]
        answer, body = said["body"], _without_token(asked.get("body", ""))
        method = asked["path"].removeprefix("/api/")
        names = tuple(sorted(name for name, _ in parse_qsl(body)))
        call = {"method": method, "type": asked["headers"].get("content-type", ""), "body": body}
        kept.setdefault((method, names, answer.get("error")), call | {"answer": shape(answer)})
    RECORDED.parent.mkdir(parents=True, exist_ok=True)
    RECORDED.write_text(json.dumps([*kept.values()], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _without_token(body: str) -> str:
    return urlencode([(name, "{token}" if name == "token" else value) for name, value in parse_qsl(body)])


def shape(answer: Any) -> Any:
    """What an answer consists of: its keys, the types below them, Slack's word for an error."""
    if isinstance(answer, dict):
        kept = {"ok", "error"}
        # What somebody filled in before is no matter of the answer's.
        return {key: value if key in kept else shape(value) for key, value in sorted(answer.items()) if key != "state"}
    if isinstance(answer, list):
        return [shape(answer[0])] if answer else []
    return type(answer).__name__


def _commands(talk: Talk) -> None:
    talk.check("ack() with words", _said(talk.types("ack")), ["acknowledged"])
    talk.check("say()", _said(talk.types("say")), ["said"])
    talk.check("respond() in the channel", _said(talk.types("respond")), ["responded"])
    talk.check("a trigger opens one modal", _said(talk.types("twice")), ["done exchanged_trigger_id"])
    talk.check("no answer to a typing mistake", talk.types("nonsense")["error"]["code"] in _UNANSWERED, True)


_UNANSWERED = ("operation_timeout", "dispatch_failed")


def _forms(talk: Talk) -> None:
    view = talk.types("form")["view"]
    where = {"view_id": view["view_id"]}
    found = talk.act("suggest", **where, action_id="find", query="x")
    talk.check("options()", found["options"], [{"label": "Found x", "value": "v-x", "description": None}])
    bad = talk.act("submit", **where, values={"Name": "bad"})
    talk.check("errors stay in the form", bad["field_errors"], {"name": "Two words, please."})
    talk.check("update", talk.act("submit", **where, values={"Name": "update"})["view"]["title"], "Updated")
    pushed = talk.act("submit", **where, values={"Name": "push"})["view"]
    talk.check("push", (pushed["title"], pushed["depth"]), ("Pushed", 2))
    redrawn = talk.act("click", view_id=pushed["view_id"], action_id="redraw")["view"]
    talk.check("views.update from a click", redrawn["title"], "Redrawn")
    talk.check("a stale hash conflicts", talk.reads("hash_conflict"), "hash_conflict")
    talk.act("close", view_id=pushed["view_id"])
    talk.check("view_closed", talk.reads("closed"), "closed false")
    values = {"Name": "Spring", "Who": ["omar"], "Day": "2026-11-22", "Find": "v-x"}
    talk.act("submit", **where, values=values)
    talk.check("a submission's values", talk.reads("Spring"), "Spring U0OPSMGR 2026-11-22 v-x kept")
    again = talk.types("form")["view"]["view_id"]
    talk.check("clear", talk.act("submit", view_id=again, values={"Name": "clear"})["view"], None)


def _clicks(talk: Talk) -> None:
    card = next(each for each in talk.types("card")["messages"] if each["bot"])
    where = {"channel": "#releases", "ts": card["ts"]}
    talk.check("a select", _said(talk.act("choose", **where, action_id="pick", value="prod")), ["picked prod"])
    talk.check("an overflow menu", _said(talk.act("click", **where, action_id="more", value="later")), ["chose later"])
    changed = talk.act("click", **where, label="Go")["changed"]
    talk.check("a button replaces its message", [each["plain"] for each in changed], ["went REL-1"])
    new = talk.act("shortcut", callback_id="release_new")["view"]
    talk.check("a global shortcut", new["title"], "By shortcut")
    talk.act("close", view_id=new["view_id"])
    said = talk.act("message", channel="#releases", text="broken", wait_seconds=0)["messages"][0]
    reported = talk.act("shortcut", callback_id="report", channel="#releases", ts=said["ts"])
    talk.check("a message shortcut", _said(reported), ["reported broken"])


def _events(talk: Talk) -> None:
    mentioned = talk.act("mention", channel="#releases", text="hello")
    talk.check("app_mention, answered in its thread", _said(mentioned), ["heard @Rollcall hello"])
    talk.check("message", _said(talk.act("message", channel="@rollcall", text="ping")), ["pong"])
    said = talk.act("message", channel="#releases", text="one", wait_seconds=0)["messages"][0]
    edited = talk.act("edit", channel="#releases", ts=said["ts"], text="two")
    talk.check("message_changed", _said(edited), ["now two"])
    reacted = talk.act("react", channel="#releases", ts=said["ts"], name="tada")
    talk.check("reaction_added", _said(reacted), ["thanks for tada"])
    talk.check("views.publish", talk.act("home")["home"]["plain"], "Home of @Anna Keller")


def _calls(talk: Talk) -> None:
    refused = "invalid_blocks channel_not_found message_not_found"
    talk.check("Slack's own error codes", _said(talk.types("refused")), [refused])
    talk.check("usergroups", _said(talk.types("groups")), ["qa-team: U0TESTER U0ANALYS of 2"])
    talk.check("paginate users.list", _said(talk.types("people")), ["7 people"])
    talk.types("file")
    talk.check("files.uploadV2", talk.reads("as asked"), "as asked\n(log.txt)")
    talk.types("edit")
    talk.check("chat.update", talk.reads("after"), "after")


def _reconnecting(talk: Talk) -> None:
    opened = len(_opened(talk))
    talk.http.post("sockets", json={"do": "refresh"})
    deadline = time.monotonic() + _WAITS
    while len(_opened(talk)) <= opened or not talk.workspace.stage.delivery.sockets.connections:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    talk.check("it connects again after a refresh", len(_opened(talk)) > opened, True)
    talk.check("it is heard afterwards", _said(talk.types("ack")), ["acknowledged"])


def _opened(talk: Talk) -> list[Json]:
    found: list[Json] = talk.http.get("calls", params={"method": "apps.connections.open"}).json()["calls"]
    return found


def _said(outcome: Mapping[str, Any]) -> list[str]:
    return [each["plain"] for each in outcome.get("messages", ()) if each["bot"]] or [str(outcome.get("error"))]


@contextlib.contextmanager
def _talk(name: str, folder: Path, ledger: Ledger, *, over_http: bool = False) -> Iterator[Talk]:
    """The app in a process of its own; both end with the block."""
    node, home = clients.node(), clients.bolt_js()
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port() if over_http else 0
    extras = Extras(request_url=f"http://127.0.0.1:{port}/slack/events" if over_http else None)
    workspace = start(0, clock=MovableClock(), extras=extras)
    environ = clients.private(folder, node) | {
        "NODE_PATH": os.fspath(home / "node_modules"),
        "BOT_TOKEN": workspace.bot_token,
        "APP_TOKEN": workspace.app_token,
        "SIGNING_SECRET": workspace.signing_secret,
        **({"PORT": str(port)} if over_http else {}),
    }
    command = [str(node), str(_HERE / "bolt_app.cjs")]
    with (
        (folder / "bolt.log").open("w") as log,
        window(workspace.url, workspace.bot_token) as opened,
        subprocess.Popen(
            command, env=environ | {"API_URL": f"{opened.url}/api/"}, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
        httpx.Client(base_url=f"{workspace.url}/rehearsal/api/", timeout=60, trust_env=False) as http,
    ):
        try:
            assert process.stdout is not None
            if not json.loads(process.stdout.readline() or "{}").get("ready"):
                raise clients.Missing(f"the app did not start: {(folder / 'bolt.log').read_text()[-400:]}")
            yield Talk(name, workspace, http, ledger, opened)
        finally:
            process.terminate()
            workspace.stop()


def _running(command: list[str], environ: Mapping[str, str], log: IO[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


STORIES: dict[str, Callable[..., None]] = {"bolt-js-sockets": over_sockets, "bolt-js-http": over_http}
