"""May we go? One question, composed from everything that matters, each part with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from release_core.errors import Refused
from release_core.facts import UNDER_WAY, ReleaseFacts, counts, gather
from release_core.lookups import BEFORE_DEPLOYMENT
from release_core.models import ChecklistItem, Deployment, Release
from release_core.permissions import others
from release_core.policy import Policy
from release_core.risks import acceptance, is_compared, rows_of, who_may_accept
from release_core.run_sheets import next_step, steps, task_owners
from release_core.test_plans import is_same, may_become_quick, ran
from release_core.windows import Interval, freezes_over, is_inside_windows, next_open

SETTLED = ("done", "waived")
OWN_ATTEMPT = "own_attempt"  # the gate that a deployment of the release itself closes


@dataclass(frozen=True)
class Gate:
    """One answer to "may we go?".

    `code` is stable. `because` is a sentence; instants in it stand in `instants` and are written as {0}, {1} … so
    that each reader sees them in their own zone. `who` can clear it (chat ids), by doing `way_out`; `passes_at` is
    when it next could pass by itself.
    """

    code: str
    passes: bool
    because: str
    who: tuple[str, ...] = ()
    way_out: str = ""
    passes_at: datetime | None = None
    instants: tuple[datetime, ...] = ()

    def said(self, show: Callable[[datetime], str]) -> str:
        """`because` with its instants as `show` words them; braces in people's own words stay as they are."""

        def word(mark: re.Match[str]) -> str:
            number = int(mark[1])
            return show(self.instants[number]) if number < len(self.instants) else mark[0]

        return re.sub(r"\{(\d)\}", word, self.because)


Rule = Callable[[ReleaseFacts, Policy, datetime], Sequence[Gate]]


def gates(facts: ReleaseFacts, policy: Policy, now: datetime) -> list[Gate]:
    """Every gate of a release at `now`, those that block first."""
    if over := state_gate(facts, policy, now):
        return list(over)  # nothing else matters any more
    found = [gate for rule in RULES for gate in rule(facts, policy, now)]
    return sorted(found, key=lambda gate: gate.passes)


def blocking(facts: ReleaseFacts, policy: Policy, now: datetime) -> list[Gate]:
    """The gates that say no."""
    return [gate for gate in gates(facts, policy, now) if not gate.passes]


def next_legal(facts: ReleaseFacts, policy: Policy, now: datetime) -> Interval | None:
    """When policy and freezes next let it start, looked for from its window on; None when not within 90 days."""
    waived = facts.waived_freezes(now)
    earliest = max(now, facts.window.starts_at) if facts.window else now
    return next_open(earliest, facts.release.target_org, policy.windows, facts.freezes, waived=waived)


def settle_state(session: Session, policy: Policy, release: Release, now: datetime) -> None:
    """Move a release that has not been deployed to draft, planned or ready, as its facts say."""
    if release.state not in BEFORE_DEPLOYMENT:
        return
    session.flush()
    facts = gather(session, policy, release)
    settle_items(session, facts, now)
    timeless = [gate for gate in blocking(facts, policy, now) if gate.code not in DEPENDS_ON_TIME]
    if facts.window is None and not facts.live_orgs:
        release.state = "draft"
    else:
        release.state = "planned" if timeless or facts.window is None else "ready"
    session.add(release)


def settle_items(session: Session, facts: ReleaseFacts, now: datetime) -> None:
    """Tick the items that settle themselves."""
    truths = {"validated": _target_validation(facts, now) is not None, "snapshot": _has_snapshot(facts)}
    for item in facts.items:
        if item.rule and item.state != "waived":
            state = "done" if truths[item.rule] else "open"
            if item.state != state:
                item.state, item.changed_by, item.changed_at = state, "rollcall", now
                session.add(item)


def _has_snapshot(facts: ReleaseFacts) -> bool:
    attempts = (d for d in facts.deployments if d.purpose == "deployment" and d.org == facts.release.target_org)
    return any(d.snapshot_digest for d in attempts)


def _target_validation(facts: ReleaseFacts, now: datetime) -> Deployment | None:
    newest = facts.newest("validation", org=facts.release.target_org)
    fits = newest and facts.package and newest.archive_digest == facts.package.digest and counts(newest, now)
    return newest if newest and fits and is_same(ran(newest), facts.tests) else None


def state_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """A release is deployed once; what is over stays over."""
    state = facts.release.state
    if state in (*BEFORE_DEPLOYMENT, "deploying"):
        return []
    if state == "soaking" and facts.next_org:
        return [_soaking_gate(facts, policy)]
    way_out = "Plan a new release with /release new."
    return [Gate("over", False, f"{facts.release.key} is {state.replace('_', ' ')} already.", (), way_out)]


