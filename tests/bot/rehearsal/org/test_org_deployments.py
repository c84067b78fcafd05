"""What a deployment does to an org."""

from __future__ import annotations

import io
import zipfile

import pytest

from bot.rehearsal.org.exporting import export
from tests.bot.rehearsal.org.org_bench import CLASS_META, Bench, apex, metadata, package, problems, row, zipped

FIELD = """    <fields>
        <fullName>{name}</fullName>
        <externalId>false</externalId>
        <label>{name}</label>
        <length>40</length>
        <type>Text</type>
    </fields>"""


def test_a_new_class_is_created_and_marked_so(sandbox: Bench) -> None:
    job = sandbox.deploy(apex(Greeter="public class Greeter { }"))
    assert job.status == "Succeeded"
    assert row(job, "Greeter").created
    assert sandbox.has("ApexClass", "Greeter")


def test_the_same_class_again_changes_nothing(sandbox: Bench) -> None:
    sandbox.deploy(apex(Greeter="public class Greeter { }"))
    again = row(sandbox.deploy(apex(Greeter="public class Greeter { }")), "Greeter")
    assert (again.created, again.changed, again.success) == (False, False, True)


def test_reformatted_xml_is_no_change(sandbox: Bench) -> None:
    ((path, content),) = sandbox.files("PermissionSet", "Sales_Operations").items()
    reformatted = content.replace(b"\n    ", b"\n  ")
    job = sandbox.deploy(package({"PermissionSet": ["Sales_Operations"]}, {path: reformatted}))
    assert not row(job, "Sales_Operations").changed
    assert sandbox.files("PermissionSet", "Sales_Operations")[path] == content


def test_check_only_leaves_the_org_alone(sandbox: Bench) -> None:
    before = export(sandbox.org, history=True)
    job = sandbox.deploy(apex(Greeter="public class Greeter { }"), check_only=True)
    assert job.status == "Succeeded"
    assert row(job, "Greeter").created
    assert export(sandbox.org, history=True) == before


def test_one_error_keeps_everything_out(sandbox: Bench) -> None:
    before = export(sandbox.org, history=True)
    job = sandbox.deploy(apex(Good="public class Good { }", Bad="public class Bad { "))
    assert job.status == "Failed"
    assert problems(job) == {"Bad": "Missing '}' at '<EOF>'"}
    assert export(sandbox.org, history=True) == before


def test_without_rollback_on_error_a_sandbox_takes_the_good_part(sandbox: Bench) -> None:
    job = sandbox.deploy(apex(Good="public class Good { }", Bad="public class Bad { "), rollback_on_error=False)
    assert job.status == "SucceededPartial"
    assert sandbox.has("ApexClass", "Good")
    assert not sandbox.has("ApexClass", "Bad")


def test_a_member_without_a_file_is_an_error(sandbox: Bench) -> None:
    job = sandbox.deploy(package({"ApexClass": ["Ghost"]}))
    expected = "An object 'Ghost' of type ApexClass was named in package.xml, but was not found in zipped directory"
    assert problems(job) == {"Ghost": expected}


def test_missing_files_may_be_allowed_in_a_sandbox(sandbox: Bench) -> None:
    job = sandbox.deploy(package({"ApexClass": ["Ghost"]}), allow_missing_files=True)
    assert job.status == "Succeeded"
    assert row(job, "Ghost").problem_type == "Warning"


def test_a_file_that_package_xml_does_not_name_is_an_error(sandbox: Bench) -> None:
    job = sandbox.deploy(package({}, {"labels/CustomLabels.labels": metadata("CustomLabels", "")}))
    assert problems(job) == {"labels/CustomLabels.labels": "Not in package.xml"}


def test_an_unknown_type_is_an_error(sandbox: Bench) -> None:
    assert problems(sandbox.deploy(package({"Sandwich": ["Cheese"]}))) == {
        "package.xml": "Unknown type name 'Sandwich' specified in package.xml"
    }


def test_a_class_needs_its_meta_file(sandbox: Bench) -> None:
    job = sandbox.deploy(package({"ApexClass": ["Greeter"]}, {"classes/Greeter.cls": "public class Greeter { }"}))
    assert "Greeter.cls-meta.xml is missing" in str(problems(job)["Greeter"])


