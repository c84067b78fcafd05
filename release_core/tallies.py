"""What a roll call comes to: go, no-go, who abstained, who was silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from release_core.facts import ReleaseFacts
from release_core.models import RollCall, RollCallVoice
from release_core.policy import Policy
from release_core.seats import stand_ins

Said = Literal["go", "no_go", "abstain"]
Verdict = Literal["go", "no_go", "silent", "nobody"]
SAID_WORDS: Mapping[str, str] = {"go": "go", "no_go": "no-go", "abstain": "abstains"}


@dataclass(frozen=True)
class Line:
    """What one seat said, by whom (chat id), when (ISO 8601)."""

    seat: str
    said: str
    person: str
    reason: str
    at: str


@dataclass(frozen=True)
class Tally:
    """What every seat said; `silent` are those that did not answer."""

    lines: Sequence[Line]
    silent: Sequence[str]

    @property
    def verdict(self) -> Verdict:
        """One no-go is enough; silence is no go; where everybody abstains, nobody said go."""
        said = {line.said for line in self.lines}
        if "no_go" in said:
            return "no_go"
        if self.silent:
            return "silent"
        return "go" if "go" in said else "nobody"

    def as_plain(self) -> dict[str, Any]:
        """The same as values for JSON, to be frozen."""
        lines = [[line.seat, line.said, line.person, line.reason, line.at] for line in self.lines]
        return {"verdict": self.verdict, "lines": lines, "silent": list(self.silent)}


def tally(seats: Sequence[str], voices: Sequence[RollCallVoice]) -> Tally:
    """What these seats said, each by its newest voice; `voices` oldest first."""
    newest = {voice.seat: voice for voice in voices}
    lines = [
        Line(seat, voice.said, voice.person_id, voice.reason, voice.at.isoformat())
        for seat in seats
        if (voice := newest.get(seat))
    ]
    return Tally(lines, tuple(seat for seat in seats if seat not in newest))


def result_of(facts: ReleaseFacts, called: RollCall, now: datetime) -> Tally:
    """How a roll call stands; one that is over as it was frozen."""
    if called.state == "closed":
        return Tally([Line(*line) for line in called.result["lines"]], tuple(called.result["silent"]))
    return tally([str(seat) for seat in called.seats], facts.roll_voices)


def counting_call(facts: ReleaseFacts) -> RollCall | None:
    """The roll call about exactly what would be deployed now, where it would go."""
    called = facts.roll_call
    if called is None or (called.digest, called.org) != (facts.digest, facts.release.target_org):
        return None
    return called


def must_call(facts: ReleaseFacts, policy: Policy) -> bool:
    """Whether the release goes only after a roll call."""
    return policy.must_call_the_roll(facts.release.kind)


def roll_members(facts: ReleaseFacts, seat: str, now: datetime) -> tuple[str, ...]:
    """Who may answer for a seat in a roll call: who sits there, and whoever stands in for them."""
    sitting = facts.roll_people.get(seat, ())
    deputies = [deputy for person in sitting for deputy in stand_ins(facts.absences, person, now)]
    return tuple(dict.fromkeys((*sitting, *deputies)))


def seat_title(policy: Policy, seat: str) -> str:
    """How people call a seat; its key when the policy does not name it any more."""
    return policy.seats[seat].title if seat in policy.seats else seat
