"""The composition root: everything the bot is made of, put together once."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
import uvicorn
from sqlmodel import col, select

from bot import flows, outside
from bot.artifacts import ArtifactFolder
from bot.courier import Courier
from bot.directory import Directory
from bot.engine import Engine, Timings
from bot.failures import tell_of_failure
from bot.leases import LeaseTimes
from bot.outside import Outside
from bot.pacing import Pace
from bot.salesforce import SalesforceOrg, connect
from bot.settings import Settings
from bot.slack_client import blocking_client, listening_client
from bot.tokens import show_tokens
from bot.web import link_routes, nudge_route, web_app
from handlers.desk import Desk
from handlers.slack.shell import RollcallApp, build_app
from handlers.slack.transport import Sockets, slack_routes
from handlers.verbs import VERBS
from release_core.errors import OrgProblem, OrgRefused, Refused
from release_core.facts import UNDER_WAY
from release_core.models import Deployment
from release_core.policy import Policy
from release_core.ports import Clock, OrgGateway, Ports
from release_core.proofs import go_on_watching
from release_core.retention import plan_retention
from release_core.self_checks import plan_self_check
from release_core.store import Contended, Store, migrate, open_store

log = structlog.get_logger(__name__)

WRONG_KIND = "wrong_kind"
FIRST_LOOK_WITHIN = 20.0
TAKES_TURNS_EVERY = 0.0005
"""Seconds after which a thread that computes lets another one on. People are answered on one thread while flows work on
others; with Python's usual 5 ms, an answer that reads ten times could wait ten times that long."""

LOOK_AT_SOCKETS_EVERY = 5.0
NO_SOCKET_FOR = 300.0


class Orgs:
    """The orgs of the policy, each connected once; one whose kind is not what the policy says is refused."""

    def __init__(self, policy: Policy, clock: Clock, environ: Mapping[str, str]) -> None:
        self._policy = policy
        self._clock = clock
        self._environ = environ
        self._connected: dict[str, SalesforceOrg] = {}
        self._problems: dict[str, str] = {}
        self._lock = threading.Lock()

    def __call__(self, key: str) -> OrgGateway:
        """The org with a policy key."""
        with self._lock:
            org = self._connected.get(key)
        if org is None:
            org = self._connect_or_note(key)
        return org

    def look_at_all(self, within: float = FIRST_LOOK_WITHIN) -> None:
        """Log in to every org at once, `within` seconds at most; OrgRefused("wrong_kind") when one is not what the
        policy says.

        Another problem does not stop anything: it is logged, told by `problems`, and looked at again at the next use.
        """
        refusals: list[OrgRefused] = []
        threads = [
            threading.Thread(target=self._look_at, args=(key, refusals), name=f"org-{key}", daemon=True)
            for key in self._policy.orgs
        ]
        for key in self._policy.orgs:
            self._problems[key] = f"It has not answered within {within:.0f} seconds."
        for thread in threads:
            thread.start()
        until = time.monotonic() + within
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        if refusals:
            sentences = " ".join(dict.fromkeys(map(str, refusals)))
            raise OrgRefused(f"Rollcall does not start. {sentences}", code=WRONG_KIND)
        for key, problem in self.problems().items():
            log.warning("org.not_reached_at_start", org=key, problem=problem)

    def problems(self) -> Mapping[str, str]:
        """What was wrong with an org when it was last connected to; nothing for one that answered."""
        return dict(self._problems)

    def usage(self) -> Mapping[str, tuple[int, int]]:
        """API calls used and allowed in each org's 24 hours, where the org has told."""
        with self._lock:
            return {key: org.api_usage for key, org in self._connected.items() if org.api_usage is not None}

    def _look_at(self, key: str, refusals: list[OrgRefused]) -> None:
        try:
            self(key)
        except OrgProblem as problem:
            if isinstance(problem, OrgRefused) and problem.code == WRONG_KIND:
                refusals.append(problem)

    def _connect_or_note(self, key: str) -> SalesforceOrg:
        try:
            org = self._connect(key)
        except OrgProblem as problem:
            self._problems[key] = str(problem)
            raise
        self._problems.pop(key, None)
        return org

    def _connect(self, key: str) -> SalesforceOrg:
        rule = self._policy.orgs.get(key)
        if rule is None:
            raise OrgRefused(
                f'The policy names no org "{key}" any more, so Rollcall has no login to it. '
                "An administrator puts it back until nothing is under way there, then starts Rollcall again.",
                code="not_in_policy",
            )
        org = connect(rule.login, clock=self._clock, environ=self._environ, title=rule.title)
        if org.identity().is_sandbox != (rule.kind == "sandbox"):
            found = "a sandbox" if org.identity().is_sandbox else "a production org"
            raise OrgRefused(
                f"The policy calls {rule.title} a {rule.kind} org, but {org.identity().org_id} is {found}. "
                "An administrator corrects orgs in the policy.",
                code=WRONG_KIND,
            )
        with self._lock:
            return self._connected.setdefault(key, org)


