"""The gates about when: a window, freezes over it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from release_core.facts import ReleaseFacts
from release_core.gate import Gate
from release_core.policy import Policy
from release_core.windows import Interval, freezes_over, is_inside_windows, next_open


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


def next_legal(facts: ReleaseFacts, policy: Policy, now: datetime) -> Interval | None:
    """When policy and freezes next let it start, looked for from its window on; None when not within 90 days."""
    waived = facts.waived_freezes(now)
    earliest = max(now, facts.window.starts_at) if facts.window else now
    return next_open(earliest, facts.release.target_org, policy.windows, facts.freezes, waived=waived)
