"""Something broke: who handles it, what is suspected, how it ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, desc, select

from release_core.errors import Conflict, Unclear
from release_core.lookups import find_incident, find_org, find_release, next_key
from release_core.models import Deployment, Incident, Release, TimelineEntry
from release_core.permissions import require
from release_core.ports import Ports
from release_core.timeline import BOT, Kind, intend, record

PROMISED_WITHIN = timedelta(days=7)
SUSPECT_WITHIN = timedelta(days=3)
IN_THE_ORG = ("verifying", "succeeded")
"""The states of a deployment that people may feel already."""


def open_incident(ports: Ports, actor: str, *, title: str, severity: int, org: str, release: str | None = None) -> str:
    """Open an incident, with the newest deployment to its org as suspect; returns its key."""
    require(ports.policy, actor, "handle_incident")
    if len(title.strip()) < 3:
        raise Unclear("Say what is broken: /incident open -- what people see", field="title")
    _must_be_a_severity(severity)
    org_key = find_org(ports.policy, org)
    now = ports.clock.now()
    with ports.store.transaction() as session:
        suspect = _suspect(session, org_key, release, now)
        incident = Incident(
            key=next_key(session, "INC"),
            title=title.strip(),
            severity=severity,
            org=org_key,
            state="open",
            commander_id=actor,
            opened_by=actor,
            opened_at=now,
            release_id=suspect.release_id if suspect else None,
            deployment_id=suspect.id if suspect else None,
        )
        session.add(incident)
        suspected = session.get(Release, suspect.release_id) if suspect else None
        details = {
            "title": incident.title,
            "severity": severity,
            "org": org_key,
            "suspect": suspected.key if suspected else "",
        }
        record(session, Kind.INCIDENT_OPENED, stream=incident.key, actor=actor, at=now, details=details)
        if suspected:
            about = {"incident": incident.key, "title": incident.title}
            record(session, Kind.INCIDENT_OPENED, stream=suspected.key, actor=actor, at=now, details=about)
        return incident.key


def _must_be_a_severity(severity: int) -> None:
    if severity not in (1, 2, 3, 4):
        raise Unclear("Severity is 1 (sales or service stopped) to 4 (a nuisance).", field="severity")


def _suspect(session: Session, org: str, release: str | None, now: datetime) -> Deployment | None:
    query = select(Deployment).where(
        Deployment.org == org, Deployment.purpose == "deployment", col(Deployment.state).in_(IN_THE_ORG)
    )
    if release:
        query = query.where(Deployment.release_id == find_release(session, release).id)
    else:
        query = query.where(col(Deployment.finished_at) >= now - SUSPECT_WITHIN)
    return session.exec(query.order_by(desc(Deployment.id)).limit(1)).first()


def update_incident(
    ports: Ports,
    actor: str,
    key: str,
    text: str,
    *,
    severity: int | None = None,
    commander: str | None = None,
    next_at: datetime | None = None,
) -> None:
    """Say what is known now; perhaps change the severity or who commands, perhaps promise the next word for an instant.

    What was promised before is kept by it.
    """
    require(ports.policy, actor, "handle_incident")
    if not text.strip():
        raise Unclear("Say what is known now: /incident update INC-1 -- text", field="note")
    if severity is not None:
        _must_be_a_severity(severity)
    now = ports.clock.now()
    if next_at is not None and not now < next_at <= now + PROMISED_WITHIN:
        raise Unclear("Promise the next word for a time that is still to come, within a week.", field="next")
    with ports.store.transaction() as session:
        incident = _still_open(session, key)
        was = {"severity": incident.severity, "commander": incident.commander_id}
        incident.severity = incident.severity if severity is None else severity
        incident.commander_id = commander or incident.commander_id
        incident.word_due_at = next_at
        session.add(incident)
        changed = {"severity": incident.severity, "commander": incident.commander_id}
        details = {"text": text.strip(), **{name: new for name, new in changed.items() if new != was[name]}}
        details |= {"next_at": next_at.isoformat()} if next_at else {}
        said = record(session, Kind.INCIDENT_NOTED, stream=incident.key, actor=actor, at=now, details=details)
        if next_at is not None:
            wake, due = f"word:{incident.key}:{said.number}", next_at.isoformat()
            intend(session, wake, "word_due", now=now, due_at=next_at, incident=incident.key, due=due)


def note_word_due(ports: Ports, key: str, due_at: datetime) -> None:
    """The time of a promised word has come: its commander is reminded, once, unless it was said or promised anew."""
    with ports.store.transaction() as session:
        incident = find_incident(session, key)
        if incident.state != "open" or incident.word_due_at != due_at:
            return
        asked = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.kind == Kind.WORD_OVERDUE)
        if any(entry.details.get("due_at") == due_at.isoformat() for entry in session.exec(asked)):
            return
        details = {"commander": incident.commander_id, "due_at": due_at.isoformat()}
        record(session, Kind.WORD_OVERDUE, stream=key, actor=BOT, at=ports.clock.now(), details=details)


def resolve_incident(ports: Ports, actor: str, key: str, resolution: str) -> None:
    """End an incident with what was done."""
    require(ports.policy, actor, "handle_incident")
    if len(resolution.strip()) < 3:
        raise Unclear("Say what was done: /incident resolve INC-1 -- what was done", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        incident = _still_open(session, key)
        incident.state, incident.resolution = "resolved", resolution.strip()
        incident.resolved_by, incident.resolved_at, incident.word_due_at = actor, now, None
        session.add(incident)
        details = {"resolution": incident.resolution}
        record(session, Kind.INCIDENT_RESOLVED, stream=incident.key, actor=actor, at=now, details=details)
        suspected = session.get(Release, incident.release_id) if incident.release_id else None
        if suspected:
            about = {"incident": incident.key, "resolution": incident.resolution}
            record(session, Kind.INCIDENT_RESOLVED, stream=suspected.key, actor=actor, at=now, details=about)


def note_incident(ports: Ports, actor: str, key: str, text: str) -> None:
    """Write a person's words into the timeline of an incident, open or not."""
    require(ports.policy, actor, "handle_incident")
    if not text.strip():
        raise Unclear("Say what to note: /incident note INC-1 -- text", field="note")
    with ports.store.transaction() as session:
        stream, now = find_incident(session, key).key, ports.clock.now()
        record(session, Kind.NOTE_ADDED, stream=stream, actor=actor, at=now, details={"text": text.strip()})


def must_be_open(ports: Ports, key: str) -> None:
    """Conflict for an incident that is resolved, before a person is asked for words."""
    with ports.store.reading() as session:
        _still_open(session, key)


def _still_open(session: Session, key: str) -> Incident:
    incident = find_incident(session, key)
    if incident.state != "open":
        sentence = f"{incident.key} is resolved already: {incident.resolution}"
        raise Conflict(sentence, by=incident.resolved_by, at=incident.resolved_at, did="Resolved by")
    return incident
