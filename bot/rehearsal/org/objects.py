"""The rows of the objects a query can reach, made from the org's state."""

from __future__ import annotations

from collections.abc import Callable

from bot.rehearsal.org import flows, testing
from bot.rehearsal.org.answers import apex_id
from bot.rehearsal.org.dependencies import dependencies
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.inventory import Component
from bot.rehearsal.org.jobs import Job, progress_at
from bot.rehearsal.org.org import Org

Table = list[dict[str, object]]

# What may be asked of objects whose rows come from `records` or test runs; a row that lacks a field has null in it.
COLUMNS = {
    "AsyncApexJob": (
        "ApexClassId ApexClass.Name CompletedDate ExtendedStatus JobItemsProcessed JobType MethodName NumberOfErrors "
        "ParentJobId TotalJobItems CreatedById CreatedBy.Username"
    ),
    "CronTrigger": (
        "CronExpression CronJobDetailId CronJobDetail.Name CronJobDetail.JobType EndTime NextFireTime OwnerId "
        "PreviousFireTime StartTime State TimesTriggered"
    ),
    "ApexTestQueueItem": "ApexClassId ExtendedStatus ParentJobId TestRunResultId",
    "ApexTestRunResult": (
        "AsyncApexJobId ClassesCompleted ClassesEnqueued EndTime IsAllTests JobName MethodsCompleted MethodsEnqueued "
        "MethodsFailed Source StartTime TestSetupTime TestTime UserId"
    ),
    "FlowInterview": "CurrentElement FlowVersionViewId InterviewLabel InterviewStatus OwnerId PauseLabel",
    "PackageInstallRequest": "CreatedById Errors PackageName PackageVersion SubscriberPackageVersionKey SystemModstamp",
    "SandboxProcess": (
        "CopyProgress EndDate LicenseType SandboxInfoId SandboxName SandboxOrganization SourceId StartDate "
        "SystemModstamp"
    ),
    "SourceMember": "ChangedBy IsNameObsolete MemberIdOrName MemberName MemberType RevisionCounter SystemModstamp",
    "MetadataComponentDependency": (
        "MetadataComponentId MetadataComponentName MetadataComponentNamespace MetadataComponentType "
        "RefMetadataComponentId RefMetadataComponentName RefMetadataComponentNamespace RefMetadataComponentType"
    ),
}
_NEWEST = float(API_VERSIONS[-1])


def _organization(org: Org) -> Table:
    sandbox = not org.production
    return [
        {
            "Id": org.identity.org_id,
            "Name": org.identity.name,
            "OrganizationType": "Enterprise Edition",
            "IsSandbox": sandbox,
            "InstanceName": org.identity.instance_name,
            "TrialExpirationDate": None,
            "NamespacePrefix": None,
            "IsReadOnly": False,
            "TimeZoneSidKey": "Europe/Berlin",
            "LanguageLocaleKey": "en_US",
            "CreatedDate": org.inventory.of_type("ApexClass")[0].created_at
            if org.inventory.of_type("ApexClass")
            else org.clock.now(),
        }
    ]


def _users(org: Org) -> Table:
    return [
        {
            "Id": user.id,
            "Username": user.username,
            "Name": user.name,
            "Email": user.email,
            "IsActive": True,
            "UserType": "Standard",
            "Profile.Name": user.profile,
        }
        for user in org.users
    ]


def _by(org: Org, user_id: str, field: str = "CreatedBy") -> dict[str, object]:
    user = org.user(user_id)
    return {
        f"{field}Id": user_id,
        f"{field}.Username": user.username if user else None,
        f"{field}.Name": user.name if user else None,
    }


def _audit(org: Org) -> Table:
    return [
        {
            "Id": row.id,
            "CreatedDate": row.at,
            "Action": row.action,
            "Section": row.section,
            "Display": row.display,
            "DelegateUser": None,
            "ResponsibleNamespacePrefix": None,
        }
        | _by(org, row.by)
        for row in org.trail.rows
    ]


def _deploy_requests(org: Org) -> Table:
    return [_deploy_request(org, job) for job in org.jobs]


def _deploy_request(org: Org, job: Job) -> dict[str, object]:
    seen = progress_at(job, org.clock.now(), _NEWEST)
    outcome = job.outcome
    tests = outcome.tests.outcomes if outcome else []
    failed = len(outcome.tests.failures) if outcome and job.done else 0
    return {
        "Id": job.id,
        "Status": seen.status,
        "CheckOnly": job.options.check_only,
        "CreatedDate": job.created_at,
        "StartDate": job.started_at,
        "CompletedDate": job.ended_at,
        "LastModifiedDate": job.ended_at or job.created_at,
        "CanceledById": job.cancelled_by,
        "TestLevel": job.options.test_level or None,
        "Type": job.kind,
        "ChangeSetName": job.change_set,
        "SourceDeployRequestId": job.quick_of,
        "StateDetail": seen.state_detail,
        "NumberComponentsTotal": len(outcome.components) if outcome else 0,
        "NumberComponentsDeployed": seen.components,
        "NumberComponentErrors": len(outcome.errors) if outcome and job.done else 0,
        "NumberTestsTotal": len(tests),
        "NumberTestsCompleted": seen.tests,
        "NumberTestErrors": failed,
        "NumberFiles": outcome.file_count if outcome else 0,
        "ZipSize": job.zip_size,
        "ErrorMessage": outcome.error_message if outcome else None,
        "ErrorStatusCode": outcome.error_code if outcome else None,
        "AbortRequested": job.cancel_asked_at is not None,
        "RunTestsEnabled": bool(outcome and outcome.tests.ran),
        "PurgeOnDelete": job.options.purge_on_delete and not org.production,  # production ignores it
        "RollbackOnError": job.options.rollback_on_error,
        "SinglePackage": job.options.single_package,
        "IgnoreWarnings": job.options.ignore_warnings,
        "AllowMissingFiles": job.options.allow_missing_files,
    } | _by(org, job.by)


