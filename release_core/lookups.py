"""Finding things by the names that people use."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import bindparam
from sqlmodel import Session, col, desc, func, select

from release_core.errors import NotFound, Unclear
from release_core.models import (
    Approval,
    ChecklistItem,
    Counter,
    Deployment,
    DeploymentWindow,
    Freeze,
    Incident,
    Release,
    ReleasePackage,
    Task,
)
from release_core.policy import Policy

BEFORE_DEPLOYMENT = ("draft", "planned", "ready", "failed")
"""The states of a release that has not reached its org: its plan may still change."""
FINAL_STATES = ("closed", "cancelled", "rolled_back")
"""The states of a release that is over."""

_STATES = {"soaking": "live and being watched", "deploying": "being deployed", "rolled_back": "rolled back"}

# Asked all the time, so put into words once: saying them anew takes as long as asking the database.
_BY_KEY = select(Release).where(Release.key == bindparam("key"))
_ITEMS = (
    select(ChecklistItem).where(ChecklistItem.release_id == bindparam("release")).order_by(col(ChecklistItem.number))
)
_TASKS = select(Task).where(Task.release_id == bindparam("release")).order_by(col(Task.number))
_NEWEST_WINDOW = (
    select(DeploymentWindow)
    .where(DeploymentWindow.release_id == bindparam("release"))
    .order_by(desc(DeploymentWindow.number))
    .limit(1)
)
_ATTEMPTS = select(Deployment).where(Deployment.release_id == bindparam("release")).order_by(col(Deployment.id))


def state_of(release: Release) -> str:
    """How far a release is, to complete "REL-1 is …"."""
    return _STATES.get(release.state, release.state)


def is_watched(release: Release) -> bool:
    """Whether what a release brought is looked after: while it soaks; a staged one in each org that holds it.

    That ends when people close or cancel it. Taken back in one org, it is looked after in the others, until people end
    that.
    """
    if release.state == "soaking":
        return True
    ended = release.state in ("closed", "cancelled") or release.watch_ended_at is not None
    return bool(release.path) and not ended


def next_key(session: Session, kind: str) -> str:
    """The next key of a kind: "REL" gives REL-1, REL-2 …"""
    counter = session.get(Counter, kind) or Counter(kind=kind)
    counter.last += 1
    session.add(counter)
    return f"{kind}-{counter.last}"


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """Up to three names that look like the word."""
    by_lower = {name.lower(): name for name in names}
    return [by_lower[found] for found in difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=0.5)]


def find_release(session: Session, key: str) -> Release:
    """The release with a key; NotFound names releases that are open."""
    release = session.exec(_BY_KEY, params={"key": key.upper()}).first()
    if release is None:
        known = [r.key for r in open_releases(session)][:5]
        hint = f" Open releases: {', '.join(known)}." if known else " No release is open; /release new plans one."
        raise NotFound(f"There is no release {key.upper()}.{hint}", nearest=known, field="release")
    return release


def open_releases(session: Session) -> Sequence[Release]:
    """Releases that are not over, newest first."""
    return session.exec(select(Release).where(col(Release.state).not_in(FINAL_STATES)).order_by(desc(Release.id))).all()


def find_incident(session: Session, key: str) -> Incident:
    """The incident with a key; NotFound names incidents that are open."""
    incident = session.exec(select(Incident).where(Incident.key == key.upper())).first()
    if incident is None:
        known = [i.key for i in open_incidents(session)][:5]
        hint = f" Open incidents: {', '.join(known)}." if known else " No incident is open."
        raise NotFound(f"There is no incident {key.upper()}.{hint}", nearest=known, field="incident")
    return incident


def open_incidents(session: Session, *, org: str | None = None) -> Sequence[Incident]:
    """Incidents that are not resolved, newest first."""
    query = select(Incident).where(Incident.state == "open").order_by(desc(Incident.id))
    return session.exec(query if org is None else query.where(Incident.org == org)).all()


def find_org(policy: Policy, word: str) -> str:
    """The policy's key of an org named by key or title, in any case; the beginning of one alone will do, too."""
    said = " ".join(word.split()).casefold()
    names = {key: (key.casefold(), rule.title.casefold()) for key, rule in policy.orgs.items()}
    for key, known in names.items():
        if said in known:
            return key
    begun = [key for key, known in names.items() if len(said) >= 2 and any(name.startswith(said) for name in known)]
    if len(begun) == 1:
        return begun[0]
    titles = [rule.title for rule in policy.orgs.values()]
    raise NotFound(
        f"There is no org “{word}”. Known orgs: {', '.join(titles)}.", nearest=nearest(word, titles), field="org"
    )


def find_path(policy: Policy, *, named: str = "", orgs: Sequence[str] = ()) -> tuple[str, ...]:
    """The orgs of a staged release: those chosen, in the order of the policy, else a path named in the policy."""
    if orgs:
        chosen = {find_org(policy, org) for org in orgs}
        if len(chosen) < 2:
            raise Unclear("A staged release goes through two orgs or more. Choose them all.", field="orgs")
        return tuple(org for org in policy.orgs if org in chosen)
    by_lower = {name.lower(): path for name, path in policy.paths.items()}
    if named.lower() in by_lower:
        return by_lower[named.lower()]
    known = f"Paths of the policy: {', '.join(policy.paths)}." if policy.paths else "The policy names no path."
    if named:
        raise NotFound(f"There is no path “{named}”. {known}", nearest=nearest(named, policy.paths), field="path")
    raise Unclear(f"Say through which orgs it goes: choose a path, or two orgs or more. {known}", field="path")


