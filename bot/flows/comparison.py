"""What a package would do in its target, with how each part would come back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bot.durable import fact, flow, step
from bot.metering import org_with_spare_calls
from bot.outside import Outside, current
from release_core import comparing
from release_core.comparing import Look
from release_core.comparison import Change, compare
from release_core.differences import Difference, LastChange, warning_about, write_differences
from release_core.errors import OrgProblem, ReleaseError
from release_core.lookups import release_of
from release_core.metadata_types import Component, parent_of
from release_core.models import ReleasePackage
from release_core.packages import Package, footprint, members, read_package, read_retrieved
from release_core.ports import FileProperty, Retrieved
from release_core.verdict_rules import OUTSIDE
from release_core.verdicts import Judgement, judge

_ROOT = "unpackaged/"

MOST_ASKED = 200
"""Of so many changed components the org is asked what refers to them, fifty in one call."""

MOST_NAMED = 20


@flow("comparison")
def comparison(args: dict[str, Any]) -> None:
    """Compare a package with what its target holds now, or say why that was not possible."""
    try:
        found = look_into_target(args["package"])
    except ReleaseError as problem:
        say_not_compared(args["package"], str(problem))
    else:
        keep(args["package"], found, bool(args.get("again")))


@step(tries=5, on=OrgProblem)
def look_into_target(package_id: int) -> str:
    """Retrieve what the package touches, compare, judge; the digest of what was found, which may be megabytes."""
    outside = current()
    sight = _look(outside, package_id)
    changes = compare(sight.package, sight.live)
    judgements = judge(sight.package, sight.live)
    changed = list(_last_changes(sight, changes))
    text = write_differences(sight.title, _told(sight, changes, judgements, changed), OUTSIDE)
    found = {
        "org": sight.org,
        "changes": [[c.component.type, c.component.name, c.kind] for c in changes],
        "judgements": [[j.component.type, j.component.name, j.verdict, j.reason, j.todo, j.source] for j in judgements],
        "last_changed": [change.as_row() for change in changed],
        "dependents": _dependents(outside, sight, changes),
        "diff": outside.ports.artifacts.save(text.encode()),
    }
    return outside.ports.artifacts.save(json.dumps(found, sort_keys=True).encode())


@fact
def keep(package_id: int, digest: str, again: bool) -> None:
    """Note what was found."""
    ports = current().ports
    found = json.loads(ports.artifacts.load(digest))
    judgements = [Judgement(Component(row[0], row[1]), *row[2:]) for row in found["judgements"]]
    look = Look(found["org"], found["diff"], found["last_changed"], again, found.get("dependents", {}))
    comparing.note_comparison(ports, package_id, [tuple(row) for row in found["changes"]], judgements, look)


@fact
def say_not_compared(package_id: int, sentence: str) -> None:
    """Tell people that the comparison is missing."""
    comparing.note_comparison_failed(current().ports, package_id, sentence)


@dataclass(frozen=True)
class _Sight:
    """What is compared: the package, what the org holds, with what is said of both."""

    org: str
    where: str
    title: Sequence[str]
    package: Package
    live: Package
    properties: Sequence[FileProperty]
    attached_at: datetime
    now: datetime
    ours: Sequence[tuple[datetime, datetime]]


def _look(outside: Outside, package_id: int) -> _Sight:
    ports = outside.ports
    with ports.store.reading() as session:
        row = session.get(ReleasePackage, package_id)
        assert row is not None, "packages are never deleted"
        release = release_of(session, row)
        ours = comparing.our_spans(session, release.target_org)
    package = read_package(ports.artifacts.load(row.digest))
    retrieved: Retrieved = org_with_spare_calls(release.target_org).retrieve(members(footprint(package)))
    where, now = ports.policy.title_of(release.target_org), ports.clock.now()
    title = (
        f"{release.key} {release.name}: what {row.file_name} would change in {where}",
        f"Package SHA-256 {row.digest}",
        f"Compared {_told_at(now)}. Lines with - are in {where} now, lines with + in the package.",
    )
    live = read_retrieved(retrieved.archive)
    return _Sight(
        release.target_org, where, title, package, live, retrieved.properties, row.attached_at, now, ours
    )  # fmt: skip


def _dependents(outside: Outside, sight: _Sight, changes: Sequence[Change]) -> dict[str, Any]:
    """What else in the org refers to what is changed or deleted; {} where the org does not tell."""
    touched = {change.component for change in changes if change.kind in ("changed", "deleted")}
    ids = [one.id for one in sight.properties if one.id and Component(one.type, one.name) in touched][:MOST_ASKED]
    try:
        found = outside.org(sight.org).dependents(ids) if ids else ()
    except OrgProblem:
        return {}  # the object is beta; nobody has to wait for it
    ours = {one.id for one in sight.properties if Component(one.type, one.name) in touched}
    others = sorted({(one.type, one.name, one.id) for one in found if one.id not in ours})
    names = [f"{kind} {name}" for kind, name, _ in others[:MOST_NAMED]]
    return {"number": len(others), "names": names, "asked": len(ids)}


def _last_changes(sight: _Sight, changes: Sequence[Change]) -> Iterator[LastChange]:
    """Who last changed what the package changes or deletes; Salesforce tells it for files, which may hold more."""
    own = {(one.type, one.name): one for one in sight.properties}
    files = {one.file.removeprefix(_ROOT): one for one in sight.properties}
    for component in (change.component for change in changes if change.kind in ("changed", "deleted")):
        holder = parent_of(component)
        found, file = own.get((component.type, component.name)), ""
        if found is None and holder is not None:
            found = own.get((holder.type, holder.name))
            file = found.file.removeprefix(_ROOT) if found else ""
        if found is None:
            found = next((files[path] for path in sight.live.paths.get(component, ()) if path in files), None)
        if found is not None and found.changed_at is not None:
            at = found.changed_at
            warning = warning_about(at, attached_at=sight.attached_at, now=sight.now, ours=sight.ours)
            yield LastChange(component, found.changed_by or "somebody", at, file, warning)


def _told(
    sight: _Sight, changes: Sequence[Change], judgements: Sequence[Judgement], changed: Sequence[LastChange]
) -> Iterator[Difference]:
    by_component = {change.component: change for change in changed}
    for change, judgement in zip(changes, judgements, strict=True):
        if change.kind not in ("identical", "absent"):
            said = list(_sentences(sight, judgement, by_component.get(change.component)))
            yield Difference(change.component, change.kind, said, partial(getattr, change, "diff"))


def _sentences(sight: _Sight, judgement: Judgement, last: LastChange | None) -> Iterator[str]:
    if last:
        which = f"Its file {last.file}" if last.file else "It"
        warning = f" ({last.warning})" if last.warning else ""
        yield f"{which} was last changed in {sight.where} by {last.by}, {_told_at(last.at)}{warning}."
    yield f"Way back: {judgement.verdict}. {judgement.reason}"
    if judgement.todo:
        yield f"To do: {judgement.todo}"
    if judgement.source:
        yield f"Source: {judgement.source}"


def _told_at(instant: datetime) -> str:
    return f"{instant:%d %b %Y %H:%M} UTC"
