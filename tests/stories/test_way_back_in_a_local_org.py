"""The sample release goes into a local org, then back out, until every byte is as it was."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.manifests import Manifest
from bot.rehearsal.org.org import Org, Settings
from bot.rehearsal.org.results import DeployOptions
from bot.rehearsal.org.retrieving import RetrieveRequest
from bot.rehearsal.org.seeding import seeded_org
from bot.rehearsal.packages import sample_package
from release_core.archives import open_archive, write_archive
from release_core.comparison import compare, three_way
from release_core.metadata_types import Component, parent_of
from release_core.packages import Package, footprint, is_single_package, read_package, read_retrieved, write_package
from release_core.rollbacks import build_rollback
from release_core.verdicts import judge, summary

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


@pytest.fixture(params=["sandbox", "production"])
def org(request: pytest.FixtureRequest) -> Org:
    """An org on its first day that finishes every job at once."""
    return seeded_org(request.param, MovableClock(), settings=Settings(pace=0))


def test_first_package_fails_a_test_for_a_real_reason(org: Org) -> None:
    before = content(org)
    job = deploy(org, sample_package("first"))
    assert job.status == "Failed"
    assert job.outcome is not None
    failures = [test for test in job.outcome.tests.outcomes if test.message]
    assert [(test.class_name, test.method) for test in failures] == [("DiscountPolicyTest", "loyalGoldAccountsGetMore")]
    assert "Expected: 15, Actual: 10" in failures[0].message
    assert "line 31" in failures[0].stack
    assert content(org) == before


@pytest.mark.parametrize("variant", ["mended", "changed"])
def test_other_variants_pass(org: Org, variant: str) -> None:
    job = deploy(org, sample_package(variant), check_only=True)  # type: ignore[arg-type]
    assert job.status == "Succeeded"


def test_everything_is_foreseen_before_the_release(org: Org) -> None:
    package = read_package(sample_package("mended"))
    live = retrieve(org, footprint(package))
    kinds = [change.kind for change in compare(package, live)]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"new": 14, "changed": 4, "deleted": 1}
    assert summary(judge(package, live)) == {"lossy": 9, "exact": 10}


def test_release_goes_in_and_out_without_a_trace(org: Org) -> None:
    before = content(org)
    package = read_package(sample_package("mended"))
    snapshot = retrieve(org, footprint(package))
    release = deploy(org, sample_package("mended"))
    assert release.status == "Succeeded"
    assert content(org) != before
    assert three_way(snapshot, package, retrieve(org, footprint(package))) == ()

    rollback = build_rollback(package, snapshot, created_by(release))
    assert deploy(org, rollback, check_only=True).status == "Succeeded"
    assert deploy(org, rollback).status == "Succeeded"
    assert content(org) == before


def test_way_back_is_the_same_with_and_without_the_orgs_flags(org: Org) -> None:
    package = read_package(sample_package("mended"))
    snapshot = retrieve(org, footprint(package))
    created = created_by(deploy(org, sample_package("mended")))
    assert build_rollback(package, snapshot, created) == build_rollback(package, snapshot, None)


def test_several_packages_in_one_zip_go_in_and_out_without_a_trace(org: Org) -> None:
    before, archive = content(org), in_two_packages(sample_package("mended"))
    package, whole = read_package(archive), read_package(sample_package("mended"))
    assert (package.components, package.deletions) == (whole.components, whole.deletions)
    snapshot = retrieve(org, footprint(package))
    assert summary(judge(package, snapshot)) == summary(judge(whole, snapshot))
    assert deploy(org, archive).status == "Failed", "Salesforce looks for one package at the top unless it is told"
    release = deploy(org, archive, single_package=package.single_package)
    assert release.status == "Succeeded"
    assert three_way(snapshot, package, retrieve(org, footprint(package))) == ()

    rollback = build_rollback(package, snapshot, created_by(release))
    assert deploy(org, rollback, single_package=is_single_package(rollback)).status == "Succeeded"
    assert content(org) == before


@pytest.mark.parametrize("litter", [(), ("__MACOSX/my release/._package.xml", "my release/.DS_Store")])
def test_package_in_one_folder_goes_in_and_out_without_a_trace(org: Org, litter: tuple[str, ...]) -> None:
    files = read_package(sample_package("mended")).files
    archive = write_archive({f"my release/{path}": data for path, data in files.items()} | dict.fromkeys(litter, b"x"))
    before, package = content(org), read_package(archive)
    snapshot = retrieve(org, footprint(package))
    assert deploy(org, archive, single_package=package.single_package).status == "Succeeded"
    assert deploy(org, build_rollback(package, snapshot, None)).status == "Succeeded"
    assert content(org) == before


def test_rollback_can_be_undone_in_its_turn(org: Org) -> None:
    package = read_package(sample_package("mended"))
    rollback = build_rollback(package, retrieve(org, footprint(package)), None)
    deploy(org, sample_package("mended"))
    released = content(org)
    back = read_package(rollback)
    snapshot = retrieve(org, footprint(back))
    deploy(org, rollback)
    assert deploy(org, build_rollback(back, snapshot, None)).status == "Succeeded"
    assert content(org) == released


def test_hot_fix_made_since_is_found_and_can_be_left_alone(org: Org) -> None:
    package = read_package(sample_package("mended"))
    snapshot = retrieve(org, footprint(package))
    deploy(org, sample_package("mended"))
    layout = "layouts/Opportunity-Opportunity Layout.layout"
    fixed = (
        package.files[layout]
        .replace(b"OneColumn", b"TwoColumnsLeftToRight")
        .replace(b"Approved_Discount__c", b"Amount")
    )
    org.change(org.users[1].id, "Layout", "Opportunity-Opportunity Layout", {layout: fixed})

    (drift,) = three_way(snapshot, package, retrieve(org, footprint(package)))
    assert str(drift.component) == "Layout Opportunity-Opportunity Layout"
    assert "TwoColumnsLeftToRight" in drift.diff

    rollback = build_rollback(package, snapshot, None, leave=[drift.component])
    assert deploy(org, rollback).status == "Succeeded"
    assert retrieve(org, [drift.component]).files[layout] == fixed


def test_new_flow_is_switched_off_labels_and_fields_are_gone(org: Org) -> None:
    flow = sample_flow().replace(b"Opportunity Follow Up", b"Nightly Call")
    labels = b"<labels><fullName>%s</fullName><language>en_US</language><protected>false</protected>"
    label = labels + b"<shortDescription>x</shortDescription><value>%s</value></labels>"
    files = {
        "flows/Nightly_Call.flow": flow,
        "labels/CustomLabels.labels": b"<CustomLabels %s>%s%s</CustomLabels>"
        % (NS.encode(), label % (b"Follow_Up_Subject", b"Call"), label % (b"Brand_New", b"New")),
        "objects/Account.object": b"<CustomObject %s><recordTypes><fullName>Key</fullName><active>true</active>"
        b"<label>Key</label></recordTypes></CustomObject>" % NS.encode(),
    }
    wanted = [
        Component("Flow", "Nightly_Call"),
        Component("CustomLabel", "Follow_Up_Subject"),
        Component("CustomLabel", "Brand_New"),
        Component("RecordType", "Account.Key"),
    ]
    data = write_package(files, wanted, api_version="62.0")
    package = read_package(data)
    before, snapshot = content(org), retrieve(org, footprint(package))
    assert deploy(org, data).status == "Succeeded"
    assert deploy(org, build_rollback(package, snapshot, None)).status == "Succeeded"

    left = {key: value for key, value in content(org).items() if before.get(key) != value}
    assert sorted(name for _, name in left) == [
        "flows/Nightly_Call.flow",
        "objects/Account.object#RecordType/Account.Key",
    ]
    assert all(b"<status>Active</status>" not in value for value in left.values())
    assert b"<active>false</active>" in left["RecordType Account.Key", "objects/Account.object#RecordType/Account.Key"]


def in_two_packages(archive: bytes) -> bytes:
    """The same release, with what is Apex in a package of its own."""
    whole = read_package(archive)
    code = [component for component in whole.components if component.type in ("ApexClass", "ApexTrigger")]
    rest = [component for component in whole.components if component not in code]
    parts = {
        "code": write_package(files_of(whole, code), code, api_version="62.0"),
        "rest": write_package(
            files_of(whole, rest),
            rest,
            api_version="62.0",
            deletions_before=whole.deletions_before,
            deletions_after=whole.deletions_after,
        ),
    }
    opened = {top: open_archive(data) for top, data in parts.items()}
    return write_archive({f"{top}/{path}": data for top, files in opened.items() for path, data in files.items()})


def files_of(package: Package, components: list[Component]) -> dict[str, bytes]:
    owners = {parent_of(component) or component for component in components}
    return {path: package.files[path] for owner in owners for path in package.paths.get(owner, ())}


def deploy(org: Org, archive: bytes, *, check_only: bool = False, single_package: bool = True) -> Job:
    options = DeployOptions(
        check_only=check_only, rollback_on_error=True, single_package=single_package, test_level="RunLocalTests"
    )
    return org.job(org.deploy(org.users[0].id, archive, options).id)


def retrieve(org: Org, components: Iterable[Component]) -> Package:
    members = tuple((component.type, component.name) for component in components)
    job = org.retrieve(org.users[0].id, RetrieveRequest(Manifest(members)), "62.0")
    return read_retrieved(org.retrieval(job.id).zip or b"")


def created_by(job: Job) -> list[Component]:
    assert job.outcome is not None
    return [Component(row.type, row.name) for row in job.outcome.rows if row.created]


def content(org: Org) -> dict[tuple[str, str], bytes]:
    components = org.inventory.components.values()
    return {(f"{each.type} {each.name}", path): data for each in components for path, data in each.files.items()}


def sample_flow() -> bytes:
    return read_package(sample_package("mended")).files["flows/Opportunity_Follow_Up.flow"]
