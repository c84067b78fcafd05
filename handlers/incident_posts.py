"""How an incident looks."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import (
    Actions,
    Button,
    Facts,
    Message,
    Paragraph,
    Part,
    at,
    bold,
    person,
)
from handlers.drawing import Drawing, Placed
from handlers.phrases import incident_line, org_title, who
from handlers.release_words import way_back_from, way_back_words
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_deployment, find_incident
from release_core.models import Deployment, Incident, Release


def incident_post(d: Drawing, key: str) -> Placed:
    incident = find_incident(d.session, key)
    release = d.session.get(Release, incident.release_id) if incident.release_id else None
    rows = [
        ("State", _state_words(incident)),
        ("Commander", person(incident.commander_id)),
        ("Since", at(incident.opened_at)),
        ("Suspect", _suspect_words(d, incident, release)),
        *([("Next word", at(incident.word_due_at))] if incident.word_due_at else []),
    ]
    parts: list[Part] = [Paragraph(incident_line(incident, d.ports.policy)), Facts(rows)]
    if incident.state == "open":
        args = {"incident": key}
        buttons = [
            Button("Update…", "incident_update", args),
            Button("Resolve…", "incident_resolve", args, weight="go"),
        ]
        if release and (release.state in ("soaking", "closed") or _is_live(d, incident, release)):
            where = {"org": incident.org} if release.path else {}
            roll = {"release": release.key, "incident": key, **where}
            buttons.insert(0, Button("Roll back", "release_rollback", roll, weight="danger"))
        parts.append(Actions([*buttons, Button("Timeline", "incident_timeline", args)]))
    title = org_title(d.ports.policy, incident.org)
    summary = f"{key} {incident.title} ({title}, severity {incident.severity}): {incident.state}"
    return Message(summary, parts, tone="stop" if incident.state == "open" else "good"), d.channels[1], None


def _state_words(incident: Incident) -> str:
    if incident.state == "open" or incident.resolved_at is None:
        return incident.state
    return f"resolved by {who(incident.resolved_by)} {at(incident.resolved_at)}: {incident.resolution}"


def _is_live(d: Drawing, incident: Incident, release: Release) -> bool:
    """Whether a staged release is in the incident's org, however far it has gone since."""
    return bool(release.path) and gather(d.session, d.ports.policy, release).live_in(incident.org) is not None


def _suspect_words(d: Drawing, incident: Incident, release: Release | None) -> str:
    if release is None or incident.deployment_id is None:
        return "no release of ours went there lately"
    deployment = find_deployment(d.session, incident.deployment_id)
    facts = gather(d.session, d.ports.policy, release)
    way = _way_back(facts, deployment, d.ports.clock.now())
    landed = f", live since {at(deployment.finished_at)}" if deployment.finished_at else ""
    return f"{bold(release.key)} {release.name}{landed}. Way back: {way}"


def _way_back(facts: ReleaseFacts, deployment: Deployment, now: datetime) -> str:
    live = deployment.state == "succeeded"
    return way_back_from(facts, deployment, now) if live else way_back_words(facts, now)
