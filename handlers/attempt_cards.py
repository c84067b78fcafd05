"""What one attempt on an org looks like, live as well as in the end."""

from __future__ import annotations

from datetime import datetime

from handlers.attempt_costs import org_side, waits_to_be_asked_again
from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    bold,
    clean,
    code,
)
from handlers.phrases import (
    count,
    lasting,
    org_title,
    who,
)
from handlers.progress_words import progress_line, silence_words, usual_length
from handlers.release_words import in_full_words
from handlers.result_cards import result_parts
from release_core.deployments import MAY_HAVE_LANDED
from release_core.facts import UNDER_WAY, ReleaseFacts, counts
from release_core.models import Deployment
from release_core.policy import Policy
from release_core.test_plans import ran
from release_core.ways_back import brings_back


def deployment_card(facts: ReleaseFacts, policy: Policy, deployment: Deployment, now: datetime) -> Message:
    """One attempt, live and then for ever: what it does, how far it is, what a person acts on."""
    what = {
        "validation": "Validation",
        "deployment": "Deployment",
        "arming": "Proof of the way back",
        "rollback": "Rollback",
    }
    title = org_title(policy, deployment.org)
    undo = brings_back(facts, deployment)
    kind = "Undoing of the rollback" if deployment.purpose == "rollback" and undo else what[deployment.purpose]
    name = f"{kind} {deployment.key} of {facts.release.key} in {title}"
    first = _goes_first(facts, deployment)
    state, tone = _attempt_state(deployment, now, first)
    by = f"Asked by {who(deployment.requested_by)} {at(deployment.requested_at)}."
    parts: list[Part] = [Paragraph(f"{bold(name)}: {state}")]
    if deployment.finished_at is None and deployment.state in ("validating", "deploying", "requested", "verifying"):
        begun = deployment.state == "requested" and deployment.progress.get("begun")
        if not (waits_to_be_asked_again(deployment) or first or begun):
            parts.append(Paragraph(progress_line(deployment, now, usual_length(facts, deployment))))
        parts += [Paragraph(words) for words in silence_words(facts, policy, deployment)]
        parts += _stop_parts(deployment, facts.release.key, title)
    parts += result_parts(deployment, facts.release.key)
    parts += org_side(policy, deployment)
    parts.append(Note(f"{by} {_tests_words(facts, policy, deployment)}".strip()))
    return Message(f"{name}: {state}", parts, tone=tone)


def _tests_words(facts: ReleaseFacts, policy: Policy, deployment: Deployment) -> str:
    """Which tests the attempt runs, or why a quick deploy that was planned goes in full."""
    if deployment.purpose not in ("validation", "deployment"):
        return ""
    if deployment.validated_job_id:
        return f"A quick deploy of what was validated with {clean(str(ran(deployment)))}."
    in_full = in_full_words(facts, policy) if deployment.purpose == "deployment" else ""
    return f"Tests: {clean(str(ran(deployment)))}. {in_full}".strip()


def _stop_parts(deployment: Deployment, key: str, title: str) -> list[Part]:
    if deployment.abort_requested_by and deployment.progress.get("state") == "Finalizing":
        return [Paragraph(_too_late(deployment, key, title))]
    if not _can_be_stopped(deployment):
        return []
    text = f"{deployment.key} is asked to stop in {title}. It may be too late."
    stop = Confirm("Stop it?", text, "Stop it", "Let it run")
    return [Actions([Button("Stop", "release_stop", {"release": key}, weight="danger", confirm=stop)])]


def _can_be_stopped(deployment: Deployment) -> bool:
    """Whether a click on Stop may still be in time; what the org finalizes is not stopped by anybody."""
    known = deployment.progress.get("state")
    under_way = deployment.state != "verifying" and known not in ("Finalizing", "Canceling")
    return under_way and not deployment.abort_requested_by and deployment.purpose in ("validation", "deployment")


