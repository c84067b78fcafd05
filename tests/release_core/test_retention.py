"""Files go when nobody can need them any more, never sooner."""

from __future__ import annotations

from datetime import timedelta

from bot import outside
from bot.flows import retention as flow
from bot.outside import Outside
from release_core import releases
from release_core.attaching import Origin, attach_from, refuse_package
from release_core.ports import Ports
from release_core.retention import Unneeded, plan_retention, unneeded
from tests.release_core import builders
from tests.release_core.builders import (
    DEVELOPER,
    MANAGER,
    NOW,
    ArtifactsInMemory,
    a_package,
    a_release,
    a_soaking_release,
    digest_of,
    go_to,
    kinds,
    last,
)


def keep(ports: Ports, *contents: bytes) -> list[str]:
    return [ports.artifacts.save(data) for data in contents]


def look(ports: Ports) -> Unneeded:
    with ports.store.reading() as session:
        return unneeded(session, ports.policy, ports.artifacts.kept(), ports.clock.now())


def gone(ports: Ports) -> set[str]:
    return {file.digest for file in look(ports).files}


def days(ports: Ports, number: float) -> None:
    go_to(ports, NOW + timedelta(days=number))


def a_cancelled_release(ports: Ports) -> str:
    key = a_release(ports)
    keep(ports, b"first")
    a_package(ports, key)
    releases.cancel_release(ports, MANAGER, key, "not needed")
    return key


def a_closed_release(ports: Ports, name: str) -> str:
    """Its package, its snapshot, its way back are kept as files."""
    key = a_soaking_release(ports, name=name)
    keep(ports, f"{name} {key}".encode(), b"before", b"way back")
    assert releases.close_release(ports, MANAGER, key)
    return key


def test_files_of_a_release_that_was_given_up_go_after_the_time_of_the_policy(ports: Ports) -> None:
    key = a_cancelled_release(ports)
    days(ports, 179)
    assert gone(ports) == set()
    days(ports, 180)
    assert {name: [file.digest for file in files] for name, files in look(ports).of_releases.items()} == {
        key: [digest_of(b"first")]
    }


def test_files_of_an_open_release_stay(ports: Ports) -> None:
    keep(ports, b"first")
    a_package(ports, a_release(ports))
    days(ports, 4000)
    assert gone(ports) == set()


def test_a_file_that_an_open_release_holds_as_well_stays(ports: Ports) -> None:
    a_cancelled_release(ports)
    a_package(ports, a_release(ports, name="Same again"))
    days(ports, 4000)
    assert gone(ports) == set()


def test_the_newest_deployment_of_an_org_keeps_its_way_back_for_ever(ports: Ports) -> None:
    a_closed_release(ports, "Autumn release")
    days(ports, 4000)
    assert gone(ports) == set()


def test_a_deployment_after_which_another_landed_keeps_its_files_for_the_time_of_the_policy(ports: Ports) -> None:
    first = a_closed_release(ports, "Autumn release")
    days(ports, 1)
    a_closed_release(ports, "Winter release")
    days(ports, 179)
    assert gone(ports) == set()
    days(ports, 300)
    assert list(look(ports).of_releases) == [first]
    assert gone(ports) == {digest_of(f"Autumn release {first}".encode())}, "the newer release has the same snapshot"


def test_a_soaking_release_keeps_its_files(ports: Ports) -> None:
    key = a_soaking_release(ports)
    keep(ports, b"before", b"way back", f"Autumn release {key}".encode())
    a_soaking_release(ports, name="Winter release")
    days(ports, 4000)
    assert gone(ports) == set()


def test_what_nothing_refers_to_goes_after_a_week(ports: Ports) -> None:
    [left] = keep(ports, b"left over")
    days(ports, 6.9)
    assert gone(ports) == set()
    days(ports, 7)
    assert gone(ports) == {left}


def test_the_file_of_a_package_that_was_refused_is_a_leftover(ports: Ports) -> None:
    [digest] = keep(ports, b"broken")
    package = attach_from(ports, DEVELOPER, a_release(ports), Origin("file", "a.zip", "a.zip", digest=digest))
    days(ports, 30)
    assert gone(ports) == set(), "it is being read"
    refuse_package(ports, package, "This is no package.")
    assert gone(ports) == {digest}


def test_what_was_saved_anew_is_left_alone(ports: Ports) -> None:
    a_cancelled_release(ports)
    days(ports, 200)
    artifacts = ports.artifacts
    assert isinstance(artifacts, ArtifactsInMemory)
    artifacts.saved_at[digest_of(b"first")] = ports.clock.now() - timedelta(days=6)
    assert gone(ports) == set()


def test_every_day_files_are_deleted_and_the_release_remembers_it(ports: Ports) -> None:
    key = a_cancelled_release(ports)
    keep(ports, b"left over")
    days(ports, 181)
    plan_retention(ports)
    with outside.within(Outside(ports, lambda _: None, None)):  # type: ignore[arg-type,return-value]
        flow.retention({})
        flow.retention({})
    assert ports.artifacts.kept() == []
    assert kinds(ports, key).count("artifacts_deleted") == 1
    assert last(ports, key, "artifacts_deleted").details == {"files": 1, "days": 180}


def test_what_is_saved_anew_between_the_look_and_the_deleting_stays(ports: Ports) -> None:
    """The bot may be killed in between; the same package may be attached meanwhile."""
    kept, [old] = keep(ports, b"attached again"), keep(ports, b"left over")
    days(ports, 30)
    assert isinstance(ports.artifacts, ArtifactsInMemory)
    with outside.within(Outside(ports, lambda _: None, None)):  # type: ignore[arg-type,return-value]
        found = flow.look_through()[""]
        assert set(found) == {*kept, old}
        ports.artifacts.save(b"attached again")
        ports.artifacts.saved_at[kept[0]] = ports.clock.now()
        assert flow.delete(found) == 1
    assert [file.digest for file in ports.artifacts.kept()] == kept


def test_the_daily_look_is_planned_once(ports: Ports) -> None:
    plan_retention(ports)
    plan_retention(ports)
    assert [one.due_at for one in builders.intents(ports, "retention")] == [NOW + timedelta(days=1)]
