"""Bringing a release back that was rolled back: until when, by whom, with which click."""

from __future__ import annotations

from collections.abc import Iterator

from handlers.conversation import Button, at, clean, code, people
from handlers.phrases import org_title
from release_core.facts import Standing
from release_core.models import Deployment
from release_core.policy import Policy
from release_core.ways_back import rollback_to_undo


def undo_buttons(facts: Standing, policy: Policy) -> list[Button]:
    """One click for each org into which a release can be brought back."""
    return [_button(facts, policy, back) for back in _rollbacks(facts) if rollback_to_undo(facts, back.org)]


def _button(facts: Standing, policy: Policy, back: Deployment) -> Button:
    where = {"org": back.org} if facts.release.path else {}
    label = f"Undo rollback in {org_title(policy, back.org)}" if where else "Undo rollback"
    return Button(label, "release_rollback", {"release": facts.release.key, **where})


def undo_lines(facts: Standing, policy: Policy) -> list[str]:
    """For each org that a release was taken back in: whether it can come back, until when, who asks."""
    return [_line(facts, policy, back) for back in _rollbacks(facts)]


def _line(facts: Standing, policy: Policy, back: Deployment) -> str:
    title, key = org_title(policy, back.org), facts.release.key
    if rollback_to_undo(facts, back.org) is None:
        because = clean(str(back.result.get("rollback_note") or "no package was built that brings it back."))
        return f"The rollback in {title} ({back.key}) cannot be undone by Rollcall: {because}"
    until = ""
    if facts.release.closed_at:
        until = f" until {at(facts.release.closed_at + policy.keep_artifacts)}, later while nothing else comes there"
    org = f" in {policy.title_of(back.org)}" if facts.release.path else ""
    ask = code(f"/release rollback {key}{org} -- reason")
    holders = people(policy.holders_of("roll_back")[:5], last="or")
    return (
        f"The rollback in {title} ({back.key}) can be undone{until}: {holders} asks with {ask}, another one confirms."
    )


def _rollbacks(facts: Standing) -> Iterator[Deployment]:
    """The newest rollback in each org that a release is out of now."""
    if facts.release.state == "deploying":
        return  # nobody may ask before its end
    for org in dict.fromkeys(d.org for d in facts.deployments if d.purpose == "rollback"):
        # A wish to undo one that failed is a rollback too, after which the one that landed still stands.
        landed = [d for d in facts.deployments if d.purpose == "rollback" and d.org == org and d.state == "succeeded"]
        if landed and facts.live_in(org) is None:
            yield landed[-1]
