"""One answer to "may we go?", whatever it is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from release_core.facts import ReleaseFacts
from release_core.policy import Policy


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
        return with_instants(self.because, self.instants, show)


def with_instants(words: str, instants: Sequence[datetime], show: Callable[[datetime], str]) -> str:
    """Words with {0}, {1} … replaced by instants as `show` words them; other braces stay as they are."""

    def word(mark: re.Match[str]) -> str:
        number = int(mark[1])
        return show(instants[number]) if number < len(instants) else mark[0]

    return re.sub(r"\{(\d)\}", word, words)


Rule = Callable[[ReleaseFacts, Policy, datetime], Sequence[Gate]]
