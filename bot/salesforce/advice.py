"""What each failure of an org means for people: whether to wait, to call an administrator, or to look first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.salesforce.failures import CALL_FAILURES, Failure, read_failure
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.ports import Busy, JobStatus

Manner = Literal["read", "change", "start"]
"""How a call may be repeated: a `read` at will; a `change` does no harm twice; a `start` never blindly."""

READ_TRIES = 5


class SessionExpired(OrgUnavailable):
    """The session is over; a new login may mend it."""


@dataclass(frozen=True)
class Asked:
    """What we asked (in words that follow "did not"), of which host, in which manner."""

    where: str
    act: str
    manner: Manner = "read"


@dataclass(frozen=True)
class Advice:
    """One row of the error table: the kind of problem, the fact, the next step, tries of a read before we give up."""

    kind: type[OrgProblem]
    fact: str
    step: str
    tries: int = 1


_EXPIRED = Advice(
    SessionExpired, "the session has ended", "Nothing was started. Ask again: the next call logs in anew."
)
_NO_REST = Advice(
    OrgRefused,
    "this login may never use the REST API",
    "An administrator has to allow API access for the connected app and the user, then repeat.",
)
_DAILY = Advice(
    OrgRefused,
    "the org's daily budget of API calls is used up",
    "Wait until calls of the last 24 hours expire, or have an administrator raise the limit.",
)
_CONCURRENT = Advice(
    OrgUnavailable,
    "too many long requests run in the org at once",
    "It usually passes within minutes; repeat then.",
    READ_TRIES,
)
_PERMISSION = Advice(
    OrgRefused,
    "the user we log in as lacks a permission",
    'An administrator has to grant "API Enabled" and "Modify Metadata" (with Apex also "Author Apex"), then repeat.',
)
_TRANSIENT = Advice(OrgUnavailable, "the org is busy or being restarted", "Repeat in a few minutes.", READ_TRIES)
_ASLEEP = Advice(
    OrgUnavailable,
    "the org asks us to stay away for now",
    "Repeat in some minutes; a scratch org that has ended answers like this for ever.",
    2,
)
_NOT_SEEN = Advice(
    OrgUnavailable,
    "the org loses sight of a job for a moment while it begins",
    "Ask for its state again in a few seconds.",
    3,
)
_STUMBLED = Advice(OrgUnavailable, "the org stumbled over itself", "Repeat in a few minutes.", READ_TRIES)
_UNREADABLE = Advice(OrgUnavailable, "its answer could not be read", "Repeat in a few minutes.", READ_TRIES)
_ROW_LOCK = Advice(
    OrgUnavailable,
    "a record was locked by somebody else",
    "Run it once more; if it happens again, stop the job that holds the record.",
)
_SETUP_LOCK = Advice(
    OrgUnavailable,
    "another change to the org's setup is in progress",
    "Wait until it has ended, then start the same deployment again.",
)
_SHARING = Advice(
    OrgUnavailable,
    "a sharing recalculation holds the org's setup",
    "It can take an hour; wait until Setup → Background Jobs shows its end, then start again.",
)
_OPTIONS = Advice(
    OrgRefused,
    "the org does not accept these options",
    "Leave the test level to the org, or choose RunLocalTests, then start again.",
)
_MAINTENANCE = Advice(
    OrgUnavailable,
    "the org is under maintenance",
    "Look at status.salesforce.com for its end, then choose a later time.",
)
_QUOTA = Advice(
    OrgRefused,
    "a limit of the org is reached",
    "Wait until running jobs have ended, or have an administrator raise the limit.",
)
_GONE_VERSION = Advice(
    OrgRefused,
    "the org does not offer this API version",
    "Set an API version that the org lists under /services/data.",
)
_MISSING = Advice(
    OrgRefused, "there is no such thing", "Check the id and the org's address; they may belong to another org."
)
_CERTIFICATE = Advice(
    OrgRefused,
    "its certificate is not trusted here",
    "Check the address, or name your proxy's certificate in REQUESTS_CA_BUNDLE.",
)
_MOVED = Advice(OrgRefused, "the org lives at another address", "Correct its address in the policy: use its My Domain.")
_UNREACHED = Advice(
    OrgUnavailable,
    "no connection could be made",
    "Check the address and the network, then repeat.",
    READ_TRIES,
)
_BROKEN = Advice(OrgUnavailable, "the answer was lost on the way", "Repeat in a few minutes.", READ_TRIES)
_OTHERWISE = Advice(
    OrgRefused, "the org refused the request", "Show this to an administrator of the org and repeat after."
)

_BY_TEXT: tuple[tuple[re.Pattern[str], Advice], ...] = (
    (re.compile(r"not valid for use with the REST API|not attached to Agent", re.I), _NO_REST),
    (re.compile(r"sharing (?:operation|calculation|recalculation)|interferes with another operation", re.I), _SHARING),
    (re.compile(r"unable to obtain exclusive access|UNABLE_TO_LOCK_ROW", re.I), _ROW_LOCK),
    # The userinfo service says 403 with these words where the other services say 401 INVALID_SESSION_ID.
    (re.compile(r"\bBad_OAuth_Token\b"), _EXPIRED),
    (re.compile(r"unexpected internal servlet state", re.I), _STUMBLED),
)
_BY_CODE: dict[str, Advice] = {
    "INVALID_SESSION_ID": _EXPIRED,
    "REQUEST_LIMIT_EXCEEDED": _DAILY,
    "API_DISABLED_FOR_ORG": _PERMISSION,
    "API_CURRENTLY_DISABLED": _PERMISSION,
    "SERVER_UNAVAILABLE": _TRANSIENT,
    "INVALID_CROSS_REFERENCE_KEY": _NOT_SEEN,
    "UNKNOWN_EXCEPTION": _STUMBLED,
    "UNREADABLE": _UNREADABLE,
    "UNABLE_TO_LOCK_ROW": _ROW_LOCK,
    "ALREADY_IN_PROCESS": _SETUP_LOCK,
    "INVALID_OPERATION": _OPTIONS,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": _MAINTENANCE,
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE": _MAINTENANCE,
    "LIMIT_EXCEEDED": _QUOTA,
    "TOO_MANY_APEX_REQUESTS": _QUOTA,
    "TOO_MANY_JOBS": _QUOTA,
    "EXCEEDED_QUOTA": _QUOTA,
    "UNSUPPORTED_API_VERSION": _GONE_VERSION,
    "CERTIFICATE": _CERTIFICATE,
}
_BY_STATUS: dict[int, Advice] = {
    401: _EXPIRED,
    403: _PERMISSION,
    404: _MISSING,
    410: _GONE_VERSION,
    429: _TRANSIENT,
    500: _STUMBLED,
    502: _TRANSIENT,
    503: _TRANSIENT,
    504: _TRANSIENT,
}
_ENHANCE_YOUR_CALM = 420
_TURNED_AWAY = frozenset({_ENHANCE_YOUR_CALM, 429})


def advice_for(failure: Failure) -> Advice:
    """The row of the error table for a failure: by the org's words, then its code, then the HTTP status."""
    if failure.status == _ENHANCE_YOUR_CALM:
        return _ASLEEP
    for pattern, advice in _BY_TEXT:
        if pattern.search(failure.text):
            return advice
    if failure.code == "REQUEST_LIMIT_EXCEEDED" and "concurrent" in failure.text.lower():
        return _CONCURRENT
    if failure.code in _BY_CODE:
        return _BY_CODE[failure.code]
    if failure.code.startswith("INSUFFICIENT_ACCESS"):
        return _PERMISSION
    if failure.status == 0:
        return _BROKEN if failure.sent else _UNREACHED
    if failure.status >= 500:
        return _BY_STATUS.get(failure.status, _STUMBLED)
    if 300 <= failure.status < 400:
        return _MOVED
    return _BY_STATUS.get(failure.status, _OTHERWISE)


