"""What a real org answers to good and bad releases, as people read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from bot.flows import comparison
from bot.rehearsal.packages import sample_package
from bot.rehearsal.packages.bad import GOOD
from handlers.attempt_cards import deployment_card
from handlers.result_files import result_file
from release_core import attaching, test_choices
from release_core.archives import write_archive
from release_core.models import Deployment
from release_core.packages import read_package
from release_core.policy import Level, Strategy
from release_core.windows import Interval
from tests.bot.flows.scenes import Scene
from tests.handlers.room import assert_slack_takes, words_of
from tests.release_core import builders
from tests.release_core.builders import DEVELOPER, MANAGER

REMOTE_SITE = {
    "package.xml": (
        b'<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">'
        b"<types><members>Shipping_Rates</members><name>RemoteSiteSetting</name></types><version>62.0</version></Package>"
    ),
    "remoteSiteSettings/Shipping_Rates.remoteSite": (
        b'<?xml version="1.0" encoding="UTF-8"?><RemoteSiteSetting xmlns="http://soap.sforce.com/2006/04/metadata">'
        b"<description>Rates of the carriers</description><disableProtocolSecurity>false</disableProtocolSecurity>"
        b"<isActive>true</isActive><url>https://rates.example.com</url></RemoteSiteSetting>"
    ),
}


def planned(scene: Scene, archive: bytes, *, strategy: Strategy = "validate_then_quick") -> str:
    """A release with any package; its key."""
    now = scene.clock.now()
    key = builders.a_release(scene.ports, strategy=strategy, window=Interval(now, now + timedelta(hours=40)))
    scene.ports.artifacts.save(archive)
    package = attaching.attach_package(scene.ports, DEVELOPER, key, file_id="F1", file_name="package.zip")
    attaching.accept_package(scene.ports, package, read_package(archive))
    comparison.comparison({"package": package})
    builders.has_run(scene.ports, "comparison")
    return key


def choose(scene: Scene, key: str, level: Level, *classes: str) -> None:
    test_choices.choose_tests(scene.ports, MANAGER, key, level, classes)


def card(scene: Scene, key: str, attempt: Deployment) -> str:
    """What the attempt's post says, which Slack has to take."""
    facts = builders.facts_of(scene.ports, key)
    message = deployment_card(facts, scene.ports.policy, attempt, scene.clock.now())
    assert_slack_takes(message)
    return words_of(message)


def asked_of_the_org(scene: Scene) -> tuple[str, Sequence[str]]:
    """The level and classes of the newest job."""
    options = scene.production.org.jobs[-1].options
    return options.test_level, options.run_tests


@pytest.mark.parametrize(
    ("level", "sent"),
    [
        ("RunLocalTests", "RunLocalTests"),
        ("RunAllTestsInOrg", "RunAllTestsInOrg"),
        ("RunRelevantTests", "RunRelevantTests"),
        ("OrgDefault", ""),
    ],
)
def test_each_level_reaches_the_org_and_its_tests_run(scene: Scene, level: Level, sent: str) -> None:
    key = scene.planned()
    choose(scene, key, level)
    done = scene.validate(key)
    assert asked_of_the_org(scene) == (sent, ())
    assert (done.state, done.test_level) == ("validated", level)
    assert done.result["tests"][1] > 0


def test_named_tests_alone_run_and_go_live_quickly(scene: Scene) -> None:
    key = scene.planned()
    choose(scene, key, "RunSpecifiedTests")
    assert scene.validate(key).result["tests"][1] == 9
    assert asked_of_the_org(scene) == ("RunSpecifiedTests", ("DiscountPolicyTest", "DiscountRequestHandlerTest"))
    builders.settle_checklist(scene.ports, key)
    builders.approve(scene.ports, key)
    assert scene.deploy(key).state == "succeeded"
    assert scene.jobs[-1].quick_of


