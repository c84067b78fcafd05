"""Well-known errors come with what to do about them."""

from __future__ import annotations

import pytest

from release_core.deploy_hints import HINTS, hint_for

KNOWN = [
    (
        "An object 'Farewell' of type ApexClass was found in package.xml, but was not found in zipped directory",
        "its file is not in the zip",
    ),
    ("File classes/A.cls was found in the zip file, but not in package.xml", "package.xml does not list"),
    ("Required metadata file classes/A.cls-meta.xml is missing", "file ending in -meta.xml"),
    ("No package.xml found", "Put package.xml at the top of the zip"),
    ("Invalid API version specified: 99.0", "newer than the org"),
    ("Unknown type name 'Flwo' specified in package.xml", "Check the spelling"),
    ("Error parsing file: Element fulName invalid at this location in type CustomField", "The XML cannot be read"),
    ("Wildcard not supported in destructiveChanges.xml", "one by one"),
    ("Maximum size of request reached. Maximum size of request is 52428800 bytes.", "Split the package"),
    (
        "Test coverage of selected Apex Trigger is 0%, at least 1% test coverage is required",
        "No test fires this trigger",
    ),
    (
        "Test coverage of selected Apex Class is 50%, at least 75% test coverage is required",
        "each deployed class needs 75 % by itself",
    ),
    (
        "Average test coverage across all Apex Classes and Triggers is 71%, at least 75% test coverage is required.",
        "All Apex of the org together",
    ),
    ("Apex test class 'DiscountTst' was not found", "DiscountTst is neither in the package nor in the org"),
    (
        "Dependent class is invalid and needs recompilation:\n Class QuoteService : Method does not exist",
        "QuoteService in the org uses something that this package changes",
    ),
    ("No such column 'Tier__c' on entity 'Account'. If you are attempting", "no field Tier__c on Account"),
    ("Variable does not exist: Discount__c", "Discount__c is neither in the package nor in the org"),
    ("Variable does not exist: total", "names a variable, class or field"),
    ("Method does not exist or incorrect signature: void go() from the type Quote", "newer version of that class"),
    ("Invalid type: DiscountPolicy", "neither in the package nor visible"),
    ("Illegal assignment from String to Integer", "does not compile"),
    ("This schedulable class has jobs pending or in progress", "pending jobs in Setup"),
    (
        "In field: apexClass - no ApexClass named DiscountController found",
        "ApexClass DiscountController, which apexClass points to, is neither",
    ),
    ("no CustomField named Account.Tier__c found", "CustomField Account.Tier__c is neither"),
    ("Parent entity failed to deploy: no CustomObject named Visit__c found", "goes away with it"),
    (
        "We couldn't retrieve the design time component information for component c:discountBadge.",
        "c:discountBadge is neither in the package nor exposed",
    ),
    ("Invalid reference Visit__c.Region__c of type sobjectField in file discountBadge.js", "check the spelling"),
    ("field integrity exception: unknown (The object Visit__c can't be found.)", "with its tab"),
    ("Settings: Flow cannot be deleted through the API", "Take it out of the deletions"),
    ("Unknown user permission: ManageSurveys", "user permission ManageSurveys"),
    ("Permission EditReadonlyFields depends on permission(s): ViewSetup", "needs another one, or a licence"),
    ("bad value for restricted picklist field: Platinum", "Platinum is not a value of the restricted picklist"),
    ("Picklist value: Gold in picklist: Tier__c not found", "does not have. Put the field with that value"),
    ("Profile Admin: layoutAssignments is missing for record type Visit", "which page layout a record type uses"),
    ("Cannot add master-detail to an object with existing records", "Deploy it as a lookup"),
    ("Cannot change field type due to existing data", "forbid this change of type"),
    ("Formula is too big to execute: Compiled formula is too big (5,123 characters)", "larger than Salesforce takes"),
    ("Sharing recalculation is already in progress", "Wait for its end in Setup under Background Jobs"),
    ("Cannot delete record type through API", "in Setup alone"),
    ("insufficient access rights on cross-reference id", "deleted by its versions"),
    ("You can't delete an active flow version", "Deactivate it in a deployment before"),
    ("This version has a paused interview", "Paused interviews hold"),
    ("This component is in use by the layout Account Layout", "Something else still uses it"),
    (
        "This custom field is referenced elsewhere in salesforce.com.  Remove the usage and try again. : Layout - V.",
        "goes last",
    ),
    ("Entity of type 'ApexClass' named 'Old' cannot be found", "gone already"),
    ("duplicate value found: DeveloperName duplicates value on record with id: 0AP", "is there already"),
    ("DUPLICATES_DETECTED, Use one of these records?: []", "A duplicate rule"),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION, Close date lies in the past: [CloseDate]", "A validation rule"),
    ("REQUIRED_FIELD_MISSING, Required fields are missing: [Region__c]", "Set it in the test's data"),
    ("invalid cross reference id", "does not have, often an id or name from a sandbox"),
    ("UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record", "held the record"),
    ("ALREADY_IN_PROCESS: The changes you requested require salesforce.com", "changing the org's setup"),
    ("MIXED_DML_OPERATION, DML operation on setup object is not permitted", "System.runAs"),
    ("System.LimitException: Too many SOQL queries: 101", "governor limit"),
    ("System.NullPointerException: Attempt to de-reference a null object", "Something was null"),
    ("System.QueryException: List has no rows for assignment to SObject", "Have the test create it"),
    ("INSUFFICIENT_ACCESS_OR_READONLY", "Modify Metadata"),
    ("REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded.", "API calls of the day"),
    ("FUNCTIONALITY_TEMPORARILY_UNAVAILABLE", "being maintained"),
    ("UNKNOWN_EXCEPTION: An unexpected error occurred. ErrorId: 1337-42 (-12)", "Salesforce itself stumbled"),
    ("Package version 1.2 of acme is not installed", "Install that version first"),
    ("Cannot modify managed object: entity=ListView", "belongs to a managed package"),
    ("Territory management is not enabled for your organization", "Switch it on in Setup"),
    ("Cannot find a user that corresponds to any of the following usernames: x", "names a user, queue, role or folder"),
]


@pytest.mark.parametrize(("problem", "advice"), KNOWN, ids=[problem[:40] for problem, _ in KNOWN])
def test_a_well_known_error_says_what_to_do(problem: str, advice: str) -> None:
    assert advice in hint_for(problem)


def test_every_hint_is_tried_and_tells_its_source() -> None:
    tried = {next(hint for hint in HINTS if hint.pattern.search(problem)) for problem, _ in KNOWN}
    assert [hint.advice for hint in HINTS if hint not in tried] == []
    assert all(hint.source for hint in HINTS)


@pytest.mark.parametrize(
    "problem", ["", "System.AssertException: Assertion Failed: Expected: 15, Actual: 10", "We closed for the day."]
)
def test_what_is_not_well_known_gets_no_advice(problem: str) -> None:
    assert hint_for(problem) == ""


def test_braces_in_what_an_org_says_stay_as_they_are() -> None:
    assert "{name} is not a value" in hint_for("bad value for restricted picklist field: {name}")
