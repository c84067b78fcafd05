"""Attaching a package to a release, wherever it comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlmodel import Session, func, select

from release_core.approvals import withdraw_approvals
from release_core.errors import Refused, Unclear
from release_core.lookups import BEFORE_DEPLOYMENT, FINAL_STATES, find_org, find_release, state_of, why_package_stays
from release_core.models import Release, ReleasePackage
from release_core.packages import Package
from release_core.permissions import require
from release_core.policy import GitRule, Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.timeline import Kind as Fact
from release_core.timeline import intend, record

Source = Literal["upload", "file", "url", "org", "git"]
FLOWS: Mapping[str, str] = {
    "upload": "intake",
    "file": "intake",
    "url": "intake",
    "org": "retrieval",
    "git": "checkout",
}
"""The flow that brings a package in, by its source."""
LONGEST_NOTE = 1000


@dataclass(frozen=True)
class Origin:
    """Where a package comes from.

    `ref` says which one it was: a path, an address, an org (policy key), a git ref. `file_id` is the chat's id of an
    uploaded package, or of an uploaded package.xml for `org`; `digest` is set when the bytes are kept already;
    `manifest` is what is asked of an org (type -> full names or "*").
    """

    source: Source
    file_name: str
    ref: str = ""
    file_id: str = ""
    digest: str = ""
    manifest: Mapping[str, Sequence[str]] = field(default_factory=dict)
    note: str = ""


def attach_package(ports: Ports, actor: str, key: str, *, file_id: str, file_name: str) -> int:
    """Note that somebody sent a package for a release; a flow fetches and reads it. Returns the package's row id."""
    return attach_from(ports, actor, key, Origin("upload", file_name, file_id=file_id))