def test_broken_xml_is_told_with_its_line(sandbox: Bench) -> None:
    broken = (
        '<?xml version="1.0"?>\n<Layout xmlns="http://soap.sforce.com/2006/04/metadata">\n<layoutSections>\n</Layout>'
    )
    job = sandbox.deploy(
        package({"Layout": ["Account-Account Layout"]}, {"layouts/Account-Account Layout.layout": broken})
    )
    assert row(job, "Account-Account Layout").line == 4


@pytest.mark.parametrize("archive", [b"", b"no zip at all", b"PK\x03\x04broken", zipped({"readme.txt": "hello"})])
def test_what_is_no_package_says_so(sandbox: Bench, archive: bytes) -> None:
    job = sandbox.deploy(archive)
    assert job.status == "Failed"
    assert problems(job) == {"package.xml": "No package.xml found"}


def test_a_path_that_climbs_out_is_refused(sandbox: Bench) -> None:
    job = sandbox.deploy(zipped({"package.xml": package(), "../../etc/passwd": "x"}))
    assert problems(job) == {"../../etc/passwd": "Invalid path in zip file: ../../etc/passwd"}


def test_a_zip_bomb_is_refused_unopened(sandbox: Bench) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.xml", "<Package/>")
        archive.writestr("staticresources/Big.resource", b"\0" * 50_000_000)
    job = sandbox.deploy(buffer.getvalue())
    assert job.outcome is not None
    assert job.outcome.error_code == "LIMIT_EXCEEDED"


def test_ten_thousand_files_are_the_limit(sandbox: Bench) -> None:
    job = sandbox.deploy(zipped({"package.xml": "<Package/>", **{f"classes/C{n}.cls": "" for n in range(10_000)}}))
    assert job.outcome is not None
    assert job.outcome.error_code == "LIMIT_EXCEEDED"


def test_entities_in_package_xml_are_not_expanded(sandbox: Bench) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Package>&b;</Package>'
    assert "package.xml" in problems(sandbox.deploy(zipped({"package.xml": bomb})))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("layouts/A-B.layout", "<?xml version='1.0'?><Layout>" + "<a>" * 30_000 + "</a>" * 30_000 + "</Layout>"),
        ("classes/Deep.cls", "public class Deep { Integer x = " + "(" * 30_000 + "1" + ")" * 30_000 + "; }"),
    ],
)
def test_files_nested_thousands_deep_fail_and_the_queue_goes_on(sandbox: Bench, path: str, content: str) -> None:
    members = {"Layout": ["A-B"]} if path.startswith("layouts") else {"ApexClass": ["Deep"]}
    job = sandbox.deploy(
        package(
            members, {path: content, "classes/Deep.cls-meta.xml": CLASS_META} if "Deep" in path else {path: content}
        )
    )
    assert job.status == "Failed"
    assert sandbox.deploy(apex(Greeter="public class Greeter { }")).status == "Succeeded"


def test_a_package_may_lie_in_one_top_folder(sandbox: Bench) -> None:
    inner = zipfile.ZipFile(io.BytesIO(apex(Greeter="public class Greeter { }")))
    job = sandbox.deploy(zipped({f"zip/{name}": inner.read(name) for name in inner.namelist()}))
    assert row(job, "Greeter").path == "zip/classes/Greeter.cls"


def test_a_root_package_is_not_found_unless_it_is_called_single(sandbox: Bench) -> None:
    job = sandbox.deploy(apex(Greeter="public class Greeter { }"), single_package=False)
    assert problems(job) == {"package.xml": "No package.xml found"}


def test_a_field_joins_its_object_without_touching_the_rest(sandbox: Bench) -> None:
    fields = {each.name for each in sandbox.org.inventory.of_type("CustomField")}
    body = metadata("CustomObject", FIELD.format(name="Segment__c"))
    job = sandbox.deploy(package({"CustomField": ["Account.Segment__c"]}, {"objects/Account.object": body}))
    assert row(job, "Account.Segment__c").created
    assert {each.name for each in sandbox.org.inventory.of_type("CustomField")} == fields | {"Account.Segment__c"}


def test_a_field_of_an_object_that_is_not_there_is_refused(sandbox: Bench) -> None:
    body = metadata("CustomObject", FIELD.format(name="Segment__c"))
    job = sandbox.deploy(package({"CustomField": ["Gone__c.Segment__c"]}, {"objects/Gone__c.object": body}))
    assert problems(job) == {"Gone__c.Segment__c": "no CustomObject named Gone__c found"}


