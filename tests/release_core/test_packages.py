"""Reading packages that people hand in, the good ones with the bad."""

from __future__ import annotations

import contextlib
import hashlib
import io
import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rehearsal.packages import sample_package
from bot.rehearsal.packages.bad import BAD, GOOD
from release_core.archives import open_archive, write_archive
from release_core.errors import Unclear
from release_core.metadata_types import Component
from release_core.packages import (
    Package,
    footprint,
    is_single_package,
    is_test,
    members,
    read_package,
    read_retrieved,
    write_package,
)

NS = 'xmlns="http://soap.sforce.com/2006/04/metadata"'

SAID = {
    "not_a_zip": "not a zip file",
    "empty_file": "The file is empty",
    "cut_off": "damaged or was cut off",
    "wrong_checksum": "classes/Greeting.cls",
    "empty_zip": "holds no files",
    "no_manifest": "no package.xml at its top or in its one top folder",
    "manifest_too_deep": "there is one at out/build/package.xml",
    "same_in_two_packages": "holds ApexClass Greeting in both billing and sales",
    "package_beside_files": "also notes.txt beside that folder",
    "manifest_in_other_case": "there is Package.xml, but upper and lower case count: it must be named package.xml",
    "folder_in_other_case": "holds Classes/, but upper and lower case count: it must be named classes/",
    "source_format": "sf project convert source",
    "climbing_path": "../../etc/cron.d/release",
    "absolute_path": "/etc/passwd",
    "backslash_path": "forward slashes",
    "drive_path": "C:/Windows/win.ini",
    "link": "classes/Other.cls is a link",
    "encrypted": "encrypted",
    "duplicate_entry": "classes/Greeting.cls twice",
    "duplicate_in_other_case": "differ only in upper and lower case",
    "bomb": "at most 629,145,600 bytes",
    "lying_bomb": "damaged at staticresources/Zeros.resource",
    "too_many_files": "10,001 files; Salesforce takes at most 10,000",
    "too_large": "at most 40,894,464 bytes (39 MB)",
    "xml_entities": "document type or XML entities",
    "malformed_xml": "package.xml is not well-formed XML: line 3",
    "missing_member": "lists ApexClass Farewell, but the zip does not hold it",
    "wildcard_deletion": "every ApexClass",
    "nothing_in_it": "The package is empty",
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_zip_is_refused_with_a_sentence_of_its_own(kind: str) -> None:
    with pytest.raises(Unclear) as refusal:
        read_package(BAD[kind]())
    assert SAID[kind] in str(refusal.value)
    assert refusal.value.field == "package"


@pytest.mark.parametrize(
    ("path", "replacement", "said"),
    [
        ("package.xml", GOOD["package.xml"].replace(b"<version>62.0</version>", b""), "no <version>"),
        ("package.xml", GOOD["package.xml"].replace(b"62.0", b"sixty-two"), "looks like 62.0"),
        ("package.xml", b"<CustomObject/>", "starts with <CustomObject>"),
        ("package.xml", b"<Package><types><members>A</members></types></Package>", "without a <name>"),
        ("package.xml", b"<Package><types><members/><name>Flow</name></types></Package>", "empty <members> under Flow"),
        ("classes/Greeting.cls-meta.xml", b"<ApexClass>\n\n<broken", "classes/Greeting.cls-meta.xml"),
        ("classes/Greeting.cls-meta.xml", b"<!DOCTYPE a><a/>", "classes/Greeting.cls-meta.xml declares"),
    ],
)
def test_faulty_file_is_named_with_its_fault(path: str, replacement: bytes, said: str) -> None:
    with pytest.raises(Unclear) as refusal:
        read_package(write_archive({**GOOD, path: replacement}))
    assert said in str(refusal.value)


def test_destructive_manifest_in_other_case_is_not_overlooked() -> None:
    with pytest.raises(Unclear, match=r"must be named destructiveChangesPost\.xml"):
        read_package(write_archive({**GOOD, "DestructiveChangesPost.xml": b"<Package/>"}))


def test_several_packages_of_one_zip_are_read_as_one() -> None:
    data = two_packages()
    package = read_package(data)
    assert not package.single_package
    assert not is_single_package(data)
    assert [str(component) for component in package.components] == [
        "ApexClass Greeting",
        "ApexClass Parting",
        "ApexClass PartingTest",
        "CustomField Account.Tier__c",
    ]
    assert package.deletions_before == (Component("ApexClass", "Old"),)
    assert package.deletions_after == (Component("ApexClass", "Older"), Component("ApexClass", "Oldest"))
    assert package.tests == ("PartingTest",)
    assert package.api_version == "62.0"
    assert package.files["classes/Parting.cls"] == b"class Parting {}"
    assert package.parts[Component("CustomField", "Account.Tier__c")].findtext("label") == "Tier"
    assert [warning for warning in package.warnings if "API versions (58.0, 62.0)" in warning]
    assert [warning for warning in package.warnings if warning.startswith("sales: package.xml does not list")]


def test_file_in_two_packages_is_refused_also_in_other_case() -> None:
    fields = [f"<fields><fullName>{name}__c</fullName></fields>" for name in "AB"]
    files = {
        f"{top}/{path}": data
        for top, field, name in (("one", fields[0], "Account.A__c"), ("two", fields[1], "Account.B__c"))
        for path, data in {
            "objects/Account.object": f"<CustomObject {NS}>{field}</CustomObject>".encode(),
            "package.xml": manifest("CustomField", name),
        }.items()
    }
    with pytest.raises(Unclear, match=r"holds objects/Account\.object in both one and two"):
        read_package(write_archive(files))
    files["two/objects/account.object"] = files.pop("two/objects/Account.object")
    files["two/package.xml"] = manifest("CustomField", "account.B__c")
    with pytest.raises(Unclear, match=r"objects/account\.object in both one and two"):
        read_package(write_archive(files))


def test_folder_that_is_no_package_beside_several_is_refused() -> None:
    files = {f"{top}/{path}": data for top in ("a", "b") for path, data in GOOD.items()}
    with pytest.raises(Unclear, match=r"packages in the folders a, b, but also docs/x\.txt beside those folders"):
        read_package(write_archive({**files, "docs/x.txt": b""}))


def test_entries_that_share_their_bytes_are_refused() -> None:
    inner = b"class Inner {}"
    record = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(inner), len(inner), len(inner), 5, 0)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("outer", record + b"inner" + inner)
        shared = zipfile.ZipInfo("inner")
        shared.header_offset = 30 + len("outer")
        shared.CRC, shared.file_size, shared.compress_size = zlib.crc32(inner), len(inner), len(inner)
        archive.filelist.append(shared)
    with pytest.raises(Unclear, match="damaged at outer"):
        open_archive(target.getvalue())


