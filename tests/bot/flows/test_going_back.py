"""Going back at once, in parts, without the quick way, and forward again, against a local org."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlmodel import select

from bot.failures import tell_of_failure
from bot.flows import alarms, checks, org_watch, rollback
from bot.rehearsal.packages import sample_package
from release_core import org_locks, rollback_choices, rollback_requests
from release_core.errors import Refused
from release_core.facts import ReleaseFacts
from release_core.metadata_types import Component
from release_core.models import OrgWatch, RollbackRequest
from release_core.org_locks import standing_lock
from release_core.packages import read_package, read_retrieved, write_package
from release_core.timeline import Kind
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import ADMINISTRATOR, MANAGER, PRODUCTION, SECOND_MANAGER

HAND_MADE = b"\n// mended by hand\n"


def _content(scene: Scene) -> bytes:
    return httpx.get(f"{scene.production.instance_url}/rehearsal/export", trust_env=False).content


def _ask(scene: Scene, key: str) -> int:
    return rollback_requests.ask_rollback(scene.ports, MANAGER, key, "it broke")


def _wish(scene: Scene, request: int) -> RollbackRequest:
    with scene.ports.store.reading() as session:
        return rollback_requests.find_request(session, request)


def _confirm(scene: Scene, key: str, request: int, by: str = SECOND_MANAGER) -> int:
    rollback_requests.decide_rollback(scene.ports, by, request, yes=True)
    return builders.newest(scene.ports, key, "rollback").id or 0


def _edit(scene: Scene, name: str = "DiscountPolicy") -> None:
    """A colleague edits a class in Setup."""
    org = scene.production.org
    scene.clock.advance(timedelta(seconds=30))
    held = org.inventory.get("ApexClass", name)
    assert held is not None
    files = {path: data + HAND_MADE if path.endswith(".cls") else data for path, data in held.files.items()}
    org.change(org.users[1].id, "ApexClass", name, files)


def _facts(scene: Scene, key: str) -> ReleaseFacts:
    return builders.facts_of(scene.ports, key)


def _armed(scene: Scene, key: str) -> bool:
    return _facts(scene, key).armed(scene.clock.now()) is not None


def _why_not_armed(scene: Scene, key: str) -> str:
    return str(builders.last(scene.ports, key, Kind.ROLLBACK_NOT_ARMED).details["problem"])


# At once


def test_after_a_look_an_armed_way_back_takes_two_calls_to_the_org(scene: Scene) -> None:
    before, key = _content(scene), scene.live()
    request = _ask(scene, key)
    scene.look(request)
    assert _wish(scene, request).drift == []
    attempt = _confirm(scene, key, request)
    calls = scene.gateway.calls
    assert rollback.nothing_happened_since(attempt)
    assert rollback.went_quickly(attempt)
    assert scene.attempt(attempt).job_id
    assert scene.gateway.calls - calls == 2
    rollback.follow(attempt)
    assert scene.attempt(attempt).state == "succeeded"
    assert _content(scene) == before


def test_what_the_look_saw_is_the_snapshot_that_undoes_the_rollback(scene: Scene) -> None:
    key = scene.live()
    live, request = _content(scene), _ask(scene, key)
    scene.look(request)
    done = scene.go_back(key, _confirm(scene, key, request))
    assert done.snapshot_digest == _wish(scene, request).live_digest
    again = scene.go_back(key, _confirm(scene, key, _ask(scene, key)))
    assert (again.state, again.result["differences"]) == ("succeeded", [])
    assert read_retrieved(scene.ports.artifacts.load(done.snapshot_digest)).components
    assert _flows_aside(_content(scene)) == _flows_aside(live)


def _flows_aside(export: bytes) -> bytes:
    """A flow that runs again does so under a new version number."""
    return b"".join(line for line in export.splitlines() if b"low" not in line and b"ersion" not in line)


def test_what_somebody_changes_after_the_look_is_looked_at_and_asked_about(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    scene.look(request)
    attempt = _confirm(scene, key, request)
    _edit(scene)
    done = scene.go_back(key, attempt)
    assert done.state == "failed"
    assert any("DiscountPolicy was changed by" in part for part in done.result["drift"])
    assert len(scene.jobs) == 1


def test_a_change_elsewhere_after_the_look_costs_another_look_and_no_more(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    scene.look(request)
    _edit(scene, "OpportunityService")
    attempt = _confirm(scene, key, request)
    assert not rollback.nothing_happened_since(attempt)
    done = scene.go_back(key, attempt)
    assert (done.state, bool(done.validated_job_id)) == ("succeeded", True)


def test_an_org_that_refuses_the_quick_way_is_looked_at_before_the_long_one(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    scene.look(request)
    attempt = _confirm(scene, key, request)
    proof = scene.production.org.find_job(scene.attempt(attempt).validated_job_id)
    assert proof is not None
    proof.used = True
    done = scene.go_back(key, attempt)
    assert (done.state, done.validated_job_id) == ("succeeded", "")
    assert scene.said(key).count("rollback_way") >= 1


def test_a_look_that_fails_leaves_the_looking_to_the_rollback(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    scene.away = True
    scene.look(request)
    assert "cannot be reached" in _wish(scene, request).look_problem
    assert "rollback_not_looked" in scene.said(key)
    scene.away = False
    assert scene.go_back(key, _confirm(scene, key, request)).state == "succeeded"


def test_a_look_that_breaks_is_told_too(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    tell_of_failure(scene.ports, f"rollback_look:{key}:{request}", ZeroDivisionError())
    assert "ZeroDivisionError" in _wish(scene, request).look_problem


def test_a_watch_that_breaks_goes_on(scene: Scene) -> None:
    scene.live()
    (due,) = builders.intents(scene.ports, "org_watch")
    with scene.ports.store.transaction() as session:
        session.add(due)
        due.state = "started"
    tell_of_failure(scene.ports, due.key, ZeroDivisionError())
    scene.clock.advance(timedelta(seconds=1))
    assert builders.intents(scene.ports, "org_watch")


# In parts


def test_what_was_changed_since_is_decided_before_anybody_confirms(scene: Scene) -> None:
    key = scene.live()
    _edit(scene)
    request = _ask(scene, key)
    scene.look(request)
    (row,) = _wish(scene, request).drift
    assert row[:3] == ["ApexClass", "DiscountPolicy", "changed"]
    assert row[3]
    with pytest.raises(Refused, match="ApexClass DiscountPolicy") as refused:
        _confirm(scene, key, request)
    assert refused.value.code == "drift_undecided"


def test_a_part_is_left_as_somebody_made_it_and_the_rest_goes_back(scene: Scene) -> None:
    key = scene.live()
    _edit(scene)
    request = _ask(scene, key)
    scene.look(request)
    left = [["ApexClass", "DiscountPolicy"], ["ApexClass", "DiscountPolicyTest"]]
    chosen = rollback_choices.choose_parts(scene.ports, SECOND_MANAGER, request, left)
    assert _wish(scene, request).state == "replaced"
    done = scene.go_back(key, _confirm(scene, key, chosen, MANAGER))
    assert (done.state, done.leave, done.result["differences"]) == ("succeeded", left, [])
    org = scene.production.org.inventory
    mended = org.get("ApexClass", "DiscountPolicy")
    assert mended is not None
    assert mended.source.endswith("// mended by hand\n")
    assert org.get("ApexClass", "DiscountRequestHandler") is None
    assert builders.last(scene.ports, key, Kind.ROLLBACK_SUCCEEDED).details["left"] == left


def test_what_people_chose_to_overwrite_goes_back(scene: Scene) -> None:
    before, key = _content(scene), scene.live()
    _edit(scene)
    request = _ask(scene, key)
    scene.look(request)
    chosen = rollback_choices.choose_parts(scene.ports, SECOND_MANAGER, request, [])
    assert scene.go_back(key, _confirm(scene, key, chosen, MANAGER)).state == "succeeded"
    assert scene.production.org.inventory.get("ApexClass", "LegacyDiscount") is not None
    assert len(_content(scene)) == len(before)


def test_a_choice_that_was_proven_first_is_a_quick_deploy(scene: Scene) -> None:
    key = scene.live()
    request = _ask(scene, key)
    scene.look(request)
    left = [["ApexClass", "LegacyDiscount"]]
    chosen = rollback_choices.choose_parts(scene.ports, MANAGER, request, left)
    proof = builders.row_id(scene.ports, rollback_choices.prove_first(scene.ports, MANAGER, chosen))
    checks.arming({"deployment": proof})
    assert scene.attempt(proof).state == "validated"
    assert _armed(scene, key), "the whole way back stays armed beside it"
    attempt = _confirm(scene, key, chosen)
    assert scene.attempt(attempt).validated_job_id == scene.attempt(proof).job_id
    assert scene.go_back(key, attempt).state == "succeeded"
    assert scene.jobs[-1].quick_of == scene.attempt(proof).job_id
    assert scene.production.org.inventory.get("ApexClass", "LegacyDiscount") is None


def test_a_part_that_something_needs_is_refused_by_the_orgs_own_check(scene: Scene) -> None:
    key = scene.live()
    chosen = rollback_choices.choose_parts(
        scene.ports, MANAGER, _ask(scene, key), [["LightningComponentBundle", "discountBadge"]]
    )
    proof = builders.row_id(scene.ports, rollback_choices.prove_first(scene.ports, MANAGER, chosen))
    checks.arming({"deployment": proof})
    assert scene.attempt(proof).state == "failed"
    assert "Remove the usage and try again" in scene.attempt(proof).problem
    assert _armed(scene, key)


# The long way


def test_a_way_back_that_is_not_armed_begins_with_the_fewest_tests(scene: Scene) -> None:
    key = scene.ready()
    scene.deploy(key)
    done = scene.roll_back(key)
    levels = [job.options.test_level for job in scene.jobs[1:]]
    assert levels == ["RunRelevantTests", "RunLocalTests"]
    assert (done.state, done.test_level) == ("succeeded", "RunLocalTests")
    told = [fact.details for fact in builders.told(scene.ports, key) if fact.kind == Kind.ROLLBACK_WAY]
    assert [fact.get("level") or fact["next"] for fact in told] == ["RunRelevantTests", done.key, "RunLocalTests"]
    assert "coverage" in told[1]["problem"]


def test_a_rollback_that_waited_for_the_proof_goes_by_it(scene: Scene) -> None:
    key = scene.ready()
    assert scene.deploy(key).state == "succeeded"
    request = _ask(scene, key)
    scene.look(request)
    attempt = _confirm(scene, key, request)
    assert not scene.attempt(attempt).validated_job_id, "it was confirmed before anything was proven"
    assert scene.arm(key).state == "validated"
    done = scene.go_back(key, attempt)
    assert (done.state, done.test_level) == ("succeeded", "")
    assert done.validated_job_id


# Forward again


def test_a_rollback_is_undone_and_the_lock_stays(scene: Scene) -> None:
    key = scene.live()
    scene.roll_back(key)
    scene.clock.advance(timedelta(minutes=1))
    request = _ask(scene, key)
    scene.look(request)
    done = scene.go_back(key, _confirm(scene, key, request))
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert scene.release(key).state == "soaking"
    flows = scene.production.org.inventory.flows["Opportunity_Follow_Up"]
    assert [version.status for version in flows if version.status == "Active"] == ["Active"]
    with scene.ports.store.reading() as session:
        assert standing_lock(session, PRODUCTION) is not None
    assert scene.arm(key).state == "validated"
    assert _armed(scene, key)
    assert scene.roll_back(key).state == "succeeded", "and it can be taken back once more"
    org_locks.unlock_org(scene.ports, ADMINISTRATOR, PRODUCTION, "the cause is found")


def _active(scene: Scene) -> list[int]:
    """The numbers of the versions of the sample's flow that run."""
    versions = scene.production.org.inventory.flows["Opportunity_Follow_Up"]
    return [version.number for version in versions if version.status == "Active"]


