"""What a machine may ask the bot over HTTP: is it alive, may it be used, how much is waiting."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from sqlalchemy import func, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.chat_problems import ChatProblem
from release_core.models import Intent, Post, Release
from release_core.ports import Clock
from release_core.store import Store

Check = Callable[[], str]
"""A question about one part of the bot; the answer says what is wrong with it, "" when nothing is."""

RELEASE_STATES = (
    "draft",
    "planned",
    "ready",
    "deploying",
    "soaking",
    "closed",
    "cancelled",
    "failed",
    "rolled_back",
)
INTENT_STATES = ("due", "started", "finished", "failed", "withdrawn")
_KEY = re.compile(r"(REL|INC)-[1-9][0-9]{0,8}")
_PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class KnownOrgs(Protocol):
    """What the orgs last said of themselves, by policy key; asking costs no call."""

    def problems(self) -> Mapping[str, str]:
        """What is wrong with each org that could not be reached."""
        ...

    def usage(self) -> Mapping[str, tuple[int, int]]:
        """API calls used and allowed in 24 hours."""
        ...


def web_app(store: Store, clock: Clock, checks: Mapping[str, Check], orgs: KnownOrgs | None = None) -> Starlette:
    """The bot's own small web server, for machines."""
    return Starlette(routes=web_routes(store, clock, checks, orgs))


def web_routes(store: Store, clock: Clock, checks: Mapping[str, Check], orgs: KnownOrgs | None = None) -> list[Route]:
    """`/health` (the process answers), `/ready` (every part works, else 503 with what is wrong), `/metrics`.

    An org that cannot be reached is told by `/ready` under `orgs`; it makes nobody less ready, since flows wait for it.
    """

    # These are plain functions on purpose: Starlette runs them in a thread, and they wait for the database.
    def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def ready(_request: Request) -> Response:
        found = {"database": database_problem(store)} | {name: check() for name, check in checks.items()}
        problems = {name: problem for name, problem in found.items() if problem}
        told: dict[str, object] = {"status": "not ready" if problems else "ready", "problems": problems}
        away = orgs.problems() if orgs else {}
        return JSONResponse(told | ({"orgs": dict(away)} if away else {}), 503 if problems else 200)

    def metrics(_request: Request) -> Response:
        try:
            with store.reading() as session:
                lines = [*_metrics(session, clock.now()), *_org_calls(orgs.usage() if orgs else {})]
                measured = "".join(f"{line}\n" for line in lines)
        except SQLAlchemyError:
            return PlainTextResponse("The database cannot be read; /ready says more.\n", 503)
        return Response(measured, media_type=_PROMETHEUS)

    return [Route("/health", health), Route("/ready", ready), Route("/metrics", metrics)]


def nudge_route(nudge: Callable[[], None]) -> Route:
    """`POST /nudge`: look now at what is due. It says nothing, and changes nothing but when the bot looks."""

    def nudged(_request: Request) -> Response:
        nudge()
        return Response(status_code=204)

    return Route("/nudge", nudged, methods=["POST"])


def link_routes(store: Store, permalink: Callable[[str, str], str]) -> list[Route]:
    """`/r/REL-1`, `/i/INC-1`: to the headline in the chat, which shows it to whoever may see it there, and nobody else.

    `permalink` gives the address of a post by channel and ts. Anything that has no post is told in one sentence, the
    same whether it exists or not.
    """
    # Anybody may ask, as often as they like; the chat is asked once for each post, whose address never changes.
    address = lru_cache(maxsize=1000)(permalink)

    def found(key: str) -> Post | None:
        kind = "headline" if key.startswith("REL-") else "incident"
        with store.reading() as session:
            return session.get(Post, f"{kind}:{key}")

    def lead(request: Request) -> Response:
        key = str(request.path_params["key"]).upper()
        post = found(key) if _KEY.fullmatch(key) else None
        if post is None or not post.ts:
            return PlainTextResponse("Rollcall knows no such release or incident. Look in the chat.\n", 404)
        try:
            return RedirectResponse(address(post.channel, post.ts), 302, headers=_PRIVATE)
        except ChatProblem:
            return PlainTextResponse("The chat did not say where the post is. Try again in a minute.\n", 503)

    return [Route("/r/{key}", lead), Route("/i/{key}", lead)]


def database_problem(store: Store) -> str:
    """What is wrong with the database, "" when it answers."""
    try:
        with store.reading() as session:
            session.connection().execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        return (
            f"The database does not answer ({type(error).__name__}). See that it runs and that DATABASE_URL is right."
        )
    return ""


def _metrics(session: Session, now: datetime) -> Iterator[str]:
    releases = session.exec(select(Release.state, func.count()).group_by(Release.state)).all()
    intents = session.exec(select(Intent.state, func.count()).group_by(Intent.state)).all()
    oldest = session.exec(select(func.min(col(Intent.due_at))).where(Intent.state == "due")).one()
    late = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield from _counted("rollcall_releases", "Releases by state.", RELEASE_STATES, releases)
    yield from _counted("rollcall_intents", "Flows that must run, by state.", INTENT_STATES, intents)
    yield "# HELP rollcall_oldest_due_intent_seconds How long the oldest flow that is due has been waiting."
    yield "# TYPE rollcall_oldest_due_intent_seconds gauge"
    yield f"rollcall_oldest_due_intent_seconds {late:.3f}"


def _org_calls(usage: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    used = {org: of_org[0] for org, of_org in sorted(usage.items())}
    unused = {org: max(0, allowed - spent) for org, (spent, allowed) in sorted(usage.items())}
    for figure, meaning, by_org in (("used", "that everybody has used", used), ("left", "that are left", unused)):
        if by_org:
            yield f"# HELP rollcall_org_api_calls_{figure} API calls of 24 hours {meaning}."
            yield f"# TYPE rollcall_org_api_calls_{figure} gauge"
            yield from (f'rollcall_org_api_calls_{figure}{{org="{org}"}} {count}' for org, count in by_org.items())


def _counted(name: str, meaning: str, states: Iterable[str], counts: Iterable[tuple[str, int]]) -> Iterator[str]:
    # A state without rows is told as 0: a series that comes and goes cannot be watched.
    found = dict.fromkeys(states, 0) | dict(counts)
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    for state, count in found.items():
        yield f'{name}{{state="{state}"}} {count}'
