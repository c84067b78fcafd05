"""How an org differs from what a deployment left there, with what it takes to undo that deployment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.outside import Outside
from release_core import attempts
from release_core.attempts import Assignment
from release_core.comparison import Drift, exists, same, three_way
from release_core.deployments import MAY_HAVE_LANDED
from release_core.metadata_types import Component, parent_of
from release_core.metadata_xml import parse, text_of
from release_core.packages import Package, footprint, members, read_package, read_retrieved
from release_core.ports import AuditRow, Retrieved
from release_core.rollbacks import build_rollback, plan_rollback
from release_core.verdicts import judge


@dataclass(frozen=True)
class Undone:
    """A deployment (or rollback) to undo: what it brought, what was there before, what the org called created.

    `created` is None where the org's answer does not tell; the snapshot alone does then.
    """

    task: Assignment
    package: Package
    snapshot: Package
    created: tuple[Component, ...] | None

    def way_back(self, leave: Iterable[Sequence[str]] = ()) -> bytes:
        """The package that undoes it; Refused when nothing is to be undone."""
        return build_rollback(self.package, self.snapshot, self.created, leave=_components(leave))


def undone_by(outside: Outside, deployment_id: int) -> Undone:
    """What is known about the attempt with this row id, read from the artifacts."""
    task = attempts.assignment(outside.ports, deployment_id)
    load = outside.ports.artifacts.load
    told = task.ended_as not in MAY_HAVE_LANDED
    created = tuple(Component(kind, name) for kind, name in task.created) if told else None
    return Undone(task, read_package(load(task.archive_digest)), read_retrieved(load(task.snapshot_digest)), created)


def retrieve_touched(outside: Outside, undone: Undone) -> Retrieved:
    """What the org holds now of everything that the deployment touched."""
    return outside.org(undone.task.org).retrieve(members(footprint(undone.package)))


def live_state(outside: Outside, task: Assignment) -> Retrieved:
    """The same where the snapshot from before the deployment is lost; NotFound when its package is, too."""
    package = read_package(outside.ports.artifacts.load(task.archive_digest))
    return outside.org(task.org).retrieve(members(footprint(package)))


def drift_since(undone: Undone, retrieved: Retrieved, trail: Sequence[AuditRow]) -> list[list[str]]:
    """What somebody changed since and going back would overwrite: rows [type, name, kind, by, ISO instant or ""].

    Who did it is told by the retrieve, for what is gone by the setup audit trail.
    """
    drift = three_way(undone.snapshot, undone.package, read_retrieved(retrieved.archive))
    touched = _touched(undone)
    rows = [_row(one, retrieved, trail) for one in drift if not _spared(one.component, touched)]
    return sorted(rows)


def not_back(undone: Undone, live: Package, leave: Iterable[Sequence[str]]) -> list[str]:
    """What is not as it was before the deployment, apart from what was to be left; with what a person does."""
    spared = _components(leave)
    touched = (one for one in footprint(undone.package) if one not in spared and not _is_left_with(one, spared))
    emptied = _emptied(undone)
    found = [one for one in touched if one in emptied or not _is_back(undone.snapshot, live, one)]
    # Its flow, which is told too, says everything.
    told = [one for one in found if one.type != "FlowDefinition" or Component("Flow", one.name) not in found]
    foreseen = _foreseen(undone) if told else {}
    return [_told(undone.snapshot, live, one, foreseen.get(one, "")) for one in told]


def _emptied(undone: Undone) -> frozenset[Component]:
    """What the release deleted with everything in it and on it; going back brings the definition alone."""
    if undone.task.purpose != "deployment":
        return frozenset()
    gone = (one for one in undone.package.deletions if one.type in ("CustomField", "CustomObject"))
    return frozenset(one for one in gone if not undone.package.holds(one) and exists(undone.snapshot, one))


def _foreseen(undone: Undone) -> dict[Component, str]:
    """What a person has to do for each part of a release that, as its verdict said, does not come back whole."""
    if undone.task.purpose != "deployment":
        return {}
    return {one.component: one.todo for one in judge(undone.package, undone.snapshot) if one.verdict != "exact"}


def _told(snapshot: Package, live: Package, component: Component, todo: str) -> str:
    """The component, with what to do: where only its activation is missing (some orgs take flows as drafts alone), or
    where its verdict foresaw it.
    """
    if component.type == "Flow" and _runs(snapshot, component) and not _runs(live, component):
        return f"{component} (it does not run: activate it in Setup, Flows)"
    return f"{component} (foreseen: {todo.rstrip('.')})" if todo else str(component)


def told_of(package: Package, component: Component) -> str:
    """A component that is not there as the package brought it, with what to do about a flow that should run."""
    if component.type == "Flow" and _runs(package, component):
        return f"{component} (its new version does not run: activate it in Setup, Flows)"
    return str(component)


def _runs(held: Package, flow: Component) -> bool:
    paths = held.paths.get(flow, ())
    return any(text_of(parse(held.files[path], path), "status") == "Active" for path in paths)


def _touched(undone: Undone) -> frozenset[Component]:
    plan = plan_rollback(undone.package, undone.snapshot, undone.created)
    return frozenset((*plan.restored, *plan.deleted, *plan.deactivated))


def _spared(component: Component, touched: frozenset[Component]) -> bool:
    """Whether going back does not touch it; what is part of something deleted goes with it."""
    return component not in touched and parent_of(component) not in touched


def _is_left_with(component: Component, spared: frozenset[Component]) -> bool:
    """A flow that is left stays active; a part of something left stays with it."""
    if component.type == "FlowDefinition":
        return Component("Flow", component.name) in spared
    return parent_of(component) in spared


def _is_back(snapshot: Package, live: Package, component: Component) -> bool:
    """Whether a component is what it was; a flow that runs again as it did may do so under a new version number."""
    if component.type == "FlowDefinition":
        flow_itself = Component("Flow", component.name)
        if exists(snapshot, flow_itself) and exists(live, flow_itself):
            return _is_back(snapshot, live, flow_itself)
    there = exists(snapshot, component)
    return there == exists(live, component) and (not there or same(snapshot, live, component))


def _row(drift: Drift, retrieved: Retrieved, trail: Sequence[AuditRow]) -> list[str]:
    component, by, at = drift.component, "", None
    for one in retrieved.properties:
        if (one.type, one.name) == (component.type, component.name):
            by, at = one.changed_by, one.changed_at
    if not by:
        name = component.name.rpartition(".")[2]
        said = [row for row in trail if row.display.endswith(f" {component.name}") or row.display.endswith(f" {name}")]
        by, at = (said[-1].by, said[-1].at) if said else ("", None)
    return [component.type, component.name, drift.kind, by, _written(at)]


def _written(instant: datetime | None) -> str:
    return instant.isoformat() if instant else ""


def _components(rows: Iterable[Sequence[str]]) -> frozenset[Component]:
    return frozenset(Component(row[0], row[1]) for row in rows)
