"""A release comes back out of a local org, with everything that can come between."""

from __future__ import annotations

import httpx
import pytest

from bot.failures import tell_of_failure
from bot.flows import rollback
from release_core.errors import NotFound
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import ArtifactsInMemory


def _content(scene: Scene) -> bytes:
    return httpx.get(f"{scene.production.instance_url}/rehearsal/export", trust_env=False).content


def test_going_back_is_a_quick_deploy_that_leaves_no_trace(scene: Scene) -> None:
    before = _content(scene)
    key = scene.live()
    assert _content(scene) != before
    done = scene.roll_back(key)
    assert (done.state, done.result["differences"]) == ("succeeded", [])
    assert done.validated_job_id
    assert _content(scene) == before
    assert scene.release(key).state == "rolled_back"


def test_what_was_never_armed_goes_back_by_a_full_deployment_with_tests(scene: Scene) -> None:
    before = _content(scene)
    key = scene.ready()
    scene.deploy(key)
    done = scene.roll_back(key)
    assert (done.state, done.validated_job_id) == ("succeeded", "")
    assert scene.jobs[-1].options.test_level == "RunLocalTests"
    assert _content(scene) == before


def test_a_way_back_that_others_disarmed_is_gone_in_full(scene: Scene) -> None:
    key = scene.live()
    scene.somebody_else_deploys()
    done = scene.roll_back(key, overwrite=True)
    assert (done.state, done.validated_job_id) == ("succeeded", "")


def test_an_armed_way_back_that_lapsed_in_the_org_is_gone_in_full(scene: Scene) -> None:
    """The org may know better than its history tells."""
    key = scene.live()
    attempt = scene.wish_back(key)
    armed = scene.production.org.find_job(scene.attempt(attempt).validated_job_id)
    assert armed is not None
    armed.used = True
    done = scene.go_back(key, attempt)
    assert (done.state, done.validated_job_id) == ("succeeded", "")
    assert [job.status for job in scene.jobs] == ["Succeeded", "Failed", "Succeeded"]  # refused for its coverage once


def test_a_lost_answer_is_looked_up_on_the_way_back_too(scene: Scene) -> None:
    key = scene.live()
    scene.fault("drop_connection")
    assert scene.roll_back(key).state == "succeeded"
    assert len(scene.jobs) == 2


def test_what_somebody_changed_since_is_asked_about(scene: Scene) -> None:
    key = scene.live()
    org = scene.production.org
    org.change(org.users[1].id, "ApexClass", "DiscountPolicy", None)
    after = _content(scene)
    done = scene.roll_back(key)
    assert done.state == "failed"
    assert any("DiscountPolicy" in part for part in done.result["drift"])
    assert _content(scene) == after
    assert scene.release(key).state == "soaking"
    assert len(scene.jobs) == 1


def test_an_org_that_cannot_be_reached_leaves_the_release_live(scene: Scene) -> None:
    key = scene.live()
    scene.away = True
    done = scene.roll_back(key)
    assert done.state == "failed"
    assert "did not start" in done.problem
    assert scene.release(key).state == "soaking"
    scene.away = False
    assert scene.roll_back(key).state == "succeeded"


def test_a_snapshot_that_is_lost_stops_the_way_back_before_it_begins(scene: Scene) -> None:
    key = scene.live()
    attempt = scene.wish_back(key)
    assert isinstance(scene.ports.artifacts, ArtifactsInMemory)
    scene.ports.artifacts._kept.clear()
    with pytest.raises(NotFound) as lost:
        rollback.rollback({"deployment": attempt})
    tell_of_failure(scene.ports, f"rollback:{key}:{scene.attempt(attempt).key}", lost.value)
    assert scene.attempt(attempt).state == "failed"
    assert "rollback_held" in builders.kinds(scene.ports, key)
    assert len(scene.jobs) == 1
