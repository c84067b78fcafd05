"""What Rollcall says about the way back before anybody goes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bot.rehearsal.packages import sample_package
from release_core.metadata_types import Component
from release_core.packages import read_package, read_retrieved, write_package
from release_core.verdict_rules import RULES
from release_core.verdicts import Judgement, judge, summary

XML = "http://soap.sforce.com/2006/04/metadata"


def field(kind: str, more: str = "", name: str = "Tier__c") -> bytes:
    return _object(f"<fields><fullName>{name}</fullName><type>{kind}</type>{more}</fields>")


def picklist(*values: str) -> bytes:
    return field("Picklist", "".join(f"<value><fullName>{value}</fullName></value>" for value in values))


def _object(inner: str) -> bytes:
    return f'<CustomObject xmlns="{XML}">{inner}</CustomObject>'.encode()


CLASS = {"classes/A.cls-meta.xml": b"<ApexClass/>"}
ACCOUNT = "objects/Account.object"
CASES: list[tuple[str, dict[str, bytes], dict[str, bytes], str, str]] = [
    ("new class", {}, {"classes/A.cls": b"class A {}", **CLASS}, "exact", "deleted"),
    ("changed class", {"classes/A.cls": b"a", **CLASS}, {"classes/A.cls": b"b", **CLASS}, "exact", "earlier file"),
    ("job", {}, {"classes/A.cls": b"class A implements Schedulable {}", **CLASS}, "manual", "scheduled"),
    ("new field", {}, {ACCOUNT: field("Text")}, "lossy", "entered in it since is lost"),
    ("other type", {ACCOUNT: field("Text")}, {ACCOUNT: field("Number")}, "impossible", "field's type"),
    ("new value", {ACCOUNT: picklist("A")}, {ACCOUNT: picklist("A", "B")}, "lossy", "picklist values"),
    ("value gone", {ACCOUNT: picklist("A", "B")}, {ACCOUNT: picklist("A")}, "exact", "earlier definition"),
    (
        "longer",
        {ACCOUNT: field("Text", "<length>10</length>")},
        {ACCOUNT: field("Text", "<length>80</length>")},
        "lossy",
        "shortens it",
    ),
    (
        "dependency",
        {ACCOUNT: field("Picklist")},
        {ACCOUNT: field("Picklist", "<valueSet><controllingField>Region__c</controllingField></valueSet>")},
        "impossible",
        "depend on another",
    ),
    (
        "record type",
        {},
        {ACCOUNT: _object("<recordTypes><fullName>Key</fullName><active>true</active></recordTypes>")},
        "manual",
        "deactivates it",
    ),
    ("new flow", {}, {"flows/F.flow": b"<Flow><status>Active</status></Flow>"}, "manual", "deactivates the flow"),
    (
        "changed flow",
        {"flows/F.flow": b"<Flow/>"},
        {"flows/F.flow": b"<Flow><a/></Flow>"},
        "lossy",
        "is activated again",
    ),
    ("new access", {}, {"permissionsets/P.permissionset": b"<PermissionSet/>"}, "exact", "deleted"),
    (
        "more access",
        {"permissionsets/P.permissionset": b"<PermissionSet/>"},
        {"permissionsets/P.permissionset": b"<PermissionSet><label>x</label></PermissionSet>"},
        "lossy",
        "not revoked",
    ),
    (
        "login hours",
        {"profiles/P.profile": b"<Profile/>"},
        {"profiles/P.profile": b"<Profile><loginHours><mondayStart>1</mondayStart></loginHours></Profile>"},
        "impossible",
        "login hours",
    ),
    (
        "settings",
        {"settings/Case.settings": b"<CaseSettings/>"},
        {"settings/Case.settings": b"<CaseSettings><a>1</a></CaseSettings>"},
        "lossy",
        "settings",
    ),
    (
        "sharing rule",
        {},
        {
            "sharingRules/Account.sharingRules": b"<SharingRules><sharingOwnerRules><fullName>R</fullName>"
            b"</sharingOwnerRules></SharingRules>"
        },
        "lossy",
        "recalculates sharing",
    ),
    (
        "label",
        {},
        {"labels/CustomLabels.labels": b"<CustomLabels><labels><fullName>Hi</fullName></labels></CustomLabels>"},
        "exact",
        "deleted",
    ),
    (
        "package",
        {},
        {"installedPackages/x.installedPackage": b"<InstalledPackage/>"},
        "impossible",
        "cannot be downgraded",
    ),
    ("secret", {}, {"namedCredentials/Bank.namedCredential": b"<NamedCredential/>"}, "manual", "secrets"),
    ("record", {}, {"customMetadata/Rate.Gold.md": b"<CustomMetadata/>"}, "manual", "record as much as metadata"),
    ("untried", {}, {"bots/Helper.bot": b"<Bot/>"}, "manual", "no proven way back"),
]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "said"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_each_kind_of_change_gets_its_verdict(
    before: dict[str, bytes], after: dict[str, bytes], verdict: str, said: str
) -> None:
    (judgement,) = _judged(before, after)
    assert judgement.verdict == verdict
    assert said in judgement.reason


def test_deleted_field_comes_back_empty() -> None:
    (judgement,) = _judged({ACCOUNT: field("Text")}, {}, deleted=[Component("CustomField", "Account.Tier__c")])
    assert judgement.verdict == "lossy"
    assert "comes back, but empty" in judgement.reason
    assert "Export the field's values before the release" in judgement.todo


def test_deleted_class_comes_back_without_the_access_to_it() -> None:
    (judgement,) = _judged({"classes/A.cls": b"class A {}", **CLASS}, {}, deleted=[Component("ApexClass", "A")])
    assert judgement.verdict == "lossy"
    assert "profiles and permission sets" in judgement.reason
    assert "Note before the release" in judgement.todo


def test_deleted_test_class_comes_back_exactly() -> None:
    tests = {"classes/A.cls": b"@IsTest class A {}", **CLASS}
    (judgement,) = _judged(tests, {}, deleted=[Component("ApexClass", "A")])
    assert judgement.verdict == "exact"


def test_deleted_flow_version_never_comes_back() -> None:
    (judgement,) = _judged({"flows/F.flow": b"<Flow/>"}, {}, deleted=[Component("Flow", "F-1")])
    assert judgement.verdict == "impossible"


def test_deleting_what_is_not_there_needs_no_way_back() -> None:
    (judgement,) = _judged({}, {}, deleted=[Component("CustomField", "Account.Tier__c")])
    assert judgement.verdict == "exact"


def test_what_the_org_has_already_needs_no_way_back() -> None:
    (judgement,) = _judged({ACCOUNT: field("Text")}, {ACCOUNT: field("Text")})
    assert (judgement.verdict, judgement.todo) == ("exact", "")


def test_new_field_that_a_flow_mentions_has_to_be_removed_by_hand() -> None:
    judgements = _judged({}, {ACCOUNT: field("Text"), "flows/F.flow": b"<Flow><a>Tier__c</a></Flow>"})
    by_type = {judgement.component.type: judgement for judgement in judgements}
    assert by_type["CustomField"].verdict == "manual"
    assert "flow of this release mentions it" in by_type["CustomField"].reason


def test_unknown_type_is_never_promised() -> None:
    data = write_package({"novelties/Thing.x": b"?"}, [Component("Novelty", "Thing")], api_version="62.0")
    (judgement,) = judge(read_package(data), None)
    assert (judgement.verdict, judgement.reason) == ("manual", "Rollcall does not know the type Novelty.")


def test_parts_of_a_new_object_go_with_it() -> None:
    source = _object(
        "<label>A</label><fields><fullName>F__c</fullName></fields><listViews><fullName>All</fullName></listViews>"
    )
    data = write_package({"objects/A__c.object": source}, [Component("CustomObject", "A__c")], api_version="62.0")
    verdicts = {judgement.component.type: judgement for judgement in judge(read_package(data), None)}
    assert verdicts["CustomObject"].verdict == "lossy"
    assert verdicts["CustomField"].verdict == "lossy"
    assert verdicts["ListView"].verdict == "exact"


def test_summary_counts_the_worst_first() -> None:
    judgements = judge(read_package(sample_package("mended")), None)
    counts = summary(judgements)
    assert sum(counts.values()) == len(judgements)
    assert list(counts) == [verdict for verdict in ("impossible", "manual", "lossy", "exact") if verdict in counts]
    assert counts["manual"] >= 1  # without a live org the flow counts as new


def test_every_promise_short_of_exact_gives_its_reason_as_a_sentence() -> None:
    for rule in RULES:
        assert rule.reason.endswith(".")
        assert rule.reason[0].isupper()
        assert rule.todo == "" or rule.todo.endswith(".")
        if rule.verdict in ("manual", "impossible"):
            assert rule.todo, rule


def _judged(
    before: Mapping[str, bytes], after: Mapping[str, bytes], deleted: list[Component] | None = None
) -> tuple[Judgement, ...]:
    live = read_retrieved(write_package(before, [], api_version="62.0"))
    bare = read_retrieved(write_package(after, [], api_version="62.0"))
    listed = [component for component in bare.paths if component.type != "CustomObject"]
    data = write_package(after, [*listed, *bare.parts], api_version="62.0", deletions_after=deleted or [])
    return judge(read_package(data), live)
