"""Comparing a package with an org."""

from __future__ import annotations

from collections.abc import Mapping

from release_core.comparison import compare, lacks, three_way
from release_core.metadata_types import Component
from release_core.packages import Package, read_retrieved, write_package

PRICE = Component("CustomField", "Account.Price__c")
GREETING = Component("ApexClass", "Greeting")
READERS = Component("PermissionSet", "Readers")


def test_each_kind_of_change_is_told() -> None:
    live = _state({**_class("Same", "a"), **_class("Other", "a"), **_class("Old", "a")})
    package = _state(
        {**_class("Same", "a"), **_class("Other", "b"), **_class("Fresh", "a")},
        deleted=[Component("ApexClass", "Old"), Component("ApexClass", "Never")],
    )
    assert [(change.component.name, change.kind) for change in compare(package, live)] == [
        ("Fresh", "new"),
        ("Other", "changed"),
        ("Same", "identical"),
        ("Old", "deleted"),
        ("Never", "absent"),
    ]


def test_everything_is_new_where_nothing_is() -> None:
    package = _state(_class("Greeting", "a"), deleted=[Component("ApexClass", "Old")])
    assert [change.kind for change in compare(package, None)] == ["new", "absent"]


def test_changed_text_is_shown_as_a_diff_from_org_to_package() -> None:
    live, package = _state(_class("Greeting", "one\ntwo\n")), _state(_class("Greeting", "one\nthree\n"))
    (change,) = compare(package, live)
    assert change.diff.splitlines() == [
        "--- org/classes/Greeting.cls",
        "+++ package/classes/Greeting.cls",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+three",
    ]


def test_what_is_new_or_goes_is_shown_as_its_whole_text() -> None:
    live = _state({**_class("Old", "a\nb\n"), "objects/Account.object": _object(_field("Price__c", "Number"))})
    tier = {"objects/Account.object": _object(_field("Tier__c", "Text"))}
    package = _state({**_class("Fresh", "c\nd\n"), **tier}, deleted=[Component("ApexClass", "Old"), PRICE])
    found = {str(change.component): change.diff for change in compare(package, live)}
    assert found["ApexClass Fresh"].splitlines()[3:5] == ["+c", "+d"]
    assert found["ApexClass Old"].splitlines()[3:5] == ["-a", "-b"]
    assert "+    <type>Text</type>" in found["CustomField Account.Tier__c"]
    assert "-    <type>Number</type>" in found["CustomField Account.Price__c"]
    (alone,) = compare(_state(_class("Fresh", "c\n")), None)
    assert "+c" in alone.diff


def test_the_whole_text_is_bounded_like_every_diff() -> None:
    (change,) = compare(_state(_class("Fresh", "\n".join(map(str, range(900))))), None)
    assert len(change.diff.splitlines()) == 401
    assert change.diff.endswith("more lines")


def _profile(*entries: str) -> Package:
    return _state({"profiles/Sales.profile": f"<Profile>{''.join(entries)}</Profile>".encode()})


SALES = Component("Profile", "Sales")
READS = "<fieldPermissions><editable>false</editable><field>A.B__c</field><readable>true</readable></fieldPermissions>"
DENIES = READS.replace("true", "false").replace("A.B__c", "A.C__c")
RUNS = "<classAccesses><apexClass>Greeting</apexClass><enabled>true</enabled></classAccesses>"


def test_of_permissions_only_what_the_package_says_is_held_against_the_org() -> None:
    live = _profile(READS, RUNS, "<custom>true</custom>")
    assert not lacks(live, _profile(READS), SALES), "Salesforce adds it to what is there"
    assert not lacks(live, _profile(READS, DENIES), SALES), "what only denies is not written down"
    assert lacks(live, _profile(READS.replace("A.B__c", "A.D__c")), SALES)
    assert lacks(live, _profile(READS.replace("<editable>false", "<editable>true")), SALES)
    assert lacks(_state({}), _profile(READS), SALES)


def test_everything_else_is_held_against_the_org_as_a_whole() -> None:
    assert lacks(_state(_class("Greeting", "a")), _state(_class("Greeting", "b")), GREETING)
    assert not lacks(_state(_class("Greeting", "a")), _state(_class("Greeting", "a")), GREETING)


def test_layout_of_xml_is_no_change() -> None:
    live = _state({"objects/Account.object": _object(_field("Price__c", "Number"), _field("Tier__c", "Text"))})
    source = b"""<?xml version="1.0"?>
        <CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><!-- ours -->
            <fields><type>Text</type>
                <fullName>Tier__c</fullName></fields>
            <fields><fullName>Price__c</fullName><type>Number</type></fields>
        </CustomObject>"""
    assert {change.kind for change in compare(_state({"objects/Account.object": source}), live)} == {"identical"}