@dataclass
class Bot:
    """Everything that runs, before it listens to anybody."""

    settings: Settings
    store: Store
    ports: Ports
    engine: Engine
    desk: Desk
    directory: Directory
    courier: Courier
    orgs: Orgs

    def start(self) -> None:
        """Carry on what was interrupted, begin what is due, learn who is there."""
        with contextlib.suppress(Contended):
            # Another replica that starts at this moment has planned them.
            plan_retention(self.ports)
            plan_self_check(self.ports)
            for org in self.settings.policy.orgs:
                go_on_watching(self.ports, org)
        self.engine.start()
        self.directory.start()

    def stop(self) -> bool:
        """Park every flow where it is; True when all were parked in time."""
        self.directory.stop()
        parked = self.engine.stop()
        self.store.close()
        return parked


def build_bot(
    settings: Settings, clock: Clock, *, environ: Mapping[str, str] = os.environ, timings: Timings | None = None
) -> Bot:
    """Put the bot together; its tables are brought to their newest shape.

    Refused("org_left_policy") when something is under way in an org that the policy does not name any more.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    store = open_store(settings.database_url)
    migrate(store)
    _must_know_orgs(store, settings.policy)
    ports = Ports(store, settings.policy, clock, ArtifactFolder(settings.artifacts_folder))
    flows.load_all()
    timings = timings or Timings(lease=LeaseTimes.scaled_to(settings.lease_seconds))
    engine = Engine(store, clock, settings.folder, partial(tell_of_failure, ports), timings)
    client = blocking_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    pace = Pace(share=settings.chat_pace)
    courier = Courier(client, pace)
    orgs = Orgs(settings.policy, clock, environ)
    outside.use(Outside(ports, orgs, courier, pace))
    return Bot(settings, store, ports, engine, Desk(ports, engine.nudge), Directory(ports, courier), courier, orgs)


def _must_know_orgs(store: Store, policy: Policy) -> None:
    with store.reading() as session:
        under_way = select(Deployment.key, Deployment.org).where(col(Deployment.state).in_(UNDER_WAY))
        lost = [f"{key} in {org}" for key, org in session.exec(under_way) if org not in policy.orgs]
    if lost:
        raise Refused(
            "org_left_policy",
            f"The policy does not name every org in which something is under way: {', '.join(lost)}. "
            "Nothing was started. Put the orgs back, start Rollcall, and take them out when these have ended.",
        )


async def try_tokens(settings: Settings, *, over_http: bool) -> None:
    """TokenRefused when Slack does not take a token; to be called before anything starts, since no waiting mends it."""
    async with listening_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url) as client:
        await show_tokens(client, "" if over_http else settings.slack_app_token.get_secret_value())


async def listen(bot: Bot, *, over_http: bool, until: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Answer people until `until` is set; `on_ready` is called with the address of the bot's own web server.

    ConnectionError when no socket to Slack lived for five minutes, so that a supervisor starts us anew.
    """
    sys.setswitchinterval(TAKES_TURNS_EVERY)
    settings = bot.settings
    token, secret = settings.slack_bot_token.get_secret_value(), settings.slack_signing_secret.get_secret_value()
    async with contextlib.AsyncExitStack() as held:
        client = await held.enter_async_context(listening_client(token, settings.slack_api_url))
        app = build_app(bot.desk, verbs=VERBS, client=client, signing_secret=secret, now=bot.ports.clock.now)
        sockets = None if over_http else Sockets(app, settings.slack_app_token.get_secret_value())
        reach = _Reach(sockets)
        address = await held.enter_async_context(_web_server(bot, app if over_http else None, reach))
        if sockets is not None:
            held.push_async_callback(sockets.close)
            if not await _opened(sockets, until):
                return
        # What is here now stays: the collector need not look at it again while people wait.
        gc.collect()
        gc.freeze()
        on_ready(address)
        await reach.watch(until)
        await app.drain()


