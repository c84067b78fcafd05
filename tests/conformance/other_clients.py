"""jsforce with CumulusCI, each run by a script of its own in its own world."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.conformance import clients, files
from tests.conformance.ledger import Ledger
from tests.conformance.scene import Scene

_HERE = Path(__file__).parent
_ENDS_WITHIN = 300  # seconds


def jsforce(scene: Scene, ledger: Ledger) -> None:
    """jsforce: deploy both ways, status, retrieve, list, describe, query."""
    node, home = clients.node(), clients.jsforce()
    environ = clients.private(scene.folder, node) | {"NODE_PATH": str(home / "node_modules")}
    words = [str(node), str(_HERE / "jsforce_story.cjs"), scene.url, scene.token, *map(str, _zips(scene))]
    _listen("jsforce", words, scene.folder, environ, ledger)


def cumulusci(scene: Scene, ledger: Ledger) -> None:
    """CumulusCI: ApiDeploy, RestDeploy, ApiListMetadata, ApiRetrieveUnpackaged."""
    python = clients.cumulusci()
    facts = [scene.url, scene.token, scene.org_id, *map(str, _zips(scene))]
    words = [str(python), str(_HERE / "cumulusci_story.py"), *facts]
    _listen("CumulusCI", words, scene.folder, clients.private(scene.folder), ledger)


def _zips(scene: Scene) -> tuple[Path, Path]:
    good, broken = scene.folder / "good.zip", scene.folder / "broken.zip"
    good.write_bytes(files.zipped(files.metadata({"Greeter": files.GOOD})))
    broken.write_bytes(files.zipped(files.metadata({"Broken": files.BROKEN})))
    return good, broken


def _listen(client: str, words: Sequence[str], folder: Path, environ: Mapping[str, str], ledger: Ledger) -> None:
    """Run a script that prints {"what", "ok", "said"} lines; one that prints none has failed."""
    done = subprocess.run(
        words, cwd=folder, env=environ, capture_output=True, text=True, timeout=_ENDS_WITHIN, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]
    for line in lines:
        ledger.check(client, line["what"], None if line["ok"] else f"It said: {line['said']}")
    if done.returncode or not lines:
        words_of_it = " ".join((done.stderr or done.stdout).split())[-600:]
        ledger.check(client, "its script ran to the end", f"It ended with {done.returncode}: {words_of_it}")


STORIES: dict[str, tuple[str, Callable[[Scene, Ledger], None], bool]] = {
    "jsforce": ("sandbox", jsforce, True),
    "cumulusci": ("sandbox", cumulusci, True),
}