def _apex(type_name: str) -> Callable[[Org], Table]:
    def rows(org: Org) -> Table:
        return [_apex_row(org, each) for each in org.inventory.of_type(type_name)]

    return rows


def _apex_row(org: Org, each: Component) -> dict[str, object]:
    return (
        {
            "Id": each.id,
            "Name": each.name,
            "NamespacePrefix": None,
            "ApiVersion": 62.0,
            "Status": "Active",
            "IsValid": True,
            "Body": each.source,
            "LengthWithoutComments": len(each.source),
            "CreatedDate": each.created_at,
            "LastModifiedDate": each.modified_at,
            "SystemModstamp": each.modified_at,
        }
        | _by(org, each.created_by)
        | _by(org, each.modified_by, "LastModifiedBy")
    )


def _org_coverage(org: Org) -> Table:
    return [{"Id": "", "PercentCovered": round(testing.overall_percent(org.last_tests.coverage))}]


def _class_coverage(org: Org) -> Table:
    return [
        {
            "Id": f"715{each.name}"[:18],
            "ApexClassOrTriggerId": apex_id(org.inventory, each.name),
            "ApexClassOrTrigger.Name": each.name,
            "NumLinesCovered": len(each.lines) - len(each.missed),
            "NumLinesUncovered": len(each.missed),
            "CoverageLastModifiedDate": org.last_tests.at,
        }
        for each in org.last_tests.coverage
    ]


def _flow_definition_views(org: Org) -> Table:
    found: Table = []
    for each in org.inventory.of_type("Flow"):
        active, latest = flows.active_version(org.inventory, each.name), org.inventory.flows[each.name][-1]
        found.append(
            {
                "Id": each.id,
                "DurableId": each.id,
                "ApiName": each.name,
                "Label": each.name.replace("_", " "),
                "IsActive": active is not None,
                "ActiveVersionId": active.id if active else None,
                "LatestVersionId": latest.id,
                "VersionNumber": (active or latest).number,
                "ProcessType": "AutoLaunchedFlow",
                "LastModifiedDate": each.modified_at,
            }
        )
    return found


def _flow_version_views(org: Org) -> Table:
    found: Table = []
    for name, versions in sorted(org.inventory.flows.items()):
        definition = org.inventory.components["Flow", name].id
        for version in versions:
            row: dict[str, object] = {
                "Id": version.id,
                "DurableId": version.id,
                "FlowDefinitionViewId": definition,
                "FlowDefinitionView.ApiName": name,
            }
            found.append(
                row
                | {
                    "VersionNumber": version.number,
                    "Status": version.status,
                    "Label": name.replace("_", " "),
                    "CreatedDate": version.created_at,
                }
            )
    return found


def _flow_definitions(org: Org) -> Table:
    return [
        {key: row[key] for key in ("Id", "ActiveVersionId", "LatestVersionId", "LastModifiedDate")}
        | {"DeveloperName": row["ApiName"], "NamespacePrefix": None}
        for row in _flow_definition_views(org)
    ]


def _flow_versions(org: Org) -> Table:
    return [
        {
            "Id": row["Id"],
            "DefinitionId": row["FlowDefinitionViewId"],
            "Definition.DeveloperName": row["FlowDefinitionView.ApiName"],
        }
        | {
            "MasterLabel": row["Label"],
            "VersionNumber": row["VersionNumber"],
            "Status": row["Status"],
            "CreatedDate": row["CreatedDate"],
        }
        for row in _flow_version_views(org)
    ]


def _installs(org: Org) -> Table:
    return [dict(row) for row in org.installs]


def _dependencies(org: Org) -> Table:
    return list(dependencies(org.inventory))


def _nothing(_: Org) -> Table:
    return []


BOTH: dict[str, Callable[[Org], Table]] = {
    "Organization": _organization,
    "User": _users,
    "ApexClass": _apex("ApexClass"),
    "ApexTrigger": _apex("ApexTrigger"),
    "ApexPage": _apex("ApexPage"),
    "AsyncApexJob": _nothing,
    "ApexTestQueueItem": _nothing,
    "ApexTestRunResult": _nothing,
    "ApexTestResult": _nothing,
}
REST: dict[str, Callable[[Org], Table]] = {
    "CronTrigger": _nothing,
    "FlowDefinitionView": _flow_definition_views,
    "FlowInterview": _nothing,
    "FlowVersionView": _flow_version_views,
    "SetupAuditTrail": _audit,
}
TOOLING: dict[str, Callable[[Org], Table]] = {
    "ApexCodeCoverageAggregate": _class_coverage,
    "ApexOrgWideCoverage": _org_coverage,
    "DeployRequest": _deploy_requests,
    "Flow": _flow_versions,
    "FlowDefinition": _flow_definitions,
    "MetadataComponentDependency": _dependencies,
    "PackageInstallRequest": _installs,
    "SandboxProcess": _nothing,
    "SourceMember": _nothing,
}
