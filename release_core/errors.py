"""Everything Rollcall refuses, sorted by what the person can do next.

ReleaseError            root; str() is a sentence we would show a person
  Unclear               not understood: a usage hint or a field error
  NotFound              no such thing: the nearest names
  NotAllowed            who may
  Refused               a rule says no: which rule, when it could pass, the way out
  Conflict              somebody changed it first: look again
  OrgProblem
    OrgUnavailable      safe to try again, with backoff
    OrgRefused          credentials, permission, limits: an administrator acts
    OutcomeUnknown      asked, and lost the answer: look, then ask a person
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime


class ReleaseError(Exception):
    """A sentence that we would show a person."""


class Unclear(ReleaseError):
    """What was said or sent could not be understood.

    `field` names the form field or argument at fault, when there is one.
    """

    def __init__(self, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class NotFound(ReleaseError):
    """The thing named does not exist; `nearest` holds names that do."""

    def __init__(self, sentence: str, *, nearest: Sequence[str] = (), field: str | None = None) -> None:
        super().__init__(sentence)
        self.nearest = tuple(nearest)
        self.field = field


class NotAllowed(ReleaseError):
    """The actor lacks the right; `who_may` names people (chat ids) who have it."""

    def __init__(self, sentence: str, *, who_may: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.who_may = tuple(who_may)


class Refused(ReleaseError):
    """A rule says no.

    `code` is stable, for machines and tests. `passes_at` is the instant (aware UTC) at which the rule next could pass;
    `who` (chat ids) can clear what is in the way.
    """

    def __init__(self, code: str, sentence: str, *, passes_at: datetime | None = None, who: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.code = code
        self.passes_at = passes_at
        self.who = tuple(who)


class Conflict(ReleaseError):
    """Somebody changed it first: `by` (chat id, "" when that is not told), `at` (aware UTC).

    `did` begins the sentence that says so: "Changed by" somebody, at an instant.
    """

    def __init__(self, sentence: str, *, by: str = "", at: datetime | None = None, did: str = "It was") -> None:
        super().__init__(sentence)
        self.by = by
        self.at = at
        self.did = did


class OrgProblem(ReleaseError):
    """The org did not do what we asked; `code` is the org's own error code where it gave one."""

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class OrgUnavailable(OrgProblem):
    """The org cannot be reached or is busy; the same request may be made again later."""


class OrgRefused(OrgProblem):
    """The org refused for good: an administrator has to act."""


class OutcomeUnknown(OrgProblem):
    """We asked and lost the answer; look in the org before doing anything else."""
