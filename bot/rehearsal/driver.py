"""People of a rehearsal, acting through its API as a program."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

Json = dict[str, Any]
PATIENCE = 30.0  # seconds


class Disappointed(AssertionError):
    """Something expected was not seen."""


def until(holds: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Look again and again until it holds; Disappointed when it does not within `patience` seconds."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            raise Disappointed(f"This did not come within {patience:.0f} s: {what}.")
        time.sleep(0.1)


@dataclass
class Rehearsal:
    """The rehearsal's API at a URL; `told` is called with each thing that somebody did or saw.

    `patience` is how many seconds people wait for what they expect to see.
    """

    url: str
    told: Callable[[str, str, str], None] = lambda *_: None
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, trust_env=False))
    patience: float = PATIENCE

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def person(self, handle: str) -> Person:
        """Somebody of the cast, by handle."""
        return Person(self, handle)

    def look(self, what: str, **query: Any) -> Json:
        """GET something."""
        return _answer(self.http.get(f"{self.url}/rehearsal/api/{what}", params=query))

    def act(self, what: str, **body: Any) -> Json:
        """POST something."""
        return _answer(self.http.post(f"{self.url}/rehearsal/api/{what}", json=body))

    def move_clock(self, seconds: float) -> str:
        """Let time pass; returns the new instant."""
        return str(self.act("clock", advance_seconds=seconds)["now"])

    def now(self) -> str:
        """The rehearsal's present instant, ISO 8601 UTC."""
        return str(self.look("clock")["now"])


def _answer(response: httpx.Response) -> Json:
    found: Json = response.json()
    return found


@dataclass
class Person:
    """Somebody who types, clicks, fills in forms and reads."""

    rehearsal: Rehearsal
    handle: str

    def types(self, text: str, channel: str = "#releases") -> Json:
        """Type a command or a message; returns the outcome."""
        self._told("types", f"{text}  (in {channel})" if channel != "#releases" else text)
        what = "command" if text.startswith("/") else "message"
        return self._did(self.rehearsal.act(what, **{"as": self.handle, "channel": channel, "text": text}))

    def clicks(self, label: str, message: Mapping[str, Any], *, confirmed: bool = True, wait: float = 2.0) -> Json:
        """Press a button on a message, through its confirm dialog if it has one."""
        body: Json = {"as": self.handle, "channel": message["channel"], "ts": message["ts"], "label": label}
        outcome = self.rehearsal.act("click", wait_seconds=wait, **body)
        if outcome.get("confirm") and confirmed:
            dialog = outcome["confirm"]
            self._told("is asked", f"{dialog['title']} {dialog['text']} [{dialog['confirm']}] [{dialog['deny']}]")
            self._told("presses", str(dialog["confirm"]))
            outcome = self.rehearsal.act("click", wait_seconds=wait, confirmed=True, **body)
        else:
            self._told("presses", label)
        return self._did(outcome)

    def submits(self, outcome: Mapping[str, Any], values: Mapping[str, Any]) -> Json:
        """Fill in and submit the form that an outcome opened."""
        view = outcome.get("view")
        if not view:
            raise Disappointed(f"{self.handle} expected a form, got: {_short(outcome)}")
        shown = {name: _named(value) for name, value in values.items()}
        self._told("submits", f"{view['title']}: {', '.join(f'{k} = {v}' for k, v in shown.items())}")
        body = {"as": self.handle, "view_id": view["view_id"], "values": dict(values)}
        return self._did(self.rehearsal.act("submit", wait_seconds=2.0, **body))

    def sees(
        self, text: str, channel: str = "#releases", *, thread: str | None = None, showing: str = "", tell: bool = True
    ) -> Json:
        """The newest post with `text` (and `showing`) in a channel, thread or direct conversation; waits for it.

        What only this person was told is in the outcome of what they did.
        """
        found: list[Json] = []

        def look() -> bool:
            posts = [m for m in self.everything_in(channel, thread) if not m["ephemeral"]]
            found[:] = [m for m in posts if text in m["plain"] and showing in m["plain"]]
            return bool(found)

        try:
            until(look, f"“{text}” in {channel} for {self.handle}", self.rehearsal.patience)
        except Disappointed as failed:
            there = [_tidy(m["plain"])[:200] for m in self.everything_in(channel, thread)][-6:]
            raise Disappointed(f"{failed} Last there: {there}") from None
        if tell:
            self._told("sees", f"{channel}{' (thread)' if thread else ''}: {_tidy(found[-1]['plain'])}")
        return found[-1]

    def in_thread(self, text: str, head: Mapping[str, Any], *, showing: str = "", tell: bool = True) -> Json:
        """`sees` in the thread under a message."""
        return self.sees(text, str(head["channel"]), thread=str(head["ts"]), showing=showing, tell=tell)

    def receives(self, name: str) -> bytes:
        """The bytes of the newest file of that name in the direct conversation with Rollcall; waits for it."""
        found: list[Json] = []

        def look() -> bool:
            files = [file for m in self.everything_in("@rollcall") for file in m["files"]]
            found[:] = [file for file in files if name in file["name"]]
            return bool(found)

        until(look, f"the file {name} for {self.handle}", self.rehearsal.patience)
        self._told("receives", str(found[-1]["name"]))
        return self.file(str(found[-1]["id"]))

    def everything_in(self, channel: str, thread: str | None = None) -> list[Json]:
        """All messages there, as this person sees them."""
        if thread:
            seen = self.rehearsal.look("thread", **{"as": self.handle, "channel": channel, "ts": thread})
        else:
            seen = self.rehearsal.look("channel", **{"as": self.handle, "channel": channel})
        if not seen.get("ok", False):
            raise Disappointed(f"{self.handle} cannot read {channel}: {seen.get('error')}")
        return list(seen["messages"])

    def file(self, file_id: str) -> bytes:
        """The bytes of a file that this person sees."""
        query = {"as": self.handle, "file": file_id}
        return self.rehearsal.http.get(f"{self.rehearsal.url}/rehearsal/api/file", params=query).content

    def _did(self, outcome: Json) -> Json:
        error = outcome.get("error")
        if error:
            self._told("is told", f"{error['code']}: {error['sentence']}")
        for field_name, sentence in (outcome.get("field_errors") or {}).items():
            self._told("is told", f"at {field_name}: {sentence}")
        for message in outcome.get("messages", []):
            if message["ephemeral"]:
                self._told("is told", _tidy(message["plain"]))
        view = outcome.get("view")
        if view:
            self._told("gets", f"the form “{view['title']}”")
        return outcome

    def _told(self, what: str, text: str) -> None:
        self.rehearsal.told(self.handle, what, text)


def zip_file(name: str, data: bytes) -> list[Json]:
    """A file as a form's file input takes it."""
    return [{"filename": name, "content_base64": base64.b64encode(data).decode()}]


def _named(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(str(one.get("filename")) for one in value)
    return str(value)


def _tidy(plain: str) -> str:
    return " | ".join(line.strip() for line in plain.splitlines() if line.strip())


def _short(outcome: Mapping[str, Any]) -> str:
    said = [_tidy(m["plain"]) for m in outcome.get("messages", [])]
    return f"{outcome.get('error') or ''} {' / '.join(said)}"[:500]