def _too_late(deployment: Deployment, key: str, title: str) -> str:
    if deployment.purpose == "validation":
        return f"Too late to stop: {title} is finalizing the check. It ends in moments."
    undo = code(f"/release rollback {key} -- reason")
    return f"Too late to stop: {title} is finalizing it, so it will land. To undo it: {undo}"


def _by_whom(deployment: Deployment) -> str:
    if deployment.abort_requested_by:
        return f" by {who(deployment.abort_requested_by)}"
    there = clean(str(deployment.result.get("stopped_by", "")))
    return f" in the org by {there}" if there else " in the org"


def _attempt_state(deployment: Deployment, now: datetime, first: str) -> tuple[str, Tone]:
    match deployment.state:
        case "validated":
            return _check_state(deployment, now)
        case "succeeded" if deployment.result.get("state") in MAY_HAVE_LANDED:
            return f"is in the org, although the org ended it as {deployment.result['state']}.", "stop"
        case "succeeded":
            late = " The stop that was asked for came too late." if deployment.abort_requested_by else ""
            return f"succeeded{_work(deployment)}.{late}", "good"
        case "rolled_back":
            later = "undone" if deployment.purpose == "rollback" else "rolled back"
            return f"succeeded and was {later} later.", "plain"
        case "cancelled" if deployment.purpose == "validation":
            return f"was stopped{_by_whom(deployment)}. Nothing was changed.", "withdrawn"
        case "cancelled":
            return _bad_end(deployment), "withdrawn"
        case "failed":
            return _bad_end(deployment), "failed"
        case "unknown":
            return _bad_end(deployment), "stop"
    return _unfinished(deployment, first), "wait"


def _goes_first(facts: ReleaseFacts, deployment: Deployment) -> str:
    """The attempt of ours that has to end in the org before this one begins; "" when none has."""
    if deployment.state != "requested":
        return ""
    every = sorted((*facts.deployments, *facts.others), key=lambda one: one.id or 0)
    before = [d for d in every if d.org == deployment.org and d.state in UNDER_WAY and d.state != "requested"]
    return before[0].key if before else ""


def _work(deployment: Deployment) -> str:
    """How long it took, how many tests ran."""
    took = ""
    if deployment.finished_at and deployment.asked_at:
        took = f" in {lasting(deployment.finished_at - deployment.asked_at)}"
    tests = deployment.result.get("tests", [0, 0, 0])
    return took + (f", {count(tests[1], 'test')}" if tests[1] else "")


def _check_state(deployment: Deployment, now: datetime) -> tuple[str, Tone]:
    if counts(deployment, now) and deployment.lapses_at:
        return f"passed{_work(deployment)}. Counts until {at(deployment.lapses_at)}.", "good"
    return f"passed, but does not count any more. {clean(deployment.voided_because) or 'It has lapsed.'}", "plain"


def _bad_end(deployment: Deployment) -> str:
    unchanged = " Nothing was changed (read back)." if deployment.result.get("unchanged") else ""
    if deployment.state == "cancelled":
        return f"was cancelled.{unchanged}"
    if deployment.state == "unknown":
        return f"nobody knows how it ended. {clean(deployment.problem)} Look in the org before anything else."
    if deployment.result.get("test_failures"):
        return "failed."  # each failed test stands below, with its place
    return f"failed. {clean(deployment.problem)}{unchanged}"


def _unfinished(deployment: Deployment, first: str) -> str:
    ended_as = deployment.result.get("state")
    if deployment.state == "verifying" and ended_as in MAY_HAVE_LANDED:
        return f"ended as {ended_as}, reading the org back to see what it holds."
    if deployment.state == "verifying":
        return "done, reading the org back."
    if deployment.state == "requested" and deployment.progress.get("begun"):
        return "has begun. Its snapshot is taken first; nothing is changed yet."
    if deployment.state == "requested":
        return f"waits for its turn{f': {first} goes first' if first else ''}."
    if waits_to_be_asked_again(deployment) and not deployment.abort_requested_by:
        return "waits, because the org is busy."
    return f"under way.{' A stop was asked for.' if deployment.abort_requested_by else ''}"