async def _opened(sockets: Sockets, until: asyncio.Event) -> bool:
    """Open the sockets, for as long as Slack may take; False when it is time to stop before they are."""
    # While Slack is away, opening goes on for ever; whoever ends us must not have to wait for that.
    opening, asked_to_end = asyncio.create_task(sockets.open()), asyncio.create_task(until.wait())
    try:
        await asyncio.wait((opening, asked_to_end), timeout=NO_SOCKET_FOR, return_when=asyncio.FIRST_COMPLETED)
        if opening.done():
            await opening
            return True
        if not until.is_set():
            raise ConnectionError("No connection to Slack could be opened for five minutes.")
        return False
    finally:
        opening.cancel()
        asked_to_end.cancel()
        await asyncio.gather(opening, asked_to_end, return_exceptions=True)


class _Reach:
    """Whether Slack can reach us."""

    def __init__(self, sockets: Sockets | None) -> None:
        self._sockets = sockets
        self._alive = 1 if sockets is None else 0

    def problem(self) -> str:
        """ "" while at least one connection lives."""
        return "" if self._alive else "No connection to Slack is open."

    async def watch(self, until: asyncio.Event) -> None:
        """Look at the connections until it is time to stop."""
        loop = asyncio.get_running_loop()
        last_alive = loop.time()
        while not until.is_set():
            if self._sockets is not None:
                self._alive = await self._sockets.alive()
            if self._alive:
                last_alive = loop.time()
            elif loop.time() - last_alive > NO_SOCKET_FOR:
                raise ConnectionError("No connection to Slack has lived for five minutes.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), LOOK_AT_SOCKETS_EVERY)


@contextlib.asynccontextmanager
async def _web_server(bot: Bot, app: RollcallApp | None, reach: _Reach) -> AsyncIterator[str]:
    """Health, readiness and metrics; over HTTP also the door for Slack."""
    settings = bot.settings
    web = web_app(bot.store, bot.ports.clock, {"slack": reach.problem}, bot.orgs)
    web.routes.append(nudge_route(bot.engine.nudge))
    if settings.policy.public_url:
        web.routes.extend(link_routes(bot.store, bot.courier.permalink))
    if app is not None:
        web.routes.extend(slack_routes(app, signing_secret=settings.slack_signing_secret.get_secret_value()))
    listener = listen_on(settings.http_host, settings.http_port)
    # Whoever is told to end while it starts has no socket left to ask for its address.
    address = f"http://{settings.http_host}:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(web, log_level="error", access_log=False, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    try:
        yield address
    finally:
        server.should_exit = True
        await serving


def listen_on(host: str, port: int) -> socket.socket:
    """A socket that takes connections for a web server; OSError with words when the address is taken."""
    # Bound here, because uvicorn would end the whole process without a word to people.
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise OSError(
            f"Rollcall cannot listen on {host}, port {port}: {error.strerror}. Set ROLLCALL_HTTP_PORT."
        ) from error
    # Connections inherit this. asyncio sets it only on sockets that were made with the number of TCP; without it the
    # second half of each answer waits 40 ms until the first half is acknowledged.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