def _soaking_gate(facts: ReleaseFacts, policy: Policy) -> Gate:
    """A staged release stays in one org for a while, then goes on by itself to where the next one can be weighed."""
    here, following = policy.title_of(facts.release.target_org), policy.title_of(facts.next_org)
    because = f"{facts.release.key} is being watched in {here}; then comes {following}."
    held = next_step(facts, "after")
    if held:
        because += f" Task {held.number} “{held.title}” has to be settled before."
        way_out = f"/release task done {facts.release.key} {held.number}"
        return Gate("stage_soaking", False, because, task_owners(held, facts), way_out)
    return Gate("stage_soaking", False, because, (), "Wait for it.")


def stages_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Every org of a staged release gets exactly what the ones before it hold, and only while it stays there."""
    release, found = facts.release, list[Gate]()
    if not release.path:
        return found
    for org in release.path[: release.path.index(release.target_org)]:
        live, title = facts.live_in(org), policy.title_of(org)
        if live is None:
            way_out = "Cancel the release and plan a new one."
            found.append(Gate("stage_missing", False, f"{title} comes first and does not hold it.", (), way_out))
        elif facts.package and live.archive_digest != facts.package.digest:
            because = f"{title} holds another package than the one that is attached."
            found.append(Gate("stage_differs", False, because, (), "Cancel the rest and plan a new release."))
    for wished in facts.wished_back:
        because = f"Taking it back in {policy.title_of(wished.org)} was asked for and waits for a second person."
        found.append(Gate("stage_wished_back", False, because, policy.holders_of("roll_back"), "Decide that first."))
    for back in facts.deployments:
        if back.purpose == "rollback" and back.state in UNDER_WAY:
            because = f"{back.key} takes it back in {policy.title_of(back.org)}."
            found.append(Gate("stage_going_back", False, because, (back.requested_by,), "Wait until it has finished."))
    if found:
        return found
    place = f"{release.path.index(release.target_org) + 1} of {len(release.path)}"
    return [Gate("stage", True, f"{policy.title_of(release.target_org)} is stage {place}, with the same package.")]


def outcome_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """While nobody knows what became of an attempt, it is not repeated: a person looks first."""
    way_out = f"/release clarify {facts.release.key} -- what Deployment Status in Setup says"
    who = policy.holders_of("deploy")
    return [Gate("outcome_unknown", False, f"Nobody knows what became of {d.key}.", who, way_out) for d in facts.lost]


def must_be_known(facts: ReleaseFacts) -> None:
    """Refused while nobody knows what became of an attempt: what comes next depends on it."""
    if facts.lost:
        key, lost = facts.release.key, facts.lost[-1].key
        raise Refused(
            "outcome_unknown",
            f"Nobody knows what became of {lost}. Look in the org first, then: /release clarify {key}",
        )


def package_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """There must be something to deploy."""
    if facts.package:
        return [Gate("package", True, f"The package {facts.package.file_name} is attached.")]
    who = policy.holders_of("attach")
    return [Gate("no_package", False, "No package is attached.", who, f"/release attach {facts.release.key}")]


def items_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Every required item must be done or waived; the snapshot is taken on the way."""
    open_items = [i for i in facts.items if i.required and i.rule == "" and i.state not in SETTLED]
    if not open_items:
        return [Gate("checklist", True, "Every required item of the checklist is settled.")]
    return [_item_gate(item, facts, policy) for item in open_items]


def tasks_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Manual steps before the deployment are settled one after the other; the first open one holds it."""
    planned, held = steps(facts, "before"), next_step(facts, "before")
    if held is None:
        return [Gate("tasks", True, "Every task before the deployment is settled.")] if planned else []
    state = "in progress" if held.state == "in_progress" else "open"
    left = sum(task.state not in SETTLED for task in planned) - 1
    more = f" {left} more {'comes' if left == 1 else 'come'} after it." if left else ""
    because = f"Task {held.number} “{held.title}” is {state}.{more}"
    way_out = f"/release task done {facts.release.key} {held.number}"
    return [Gate("task_open", False, because, task_owners(held, facts), way_out)]


def _item_gate(item: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> Gate:
    who = item_owners(item, facts, policy)
    state = {"open": "open", "in_progress": "in progress"}.get(item.state, f"blocked: {item.note}")
    way_out = f"/release tick {facts.release.key} {item.number}"
    return Gate("item_open", False, f"Item {item.number} “{item.title}” is {state}.", who, way_out)


def item_owners(item: ChecklistItem, facts: ReleaseFacts, policy: Policy) -> tuple[str, ...]:
    """Who answers for an item: its owner, else the people of its team, else the release's owner."""
    if item.owner_id:
        return (item.owner_id,)
    return facts.teams.get(item.team) or (facts.release.owner_id,)