def test_order_of_parts_is_a_change_where_it_carries_meaning() -> None:
    sections = [f"<layoutSections><label>{name}</label></layoutSections>" for name in ("Top", "Bottom")]
    layouts = [f"<Layout>{''.join(order)}</Layout>".encode() for order in (sections, sections[::-1])]
    live, package = (_state({"layouts/Account-A.layout": layout}) for layout in layouts)
    assert [change.kind for change in compare(package, live)] == ["changed"]


def test_order_of_picklist_values_is_a_change() -> None:
    values = [f"<value><fullName>{name}</fullName></value>" for name in ("Low", "High")]
    live, package = (
        _state({"objects/Account.object": _object(_field("Tier__c", "Picklist", "".join(order)))})
        for order in (values, values[::-1])
    )
    assert [change.kind for change in compare(package, live)] == ["changed"]


def test_only_the_changed_part_of_an_object_is_told() -> None:
    live = _state({"objects/Account.object": _object(_field("Price__c", "Number"), _field("Tier__c", "Text"))})
    package = _state({"objects/Account.object": _object(_field("Price__c", "Currency"), _field("Tier__c", "Text"))})
    kinds = {change.component: change for change in compare(package, live)}
    assert kinds[PRICE].kind == "changed"
    assert "-    <type>Number</type>" in kinds[PRICE].diff
    assert kinds[Component("CustomField", "Account.Tier__c")].kind == "identical"


def test_file_missing_from_a_bundle_is_a_change() -> None:
    both = {"lwc/badge/badge.js": b"a", "lwc/badge/badge.css": b"b"}
    live, package = _state(both), _state({"lwc/badge/badge.js": b"a"})
    (change,) = compare(package, live)
    assert change.kind == "changed"
    assert "-b" in change.diff


def test_binary_files_are_compared_by_size_not_by_line() -> None:
    old, new = (
        _state({"staticresources/Logo.resource": data, "staticresources/Logo.resource-meta.xml": b"<StaticResource/>"})
        for data in (b"\x89PNG\xff", b"\x89PNG\xff\xfe")
    )
    (change,) = compare(new, old)
    assert change.diff == "staticresources/Logo.resource: not text, 5 bytes → 6 bytes"


def test_long_diffs_are_cut_with_a_count() -> None:
    old, new = (_state(_class("Greeting", "\n".join(f"{word} {n}" for n in range(900)))) for word in ("old", "new"))
    (change,) = compare(new, old)
    lines = change.diff.splitlines()
    assert len(lines) == 401
    assert lines[-1] == "… 1,403 more lines"


def test_flow_is_deleted_version_by_version() -> None:
    package = _state({}, deleted=[Component("Flow", "Nightly-2")])
    assert [change.kind for change in compare(package, _state({"flows/Nightly.flow": b"<Flow/>"}))] == ["deleted"]


def test_labels_are_told_one_by_one() -> None:
    live = _state({"labels/CustomLabels.labels": _labels(Hello="Hello", Bye="Bye")})
    package = _state({"labels/CustomLabels.labels": _labels(Hello="Hi", Thanks="Thanks")})
    assert [(str(change.component), change.kind) for change in compare(package, live)] == [
        ("CustomLabel Hello", "changed"),
        ("CustomLabel Thanks", "new"),
    ]


def test_nothing_drifted_when_the_org_shows_what_we_deployed() -> None:
    before, ours = _state(_class("Greeting", "a")), _state(_class("Greeting", "b"))
    assert three_way(before, ours, ours) == ()


def test_what_is_back_already_is_no_drift() -> None:
    before, ours = _state(_class("Greeting", "a")), _state(_class("Greeting", "b"))
    assert three_way(before, ours, before) == ()


def test_change_by_somebody_since_is_drift_with_a_diff() -> None:
    before, ours, now = (_state(_class("Greeting", text)) for text in ("a", "b", "c"))
    (drift,) = three_way(before, ours, now)
    assert (drift.component, drift.kind) == (GREETING, "changed")
    assert "-b" in drift.diff
    assert "+c" in drift.diff


def test_removal_by_somebody_since_is_drift() -> None:
    before, ours = _state(_class("Greeting", "a")), _state(_class("Greeting", "b"))
    assert [(drift.component, drift.kind) for drift in three_way(before, ours, _state({}))] == [(GREETING, "removed")]


def test_new_component_removed_since_counts_as_returned() -> None:
    assert three_way(_state({}), _state(_class("Greeting", "b")), _state({})) == ()


