"""An org written to a file and read back."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.budget import Budget
from bot.rehearsal.org.deploying import Outcome
from bot.rehearsal.org.faults import Fault, Faults
from bot.rehearsal.org.identifiers import IdMint
from bot.rehearsal.org.identity import Identity, Settings
from bot.rehearsal.org.inventory import Component, FlowVersion, Inventory
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Coverage, DeployOptions, Row, TestOutcome, TestReport
from bot.rehearsal.org.trail import AuditRow, Trail

_FORMAT = 2


def dump(org: Org) -> dict[str, object]:
    """The org as JSON-able data; jobs under way are kept as asked for, to be worked out again."""
    with org.lock:
        return {
            "format": _FORMAT,
            "identity": dataclasses.asdict(org.identity),
            "settings": dataclasses.asdict(org.settings),
            "users": [dataclasses.asdict(user) for user in org.users],
            "pod": org.mint._pod,
            "counters": dict(org.mint.counters),
            "components": [_plain(each) for each in org.inventory.components.values()],
            "flows": {
                name: [_plain(version) for version in versions] for name, versions in org.inventory.flows.items()
            },
            "jobs": [_job(job) for job in org.jobs],
            "trail": [_plain(row) for row in org.trail.rows],
            "installs": _plain(org.installs),
            "records": _plain(org.records),
            "faults": _plain(org.faults.armed),
            "budget": _plain(org.budget),
            "disrupted_at": _plain(org.disrupted_at),
            "last_tests": _plain(org.last_tests),
        }


def _job(job: Job) -> dict[str, object]:
    kept = dataclasses.replace(job, outcome=None, plan=None, inventory_revision=-1)
    data = _plain(kept)
    assert isinstance(data, dict)
    if job.done and job.outcome:
        data["outcome"] = _plain(dataclasses.replace(job.outcome, after=None))
    return data


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$at": value.isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _back(value: Any) -> Any:
    if isinstance(value, dict):
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        if "$at" in value:
            return datetime.fromisoformat(value["$at"])
        if "$day" in value:
            return date.fromisoformat(value["$day"])
        return {key: _back(each) for key, each in value.items()}
    return [_back(each) for each in value] if isinstance(value, list) else value


def load(data: Mapping[str, Any], clock: MovableClock) -> Org:
    """The org that `dump` wrote; ValueError for another format."""
    if data.get("format") != _FORMAT:
        raise ValueError("This file does not hold an org of this version of Rollcall; start a new rehearsal folder.")
    kept = _back(dict(data))
    org = Org(
        Identity(**kept["identity"]),
        [User(**user | {"lacks": tuple(user["lacks"])}) for user in kept["users"]],
        clock,
        Settings(**kept["settings"]),
    )
    org.mint = IdMint(kept["pod"], kept["counters"])
    components = [Component(**each) for each in kept["components"]]
    flows = {name: [FlowVersion(**version) for version in versions] for name, versions in kept["flows"].items()}
    org.inventory = Inventory({each.key: each for each in components}, flows)
    org.jobs = [_read_job(each) for each in kept["jobs"]]
    org.trail = Trail([AuditRow(**row) for row in kept["trail"]])
    org.installs, org.records = kept["installs"], kept["records"]
    org.faults = Faults({kind: Fault(**each) for kind, each in kept["faults"].items()})
    org.budget, org.disrupted_at = Budget(**kept["budget"]), kept["disrupted_at"]
    org.last_tests = _report(kept["last_tests"])
    org.resume()
    return org


def _read_job(kept: dict[str, Any]) -> Job:
    options = kept["options"] | {"run_tests": tuple(kept["options"]["run_tests"])}
    outcome = kept["outcome"]
    job = Job(**(kept | {"options": DeployOptions(**options), "outcome": None}))
    if outcome:
        job.outcome = Outcome(
            **(outcome | {"rows": [Row(**row) for row in outcome["rows"]], "tests": _report(outcome["tests"])})
        )
    return job


def _report(kept: dict[str, Any]) -> TestReport:
    coverage = [
        Coverage(each["name"], each["type"], tuple(each["lines"]), tuple(each["missed"])) for each in kept["coverage"]
    ]
    warnings = [(name, text) for name, text in kept["warnings"]]
    return TestReport(kept["ran"], kept["at"], [TestOutcome(**each) for each in kept["outcomes"]], coverage, warnings)


def save(org: Org, path: Path) -> None:
    """Write the org to a file, in one step."""
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(dump(org)))
    draft.replace(path)


def read(path: Path, clock: MovableClock) -> Org:
    """The org in a file."""
    return load(json.loads(path.read_text()), clock)
