"""What people say and see of the tests that a release runs."""

from __future__ import annotations

import pytest

from handlers.conversation import Message
from release_core import attaching, validations
from release_core.errors import NotAllowed, Unclear
from release_core.metadata_types import Component
from release_core.packages import Package
from release_core.ports import JobStatus
from tests.handlers.room import Room, words_of
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    PRODUCTION,
    UAT,
    a_ready_release,
    a_release,
    digest_of,
    facts_of,
    newest,
    release,
    row_id,
)


@pytest.fixture
def key(room: Room) -> str:
    key = a_release(room.ports)
    components = tuple(Component("ApexClass", name) for name in ("Discount", "DiscountTest"))
    package = attaching.attach_package(room.ports, DEVELOPER, key, file_id="F1", file_name="apex.zip")
    content = Package(digest_of(b"apex"), 1, "64.0", {}, components, tests=("DiscountTest",))
    attaching.accept_package(room.ports, package, content)
    return key


def test_a_form_asks_for_level_and_classes_and_proposes_those_of_the_package(room: Room, key: str) -> None:
    form = room.is_asked(MANAGER, "release tests")
    assert "Now: RunLocalTests, as the policy says." in words_of(form)
    level, classes = form.fields
    assert "NoTestRun" not in [option.value for option in level.options]  # type: ignore[union-attr]
    assert classes.placeholder == "DiscountTest"  # type: ignore[union-attr]
    answer = room.submits(MANAGER, form, level="RunSpecifiedTests")
    assert "REL-1 runs RunSpecifiedTests (DiscountTest) in PRODUCTION from now on." in words_of(answer)
    again = room.is_asked(MANAGER, "release tests")
    assert "Now: RunSpecifiedTests (DiscountTest)." in words_of(again)


def test_a_form_for_a_sandbox_offers_to_run_none(room: Room) -> None:
    a_release(room.ports, org=UAT)
    form = room.is_asked(MANAGER, "release tests")
    answer = room.submits(MANAGER, form, level="NoTestRun")
    assert "REL-1 runs NoTestRun in UAT from now on." in words_of(answer)
    shown = words_of(room.hears(MANAGER, "release status"))
    assert "Goes in full: NoTestRun runs no tests, and Salesforce takes no quick deploy without tests." in shown


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("release tests REL-1 all", "RunAllTestsInOrg"),
        ("release tests runrelevanttests", "RunRelevantTests"),
        ("release tests RunSpecifiedTests DiscountTest, OrderTest", "RunSpecifiedTests (DiscountTest, OrderTest)"),
        ("release tests named OrderTest;discounttest", "RunSpecifiedTests (OrderTest, DiscountTest)"),
        ("release tests specified -- OrderTest", "RunSpecifiedTests (OrderTest)"),
        ("release tests default", "OrgDefault"),
    ],
)
def test_levels_are_understood_as_people_type_them(room: Room, key: str, text: str, chosen: str) -> None:
    assert f"REL-1 runs {chosen} in PRODUCTION from now on." in words_of(room.hears(MANAGER, text))
    assert str(facts_of(room.ports, key).tests) == chosen


def test_a_class_outside_the_package_is_told_to_be_unknown_until_the_org_was_asked(room: Room, key: str) -> None:
    words = words_of(room.hears(MANAGER, "release tests named DiscountTest OrderTest"))
    assert "Not in the package: OrderTest; the validation will tell whether PRODUCTION has them." in words


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("release tests most", "level", "“most” is no test level. Say one of RunLocalTests"),
        ("release tests none", "level", "where NoTestRun is never sent"),
        ("release tests named Discount", "classes", "Discount is in the package, but it is no test class."),
        ("release tests local DiscountTest", "classes", "with RunSpecifiedTests alone"),
    ],
)
def test_a_mistake_is_told_at_its_field(room: Room, key: str, text: str, field: str, words: str) -> None:
    refusal = room.refuses(MANAGER, text)
    assert isinstance(refusal.error, Unclear)
    assert refusal.error.field == field
    assert field in {each.name for each in room.is_asked(MANAGER, "release tests").fields}
    assert words in refusal.words
    assert release(room.ports, key).test_level == ""


