"""What a machine may ask the bot over HTTP: is it alive, may it be used, how much is waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from sqlalchemy import func, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, select
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from release_core.models import Intent, Release
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
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def web_app(store: Store, clock: Clock, checks: Mapping[str, Check]) -> Starlette:
    """The bot's own small web server, for machines."""
    return Starlette(routes=web_routes(store, clock, checks))


def web_routes(store: Store, clock: Clock, checks: Mapping[str, Check]) -> list[Route]:
    """`/health` (the process answers), `/ready` (every part works, else 503 with what is wrong), `/metrics`."""

    # These are plain functions on purpose: Starlette runs them in a thread, and they wait for the database.
    def health(_request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    def ready(_request: Request) -> Response:
        found = {"database": database_problem(store)} | {name: check() for name, check in checks.items()}
        problems = {name: problem for name, problem in found.items() if problem}
        return JSONResponse(
            {"status": "not ready" if problems else "ready", "problems": problems}, 503 if problems else 200
        )

    def metrics(_request: Request) -> Response:
        try:
            with store.reading() as session:
                measured = "".join(f"{line}\n" for line in _metrics(session, clock.now()))
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


def _counted(name: str, meaning: str, states: Iterable[str], counts: Iterable[tuple[str, int]]) -> Iterator[str]:
    # A state without rows is told as 0: a series that comes and goes cannot be watched.
    found = dict.fromkeys(states, 0) | dict(counts)
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} gauge"
    for state, count in found.items():
        yield f'{name}{{state="{state}"}} {count}'
