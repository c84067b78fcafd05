"""The gates that people open: items, tasks, approvals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from release_core.conditions import asked_items, is_settled
from release_core.facts import ReleaseFacts
from release_core.gate import Gate
from release_core.models import ChecklistItem
from release_core.permissions import others
from release_core.policy import Policy
from release_core.run_sheets import SETTLED, how_settled, left_words, next_step, steps
from release_core.seating import Seated
from release_core.seats import barred, has_expired, seating, standing_answers, who_can_clear
from release_core.tallies import counting_call, must_call, result_of, roll_members, seat_title


def hold_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Somebody may hold it for a reason that no rule knows."""
    release = facts.release
    if not release.held_by or release.held_at is None:
        return []
    because = f"It is held since {{0}}: {release.held_because.replace('{', '(').replace('}', ')')}"
    who = tuple(dict.fromkeys((release.held_by, *policy.holders_of("deploy"))))
    return [Gate("held", False, because, who, f"/release resume {release.key}", instants=(release.held_at,))]


def items_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Every required item must be done or waived; the snapshot is taken on the way."""
    open_items = [i for i in asked_items(facts) if i.required and i.rule == "" and not is_settled(i, now)]
    if not open_items:
        return [Gate("checklist", True, "Every required item of the checklist is settled.")]
    return [_item_gate(item, facts, policy) for item in open_items]


def _item_gate(item: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> Gate:
    who = item_owners(item, facts, policy)
    states = {"open": "open", "in_progress": "in progress", "waived": "open again: its waiver has ended"}
    state = states.get(item.state, f"blocked: {item.note}")
    because, way_out = (
        f"Item {item.number} “{item.title}” is {state}.",
        f"/release tick {facts.release.key} {item.number}",
    )
    if item.owner_id in facts.gone:
        because = f"{because}{left_words(item.owner_id, facts)}"
        who = others(policy.holders_of("settle_any_item"), than=facts.gone)
        way_out = f"/release assign {facts.release.key} {item.number} @person"
    return Gate("item_open", False, because, who, way_out)


def item_owners(item: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> tuple[str, ...]:
    """Who answers for an item: its owner, else the people of its team, else the release's owner."""
    if item.owner_id:
        return (item.owner_id,)
    return facts.teams.get(item.team) or (facts.release.owner_id,)


def tasks_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Manual steps before the deployment are settled one after the other; the first open one holds it."""
    planned, held = steps(facts, "before"), next_step(facts, "before")
    if held is None:
        return [Gate("tasks", True, "Every task before the deployment is settled.")] if planned else []
    state = "in progress" if held.state == "in_progress" else "open"
    left = sum(task.state not in SETTLED for task in planned) - 1
    more = f" {left} more {'comes' if left == 1 else 'come'} after it." if left else ""
    left_by, who, way_out = how_settled(held, facts, policy)
    because = f"Task {held.number} “{held.title}” is {state}.{more}{left_by}"
    return [Gate("task_open", False, because, who, way_out)]


def roll_call_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """A no-go holds the release, so does a seat that was called and has not answered; an older call says nothing."""
    key, called = facts.release.key, counting_call(facts)
    callers, again = policy.holders_of("plan"), f"/release rollcall {key} until TIME"
    if called is None:
        because = "Nobody has called the roll, which a release of this kind needs."
        return [Gate("rollcall_missing", False, because, callers, again)] if must_call(facts, policy) else []
    found = result_of(facts, called, now)
    for line in (line for line in found.lines if line.said == "no_go"):
        title, over = seat_title(policy, line.seat), called.state == "closed" or now >= called.due_at
        who, way_out = (callers, again) if over else (roll_members(facts, line.seat, now), f"/release vote go {key}")
        return [Gate("rollcall_no_go", False, f"{title} said no-go: {line.reason}", who, way_out)]
    if found.silent and now < called.due_at:
        titles = " and ".join(seat_title(policy, seat) for seat in found.silent)
        who = tuple(dict.fromkeys(p for seat in found.silent for p in roll_members(facts, seat, now)))
        because = (
            f"The roll is called until {{0}}: {titles} {'has' if len(found.silent) == 1 else 'have'} not answered."
        )
        return [Gate("rollcall_open", False, because, who, f"/release vote go {key}", instants=(called.due_at,))]
    if found.silent or found.verdict != "go":
        titles = " and ".join(seat_title(policy, seat) for seat in found.silent)
        because = f"{titles} did not answer the roll call." if titles else "Nobody said go in the roll call."
        return [Gate("rollcall_silent", False, because, callers, again)]
    return [Gate("rollcall", True, "The roll call says go.", tuple(line.person for line in found.lines))]


def approvals_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Each seat of the release's kind must have said yes to exactly this, by as many people as it asks for."""
    return [_seat_gate(one, facts, policy, now) for one in seating(facts, policy, now)]


