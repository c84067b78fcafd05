"""Our gateway against a whole org: the rehearsal's, which speaks Salesforce's APIs."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.serve import RunningOrg, start
from bot.salesforce import SalesforceOrg, problem_with_job
from release_core.errors import OrgProblem, OrgRefused, OrgUnavailable, OutcomeUnknown
from release_core.logins import AccessTokenLogin, ClientCredentialsLogin, JwtLogin
from release_core.ports import DeployOptions, JobStatus

VALIDATE = DeployOptions(check_only=True, test_level="RunLocalTests")
CLASS_META = (
    '<?xml version="1.0" encoding="UTF-8"?><ApexClass xmlns="http://soap.sforce.com/2006/04/metadata">{}</ApexClass>'
)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def production(clock: MovableClock) -> Iterator[RunningOrg]:
    org = start("production", clock=clock, pace=0)
    yield org
    org.stop()


@pytest.fixture
def gateway(production: RunningOrg, clock: MovableClock, connected) -> SalesforceOrg:
    login = AccessTokenLogin(instance_url=production.instance_url, access_token_env="T")
    return connected(login, clock=clock, T=production.access_token)


def _package(body: str = "public class Greeter { public static Integer two() { return 2; } }") -> bytes:
    """A class with its test."""
    meta = CLASS_META.format("<apiVersion>62.0</apiVersion><status>Active</status>")
    test = (
        "@IsTest private class GreeterTest { @IsTest static void countsToTwo() "
        "{ System.assertEquals(2, Greeter.two()); } }"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata"><types>'
        "<members>Greeter</members><members>GreeterTest</members><name>ApexClass</name></types>"
        "<version>62.0</version></Package>"
    )
    files = {
        "package.xml": manifest,
        "classes/Greeter.cls": body,
        "classes/Greeter.cls-meta.xml": meta,
        "classes/GreeterTest.cls": test,
        "classes/GreeterTest.cls-meta.xml": meta,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return packed.getvalue()


def _ended(gateway: SalesforceOrg, job: str) -> JobStatus:
    for _ in range(200):
        if gateway.status(job).done:
            return gateway.status(job, details=True)
        time.sleep(0.02)
    raise AssertionError(f"{job} has not ended")


def _hour_ago(clock: MovableClock) -> datetime:
    return clock.now() - timedelta(hours=1)


def test_the_org_says_who_we_are(production, gateway):
    """Org, user and kind, over REST and OAuth."""
    who = gateway.identity()
    assert (who.org_id, who.username, who.is_sandbox) == (production.org_id, production.username, False)
    assert who.user_id.startswith("005")


def test_validate_quick_deploy_and_see_it_in_the_history(gateway, clock):
    """A validation with tests becomes a quick deployment under a new id, linked in the org's own history."""
    validation = gateway.deploy(_package(), VALIDATE)
    seen = _ended(gateway, validation)
    assert (seen.state, seen.success, seen.check_only) == ("Succeeded", True, True)
    assert seen.tests_total >= 1
    assert {(one.name, one.created) for one in seen.outcomes} >= {("Greeter", True), ("GreeterTest", True)}
    assert any(one.name == "Greeter" and one.lines for one in seen.coverage)
    job = gateway.quick_deploy(validation[:15])
    assert job != validation
    assert _ended(gateway, job).success
    rows = gateway.deployments_since(_hour_ago(clock))
    assert [(row.id, row.check_only, row.validation_id) for row in rows] == [
        (validation, True, None),
        (job, False, validation),
    ]
    assert rows[0].created_by == gateway.identity().username
    assert rows[0].zip_size == len(_package())
    assert any("Greeter" in row.display for row in gateway.changes_since(_hour_ago(clock)))
    with pytest.raises(OrgRefused) as refusal:
        gateway.quick_deploy(validation)
    assert refusal.value.code == "validation_gone"


def test_a_failing_test_is_a_result_with_class_method_and_message(gateway):
    """No exception: people see what failed and where."""
    wrong = _package("public class Greeter { public static Integer two() { return 3; } }")
    seen = _ended(gateway, gateway.deploy(wrong, VALIDATE))
    assert (seen.state, seen.success, seen.test_errors) == ("Failed", False, 1)
    failure = seen.test_failures[0]
    assert (failure.class_name, failure.method) == ("GreeterTest", "countsToTwo")
    assert "3" in failure.message
    assert problem_with_job(seen) is None


def test_a_broken_component_is_a_result_with_its_problem(gateway):
    """The file is named, with the compiler's words."""
    seen = _ended(gateway, gateway.deploy(_package("public class Greeter { oops"), VALIDATE))
    assert not seen.success
    assert any(one.file.endswith("Greeter.cls") and one.problem for one in seen.outcomes if not one.success)


def test_no_test_run_passes_in_production_because_it_is_left_out(gateway):
    """Saying NoTestRun would be refused; the deployment is accepted."""
    assert gateway.deploy(_package(), DeployOptions(check_only=True, test_level="NoTestRun"))


def test_a_retrieve_brings_what_was_deployed_byte_for_byte(gateway):
    """The archive holds the class as it was sent; a class that never was is told in a message."""
    _ended(gateway, gateway.deploy(_package(), DeployOptions(check_only=False, test_level="RunLocalTests")))
    got = gateway.retrieve({"ApexClass": ["Greeter", "NeverWas"]})
    with zipfile.ZipFile(io.BytesIO(got.archive)) as archive:
        found = {name.removeprefix("unpackaged/"): archive.read(name) for name in archive.namelist()}
    assert found["classes/Greeter.cls"] == b"public class Greeter { public static Integer two() { return 2; } }"
    assert any("NeverWas" in message for message in got.messages)
    assert {one.name for one in got.properties if one.type == "ApexClass"} == {"Greeter"}
    assert all(one.changed_at and one.changed_at.tzinfo is UTC for one in got.properties)


