"""How a release gets into its org: a person may choose another way while it has not gone."""

from __future__ import annotations

from collections.abc import Mapping

from release_core.approvals import ask_anew, withdraw_approvals
from release_core.errors import Conflict, Refused, Unclear
from release_core.lookups import find_release
from release_core.permissions import require
from release_core.policy import Strategy
from release_core.ports import Ports
from release_core.readiness import must_not_have_gone, settle_state
from release_core.timeline import Kind, record

WORDS: Mapping[str, str] = {
    "validate_then_quick": "a quick deploy of what was validated",
    "full": "a full deploy, whose tests run inside the window",
    "staged": "one org after the other",
}


def choose_strategy(ports: Ports, actor: str, key: str, strategy: Strategy, reason: str) -> None:
    """Go another way than planned, with the reason; whoever approved the old way is asked again."""
    require(ports.policy, actor, "plan")
    if len(reason.strip()) < 3:
        raise Unclear(f"Say why: /release strategy {key} {strategy} -- reason", field="note")
    now = ports.clock.now()
    with ports.store.transaction() as session:
        release = find_release(session, key)
        must_not_have_gone(session, ports.policy, release, "how it goes is settled.", now)
        if release.path or strategy == "staged":
            sentence = (
                f"{release.key} keeps its way: its orgs were planned with it. Plan a new release with /release new."
            )
            raise Refused("path_fixed", sentence)
        if release.strategy == strategy:
            raise Conflict(f"{release.key} goes by {WORDS[strategy]} already.")
        was, release.strategy = release.strategy, strategy
        session.add(release)
        details = {"was": was, "strategy": strategy, "reason": reason.strip()}
        record(session, Kind.STRATEGY_CHOSEN, stream=release.key, actor=actor, at=now, details=details)
        because = f"It is to go by {WORDS[strategy]} now: {reason.strip()}"
        withdraw_approvals(session, release, because, policy=ports.policy, actor=actor, now=now)
        ask_anew(session, ports.policy, release, now)
        settle_state(session, ports.policy, release, now)
