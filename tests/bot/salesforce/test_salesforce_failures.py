"""Each row of the error table, as the person who must act on it meets it."""

from __future__ import annotations

import socket

import pytest

from bot.salesforce import problem_with_job
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.ports import DeployOptions, JobStatus, TestFailure

JOB = "0Af000000000001CAA"
OPTIONS = DeployOptions(check_only=True, test_level="RunLocalTests")
RUNNING = {"id": JOB, "deployResult": {"id": JOB, "status": "InProgress", "done": False, "success": False}}

READ_ROWS = [
    (401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API", OrgRefused, 1, "administrator"),
    (401, "", "Connected app is not attached to Agent", OrgRefused, 1, "administrator"),
    (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", OrgRefused, 1, "daily budget"),
    (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", OrgUnavailable, 5, "long requests"),
    (403, "API_DISABLED_FOR_ORG", "API is disabled for this User", OrgRefused, 1, "API Enabled"),
    (403, "INSUFFICIENT_ACCESS_APEX_METADATA_DEPLOY", "no", OrgRefused, 1, "Author Apex"),
    (403, "INSUFFICIENT_ACCESS", "no", OrgRefused, 1, "Modify Metadata"),
    (404, "NOT_FOUND", "The requested resource does not exist", OrgRefused, 1, "Check the id"),
    (410, "UNSUPPORTED_API_VERSION", "gone", OrgRefused, 1, "API version"),
    (420, "", "", OrgUnavailable, 2, "stay away"),
    (420, "SERVER_UNAVAILABLE", "not available right now", OrgUnavailable, 2, "stay away"),
    (429, "", "", OrgUnavailable, 5, "busy"),
    (502, "", "", OrgUnavailable, 5, "busy"),
    (503, "", "", OrgUnavailable, 5, "busy"),
    (504, "", "", OrgUnavailable, 5, "busy"),
    (503, "SERVER_UNAVAILABLE", "server too busy", OrgUnavailable, 5, "busy"),
    (500, "UNKNOWN_EXCEPTION", "An unexpected error occurred", OrgUnavailable, 5, "stumbled"),
    (500, "", "Unexpected internal servlet state", OrgUnavailable, 5, "stumbled"),
    (400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", OrgUnavailable, 1, "once more"),
    (400, "ALREADY_IN_PROCESS", "locked", OrgUnavailable, 1, "start the same deployment again"),
    (400, "", "a sharing operation is already in progress", OrgUnavailable, 1, "Background Jobs"),
    (400, "INVALID_OPERATION", "testLevel of NoTestRun cannot be used", OrgRefused, 1, "test level"),
    (503, "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE", "", OrgUnavailable, 1, "maintenance"),
    (503, "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", "", OrgUnavailable, 1, "maintenance"),
    (403, "LIMIT_EXCEEDED", "", OrgRefused, 1, "limit"),
    (400, "TOO_MANY_APEX_REQUESTS", "", OrgRefused, 1, "limit"),
    (400, "TOO_MANY_JOBS", "", OrgRefused, 1, "limit"),
    (403, "EXCEEDED_QUOTA", "", OrgRefused, 1, "limit"),
    (302, "", "", OrgRefused, 1, "My Domain"),
]


@pytest.mark.parametrize(("status", "code", "words", "kind", "tries", "step"), READ_ROWS)
def test_each_row_of_the_error_table_tells_the_person_what_to_do(
    scripted, says, org, status, code, words, kind, tries, step
):
    """A read gets the row's kind, the org's own code with its words, the next step, in the row's number of tries."""
    scripted.plays(*[says.error(status, code, words)] * 5)
    with pytest.raises(OrgProblem) as refusal:
        org.limits()
    assert type(refusal.value) is kind
    assert refusal.value.code == code
    assert step in str(refusal.value)
    assert "127.0.0.1" in str(refusal.value)
    assert words in str(refusal.value)
    assert len(scripted.heard) == tries


def test_a_read_survives_a_busy_moment(scripted, says, org):
    """Two 503s and one dropped connection are not worth telling anybody."""
    scripted.plays(says.error(503, ""), says.broken, says.error(503, ""), says.reply(200, RUNNING))
    assert org.status(JOB).state == "InProgress"
    assert org.calls == 4


@pytest.mark.parametrize(
    ("reply", "cut_at", "content_type"),
    [
        ({"deployResult": {"id": JOB}}, 12, "application/json"),
        ("<html><body>Down for <b>maintenance</b></body></html>", None, "text/html"),
        (None, None, "application/json"),
        ([], None, "application/json"),
        ({"id": JOB, "deployResult": {"id": JOB, "status": "Dancing"}}, None, "application/json"),
        (
            {"id": JOB, "deployResult": {"id": JOB, "status": "Failed", "numberTestErrors": "x"}},
            None,
            "application/json",
        ),
        ({"id": JOB, "deployResult": {"id": JOB, "status": "Failed", "completedDate": "x"}}, None, "application/json"),
    ],
)
def test_an_unreadable_answer_to_a_read_is_asked_for_again(scripted, says, org, reply, cut_at, content_type):
    """A truncated or senseless answer is repeated; when it stays so, the org counts as unavailable."""
    bad = says.reply(200, reply, content_type, cut_at=cut_at)
    scripted.plays(bad, says.reply(200, RUNNING))
    assert org.status(JOB).state == "InProgress"
    scripted.plays(*[bad] * 5)
    with pytest.raises(OrgUnavailable, match=r"did not tell the state of the job.*Repeat"):
        org.status(JOB)
    assert len(scripted.heard) == 7


@pytest.mark.parametrize(
    "reply",
    [
        {"broken": True},
        {"status": 201, "body": {"id": JOB}, "cut_at": 5},
        {"status": 201, "body": {"hello": 1}},
        {"status": 200, "body": "<html>login</html>", "content_type": "text/html"},
        {"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "oops"}]},
        {"status": 500, "body": "<html>error</html>", "content_type": "text/html"},
        {"status": 502, "body": "bad gateway", "content_type": "text/plain"},
        {"status": 503, "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "busy"}]},
        {"status": 504, "body": "", "content_type": "text/plain"},
    ],
)
@pytest.mark.parametrize("start", ["deploy", "quick_deploy"])
def test_a_lost_answer_to_a_start_is_told_as_unknown_and_never_sent_again(scripted, says, org, reply, start):
    """Whoever asked is told to look; the org hears the deployment once."""
    scripted.plays(says.reply(**reply), says.reply(201, {"id": JOB}))
    with pytest.raises(OutcomeUnknown, match=r"lost the answer.*Look in the org"):
        org.deploy(b"PK", OPTIONS) if start == "deploy" else org.quick_deploy(JOB)
    assert len(scripted.heard) == 1


@pytest.mark.parametrize("status", [420, 429])
def test_a_start_that_was_turned_away_has_not_begun(scripted, says, org, status):
    """Too many requests means that this one was not taken: no mystery, no second try by ourselves."""
    scripted.plays(says.reply(status, "", "text/plain"))
    with pytest.raises(OrgUnavailable):
        org.deploy(b"PK", OPTIONS)
    assert len(scripted.heard) == 1


def test_a_start_that_the_org_refuses_has_not_begun(scripted, says, org):
    """A clear no is a refusal, even with status 500."""
    scripted.plays(says.error(500, "INVALID_OPERATION", "testLevel of NoTestRun cannot be used in production"))
    with pytest.raises(OrgRefused) as refusal:
        org.deploy(b"PK", OPTIONS)
    assert refusal.value.code == "INVALID_OPERATION"


@pytest.mark.parametrize("start", [False, True])
def test_an_org_that_nobody_answers_for_is_unavailable_even_for_a_start(connected, start):
    """A refused connection carried nothing to the org, so nothing can have begun."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        org = connected(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(OrgUnavailable, match=r"no connection could be made.*then repeat"):
            org.deploy(b"PK", OPTIONS) if start else org.limits()


def test_a_start_without_an_answer_in_time_is_unknown(connected):
    """An org that takes the request and is silent leaves us in doubt."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        org = connected(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(OutcomeUnknown, match="no answer came in time"):
            org.quick_deploy(JOB)


@pytest.mark.parametrize("code", ["NOT_FOUND", "INVALID_ID_FIELD"])
def test_a_validation_that_no_longer_qualifies_is_named_so(scripted, says, org, code):
    """The refusal carries the stable code `validation_gone` and both ways out."""
    scripted.plays(says.error(404, code, "invalid id"))
    with pytest.raises(OrgRefused, match=r"Validate again, or deploy in full") as refusal:
        org.quick_deploy(JOB)
    assert refusal.value.code == "validation_gone"


def test_a_job_may_hide_for_a_moment_while_it_begins(scripted, says, org):
    """The cross-reference error at the start of a job is waited out."""
    scripted.plays(*[says.error(500, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")] * 2)
    scripted.plays(says.reply(200, RUNNING))
    assert org.status(JOB).state == "InProgress"


def test_a_job_that_was_never_seen_is_refused_and_one_that_was_is_unavailable(scripted, says, org):
    """The same error is for good when the job was never there, and passing when it was."""
    hidden = says.error(500, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    for never_there in ([hidden] * 3, [says.error(404, "NOT_FOUND", "invalid cross reference id")]):
        scripted.plays(*never_there)
        with pytest.raises(OrgRefused, match="knows no job"):
            org.status(JOB)
    scripted.plays(says.reply(200, RUNNING), *[hidden] * 3)
    org.status(JOB)
    with pytest.raises(OrgUnavailable):
        org.status(JOB)


def test_a_cancel_whose_answer_is_lost_may_be_asked_again(scripted, says, org):
    """Cancelling twice does no harm, so a person may simply repeat it."""
    scripted.plays(says.broken)
    with pytest.raises(OrgUnavailable, match="did not cancel the job"):
        org.cancel(JOB)
    assert len(scripted.heard) == 1


def _ended(**facts: object) -> JobStatus:
    return JobStatus(**{"id": JOB, "state": "Failed", "done": True, "success": False, "check_only": False, **facts})


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"error_code": "ALREADY_IN_PROCESS", "error_message": "setup is locked"}, OrgUnavailable),
        ({"error_message": "A sharing operation already in progress"}, OrgUnavailable),
        ({"error_code": "INVALID_OPERATION", "error_message": "testLevel"}, OrgRefused),
        ({"error_code": "EXCEEDED_QUOTA"}, OrgRefused),
        (
            {"test_failures": [TestFailure("A_Test", "locks", "System.DmlException: UNABLE_TO_LOCK_ROW, x", "")]},
            OrgUnavailable,
        ),
    ],
)
def test_a_job_that_failed_because_of_the_org_says_whether_to_start_it_again(facts, kind):
    """A setup lock or a locked row passes; a wrong option does not."""
    assert type(problem_with_job(_ended(**facts))) is kind


@pytest.mark.parametrize(
    "status",
    [
        _ended(component_errors=3),
        _ended(test_failures=[TestFailure("A_Test", "adds", "expected 2, got 3", "")]),
        _ended(state="Canceled", error_code="ALREADY_IN_PROCESS"),
        _ended(state="Succeeded", success=True),
        _ended(state="InProgress", done=False),
    ],
)
def test_a_job_that_failed_by_its_own_contents_is_a_result(status):
    """Failed components and tests are no trouble of the org's."""
    assert problem_with_job(status) is None
