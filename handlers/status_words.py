"""What a release is doing, in words for people who only read."""

from __future__ import annotations

from datetime import datetime

from handlers.conversation import Message, Note, Paragraph, Part, Tone, at, bold
from handlers.phrases import org_title, who
from release_core.facts import ReleaseFacts
from release_core.models import Broadcast, Incident
from release_core.policy import Policy
from release_core.ways_back import brings_back

PLAIN = {
    "draft": "is being planned",
    "planned": "is planned",
    "ready": "is ready to go",
    "deploying": "is being put in place now. You may notice short pauses",
    "soaking": "is in place. We are watching it",
    "closed": "is in place and works. This was the last message about it",
    "cancelled": "was called off. Nothing changes for you. This was the last message about it",
    "failed": "could not be put in place. Nothing changed for you. We are working on it",
    "rolled_back": "was taken back. Everything works as it did before. This was the last message about it",
}
TONES: dict[str, Tone] = {
    "soaking": "good",
    "closed": "good",
    "failed": "failed",
    "rolled_back": "stop",
    "deploying": "wait",
}


def status_message(facts: ReleaseFacts, policy: Policy, broadcast: Broadcast, promised: datetime | None) -> Message:
    """A promised status: a person's words or ours, and when the next one comes."""
    release = facts.release
    words = broadcast.text or plain_words(facts, policy)
    by = f"From {who(broadcast.by)}. " if broadcast.text else ""
    following = f"Next update {at(promised)}." if promised else "No further update is planned."
    parts: list[Part] = [Paragraph(f"{bold(release.name)}: {words}"), Note(f"{by}{following}")]
    return Message(f"{release.name}: {words} {following}", parts, tone=TONES.get(release.state, "plain"))


def _not_all_back(facts: ReleaseFacts) -> str:
    """What was taken back in part, or could not be compared afterwards, is not said to be as it was before."""
    if facts.release.state != "rolled_back":
        return ""
    last, tell = "This was the last message about it", "Tell us if something does not work"
    results = [back.result for back in facts.taken_back]
    if any(result.get("differences") for result in results):
        return f"was taken back, but not everything is as it was before. {tell}. {last}"
    if any(result.get("not_compared") for result in results):
        return f"was taken back. Nobody could check yet that everything is as it was before. {tell}. {last}"
    if any(back.leave for back in facts.taken_back):
        return f"was taken back, but for parts that were kept on purpose. The rest works as it did before. {last}"
    return ""


def plain_words(facts: ReleaseFacts, policy: Policy) -> str:
    """Where a release stands, without a technical word."""
    release = facts.release
    words = _staged(facts, policy) or _again(facts) or _not_all_back(facts) or PLAIN[release.state]
    sentence = f"The change “{release.name}” {words}."
    if (
        release.state in ("planned", "ready")
        and not facts.live_orgs
        and facts.window
        and facts.window.state == "booked"
    ):
        sentence = f"The change “{release.name}” {PLAIN[release.state]} for {at(facts.window.starts_at)}."
    about = [i for i in facts.incidents if i.release_id == release.id]
    if about:
        sentence += f" People are looking into a problem that came up: {about[0].title}."
    return sentence


def _again(facts: ReleaseFacts) -> str:
    """What was taken back and then brought back is there again, which nobody would make out otherwise."""
    landed = [d for d in facts.deployments if d.purpose == "rollback" and d.state == "succeeded"]
    if facts.release.state != "soaking" or not landed or not brings_back(facts, landed[-1]):
        return ""
    return "was taken back for a while and is in place again. We are watching it"


def _staged(facts: ReleaseFacts, policy: Policy) -> str:
    """The same for a release that comes to several places one after the other; "" where that makes no difference."""
    release = facts.release
    have = " and ".join(org_title(policy, org) for org in facts.live_orgs)
    title = org_title(policy, release.target_org)
    if not release.path or not have:
        return ""
    last = "This was the last message about it"
    match release.state:
        case "soaking" if facts.next_org:
            again = " again" if _again(facts) else ""
            following = f"{org_title(policy, facts.next_org)} comes after that"
            return f"is in place in {have}{again}. We are watching it there; {following}"
        case "draft" | "planned" | "ready":
            window = facts.window
            when = f", planned for {at(window.starts_at)}" if window and window.state == "booked" else ""
            return f"is in place in {have}. {title} is next{when}"
        case "deploying":
            return f"is being put in place in {title} now, after {have}. You may notice short pauses"
        case "failed":
            return f"could not be put in place in {title}. Nothing changed there; {have} has it. We are working on it"
        case "cancelled":
            return f"goes no further: it stays in {have}. {last}"
        case "rolled_back":
            return f"was taken back where it made trouble and goes no further; it stays in {have}. {last}"
    return ""


def last_message(facts: ReleaseFacts, policy: Policy) -> Message:
    """The end of the story."""
    words = plain_words(facts, policy)
    return Message(words, [Paragraph(words)], tone=TONES.get(facts.release.state, "plain"))


def incident_words(incident: Incident, policy: Policy) -> Message:
    """An incident for people who only read."""
    title = org_title(policy, incident.org)
    if incident.state == "open":
        words = (
            f"Something does not work in {title}: {incident.title}. People are on it; we tell you when it is solved."
        )
        return Message(words, [Paragraph(words)], tone="stop")
    words = f"Solved in {title}: {incident.title}. {incident.resolution}"
    return Message(words, [Paragraph(words)], tone="good")
