"""The gates that people open: items, tasks, approvals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from release_core.facts import ReleaseFacts
from release_core.gate import Gate
from release_core.models import ChecklistItem
from release_core.permissions import others
from release_core.policy import Policy
from release_core.run_sheets import SETTLED, how_settled, left_words, next_step, steps


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
    open_items = [i for i in facts.items if i.required and i.rule == "" and i.state not in SETTLED]
    if not open_items:
        return [Gate("checklist", True, "Every required item of the checklist is settled.")]
    return [_item_gate(item, facts, policy) for item in open_items]


def _item_gate(item: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> Gate:
    who = item_owners(item, facts, policy)
    state = {"open": "open", "in_progress": "in progress"}.get(item.state, f"blocked: {item.note}")
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


def approvals_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Each seat of the release's kind must have said yes to exactly this."""
    found = []
    for seat in facts.seats:
        title = policy.seats[seat].title
        answer = facts.approval(seat)
        if answer and answer.yes:
            found.append(Gate("approved", True, f"{title} approved.", (answer.person_id,)))
            continue
        who = who_may_answer(facts, seat)
        if answer:
            because, code = f"{title} declined: {answer.comment}", "declined"
        elif not who:
            because = f"Nobody may approve for {title}: everyone named for it attached the package or answered already."
            code = "nobody_may_approve"
        elif facts.left(seat):
            because, code = f"Whoever answered for {title} does not sit there any more.", "approver_left"
        elif any(a.seat == seat and a.state == "withdrawn" for a in facts.approvals):
            because, code = f"{title} has to approve again: what was approved has changed.", "approval_withdrawn"
        else:
            because, code = f"{title} has not approved.", "approval_missing"
        found.append(Gate(code, False, because, who, f"/release approve {facts.release.key}"))
    return found


def barred_from_approving(facts: ReleaseFacts) -> tuple[str, ...]:
    """People who may not approve because the package is theirs."""
    return tuple(facts.authors)


def who_may_answer(facts: ReleaseFacts, seat: str) -> tuple[str, ...]:
    """The people who can fill a seat now: not the package's authors, nobody who fills another seat."""
    barred = (*barred_from_approving(facts), *_answered_elsewhere(facts, seat))
    return others(facts.seats.get(seat, ()), than=barred)


def _answered_elsewhere(facts: ReleaseFacts, seat: str) -> tuple[str, ...]:
    """People who cannot fill a seat because they filled another one: one person, one seat."""
    given = [answer for other in facts.seats if other != seat and (answer := facts.approval(other))]
    return tuple(answer.person_id for answer in given)
