"""The clients themselves, brought into .tools from their registries."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conformance.scene import ROOT

TOOLS = ROOT / ".tools" / "clients"
# The versions whose requests are recorded; newer ones can be tried by setting the variables of the same name.
VERSIONS = {
    "ROLLCALL_SF_CLI": "@salesforce/cli@2.150.6",
    "ROLLCALL_JSFORCE": "jsforce@3.10.16",
    "ROLLCALL_CUMULUSCI": "cumulusci==4.10.1",
    "ROLLCALL_BOLT_JS": "@slack/bolt@5.1.0",
    "ROLLCALL_NODE": "node@22",
}
_NEEDS_NODE = 22
_INSTALLS_WITHIN = 900  # seconds


class Missing(Exception):
    """A client that cannot be had here; the message says what was tried."""


def _wanted(name: str) -> str:
    return os.environ.get(name, VERSIONS[name])


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str] | None = None) -> None:
    """Run to the end; Missing with the last words when it fails."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=_INSTALLS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Missing(f"`{' '.join(command)}` could not be run: {problem}") from problem
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split())[-300:]
        raise Missing(f"`{' '.join(command)}` ended with {done.returncode}: {words}")


def node() -> Path:
    """Node 22 or newer: the one on PATH, else the npm registry's in .tools; Missing where there is neither."""
    found = shutil.which("node")
    if found and _major(Path(found)) >= _NEEDS_NODE:
        return Path(found)
    brought = TOOLS / "node" / "node_modules" / "node" / "bin" / "node"
    if not brought.exists():
        npm_install("node", _wanted("ROLLCALL_NODE"), scripts=True)
    if not brought.exists() or _major(brought) < _NEEDS_NODE:
        raise Missing(
            f"Node {_NEEDS_NODE} or newer is needed. `node` on PATH is {found or 'missing'}, and the npm package "
            f"{_wanted('ROLLCALL_NODE')} brought no such binary. Install Node {_NEEDS_NODE} and run this again."
        )
    return brought


def _major(binary: Path) -> int:
    said = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=30, check=False).stdout
    number = re.match(r"v(\d+)", said)
    return int(number.group(1)) if number else 0


def npm_install(folder: str, package: str, *, scripts: bool = False) -> Path:
    """An npm package in a folder of its own below .tools; nothing is done when it is there in that version."""
    home = TOOLS / folder
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text() == package:
        return home
    npm = shutil.which("npm")
    if npm is None:
        raise Missing(f"npm is not on PATH, so {package} cannot be brought in. Install Node with npm.")
    home.mkdir(parents=True, exist_ok=True)
    (home / "package.json").write_text('{"private": true}\n')
    allowed = [] if scripts else ["--ignore-scripts"]
    run([npm, "install", "--no-audit", "--no-fund", *allowed, "--cache", str(TOOLS / "npm-cache"), package], home)
    stamp.write_text(package)
    return home


def salesforce_cli() -> Path:
    """The folder in which Salesforce's CLI is installed (417 MB)."""
    return npm_install("sf", _wanted("ROLLCALL_SF_CLI"))


def jsforce() -> Path:
    """The folder in which jsforce is installed."""
    return npm_install("jsforce", _wanted("ROLLCALL_JSFORCE"))


def bolt_js() -> Path:
    """The folder in which Slack's Bolt for JavaScript is installed."""
    return npm_install("bolt", _wanted("ROLLCALL_BOLT_JS"))


def cumulusci() -> Path:
    """The Python of a venv that holds CumulusCI and nothing of ours."""
    wanted, home = _wanted("ROLLCALL_CUMULUSCI"), TOOLS / "cumulusci"
    stamp, python = home / ".installed", home / "bin" / "python"
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    uv = ROOT / ".tools" / "uv" / "bin" / "uv"
    if not uv.exists():
        raise Missing(f"{uv} is missing; `make check` brings it in.")
    TOOLS.mkdir(parents=True, exist_ok=True)
    environ = {**os.environ, "UV_CACHE_DIR": str(ROOT / ".tools" / "cache"), "UV_LINK_MODE": "copy"}
    run([str(uv), "venv", "--clear", str(home)], TOOLS, environ)
    run([str(uv), "pip", "install", "--python", str(python), wanted], TOOLS, environ)
    stamp.write_text(wanted)
    return python


def private(folder: Path, node_binary: Path | None = None) -> dict[str, str]:
    """An environment in which a client leaves nothing outside `folder`, reports nothing, updates nothing."""
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    before = [str(node_binary.parent)] if node_binary else []
    return {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "PATH": os.pathsep.join([*before, os.environ.get("PATH", "/usr/bin:/bin")]),
        "LANG": "C.UTF-8",
        "NO_PROXY": "127.0.0.1,localhost",
        "SF_AUTOUPDATE_DISABLE": "true",
        "SF_DISABLE_AUTOUPDATE": "true",
        "SF_DISABLE_TELEMETRY": "true",
        "SF_DISABLE_LOG_FILE": "true",
        "SF_SKIP_NEW_VERSION_CHECK": "true",
        "SF_CONTAINER_MODE": "true",
        "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
    }
