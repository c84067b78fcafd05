"""What a package would do in its target, kept as it was found there, looked for again when people ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from release_core.acceptances import ask_to_accept
from release_core.approvals import ask_anew, withdraw_approvals
from release_core.asks import ask_the_others
from release_core.conflicts import note_conflicts
from release_core.errors import Conflict, Refused
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_release, package_of, release_of, state_of
from release_core.models import Deployment, Intent, Release, ReleasePackage
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import settle_state
from release_core.risks import is_open
from release_core.timeline import BOT, Kind, intend, record
from release_core.verdicts import Judgement

_TELLS = {
    "impossible": ("part cannot come back", "parts cannot come back"),
    "manual": ("part needs a person to come back", "parts need a person to come back"),
    "lossy": ("part comes back with losses", "parts come back with losses"),
}


@dataclass(frozen=True)
class Look:
    """One look into the target: which org it was, the text with the differences, who changed what last.

    `again`: people asked for it although there was one already, so it replaces that. `dependents` are as
    `ReleasePackage` keeps them.
    """

    org: str = ""
    diff_digest: str = ""
    last_changed: Sequence[Sequence[str]] = ()
    again: bool = False
    dependents: Mapping[str, Any] = field(default_factory=dict)


def request_comparison(ports: Ports, actor: str, key: str) -> None:
    """Compare the package with its target once more, because the target may have changed."""
    require(ports.policy, actor, "validate")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        package = package_of(session, release)
        if package is None:
            raise Refused("no_package", f"{key} has no package to compare. Attach one: /release attach {key}")
        if release.state not in BEFORE_DEPLOYMENT:
            sentence = f"{key} is {state_of(release)}; what it would do there is no question any more."
            raise Refused("too_late", sentence)
        earlier = _asked_before(session, package)
        if any(intent.state in ("due", "started") for intent in earlier):
            raise Conflict(f"{package.file_name} is being compared now. The thread of {key} shows what comes of it.")
        details = {"package": package.id, "org": release.target_org}
        record(session, Kind.COMPARISON_REQUESTED, stream=key, actor=actor, at=now, details=details)
        intent = f"comparison:{key}:{package.number}:again-{len(earlier)}"
        intend(session, intent, "comparison", now=now, lane=key, package=package.id, again=True)


def _asked_before(session: Session, package: ReleasePackage) -> list[Intent]:
    rows = session.exec(select(Intent).where(Intent.flow == "comparison", col(Intent.lane) != "")).all()
    return [intent for intent in rows if intent.args.get("package") == package.id]


def note_comparison(
    ports: Ports,
    package_id: int,
    changes: Sequence[tuple[str, str, str]],
    judgements: Sequence[Judgement],
    look: Look = Look(),
) -> None:
    """What a package would do in the target (type, name, kind), with how each part would come back.

    Found again and worse than before, the approvals are withdrawn: they were given to something that seemed safer.
    """
    now = ports.clock.now()
    with ports.store.transaction() as session:
        package, release = _with_release(session, package_id)
        if package.compared_at is not None and not look.again:
            return
        before = (package.comparison, package.verdicts, package.compared_at)
        known = {tuple(row[:4]) for row in package.last_changed}
        _fill_in(package, changes, judgements, look, now)
        session.add(package)
        details: dict[str, Any] = {"package": package.id, "org": look.org}
        worse = _worse(before[1], package.verdicts) if look.again and before[2] else ""
        if look.again:
            same = (before[0], before[1]) == (package.comparison, package.verdicts)
            since = [f"{row[0]} {row[1]} ({row[2]})" for row in package.last_changed if tuple(row[:4]) not in known]
            details |= {"again": "the same" if same and not since else "other", "worse": worse, "since": since}
        record(session, Kind.PACKAGE_COMPARED, stream=release.key, actor=BOT, at=now, details=details)
        if worse and release.package_id == package.id:
            because = f"A second look into {ports.policy.title_of(release.target_org)} found that {worse}."
            withdraw_approvals(session, release, because, policy=ports.policy, actor=BOT, now=now)
        _ask_again_if_asked(session, ports.policy, release, now)
        settle_state(session, ports.policy, release, now)
        ask_the_others(session, ports.policy, release, now)
        if release.package_id == package.id:
            note_conflicts(session, release, now)


def _fill_in(
    package: ReleasePackage,
    changes: Sequence[tuple[str, str, str]],
    judgements: Sequence[Judgement],
    look: Look,
    now: datetime,
) -> None:
    package.compared_at, package.compared_org, package.diff_digest = now, look.org, look.diff_digest
    package.comparison = [list(row) for row in changes]
    package.verdicts = [[j.component.type, j.component.name, j.verdict, j.reason, j.todo, j.source] for j in judgements]
    package.last_changed = [list(row) for row in look.last_changed]
    package.dependents = dict(look.dependents)


def _worse(before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]) -> str:
    """What comes back less well than it seemed: "2 parts cannot come back (1 before)"; "" when nothing does."""
    for verdict, (one, many) in _TELLS.items():
        then, found = (sum(row[2] == verdict for row in rows) for rows in (before, after))
        if found > then:
            return f"{found} {one if found == 1 else many} ({then} before)"
        if found < then:
            return ""
    return ""


def _ask_again_if_asked(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Who had to accept was not known when the seats were asked before the comparison was there."""
    _ask_seats_anew(session, policy, release, now)
    session.flush()
    facts = gather(session, policy, release)
    if release.asked_digest == facts.digest and is_open(facts, "impossible", now):
        ask_to_accept(session, policy, facts, "impossible", BOT, now)


def _ask_seats_anew(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """What was asked before is asked again by itself as soon as it is known what there is to weigh."""
    if not release.asked_digest:
        ask_anew(session, policy, release, now)


def note_comparison_failed(ports: Ports, package_id: int, sentence: str) -> None:
    """The target could not be asked what the package would do there."""
    with ports.store.transaction() as session:
        package, release = _with_release(session, package_id)
        details = {"package": package.id, "problem": sentence}
        at = ports.clock.now()
        record(session, Kind.PACKAGE_NOT_COMPARED, stream=release.key, actor=BOT, at=at, details=details)
        if release.package_id == package.id:
            _ask_seats_anew(session, ports.policy, release, at)


def our_spans(session: Session, org: str) -> list[tuple[datetime, datetime]]:
    """When deployments of ours changed an org, from the moment the job was asked for to its end."""
    query = select(Deployment).where(Deployment.org == org, col(Deployment.purpose).in_(("deployment", "rollback")))
    found = session.exec(query).all()
    return [(d.asked_at, d.finished_at) for d in found if d.asked_at and d.finished_at]


def _with_release(session: Session, package_id: int) -> tuple[ReleasePackage, Release]:
    package = session.get(ReleasePackage, package_id)
    assert package is not None, "packages are never deleted"
    return package, release_of(session, package)
