"""The table of an org's errors, one test for each row, called like the row.

What each test asserts is the row's action: what we repeat by ourselves, what we never repeat, what a person is told.
The finer cases stand in test_salesforce_failures.py; what flows make of a failed job in test_asking_again.py.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.salesforce import busy_with
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.logins import ClientCredentialsLogin
from release_core.ports import DeployOptions, JobStatus, TestFailure

JOB = "0Af000000000001CAA"
OPTIONS = DeployOptions(check_only=False, test_level="RunLocalTests")
LIMITS = {"DailyApiRequests": {"Max": 15000, "Remaining": 14000}}
RUNNING = {"id": JOB, "deployResult": {"id": JOB, "status": "InProgress", "done": False, "success": False}}


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime(2030, 3, 4, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


def _token(says, scripted):
    return says.reply(200, {"access_token": "00D000000000001!fresh", "instance_url": scripted.url, "id": "x"})


def _logs_in(scripted, connected, **more):
    login = ClientCredentialsLogin(login_url=scripted.url, client_id="c", client_secret_env="SECRET")
    return connected(login, SECRET="s", **more)


def _failed(**facts: object) -> JobStatus:
    return JobStatus(**{"id": JOB, "state": "Failed", "done": True, "success": False, "check_only": False, **facts})


def _asks_in_vain(scripted, says, org, *error, times=5) -> OrgProblem:
    scripted.plays(*[says.error(*error)] * times)
    with pytest.raises(OrgProblem) as problem:
        org.limits()
    return problem.value


def test_invalid_session_id_is_refreshed_once_and_an_idempotent_call_repeated_once(scripted, says, connected):
    ended = says.error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    scripted.plays(_token(says, scripted), ended, _token(says, scripted), says.reply(200, LIMITS))
    org = _logs_in(scripted, connected)
    assert org.limits()
    assert [heard.method for heard in scripted.heard] == ["POST", "GET", "POST", "GET"]
    scripted.plays(ended, _token(says, scripted), ended)
    with pytest.raises(OrgRefused, match="refuses even a session that it has just given"):
        org.limits()
    assert len(scripted.heard) == 7


def test_invalid_session_id_on_a_deployment_is_not_repeated_before_somebody_has_looked(scripted, says, connected):
    ended = says.error(401, "INVALID_SESSION_ID", "Session expired or invalid")
    scripted.plays(_token(says, scripted), ended, _token(says, scripted))
    with pytest.raises(OrgUnavailable) as problem:
        _logs_in(scripted, connected).deploy(b"PK", OPTIONS)
    assert problem.value.code == "INVALID_SESSION_ID"
    assert sum("deployRequest" in heard.path for heard in scripted.heard) == 1


@pytest.mark.parametrize(
    "words", ["Connected app is not attached to Agent", "This session is not valid for use with the REST API"]
)
def test_not_attached_to_agent_or_not_valid_for_rest_stops_and_is_not_asked_again_for_a_while(
    scripted, says, connected, words
):
    clock = HandClock()
    org = _logs_in(scripted, connected, clock=clock)
    scripted.plays(_token(says, scripted), says.error(401, "INVALID_SESSION_ID", words))
    for _ in range(50):
        with pytest.raises(OrgRefused, match="administrator"):
            org.limits()
    assert len(scripted.heard) == 2  # the login, the one refusal: no loop of new logins
    with pytest.raises(OrgRefused, match=r"at 12:00 UTC it said.* asks again at 12:01 UTC"):
        org.deploy(b"PK", OPTIONS)
    clock.at += timedelta(minutes=1)
    scripted.plays(says.reply(200, LIMITS))
    assert org.limits()  # somebody has mended it


@pytest.mark.parametrize(
    ("words", "kind", "calls"),
    [
        ("TotalRequests Limit exceeded.", OrgRefused, 1),
        ("ConcurrentPerOrgLongTxn Limit exceeded.", OrgUnavailable, 5),
    ],
    ids=["daily: stop and tell", "concurrent: back off"],
)
def test_request_limit_exceeded(scripted, says, org, words, kind, calls):
    problem = _asks_in_vain(scripted, says, org, 403, "REQUEST_LIMIT_EXCEEDED", words)
    assert (type(problem), len(scripted.heard)) == (kind, calls)


@pytest.mark.parametrize(
    "code", ["API_DISABLED_FOR_ORG", "INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_APEX_METADATA_DEPLOY"]
)
def test_api_disabled_or_insufficient_access_stops_and_names_the_permissions(scripted, says, org, code):
    problem = _asks_in_vain(scripted, says, org, 403, code)
    assert (type(problem), len(scripted.heard)) == (OrgRefused, 1)
    assert '"API Enabled" and "Modify Metadata"' in str(problem)


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (404, "INVALID_ID_FIELD"), (400, "INVALID_ID_FIELD")])
def test_404_or_invalid_id_field_on_a_quick_deployment_says_that_the_validation_is_gone(
    scripted, says, org, status, code
):
    scripted.plays(says.error(status, code, "invalid id"))
    with pytest.raises(OrgRefused, match="Validate again, or deploy in full") as refused:
        org.quick_deploy(JOB)
    assert (refused.value.code, len(scripted.heard)) == ("validation_gone", 1)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_429_502_503_504_server_unavailable_back_off(scripted, says, org, status):
    problem = _asks_in_vain(scripted, says, org, status, "SERVER_UNAVAILABLE")
    assert (type(problem), len(scripted.heard)) == (OrgUnavailable, 5)


def test_420_is_tried_twice_at_most(scripted, says, org):
    problem = _asks_in_vain(scripted, says, org, 420, "")
    assert (type(problem), len(scripted.heard)) == (OrgUnavailable, 2)
    assert "a scratch org that has ended answers like this for ever" in str(problem)


def test_invalid_cross_reference_key_while_polling_is_tolerated_a_few_times(scripted, says, org):
    hidden = says.error(500, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    scripted.plays(says.reply(200, RUNNING), hidden, hidden, says.reply(200, RUNNING))
    assert [org.status(JOB).state, org.status(JOB).state] == ["InProgress", "InProgress"]
    scripted.plays(hidden, hidden, hidden)
    with pytest.raises(OrgUnavailable):
        org.status(JOB)


def test_invalid_cross_reference_key_from_the_first_poll_on_is_a_wrong_id(scripted, says, org):
    scripted.plays(*[says.error(500, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")] * 3)
    with pytest.raises(OrgRefused, match="knows no job"):
        org.status(JOB)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "oops"}]},
        {"status": 500, "body": "Unexpected internal servlet state", "content_type": "text/plain"},
        {"status": 200, "body": {"id": JOB, "deployResult": {}}, "cut_at": 9},
    ],
    ids=["UNKNOWN_EXCEPTION", "Unexpected internal servlet state", "unparsable body"],
)
def test_unknown_exception_servlet_state_or_unparsable_body(scripted, says, org, answer):
    """Transient when something was read; unknown, and never sent again, when something was started."""
    scripted.plays(says.reply(**answer), says.reply(200, RUNNING))
    assert org.status(JOB).state == "InProgress"
    scripted.plays(says.reply(**answer))
    with pytest.raises(OutcomeUnknown, match="Look in the org"):
        org.deploy(b"PK", OPTIONS)
    assert len(scripted.heard) == 3


def test_unable_to_lock_row_in_tests_is_worth_one_repetition_of_the_job():
    locked = TestFailure("A_Test", "locks", "System.DmlException: UNABLE_TO_LOCK_ROW, x", "")
    assert busy_with(_failed(test_failures=[locked])) == "row_lock"
    really = TestFailure("B_Test", "adds", "expected 2, got 3", "")
    assert busy_with(_failed(test_failures=[locked, really])) is None
    assert busy_with(_failed(test_failures=[locked], component_errors=1)) is None


def test_already_in_process_is_waited_for_and_the_job_asked_for_again():
    assert busy_with(_failed(error_code="ALREADY_IN_PROCESS", error_message="setup is locked")) == "setup_lock"


def test_sharing_operation_already_in_progress_is_waited_for_longer():
    for words in (
        "A sharing operation already in progress",
        "The requested operation interferes with another operation",
    ):
        assert busy_with(_failed(error_message=words)) == "sharing"


def test_invalid_operation_about_the_test_level_asks_to_leave_the_level_out(scripted, says, org):
    scripted.plays(says.error(400, "INVALID_OPERATION", "testLevel of NoTestRun cannot be used in production"))
    with pytest.raises(OrgRefused, match="Leave the test level to the org"):
        org.deploy(b"PK", OPTIONS)
    assert len(scripted.heard) == 1


@pytest.mark.parametrize(
    "code", ["INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE"]
)
def test_maintenance_says_to_choose_a_later_time(scripted, says, org, code):
    problem = _asks_in_vain(scripted, says, org, 503, code)
    assert (type(problem), len(scripted.heard)) == (OrgUnavailable, 1)
    assert "choose a later time" in str(problem)
    assert busy_with(_failed(error_code=code)) is None


@pytest.mark.parametrize("code", ["LIMIT_EXCEEDED", "TOO_MANY_APEX_REQUESTS", "TOO_MANY_JOBS", "EXCEEDED_QUOTA"])
def test_limit_exceeded_too_many_or_quota_stops(scripted, says, org, code):
    problem = _asks_in_vain(scripted, says, org, 403, code)
    assert (type(problem), len(scripted.heard)) == (OrgRefused, 1)
    assert busy_with(_failed(error_code=code)) is None


def test_a_post_is_never_repeated_by_itself(scripted, says, org):
    """The rule under the table: GET only, five times."""
    scripted.plays(says.broken)
    with pytest.raises(OutcomeUnknown):
        org.quick_deploy(JOB)
    assert len(scripted.heard) == 1
