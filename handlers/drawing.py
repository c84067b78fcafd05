"""What a post is drawn from, where it belongs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from handlers.conversation import (
    Message,
)
from release_core.facts import ReleaseFacts, gather
from release_core.lookups import find_release
from release_core.ports import Ports


@dataclass(frozen=True)
class Drawing:
    session: Session
    ports: Ports

    def facts(self, key: str) -> ReleaseFacts:
        return gather(self.session, self.ports.policy, find_release(self.session, key))

    @property
    def channels(self) -> tuple[str, str]:
        return self.ports.policy.channels.releases, self.ports.policy.channels.incidents

    def under(self, stream: str) -> tuple[str, str | None]:
        """The channel and thread in which things about a stream are said."""
        releases, incidents = self.channels
        if stream.startswith("REL-"):
            return releases, f"headline:{stream}"
        return (incidents, f"incident:{stream}") if stream.startswith("INC-") else (releases, None)


Placed = tuple[Message, str, str | None] | None