def test_the_version_of_a_flow_that_ran_before_runs_again_also_where_flows_arrive_as_drafts(scene: Scene) -> None:
    """Production takes flows as drafts unless a setting lets them arrive active."""
    ran = _active(scene)
    key = scene.live()
    landed = _active(scene)
    assert landed != ran
    scene.production.org.inventory.remove("Settings", "Flow")
    done = scene.roll_back(key)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert _active(scene) == ran
    request = _ask(scene, key)
    assert scene.go_back(key, _confirm(scene, key, request)).result["differences"] == []
    assert _active(scene) == landed


def test_a_flow_that_does_not_run_again_is_named_after_going_back(scene: Scene) -> None:
    key = scene.live()
    attempt = scene.wish_back(key)
    rollback.look_and_hold(attempt)
    rollback.go_back(attempt)
    rollback.watch(attempt)
    rollback.conclude(attempt)
    org = scene.production.org
    org.activate_flow(org.users[1].id, "Opportunity_Follow_Up", 0)
    rollback.read_back(attempt)
    (told,) = [one for one in scene.attempt(attempt).result["differences"] if one.startswith("Flow Opp")]
    assert "it does not run" in told


def _went_and_came_back(scene: Scene, archive: bytes) -> list[str]:
    """What is told of a release of this archive after it went in and was rolled back."""
    key = scene.planned(archive=archive)
    assert scene.validate(key).state == "validated"
    builders.settle_checklist(scene.ports, key)
    builders.approve(scene.ports, key)
    assert scene.deploy(key).state == "succeeded"
    done = scene.roll_back(key)
    assert done.state == "succeeded"
    return list(done.result["differences"])


