"""What can be made to go wrong from the page: in the chat, in an org."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.rehearsal.pages.orgs import Org
from bot.rehearsal.pages.scene import Json

FOREVER = "until called off"
EDITED = {"type": "ApexClass", "fullName": "DiscountPolicy"}
_PATIENCE_SECONDS = 5


@dataclass(frozen=True)
class Trouble:
    """One thing that can go wrong: its name on a button, what then happens, the body that is posted to `path`.

    Both are those of docs/rehearsal-api.md: below /rehearsal/api/ for the chat, below /rehearsal/ for an org.
    """

    title: str
    about: str
    path: str
    body: Mapping[str, Any] = field(default_factory=dict)


CHAT = (
    Trouble(
        "Too many posts",
        "Slack answers the next 3 posts with 429; the bot waits, then posts them.",
        "faults",
        {"kind": "ratelimited", "method": "chat.postMessage", "times": 3, "retry_after": 2},
    ),
    Trouble(
        "A lost answer",
        "The next post is made, its answer never comes; it must not be posted twice.",
        "faults",
        {"kind": "timeout_after", "method": "chat.postMessage"},
    ),
    Trouble("Slack is down", "The next 10 calls are answered with 503.", "faults", {"kind": "http_error", "times": 10}),
    Trouble(
        "A mention twice", "The next mention comes twice.", "faults", {"kind": "duplicate", "method": "app_mention"}
    ),
    Trouble("A cut line", "The bot's connections drop without a word; it connects again.", "sockets", {"do": "drop"}),
)
ORG = (
    Trouble(
        "Out of reach",
        "No call gets through, until all is called off.",
        "faults",
        {"kind": "drop_before_accepting", "only": "any", "count": FOREVER},
    ),
    Trouble(
        "A lost answer",
        "The next deployment is accepted, but nobody hears of it.",
        "faults",
        {"kind": "drop_connection"},
    ),
    Trouble("A refused login", "The session ends with the next call.", "faults", {"kind": "invalid_session"}),
    Trouble("A failed end", "The next deployment fails as it finishes.", "faults", {"kind": "finalizing_failed"}),
    Trouble(
        "A stranger's deployment",
        "Somebody else deploys a change set for a minute.",
        "foreign-deployment",
        {"type": "Changeset", "name": "Quarter end", "seconds": 60},
    ),
    Trouble("A hand in Setup", f"Somebody edits the class {EDITED['fullName']} by hand.", "change", EDITED),
    Trouble(
        "A new package",
        "A managed package arrives, so every validation is void.",
        "package-install",
        {"name": "Shipping Rates", "version": "4.2"},
    ),
)
CALL_OFF = {"clear": True}


def trouble_part(armed: Sequence[Mapping[str, Any]], looks: Sequence[Mapping[str, Any]]) -> Json:
    """What the template needs: the chat's faults still to come, each org with those of its own, all that can be chosen.

    `armed` are the chat's (docs/rehearsal-api.md, Fault), `looks` what `look_at_orgs` found.
    """
    return {
        "chat_troubles": CHAT,
        "org_troubles": ORG,
        "chat_to_come": [_said(one) for one in armed],
        "org_rooms": [
            {"name": look.get("name"), "problem": look.get("problem", ""), "to_come": _pending(look.get("state") or {})}
            for look in looks
        ],
    }


def _said(fault: Mapping[str, Any]) -> str:
    where = f" of {fault['method']}" if fault.get("method") else ""
    return f"{str(fault['kind']).replace('_', ' ')}{where}, {fault['times']} ×"


def _pending(state: Mapping[str, Any]) -> list[str]:
    faults = state.get("faults") or {}
    return [f"{kind.replace('_', ' ')}, {left if left == FOREVER else f'{left} ×'}" for kind, left in faults.items()]


def org_route(orgs_now: Callable[[], Sequence[Org]]) -> Route:
    """`POST /page/orgs/<name>/<path>`: passes a trouble of ORG on to an org, which the page itself cannot reach."""
    paths = {one.path for one in ORG}

    async def pass_on(request: Request) -> Response:
        name, path = request.path_params["name"], request.path_params["path"]
        org = next((one for one in orgs_now() if one.get("name") == name), None)
        if org is None or path not in paths:
            return _told(f"There is no org {name} in which {path} can be done.", 404)
        try:
            async with httpx.AsyncClient(
                base_url=str(org["url"]), timeout=_PATIENCE_SECONDS, trust_env=False
            ) as client:
                return await _made(client, path, await request.json())
        except (httpx.HTTPError, ValueError):
            return _told(f"{name} does not answer.", 502)

    return Route("/page/orgs/{name}/{path}", pass_on, methods=["POST"])


async def _made(client: httpx.AsyncClient, path: str, body: Json) -> Response:
    if path == "change":
        found = (await client.get("/rehearsal/component", params=EDITED)).json()
        source = next((text for name, text in found.get("files", {}).items() if name.endswith(".cls")), "")
        body = {**EDITED, "source": f"{source.rstrip()}\n// changed by hand in Setup\n"}
    answer = await client.post(f"/rehearsal/{path}", json=body)
    problem = str(answer.json().get("error") or "")
    return _told(problem, 400) if problem else JSONResponse({"ok": True})


def _told(sentence: str, status: int) -> Response:
    return JSONResponse({"ok": False, "error": {"code": "org", "sentence": sentence}}, status)
