"""What can be deleted through the API, what cannot."""

from __future__ import annotations

from tests.bot.rehearsal.org.org_bench import Bench, metadata, package, problems, row


def test_an_unreferenced_class_goes(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"ApexClass": ["LegacyDiscount"]}))
    assert row(job, "LegacyDiscount").deleted
    assert not sandbox.has("ApexClass", "LegacyDiscount")


def test_a_referenced_class_stays(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"ApexClass": ["OpportunityService"]}))
    text = str(problems(job)["OpportunityService"])
    assert text.startswith("This apex class is referenced elsewhere in salesforce.com.")
    assert sandbox.has("ApexClass", "OpportunityService")


def test_a_class_goes_together_with_what_references_it(sandbox: Bench) -> None:
    everything = ["OpportunityService", "OpportunityServiceTest"]
    job = sandbox.deploy(package(post={"ApexClass": everything, "ApexTrigger": ["OpportunityTrigger"]}))
    assert job.status == "Succeeded", problems(job)


def test_deleting_what_is_not_there_is_a_warning(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"ApexClass": ["Ghost", "LegacyDiscount"]}), ignore_warnings=True)
    assert job.status == "Succeeded"
    assert (row(job, "Ghost").problem, row(job, "Ghost").problem_type) == ("No ApexClass named: Ghost found", "Warning")
    assert not sandbox.has("ApexClass", "LegacyDiscount")


def test_a_warning_fails_a_deployment_that_does_not_ignore_warnings(sandbox: Bench) -> None:
    assert sandbox.deploy(package(post={"ApexClass": ["Ghost"]})).status == "Failed"


def test_wildcards_are_not_allowed_in_deletions(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"ApexClass": ["*"]}))
    assert "Wildcards are not allowed" in str(problems(job)["*"])


def test_a_record_type_cannot_be_deleted(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"RecordType": ["Opportunity.New_Business"]}))
    assert problems(job) == {"Opportunity.New_Business": "Cannot delete record type through API"}


def test_a_field_used_by_code_stays(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"CustomField": ["Opportunity.Discount__c"]}))
    assert "referenced elsewhere" in str(problems(job)["Opportunity.Discount__c"])


def test_standard_objects_and_fields_stay(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"CustomObject": ["Account"], "CustomField": ["Account.Name"]}))
    assert set(problems(job)) == {"Account", "Account.Name"}


def test_grants_and_layouts_forget_a_deleted_field(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"CustomField": ["Visit__c.Visited_On__c"]}))
    assert job.status == "Succeeded", problems(job)
    layout = sandbox.files("Layout", "Visit__c-Visit Layout")["layouts/Visit__c-Visit Layout.layout"]
    assert b"Visited_On__c" not in layout
    assert b"Account__c" in layout


def test_an_object_takes_its_fields_layouts_and_tab_along(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"CustomObject": ["Visit__c"], "Layout": ["Visit__c-Visit Layout"]}))
    assert job.status == "Succeeded", problems(job)
    assert not sandbox.has("CustomField", "Visit__c.Account__c")
    assert not sandbox.has("CustomTab", "Visit__c")
    text = sandbox.files("PermissionSet", "Sales_Operations")["permissionsets/Sales_Operations.permissionset"]
    assert b"Visit__c" not in text


def test_the_only_layout_of_an_object_stays(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"Layout": ["Account-Account Layout"]}))
    assert "only layout" in str(problems(job)["Account-Account Layout"])


def test_deletions_before_additions_see_the_old_references(sandbox: Bench) -> None:
    """A class that the package itself stops using can go after the additions, not before them."""
    files = {
        path: content.replace(b"LegacyDiscount", b"")
        for path, content in sandbox.files("ApexClass", "DiscountPolicy").items()
    }
    using = {
        **files,
        "classes/DiscountPolicy.cls": files["classes/DiscountPolicy.cls"].replace(
            b"return 5;", b"return LegacyDiscount.flatRate() + 2;"
        ),
    }
    members = {"ApexClass": ["DiscountPolicy"]}
    assert sandbox.deploy(package(members, using)).status == "Succeeded"
    gone = {"ApexClass": ["LegacyDiscount"]}
    assert sandbox.deploy(package(members, files, pre=gone)).status == "Failed"
    assert sandbox.deploy(package(members, files, post=gone)).status == "Succeeded"