def test_what_stays_behind_as_foreseen_is_told_with_what_a_person_does(scene: Scene) -> None:
    flow = read_package(sample_package("mended")).files["flows/Opportunity_Follow_Up.flow"]
    files = {"flows/Brand_New.flow": flow.replace(b"Opportunity Follow Up", b"Brand New")}
    archive = write_package(files, [Component("Flow", "Brand_New")], api_version="62.0")
    (told,) = _went_and_came_back(scene, archive)
    assert told.startswith("Flow Brand_New (foreseen: In Setup, ")


def test_what_was_deleted_with_its_data_is_told_although_its_definition_is_back(scene: Scene) -> None:
    gone = [Component("CustomField", "Account.Region__c")]
    (told,) = _went_and_came_back(scene, write_package({}, [], api_version="62.0", deletions_after=gone))
    assert told.startswith("CustomField Account.Region__c (foreseen: Export the field's values")
    assert "layouts" in told


def test_a_mended_release_with_the_same_flow_makes_it_run_again(scene: Scene) -> None:
    scene.roll_back(scene.live())
    org_locks.unlock_org(scene.ports, ADMINISTRATOR, PRODUCTION, "the cause is found")
    ran = _active(scene)
    done = scene.attempt(builders.newest(scene.ports, scene.live(), "deployment").id or 0)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert _active(scene) != ran


