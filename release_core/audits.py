"""The whole history of a release, for people who check it afterwards."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from release_core.facts import gather
from release_core.lookups import find_release
from release_core.models import Asking, DeploymentWindow, Release, ReleasePackage, RollCall
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.timeline import Kind, first_broken, read_stream, record


def export_audit(ports: Ports, actor: str, key: str) -> dict[str, Any]:
    """Everything kept about a release, as plain values for JSON; that it was exported is part of it.

    NotAllowed for somebody who may not look at releases, NotFound for an unknown one.
    """
    require(ports.policy, actor, "read")
    with ports.store.transaction() as session:
        release = find_release(session, key)
        record(session, Kind.AUDIT_EXPORTED, stream=release.key, actor=actor, at=ports.clock.now())
        return _packet(session, ports.policy, release)


def _packet(session: Session, policy: Policy, release: Release) -> dict[str, Any]:
    facts = gather(session, policy, release)
    entries = read_stream(session, release.key)
    packages = select(ReleasePackage).where(ReleasePackage.release_id == release.id).order_by(col(ReleasePackage.id))
    askings = select(Asking).where(Asking.release_id == release.id).order_by(col(Asking.number))
    calls = select(RollCall).where(RollCall.release_id == release.id).order_by(col(RollCall.number))
    windows = select(DeploymentWindow).where(DeploymentWindow.release_id == release.id)
    return {
        "release": release.model_dump(mode="json"),
        "package": facts.package.model_dump(mode="json") if facts.package else None,
        "packages": [package.model_dump(mode="json") for package in session.exec(packages)],
        "window": facts.window.model_dump(mode="json") if facts.window else None,
        "windows": [window.model_dump(mode="json") for window in session.exec(windows)],
        "checklist": [item.model_dump(mode="json") for item in facts.items],
        "tasks": [task.model_dump(mode="json") for task in facts.tasks],
        "approvals": [approval.model_dump(mode="json") for approval in facts.approvals],
        "askings": [asking.model_dump(mode="json") for asking in session.exec(askings)],
        "roll_calls": [called.model_dump(mode="json") for called in session.exec(calls)],
        "waivers": [waiver.model_dump(mode="json") for waiver in facts.waivers],
        "deployments": [deployment.model_dump(mode="json") for deployment in facts.deployments],
        "timeline": [entry.model_dump(mode="json") for entry in entries],
        "chain": {
            "algorithm": "SHA-256 over JSON of [previous hash, stream, number, kind, at, actor, subject, details]",
            "whole": first_broken(entries) is None,
            "head": entries[-1].hash if entries else "",
        },
    }