def test_file_goes_into_another_archive_as_it_is_packed() -> None:
    files = open_archive(write_archive({"a.txt": b"text " * 100, "é": b""}))
    again = write_archive({path: files.packed(path) for path in files})
    assert again == write_archive({"a.txt": b"text " * 100, "é": b""})
    with zipfile.ZipFile(io.BytesIO(again)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.txt", "é"]


def test_same_bytes_are_known_however_they_are_packed() -> None:
    stored, deflated = io.BytesIO(), write_archive({"a": b"x" * 99, "b": b"x"})
    with zipfile.ZipFile(stored, "w") as archive:
        archive.writestr("a", b"x" * 99)
        archive.writestr("b", b"y")
    one, other = open_archive(stored.getvalue()), open_archive(deflated)
    assert one.holds_the_same("a", other)
    assert not one.holds_the_same("b", other)


def test_malformed_file_is_told_with_its_line() -> None:
    with pytest.raises(Unclear, match=r"line 3, .*Correct the file"):
        read_package(write_archive({**GOOD, "classes/Greeting.cls-meta.xml": b"<a>\n<b>\n</a>"}))


def test_class_without_its_description_is_refused() -> None:
    files = {path: data for path, data in GOOD.items() if not path.endswith("-meta.xml")}
    with pytest.raises(Unclear, match=r"classes/Greeting.cls has no classes/Greeting.cls-meta.xml beside it"):
        read_package(write_archive(files))


def test_wrong_case_of_a_folder_is_pointed_out() -> None:
    files = {path.replace("classes/", "Classes/"): data for path, data in GOOD.items()}
    with pytest.raises(Unclear, match=r"the zip holds Classes/Greeting.cls, .* Rename it to classes/Greeting.cls"):
        read_package(write_archive(files))


def test_wrapping_folder_and_litter_of_the_desktop_do_not_matter() -> None:
    wrapped = {f"my release/{path}": data for path, data in GOOD.items()}
    litter = {"__MACOSX/my release/._package.xml": b"x", "my release/.DS_Store": b"x"}
    package = read_package(write_archive({**wrapped, **litter}))
    assert sorted(package.files) == sorted(GOOD)


def test_file_beside_the_wrapping_folder_is_refused() -> None:
    with pytest.raises(Unclear, match=r"also README.md beside that folder"):
        read_package(write_archive({"README.md": b"hi", **{f"out/{path}": data for path, data in GOOD.items()}}))


def test_sample_release_is_read_in_full() -> None:
    data = sample_package("first")
    package = read_package(data)
    assert package.digest == hashlib.sha256(data).hexdigest()
    assert package.size == len(data)
    assert package.api_version == "62.0"
    assert package.tests == ("DiscountPolicyTest", "DiscountRequestHandlerTest")
    assert package.deletions_before == (Component("ApexClass", "LegacyDiscount"),)
    assert package.deletions_after == ()
    assert package.warnings == ()
    listed = members(package.components)
    assert listed["CustomField"] == [
        "Discount_Request__c.Opportunity__c",
        "Discount_Request__c.Rate__c",
        "Discount_Request__c.Reason__c",
        "Discount_Request__c.Status__c",
        "Discount_Request__c.Tier__c",
        "Opportunity.Approved_Discount__c",
    ]
    assert listed["CustomObject"] == ["Discount_Request__c"]
    assert listed["LightningComponentBundle"] == ["discountBadge"]
    assert listed["Flow"] == ["Opportunity_Follow_Up"]


def test_file_that_nobody_listed_is_a_warning() -> None:
    package = read_package(write_archive({**GOOD, "classes/Stray.cls": b"", "notes.txt": b""}))
    assert package.components == (Component("ApexClass", "Greeting"),)
    assert package.warnings == (
        "package.xml does not list classes/Stray.cls, notes.txt; Salesforce leaves such files out.",
    )


def test_wildcard_stands_for_the_files_that_are_there() -> None:
    package = read_package(write_archive({**GOOD, "package.xml": GOOD["package.xml"].replace(b"Greeting", b"*")}))
    assert package.components == (Component("ApexClass", "Greeting"),)


def test_parts_of_a_listed_object_are_components_too() -> None:
    source = f"""<CustomObject {NS}><label>A</label>
        <fields><fullName>One__c</fullName></fields>
        <validationRules><fullName>Rule</fullName></validationRules>
        <recordTypes><fullName>Kind</fullName></recordTypes>
        <listViews><fullName>All</fullName></listViews></CustomObject>"""
    package = _package({"objects/A__c.object": source.encode()}, Component("CustomObject", "A__c"))
    assert [str(component) for component in package.components] == [
        "CustomField A__c.One__c",
        "CustomObject A__c",
        "ListView A__c.All",
        "RecordType A__c.Kind",
        "ValidationRule A__c.Rule",
    ]


def test_field_listed_alone_does_not_claim_its_object() -> None:
    fields = "".join(f"<fields><fullName>{name}</fullName></fields>" for name in ("A__c", "B__c"))
    source = f"<CustomObject {NS}>{fields}</CustomObject>"
    package = _package({"objects/Account.object": source.encode()}, Component("CustomField", "Account.A__c"))
    assert package.components == (Component("CustomField", "Account.A__c"),)
    assert package.warnings == (
        "package.xml does not list CustomField Account.B__c; Salesforce leaves such parts out.",
    )


def test_unknown_type_is_kept_with_a_warning() -> None:
    package = _package({"novelties/Thing.novelty": b"<Novelty/>"}, Component("Novelty", "Thing"))
    assert package.components == (Component("Novelty", "Thing"),)
    assert package.paths[Component("Novelty", "Thing")] == ("novelties/Thing.novelty",)
    assert package.warnings == ("Rollcall does not know the type Novelty, so it cannot check or compare it fully.",)


def test_reports_lie_in_folders() -> None:
    files = {
        "reports/Sales-meta.xml": b"<ReportFolder/>",
        "reports/Sales/Won.report": b"<Report/>",
        "documents/Art/logo.png": b"\x89PNG",
        "documents/Art/logo.png-meta.xml": b"<Document/>",
    }
    wanted = [Component("Report", "Sales"), Component("Report", "Sales/Won"), Component("Document", "Art/logo.png")]
    assert _package(files, *wanted).components == tuple(sorted(wanted))


def test_deleting_a_flow_without_a_version_is_warned_about() -> None:
    package = read_package(write_package({}, [], api_version="62.0", deletions_after=[Component("Flow", "Nightly")]))
    assert "deletes Flow Nightly without a version" in package.warnings[0]


@pytest.mark.parametrize(
    ("source", "tests"),
    [
        ("@IsTest private class A {}", True),
        ("@isTest(SeeAllData=true)\nprivate class A {}", True),
        ("public class A { static testMethod void works() {} }", True),
        ("public class A { }", False),
        ("// @IsTest class\npublic class A { }", False),
        ("public class A { String s = '@IsTest class'; }", False),
    ],
)
def test_tests_are_told_from_other_classes(source: str, tests: bool) -> None:
    assert is_test(source) is tests


def test_footprint_asks_for_what_a_snapshot_needs() -> None:
    asked = members(footprint(read_package(sample_package("mended"))))
    assert "LegacyDiscount" in asked["ApexClass"]
    assert asked["FlowDefinition"] == ["Opportunity_Follow_Up"]
    assert "Opportunity.Approved_Discount__c" in asked["CustomField"]
    assert asked["CustomObject"] == ["Discount_Request__c"]


def test_footprint_asks_for_labels_one_by_one_and_for_what_permissions_mention() -> None:
    files = {
        "labels/CustomLabels.labels": b"<CustomLabels><labels><fullName>Hi</fullName></labels></CustomLabels>",
        "permissionsets/P.permissionset": b"<PermissionSet>"
        b"<fieldPermissions><field>A__c.F__c</field></fieldPermissions><objectPermissions><object>A__c</object></objectPermissions></PermissionSet>",
    }
    package = _package(files, Component("CustomLabels", "CustomLabels"), Component("PermissionSet", "P"))
    assert members(footprint(package)) == {
        "CustomField": ["A__c.F__c"],
        "CustomLabel": ["Hi"],
        "CustomObject": ["A__c"],
        "PermissionSet": ["P"],
    }


def test_retrieved_zip_may_lack_what_was_asked_for() -> None:
    files = {"unpackaged/classes/A.cls": b"class A {}", "unpackaged/classes/A.cls-meta.xml": b"<ApexClass/>"}
    manifest = b"<Package><types><members>A</members><members>Gone</members><name>ApexClass</name></types></Package>"
    snapshot = read_retrieved(write_archive({**files, "unpackaged/package.xml": manifest}))
    assert snapshot.components == (Component("ApexClass", "A"),)


def test_retrieved_zip_may_be_empty() -> None:
    assert read_retrieved(write_archive({"unpackaged/package.xml": b"<Package/>"})).components == ()


def test_variants_of_the_sample_differ_only_where_they_say() -> None:
    first, mended, changed = (read_package(sample_package(variant)) for variant in ("first", "mended", "changed"))
    assert len({first.digest, mended.digest, changed.digest}) == 3
    assert [path for path in mended.files if first.files[path] != mended.files[path]] == ["classes/DiscountPolicy.cls"]
    assert [path for path in mended.files if changed.files[path] != mended.files[path]] == [
        "lwc/discountBadge/discountBadge.html"
    ]
    assert sample_package("mended") == sample_package("mended")


names = st.from_regex(r"\A[A-Z][a-z]{1,8}\Z")
classes = st.dictionaries(names, st.binary(max_size=50), max_size=6)
deletions = st.lists(st.builds(Component, st.sampled_from(["ApexClass", "CustomField", "Layout"]), names), unique=True)


@settings(max_examples=60, deadline=None)
@given(classes=classes, before=deletions, after=deletions)
def test_what_is_written_is_read_again(
    classes: dict[str, bytes], before: list[Component], after: list[Component]
) -> None:
    files = {f"classes/{name}.cls": data for name, data in classes.items()}
    files |= {f"classes/{name}.cls-meta.xml": b"<ApexClass/>" for name in classes}
    components = [Component("ApexClass", name) for name in classes]
    folded = {name.casefold() for name in classes}
    if not (classes or before or after) or len(folded) < len(classes):
        return
    data = write_package(files, components, api_version="62.0", deletions_before=before, deletions_after=after)
    package = read_package(data)
    assert package.components == tuple(sorted(components))
    assert set(package.deletions_before) == set(before)
    assert set(package.deletions_after) == set(after)
    assert {path: package.files[path] for path in files} == files
    again = write_package(
        dict(reversed(files.items())),
        reversed(components),
        api_version="62.0",
        deletions_before=before,
        deletions_after=after,
    )
    assert again == data


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), cut=st.integers(0, 9000), flip=st.integers(0, 255))
def test_no_damage_makes_reading_fail_otherwise_than_by_a_sentence(data: bytes, cut: int, flip: int) -> None:
    whole = bytearray(sample_package("mended"))
    place = cut % len(whole)
    whole[place] ^= flip
    for broken in (data, bytes(whole), bytes(whole[:place])):
        with contextlib.suppress(Unclear):
            read_package(broken)


