"""What an attempt has asked of its org: repetitions while it was busy, and API calls."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import Note, Paragraph, Part, at, clean
from handlers.phrases import count, org_title
from release_core.models import Deployment
from release_core.org_calls import left
from release_core.policy import Policy


def org_side(policy: Policy, deployment: Deployment) -> list[Part]:
    """Whether it is asked for again, then what it has cost; empty before the first call."""
    parts = _asked_again(deployment)
    if deployment.calls:
        parts.append(Note(_cost(policy, deployment)))
    return parts


def waits_to_be_asked_again(deployment: Deployment) -> bool:
    """Whether the org said that it is busy and is not asked yet once more: no job of ours is there meanwhile."""
    known = deployment.progress
    busy = len(known.get("busy", []))
    return bool(known.get("again")) and deployment.finished_at is None and deployment.resubmitted < busy


def _asked_again(deployment: Deployment) -> list[Part]:
    again = deployment.progress.get("again")
    if not again:
        return []
    because, number, of = clean(again["because"]), again["number"], again["of"]
    if waits_to_be_asked_again(deployment):
        due = at(datetime.fromisoformat(again["due_at"]))
        return [Paragraph(f"It is asked for again at {due} ({number} of {of}), because {because}.")]
    said = clean(deployment.progress.get("not_again", "")) if deployment.finished_at else ""
    if not deployment.resubmitted:
        return [Paragraph(said)] if said else []
    return [Paragraph(f"Asked again, {number} of {of}, because {because}. {said}".rstrip())]


def _cost(policy: Policy, deployment: Deployment) -> str:
    spent = count(deployment.calls, "API call")
    usage = deployment.progress.get("usage")
    if not usage:
        return f"{spent}."
    share = int(left(*usage))
    return f"{spent}; {org_title(policy, deployment.org)} has {share} % of its day's calls left."
