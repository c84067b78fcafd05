"""What an org tells of what bears on a deployment, asked of the local org."""

from __future__ import annotations

from bot.flows import deployment, org_reading
from release_core.lookups import find_release, package_of
from release_core.models import OrgReading
from tests.bot.flows.scenes import Scene
from tests.release_core.builders import PRODUCTION


def reading(scene: Scene) -> OrgReading:
    with scene.ports.store.reading() as session:
        found = session.get(OrgReading, PRODUCTION)
        assert found is not None
        return found


def keep_busy(scene: Scene, apex_class: str) -> None:
    """A scheduled job waits in production with this class."""
    row = {"Status": "Queued", "JobType": "ScheduledApex", "ApexClass.Name": apex_class}
    scene.production.org.records.setdefault("AsyncApexJob", []).append(row)


def test_jobs_changes_and_limits_are_read(scene: Scene) -> None:
    scene.ready()
    scene.somebody_else_deploys(check_only=False)
    keep_busy(scene, "DiscountPolicy")
    org_reading.read(scene.outside, PRODUCTION)
    found = reading(scene).found
    assert [row[:3] for row in found["jobs"]] == [["DiscountPolicy", "ScheduledApex", "Queued"]]
    assert {row[1] for row in found["changes"]} == {scene.production.org.users[1].username}
    assert set(found["limits"]) == {"DailyApiRequests", "DataStorageMB", "FileStorageMB"}


def test_an_org_that_is_away_stops_nothing_and_what_it_told_before_stays(scene: Scene) -> None:
    scene.ready()
    org_reading.read(scene.outside, PRODUCTION)
    scene.away = True
    org_reading.read(scene.outside, PRODUCTION)
    assert reading(scene).problem.startswith("PRODUCTION cannot be reached")
    assert reading(scene).found["limits"]


def test_a_job_that_came_since_the_click_holds_the_deployment_before_the_org_is_asked_for_it(scene: Scene) -> None:
    key = scene.ready(strategy="full")
    attempt = scene.asked(key)
    keep_busy(scene, "DiscountPolicy")
    deployment.deployment({"deployment": attempt})
    done = scene.attempt(attempt)
    assert done.state == "failed"
    assert done.job_id == ""
    assert scene.jobs == []
    assert "DiscountPolicy" in done.problem + str(done.result)


def test_what_refers_to_what_changes_is_asked_of_the_org(scene: Scene) -> None:
    """The sample changes a class in production that its own test alone refers to, which the package brings as well."""
    key = scene.planned()
    with scene.ports.store.reading() as session:
        package = package_of(session, find_release(session, key))
    assert package is not None
    changed = [row for row in package.comparison if row[2] in ("changed", "deleted")]
    assert package.dependents["asked"] > 0
    assert package.dependents["asked"] <= len(changed)
    ours = {f"{row[0]} {row[1].rpartition('.')[2]}" for row in changed}
    assert ours.isdisjoint(package.dependents["names"])
    assert len(package.dependents["names"]) == package.dependents["number"]