def _seat_gate(one: Seated, facts: ReleaseFacts, policy: Policy, now: datetime) -> Gate:
    title, key = policy.seats[one.seat].title, facts.release.key
    if one.complete:
        return Gate("approved", True, f"{title} approved.", one.filled_by)
    who, way_out = who_can_clear(facts, one, now), f"/release approve {key}"
    if one.declined_by:
        said = [a.comment for a in standing_answers(facts, now) if a.person_id == one.declined_by[-1]]
        return Gate("declined", False, f"{title} declined: {said[-1]}", who, way_out)
    if not who or one.impossible:
        return _nobody_gate(one, facts, policy, who)
    return Gate(*_what_is_missing(one, facts, policy, now), who, way_out)


def _nobody_gate(one: Seated, facts: ReleaseFacts, policy: Policy, who: tuple[str, ...]) -> Gate:
    title = policy.seats[one.seat].title
    if not who:
        because = f"Nobody may approve for {title}: everyone named for it wants this release or answered already."
    else:
        because = f"Too few people may approve for {title}: it asks for {one.places}, each in one seat."
    way_out = f"The policy has to name somebody else under seats: {one.seat}, or who owns the release hands it on."
    return Gate("nobody_may_approve", False, because, (), way_out)


def _what_is_missing(one: Seated, facts: ReleaseFacts, policy: Policy, now: datetime) -> tuple[str, bool, str]:
    title = policy.seats[one.seat].title
    mine = [a for a in facts.approvals if a.seat == one.seat]
    if len(one.open_to) > 1:
        titles = " or ".join(policy.seats[seat].title for seat in one.open_to)
        return "approval_missing", False, f"{title} has not approved: one more other person from {titles} has to."
    if one.filled_by and one.missing:
        given, more = one.places - one.missing, "one more other person has" if one.missing == 1 else "others have"
        return "approval_missing", False, f"{title} has {given} of {one.places}: {more} to say yes."
    if one.must and not one.missing:
        return "approval_missing", False, f"{title} needs the yes of {_count(one.must, policy, one.seat)} more."
    if because := next((barred(facts, now).get(a.person_id) for a in mine[-1:] if a.state == "standing"), None):
        return "approval_void", False, f"{title} has to be approved by somebody else: who answered {because}."
    if facts.left(one.seat):
        return "approver_left", False, f"Whoever answered for {title} does not sit there any more."
    if any(a.state == "expired" or (a.state == "standing" and has_expired(a, now)) for a in mine[-1:]):
        return "approval_expired", False, f"{title} has to approve again: its yes has expired."
    last = mine[-1] if mine else None
    if last and last.state == "withdrawn" and last.digest == facts.digest:
        return "approval_withdrawn", False, f"{title} has to answer again. {last.withdrawn_because}"
    if any(a.state == "withdrawn" or (a.state == "standing" and a.digest == facts.digest) for a in mine):
        return "approval_withdrawn", False, f"{title} has to approve again: what was approved has changed."
    return "approval_missing", False, f"{title} has not approved."


def _count(people: Sequence[str], policy: Policy, seat: str) -> str:
    whole = "everybody named for it" if policy.seats[seat].quorum == "all" else "those it cannot do without"
    return f"{whole}: {len(people)}"
