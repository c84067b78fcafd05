"""How an incident looks, or a rollback that waits for a second person."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Facts,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    bold,
    people,
    person,
)
from handlers.drawing import Drawing, Placed
from handlers.phrases import incident_line, org_title, who
from handlers.release_words import verdict_words, way_back_from, way_back_words
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_deployment, find_incident, release_of
from release_core.models import Deployment, Incident, Release, RollbackRequest
from release_core.permissions import others
from release_core.rollback_requests import find_request


def incident_post(d: Drawing, key: str) -> Placed:
    incident = find_incident(d.session, key)
    release = d.session.get(Release, incident.release_id) if incident.release_id else None
    rows = [
        (
            "State",
            "open" if incident.state == "open" else f"resolved by {who(incident.resolved_by)}: {incident.resolution}",
        ),
        ("Commander", person(incident.commander_id)),
        ("Since", at(incident.opened_at)),
        ("Suspect", _suspect_words(d, incident, release)),
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


def rollback_post(d: Drawing, stream: str, request_id: str) -> Placed:
    request = find_request(d.session, int(request_id))
    deployment = find_deployment(d.session, request.deployment_id)
    release = release_of(d.session, deployment)
    facts = gather(d.session, d.ports.policy, release)
    title = org_title(d.ports.policy, deployment.org)
    asker = person(request.requested_by)
    head = f"{asker} asks to roll back {bold(release.key)} {release.name} in {title}: {request.reason}"
    parts: list[Part] = [Paragraph(head)]
    summary = f"{release.key}: rollback in {title} asked for"
    if request.state != "asked":
        sentence = _decided_words(request)
        tone: Tone = "good" if request.state == "confirmed" else "stop"
        return Message(f"{summary}. {sentence}", [*parts, Paragraph(sentence)], tone=tone), *d.under(stream)
    way = _way_back(facts, deployment, d.ports.clock.now())
    loses = (
        "What people changed since will be lost."
        if request.overwrite
        else "What people changed since is asked about first."
    )
    parts.append(Facts([("Way back", way), ("By part", verdict_words(facts.package) or "–"), ("Changes since", loses)]))
    args = {"request": str(request.id)}
    confirm = Confirm(
        f"Roll back {release.key}?",
        f"{title} returns to before {release.key}. Way back: {way}.",
        f"Roll back {title}"[:30],
    )
    parts.append(
        Actions(
            [
                Button("Confirm rollback", "release_confirm_rollback", args, weight="danger", confirm=confirm),
                Button("Decline", "release_decline_rollback", args),
            ]
        )
    )
    holders = others(d.ports.policy.holders_of("roll_back"), than=(request.requested_by,))
    parts.append(Note(f"A second person has to agree until {at(request.expires_at)}: {people(holders, last='or')}."))
    return Message(f"{summary}: {request.reason}", parts, tone="wait"), *d.under(stream)


def _decided_words(request: RollbackRequest) -> str:
    if request.state == "expired" or request.decided_at is None:
        return "Expired: nobody confirmed in time. Ask again if it is still needed."
    return f"{request.state.capitalize()} by {who(request.decided_by)} {at(request.decided_at)}."
