"""The gates about where: how far a release has come, whether the org is free."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from release_core.errors import Refused
from release_core.facts import UNDER_WAY, ReleaseFacts, gather, watched_until
from release_core.gate import Gate
from release_core.lookups import BEFORE_DEPLOYMENT, is_watched, state_of
from release_core.models import Release, Task
from release_core.permissions import others
from release_core.policy import Policy
from release_core.run_sheets import how_settled, next_step
from release_core.timeline import BOT
from release_core.ways_back import brings_back, rollback_to_undo

OWN_ATTEMPT = "own_attempt"  # the gate that a deployment of the release itself closes


def state_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """A release is deployed once; what is over stays over."""
    state = facts.release.state
    if state in (*BEFORE_DEPLOYMENT, "deploying"):
        return []
    if state == "soaking" and facts.next_org:
        return _soaking_gates(facts, policy, now)
    if state == "soaking":
        return [_watched_gate(facts, policy, now), *_going_back_gates(facts, policy)]
    way_out = "Plan a new release with /release new."
    if state == "rolled_back" and is_watched(facts.release) and facts.live_orgs:
        here = " and ".join(policy.title_of(org) for org in facts.live_orgs)
        way_out += f" It is still watched in {here}; to end that: /release close {facts.release.key}"
    over = Gate("over", False, f"{facts.release.key} is {state_of(facts.release)} already.", (), way_out)
    return [over, *_going_back_gates(facts, policy)]


def _watched_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Gate:
    """The last org has it: nothing more goes there with it; the watch ends by itself, or when somebody ends it."""
    key, title = facts.release.key, policy.title_of(facts.release.target_org)
    until, held = _watch_ends_at(facts, policy, now), next_step(facts, "after")
    ends = " until {0}" if until else ""
    because = f"{key} is live in {title} already and being watched{ends}.{_held_words(held)}"
    way_out = f"For more changes: /release new. The watch may end earlier: /release close {key}."
    return Gate("over", False, because, policy.holders_of("plan"), way_out, instants=(until,) if until else ())


def _held_words(held: Task | None) -> str:
    return f" Task {held.number} “{held.title}” has to be settled before it ends." if held else ""


def _watch_ends_at(facts: ReleaseFacts, policy: Policy, now: datetime) -> datetime | None:
    """When the watch in the target ends; None when it is over already, and something else holds it."""
    until = facts.watch_begun_again_until or watched_until(facts, policy)
    return until if until and now < until else None


def must_not_have_gone(session: Session, policy: Policy, release: Release, ending: str, now: datetime) -> None:
    """Refused when a release has gone to its org, with what comes next; `ending` completes "REL-1 is closed; …"."""
    if release.state in BEFORE_DEPLOYMENT:
        return
    key, title = release.key, policy.title_of(release.target_org)
    sentence, new = f"{key} is {state_of(release)}; {ending}", "Plan a new release with /release new."
    if release.state == "deploying":
        raise Refused("too_late", f"{sentence} Wait for its end, or stop it: /release stop {key}")
    if release.state != "soaking":
        raise Refused("too_late", f"{sentence} {new}")
    facts = gather(session, policy, release)
    held = _held_words(next_step(facts, "after"))
    if not facts.next_org:
        raise Refused("too_late", f"{sentence} {new}{held} The watch may end earlier: /release close {key}")
    following = policy.title_of(facts.next_org)
    sentence = f"{sentence} {following} comes next, when the watch in {title} ends.{held}"
    nobody = f"How long that is the policy's soak of {title} says; nobody may shorten it for one release."
    raise Refused("too_late", f"{sentence} {nobody}", passes_at=_watch_ends_at(facts, policy, now))


def _soaking_gates(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """The watch itself, beside everything that would let it begin again when it ends."""
    return [_soaking_gate(facts, policy, now), *_incident_gates(facts, policy), *_going_back_gates(facts, policy)]


def _soaking_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Gate:
    """A staged release stays in one org for a while, then goes on by itself to where the next one can be weighed."""
    here, following = policy.title_of(facts.release.target_org), policy.title_of(facts.next_org)
    until = _watch_ends_at(facts, policy, now)
    because = f"{facts.release.key} is being watched in {here}; then comes {following}."
    instants: tuple[datetime, ...] = ()
    if until:
        because, instants = (
            f"{facts.release.key} is being watched in {here} until {{0}}; then comes {following}.",
            (until,),
        )
    held = next_step(facts, "after")
    if held:
        left_by, who, way_out = how_settled(held, facts, policy)
        because += f" Task {held.number} “{held.title}” has to be settled before.{left_by}"
        return Gate("stage_soaking", False, because, who, way_out, instants=instants)
    return Gate("stage_soaking", False, because, (), "Wait for it.", instants=instants)


def stages_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """Every org of a staged release gets exactly what the ones before it hold, and only while it stays there."""
    release, found = facts.release, list[Gate]()
    if not release.path:
        return found
    for org in release.path[: release.path.index(release.target_org)]:
        live, title = facts.live_in(org), policy.title_of(org)
        if live is None:
            who: tuple[str, ...] = ()
            way_out = "Cancel the release and plan a new one."
            if rollback_to_undo(facts, org):
                who = policy.holders_of("roll_back")
                way_out = f"Bring it back there: /release rollback {release.key} in {title} -- reason"
            found.append(Gate("stage_missing", False, f"{title} comes first and does not hold it.", who, way_out))
        elif facts.package and live.archive_digest != facts.package.digest:
            because = f"{title} holds another package than the one that is attached."
            found.append(Gate("stage_differs", False, because, (), "Cancel the rest and plan a new release."))
    found += _going_back_gates(facts, policy)
    if found:
        return found
    place = f"{release.path.index(release.target_org) + 1} of {len(release.path)}"
    return [Gate("stage", True, f"{policy.title_of(release.target_org)} is stage {place}, with the same package.")]


def _going_back_gates(facts: ReleaseFacts, policy: Policy) -> list[Gate]:
    found, stage = [], "stage_" if facts.release.path else ""
    for wish, wished in facts.wished_back:
        what = "Bringing it back into" if wished.purpose == "rollback" else "Taking it back in"
        because = f"{what} {policy.title_of(wished.org)} was asked for and waits for a second person until {{0}}."
        who, way_out = others(policy.holders_of("roll_back"), than=(wish.requested_by,)), "Confirm or decline it first."
        found.append(Gate(f"{stage}wished_back", False, because, who, way_out, instants=(wish.expires_at,)))
    for back in facts.deployments:
        if back.purpose == "rollback" and back.state in UNDER_WAY:
            does = "brings it back into" if brings_back(facts, back) else "takes it back in"
            because = f"{back.key} {does} {policy.title_of(back.org)}."
            found.append(Gate(f"{stage}going_back", False, because, (), "Wait until it has finished."))
    return found


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


def _incident_gates(facts: ReleaseFacts, policy: Policy) -> list[Gate]:
    found = []
    for incident in facts.incidents:
        because = f"{incident.key} “{incident.title}” is open on {policy.title_of(incident.org)}."
        way_out = f"/incident resolve {incident.key} -- what was done"
        found.append(Gate("incident_open", False, because, (incident.commander_id,), way_out))
    return found


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
    found += _incident_gates(facts, policy)
    for own in facts.deployments:
        if own.purpose == "deployment" and own.state in UNDER_WAY:
            stopping = " A stop was asked for." if own.abort_requested_by else ""
            because = f"{own.key} deploys {facts.release.key} already.{stopping}"
            found.append(Gate(OWN_ATTEMPT, False, because, (own.requested_by,), "Wait until it has finished."))
    for other in facts.others:
        what = "proves the way back of another release" if other.purpose == "arming" else "is under way"
        who = others((other.requested_by,), than=(BOT,))
        because = f"{other.key} {what} on {title}."
        found.append(Gate("org_busy", False, because, who, "Wait until it has finished."))
    # What others do there right now, only the org knows; it is asked when somebody deploys.
    return found or [_free_gate(facts, title)]


def _free_gate(facts: ReleaseFacts, title: str) -> Gate:
    because = f"{title} is free: no lock, no incident, nothing of ours under way."
    last = facts.newest("deployment", org=facts.release.target_org)
    if last is None or last.result.get("held") != "org_taken" or last.finished_at is None:
        return Gate("org_free", True, because)
    because += f" At {{0}} somebody else's deployment held {last.key}; whether it has ended, the next try asks the org."
    return Gate("org_free", True, because, instants=(last.finished_at,))
