"""The table of what Salesforce lets come back, how well, or not at all.

Read from the top, the first rule that fits counts. Sources are titles of pages (MDAPI is the Metadata API Developer
Guide) or the practice that release tools describe to their own customers; nothing here was guessed from silence, and
what no rule names falls to the last one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["exact", "lossy", "manual", "impossible"]
Condition = Literal[
    "",
    "adds_entries",
    "becomes_other_relationship",
    "depends_on_new_field",
    "falls_with_object",
    "field_type_differs",
    "field_was_shorter",
    "has_new_values",
    "is_granted",
    "is_roll_up",
    "kept_by_flow",
    "other_sharing",
    "overrides_actions",
    "runs_as_job",
    "sets_what_only_adds",
]


@dataclass(frozen=True)
class Rule:
    """One row: for which types ("*" is any) and kinds of change it speaks, under which condition, and what it says."""

    types: frozenset[str]
    kinds: frozenset[str]
    verdict: Verdict
    reason: str
    todo: str = ""
    source: str = ""
    when: Condition = ""


_DELETING = "MDAPI: Deleting Components from an Organization"
_TYPES = "MDAPI: Metadata Types"
_FIELDS = "MDAPI: CustomField; Salesforce Help: Manage Deleted Custom Fields"
_VENDORS = "Known rollback limits published by release tools"
_FLOWS = "MDAPI: Flow; MDAPI: FlowDefinition"
_PERMISSIONS = "MDAPI: Profile; MDAPI: PermissionSet"

_EXACT = (
    "ApexClass ApexTrigger ApexPage ApexComponent ApexTestSuite LightningComponentBundle AuraDefinitionBundle "
    "StaticResource ContentAsset CustomLabel Layout EmailTemplate Letterhead ListView FieldSet CompactLayout "
    "ValidationRule WebLink QuickAction CustomTab CustomApplication CustomPermission FlexiPage HomePageComponent "
    "HomePageLayout LightningMessageChannel PathAssistant RemoteSiteSetting CspTrustedSite CorsWhitelistOrigin Report "
    "Dashboard Document ReportType WorkflowAlert WorkflowFieldUpdate WorkflowRule WorkflowTask GlobalValueSet "
    "CustomNotificationType"
)
_SHARING = "SharingCriteriaRule SharingOwnerRule SharingGuestRule SharingTerritoryRule SharingSet"
_TRANSLATIONS = "Translations CustomObjectTranslation GlobalValueSetTranslation StandardValueSetTranslation"
SECRETS = frozenset(
    {
        "AuthProvider",
        "Certificate",
        "ConnectedApp",
        "ExternalCredential",
        "ExternalDataSource",
        "NamedCredential",
        "SamlSsoConfig",
    }
)


def _rule(types: str, kinds: str, verdict: Verdict, *said: str, when: Condition = "") -> Rule:
    reason, todo, source = (*said, "", "")[:3]
    return Rule(frozenset(types.split()), frozenset(kinds.split()), verdict, reason, todo, source, when)


def _nothing_happens() -> Iterator[Rule]:
    yield _rule("*", "identical", "exact", "The org already has exactly this; the release changes nothing here.")
    yield _rule("*", "absent", "exact", "It is not in the org, so there is nothing to delete or to bring back.")


def _objects() -> Iterator[Rule]:
    yield _rule(
        "*", "new", "manual",
        "A flow of this release mentions it, and every version of a flow stays in the org; Salesforce does not delete "
        "what a flow version mentions.",
        "After going back, delete the flow's new version in Setup, then delete this.",
        _DELETING, when="kept_by_flow",
    )  # fmt: skip
    yield _rule(
        "CustomField", "new", "lossy",
        "It goes away with its new object; what people entered in it since is lost.",
        "Export the object's records before going back, if they matter.",
        _FIELDS, when="falls_with_object",
    )  # fmt: skip
    yield _rule(
        "*", "new", "exact", "It goes away together with its new object.", "", _DELETING, when="falls_with_object"
    )
    yield _rule(
        "CustomField", "new", "lossy",
        "The roll-up summary is deleted and purged at once, without a stay among the deleted fields.",
        "Note where reports and formulas use it before going back.",
        _FIELDS, when="is_roll_up",
    )  # fmt: skip
    yield _rule(
        "CustomField", "new", "lossy",
        "The field is deleted; what people entered in it since is lost with it.",
        "Export the field's values before going back, if they matter.",
        _FIELDS,
    )  # fmt: skip
    yield _rule(
        "CustomObject", "new", "lossy",
        "The object is deleted; records that people made since are lost with it.",
        "Export the object's records before going back, if they matter.",
        _DELETING,
    )  # fmt: skip
    yield _rule(
        "CustomField", "deleted", "lossy",
        "The field comes back, but empty: its values are deleted with it. It is also taken off page layouts and out of "
        "profiles and permission sets.",
        "Export the field's values before the release and note which layouts and permissions mention it; put both back "
        "after going back, or restore the field in Setup while it is among the deleted ones.",
        _FIELDS,
    )  # fmt: skip
    yield _rule(
        "CustomObject", "deleted", "lossy",
        "The object comes back, but without its records. Its page layouts, its tab and what profiles and permission "
        "sets say of it go with it, and are brought back only where the package names them.",
        "Export its records before the release and note its layouts, tab and permissions; put all back after going "
        "back.",
        _DELETING,
    )  # fmt: skip
    yield _rule(
        "CustomField", "changed", "impossible",
        "The release makes one kind of relationship another. Salesforce may refuse to change it back once records use "
        "it, and a check-only run cannot test that.",
        "Agree before the release how to go on without it; try the way back in a full sandbox.",
        _FIELDS, when="becomes_other_relationship",
    )  # fmt: skip
    yield _rule(
        "CustomField", "changed", "impossible",
        "The release changes the field's type. Salesforce may refuse to change it back once values or references "
        "exist, and values may already have been converted.",
        "Agree before the release how to go on without it, such as a new field beside the old one.",
        _FIELDS, when="field_type_differs",
    )  # fmt: skip
    yield _rule(
        "CustomField", "changed", "impossible",
        "The release makes the field depend on another; the Metadata API adds dependencies but does not remove them.",
        "Remove the dependency by hand in Setup after going back.",
        _VENDORS, when="depends_on_new_field",
    )  # fmt: skip
    yield _rule(
        "CustomField GlobalValueSet StandardValueSet", "changed", "lossy",
        "The release adds picklist values. The Metadata API only deactivates them; records that use one keep it.",
        "After going back, replace the values in records, then delete them in Setup.",
        _FIELDS, when="has_new_values",
    )  # fmt: skip
    yield _rule(
        "CustomField", "changed", "lossy",
        "The release makes the field longer. Going back shortens it: longer values entered since are cut, or block it.",
        "Look for values longer than the old length before going back.",
        _FIELDS, when="field_was_shorter",
    )  # fmt: skip
    yield _rule(
        "CustomField StandardValueSet", "changed", "exact", "The earlier definition is deployed again.", "", _TYPES
    )
    yield _rule(
        "CustomObject", "changed", "lossy",
        "The release changes who sees records by default. Going back recalculates sharing, which can take hours and "
        "keeps other sharing changes out meanwhile.",
        "Plan the recalculation with an administrator.",
        "MDAPI: SharingRules", when="other_sharing",
    )  # fmt: skip
    yield _rule(
        "CustomObject", "changed", "lossy",
        "The release sets properties that were not set before; leaving them out again does not unset them.",
        "Compare the object's settings in Setup after going back.",
        _VENDORS, when="adds_entries",
    )  # fmt: skip
    yield _rule("CustomObject", "changed", "exact", "The earlier properties are deployed again.", "", _TYPES)
    yield _rule(
        "RecordType", "new", "manual",
        "Salesforce cannot delete record types through the API; going back deactivates it.",
        "Delete it in Setup once no record uses it.",
        "MDAPI: RecordType",
    )  # fmt: skip
    yield _rule(
        "RecordType", "deleted", "manual",
        "Salesforce cannot delete record types through the API, so the release will not manage to.",
        "Take the deletion out of the package; deactivate the record type instead.",
        "MDAPI: RecordType",
    )  # fmt: skip
    yield _rule(
        "RecordType BusinessProcess", "changed", "lossy",
        "The earlier definition is deployed again; records saved since keep values that it no longer offers.",
        "", "MDAPI: RecordType",
    )  # fmt: skip


def _access() -> Iterator[Rule]:
    yield _rule(
        "Profile", "new changed", "impossible",
        "The release sets login hours, IP ranges, a description or access that Salesforce adds to a profile but never "
        "takes away by deployment.",
        "Take them back by hand in Setup.",
        _VENDORS, when="sets_what_only_adds",
    )  # fmt: skip
    yield _rule(
        "Profile PermissionSet MutingPermissionSet", "changed", "lossy",
        "Permissions are added to what is there. A permission that the release grants is not revoked by deploying the "
        "earlier file, which merely does not mention it.",
        "Compare it with the snapshot after going back; remove what is too much by hand.",
        _PERMISSIONS,
    )  # fmt: skip
    yield _rule(
        "PermissionSet PermissionSetGroup MutingPermissionSet", "new", "exact",
        "It is deleted.",
        "Unassign it first: Salesforce keeps a permission set that somebody still has.",
        _PERMISSIONS,
    )  # fmt: skip
    yield _rule(
        "ApexClass ApexPage CustomTab CustomApplication CustomPermission Layout", "deleted", "lossy",
        "It comes back, but Salesforce takes away with it what profiles and permission sets said of it: access, or "
        "whose layout it is.",
        "Note before the release which of them mention it; put that back after going back.",
        _PERMISSIONS, when="is_granted",
    )  # fmt: skip
    yield _rule(
        "PermissionSet PermissionSetGroup Profile Queue Group Role", "deleted", "lossy",
        "It comes back, but without the people who had it.",
        "Note who has it before the release; assign it again after going back.",
        _PERMISSIONS,
    )  # fmt: skip
    yield _rule(
        f"{_SHARING} SharingReason", "new changed deleted", "lossy",
        "Going back recalculates sharing, which can take hours; only one such recalculation runs at a time.",
        "Plan the recalculation with an administrator.",
        "MDAPI: SharingRules",
    )  # fmt: skip


def _automation() -> Iterator[Rule]:
    yield _rule(
        "Flow", "new", "manual",
        "Going back deactivates the flow. Its version stays in the org, as deployments cannot delete an active flow.",
        "In Setup, check paused and running interviews, then delete the flow's version.",
        _FLOWS,
    )  # fmt: skip
    yield _rule(
        "Flow", "changed", "lossy",
        "The version that ran before is activated again; the release's version stays in the org, inactive, and "
        "interviews that run or wait on it go on with it.",
        "Check that the earlier flow is active after going back.",
        _FLOWS,
    )  # fmt: skip
    yield _rule(
        "Flow", "deleted", "impossible",
        "A deleted flow version cannot be brought back under its number.",
        "Keep the version inactive instead of deleting it.",
        _FLOWS,
    )  # fmt: skip
    yield _rule(
        "FlowDefinition", "new changed deleted", "manual",
        "Which version is active is set by number, and the numbers go on counting.",
        "Check the active version of the flow after going back.",
        _FLOWS,
    )  # fmt: skip
    yield _rule(
        "ApexClass ApexTrigger", "new changed deleted", "manual",
        "It can run as a scheduled or queued job, and Salesforce does not replace or delete Apex that waits to run.",
        "Before going back, abort its jobs, or allow deployments with running jobs in Deployment Settings.",
        "Salesforce Help: Deployment Settings", when="runs_as_job",
    )  # fmt: skip
    yield _rule(
        "MatchingRule DuplicateRule ApprovalProcess", "new changed deleted", "manual",
        "It has to be inactive before it can be changed back or deleted.",
        "Deactivate it in Setup before going back.",
        "MDAPI: MatchingRules; MDAPI: ApprovalProcess",
    )  # fmt: skip


def _the_rest() -> Iterator[Rule]:
    yield _rule(
        "InstalledPackage", "new changed deleted", "impossible",
        "A package that was installed or upgraded cannot be downgraded, and removing it is not going back.",
        "Speak with the package's publisher before the release.",
        "MDAPI: InstalledPackage",
    )  # fmt: skip
    yield _rule(
        "Settings", "changed", "lossy",
        "The earlier settings are deployed again; some of them start recalculations or cannot be switched off.",
        "Compare the settings in Setup after going back.",
        "MDAPI: Settings",
    )  # fmt: skip
    yield _rule(
        "Settings StandardValueSet", "new deleted", "impossible",
        "The Metadata API does not delete it.",
        "Set it by hand in Setup after going back.",
        "MDAPI: Settings",
    )  # fmt: skip
    yield _rule(
        _TRANSLATIONS, "new", "impossible",
        "Translations are added and changed by deployments, never removed.",
        "Remove them by hand in the Translation Workbench.",
        _VENDORS,
    )  # fmt: skip
    yield _rule(
        _TRANSLATIONS, "changed", "impossible",
        "The release adds translations; deployments never remove any.",
        "Remove them by hand in the Translation Workbench.",
        _VENDORS, when="adds_entries",
    )  # fmt: skip
    yield _rule(_TRANSLATIONS, "changed deleted", "exact", "The earlier translations are deployed again.", "", _TYPES)
    yield _rule(
        "CustomApplication FlexiPage Skill", "new changed", "impossible",
        "It overrides actions for apps or profiles, which deployments add but never remove.",
        "Remove the overrides by hand in Setup.",
        _VENDORS, when="overrides_actions",
    )  # fmt: skip
    yield _rule(
        "Skill",
        "new",
        "impossible",
        "The Metadata API does not delete skills.",
        "Remove it by hand in Setup.",
        _VENDORS,
    )
    yield _rule(
        "Skill", "changed", "impossible",
        "The release assigns a skill to more people or profiles, which deployments add but never remove.",
        "Take the assignments back by hand in Setup.",
        _VENDORS, when="adds_entries",
    )  # fmt: skip
    yield _rule(
        " ".join(sorted(SECRETS)), "new changed deleted", "manual",
        "Salesforce never hands out the secrets in it, so a snapshot does not hold them.",
        "Have the secrets at hand to enter them again after going back.",
        _TYPES,
    )  # fmt: skip
    yield _rule(
        "CustomMetadata", "new changed deleted", "manual",
        "It is a record as much as metadata: the earlier values come back, what code did with the new ones does not.",
        "Check the record's values, and what was processed with them, after going back.",
        _VENDORS,
    )  # fmt: skip
    yield _rule(_EXACT, "changed", "exact", "The earlier file is deployed again.", "", _TYPES)
    yield _rule(_EXACT, "deleted", "exact", "It is deployed again from the snapshot.", "", _TYPES)
    yield _rule(_EXACT, "new", "exact", "It is deleted.", "", _DELETING)
    yield _rule(
        "*", "new changed deleted", "manual",
        "Rollcall has no proven way back for this type.",
        "Try the way back in a sandbox before the release, or plan it by hand.",
    )  # fmt: skip


RULES: tuple[Rule, ...] = (*_nothing_happens(), *_objects(), *_access(), *_automation(), *_the_rest())

OUTSIDE: tuple[str, ...] = (
    "What no package holds is not judged; it needs its own inverse step, planned as an item of the checklist:",
    "- data of custom settings, and of every other object",
    "- scripts that are run before or after the deployment",
    "- data loads, and what they overwrote",
    "- changes that people make in Setup by hand as part of the release",
)
"""What lies outside of every verdict, as sentences; known rollback limits published by release tools."""