def test_a_flow_that_arrives_as_a_draft_is_told_with_what_to_do(scene: Scene) -> None:
    scene.production.org.inventory.remove("Settings", "Flow")
    done = scene.attempt(builders.newest(scene.ports, scene.live(), "deployment").id or 0)
    (told,) = done.result["differences"]
    assert told == "Flow Opportunity_Follow_Up (its new version does not run: activate it in Setup, Flows)"


# Watched


def test_a_foreign_deployment_is_noticed_and_the_way_back_is_proven_again(scene: Scene) -> None:
    key = scene.live()
    job = scene.somebody_else_deploys()
    org_watch.org_watch({"org": PRODUCTION})
    assert f"(job {job.id})" in _why_not_armed(scene, key)
    assert not _armed(scene, key)
    assert scene.arm(key).state == "validated"
    assert _armed(scene, key)
    org_watch.org_watch({"org": PRODUCTION})
    assert _armed(scene, key), "what landed before the proof does not void it"


def test_a_look_costs_one_call_and_three_more_once_an_hour(scene: Scene) -> None:
    scene.live()
    spent = []
    for minutes in (61 - scene.clock.now().minute, 5, 61):
        scene.clock.advance(timedelta(minutes=minutes))
        calls = scene.gateway.calls
        org_watch.org_watch({"org": PRODUCTION})
        spent.append(scene.gateway.calls - calls)
    assert spent == [4, 1, 4], "package installs, jobs and limits are asked for once an hour"


