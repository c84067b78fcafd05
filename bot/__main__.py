"""The command line: `rollcall …`."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated, Literal

import typer

from bot.logs import set_up_logs
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.follow import FollowingClock
from bot.settings import SettingsMistakes, read_database_url, read_records, read_settings
from release_core.errors import ReleaseError
from release_core.policy_values import checked_public_url
from release_core.ports import Clock
from release_core.store import migrate as bring_up_to_date
from release_core.store import open_store

app = typer.Typer(help="Runs Salesforce releases in chat.", no_args_is_help=True, pretty_exceptions_enable=False)
rehearse_app = typer.Typer(help="A local workspace, two local orgs and the bot, on this machine only.")
app.add_typer(rehearse_app, name="rehearse")

Folder = Annotated[Path | None, typer.Option(help="Keep everything here; a temporary folder when left out.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free port.")]


@app.command()
def serve(http: Annotated[bool, typer.Option("--http", help="Signed HTTP instead of Socket Mode.")] = False) -> None:
    """Run the bot; what it needs stands in the environment (docs/policy.md and README.md name it)."""
    settings = read_settings()
    # Commands import what they alone need: the parts of a rehearsal start in half the time without the bot's engine.
    from bot.serving import run_bot

    set_up_logs(secrets=[settings.slack_signing_secret.get_secret_value()])
    os._exit(run_bot(settings, _clock(settings.rehearsal_clock), over_http=http))


@app.command()
def check(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for machines.")] = False,
) -> None:
    """Log in to every org of the policy and say what is wrong; 0: nothing, 1: something, 2: cannot even begin."""
    from bot import checking

    set_up_logs(level=logging.ERROR)
    try:
        checked = checking.check_everything()
    except SettingsMistakes as mistakes:
        if as_json:
            typer.echo(json.dumps({"good": False, "checks": [], "problem": str(mistakes)}, indent=2))
        raise
    typer.echo(json.dumps(checking.as_json(checked), indent=2) if as_json else checking.told(checked))
    sys.stdout.flush()
    # A check that hangs must not hold up the end.
    os._exit(0 if all(one.good for one in checked) else 1)


@app.command()
def migrate() -> None:
    """Bring the database to the newest shape."""
    store = open_store(read_database_url())
    bring_up_to_date(store)
    store.close()
    typer.echo("The database has the newest shape.")


@app.command()
def attach(
    release: Annotated[str, typer.Argument(help="The release's key, such as REL-1.")],
    place: Annotated[str, typer.Argument(help="A zip, a folder with package.xml, or an https address.")],
    note: Annotated[str, typer.Option(help="Words for the timeline.")] = "",
    token_env: Annotated[str, typer.Option(help="The variable that holds a bearer token for the address.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it is accepted or refused.")] = False,
    timeout: Annotated[float, typer.Option(min=1, help="How long to wait, in seconds.")] = 600.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Hand in a package beside the running bot; exit code 0, or 1: refused, 2: not handed in, 75: not read in time."""
    from bot import handing_in

    token = os.environ.get(token_env, "") if token_env else ""
    if token_env and not token:
        raise ValueError(f"{token_env} is not set. It should hold the token for {place.partition('?')[0]}.")
    try:
        with handing_in.beside_the_bot(read_records(), _clock(os.environ.get("ROLLCALL_REHEARSAL_CLOCK", ""))) as ports:
            handed = handing_in.hand_in(ports, release, place, note=note, token=token)
            handing_in.nudge_the_bot()
            if wait:
                handed = handing_in.wait_for_answer(ports, handed, timeout)
    except ReleaseError as problem:
        if not as_json:
            raise
        typer.echo(json.dumps({"state": "not_handed_in", "problem": str(problem)}))
        raise typer.Exit(handing_in.NOT_HANDED_IN) from None
    sentence, code = handing_in.told(handed, waited=wait)
    typer.echo(json.dumps(handed.as_json()) if as_json else sentence)
    raise typer.Exit(code)


@app.command()
def artifacts(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Say how many files are kept and which the retention rule would delete now; nothing is deleted."""
    from bot import handing_in
    from bot.keeping import look_at_artifacts

    with handing_in.beside_the_bot(read_records(), _clock(os.environ.get("ROLLCALL_REHEARSAL_CLOCK", ""))) as ports:
        found = look_at_artifacts(ports)
    typer.echo(json.dumps(found.as_json()) if as_json else found.told())


def _clock(rehearsal: str) -> Clock:
    return FollowingClock(rehearsal) if rehearsal else MovableClock()


@app.command()
def manifest(
    public_url: Annotated[str, typer.Option(help="The policy's public_url: links to it are shown in the chat.")] = "",
) -> None:
    """Print the app's manifest, to be pasted at api.slack.com/apps."""
    from bot.declared import manifest_text

    typer.echo(manifest_text(checked_public_url(public_url)), nl=False)


@app.command()
def verdicts() -> None:
    """Print the table of how each kind of change comes back, as docs/verdicts.md keeps it."""
    from handlers.verdict_page import verdict_page

    typer.echo(verdict_page(), nl=False)


@rehearse_app.callback(invoke_without_command=True)
def rehearse(
    context: typer.Context,
    story: Annotated[bool, typer.Option("--story", help="Play the whole story and print it.")] = False,
    folder: Folder = None,
    port: Port = 8600,
) -> None:
    """Start everything and say where to look; with --story, play the story and exit 0 only if all of it held."""
    if context.invoked_subcommand is not None:
        return
    from bot.rehearsal.run import run_rehearsal
    from bot.rehearsal.story import tell_story

    set_up_logs(level=logging.ERROR if story else logging.WARNING)
    code = tell_story(folder) if story else run_rehearsal(folder, port)
    sys.stdout.flush()
    os._exit(code)


@rehearse_app.command()
def workspace(
    port: Port = 0,
    folder: Folder = None,
    manifest: Annotated[Path | None, typer.Option(help="An app's manifest; without, all is allowed.")] = None,
) -> None:
    """Start the chat workspace alone; the first line printed is one JSON object with its address and secrets."""
    from bot.rehearsal.run import start_workspace

    started = start_workspace(port, MovableClock(), folder=folder, manifest=manifest)
    _print_and_wait(
        {
            "url": started.url,
            "api_url": started.api_url,
            "bot_token": started.bot_token,
            "app_token": started.app_token,
            "signing_secret": started.signing_secret,
        }
    )
    started.stop()


@rehearse_app.command()
def org(
    kind: Annotated[Literal["production", "sandbox"], typer.Option(help="What kind of org.")],
    port: Port = 0,
    folder: Folder = None,
) -> None:
    """Start one org alone; the first line printed is one JSON object with its address and access token."""
    from bot.rehearsal.org.serve import start

    started = start(kind, port, clock=MovableClock(), folder=folder)
    _print_and_wait(started.as_json())
    started.stop()


def _print_and_wait(facts: dict[str, str]) -> None:
    typer.echo(json.dumps(facts))
    sys.stdout.flush()
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    ended.wait()


def main() -> None:
    """Run the command line; what a person can mend is told as a sentence, without a trace."""
    try:
        app()
    except (ReleaseError, OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
