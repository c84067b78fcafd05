"""Each row of what is known about going back is a rule: the type, the change, the verdict, the reason, the source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from release_core.metadata_types import Component
from release_core.packages import read_package, read_retrieved, write_package
from release_core.verdict_rules import OUTSIDE, RULES
from release_core.verdicts import Judgement, judge

ACCOUNT = "objects/Account.object"


def an_object(inner: str) -> dict[str, bytes]:
    return {ACCOUNT: f"<CustomObject>{inner}</CustomObject>".encode()}


def a_field(kind: str, more: str = "") -> dict[str, bytes]:
    return an_object(f"<fields><fullName>Tier__c</fullName><type>{kind}</type>{more}</fields>")


def xml(path: str, root: str, inner: str = "") -> dict[str, bytes]:
    return {path: f"<{root}>{inner}</{root}>".encode()}


@dataclass(frozen=True)
class Row:
    """One row with a change that it speaks of; `says` stands in the reason, or in what a person has to do."""

    name: str
    verdict: str
    says: str
    after: dict[str, bytes]
    before: dict[str, bytes] = field(default_factory=dict)
    deleted: tuple[Component, ...] = ()


META = {"classes/A.cls-meta.xml": b"<ApexClass/>"}
PROFILE = "profiles/Sales.profile"
PAGE = "flexipages/Home.flexipage"
APP = "applications/Desk.app"
ROWS = [
    Row("Apex class", "exact", "earlier file", {"classes/A.cls": b"b", **META}, {"classes/A.cls": b"a", **META}),
    Row(
        "Lightning component",
        "exact",
        "deleted",
        {"lwc/a/a.js": b"1", "lwc/a/a.js-meta.xml": b"<LightningComponentBundle/>"},
    ),
    Row(
        "static resource",
        "exact",
        "deleted",
        {"staticresources/R.resource": b"1", "staticresources/R.resource-meta.xml": b"<StaticResource/>"},
    ),
    Row(
        "label",
        "exact",
        "deleted",
        xml("labels/CustomLabels.labels", "CustomLabels", "<labels><fullName>Hi</fullName></labels>"),
    ),
    Row("layout", "exact", "deleted", xml("layouts/Account-A.layout", "Layout")),
    Row("permission set, new", "exact", "deleted", xml("permissionsets/P.permissionset", "PermissionSet")),
    Row("new custom field", "lossy", "since is lost", a_field("Text")),
    Row("new roll-up", "lossy", "purged at once", a_field("Summary")),
    Row(
        "field that the release deletes",
        "lossy",
        "but empty",
        {},
        a_field("Text"),
        (Component("CustomField", "Account.Tier__c"),),
    ),
    Row(
        "field that the release deletes: undelete",
        "lossy",
        "among the deleted ones",
        {},
        a_field("Text"),
        (Component("CustomField", "Account.Tier__c"),),
    ),
    Row("field type", "impossible", "field's type", a_field("Number"), a_field("Text")),
    Row(
        "master-detail from lookup",
        "impossible",
        "check-only run cannot test",
        a_field("MasterDetail"),
        a_field("Lookup"),
    ),
    Row(
        "record type created",
        "manual",
        "cannot delete record types",
        an_object("<recordTypes><fullName>K</fullName></recordTypes>"),
    ),
    Row(
        "picklist value added",
        "lossy",
        "only deactivates",
        a_field("Picklist", "<value><fullName>B</fullName></value>"),
        a_field("Picklist"),
    ),
    Row(
        "field dependency",
        "impossible",
        "does not remove them",
        a_field("Picklist", "<valueSet><controllingField>R__c</controllingField></valueSet>"),
        a_field("Picklist"),
    ),
    Row(
        "custom metadata access on profiles",
        "impossible",
        "never takes away",
        xml(PROFILE, "Profile", "<customMetadataTypeAccesses><name>R</name></customMetadataTypeAccesses>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "custom permissions on profiles",
        "impossible",
        "never takes away",
        xml(PROFILE, "Profile", "<customPermissions><name>R</name></customPermissions>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "login IP ranges",
        "impossible",
        "IP ranges",
        xml(PROFILE, "Profile", "<loginIpRanges><startAddress>10.0.0.1</startAddress></loginIpRanges>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "login hours",
        "impossible",
        "login hours",
        xml(PROFILE, "Profile", "<loginHours><mondayStart>1</mondayStart></loginHours>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "profile description",
        "impossible",
        "a description",
        xml(PROFILE, "Profile", "<description>x</description>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "profile action overrides",
        "impossible",
        "never remove",
        xml(APP, "CustomApplication", "<profileActionOverrides><actionName>View</actionName></profileActionOverrides>"),
        xml(APP, "CustomApplication"),
    ),
    Row(
        "app action override on a page",
        "impossible",
        "never remove",
        xml(PAGE, "FlexiPage", "<actionOverrides><actionName>View</actionName></actionOverrides>"),
        xml(PAGE, "FlexiPage"),
    ),
    Row("skill", "impossible", "does not delete skills", xml("skills/S.skill", "Skill")),
    Row(
        "skill assigned",
        "impossible",
        "never remove",
        xml("skills/S.skill", "Skill", "<assignments><users><user>a</user></users></assignments>"),
        xml("skills/S.skill", "Skill"),
    ),
    Row(
        "translations of apps and labels",
        "impossible",
        "never removed",
        xml("translations/de.translation", "Translations"),
    ),
    Row(
        "object translations",
        "impossible",
        "never removed",
        xml("objectTranslations/A-de.objectTranslation", "CustomObjectTranslation"),
    ),
    Row(
        "profile edited",
        "lossy",
        "not revoked",
        xml(PROFILE, "Profile", "<custom>true</custom>"),
        xml(PROFILE, "Profile"),
    ),
    Row(
        "permission set edited",
        "lossy",
        "not revoked",
        xml("permissionsets/P.permissionset", "PermissionSet", "<label>x</label>"),
        xml("permissionsets/P.permissionset", "PermissionSet"),
    ),
    Row(
        "flow changed while active",
        "lossy",
        "is activated again",
        xml("flows/F.flow", "Flow", "<a/>"),
        xml("flows/F.flow", "Flow"),
    ),
    Row("flow newly added", "manual", "deactivates the flow", xml("flows/F.flow", "Flow", "<status>Active</status>")),
    Row(
        "settings",
        "lossy",
        "recalculations",
        xml("settings/Case.settings", "CaseSettings", "<a>1</a>"),
        xml("settings/Case.settings", "CaseSettings"),
    ),
    Row(
        "sharing rules",
        "lossy",
        "only one such recalculation",
        xml(
            "sharingRules/Account.sharingRules",
            "SharingRules",
            "<sharingOwnerRules><fullName>R</fullName></sharingOwnerRules>",
        ),
    ),
    Row(
        "organization-wide defaults",
        "lossy",
        "recalculates sharing",
        an_object("<label>A</label><sharingModel>Read</sharingModel>"),
        an_object("<label>A</label><sharingModel>Private</sharingModel>"),
    ),
    Row(
        "matching rule",
        "manual",
        "has to be inactive",
        xml(
            "matchingRules/Account.matchingRule",
            "MatchingRules",
            "<matchingRules><fullName>M</fullName></matchingRules>",
        ),
    ),
    Row(
        "custom metadata record",
        "manual",
        "record as much as metadata",
        xml("customMetadata/Rate.Gold.md", "CustomMetadata"),
    ),
    Row(
        "managed package",
        "impossible",
        "cannot be downgraded",
        xml("installedPackages/x.installedPackage", "InstalledPackage"),
    ),
    Row(
        "scheduled or queued Apex",
        "manual",
        "waits to run",
        {"classes/A.cls": b"class A implements Queueable {}", **META},
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_is_judged_with_its_reason_and_its_source(row: Row) -> None:
    judgement = _judged(row.before, row.after, row.deleted)
    assert judgement.verdict == row.verdict
    assert row.says in f"{judgement.reason} {judgement.todo}"
    assert judgement.source
    assert judgement.todo or judgement.verdict in ("exact", "lossy")


def test_what_no_package_holds_is_named_as_outside() -> None:
    said = " ".join(OUTSIDE)
    for word in ("data of custom settings", "scripts", "data loads", "in Setup by hand"):
        assert word in said


def test_every_rule_of_a_kind_of_change_names_where_it_comes_from() -> None:
    unsourced = [rule for rule in RULES if not rule.source]
    assert {frozenset(rule.kinds) for rule in unsourced[:2]} == {frozenset({"identical"}), frozenset({"absent"})}
    assert unsourced[2:] == [RULES[-1]], "only what nothing is known about has no source"


def _judged(before: Mapping[str, bytes], after: Mapping[str, bytes], deleted: tuple[Component, ...]) -> Judgement:
    held = [Component("CustomObject", "Account")] if b"<label>" in before.get(ACCOUNT, b"") else []
    live = read_retrieved(write_package(before, held, api_version="62.0"))
    bare = read_retrieved(write_package(after, [], api_version="62.0"))
    whole = b"<label>" in after.get(ACCOUNT, b"")  # the object itself is meant only when it says something itself
    listed = [component for component in bare.paths if component.type != "CustomObject" or whole]
    data = write_package(after, [*listed, *bare.parts], api_version="62.0", deletions_after=deleted)
    (judgement,) = judge(read_package(data), live)
    return judgement
