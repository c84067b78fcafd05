"""How each post looks now."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlmodel import col, select

from handlers import status_words
from handlers.acceptance_cards import AskedRisk, acceptance_card
from handlers.approval_cards import Asked, approval_card
from handlers.attempt_cards import deployment_card
from handlers.checklist_cards import checklist_card
from handlers.conversation import (
    Message,
    Paragraph,
    Tone,
    at,
)
from handlers.drawing import Drawing, Placed
from handlers.entry_posts import entry_post
from handlers.incident_posts import incident_post
from handlers.package_cards import listing_card
from handlers.phrases import org_title, who
from handlers.readiness_cards import window_card
from handlers.release_cards import headline_card, package_card
from handlers.roll_call_cards import roll_call_card
from handlers.rollback_cards import rollback_post
from handlers.stage_cards import stage_card
from handlers.task_cards import tasks_card
from release_core.broadcasts import find_broadcast, next_promised
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_incident, release_of
from release_core.models import Acceptance, Deployment, DeploymentWindow, RollCall, TimelineEntry
from release_core.policy import Risk
from release_core.timeline import Kind, first_change


def _headline(d: Drawing, key: str) -> Placed:
    return headline_card(d.facts(key), d.ports.policy, d.ports.clock.now()), d.channels[0], None


def _checklist(d: Drawing, key: str) -> Placed:
    return checklist_card(d.facts(key), d.ports.policy), *d.under(key)


def _tasks(d: Drawing, key: str) -> Placed:
    return tasks_card(d.facts(key), d.ports.policy, d.ports.clock.now()), *d.under(key)


def _stage_post(d: Drawing, key: str, org: str) -> Placed:
    return stage_card(d.facts(key), d.ports.policy, org, d.ports.clock.now()), *d.under(key)


def _package_post(d: Drawing, key: str, package_id: str) -> Placed:
    facts = d.facts(key)
    if facts.package is None or str(facts.package.id) != package_id:
        sentence = f"{key}: this package was replaced by a later one."
        return Message(sentence, [Paragraph(sentence)]), *d.under(key)
    return package_card(facts, d.ports.policy), *d.under(key)


def _pick_post(d: Drawing, key: str, number: str) -> Placed:
    query = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.number == int(number))
    return listing_card(d.ports.policy, d.session.exec(query).one()), "", None


def _deployment_post(d: Drawing, key: str) -> Placed:
    deployment = d.session.exec(select(Deployment).where(Deployment.key == key)).one()
    release = release_of(d.session, deployment)
    facts = gather(d.session, d.ports.policy, release)
    return deployment_card(facts, d.ports.policy, deployment, d.ports.clock.now()), *d.under(release.key)


def _approval_post(d: Drawing, key: str, seat: str, digest: str) -> Placed:
    change = _change(d, key, digest, Kind.APPROVALS_ASKED)
    card = approval_card(d.facts(key), d.ports.policy, Asked(seat, digest, change), d.ports.clock.now())
    return card, *d.under(key)


def _change(d: Drawing, key: str, digest: str, kind: Kind) -> TimelineEntry | None:
    """What made something else of what was asked about, so that the answers to it were withdrawn."""
    query = select(TimelineEntry).where(TimelineEntry.stream == key, TimelineEntry.kind == kind)
    every = d.session.exec(query.order_by(col(TimelineEntry.number)))
    asked = [one.number for one in every if one.details.get("digest") == digest]
    return first_change(d.session, key, after=asked[-1]) if asked else None


def _roll_call_post(d: Drawing, key: str, number: str) -> Placed:
    facts, now = d.facts(key), d.ports.clock.now()
    query = select(RollCall).where(RollCall.release_id == facts.release.id, RollCall.number == int(number))
    return roll_call_card(facts, d.ports.policy, d.session.exec(query).one(), now), *d.under(key)


def _acceptance_post(d: Drawing, key: str, about: str, digest: str) -> Placed:
    risk: Risk = "impossible" if about == "impossible" else "no_snapshot"
    facts = d.facts(key)
    accepted = (Acceptance.release_id == facts.release.id, Acceptance.about == risk, Acceptance.digest == digest)
    given = d.session.exec(select(Acceptance).where(*accepted).order_by(col(Acceptance.id).desc())).first()
    asked = AskedRisk(risk, digest, _change(d, key, digest, Kind.ACCEPTANCE_ASKED), given)
    return acceptance_card(facts, d.ports.policy, d.ports.clock.now(), asked), *d.under(key)


def _window_post(d: Drawing, key: str, number: str) -> Placed:
    facts = d.facts(key)
    if facts.window is None or str(facts.window.number) != number:
        sentence, tone = _past_window(d, facts, int(number))
        return Message(sentence, [Paragraph(sentence)], tone=tone), *d.under(key)
    return window_card(facts, d.ports.policy, d.ports.clock.now()), *d.under(key)


def _past_window(d: Drawing, facts: ReleaseFacts, number: int) -> tuple[str, Tone]:
    """What became of a window that is not the release's any more."""
    key, release = facts.release.key, DeploymentWindow.release_id == facts.release.id
    window = d.session.exec(select(DeploymentWindow).where(release, DeploymentWindow.number == number)).one()
    for one in facts.deployments:
        went = one.purpose == "deployment" and one.state in ("succeeded", "rolled_back")
        if went and window.starts_at <= one.requested_at < window.ends_at:
            where = org_title(d.ports.policy, one.org)
            return f"{key}: this window is over; {one.key} went to {where} in it.", "good"
    after = d.session.exec(select(DeploymentWindow).where(release, DeploymentWindow.number == number + 1)).first()
    by = f" It was {who(after.set_by)} {at(after.set_at)}." if after else ""
    return f"{key}: this window was moved.{by}", "withdrawn"


def _broadcast_post(d: Drawing, key: str, number: str) -> Placed:
    facts = d.facts(key)
    broadcast = find_broadcast(d.session, facts.release, int(number))
    promised = next_promised(d.session, facts.release, broadcast.audience)
    return status_words.status_message(facts, d.ports.policy, broadcast, promised), "", None


def _last_post(d: Drawing, key: str, number: str) -> Placed:
    return status_words.last_message(d.facts(key), d.ports.policy), "", None


def _plain_post(d: Drawing, key: str, state: str) -> Placed:
    return status_words.incident_words(find_incident(d.session, key), d.ports.policy), "", None


DRAWINGS: Mapping[str, Callable[..., Placed]] = {
    "headline": _headline,
    "checklist": _checklist,
    "tasks": _tasks,
    "stage": _stage_post,
    "package": _package_post,
    "pick": _pick_post,
    "deployment": _deployment_post,
    "approval": _approval_post,
    "acceptance": _acceptance_post,
    "rollcall": _roll_call_post,
    "window": _window_post,
    "entry": entry_post,
    "incident": incident_post,
    "rollback": rollback_post,
    "broadcast": _broadcast_post,
    "last": _last_post,
    "plain": _plain_post,
}
