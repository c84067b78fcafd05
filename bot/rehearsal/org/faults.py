"""Faults that can be asked for, each a number of times."""

from __future__ import annotations

from collections import Counter

from bot.rehearsal.org.deploying import Outcome

KINDS = {
    "invalid_session": "the next call is answered 401 INVALID_SESSION_ID",
    "already_in_process": "the next deployment fails because Setup is locked by another change",
    "unable_to_lock_row": "the first test of the next deployment that runs tests fails with UNABLE_TO_LOCK_ROW",
    "invalid_cross_reference_key": "one status poll at the end of Pending fails",
    "unavailable": "the next call is answered 503 SERVER_UNAVAILABLE",
    "api_420": "the next call is answered 420",
    "request_limit_exceeded": "the next call is answered 403 REQUEST_LIMIT_EXCEEDED",
    "unknown_exception": "the next call is answered 500 UNKNOWN_EXCEPTION",
    "drop_connection": "the next deployment is accepted, then the connection is dropped before the answer",
    "truncated_body": "the next answer stops in its middle",
}


class Faults:
    """How many of each kind are still to come."""

    def __init__(self, pending: dict[str, int] | None = None) -> None:
        self.pending: Counter[str] = Counter(pending or {})

    def ask_for(self, kind: str, count: int) -> None:
        """Have a fault happen `count` times (0 calls it off); ValueError for a kind there is not."""
        if kind not in KINDS:
            raise ValueError(f"There is no fault called {kind!r}. There are: {', '.join(sorted(KINDS))}.")
        self.pending[kind] = count

    def take(self, kind: str) -> bool:
        """Whether a fault of this kind is due; it is used up."""
        if self.pending[kind] <= 0:
            return False
        self.pending[kind] -= 1
        return True


_SETUP_LOCKED = (
    "The changes you requested require Salesforce to update the administration setup, "
    "which is being changed by another user or process. Please try again later."
)


def setup_is_locked() -> Outcome:
    """How a deployment ends while somebody else changes Setup."""
    return Outcome(error_code="ALREADY_IN_PROCESS", error_message=f"ALREADY_IN_PROCESS: {_SETUP_LOCKED}")


def lock_a_row(outcome: Outcome) -> None:
    """Make the first test of an outcome fail because a record is locked."""
    first = outcome.tests.outcomes[0]
    first.message = (
        "System.DmlException: Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, "
        "unable to obtain exclusive access to this record: []"
    )
    first.stack = f"Class.{first.class_name}.{first.method}: line 1, column 1"
    outcome.status, outcome.after = "Failed", None