def test_an_answer_lost_after_the_org_took_the_job_is_found_again(production, gateway, clock):
    """Once asked, once deployed: the lost job is found by who, what and when, and not sent again."""
    gateway.identity()
    earlier = gateway.deploy(_package(), VALIDATE)
    production.org.faults.ask_for("drop_connection", 1)
    asked_at = clock.now()
    with pytest.raises(OutcomeUnknown):
        gateway.deploy(_package(), VALIDATE)
    wanted = {"since": asked_at, "check_only": True, "zip_size": len(_package())}
    found = gateway.find_deployment(**wanted, not_ids=[earlier])
    assert found == gateway.deployments_since(_hour_ago(clock))[-1].id
    assert found != earlier
    assert len(production.org.jobs) == 2
    assert gateway.find_deployment(**wanted, not_ids=[earlier, found]) is None


def test_a_lost_quick_deployment_is_found_by_its_validation(production, gateway, clock):
    """The validation links the two."""
    validation = gateway.deploy(_package(), VALIDATE)
    _ended(gateway, validation)
    production.org.faults.ask_for("drop_connection", 1)
    with pytest.raises(OutcomeUnknown):
        gateway.quick_deploy(validation)
    found = gateway.find_deployment(since=_hour_ago(clock), check_only=False, validation_id=validation)
    assert found is not None
    assert _ended(gateway, found).success


@pytest.mark.parametrize("fault", ["unavailable", "api_420", "unknown_exception", "truncated_body"])
def test_a_passing_trouble_of_the_org_is_not_noticed_by_a_read(production, gateway, fault):
    """Asked again, answered."""
    production.org.faults.ask_for(fault, 1)
    assert gateway.limits()["DailyApiRequests"][0] > 0


def test_a_used_up_budget_is_for_an_administrator(production, gateway):
    """The daily limit does not pass by asking again."""
    production.org.faults.ask_for("request_limit_exceeded", 1)
    with pytest.raises(OrgRefused, match="daily budget"):
        gateway.limits()


def test_a_job_hidden_at_its_beginning_is_found(production, gateway):
    """The cross-reference fault at the end of Pending is waited out."""
    production.org.faults.ask_for("invalid_cross_reference_key", 1)
    assert _ended(gateway, gateway.deploy(_package(), VALIDATE)).success


@pytest.mark.parametrize("fault", ["already_in_process", "unable_to_lock_row"])
def test_a_job_that_a_lock_stopped_may_be_started_again(production, gateway, fault):
    """A lock in the org fails this job and not the next."""
    production.org.faults.ask_for(fault, 1)
    problem = problem_with_job(_ended(gateway, gateway.deploy(_package(), VALIDATE)))
    assert isinstance(problem, OrgUnavailable)
    assert _ended(gateway, gateway.deploy(_package(), VALIDATE)).success


def test_an_unknown_job_is_refused(gateway):
    """An id of another org."""
    with pytest.raises(OrgRefused, match="knows no job"):
        gateway.status("0Af000000000009CAA")


def test_a_cancelled_job_ends_so(production, gateway):
    """Asked early enough, the org stops."""
    production.org.settings.pace = 1
    job = gateway.deploy(_package(), VALIDATE)
    gateway.cancel(job)
    assert _ended(gateway, job).state == "Canceled"


def test_components_and_kinds_are_listed_by_a_whole_org(gateway):
    """What the seed holds, over SOAP."""
    assert "DiscountPolicy" in {
        one.name for one in gateway.list_metadata(["ApexClass", "Flow", "Layout", "CustomObject"])
    }
    objects = next(one for one in gateway.describe() if one.name == "CustomObject")
    assert (objects.folder, objects.suffix) == ("objects", "object")
    assert "CustomField" in objects.children


def test_the_org_tells_coverage_jobs_and_budget(gateway):
    """The figures that the gates ask for."""
    assert gateway.org_wide_coverage() is not None
    assert gateway.pending_jobs() == ()
    used, allowed = gateway.api_usage or (0, 0)
    assert 0 < used <= allowed


@pytest.mark.parametrize("method", ["jwt", "client_credentials"])
def test_an_ended_session_is_renewed_by_a_real_login(production, clock, connected, method):
    """Both OAuth logins open the org and survive the end of a session."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shared = {"login_url": production.instance_url, "client_id": "rollcall"}
    login = (
        JwtLogin(**shared, username=production.username, private_key_env="SECRET")
        if method == "jwt"
        else ClientCredentialsLogin(**shared, client_secret_env="SECRET")
    )
    org = connected(login, clock=clock, SECRET=key.private_bytes(*form).decode() if method == "jwt" else "s3cret")
    assert org.identity().username == production.username
    production.org.faults.ask_for("invalid_session", 1)
    assert org.limits()


def test_a_wrong_token_is_refused_with_what_to_do(production, connected):
    """The given token has ended, or belongs to another org."""
    org = connected(
        AccessTokenLogin(instance_url=production.instance_url, access_token_env="T"), T="00D000000000009!no"
    )
    with pytest.raises(OrgProblem, match="put a new token in its place"):
        org.identity()
