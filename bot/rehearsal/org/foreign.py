"""Deployments by somebody else, which stand in the queue before or behind ours."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.rehearsal.org.archives import Package
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.incoming import read_components
from bot.rehearsal.org.jobs import Job
from bot.rehearsal.org.manifests import Manifest, write_manifest
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import DeployOptions

KINDS = ("Api", "Changeset", "ApexApi")


@dataclass(frozen=True)
class Foreign:
    """What somebody else deploys: `files` by path as in a package without package.xml, `doomed` names by type.

    Without either it is an empty package, which changes nothing but is a deployment all the same.
    """

    by: str  # user id
    seconds: float
    kind: str = "Api"
    name: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    doomed: Mapping[str, list[str]] = field(default_factory=dict)
    check_only: bool = False


def foreign_deployment(org: Org, asked: Foreign) -> Job:
    """Queue it; it takes `seconds` from its start. ValueError when it cannot be."""
    if asked.kind not in KINDS:
        raise ValueError(f"A deployment's type is one of {', '.join(KINDS)}, not {asked.kind!r}.")
    if asked.seconds < 0:
        raise ValueError("A deployment cannot take less than no time; give seconds of 0 or more.")
    name = asked.name or ("Change set" if asked.kind == "Changeset" else None)
    if name and asked.kind != "Changeset":
        raise ValueError("Only a change set has a name; leave name out, or give type Changeset.")
    archive = _archive(asked)
    options = DeployOptions(check_only=asked.check_only, rollback_on_error=True, single_package=True)
    job = Job(org.mint.mint("0Af"), asked.by, org.clock.now(), options, archive, len(archive))
    job.kind, job.change_set, job.takes_seconds = asked.kind, name, asked.seconds
    return org.deploy_for_somebody(job)


def _archive(asked: Foreign) -> bytes:
    found, problems = read_components(Package("", asked.files, Manifest(), {}))
    if problems:
        raise ValueError(f"{problems[0].path}: {problems[0].text}")
    version = API_VERSIONS[-1]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.xml", write_manifest([each.member for each in found], version))
        if asked.doomed:
            rows = [(kind, name) for kind, names in asked.doomed.items() for name in names]
            archive.writestr("destructiveChangesPost.xml", write_manifest(rows, version))
        for path, content in asked.files.items():
            archive.writestr(path, content)
    return buffer.getvalue()