def flow(label: str, status: str = "Active") -> str:
    return metadata(
        "Flow",
        f"    <label>{label}</label>\n    <processType>AutoLaunchedFlow</processType>\n    <status>{status}</status>",
    )


def versions(bench: Bench, name: str) -> list[tuple[int, str]]:
    return [(version.number, version.status) for version in bench.org.inventory.flows[name]]


NAME = "Opportunity_Follow_Up"
PATH = f"flows/{NAME}.flow"


def test_a_changed_active_flow_becomes_the_active_version(production: Bench) -> None:
    job = production.deploy(package({"Flow": [NAME]}, {PATH: flow("Second")}))
    assert row(job, NAME).changed
    assert versions(production, NAME) == [(1, "Obsolete"), (2, "Active")]


def test_putting_the_old_flow_back_makes_a_third_version_with_the_old_bytes(production: Bench) -> None:
    before = production.files("Flow", NAME)
    production.deploy(package({"Flow": [NAME]}, {PATH: flow("Second")}))
    production.deploy(package({"Flow": [NAME]}, before))
    assert versions(production, NAME)[-1] == (3, "Active")
    assert production.files("Flow", NAME) == before


def test_a_draft_does_not_deactivate_the_running_version(sandbox: Bench) -> None:
    sandbox.deploy(package({"Flow": [NAME]}, {PATH: flow("Second", "Draft")}))
    assert versions(sandbox, NAME) == [(1, "Active"), (2, "Draft")]


def test_production_takes_flows_inactive_unless_the_setting_allows_it(production: Bench) -> None:
    ((path, content),) = production.files("Settings", "Flow").items()
    production.deploy(package({"Settings": ["Flow"]}, {path: content.replace(b"true", b"false")}))
    production.deploy(package({"Flow": [NAME]}, {PATH: flow("Second")}))
    assert versions(production, NAME) == [(1, "Active"), (2, "Draft")]


def test_a_flow_is_not_deleted_by_its_bare_name_nor_while_active(sandbox: Bench) -> None:
    job = sandbox.deploy(package(post={"Flow": [NAME, f"{NAME}-1"]}))
    assert problems(job)[NAME] == "insufficient access rights on cross-reference id"
    assert "is active" in str(problems(job)[f"{NAME}-1"])


def definition(number: int) -> dict[str, str]:
    return {
        f"flowDefinitions/{NAME}.flowDefinition": metadata(
            "FlowDefinition", f"    <activeVersionNumber>{number}</activeVersionNumber>"
        )
    }


def test_a_flow_deactivated_earlier_can_be_deleted_by_version(sandbox: Bench) -> None:
    sandbox.deploy(package({"FlowDefinition": [NAME]}, definition(0)))
    assert versions(sandbox, NAME) == [(1, "Obsolete")]
    assert sandbox.deploy(package(post={"Flow": [f"{NAME}-1"]})).status == "Succeeded"
    assert not sandbox.has("Flow", NAME)


def test_deactivating_in_the_same_deployment_helps_only_where_the_setting_says_so(sandbox: Bench) -> None:
    both = package({"FlowDefinition": [NAME]}, definition(0), post={"Flow": [f"{NAME}-1"]})
    assert sandbox.deploy(both).status == "Failed"
    sandbox.org.settings.flows_need_own_deployment = False
    assert sandbox.deploy(both).status == "Succeeded"


def test_a_flow_definition_overrides_the_status_in_the_file(sandbox: Bench) -> None:
    job = sandbox.deploy(package({"Flow": [NAME], "FlowDefinition": [NAME]}, {PATH: flow("Second"), **definition(1)}))
    assert job.status == "Succeeded", problems(job)
    assert versions(sandbox, NAME)[0] == (1, "Active")