def test_a_class_that_the_org_does_not_know_is_told_with_what_to_do(scene: Scene) -> None:
    key = scene.planned()
    choose(scene, key, "RunSpecifiedTests", "DiscountPolicyTest", "NobodysTest")
    words = card(scene, key, scene.validate(key))
    assert "Apex test class 'NobodysTest' was not found" in words
    assert "NobodysTest is neither in the package nor in the org" in words


def test_a_class_that_the_named_tests_leave_out_is_told_with_its_lines(scene: Scene) -> None:
    key = scene.planned()
    choose(scene, key, "RunSpecifiedTests", "DiscountPolicyTest")
    done = scene.validate(key)
    words = card(scene, key, done)
    assert done.state == "failed"
    assert "Test coverage of selected Apex" in words
    assert "Name the class that tests it too" in words
    assert "Below 75 % tested, of what was deployed" in words
    rows = [line for line in words.splitlines() if line.startswith("DiscountRequestHandler |")]
    assert rows, words
    _, tested, missing, lines = rows[0].split(" | ")
    assert tested.startswith("0 % (0 of ")
    assert int(missing.split()[0]) > 0
    assert lines != "–"


def test_a_failed_test_is_read_with_its_line(scene: Scene) -> None:
    key = planned(scene, sample_package("first"))
    done = scene.validate(key)
    words = card(scene, key, done)
    assert "DiscountPolicyTest.loyalGoldAccountsGetMore" in words
    assert "Expected: 15, Actual: 10" in words
    assert "System.AssertException: Assertion Failed: E" not in words.split("failed.", 1)[1]
    assert "line 31" in words
    text = result_file(done, "DEP-1").data.decode()
    assert "Failed tests (1)" in text
    assert "All Apex together:" in text


def test_a_class_that_does_not_compile_is_read_with_line_and_column(scene: Scene) -> None:
    files = dict(GOOD)
    files["classes/Greeting.cls"] = files["classes/Greeting.cls"].replace(b"'Hello'", b"Greting__c.sayIt")
    key = planned(scene, write_archive(files))
    done = scene.validate(key)
    (error,) = done.result["errors"]
    assert error[3] == 3
    assert error[5]
    words = card(scene, key, done)
    assert f"classes/Greeting.cls, line 3, column {error[5]}" in words
    assert "Greting__c is neither in the package nor in the org" in words


def test_a_reference_to_nothing_is_told_with_what_to_do(scene: Scene) -> None:
    files = {
        "package.xml": REMOTE_SITE["package.xml"]
        .replace(b"Shipping_Rates", b"Greeter")
        .replace(b"RemoteSiteSetting", b"PermissionSet"),
        "permissionsets/Greeter.permissionset": (
            b'<?xml version="1.0" encoding="UTF-8"?><PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">'
            b"<classAccesses><apexClass>NobodysClass</apexClass><enabled>true</enabled></classAccesses>"
            b"<hasActivationRequired>false</hasActivationRequired><label>Greeter</label></PermissionSet>"
        ),
    }
    key = planned(scene, write_archive(files))
    done = scene.validate(key)
    assert done.state == "failed"
    words = card(scene, key, done)
    assert "PermissionSet Greeter: In field: apexClass - no ApexClass named NobodysClass found" in words
    assert "ApexClass NobodysClass, which apexClass points to, is neither in the package nor in the org" in words


def test_a_package_without_apex_left_to_the_org_runs_no_tests_and_goes_in_full(scene: Scene) -> None:
    key = planned(scene, write_archive(REMOTE_SITE))
    choose(scene, key, "OrgDefault")
    done = scene.validate(key)
    assert (done.state, done.result["tests"]) == ("validated", [0, 0, 0])
    builders.settle_checklist(scene.ports, key)
    builders.approve(scene.ports, key)
    live = scene.deploy(key)
    assert live.state == "succeeded"
    assert scene.jobs[-1].quick_of is None
    assert "Goes in full: an org left to itself runs no tests for a package without Apex" in card(scene, key, live)
