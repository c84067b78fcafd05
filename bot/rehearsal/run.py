"""A whole rehearsal in one process: workspace, two orgs, the bot."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import SecretStr

from bot.declared import manifest_text
from bot.engine import Timings
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.serve import RunningOrg
from bot.rehearsal.org.serve import start as start_org
from bot.rehearsal.packages import sample_package
from bot.rehearsal.pages.app import page_routes
from bot.rehearsal.workspace.serve import Extras, RunningWorkspace
from bot.rehearsal.workspace.serve import start as start_bare_workspace
from bot.settings import Settings, sqlite_url
from bot.wiring import Bot, build_bot, listen
from release_core.policy_file import load_policy

HERE = Path(__file__).parent
POLICY = HERE / "policy.yaml"
HERE_ONLY = "http://127.0.0.1"


@dataclass
class Stage:
    """The workspace with both orgs, on one clock, without a bot; its database is a file unless a URL is set."""

    clock: MovableClock
    folder: Path
    uat: RunningOrg
    production: RunningOrg
    workspace: RunningWorkspace
    chat_pace: float = 1.0
    database_url: str = ""
    policy_file: Path = POLICY

    @property
    def environ(self) -> Mapping[str, str]:
        """What the bot's policy and logins need to find the orgs."""
        return {
            "ROLLCALL_REHEARSAL_UAT_URL": self.uat.instance_url,
            "ROLLCALL_REHEARSAL_UAT_TOKEN": self.uat.access_token,
            "ROLLCALL_REHEARSAL_PRODUCTION_URL": self.production.instance_url,
            "ROLLCALL_REHEARSAL_PRODUCTION_TOKEN": self.production.access_token,
        }

    @property
    def serve_environ(self) -> Mapping[str, str]:
        """What `rollcall serve` needs to be this rehearsal's bot, in a process of its own."""
        return {
            **self.environ,
            "SLACK_BOT_TOKEN": self.workspace.bot_token,
            "SLACK_APP_TOKEN": self.workspace.app_token,
            "SLACK_SIGNING_SECRET": self.workspace.signing_secret,
            "SLACK_API_URL": self.workspace.api_url,
            "ROLLCALL_POLICY": str(self.policy_file),
            "ROLLCALL_FOLDER": str(self.folder / "bot"),
            "ROLLCALL_HTTP_PORT": "0",
            "ROLLCALL_CHAT_PACE": str(self.chat_pace),
            "DATABASE_URL": self.database_url,
            "ROLLCALL_REHEARSAL_CLOCK": f"{self.workspace.url}/rehearsal/api/clock",
        }

    def settings(self) -> Settings:
        """The settings of a bot in this process."""
        folder = self.folder / "bot"
        return Settings(
            slack_bot_token=SecretStr(self.workspace.bot_token),
            slack_app_token=SecretStr(self.workspace.app_token),
            slack_signing_secret=SecretStr(self.workspace.signing_secret),
            slack_api_url=self.workspace.api_url,
            database_url=self.database_url or sqlite_url(folder),
            folder=folder,
            policy=load_policy(self.policy_file, self.environ),
            http_port=0,
            chat_pace=self.chat_pace,
        )


def start_workspace(
    port: int,
    clock: MovableClock,
    *,
    folder: Path | None = None,
    manifest: Path | None = None,
    orgs: Mapping[str, RunningOrg] | None = None,
) -> RunningWorkspace:
    """The workspace with its page; `orgs` (title -> org) are shown beside the conversation.

    Without a manifest the app may do and hear everything, so that any client can be tried on it.
    """
    shown = [{"name": title, "kind": org.kind, "url": org.instance_url} for title, org in (orgs or {}).items()]
    extras = Extras(mounts=lambda onlooker: page_routes(onlooker, shown), orgs=shown)
    return start_bare_workspace(port, clock=clock, folder=folder, manifest=manifest, extras=extras)