def test_deleted_component_made_anew_is_drift() -> None:
    before, ours = _state(_class("Greeting", "a")), _state({}, deleted=[GREETING])
    assert three_way(before, ours, _state({})) == ()
    assert three_way(before, ours, before) == ()
    assert [drift.kind for drift in three_way(before, ours, _state(_class("Greeting", "z")))] == ["returned"]


def test_permissions_added_to_those_that_were_there_are_no_drift() -> None:
    before, ours, now = (_grants(*names) for names in (["A"], ["B"], ["A", "B"]))
    assert three_way(before, ours, now) == ()


def test_permission_granted_by_somebody_since_is_drift() -> None:
    before, ours, now = (_grants(*names) for names in (["A"], ["B"], ["A", "B", "C"]))
    assert [drift.component for drift in three_way(before, ours, now)] == [READERS]


def test_permission_that_went_with_what_the_release_deleted_is_no_drift() -> None:
    path = "permissionsets/Readers.permissionset"
    entry = b"<classAccesses><apexClass>%s</apexClass></classAccesses>"
    both, kept = entry % b"Old" + entry % b"Kept", entry % b"Kept"
    ours = _state({path: b"<PermissionSet>%s</PermissionSet>" % both}, deleted=[Component("ApexClass", "Old")])
    now = _state({path: b"<PermissionSet>%s</PermissionSet>" % kept})
    assert three_way(_state({}), ours, now) == ()
    assert [drift.component for drift in three_way(_state({}), ours, _state({path: b"<PermissionSet/>"}))] == [READERS]


def test_layout_that_fell_with_the_object_which_the_release_deleted_is_no_drift() -> None:
    before, ours = (f"<Layout><a>{text}</a></Layout>".encode() for text in "ab")
    path, shop = "layouts/Shop__c-Shop Layout.layout", Component("CustomObject", "Shop__c")
    assert three_way(_state({path: before}), _state({path: ours}, deleted=[shop]), _state({})) == ()
    assert [drift.kind for drift in three_way(_state({path: before}), _state({path: ours}), _state({}))] == ["removed"]


def test_picklist_value_that_the_release_left_out_is_no_drift_while_it_is_inactive() -> None:
    before, ours = _heat(("Hot", "true"), ("Cold", "true")), _heat(("Hot", "true"))
    assert three_way(before, ours, _heat(("Hot", "true"), ("Cold", "false"))) == ()
    for since in (_heat(("Hot", "false"), ("Cold", "false")), _heat(("Hot", "true"), ("Mild", "false"))):
        assert [drift.kind for drift in three_way(before, ours, since)] == ["changed"]


def _heat(*values: tuple[str, str]) -> Package:
    listed = "".join(
        f"<value><fullName>{name}</fullName><isActive>{active}</isActive></value>" for name, active in values
    )
    field = f"<fields><fullName>Heat__c</fullName><valueSet>{listed}</valueSet></fields>"
    return _state({"objects/Account.object": f"<CustomObject>{field}</CustomObject>".encode()})


def _state(files: Mapping[str, bytes], deleted: list[Component] | None = None) -> Package:
    bare = read_retrieved(write_package(files, [], api_version="62.0"))
    listed = [component for component in bare.paths if component.type != "CustomObject"]
    data = write_package(files, [*listed, *bare.parts], api_version="62.0", deletions_after=deleted or [])
    read = read_retrieved(data)
    return Package(
        read.digest,
        read.size,
        "62.0",
        read.files,
        read.components,
        (),
        tuple(deleted or ()),
        (),
        (),
        read.paths,
        read.parts,
    )


def _class(name: str, text: str) -> dict[str, bytes]:
    return {f"classes/{name}.cls": text.encode(), f"classes/{name}.cls-meta.xml": b"<ApexClass/>"}


def _object(*fields: str) -> bytes:
    return f'<CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">{"".join(fields)}</CustomObject>'.encode()


def _field(name: str, kind: str, more: str = "") -> str:
    return f"<fields><fullName>{name}</fullName><type>{kind}</type>{more}</fields>"


def _labels(**values: str) -> bytes:
    labels = "".join(f"<labels><fullName>{n}</fullName><value>{v}</value></labels>" for n, v in values.items())
    return f"<CustomLabels>{labels}</CustomLabels>".encode()


def _grants(*classes: str) -> Package:
    rows = "".join(f"<classAccesses><apexClass>{name}</apexClass></classAccesses>" for name in classes)
    return _state({"permissionsets/Readers.permissionset": f"<PermissionSet>{rows}</PermissionSet>".encode()})
