"""One commit of a git repository, turned into a package."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.commands import Ended, find_program, run
from bot.folders import zip_folder
from release_core.archive_layout import unclear
from release_core.errors import ReleaseError
from release_core.manifests import PACKAGE_XML
from release_core.policy import GitRule

FETCH_FOR = 180.0
CONVERT_FOR = 300.0
PROJECT = "sfdx-project.json"
# A repository says nothing about what is run here: no hooks, no file system monitor, no links, no foreign protocols.
_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.symlinks=false", "submodule.recurse=false")
_GIT_ENVIRON = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_ALLOW_PROTOCOL": "https:ssh:file",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
_SF_ENVIRON = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_DISABLE_AUTOUPDATE": "true",
    "SF_CONTAINER_MODE": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "NO_COLOR": "1",
}


@dataclass(frozen=True)
class Commit:
    """A package made of one commit: the zip, the commit's SHA (40 or 64 hexadecimal digits)."""

    archive: bytes
    sha: str


class CannotCheckOut(ReleaseError):
    """A git ref could not be turned into a package; the sentence says why, with what to do."""


def package_at(rule: GitRule, ref: str) -> Commit:
    """Fetch one ref (a branch, tag or whole SHA) and make a package of the project in it."""
    with tempfile.TemporaryDirectory(prefix="rollcall-git-") as name:
        place = Path(name)
        tree = place / "tree"
        tree.mkdir()
        sha = _fetch(rule.repository, ref, tree)
        project = tree / rule.project
        if not project.resolve().is_relative_to(tree.resolve()) or not project.is_dir():
            raise CannotCheckOut(
                f"{ref} has no folder {rule.project}. Correct git.project in the policy, or choose another ref."
            )
        return Commit(_package_of(project, place), sha)


def _package_of(project: Path, place: Path) -> bytes:
    if (project / PROJECT).is_file():
        return zip_folder(_converted(project, place))
    if (project / PACKAGE_XML).is_file():
        return zip_folder(project)
    raise unclear(
        f"The project has neither {PACKAGE_XML} (metadata format) nor {PROJECT} (source format). "
        "Correct git.project in the policy, or choose another ref."
    )


def _fetch(repository: str, ref: str, tree: Path) -> str:
    git = find_program("git")
    if not git:
        raise CannotCheckOut("git is not installed on the bot's machine. An administrator installs it.")
    _git(git, tree, "init", "--quiet")
    fetched = _git(
        git, tree, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", repository, ref
    )
    if fetched.code:
        raise CannotCheckOut(
            f"git could not bring {ref}: {_last_line(fetched)}. Check that the ref is there, and that the bot's "
            "machine may read the repository without being asked for a password."
        )
    for command in (("checkout", "--quiet", "--detach", "FETCH_HEAD"), ("rev-parse", "HEAD")):
        ended = _git(git, tree, *command)
        if ended.code:
            raise CannotCheckOut(f"git could not check out {ref}: {_last_line(ended)}.")
    return ended.said.strip()


def _git(git: str, tree: Path, *words: str) -> Ended:
    settings = [word for one in _SETTINGS for word in ("-c", one)]
    # Without a terminal, ssh would otherwise wait for somebody who confirms a host or types a password.
    ssh = {"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")}
    environ = {**_GIT_ENVIRON, **ssh, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
    return run([git, *settings, *words], folder=tree, seconds=FETCH_FOR, environ=environ)


def _converted(project: Path, place: Path) -> Path:
    sf = find_program("sf")
    if not sf:
        raise CannotCheckOut(
            "The project is in source format, and Salesforce's sf is not installed on the bot's machine. An "
            "administrator installs it (npm install --global @salesforce/cli), or attach a zip in metadata format."
        )
    output, home = place / "package", place / "home"
    home.mkdir()
    folders = [word for folder in _package_folders(project) for word in ("--source-dir", folder)]
    command = [sf, "project", "convert", "source", *folders, "--output-dir", str(output), "--json"]
    environ = {**_SF_ENVIRON, "HOME": str(home), "SF_DATA_DIR": str(home / "data")}
    ended = run(command, folder=project, seconds=CONVERT_FOR, environ=environ)
    if ended.code or not (output / PACKAGE_XML).is_file():
        raise CannotCheckOut(f"sf could not convert the project: {_message_of(ended)}. Mend the project, then repeat.")
    return output


def _package_folders(project: Path) -> Sequence[str]:
    """The folders that sfdx-project.json names, which must lie inside the project."""
    try:
        told = json.loads((project / PROJECT).read_text(encoding="utf-8"))
        folders = [str(one["path"]) for one in told["packageDirectories"]]
    except (ValueError, KeyError, TypeError):
        raise unclear(f"{PROJECT} cannot be read: it needs packageDirectories, each with a path.") from None
    for folder in folders:
        inside = (project / folder).resolve().is_relative_to(project.resolve())
        if not inside or folder.startswith("-") or not (project / folder).is_dir():
            raise unclear(f"{PROJECT} names the folder “{folder[:80]}”, which is not in the project.")
    return folders


def _message_of(ended: Ended) -> str:
    try:
        found = json.loads(ended.said)
        return str(found["message"]).rstrip(".")[:500]
    except (ValueError, KeyError, TypeError):
        return _last_line(ended) or f"it ended with code {ended.code}"


def _last_line(ended: Ended) -> str:
    lines = [line for line in (ended.complained or ended.said).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    # A credential helper may have put a password into the address.
    said = re.sub(r"://[^/@\s]+@", "://", fatal[0]) if fatal else ""
    return said.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")[:300]
