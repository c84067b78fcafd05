"""Faults that can be asked for, each a number of times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.rehearsal.org.deploying import Outcome

OPERATIONS = ("deploy", "status", "cancel", "query", "retrieve", "login", "other")
FOREVER = "until called off"

ANSWERS = {  # the call is not carried out; kind -> (HTTP status, error code, text); without a code a page of HTML comes
    "invalid_session": (401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "rest_not_allowed": (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
    "unavailable": (503, "SERVER_UNAVAILABLE", "Server unavailable. Please try again in a moment."),
    "api_420": (420, "SERVER_UNAVAILABLE", "This instance is not available right now."),
    "request_limit_exceeded": (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "concurrent_limit": (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    "limit_exceeded": (400, "LIMIT_EXCEEDED", "You have reached a limit of your org. Please try again later."),
    "insufficient_access": (403, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id"),
    "api_disabled": (403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"),
    "maintenance": (
        503,
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        "Inserts, updates and deletes are not allowed while the org is in read-only maintenance.",
    ),
    "temporarily_unavailable": (
        503,
        "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
        "This functionality is temporarily unavailable.",
    ),
    "unknown_exception": (
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1421883-5310 (-1)",
    ),
    "servlet_state": (500, "", "Unexpected internal servlet state"),
    "too_many_requests": (429, "", "Too Many Requests"),
    "bad_gateway": (502, "", "Bad Gateway"),
    "gateway_timeout": (504, "", "Gateway Timeout"),
}
KINDS = {
    kind: f"the next call is answered {status} {code or text}" for kind, (status, code, text) in ANSWERS.items()
} | {
    "already_in_process": "the next deployment fails because Setup is locked by another change",
    "sharing_recalculation": "the next deployment fails because sharing rules are being recalculated",
    "finalizing_failed": "the next deployment ends as FinalizingFailed, with nothing changed",
    "unable_to_lock_row": "the first test of the next deployment that runs tests fails with UNABLE_TO_LOCK_ROW",
    "invalid_cross_reference_key": "one status poll at the end of Pending fails",
    "drop_before_accepting": "the connection is dropped before the next deployment is accepted",
    "drop_connection": "the next deployment is accepted, then the connection is dropped before the answer",
    "answer_withheld": "the next call is carried out, no answer comes for `seconds`, then the connection is dropped",
    "truncated_body": "the next answer stops in its middle",
    "unreadable_body": "the next call is carried out, but a page of HTML comes with status 200",
}
_USUALLY_ONLY = {"maintenance": "deploy", "drop_before_accepting": "deploy", "drop_connection": "deploy"}
_IN_JOBS = ("already_in_process", "sharing_recalculation", "finalizing_failed", "unable_to_lock_row")
_WITHHELD_FOR = 120.0  # seconds


@dataclass
class Fault:
    """One kind that was asked for: how often it is still to come (None: until called off), for which operation."""

    left: int | None = 1
    only: str = ""
    seconds: float = _WITHHELD_FOR


class Faults:
    """What is still to come, by kind."""

    def __init__(self, armed: Mapping[str, Fault] | None = None) -> None:
        self.armed = dict(armed or {})

    def ask_for(self, kind: str, count: int | None = 1, only: str = "", seconds: float = _WITHHELD_FOR) -> None:
        """Have a fault happen `count` times (0 calls it off, None: until called off); ValueError for what is unknown.

        `only` limits it to one of OPERATIONS; without it any call is hit but a login.
        """
        if kind not in KINDS:
            raise ValueError(f"There is no fault called {kind!r}. There are: {', '.join(sorted(KINDS))}.")
        if only and (only not in OPERATIONS or kind in _IN_JOBS):
            raise ValueError(f"{kind} cannot be limited to {only!r}. Operations are: {', '.join(OPERATIONS)}.")
        if count is not None and count <= 0:
            self.armed.pop(kind, None)
            return
        self.armed[kind] = Fault(count, only or _USUALLY_ONLY.get(kind, ""), seconds)

    def due(self, kind: str, operation: str = "") -> Fault | None:
        """The fault of this kind that hits an operation, if there is one; it is not used up."""
        fault = self.armed.get(kind)
        if fault is None:
            return None
        hit = fault.only == operation if fault.only else operation != "login"
        return fault if hit or not operation else None

    def take(self, kind: str, operation: str = "") -> bool:
        """Whether a fault of this kind is due; it is used up."""
        fault = self.due(kind, operation)
        if fault is None:
            return False
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                del self.armed[kind]
        return True

    @property
    def pending(self) -> dict[str, int | str]:
        """How often each kind is still to come."""
        return {kind: FOREVER if fault.left is None else fault.left for kind, fault in self.armed.items()}


_SETUP_LOCKED = (
    "The changes you requested require Salesforce to update the administration setup, "
    "which is being changed by another user or process. Please try again later."
)


def setup_is_locked() -> Outcome:
    """How a deployment ends while somebody else changes Setup."""
    return Outcome(error_code="ALREADY_IN_PROCESS", error_message=f"ALREADY_IN_PROCESS: {_SETUP_LOCKED}")


def sharing_is_recalculated() -> Outcome:
    """How a deployment ends while a sharing recalculation holds the org."""
    text = (
        "Sharing operation already in progress: the requested operation interferes with another operation "
        "that is currently in progress. Please try again later."
    )
    return Outcome(error_code="UNKNOWN_EXCEPTION", error_message=f"UNKNOWN_EXCEPTION: {text}")


def finalizing_fails(outcome: Outcome) -> None:
    """Let an outcome that would have been a success break at its last step."""
    outcome.status, outcome.after = "FinalizingFailed", None
    outcome.error_code, outcome.error_message = (
        "UNKNOWN_EXCEPTION",
        "UNKNOWN_EXCEPTION: The deployment could not be finalized",
    )


def lock_a_row(outcome: Outcome) -> None:
    """Make the first test of an outcome fail because a record is locked."""
    first = outcome.tests.outcomes[0]
    first.message = (
        "System.DmlException: Update failed. First exception on row 0; first error: UNABLE_TO_LOCK_ROW, "
        "unable to obtain exclusive access to this record: []"
    )
    first.stack = f"Class.{first.class_name}.{first.method}: line 1, column 1"
    outcome.status, outcome.after = "Failed", None