def validation_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """The package must have passed a check-only run with tests in the target, and that run must still count."""
    if facts.package is None:
        return []
    title = policy.title_of(facts.release.target_org)
    valid = _target_validation(facts, now)
    if valid and valid.lapses_at:
        return [_validated(valid, valid.lapses_at, facts, title)]
    newest = facts.newest("validation", org=facts.release.target_org)
    if once := _passed_once(newest, facts):
        return [Gate("validated_once", True, f"{once} {title}; its tests run again inside the window.")]
    code, because = _why_not_validated(newest, facts, title, now)
    if code == "validating":
        return [Gate(code, False, because, (), "Wait for its end.")]
    who = policy.holders_of("validate")
    return [Gate(code, False, because, who, f"/release validate {facts.release.key}")]


def _passed_once(newest: Deployment | None, facts: ReleaseFacts) -> str:
    """What a full deploy needs, as it runs the tests itself: this package passed once, whatever landed since."""
    if facts.release.strategy != "full" or newest is None or facts.package is None:
        return ""
    same = newest.archive_digest == facts.package.digest and is_same(ran(newest), facts.tests)
    passed = newest.state == "validated" and same
    return f"{newest.key} passed once in" if passed else ""


def _validated(valid: Deployment, lapses_at: datetime, facts: ReleaseFacts, title: str) -> Gate:
    """Until when it counts, whether that is as long as the window, whether a quick deploy follows from it."""
    because, instants = f"Validated in {title} ({valid.key}), counts until {{0}}", (lapses_at,)
    in_full = _in_full_words(facts, valid)
    if facts.window is None:
        return Gate("validated", True, f"{because}.{in_full}", instants=instants)
    if lapses_at >= facts.window.ends_at:
        return Gate("validated", True, f"{because}, longer than the window.{in_full}", instants=instants)
    if lapses_at <= facts.window.starts_at:
        short = f"{because}, which is before the window opens: validate again."
    else:
        short = f"{because}, but the window is open until {{1}}: start before, or validate again."
    way_out = f"/release validate {facts.release.key}"
    return Gate("validated", True, f"{short}{in_full}", (), way_out, instants=(lapses_at, facts.window.ends_at))


def _in_full_words(facts: ReleaseFacts, valid: Deployment) -> str:
    if facts.release.strategy == "full" or may_become_quick(valid):
        return ""
    return " No tests ran in it, so the deployment goes in full: Salesforce takes no quick deploy without."


def _why_not_validated(newest: Deployment | None, facts: ReleaseFacts, title: str, now: datetime) -> tuple[str, str]:
    if newest is None:
        earlier = [d for d in facts.deployments if d.purpose == "validation" and d.state == "failed"]
        where = f" The last run ({earlier[-1].key}) failed before it got there." if earlier else ""
        return "not_validated", f"The package has not been validated in {title}.{where}"
    assert facts.package is not None, "asked only with a package"
    if newest.archive_digest != facts.package.digest:
        return "validated_another", f"What was validated in {title} ({newest.key}) was another package."
    if newest.voided_because:
        return "validation_void", f"The validation {newest.key} does not count any more: {newest.voided_because}"
    if newest.state == "validated" and not is_same(ran(newest), facts.tests):
        return (
            "validated_otherwise",
            f"The validation {newest.key} in {title} ran {ran(newest)}; the release wants {facts.tests} now.",
        )
    if newest.state == "validated":
        return "validation_lapsed", f"The validation {newest.key} in {title} has lapsed; it counted for 10 days."
    if newest.state in ("requested", "validating"):
        return "validating", f"The validation {newest.key} in {title} is still running."
    return (
        "validation_failed",
        f"The validation {newest.key} in {title} {newest.state}: {newest.problem or 'see its post'}",
    )


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


def way_back_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """It must be known how the release would come back; what cannot is accepted in writing by the policy's seat."""
    package, key, org = facts.package, facts.release.key, facts.release.target_org
    if package is None:
        return []
    if not is_compared(package, org):
        because = f"The package is not compared with {policy.title_of(org)} yet: nobody knows how it would come back."
        may_go = facts.release.kind == "emergency"  # it is better late to know than to let production burn
        return [Gate("not_compared", may_go, because, policy.holders_of("validate"), f"/release compare {key}")]
    lost = rows_of(package, "impossible")
    if not lost:
        return [Gate("way_back", True, "No part of the package is impossible to bring back.")]
    given = acceptance(facts, "impossible", now)
    if given:
        because = f"What cannot come back ({len(lost)}) was accepted for {_seat_title(policy, given.seat)}: "
        return [Gate("impossible_accepted", True, because + given.reason, (given.by,))]
    return [_not_accepted(facts, policy, [f"{row[0]} {row[1]}" for row in lost])]