def is_for_good(problem: OrgProblem) -> bool:
    """Whether asking the same again in a minute can only meet the same refusal, until an administrator has acted."""
    cause = problem.__cause__
    return isinstance(cause, CALL_FAILURES) and advice_for(read_failure(cause)) is _NO_REST


def outcome_is_unknown(failure: Failure) -> bool:
    """Whether a job may have begun although we got no word of it."""
    if not failure.sent or failure.status in _TURNED_AWAY:
        return False
    if failure.status in {0, 200}:
        return True
    return failure.status >= 500 and advice_for(failure).kind is OrgUnavailable


def problem_from(failure: Failure, asked: Asked) -> OrgProblem:
    """The failure as an error whose sentence has the fact, the cause and the next step."""
    lost = failure.text or failure.code or f"HTTP {failure.status}"
    said = ": ".join(part for part in (failure.code, failure.text) if part)
    if asked.manner == "start" and outcome_is_unknown(failure):
        return OutcomeUnknown(
            f"We asked {asked.where} to {asked.act} and lost the answer ({lost}). It may have begun. "
            "Look in the org under Setup → Deployment Status before anybody asks again.",
            code=failure.code,
        )
    advice = advice_for(failure)
    # What never reached the org has no words of the org's own: the fact is all there is to say.
    quoted = "" if said == advice.fact else f" ({said})" if said else f" (HTTP {failure.status})"
    return advice.kind(f"{asked.where} did not {asked.act}: {advice.fact}{quoted}. {advice.step}", code=failure.code)


def problem_with_job(status: JobStatus) -> OrgProblem | None:
    """Why a job failed as a whole, for reasons that lie in the org; None when its own contents failed.

    OrgUnavailable means that the same job may be started again later.
    """
    failure = _failure_of(status)
    if failure is None or advice_for(failure) is _OTHERWISE:
        return None
    return problem_from(failure, Asked("The org", f"carry out job {status.id}", "change"))


def busy_with(status: JobStatus) -> Busy | None:
    """What the org was busy with when a job failed for that reason alone, so that the same job may be asked for again.

    A test that failed by itself would fail again: a locked row counts only when nothing else failed.
    """
    failure = _failure_of(status)
    if failure is None:
        return None
    locked = status.test_failures and all("UNABLE_TO_LOCK_ROW" in one.message for one in status.test_failures)
    if status.component_errors or (status.test_failures and not locked):
        return None
    return _BUSY.get(advice_for(failure))


_BUSY: dict[Advice, Busy] = {_SETUP_LOCK: "setup_lock", _ROW_LOCK: "row_lock", _SHARING: "sharing"}


def _failure_of(status: JobStatus) -> Failure | None:
    if not status.done or status.success or status.state == "Canceled":
        return None
    locked = next((one.message for one in status.test_failures if "UNABLE_TO_LOCK_ROW" in one.message), "")
    code = status.error_code or ("UNABLE_TO_LOCK_ROW" if locked else "")
    return Failure(200, code, status.error_message or locked)