def manifest(kind: str, *names: str, version: str = "62.0") -> bytes:
    listed = "".join(f"<members>{name}</members>" for name in names)
    types = f"<types>{listed}<name>{kind}</name></types>"
    return f"<Package {NS}>{types}<version>{version}</version></Package>".encode()


def two_packages() -> bytes:
    gone = b"<Package><types><members>%s</members><name>ApexClass</name></types></Package>"
    sales = {
        "package.xml": manifest("ApexClass", "Parting", "PartingTest", version="58.0"),
        "classes/Parting.cls": b"class Parting {}",
        "classes/Parting.cls-meta.xml": b"<ApexClass/>",
        "classes/PartingTest.cls": b"@IsTest class PartingTest {}",
        "classes/PartingTest.cls-meta.xml": b"<ApexClass/>",
        "stray.txt": b"",
        "destructiveChangesPost.xml": gone % b"Oldest",
    }
    object_file = f"<CustomObject {NS}><fields><fullName>Tier__c</fullName><label>Tier</label></fields></CustomObject>"
    fields = b"<types><members>Account.Tier__c</members><name>CustomField</name></types>"
    billing = {
        **GOOD,
        "package.xml": GOOD["package.xml"].replace(b"<version>", fields + b"<version>"),
        "objects/Account.object": object_file.encode(),
        "destructiveChanges.xml": gone % b"Old",
        "destructiveChangesPost.xml": gone % b"Older",
    }
    tops = {"billing": billing, "sales": sales}
    return write_archive({f"{top}/{path}": data for top, files in tops.items() for path, data in files.items()})


def _package(files: dict[str, bytes], *components: Component) -> Package:
    return read_package(write_package(files, components, api_version="62.0"))
