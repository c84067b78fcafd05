"""Queue, progress, cancelling, validations, test levels."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.rehearsal.org.jobs import progress_at
from bot.rehearsal.org.results import DeployOptions, Refusal
from tests.bot.rehearsal.org.org_bench import Bench, apex, package, problems

CLASS = "public class Greeter { public static Integer one() { return 1; } }"
TEST = "@IsTest private class GreeterTest { @IsTest static void one() { System.assertEquals(1, Greeter.one()); } }"
GREETER = apex(Greeter=CLASS, GreeterTest=TEST)
CAREFUL = DeployOptions(rollback_on_error=True, single_package=True)


def seen(bench: Bench, job_id: str, version: float = 66.0) -> str:
    return progress_at(bench.org.job(job_id), bench.clock.now(), version).status


def test_a_job_goes_through_its_states_as_time_passes(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    states = [seen(slow, job.id)]
    for _ in range(40):
        slow.clock.advance(timedelta(minutes=6))
        if (now := seen(slow, job.id)) != states[-1]:
            states.append(now)
    assert states == ["Pending", "InProgress", "Finalizing", "Succeeded"]


def test_older_clients_never_see_finalizing(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    states = set()
    for _ in range(40):
        slow.clock.advance(timedelta(minutes=6))
        states.add(seen(slow, job.id, 64.0))
    assert states == {"Pending", "InProgress", "Succeeded"}


def test_counters_rise_and_the_running_test_is_named(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    details, tests = set(), []
    for _ in range(100):
        slow.clock.advance(timedelta(minutes=2))
        progress = progress_at(slow.org.job(job.id), slow.clock.now(), 66.0)
        details.add(progress.state_detail)
        tests.append(progress.tests)
    assert "Running Test: GreeterTest.one" in details
    assert tests == sorted(tests)
    assert tests[-1] == 8


def test_jobs_run_one_after_the_other(slow: Bench) -> None:
    first = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    second = slow.org.deploy(slow.org.users[0].id, apex(Other="public class Other { }"), CAREFUL)
    slow.clock.advance(timedelta(minutes=50))
    assert (seen(slow, first.id), seen(slow, second.id)) == ("InProgress", "Pending")
    slow.clock.advance(timedelta(days=2))
    done = slow.org.job(second.id)
    assert done.started_at is not None
    assert first.ended_at is not None
    assert done.started_at >= first.ended_at


def test_a_pending_job_is_cancelled_at_once(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    assert slow.org.cancel(slow.org.users[1].id, job.id).status == "Canceled"
    assert not slow.has("ApexClass", "Greeter")


def test_a_running_job_takes_a_moment_to_stop(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    slow.clock.advance(timedelta(minutes=40))
    slow.org.cancel(slow.org.users[1].id, job.id)
    assert seen(slow, job.id) == "Canceling"
    slow.clock.advance(timedelta(days=1))
    assert seen(slow, job.id) == "Canceled"
    assert not slow.has("ApexClass", "Greeter")


def test_a_finalizing_job_cannot_be_cancelled(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    while seen(slow, job.id) != "Finalizing":
        slow.clock.advance(timedelta(minutes=3))
    with pytest.raises(Refusal, match="finalizing"):
        slow.org.cancel(slow.org.users[0].id, job.id)


def test_a_change_by_hand_while_a_job_runs_survives_it(slow: Bench) -> None:
    job = slow.org.deploy(slow.org.users[0].id, GREETER, CAREFUL)
    slow.clock.advance(timedelta(minutes=40))
    assert seen(slow, job.id) == "InProgress"
    changed = {
        path: content.replace(b"Sales Operations", b"Sales Ops")
        for path, content in slow.files("PermissionSet", "Sales_Operations").items()
    }
    slow.org.change(slow.org.users[1].id, "PermissionSet", "Sales_Operations", changed)
    slow.clock.advance(timedelta(days=1))
    assert seen(slow, job.id) == "Succeeded"
    assert slow.has("ApexClass", "Greeter")
    assert slow.files("PermissionSet", "Sales_Operations") == changed


def test_both_lengths_of_an_id_name_the_same_job(production: Bench) -> None:
    job = production.deploy(GREETER)
    assert production.org.job(job.id[:15]) is production.org.job(job.id)


def test_a_validation_can_be_quick_deployed_once(production: Bench) -> None:
    validation = production.validate(GREETER)
    quick = production.org.quick_deploy(production.org.users[0].id, validation.id)
    assert quick.id != validation.id
    assert production.org.job(quick.id).status == "Succeeded"
    assert production.has("ApexClass", "Greeter")
    with pytest.raises(Refusal):
        production.org.quick_deploy(production.org.users[0].id, validation.id)


def test_a_quick_deploy_runs_no_tests(production: Bench) -> None:
    quick = production.org.quick_deploy(production.org.users[0].id, production.validate(GREETER).id)
    outcome = production.org.job(quick.id).outcome
    assert outcome is not None
    assert not outcome.tests.ran


def test_a_validation_lasts_ten_days(production: Bench) -> None:
    validation = production.validate(GREETER)
    production.clock.advance(timedelta(days=9, hours=23))
    assert production.org.qualifies(validation)
    production.clock.advance(timedelta(hours=2))
    assert not production.org.qualifies(validation)


def test_any_other_deployment_voids_a_validation(production: Bench) -> None:
    validation = production.validate(GREETER)
    production.deploy(apex(Other="public class Other { }"))
    assert not production.org.qualifies(validation)


def test_a_package_install_voids_a_validation(production: Bench) -> None:
    validation = production.validate(GREETER)
    production.org.install_package(production.org.users[1].id, "Shipping", "2.4")
    assert not production.org.qualifies(validation)


def test_neither_a_change_by_hand_nor_a_failed_deployment_voids_a_validation(production: Bench) -> None:
    validation = production.validate(GREETER)
    production.deploy(apex(Bad="public class Bad {"))
    production.validate(apex(Other="public class Other { }"))
    production.org.change(production.org.users[1].id, "ApexClass", "LegacyDiscount", None)
    assert production.org.qualifies(validation)


def test_a_validation_without_tests_does_not_qualify(sandbox: Bench) -> None:
    assert not sandbox.org.qualifies(sandbox.validate(GREETER, "NoTestRun"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (DeployOptions(rollback_on_error=True, test_level="NoTestRun"), "NoTestRun"),
        (DeployOptions(rollback_on_error=True, allow_missing_files=True), "allowMissingFiles"),
        (DeployOptions(rollback_on_error=False), "rollbackOnError"),
        (DeployOptions(rollback_on_error=True, test_level="RunSpecifiedTests"), "at least one test"),
        (
            DeployOptions(rollback_on_error=True, test_level="RunLocalTests", run_tests=("A",)),
            "runTests can be used only",
        ),
    ],
)
def test_production_refuses_options_at_once(production: Bench, options: DeployOptions, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        production.org.deploy(production.org.users[0].id, GREETER, options)
    assert refused.value.code == "INVALID_OPERATION"
    assert production.org.jobs == []


def classes_tested(bench: Bench, **options: object) -> set[str]:
    job = bench.deploy(GREETER, **options)
    assert job.outcome is not None
    return {each.class_name for each in job.outcome.tests.outcomes}


ALL = {"DiscountPolicyTest", "OpportunityServiceTest", "GreeterTest"}


def test_without_a_level_production_tests_apex_and_a_sandbox_tests_nothing(production: Bench, sandbox: Bench) -> None:
    assert classes_tested(production) == ALL
    assert classes_tested(sandbox) == set()


def test_without_a_level_production_tests_nothing_when_there_is_no_apex(production: Bench) -> None:
    job = production.deploy(
        package({"PermissionSet": ["Sales_Operations"]}, production.files("PermissionSet", "Sales_Operations"))
    )
    assert job.outcome is not None
    assert not job.outcome.tests.ran


def test_levels_choose_tests(sandbox: Bench) -> None:
    assert classes_tested(sandbox, test_level="RunLocalTests") == ALL
    assert classes_tested(sandbox, test_level="RunAllTestsInOrg") == ALL
    assert classes_tested(sandbox, test_level="RunRelevantTests") == {"GreeterTest"}
    assert classes_tested(sandbox, test_level="RunSpecifiedTests", run_tests=("greetertest",)) == {"GreeterTest"}


def test_an_unknown_test_class_fails_the_deployment(sandbox: Bench) -> None:
    job = sandbox.deploy(GREETER, test_level="RunSpecifiedTests", run_tests=("Nonesuch",))
    assert job.outcome is not None
    assert job.status == "Failed"
    assert "Nonesuch" in str(job.outcome.tests.failures[0].message)


def test_specified_tests_must_cover_each_deployed_class(sandbox: Bench) -> None:
    job = sandbox.deploy(GREETER, test_level="RunSpecifiedTests", run_tests=("DiscountPolicyTest",))
    assert job.outcome is not None
    assert job.status == "Failed"
    assert (
        "Greeter",
        "Test coverage of selected Apex Class is 0%, at least 75% test coverage is required",
    ) in job.outcome.tests.warnings


def test_local_tests_must_cover_three_quarters_of_everything(production: Bench) -> None:
    lines = "\n".join(f"    Integer n{number} = {number};" for number in range(40))
    job = production.deploy(apex(Untested=f"public class Untested {{\n  public static void go() {{\n{lines}\n  }}\n}}"))
    assert job.outcome is not None
    assert job.status == "Failed"
    assert "at least 75% test coverage is required" in job.outcome.tests.warnings[0][1]
    assert not production.has("ApexClass", "Untested")


def test_a_failing_test_keeps_the_deployment_out(production: Bench) -> None:
    wrong = TEST.replace("assertEquals(1", "assertEquals(2")
    job = production.deploy(apex(Greeter=CLASS, GreeterTest=wrong))
    assert job.outcome is not None
    assert job.status == "Failed"
    failure = job.outcome.tests.failures[0]
    assert (failure.class_name, failure.method) == ("GreeterTest", "one")
    assert failure.message == "System.AssertException: Assertion Failed: Expected: 2, Actual: 1"
    assert failure.stack == "Class.GreeterTest.one: line 1, column 1"
    assert problems(job) == {}
    assert not production.has("ApexClass", "Greeter")


def test_a_locked_setup_fails_the_whole_deployment_once(production: Bench) -> None:
    production.org.faults.ask_for("already_in_process", 1)
    job = production.deploy(GREETER)
    assert job.outcome is not None
    assert (job.status, job.outcome.error_code) == ("Failed", "ALREADY_IN_PROCESS")
    assert production.deploy(GREETER).status == "Succeeded"


def test_a_locked_row_fails_one_test_once(production: Bench) -> None:
    production.org.faults.ask_for("unable_to_lock_row", 1)
    job = production.deploy(GREETER)
    assert job.outcome is not None
    assert "UNABLE_TO_LOCK_ROW" in str(job.outcome.tests.failures[0].message)
    assert production.deploy(GREETER).status == "Succeeded"