def test_a_package_install_voids_what_was_armed(scene: Scene) -> None:
    key = scene.live()
    scene.clock.advance(timedelta(minutes=1))
    scene.production.org.install_package(scene.production.org.users[1].id, "Quotes", "2.0")
    org_watch.org_watch({"org": PRODUCTION})
    assert "A package was installed after it" in _why_not_armed(scene, key)


def test_a_look_that_failed_leaves_package_installs_to_the_next_one(scene: Scene) -> None:
    """Also where it was the first of its hour, in which they are read."""
    key = scene.live()
    scene.clock.advance(timedelta(minutes=118 - scene.clock.now().minute))
    org_watch.org_watch({"org": PRODUCTION})
    scene.production.org.install_package(scene.production.org.users[1].id, "Quotes", "2.0")
    for away in (True, False):
        scene.clock.advance(timedelta(minutes=5))
        scene.away = away
        org_watch.org_watch({"org": PRODUCTION})
    assert "A package was installed after it" in _why_not_armed(scene, key)


def test_a_way_back_that_would_overwrite_somebodys_work_is_not_armed_again(scene: Scene) -> None:
    key = scene.live()
    _edit(scene)
    scene.somebody_else_deploys()
    org_watch.org_watch({"org": PRODUCTION})
    assert scene.arm(key).state == "failed"
    assert "DiscountPolicy was changed by" in _why_not_armed(scene, key)


def test_a_validation_that_somebody_voided_is_told_before_anybody_presses_deploy(scene: Scene) -> None:
    key = scene.ready()
    scene.somebody_else_deploys()
    org_watch.org_watch({"org": PRODUCTION})
    assert "validation_voided" in scene.said(key)
    soon = [one for one in builders.intents(scene.ports, "revalidation") if one.due_at <= scene.clock.now()]
    alarms.revalidation(soon[-1].args)
    assert builders.blocked_by(scene.ports, key) == {"validating"}, "in the window it is validated again by itself"


def test_an_org_that_is_away_is_looked_at_again(scene: Scene) -> None:
    scene.live()
    scene.away = True
    org_watch.org_watch({"org": PRODUCTION})
    with scene.ports.store.reading() as session:
        watch = session.exec(select(OrgWatch)).one()
    assert "cannot be reached" in watch.problem
    assert builders.intents(scene.ports, "org_watch")


def test_the_watch_ends_when_nothing_matters_any_more(scene: Scene) -> None:
    key = scene.live()
    for intent in builders.intents(scene.ports, "org_watch"):
        with scene.ports.store.transaction() as session:
            session.delete(intent)
    scene.roll_back(key)
    org_watch.org_watch({"org": PRODUCTION})
    assert builders.intents(scene.ports, "org_watch") == []


def test_a_proof_that_failed_because_the_org_was_away_is_tried_again(scene: Scene) -> None:
    key = scene.ready()
    scene.deploy(key)
    scene.away = True
    assert scene.arm(key).state == "failed"
    told = builders.last(scene.ports, key, Kind.ROLLBACK_NOT_ARMED).details
    assert told["again_at"] > scene.clock.now().isoformat()
    scene.away = False
    (again,) = builders.intents(scene.ports, "arming_again")
    alarms.arming_again(again.args)
    assert scene.arm(key).state == "validated"
    assert _armed(scene, key)
