"""The gates about what else goes on in the org: jobs on what is replaced, changes by others, limits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from release_core.facts import ReleaseFacts
from release_core.gate import Gate
from release_core.models import OrgReading
from release_core.org_readings import KEPT, changes_of, is_fresh, jobs_of, limit_of
from release_core.package_gates import target_validation
from release_core.policy import Policy
from release_core.risks import parts_changed

CALLS_NEEDED = 150
"""A deployment of an hour costs about as many API calls; how they are counted says `bot/flows/looking.py`."""

ALMOST_FULL = 2
"""Percent of storage left below which people are told."""

_NAMED = 3


def reading_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """What the org last told; what is stale or unknown is said, holds nobody, and is asked again before it starts."""
    title, reading = policy.title_of(facts.release.target_org), facts.reading
    if facts.package is None:
        return []
    if reading is None:
        because = f"What runs and changes in {title} is not known yet; it is asked before the start."
        return [Gate("org_not_asked", True, because)]
    if not is_fresh(reading, now):
        trouble = f" The last try failed: {reading.problem}" if reading.problem else ""
        because = (
            f"What runs in {title} was last asked at {{0}}, too long ago: it is asked again before it starts.{trouble}"
        )
        return [Gate("org_reading_old", True, because, instants=(reading.asked_at,))]
    asked = (reading.asked_at,)
    return [
        _jobs_gate(facts, policy, reading, title, asked),
        *_drift_gate(facts, policy, now, reading, title),
        *_limit_gates(policy, reading, title, asked),
    ]


def _jobs_gate(
    facts: ReleaseFacts, policy: Policy, reading: OrgReading, title: str, asked: tuple[datetime, ...]
) -> Gate:
    """Salesforce replaces no class that a job uses, unless Deployment Settings allow it."""
    ours = {one.name for one in parts_changed(facts.package, facts.release.target_org) if one.type == "ApexClass"}
    busy = sorted({row[0] for row in jobs_of(reading) if row[0] in ours})
    if not busy:
        return Gate("apex_jobs", True, f"No Apex job in {title} uses what is replaced (asked {{0}}).", instants=asked)
    because = f"Apex jobs in {title} wait or run with {_names(busy)}, which is replaced (asked {{0}})."
    who = policy.people.get("administrator", ())
    way_out = (
        "Wait for their end, abort them (Setup, Apex Jobs or Scheduled Jobs), "
        "or let the org deploy all the same (Setup, Deployment Settings)."
    )
    return Gate("apex_jobs", policy.apex_jobs == "tell", because, who, way_out, instants=asked)


def _drift_gate(facts: ReleaseFacts, policy: Policy, now: datetime, reading: OrgReading, title: str) -> Iterator[Gate]:
    """What was validated was validated against what the org held then."""
    valid = target_validation(facts, now)
    if valid is None or valid.finished_at is None or reading.changes_since is None:
        return
    if valid.finished_at < reading.changes_since or reading.asked_at <= valid.finished_at:
        return  # what was asked for does not reach from the validation until now
    rows = changes_of(reading, valid.finished_at)
    instants = (valid.finished_at, reading.asked_at)
    if not rows:
        yield Gate(
            "drift",
            True,
            f"Nobody changed the setup of {title} since {valid.key} ({{0}}; asked {{1}}).",
            instants=instants,
        )
        return
    people = _names(list(dict.fromkeys(row[1] for row in rows)))
    often = "once" if len(rows) == 1 else f"{len(rows)} times{' at least' if len(rows) == KEPT else ''}"
    last = rows[-1][2].replace("{", "(").replace("}", ")")  # braces stand for instants here
    because = f"Since {valid.key} ({{0}}) {people} changed the setup of {title} {often} (asked {{1}}). Last: {last}"
    way_out, who = f"/release validate {facts.release.key}", policy.holders_of("validate")
    yield Gate("drift", policy.drift == "tell", because, who, way_out, instants=instants)


def _limit_gates(policy: Policy, reading: OrgReading, title: str, asked: tuple[datetime, ...]) -> Iterator[Gate]:
    calls = limit_of(reading, "DailyApiRequests")
    if calls and calls[0]:
        enough = calls[1] >= CALLS_NEEDED
        because = f"{title} has {calls[1]:,} of {calls[0]:,} API calls left for this day (asked {{0}})."
        if enough:
            yield Gate("api_calls", True, because, instants=asked)
        else:
            because += f" A deployment of an hour needs about {CALLS_NEEDED}."
            way_out = "Wait until calls of the last 24 hours have expired, or stop what uses them up."
            yield Gate("api_calls", False, because, policy.people.get("administrator", ()), way_out, instants=asked)
    for name, words in (("DataStorageMB", "data"), ("FileStorageMB", "file")):
        space = limit_of(reading, name)
        if space and space[0] and 100 * space[1] < ALMOST_FULL * space[0]:
            yield Gate(
                "storage",
                True,
                f"The {words} storage of {title} is almost full: {space[1]:,} MB left (asked {{0}}).",
                instants=asked,
            )


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