def attach_from(ports: Ports, actor: str, key: str, origin: Origin) -> int:
    """Note that a package for a release comes from somewhere; a flow brings it in. Returns the package's row id."""
    require(ports.policy, actor, "attach")
    if len(origin.note) > LONGEST_NOTE:
        raise Unclear(f"The note is longer than {LONGEST_NOTE:,} characters. Say it shorter.", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        if release.state not in FINAL_STATES and (fixed := why_package_stays(session, ports.policy, release)):
            raise Refused("package_fixed", fixed)
        still_before_deployment(release, "take another package")
        number = session.exec(select(func.count()).where(ReleasePackage.release_id == release.id)).one() + 1
        package = ReleasePackage(
            release_id=release.id or 0,
            number=number,
            state="reading",
            file_id=origin.file_id,
            file_name=origin.file_name,
            author_id=actor,
            attached_at=now,
            digest=origin.digest,
            source=origin.source,
            source_ref=origin.ref,
            manifest={kind: list(names) for kind, names in origin.manifest.items()},
        )
        session.add(package)
        session.flush()
        record(
            session, Fact.PACKAGE_ATTACHED, stream=release.key, actor=actor, at=now, details=_details(package, origin)
        )
        flow = FLOWS[origin.source]
        intend(session, f"{flow}:{release.key}:{number}", flow, now=now, lane=release.key, package=package.id)
        assert package.id is not None
        return package.id


def _details(package: ReleasePackage, origin: Origin) -> dict[str, object]:
    told: dict[str, object] = {"package": package.id, "file": package.file_name}
    if origin.source != "upload":
        told |= {"source": origin.source, "ref": origin.ref}
    if origin.manifest:
        told["manifest"] = package.manifest
    if origin.note:
        told["note"] = origin.note
    return told


def find_source(policy: Policy, word: str) -> str:
    """The policy's key of an org that packages may be retrieved from; Refused("not_a_source") for any other."""
    org = find_org(policy, word)
    if org not in policy.sources:
        titles = ", ".join(policy.title_of(key) for key in policy.sources) or "none"
        raise Refused(
            "not_a_source",
            f"No package is taken from {policy.title_of(org)}. Orgs to take one from: {titles}. "
            "An administrator names others under retrieve_from in the policy.",
        )
    return org


def git_rule(policy: Policy) -> GitRule:
    """Where git refs are looked up; Refused("no_git") when the policy names no repository."""
    if policy.git is None:
        sentence = (
            "The policy names no git repository. An administrator adds git.repository to it; docs/policy.md says how."
        )
        raise Refused("no_git", sentence)
    return policy.git


def find_ref(policy: Policy, word: str) -> str:
    """A git ref (branch, tag or whole SHA) that may be handed to git; Unclear when it is not written like one."""
    git_rule(policy)
    strange = word.endswith((".", "/", ".lock")) or ".." in word or "//" in word
    if strange or not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._/+#-]{0,199}", word):
        shown = word[:60] or "nothing"
        raise Unclear(
            f"“{shown}” is no git ref. Name a branch, a tag or a whole SHA: from git release/2026-11", field="ref"
        )
    return word


def note_manifest(ports: Ports, package_id: int, manifest: Mapping[str, Sequence[str]]) -> None:
    """What is asked of the org, once the package.xml that somebody uploaded was read."""
    with ports.store.transaction() as session:
        package, _ = package_with_release(session, package_id)
        package.manifest = {kind: list(names) for kind, names in manifest.items()}
        session.add(package)


def refuse_package(ports: Ports, package_id: int, sentence: str) -> None:
    """A package could not be read; the one that counted before still counts."""
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = package_with_release(session, package_id)
        if package.state != "reading":
            return
        _refuse(session, package, release, sentence, now)


def _refuse(session: Session, package: ReleasePackage, release: Release, sentence: str, now: datetime) -> None:
    package.state, package.problem = "refused", sentence
    session.add(package)
    details = {"package": package.id, "file": package.file_name, "problem": sentence}
    record(session, Fact.PACKAGE_REFUSED, stream=release.key, actor=package.author_id, at=now, details=details)


def _why_too_late(
    session: Session, policy: Policy, package: ReleasePackage, earlier: ReleasePackage | None, release: Release
) -> str:
    if release.state not in BEFORE_DEPLOYMENT:
        return f"{release.key} is {state_of(release)}; a package comes too late."
    if earlier and earlier.number > package.number:
        return f"{earlier.file_name} was attached after it and counts already."
    return why_package_stays(session, policy, release)


def accept_package(ports: Ports, package_id: int, content: Package, *, commit: str = "") -> None:
    """A package was read and kept: it counts from now on; what was approved or validated before does not.

    `commit` is the SHA of the commit that a git ref stood for.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = package_with_release(session, package_id)
        if package.state != "reading":
            return
        earlier = session.get(ReleasePackage, release.package_id) if release.package_id else None
        problem = _why_too_late(session, ports.policy, package, earlier, release)
        if problem:
            _refuse(session, package, release, problem, now)
            return
        asked_as = package.source_ref
        _fill_in(package, content)
        package.source_ref = commit or asked_as
        session.add(package)
        release.package_id = package.id
        session.add(release)
        details = _accepted(package, asked_as)
        record(session, Fact.PACKAGE_ACCEPTED, stream=release.key, actor=package.author_id, at=now, details=details)
        if earlier and earlier.digest != package.digest:
            because = f"The package changed: {earlier.file_name} was replaced by {package.file_name}."
            withdraw_approvals(session, release, because, policy=ports.policy, actor=package.author_id, now=now)
        settle_state(session, ports.policy, release, now)
        intend(
            session,
            f"comparison:{release.key}:{package.number}",
            "comparison",
            now=now,
            lane=release.key,
            package=package.id,
        )


def _accepted(package: ReleasePackage, asked_as: str) -> dict[str, object]:
    told: dict[str, object] = {
        "package": package.id,
        "file": package.file_name,
        "digest": package.digest,
        "components": len(package.components),
        "deletions": len(package.before) + len(package.after),
    }
    if package.source != "upload":
        told |= {"source": package.source, "ref": package.source_ref}
    if package.file_id and package.manifest:
        told["manifest"] = package.manifest
    if package.source_ref != asked_as:
        told["asked_as"] = asked_as
    return told


def _fill_in(package: ReleasePackage, content: Package) -> None:
    package.state = "accepted"
    package.digest, package.size = content.digest, content.size
    package.components = [[c.type, c.name] for c in content.components]
    package.before = [[c.type, c.name] for c in content.deletions_before]
    package.after = [[c.type, c.name] for c in content.deletions_after]
    package.tests = list(content.tests)
    package.warnings = list(content.warnings)


def still_before_deployment(release: Release, what: str) -> None:
    """Refused when a release has gone to its org, or is over."""
    if release.state in BEFORE_DEPLOYMENT:
        return
    ending = "It is over." if release.state in FINAL_STATES else "Use /release status to see where it stands."
    raise Refused("too_late", f"{release.key} is {state_of(release)} and cannot {what}. {ending}")


def package_with_release(session: Session, package_id: int) -> tuple[ReleasePackage, Release]:
    """A package with the release that it belongs to."""
    package = session.get(ReleasePackage, package_id)
    assert package is not None, "packages are never deleted"
    release = session.get(Release, package.release_id)
    assert release is not None, "a foreign key keeps the release"
    return package, release