def test_a_new_object_must_be_complete(sandbox: Bench) -> None:
    job = sandbox.deploy(
        package({"CustomObject": ["Tour__c"]}, {"objects/Tour__c.object": metadata("CustomObject", "")})
    )
    assert problems(job) == {"Tour__c": "Must specify a non-empty label for the CustomObject"}


def test_a_permission_set_cannot_grant_what_is_not_there(sandbox: Bench) -> None:
    grant = (
        "<fieldPermissions><editable>true</editable><field>Account.Gone__c</field></fieldPermissions><label>X</label>"
    )
    job = sandbox.deploy(
        package({"PermissionSet": ["X"]}, {"permissionsets/X.permissionset": metadata("PermissionSet", grant)})
    )
    assert problems(job) == {"X": "In field: field - no CustomField named Account.Gone__c found"}


def test_code_that_names_a_missing_field_does_not_compile(sandbox: Bench) -> None:
    job = sandbox.deploy(apex(Greeter="public class Greeter {\n  Object o = new Account(Gone__c = 1);\n}"))
    assert problems(job) == {"Greeter": "Variable does not exist: Gone__c"}
    assert row(job, "Greeter").line == 2


def test_a_change_that_breaks_other_code_is_refused(sandbox: Bench) -> None:
    job = sandbox.deploy(
        apex(DiscountPolicy="public class DiscountPolicy { public static Integer other() { return 1; } }")
    )
    assert "Dependent class is invalid and needs recompilation" in str(problems(job)["DiscountPolicy"])


def test_a_profile_file_adds_and_never_revokes(sandbox: Bench) -> None:
    grant = "<userPermissions><enabled>true</enabled><name>ViewSetup</name></userPermissions>"
    sandbox.deploy(package({"Profile": ["Admin"]}, {"profiles/Admin.profile": metadata("Profile", grant)}))
    text = sandbox.files("Profile", "Admin")["profiles/Admin.profile"]
    assert b"ViewSetup" in text
    assert b"AuthorApex" in text


def test_a_picklist_value_left_out_is_only_deactivated(sandbox: Bench) -> None:
    ((path, content),) = sandbox.files("GlobalValueSet", "Sales_Region").items()
    start = content.index(b"    <customValue>\n        <fullName>West")
    shorter = content[:start] + content[content.index(b"    <masterLabel>") :]
    sandbox.deploy(package({"GlobalValueSet": ["Sales_Region"]}, {path: shorter}))
    after = sandbox.files("GlobalValueSet", "Sales_Region")[path]
    assert b"<fullName>West</fullName>" in after
    assert after.count(b"<isActive>false</isActive>") == 1


def test_a_release_and_its_rollback_leave_the_same_bytes(sandbox: Bench) -> None:
    before = export(sandbox.org, history=False)
    names = {"Layout": "Account-Account Layout", "PermissionSet": "Sales_Operations", "ApexClass": "DiscountPolicy"}
    old = {path: content for kind, name in names.items() for path, content in sandbox.files(kind, name).items()}
    new = dict(old)
    layout = "layouts/Account-Account Layout.layout"
    new[layout] = old[layout].replace(b"<field>Region__c</field>", b"<field>Segment__c</field>")
    new["classes/DiscountPolicy.cls"] = old["classes/DiscountPolicy.cls"].replace(
        b"return 10;", b"return 10; // agreed"
    )
    new["objects/Account.object"] = metadata("CustomObject", FIELD.format(name="Segment__c")).encode()
    members = {kind: [name] for kind, name in names.items()}
    assert sandbox.deploy(package({**members, "CustomField": ["Account.Segment__c"]}, new)).status == "Succeeded"
    assert export(sandbox.org, history=False) != before
    back = sandbox.deploy(package(members, old, post={"CustomField": ["Account.Segment__c"]}))
    assert back.status == "Succeeded", problems(back)
    assert export(sandbox.org, history=False) == before


def test_each_changed_component_leaves_a_row_in_the_audit_trail(sandbox: Bench) -> None:
    sandbox.deploy(apex(Greeter="public class Greeter { }"))
    newest = sandbox.org.trail.rows[-1]
    assert (newest.action, newest.display) == ("createdApexClass", "Created Apex Class: Greeter")
