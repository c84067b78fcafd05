"""Building the package that brings an org back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from release_core.errors import Refused
from release_core.metadata_types import Component, file_of
from release_core.packages import Package, footprint, read_package, read_retrieved, write_package
from release_core.rollbacks import build_rollback, plan_rollback

ACCOUNT = "objects/Account.object"
ACTIVE_FLOW = b"<Flow><status>Active</status></Flow>"


def test_changed_class_is_restored_byte_for_byte() -> None:
    before = _class("A", "class A { /* before */ }\r\n")
    back = _rollback(before, _class("A", "class A { }"))
    assert {path: back.files[path] for path in before} == before
    assert back.deletions == ()


def test_unchanged_parts_of_the_release_are_left_alone() -> None:
    same = _class("Same", "class Same {}")
    back = _rollback({**same, **_class("A", "a")}, {**same, **_class("A", "b")})
    assert back.components == (Component("ApexClass", "A"),)


def test_created_class_is_deleted_after_the_rest() -> None:
    back = _rollback({}, _class("A", "a"))
    assert back.deletions_before == ()
    assert back.deletions_after == (Component("ApexClass", "A"),)


def test_deleted_class_is_restored() -> None:
    before = _class("Old", "class Old {}")
    back = _rollback(before, {}, deleted=[Component("ApexClass", "Old")])
    assert back.components == (Component("ApexClass", "Old"),)
    assert back.files["classes/Old.cls"] == b"class Old {}"


def test_new_field_is_deleted_and_the_other_parts_of_its_object_are_restored() -> None:
    back = _rollback(
        {ACCOUNT: _object(_field("Old__c", "Text"), _field("Same__c", "Text"))},
        {ACCOUNT: _object(_field("Old__c", "Number"), _field("Same__c", "Text"), _field("New__c", "Text"))},
    )
    assert back.components == (Component("CustomField", "Account.Old__c"),)
    assert back.deletions_after == (Component("CustomField", "Account.New__c"),)
    assert b"<type>Text</type>" in back.files[ACCOUNT]
    assert b"Same__c" not in back.files[ACCOUNT]


def test_new_object_takes_its_parts_along() -> None:
    files = {
        "objects/A__c.object": _object("<label>A</label>", _field("F__c", "Text")),
        "layouts/A__c-A Layout.layout": b"<Layout/>",
        "triggers/T.trigger": b"trigger T on A__c (before insert) {}",
        "triggers/T.trigger-meta.xml": b"<ApexTrigger/>",
    }
    back = _rollback({}, files, whole=["A__c"])
    assert back.deletions_after == (
        Component("Layout", "A__c-A Layout"),
        Component("ApexTrigger", "T"),
        Component("CustomObject", "A__c"),
    )


def test_deleted_object_is_restored_with_all_its_parts() -> None:
    before = {"objects/A__c.object": _object("<label>A</label>", _field("F__c", "Text"))}
    back = _rollback(before, {}, deleted=[Component("CustomObject", "A__c")], whole=["A__c"])
    assert back.files["objects/A__c.object"] == before["objects/A__c.object"]
    assert Component("CustomObject", "A__c") in back.components


def test_only_the_labels_that_changed_are_restored() -> None:
    labels = "labels/CustomLabels.labels"
    back = _rollback({labels: _labels(A="1", B="1")}, {labels: _labels(A="2", B="1", C="1")})
    assert back.components == (Component("CustomLabel", "A"),)
    assert back.deletions_after == (Component("CustomLabel", "C"),)
    assert b"<value>1</value>" in back.files[labels]


def test_changed_flow_is_redeployed_as_it_was() -> None:
    back = _rollback({"flows/F.flow": ACTIVE_FLOW}, {"flows/F.flow": b"<Flow><label>x</label></Flow>"})
    assert back.files["flows/F.flow"] == ACTIVE_FLOW


def test_the_version_of_a_flow_that_ran_before_is_activated_by_its_number() -> None:
    before = {
        "flows/F.flow": ACTIVE_FLOW,
        "flowDefinitions/F.flowDefinition": b"<FlowDefinition><activeVersionNumber>3</activeVersionNumber>"
        b"</FlowDefinition>",
    }
    package = _read({"flows/F.flow": b"<Flow><label>x</label></Flow>"})
    back = read_package(build_rollback(package, _retrieved(before), None))
    assert back.components == (Component("FlowDefinition", "F"),)
    assert b"<activeVersionNumber>3</activeVersionNumber>" in back.files["flowDefinitions/F.flowDefinition"]
    assert "flows/F.flow" not in back.files


def test_a_flow_that_did_not_run_before_is_redeployed_as_it_was() -> None:
    draft = b"<Flow><status>Draft</status></Flow>"
    before = {"flows/F.flow": draft, "flowDefinitions/F.flowDefinition": b"<FlowDefinition/>"}
    package = _read({"flows/F.flow": b"<Flow><label>x</label></Flow>"})
    back = read_package(build_rollback(package, _retrieved(before), None))
    assert back.files["flows/F.flow"] == draft


def test_new_flow_is_deactivated_never_deleted() -> None:
    back = _rollback({}, {"flows/F.flow": ACTIVE_FLOW})
    assert back.deletions == ()
    assert back.components == (Component("FlowDefinition", "F"),)
    assert b"<activeVersionNumber>0</activeVersionNumber>" in back.files["flowDefinitions/F.flowDefinition"]


def test_new_record_type_is_deactivated_beside_what_is_restored() -> None:
    kind = "<recordTypes><fullName>Key</fullName><active>true</active></recordTypes>"
    back = _rollback({ACCOUNT: _object(_field("F__c", "Text"))}, {ACCOUNT: _object(_field("F__c", "Number"), kind)})
    assert back.components == (Component("CustomField", "Account.F__c"), Component("RecordType", "Account.Key"))
    assert b"<active>false</active>" in back.files[ACCOUNT]
    assert b"<type>Text</type>" in back.files[ACCOUNT]
    assert back.deletions == ()


def test_what_a_new_flow_mentions_stays_with_its_object() -> None:
    files = {
        "objects/A__c.object": _object("<label>A</label>", _field("F__c", "Text")),
        "layouts/A__c-A Layout.layout": b"<Layout/>",
        "flows/F.flow": b"<Flow><status>Active</status><object>A__c</object><field>F__c</field></Flow>",
        **_class("B", "class B {}"),
    }
    package, snapshot = _read(files, whole=["A__c"]), _retrieved({})
    plan = plan_rollback(package, snapshot, None)
    assert plan.kept == (
        Component("CustomField", "A__c.F__c"),
        Component("CustomObject", "A__c"),
        Component("Layout", "A__c-A Layout"),
    )
    assert plan.deleted == (Component("ApexClass", "B"),)
    assert plan.deactivated == (Component("Flow", "F"),)


def test_references_are_deleted_before_what_they_refer_to() -> None:
    files = {
        **_class("A", "a"),
        ACCOUNT: _object(_field("F__c", "Text")),
        "layouts/Account-New.layout": b"<Layout/>",
        "permissionsets/P.permissionset": b"<PermissionSet/>",
        "lwc/badge/badge.js": b"x",
        "customPermissions/Go.customPermission": b"<CustomPermission/>",
        "brandingSets/B.brandingSet": b"<BrandingSet/>",
    }
    plan = plan_rollback(_read(files), _retrieved({}), None)
    assert [component.type for component in plan.deleted] == [
        "PermissionSet",
        "Layout",
        "LightningComponentBundle",
        "ApexClass",
        "BrandingSet",
        "CustomField",
        "CustomPermission",
    ]


def test_only_what_the_org_flagged_as_created_is_deleted() -> None:
    files = {**_class("A", "a"), **_class("B", "b")}
    package, snapshot = _read(files), _retrieved({})
    back = read_package(build_rollback(package, snapshot, [Component("ApexClass", "A")]))
    assert back.deletions_after == (Component("ApexClass", "A"),)


def test_what_the_snapshot_holds_is_restored_whatever_the_flags_say() -> None:
    package, snapshot = _read({"flows/F.flow": b"<Flow><a/></Flow>"}), _retrieved({"flows/F.flow": ACTIVE_FLOW})
    back = read_package(build_rollback(package, snapshot, [Component("Flow", "F")]))
    assert back.components == (Component("Flow", "F"),)


def test_components_to_leave_are_not_touched() -> None:
    package = _read({**_class("A", "b"), **_class("New", "b")})
    snapshot = _retrieved({**_class("A", "a")})
    back = read_package(build_rollback(package, snapshot, None, leave=[Component("ApexClass", "A")]))
    assert (back.components, back.deletions_after) == ((), (Component("ApexClass", "New"),))


def test_nothing_changed_means_nothing_to_restore() -> None:
    files = _class("A", "a")
    with pytest.raises(Refused, match="No rollback is needed") as refusal:
        build_rollback(_read(files), _retrieved(files), None)
    assert refusal.value.code == "nothing_to_restore"


def test_same_input_gives_the_same_bytes() -> None:
    package, snapshot = _read({**_class("A", "b"), **_class("B", "b")}), _retrieved(_class("A", "a"))
    created = {Component("ApexClass", "B"), Component("ApexClass", "C")}
    assert build_rollback(package, snapshot, created) == build_rollback(package, snapshot, sorted(created))


# An org as a dictionary: components that can always come back exactly, each with its content.
Org = dict[Component, str]
CONTAINED = ("CustomField", "ListView", "CustomLabel")
components = st.builds(
    lambda kind, name: Component(kind, name if kind in ("ApexClass", "Layout", "CustomLabel") else f"Account.{name}"),
    st.sampled_from(["ApexClass", "Layout", *CONTAINED]),
    st.sampled_from(["Alpha", "Beta", "Gamma", "Delta"]),
)
orgs = st.dictionaries(components, st.sampled_from(["one", "two", "three"]), max_size=12)


@settings(max_examples=300, deadline=None)
@given(org=orgs, brought=orgs, removed=st.sets(components, max_size=5), flagged=st.booleans())
def test_going_back_restores_any_org_and_going_back_again_restores_the_release(
    org: Org, brought: Org, removed: set[Component], flagged: bool
) -> None:
    deletions = sorted(removed - set(brought))
    if not brought and not deletions:
        return
    release = read_package(write_package(_files(brought), brought, api_version="62.0", deletions_before=deletions))
    released, created = _deploy(org, release)
    try:
        rollback = read_package(build_rollback(release, _snapshot(org, release), created if flagged else None))
    except Refused:
        assert released == org
        return
    returned, _ = _deploy(released, rollback)
    assert returned == org
    again = read_package(build_rollback(rollback, _snapshot(released, rollback), None))
    assert _deploy(returned, again)[0] == released


def _deploy(org: Org, package: Package) -> tuple[Org, set[Component]]:
    kept = {component: content for component, content in org.items() if component not in package.deletions_before}
    brought = {component: _content(package, component) for component in package.components}
    after = {
        component: text for component, text in {**kept, **brought}.items() if component not in package.deletions_after
    }
    return after, set(brought) - set(org)


def _content(package: Package, component: Component) -> str:
    if component in package.parts:
        return package.parts[component].findtext("label") or ""
    return package.files[package.paths[component][0]].decode().removeprefix("<Layout><a>").removesuffix("</a></Layout>")


def _snapshot(org: Org, package: Package) -> Package:
    asked = {component: org[component] for component in footprint(package) if component in org}
    return read_retrieved(write_package(_files(asked), asked, api_version="62.0"))


def _files(org: Mapping[Component, str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    parts: dict[str, list[str]] = {}
    tags = {"CustomField": "fields", "ListView": "listViews", "CustomLabel": "labels"}
    for component, content in sorted(org.items()):
        path = file_of(component)
        if component.type in CONTAINED:
            tag, name = tags[component.type], component.name.rpartition(".")[2]
            parts.setdefault(path, []).append(f"<{tag}><fullName>{name}</fullName><label>{content}</label></{tag}>")
        elif component.type == "Layout":
            files[path] = f"<Layout><a>{content}</a></Layout>".encode()
        else:
            files |= {path: content.encode(), f"{path}-meta.xml": b"<ApexClass/>"}
    for path, elements in parts.items():
        root = "CustomLabels" if path.startswith("labels/") else "CustomObject"
        files[path] = f"<{root}>{''.join(elements)}</{root}>".encode()
    return files


def _rollback(
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    *,
    deleted: Iterable[Component] = (),
    whole: Iterable[str] = (),
) -> Package:
    package = _read(after, deleted=deleted, whole=whole)
    return read_package(build_rollback(package, _retrieved(before, whole=whole), None))


def _read(files: Mapping[str, bytes], *, deleted: Iterable[Component] = (), whole: Iterable[str] = ()) -> Package:
    return read_package(write_package(files, _listed(files, whole), api_version="62.0", deletions_before=deleted))


def _retrieved(files: Mapping[str, bytes], *, whole: Iterable[str] = ()) -> Package:
    return read_retrieved(write_package(files, _listed(files, whole), api_version="62.0"))


def _listed(files: Mapping[str, bytes], whole: Iterable[str]) -> list[Component]:
    bare = read_retrieved(write_package(files, [], api_version="62.0"))
    own = [each for each in bare.paths if each.type not in ("CustomObject", "CustomLabels") or each.name in whole]
    return [*own, *bare.parts]


def _class(name: str, text: str) -> dict[str, bytes]:
    return {f"classes/{name}.cls": text.encode(), f"classes/{name}.cls-meta.xml": b"<ApexClass/>"}


def _object(*inner: str) -> bytes:
    return f'<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">{"".join(inner)}</CustomObject>'.encode()


def _field(name: str, kind: str) -> str:
    return f"<fields><fullName>{name}</fullName><type>{kind}</type></fields>"


def _labels(**values: str) -> bytes:
    labels = "".join(f"<labels><fullName>{n}</fullName><value>{v}</value></labels>" for n, v in values.items())
    return f"<CustomLabels>{labels}</CustomLabels>".encode()