@contextlib.contextmanager
def stage(folder: Path | None = None, port: int = 0, *, pace: float = 1.0) -> Iterator[Stage]:
    """Everything but the bot, started; with a folder it carries on from there.

    `pace` is how long jobs take as a share of the usual; below 1, the chat hurries as well, without rate limits.
    """
    with contextlib.ExitStack() as held:
        home = folder or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-")))
        home.mkdir(parents=True, exist_ok=True)
        clock = MovableClock()
        kept = home if folder else None
        uat = start_org("sandbox", clock=clock, folder=kept, pace=pace)
        held.callback(uat.stop)
        production = start_org("production", clock=clock, folder=kept, pace=pace)
        held.callback(production.stop)
        orgs = {"UAT": uat, "PRODUCTION": production}
        manifest = _written(home / "manifest.yml", manifest_text(HERE_ONLY))
        workspace = start_workspace(port, clock, folder=kept, manifest=manifest, orgs=orgs)
        held.callback(workspace.stop)
        workspace.workspace.pace.rate_limits = pace >= 1
        linked = (
            f"{POLICY.read_text(encoding='utf-8')}\npublic_url: {workspace.url} # the page passes links on to the bot\n"
        )
        policy = _written(home / "policy.yaml", linked)
        yield Stage(clock, home, uat, production, workspace, chat_pace=min(pace, 1.0), policy_file=policy)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@contextlib.contextmanager
def bot_on(scene: Stage, timings: Timings | None = None) -> Iterator[Bot]:
    """The bot in this process, in a thread of its own, connected when the block begins."""
    bot = build_bot(scene.settings(), scene.clock, environ={**os.environ, **scene.environ}, timings=timings)
    bot.start()
    ready, failures = threading.Event(), list[BaseException]()
    loop, until = asyncio.new_event_loop(), asyncio.Event()

    def on_ready(address: str) -> None:
        scene.workspace.workspace.app_address = address
        ready.set()

    def run() -> None:
        try:
            loop.run_until_complete(listen(bot, over_http=False, until=until, on_ready=on_ready))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="bot", daemon=True)
    thread.start()
    ready.wait()
    try:
        if failures:
            raise failures[0]
        yield bot
    finally:
        loop.call_soon_threadsafe(until.set)
        thread.join(timeout=15)
        bot.stop()
        loop.close()


def run_rehearsal(folder: Path | None, port: int) -> int:
    """Start everything, say where to look and what to try first, wait to be stopped; returns the exit code."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as taken:
        raise OSError(f"The port {port} is taken. Choose another one: rollcall rehearse --port N (0: any).") from taken
    with stage(folder, port) as scene, bot_on(scene):
        packages = _write_packages(scene.folder / "packages")
        typer.echo(_greeting(scene, packages))
        ended = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: ended.set())
        ended.wait()
        typer.echo("The rehearsal is over." if folder else "The rehearsal is over; nothing of it is kept.")
    return 0


def _write_packages(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for variant in ("first", "mended", "changed"):
        path = folder / f"discount-approvals-{variant}.zip"
        path.write_bytes(sample_package(variant))
        written.append(path)
    return written


def _greeting(scene: Stage, packages: list[Path]) -> str:
    first, mended, changed = packages
    return f"""
The rehearsal is ready: open {scene.workspace.url} in a browser.

You are Anna, release manager; switch whom you act as at the top of the page. Try this:
  1. In #releases type  /release new  and fill in the form.
  2. As Priya, the developer, attach a package with  /release attach
     (the file {first}; on the page it is under Guide)
  3. /release validate   One test fails. Attach {mended.name} and validate again.
  4. /release ask        Approve as Tomás (QA) and as Lena (business). Attach {changed.name} and see what happens.
  5. /release why        Every reason at once. /release help says what else there is.

Orgs:     UAT {scene.uat.instance_url}   PRODUCTION {scene.production.instance_url}
Packages: {first.parent}
API:      docs/rehearsal-api.md, at {scene.workspace.url}/rehearsal/api/
Stop with Ctrl+C."""