def _not_accepted(facts: ReleaseFacts, policy: Policy, lost: Sequence[str]) -> Gate:
    seat, who = policy.seat_that_accepts("impossible", facts.release.kind), who_may_accept(facts, "impossible")
    more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
    because = f"Once deployed, this cannot come back: {', '.join(lost[:4])}{more}. "
    if who:
        because += f"{_seat_title(policy, seat)} has not accepted that in writing."
        way_out = f"/release accept {facts.release.key} -- reason"
    else:
        because += "Nobody may accept that."
        way_out = "An administrator names a seat under acceptances in the policy, with somebody else than the author."
    return Gate("impossible_not_accepted", False, because, who, way_out)


def _seat_title(policy: Policy, seat: str) -> str:
    return policy.seats[seat].title if seat in policy.seats else seat


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


def window_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """A deployment starts inside its own window, which lies inside the policy's."""
    release, window = facts.release, facts.window
    who = policy.holders_of("set_window")
    way_out = f"/release window {release.key} at TIME for 2h"
    if window is None:
        return [Gate("no_window", False, "No window is set.", who, way_out)]
    if now >= window.ends_at:
        return [Gate("window_over", False, "The window ended {0}.", who, way_out, instants=(window.ends_at,))]
    if not is_inside_windows(Interval(window.starts_at, window.ends_at), release.target_org, policy.windows):
        because = "The window {0} to {1} lies outside the times at which the policy lets this org be deployed to."
        return [Gate("window_illegal", False, because, who, way_out, instants=(window.starts_at, window.ends_at))]
    if now < window.starts_at:
        because = "The window opens {0}."
        return [Gate("window_ahead", False, because, (), "Wait for it.", window.starts_at, (window.starts_at,))]
    return [Gate("window", True, "The window is open until {0}.", instants=(window.ends_at,))]


def freeze_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Every freeze over the earliest moment at which the release could start must be waived by name."""
    window, org = facts.window, facts.release.target_org
    ahead = window is not None and now < window.ends_at
    start = max(now, window.starts_at) if window and ahead else now
    waived = facts.waived_freezes(now)
    found = []
    for span in freezes_over(start, org, facts.freezes):
        if span.key in waived:
            found.append(Gate("freeze_waived", True, f"The freeze {span.key} “{span.name}” is waived."))
            continue
        because = f"The freeze {span.key} “{span.name}” covers {{0}} to {{1}}."
        way_out = f"/release waive {facts.release.key} {span.key} -- reason"
        instants = (span.starts_at, span.ends_at)
        who = policy.holders_of("waive_freeze")
        found.append(Gate("freeze", False, because, who, way_out, span.ends_at, instants))
    if window and ahead:
        for span in freezes_over(Interval(start, window.ends_at), org, facts.freezes, waived=waived):
            if start < span.starts_at:
                because = f"The freeze {span.key} “{span.name}” begins {{0}}, inside the window: start before."
                found.append(Gate("freeze_ahead", True, because, instants=(span.starts_at,)))
    return found or [Gate("no_freeze", True, "No freeze is in the way.")]


def org_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """The org must be known and free: no lock, no open incident, nobody of ours deploying, this release included."""
    title = policy.title_of(facts.release.target_org)
    found = []
    if facts.release.target_org not in policy.orgs:
        way_out = "An administrator puts it back under orgs."
        found.append(Gate("org_unknown", False, f"The policy does not name the org {title} any more.", (), way_out))
    if facts.lock:
        who = policy.holders_of("lock_org")
        because = f"{title} is locked: {facts.lock.reason}"
        found.append(Gate("org_locked", False, because, who, f"/release unlock in {title} -- reason"))
    for incident in facts.incidents:
        because = f"{incident.key} “{incident.title}” is open on {policy.title_of(incident.org)}."
        way_out = f"/incident resolve {incident.key} -- what was done"
        found.append(Gate("incident_open", False, because, (incident.commander_id,), way_out))
    for own in facts.deployments:
        if own.purpose == "deployment" and own.state in UNDER_WAY:
            because = f"{own.key} deploys {facts.release.key} already."
            found.append(Gate(OWN_ATTEMPT, False, because, (own.requested_by,), "Wait until it has finished."))
    for other in facts.others:
        because = f"{other.key} is under way on {title}."
        found.append(Gate("org_busy", False, because, (other.requested_by,), "Wait until it has finished."))
    return found or [Gate("org_free", True, f"{title} is free: no lock, no incident, nobody deploying.")]


RULES: Sequence[Rule] = (
    state_gate,
    outcome_gate,
    package_gate,
    stages_gate,
    items_gate,
    tasks_gate,
    validation_gate,
    approvals_gate,
    way_back_gate,
    window_gate,
    freeze_gate,
    org_gate,
)
DEPENDS_ON_TIME = ("window_ahead", "freeze", "org_locked", "incident_open", "org_busy")