def find_freeze(session: Session, policy: Policy, word: str) -> str:
    """The key of a freeze named by its key, from the policy or set by people."""
    keys = [*policy.freezes, *session.exec(select(Freeze.key).where(col(Freeze.lifted_at).is_(None))).all()]
    for key in keys:
        if key.lower() == word.lower():
            return key
    known = f"Known freezes: {', '.join(keys)}." if keys else "No freeze is set."
    raise NotFound(f"There is no freeze “{word}”. {known}", nearest=nearest(word, keys), field="freeze")


def find_item(session: Session, release: Release, word: str) -> ChecklistItem:
    """The checklist item named by its number or by words of its title."""
    return _the_one(checklist(session, release), word, release, "item")


def find_task(session: Session, release: Release, word: str) -> Task:
    """The task named by its number or by words of its title; "id:7" names its row, whatever its number is by now."""
    tasks = run_sheet(session, release)
    if word.startswith("id:"):
        rows = [task for task in tasks if f"id:{task.id}" == word]
        if not rows:
            raise NotFound(f"This task was taken off the run-sheet of {release.key}: /release tasks {release.key}")
        return rows[0]
    return _the_one(tasks, word, release, "task")


Numbered = TypeVar("Numbered", ChecklistItem, Task)


def _the_one(rows: Sequence[Numbered], word: str, release: Release, noun: str) -> Numbered:
    if re.fullmatch(r"#?\d+", word):
        found = [row for row in rows if row.number == int(word.lstrip("#"))]
    else:
        found = [row for row in rows if word.lower() in row.title.lower()]
    if len(found) == 1:
        return found[0]
    lines = ", ".join(f"{row.number} {row.title}" for row in (found or rows))
    if found:
        raise Unclear(f"“{word}” fits several {noun}s of {release.key}: {lines}. Give the number.", field=noun)
    raise NotFound(f"{release.key} has no {noun} “{word}”. Its {noun}s: {lines or 'none'}.", field=noun)


def checklist(session: Session, release: Release) -> Sequence[ChecklistItem]:
    """A release's items in order."""
    return session.exec(_ITEMS, params={"release": release.id}).all()


def run_sheet(session: Session, release: Release) -> Sequence[Task]:
    """A release's tasks in order."""
    return session.exec(_TASKS, params={"release": release.id}).all()


def package_of(session: Session, release: Release) -> ReleasePackage | None:
    """The package that counts for a release: the newest accepted one."""
    return session.get(ReleasePackage, release.package_id) if release.package_id else None


def why_package_stays(session: Session, policy: Policy, release: Release) -> str:
    """Why a staged release takes no other package: an org got the one it has; "" while none did."""
    landed = [d for d in deployments_of(session, release, "deployment") if d.state in ("succeeded", "rolled_back")]
    if not (release.path and landed):
        return ""
    orgs = " and ".join(dict.fromkeys(policy.title_of(d.org) for d in landed))
    return (
        f"{release.key} is under way through its orgs ({orgs} got its package), and each gets the same one. "
        f"Cancel the rest (/release cancel {release.key} -- reason), or plan a new release."
    )


def window_of(session: Session, release: Release) -> DeploymentWindow | None:
    """The release's newest window, unless it was withdrawn."""
    window = session.exec(_NEWEST_WINDOW, params={"release": release.id}).first()
    return window if window and window.state != "withdrawn" else None


def starts_by_itself(release: Release, window: DeploymentWindow | None) -> bool:
    """Whether somebody booked that a release starts by itself in this window, which is ahead or open."""
    ahead = window is not None and window.state in ("booked", "open") and window.number == release.starts_window
    return ahead and bool(release.starts_by)


def deployments_of(session: Session, release: Release, purpose: str | None = None) -> Sequence[Deployment]:
    """A release's deployment attempts, oldest first."""
    query = _ATTEMPTS if purpose is None else _ATTEMPTS.where(Deployment.purpose == purpose)
    return session.exec(query, params={"release": release.id}).all()


def others_live(session: Session, release: Release) -> dict[str, int]:
    """Org -> the row id of the newest deployment of another release that is live there."""
    live = select(Deployment.org, func.max(Deployment.id)).where(
        Deployment.purpose == "deployment", Deployment.state == "succeeded", Deployment.release_id != release.id
    )
    return {org: newest for org, newest in session.exec(live.group_by(Deployment.org)) if newest is not None}


def find_deployment(session: Session, deployment_id: int) -> Deployment:
    """A deployment attempt by its row id."""
    deployment = session.get(Deployment, deployment_id)
    if deployment is None:
        raise NotFound("This deployment is not known any more.")
    return deployment


def release_of(session: Session, thing: Approval | ChecklistItem | Deployment | ReleasePackage) -> Release:
    """The release that a deployment, package, item or answer belongs to."""
    release = session.get(Release, thing.release_id)
    assert release is not None, "a foreign key keeps the release"
    return release
