"""What people ask about the outcome of an attempt."""

from __future__ import annotations

from handlers.attempt_cards import deployment_card
from handlers.conversation import Actions, Answer, Message, Request
from handlers.phrases import org_title, release_argument
from handlers.releases import facts_of
from handlers.result_files import result_file
from release_core.errors import NotFound
from release_core.facts import ReleaseFacts
from release_core.models import Deployment
from release_core.ports import Ports


def results(ports: Ports, request: Request) -> Answer:
    """`/release results`: what came of the newest attempt, with all of it in a file."""
    facts = facts_of(ports, release_argument(ports, request))
    attempt = _attempt(facts, str(request.args.get("attempt") or ""))
    card = deployment_card(facts, ports.policy, attempt, ports.clock.now())
    title = f"{attempt.key}: {attempt.purpose} of {facts.release.key} in {org_title(ports.policy, attempt.org)}"
    parts = [part for part in card.parts if not isinstance(part, Actions)]
    return Message(card.summary, parts, card.tone, [result_file(attempt, title)])


def _attempt(facts: ReleaseFacts, wanted: str) -> Deployment:
    """The attempt that was named, else the newest that has ended."""
    ended = [one for one in facts.deployments if one.finished_at and wanted in ("", one.key)]
    if not ended:
        what = wanted or f"No attempt of {facts.release.key}"
        raise NotFound(f"{what} has ended yet, so there are no results. Validate first: /release validate")
    return ended[-1]
