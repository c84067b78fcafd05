"""The records a query can reach, made from the org's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from bot.rehearsal.org import flows, soql, testing
from bot.rehearsal.org.answers import apex_id
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.inventory import Component
from bot.rehearsal.org.jobs import Job, progress_at
from bot.rehearsal.org.markup import rest_date
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.standard import STANDARD_OBJECTS

Table = list[dict[str, object]]
_APPEND = "If you are attempting to use a custom object, be sure to append the '__c' after the {}."
_NAMES = "Please reference your WSDL or the describe call for the appropriate names."
_NEWEST = float(API_VERSIONS[-1])


def answer(org: Org, text: str, path: str, *, tooling: bool) -> dict[str, object]:
    """The JSON answer to a query; `path` is the API's root, such as /services/data/v62.0."""
    with org.lock:
        org.settle()
        query = soql.read_query(text, org.clock.now())
        name, rows = _table(org, query.source, tooling=tooling)
        _refuse_unknown_fields(query, name, rows)
        kept = [row for row in rows if query.keep(row)]
    if query.counts_only:
        return {"totalSize": len(kept), "done": True, "records": []}
    if query.group_by or any("(" in each for each in query.fields):
        return _grouped(query, kept)
    for field, down in reversed(query.order):
        kept.sort(key=lambda row, field=field: _sortable(soql.lookup(row, field)), reverse=down)  # type: ignore[misc]
    kept = kept[query.offset :][: query.limit]
    root = f"{path}/tooling" if tooling else path
    found = {"totalSize": len(kept), "done": True, "records": [_record(query, name, row, root) for row in kept]}
    return {"size": len(kept), "entityTypeName": name, "queryLocator": None} | found if tooling else found


def columns(org: Org, text: str) -> dict[str, object]:
    """What `columns=true` asks for: the shape of a query's answer, without its rows."""
    query = soql.read_query(text, org.clock.now())
    found: dict[str, dict[str, object]] = {}
    for number, field in enumerate(query.fields):
        parent, _, child = field.partition(".")
        if child and "(" not in field:
            joined = found.setdefault(parent, _column(parent))["joinColumns"]
            assert isinstance(joined, list)
            joined.append(_column(child))
        else:
            name = f"expr{number}" if "(" in field else field
            found[name] = _column(name) | {"aggregate": "(" in field}
    shape = {"entityName": query.source, "groupBy": bool(query.group_by), "idSelected": "Id" in query.fields}
    return {"columnMetadata": list(found.values()), **shape, "keyPrefix": None}


def _column(name: str) -> dict[str, object]:
    kinds = {"aggregate": False, "booleanType": False, "custom": name.endswith("__c"), "numberType": False}
    texts = {"columnName": name, "displayName": name, "apexType": "string", "foreignKeyName": None}
    return {**texts, **kinds, "textType": True, "insertable": False, "updatable": False, "joinColumns": []}


def _sortable(value: object) -> tuple[int, object]:
    return (0, "") if value is None else (1, value)


def _refuse_unknown_fields(query: soql.Query, name: str, rows: Table) -> None:
    if not rows:
        return
    known = {key.lower() for key in rows[0]}
    for field in sorted(query.named):
        if field.lower() not in known:
            text = f"No such column '{field}' on entity '{name}'. {_APPEND.format('custom field name')}"
            raise Refusal("INVALID_FIELD", text.replace("custom object", "custom field"))


def _record(query: soql.Query, name: str, row: dict[str, object], root: str) -> dict[str, object]:
    record: dict[str, object] = {"attributes": {"type": name, "url": f"{root}/sobjects/{name}/{row.get('Id', '')}"}}
    spelt = {key.lower(): key for key in row}
    for field in query.fields:
        key = spelt.get(field.lower(), field)
        value = row.get(key)
        value = rest_date(value) if isinstance(value, datetime) else value
        parent, _, child = key.partition(".")
        if child:
            nested = record.setdefault(parent, {"attributes": {"type": "User" if parent.endswith("By") else parent}})
            assert isinstance(nested, dict)
            nested[child] = value
        else:
            record[key] = value
    return record


def _grouped(query: soql.Query, rows: Table) -> dict[str, object]:
    groups: dict[tuple[object, ...], Table] = {}
    for row in rows:
        groups.setdefault(tuple(soql.lookup(row, name) for name in query.group_by), []).append(row)
    if not query.group_by and not groups:
        groups[()] = []
    records: Table = []
    for key, members in groups.items():
        record: dict[str, object] = {"attributes": {"type": "AggregateResult"}} | dict(
            zip(query.group_by, key, strict=True)
        )
        aggregates = [field for field in query.fields if "(" in field]
        for number, field in enumerate(aggregates):
            record[f"expr{number}"] = _aggregate(field, members)
        records.append(record)
    return {"totalSize": len(records), "done": True, "records": records}


def _aggregate(field: str, rows: Table) -> object:
    word, _, inner = field.partition("(")
    values = [value for row in rows if (value := soql.lookup(row, inner.rstrip(")"))) is not None]
    if word == "COUNT":
        return len(values) if inner != ")" else len(rows)
    if word == "COUNT_DISTINCT":
        return len(set(map(str, values)))
    best: Callable[[Iterable[object]], object] | None = {"MAX": max, "MIN": min}.get(word)  # type: ignore[assignment]
    if best is None:
        raise soql.malformed(f"unexpected token: '{word}'")
    found = best(values) if values else None
    return rest_date(found) if isinstance(found, datetime) else found


def _table(org: Org, source: str, *, tooling: bool) -> tuple[str, Table]:
    makers = (_TOOLING | _BOTH) if tooling else (_REST | _BOTH)
    for name, make in makers.items():
        if name.lower() == source.lower():
            return name, make(org) + [_padded(row) for row in org.records.get(name, [])]
    for name in sorted({*STANDARD_OBJECTS, *(each.name for each in org.inventory.of_type("CustomObject"))}):
        if name.lower() == source.lower() and not tooling:
            return name, [_padded(row) for row in org.records.get(name, [])]
    text = f"sObject type '{source}' is not supported. {_APPEND.format('entity name')} {_NAMES}"
    raise Refusal("INVALID_TYPE", text)


def _padded(row: dict[str, object]) -> dict[str, object]:
    return {"Id": None, "Name": None, "CreatedDate": None, "Status": None} | row


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
        "Type": "Api",
        "ChangeSetName": None,
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
        "PurgeOnDelete": job.options.purge_on_delete,
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


def _nothing(_: Org) -> Table:
    return []


_BOTH: dict[str, Callable[[Org], Table]] = {
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
_REST: dict[str, Callable[[Org], Table]] = {
    "CronTrigger": _nothing,
    "FlowDefinitionView": _flow_definition_views,
    "FlowInterview": _nothing,
    "FlowVersionView": _flow_version_views,
    "SetupAuditTrail": _audit,
}
_TOOLING: dict[str, Callable[[Org], Table]] = {
    "ApexCodeCoverageAggregate": _class_coverage,
    "ApexOrgWideCoverage": _org_coverage,
    "DeployRequest": _deploy_requests,
    "Flow": _flow_versions,
    "FlowDefinition": _flow_definitions,
    "MetadataComponentDependency": _nothing,
    "PackageInstallRequest": _installs,
    "SandboxProcess": _nothing,
}
