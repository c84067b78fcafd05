"""How a wish to go back looks: what would happen, what somebody changed since, who has to agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import select

from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Facts,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    bold,
    clean,
    people,
    person,
)
from handlers.drawing import Drawing, Placed
from handlers.phrases import count, do, org_title, who
from handlers.release_words import verdict_words, way_back_from, way_back_words
from release_core.facts import UNDER_WAY, ReleaseFacts, gather
from release_core.lookups import find_deployment, release_of
from release_core.models import Deployment, RollbackRequest, TimelineEntry
from release_core.permissions import others
from release_core.rollback_looks import drift_words, is_lost, why_not_looked
from release_core.rollback_requests import find_request, is_withdrawn, undecided
from release_core.timeline import Kind

LISTED_AT_MOST = 12


def rollback_post(d: Drawing, stream: str, request_id: str) -> Placed:
    """One wish, as long as it waits with everything to weigh, afterwards with what became of it."""
    request = find_request(d.session, int(request_id))
    deployment = find_deployment(d.session, request.deployment_id)
    facts = gather(d.session, d.ports.policy, release_of(d.session, deployment))
    title, key = org_title(d.ports.policy, deployment.org), facts.release.key
    undo = deployment.purpose == "rollback"
    what = "undo the rollback of" if undo else "roll back"
    asker = person(request.requested_by)
    head = f"{asker} asks to {what} {bold(key)} {facts.release.name} in {title}: {request.reason}"
    summary = f"{key}: {'undoing the rollback' if undo else 'rollback'} in {title} asked for"
    if request.state != "asked":
        sentence, tone = _decided_words(request, _comment(d, stream, request))
        return Message(f"{summary}. {sentence}", [Paragraph(sentence), Note(head)], tone=tone), *d.under(stream)
    way = "a deployment with tests" if undo else _way(facts, request, deployment, d.ports.clock.now())
    by_part = verdict_words(facts.package) or "–"
    armed = facts.armed(d.ports.clock.now(), deployment.org, leave=request.leave) is not None
    rows = [("Way back", way), ("By part", by_part), ("Changes since", _changes_words(request, armed=armed))]
    if request.leave:
        rows.append(("Left as it is", _named(request.leave)))
    parts: list[Part] = [Paragraph(head), Facts(rows)]
    open_parts = undecided(request, request.drift)
    if request.drift:
        parts.append(Listing(_drift_lines(request, open_parts)))
    confirm = _confirm(title, key, way, undo=undo)
    parts.append(Actions(_buttons(request, deployment, facts, confirm, d.ports.clock.now())))
    holders = others(d.ports.policy.holders_of("roll_back"), than=(request.requested_by,))
    parts.append(Note(_next_words(request, open_parts, d.ports.policy.holders_of("roll_back"), holders)))
    return Message(f"{summary}: {request.reason}", parts, tone="wait"), *d.under(stream)


def _next_words(
    request: RollbackRequest, open_parts: Sequence[object], may: Sequence[str], second: Sequence[str]
) -> str:
    """Who can act next: whoever may choose while something is to be decided, else the second person."""
    agree = f"A second person has to agree until {at(request.expires_at)}: {people(second, last='or')}."
    if not open_parts:
        return agree
    undecided_parts = f"{count(len(open_parts), 'part')} {'is' if len(open_parts) == 1 else 'are'} to be decided first"
    return f"{undecided_parts}, by Choose parts…: {people(may, last='or')}. {agree}"


def _way(facts: ReleaseFacts, request: RollbackRequest, undone: Deployment, now: datetime) -> str:
    if not request.leave:
        live = undone.state == "succeeded"
        return way_back_from(facts, undone, now) if live else way_back_words(facts, now)
    armed = facts.armed(now, undone.org, leave=request.leave)
    if armed and armed.lapses_at:
        return f"this choice is armed until {at(armed.lapses_at)}: a quick deploy"
    tried = facts.armings(request.leave, undone.org)
    if tried and tried[-1].state in UNDER_WAY:
        return "this choice is being proven now"
    if tried and tried[-1].problem:
        return f"this choice did not pass its check: {clean(tried[-1].problem).rstrip('. ')}"
    return "not proven for this choice: a deployment with tests, or prove it first"


def _changes_words(request: RollbackRequest, *, armed: bool) -> str:
    if request.looked_at is None:
        if request.look_problem:
            later = "" if is_lost(request) else " It is looked at before anything is changed."
            return f"not known: {clean(why_not_looked(request, armed=armed))}{later}"
        loses = "will be lost" if request.overwrite else "is asked about first"
        return f"being looked at. What people changed since {loses}."
    if not request.drift:
        return f"nothing was changed since; looked {at(request.looked_at)}"
    return f"{count(len(request.drift), 'part')} changed since; looked {at(request.looked_at)}"


def _drift_lines(request: RollbackRequest, open_parts: Sequence[Sequence[str]]) -> list[str]:
    left, undecided_parts = {tuple(part) for part in request.leave}, {tuple(row[:2]) for row in open_parts}
    lines = []
    for row in request.drift[:LISTED_AT_MOST]:
        part = tuple(row[:2])
        fate = (
            "to be decided"
            if part in undecided_parts
            else "is left as it is"
            if part in left
            else "will be overwritten"
        )
        lines.append(clean(f"{drift_words(row)}: {fate}"))
    more = len(request.drift) - LISTED_AT_MOST
    return [*lines, f"and {more} more"] if more > 0 else lines


def _confirm(title: str, key: str, way: str, *, undo: bool) -> Confirm:
    if undo:
        return Confirm(
            f"Bring {key} back?", f"{title} holds {key} again. A lock stays until it is lifted.", f"Bring {key} back"
        )
    return Confirm(
        f"Roll back {key}?", f"{title} returns to before {key}. Way back: {way.rstrip('.')}.", f"Roll back {title}"[:30]
    )


def _buttons(
    request: RollbackRequest, undone: Deployment, facts: ReleaseFacts, confirm: Confirm, now: datetime
) -> list[Button]:
    args = {"request": str(request.id)}
    undo = undone.purpose == "rollback"
    label = "Confirm" if undo else "Confirm rollback"
    buttons = [Button(label, "release_confirm_rollback", args, weight="danger", confirm=confirm)]
    buttons.append(Button("Decline", "release_decline_rollback", args))
    buttons.append(do("Decline with a reason…", "release_decline_rollback", **args, ask="yes"))
    if undo:
        return buttons
    buttons.append(do("Choose parts…", "release_parts", **args))
    if undecided(request, request.drift):
        text = "What people changed since the deployment will be lost. Somebody else has to agree."
        anyway = Confirm("Roll back anyway?", text, "Ask for it")
        overwriting = {**args, "overwrite": "yes"}
        buttons.append(Button("Roll back anyway…", "release_parts", overwriting, weight="danger", confirm=anyway))
    if request.leave and not _is_proven(request, undone, facts, now):
        buttons.append(do("Prove it first", "release_prove", **args))
    return buttons


def _is_proven(request: RollbackRequest, undone: Deployment, facts: ReleaseFacts, now: datetime) -> bool:
    """Whether a choice of parts has a proof that counts or is under way; one that failed may be asked for again."""
    tried = facts.armings(request.leave, undone.org)
    return any(one.state in UNDER_WAY for one in tried) or bool(facts.armed(now, undone.org, leave=request.leave))


def _named(parts: Sequence[Sequence[str]]) -> str:
    named = ", ".join(clean(f"{part[0]} {part[1]}") for part in parts[:6])
    return f"{named} and {len(parts) - 6} more" if len(parts) > 6 else named


def _decided_words(request: RollbackRequest, comment: str) -> tuple[str, Tone]:
    """What became of a wish, by whom, when, with what they said."""
    if request.state == "expired" or request.decided_at is None:
        when = f" It was open until {at(request.expires_at)}."
        return f"Expired: nobody confirmed in time. Ask again if it is still needed.{when}", "expired"
    by = f"by {who(request.decided_by)} {at(request.decided_at)}"
    said = f": {clean(comment)}" if comment else "."
    if request.state == "replaced":
        return f"Withdrawn {by}, who asked again with another choice of parts; see there.", "withdrawn"
    if is_withdrawn(request):
        return f"Withdrawn {by}, who had asked for it{said}", "withdrawn"
    return f"{request.state.capitalize()} {by}{said}", "good" if request.state == "confirmed" else "declined"


def _comment(d: Drawing, stream: str, request: RollbackRequest) -> str:
    """What whoever said no wrote."""
    said = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.kind == Kind.ROLLBACK_DECLINED)
    mine = [one for one in d.session.exec(said) if one.details.get("request") == request.id]
    return str(mine[-1].details.get("comment") or "") if mine else ""
