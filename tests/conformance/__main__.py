"""Runs Salesforce's own clients against the local orgs, Slack's against the workspace: `make conformance`.

Or `python -m tests.conformance`, with

    --record        write what went over the wire to tests/bot/rehearsal/org/exchanges, for the tests without Node
    --refresh       without any client: play what was recorded to fresh orgs, write down what they answer now
    --only WORD     only the stories whose name begins with the word, e.g. `sf`, `jsforce`, `cumulusci`, `bolt`

Exit code 0 only if every check held. A client that cannot be brought in is skipped, with the reason.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.conformance import bolt_js, other_clients, python_clients, salesforce_cli
from tests.conformance.clients import Missing
from tests.conformance.ledger import Ledger
from tests.conformance.replay import EXCHANGES, refresh
from tests.conformance.scene import ROOT, scene

FOLDER = ROOT / ".tools" / "conformance"
STORIES = {**salesforce_cli.STORIES, **other_clients.STORIES, **python_clients.STORIES}


def main() -> int:
    """Play the stories; the exit code."""
    asked = _arguments()
    if asked.refresh:
        refresh()
        return 0
    ledger = Ledger()
    for name in STORIES:
        if name.startswith(asked.only):
            _play(name, ledger, record=asked.record)
    for name, talk in bolt_js.STORIES.items():
        if name.startswith(asked.only):
            _talk(name, talk, ledger, record=asked.record)
    return ledger.summary()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__.split("\n")[0])
    parser.add_argument("--record", action="store_true", help="write what went over the wire down")
    parser.add_argument("--refresh", action="store_true", help="write down what orgs answer now, without clients")
    parser.add_argument("--only", default="", metavar="WORD", help="only stories whose name begins so")
    return parser.parse_args()


def _talk(name: str, talk: Callable[..., None], ledger: Ledger, *, record: bool) -> None:
    folder: Path = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    try:
        talk(folder, ledger, record=record)
    except Missing as missing:
        ledger.skip(name, str(missing))


def _play(name: str, ledger: Ledger, *, record: bool) -> None:
    kind, story, recordable = STORIES[name]
    folder: Path = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    with scene(kind, folder, pace=0.0 if record else 1.0) as scenery:
        try:
            story(scenery, ledger)
        except Missing as missing:
            ledger.skip(name, str(missing))
            return
        if record and recordable:
            scenery.window.write(EXCHANGES / f"{name}.json", kind)


if __name__ == "__main__":
    sys.exit(main())