def test_who_may_not_plan_is_told_who_may(room: Room, key: str) -> None:
    refusal = room.refuses(DEVELOPER, "release tests all")
    assert isinstance(refusal.error, NotAllowed)
    assert "Anna Weiss" in refusal.words


def test_other_tests_after_approval_are_told_with_what_to_do(room: Room) -> None:
    a_ready_release(room.ports)
    room.tell()
    answer = room.hears(MANAGER, "release tests all")
    assert "2 answers of approvers withdrawn: ask again." in words_of(answer)
    assert "The validation ran other tests, so it does not count any more: validate again." in words_of(answer)
    room.tell()
    told = " ".join(words_of(post.message) for slot, post in room.posts.items() if slot.startswith("entry:"))
    assert "@Anna Weiss chose RunAllTestsInOrg instead of RunLocalTests." in told
    assert "The tests changed: RunAllTestsInOrg instead of RunLocalTests." in told
    why = words_of(room.hears(MANAGER, "release why"))
    assert "ran RunLocalTests; the release wants RunAllTestsInOrg now." in why
    assert isinstance(room.clicks(MANAGER, "Validate again", answer), Message)
    assert newest(room.ports, "REL-1", "validation").test_level == "RunAllTestsInOrg"


def test_approvers_read_which_tests_they_say_yes_to(room: Room, key: str) -> None:
    room.says(MANAGER, "release tests named DiscountTest")
    room.says(MANAGER, "release ask")
    room.tell()
    cards = [words_of(post.message) for slot, post in room.posts.items() if slot.startswith("approval:")]
    assert cards
    assert all("Tests: RunSpecifiedTests (DiscountTest)" in words for words in cards)


def test_a_release_is_planned_with_its_tests(room: Room) -> None:
    form = room.is_asked(MANAGER, "release new Discounts")
    room.submits(MANAGER, form, level="RunRelevantTests")
    assert release(room.ports, "REL-1").test_level == "RunRelevantTests"
    refusal = room.is_refused_the_form(MANAGER, room.is_asked(MANAGER, "release new Winter"), level="NoTestRun")
    assert isinstance(refusal.error, Unclear)
    assert refusal.error.field == "level"


def test_an_attempt_says_which_tests_it_runs(room: Room, key: str) -> None:
    room.says(MANAGER, "release tests named DiscountTest")
    validations.request_validation(room.ports, DEVELOPER, key)
    room.tell()
    assert "Tests: RunSpecifiedTests (DiscountTest)." in words_of(room.post("deployment:DEP-1"))


def test_a_deployment_that_goes_in_full_for_want_of_tests_says_so_before_and_while_it_goes(room: Room) -> None:
    key = a_ready_release(room.ports)
    attempt = row_id(room.ports, validations.request_validation(room.ports, DEVELOPER, key, org=PRODUCTION))
    validations.finish_validation(room.ports, attempt, JobStatus("0Af9", "Succeeded", True, True, True))
    why = room.hears(MANAGER, "release why")
    assert "No tests ran in it, so the deployment goes in full" in words_of(why)
    room.clicks(MANAGER, "Deploy to PRODUCTION", why)
    room.tell()
    assert "Goes in full: no tests ran in DEP-2" in words_of(room.post("deployment:DEP-3"))


def test_a_quick_deploy_says_what_it_replays(room: Room) -> None:
    a_ready_release(room.ports)
    room.clicks(MANAGER, "Deploy to PRODUCTION", room.hears(MANAGER, "release why"))
    room.tell()
    words = words_of(room.post("deployment:DEP-2"))
    assert "A quick deploy of what was validated with RunLocalTests." in words
