"""What to do about the errors that deployments meet most often."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

METADATA_GUIDE = "Metadata API Developer Guide"
APEX_GUIDE = "Apex Developer Guide"
OBJECT_REFERENCE = "Object Reference for the Salesforce Platform"
HELP = "Salesforce Help"


@dataclass(frozen=True)
class Hint:
    """Errors that read like `pattern`, with the next step in our own words; `source` tells where the rule stands."""

    pattern: re.Pattern[str]
    advice: str
    source: str


def hint_for(problem: str) -> str:
    """What to do about an error, by its text or code; "" when it is not a well-known one."""
    return next((_filled(found, hint.advice) for hint in HINTS if (found := hint.pattern.search(problem))), "")


def _filled(found: re.Match[str], advice: str) -> str:
    """The advice with what the error names put into it; what people wrote is never read as a pattern of ours."""
    return re.sub(r"\{(\w+)\}", lambda mark: (found[mark[1]] or "").strip(" .'\"") or "it", advice)


def _hints(source: str, *rows: tuple[str, str]) -> list[Hint]:
    return [Hint(re.compile(pattern, re.IGNORECASE | re.DOTALL), advice, source) for pattern, advice in rows]


HINTS: Sequence[Hint] = (
    # The order matters: what is more special comes first.
    *_hints(
        f"{METADATA_GUIDE}, Deploying and Retrieving Metadata with the Zip File",
        (
            r"was found in package\.xml, but was not found in zipped directory",
            "package.xml lists it, but its file is not in the zip, or not in the folder of its type. Add the file, or "
            "take the member out of package.xml.",
        ),
        (
            r"(was found in the zip file|found in zipped directory), but (was )?not (found )?in (the )?package\.xml"
            r"|not in package\.xml",
            "The zip holds a file that package.xml does not list. Add it as a member, or take the file out.",
        ),
        (
            r"-meta\.xml.*(missing|not found|required)"
            r"|(missing|no|required) (a )?(metadata|\S*-meta\.xml)( file| xml|$)",
            "Code and static resources travel in two files. Put the file ending in -meta.xml beside it.",
        ),
        (
            r"no package\.xml found|package\.xml.*(not found|missing)",
            "Put package.xml at the top of the zip, or in its one top folder.",
        ),
        (
            r"(invalid|unsupported|not a valid) ?(api )?version|api version .*(higher|greater|not supported|too high)",
            "The version in package.xml or in a -meta.xml file is newer than the org. Write the org's own API version "
            "or an older one.",
        ),
        (
            r"unknown type name '(?P<name>[^']+)'|(?P<other>\w+) is not a known metadata type",
            "The org knows no such metadata type. Check the spelling in package.xml; the type may need a newer API "
            "version or a feature that is switched off there.",
        ),
        (
            r"error parsing (the )?file|element .* (invalid|is not) at this location|content is not allowed in prolog"
            r"|could not parse",
            "The XML cannot be read as that type. Look at the line named; most often an element is misplaced, "
            "misspelt or newer than the version in package.xml.",
        ),
        (
            r"wildcard|cannot (use|contain) \*",
            "Deletions must be named one by one. Write each name instead of *.",
        ),
        (
            r"files.{0,40}10,?000|maximum (number of )?files|maximum size (of )?(request|zip)"
            r"|LIMIT_EXCEEDED.*(file|zip|size)",
            "A deployment takes at most 10,000 files and 39 MB. Split the package in two.",
        ),
    ),
    *_hints(
        f"{APEX_GUIDE}, Code Coverage",
        (
            r"test coverage of selected apex trigger is 0%",
            "No test fires this trigger. Write one that inserts or updates a record of its object; each trigger needs "
            "some coverage, whatever the average is.",
        ),
        (
            r"test coverage of selected apex (class|trigger) is",
            "With named or relevant tests each deployed class needs 75 % by itself. Name the class that tests it too, "
            "or write tests for the lines listed under coverage.",
        ),
        (
            r"average test coverage across all apex classes and triggers",
            "All Apex of the org together is below 75 %. Cover the lines listed under coverage; classes that nobody "
            "uses any more count too, so deleting them helps.",
        ),
        (
            r"apex test class '?(?P<name>[\w.]+)'? was not found|no such test class",
            "{name} is neither in the package nor in the org. Check its spelling with /release tests.",
        ),
    ),
    *_hints(
        f"{APEX_GUIDE}, Compiling and deploying Apex",
        (
            r"dependent class is invalid and needs recompilation:?\s*(class )?(?P<name>[\w.]+)?",
            "{name} in the org uses something that this package changes. Deploy it together with a version that fits.",
        ),
        (
            r"no such column '(?P<name>[^']+)' on entity '(?P<on>[^']+)'",
            "The org has no field {name} on {on}, or its spelling differs. Put the field into the package.",
        ),
        (
            r"variable does not exist:? ?(?P<name>[\w.]+__c)",
            "{name} is neither in the package nor in the org. Add the custom field or object, or deploy it before.",
        ),
        (
            r"variable does not exist",
            "The code names a variable, class or field that the org does not have. Check the spelling, or add what is "
            "missing to the package.",
        ),
        (
            r"(method|constructor) (does not exist|not defined)|method is not visible",
            "The code calls a method that the called class lacks in the org. Put the newer version of that class into "
            "the package.",
        ),
        (
            r"invalid type: (?P<name>[\w.]+)|sobject type (does not exist|'[^']+' is not supported)"
            r"|type is not visible",
            "The class or object is neither in the package nor visible in the org. Add it, or deploy it before.",
        ),
        (
            r"illegal assignment|incompatible types|unexpected token|missing '|expecting",
            "The code does not compile. Mend the place named, then attach the package again.",
        ),
        (
            r"(scheduled|pending|in progress|queued).*(job|apex)|this schedulable class has jobs pending",
            "A scheduled or running job holds this class. Delete or wait for the job, or allow deployments with "
            "pending jobs in Setup under Deployment Settings.",
        ),
    ),
    *_hints(
        f"{METADATA_GUIDE}, Metadata Types",
        (
            r"parent entity failed to deploy",
            "What it belongs to did not go in. Mend that error first; this one goes away with it.",
        ),
        (
            r"in field: (?P<place>[\w.]+) - no (?P<type>\w+) named (?P<name>.+?) found",
            "{type} {name}, which {place} points to, is neither in the package nor in the org. Add it, or take the "
            "reference out.",
        ),
        (
            r"no (?P<type>\w+) named (?P<name>.+?) found",
            "{type} {name} is neither in the package nor in the org. Add it to the package, or deploy it before.",
        ),
        (
            r"(couldn'?t retrieve the design time component information for component|cannot find lightning component "
            r"bundle) (?P<name>[\w:]+)",
            "{name} is neither in the package nor exposed in the org. Add the whole bundle, its js-meta.xml included.",
        ),
        (
            r"invalid reference (?P<name>[\w.]+) of type (?P<type>\w+)|unable to find apex action class referenced as "
            r"'(?P<action>[^']+)'|apex class '(?P<other>[^']+)' does not exist|field (?P<field>[\w.]+) does not exist",
            "What it names is neither in the package nor in the org. Add it to the package, or check the spelling.",
        ),
        (
            r"field integrity exception",
            "It points to an object or action that the org does not have or not show. Deploy that first, with its tab.",
        ),
        (
            r"unknown user ?permission:? ?(?P<name>\w+)?",
            "The org does not have the user permission {name}: its edition, licence or a feature is missing. Take it "
            "out of the profile or permission set.",
        ),
        (
            r"(permission|license) .*(not (enabled|available|assignable)|can'?t be (enabled|assigned))"
            r"|requires? (the )?(permission|user permission)|depends on permission",
            "A permission needs another one, or a licence, that the org lacks. Add that one, or take this one out.",
        ),
        (
            r"bad value for restricted picklist field:? ?(?P<name>.+)?",
            "{name} is not a value of the restricted picklist. Deploy the value first, or test with one that exists.",
        ),
        (
            r"picklist value:? ?(?P<name>.+?) in picklist.* not found|picklist value .*(does not exist|not found)"
            r"|record ?type.*picklist",
            "A record type offers a picklist value that the field does not have. Put the field with that value into "
            "the package.",
        ),
        (
            r"(layout ?assignment|profile).*(missing|must (have|specify)|required).*layout"
            r"|layout ?assignment.*(missing|required)",
            "A profile does not say which page layout a record type uses. Add its layoutAssignments, with the layout.",
        ),
        (
            r"(cannot|can't|must not) (add|contain) .*(master-?detail|roll-?up)|master-?detail.*(existing|records)",
            "A master-detail field cannot be added while records exist without a parent. Deploy it as a lookup, fill "
            "it in, then change its type.",
        ),
        (
            r"cannot (change|update).*(field ?)?type|change of field type",
            "Data or references forbid this change of type. Make the change in Setup, or use a new field.",
        ),
        (
            r"formula.*(too (big|large)|exceeds)|compiled formula is too big",
            "The formula is larger than Salesforce takes once compiled. Split it into helper fields.",
        ),
        (
            r"sharing.*(already in progress|recalculat)|interferes with another operation",
            "Sharing is being recalculated in the org. Wait for its end in Setup under Background Jobs, then deploy "
            "again.",
        ),
    ),
    *_hints(
        f"{METADATA_GUIDE}, Deleting Components from an Organization",
        (
            r"cannot delete record type through api|record ?type.*cannot be deleted",
            "Salesforce deletes record types in Setup alone. Take it out of the deletions, deactivate it instead.",
        ),
        (
            r"cannot be deleted through the api|cannot delete (standard|the only)",
            "Salesforce does not let this go by a deployment. Take it out of the deletions; where it can go at all, a "
            "person removes it in Setup.",
        ),
        (
            r"insufficient access rights on cross-reference id",
            "A flow is deleted by its versions (Name-1, Name-2), and only once it is inactive; a bare name gives this "
            "error. Otherwise our user lacks access to something that the component names.",
        ),
        (
            r"(active flow|flow.*(is|are) active|cannot.*delet.*active|you can'?t.*active flow)",
            "The flow is active. Deactivate it in a deployment before this one; doing both at once does not work.",
        ),
        (
            r"paused.*interview|flow interview",
            "Paused interviews hold this flow version. Let them end, or delete them in Setup, then deploy again.",
        ),
        (
            r"(this )?(component|\w+) is (in use|referenced|used) (by|elsewhere)|is referenced (by|elsewhere)"
            r"|in use by",
            "Something else still uses it. Remove that reference in this package, and delete it in "
            "destructiveChangesPost.xml, which goes last.",
        ),
        (
            r"entity of type '?(?P<type>\w+)'? (named|with name) '?(?P<name>.+?)'? cannot be found"
            r"|no \w+ named: .+? found|entity.*cannot be found",
            "What is to be deleted or fetched is not in the org, perhaps gone already. Take it out of the list, or "
            "check its spelling.",
        ),
    ),
    *_hints(
        f"{OBJECT_REFERENCE}, Error codes",
        (
            r"duplicate value found|DUPLICATE_VALUE|duplicate (developer ?name|api ?name|full ?name)",
            "Something with this name or unique value is there already. Rename it, or have tests make unique values.",
        ),
        (
            r"DUPLICATES_DETECTED",
            "A duplicate rule of the org stops the test's record. Have the test make records that differ, or allow "
            "duplicates in its DML options.",
        ),
        (
            r"FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "A validation rule of the org stops the test's record. Fill in what the rule asks for.",
        ),
        (
            r"REQUIRED_FIELD_MISSING|required fields are missing",
            "The org requires a field that the test does not fill in. Set it in the test's data.",
        ),
        (
            r"invalid cross[- ]reference (id|key)|INVALID_CROSS_REFERENCE",
            "It points to something that this org does not have, often an id or name from a sandbox. Replace it by "
            "one of this org.",
        ),
        (
            r"UNABLE_TO_LOCK_ROW",
            "Somebody else held the record at that moment. Run it once more; if it comes back, let the tests not run "
            "in parallel with data loads.",
        ),
        (
            r"ALREADY_IN_PROCESS|locked by another change|administration setup.*lock",
            "Somebody was changing the org's setup. Nothing was changed; run it once more.",
        ),
        (
            r"MIXED_DML_OPERATION",
            "A test changes users and other records in one go. Put one of the two into System.runAs.",
        ),
        (
            r"too many (soql|dml|query)|CPU time limit|limitexception",
            "The code hits a governor limit with this org's automation. Look at the stack for the query or loop.",
        ),
        (
            r"attempt to de-reference a null object|nullpointerexception",
            "Something was null where the code did not expect it, most often data or a setting that this org lacks. "
            "The stack names the line.",
        ),
        (
            r"list has no rows for assignment",
            "The test reads a record that is not in this org. Have the test create it.",
        ),
        (
            r"INSUFFICIENT_ACCESS|insufficient (access|privileges)|no access",
            "The user lacks a right. For deployments our user needs Modify Metadata, and Author Apex for code.",
        ),
        (
            r"REQUEST_LIMIT_EXCEEDED",
            "The org's API calls of the day are used up. Wait, or have an administrator free some.",
        ),
        (
            r"INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE|FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
            "Salesforce is being maintained. Set another window after it.",
        ),
        (
            r"UNKNOWN_EXCEPTION|unexpected error|gack|error ?id:? ?[\d-]+ ?\(",
            "Salesforce itself stumbled. Run it once more; if it comes back, give the error's number to Salesforce "
            "support.",
        ),
    ),
    *_hints(
        f"{HELP}, Installed Packages",
        (
            r"package version|package .*(not installed|is required)|no installed package",
            "The org lacks a managed package, or has another version of it. Install that version first, or change the "
            "packageVersions of the component.",
        ),
        (
            r"cannot (modify|change|update).*managed|managed (component|object)",
            "It belongs to a managed package, whose parts cannot be changed so. Take it out of the package.",
        ),
    ),
    *_hints(
        f"{HELP}, Setup",
        (
            r"(feature|setting|preference).*(not (enabled|available)|disabled)|not enabled for (your|this) org"
            r"|organization does not have",
            "A feature that this needs is off in the org. Switch it on in Setup, or put its settings into the package.",
        ),
        (
            r"(cannot|can't) find (a )?(user|folder|queue|group|role|template)|(user|queue|role).*does not exist",
            "It names a user, queue, role or folder that this org does not have. Create it first, or name another.",
        ),
    ),
)
