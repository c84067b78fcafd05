"""What can be done about a fact right under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from handlers.conversation import Actions, Button, Confirm, Part
from handlers.drawing import Drawing
from handlers.phrases import do
from handlers.turns import turn_over
from release_core.lookups import find_release
from release_core.models import TimelineEntry
from release_core.timeline import Kind

_WHY = ("May we go?", "release_why")
_ATTACH, _VALIDATE = ("Attach package", "release_attach"), ("Validate again", "release_validate")
_ANSWER = ("Answer…", "release_answer")

ABOUT_THE_RELEASE: Mapping[Kind, Sequence[tuple[str, str]]] = {
    Kind.VALIDATION_FAILED: (_ATTACH, _VALIDATE),
    Kind.VALIDATION_VOIDED: (_ATTACH, _VALIDATE),
    Kind.VALIDATION_LAPSES: (_VALIDATE,),
    Kind.VALIDATION_STOPPED: (_VALIDATE,),
    Kind.VALIDATION_PASSED: (_WHY,),
    Kind.DEPLOYMENT_HELD: (_WHY,),
    Kind.APPROVALS_WITHDRAWN: (("Ask again", "release_ask"), ("Package", "release_package")),
    Kind.SEATS_REMINDED: (_ANSWER, _WHY),
    Kind.REFUSAL_SET_ASIDE: (_ANSWER, _WHY),
    Kind.APPROVAL_EXPIRED: (_ANSWER, _WHY),
    Kind.PACKAGE_NOT_COMPARED: (("Compare again", "release_compare"),),
    Kind.WINDOW_CLOSED: (("Set window", "release_window"),),
    Kind.WINDOW_MISSED: (("Set window", "release_window"),),
    Kind.START_AHEAD: (("Hold…", "release_hold"), ("Skip this one", "release_skip"), _WHY),
    Kind.START_WAITS: (_WHY,),
    Kind.RELEASE_HELD: (("Resume", "release_resume"),),
}
"""Buttons (label, verb) that need to know the release alone."""


def offers(d: Drawing, entry: TimelineEntry) -> list[Part]:
    """The buttons under a fact; none where nothing is to be done, or not any more."""
    kind = Kind(entry.kind)
    if kind in ABOUT_THE_RELEASE:
        buttons = [do(label, verb, release=entry.stream) for label, verb in ABOUT_THE_RELEASE[kind]]
    else:
        buttons = _OF_ITS_OWN[kind](d, entry) if kind in _OF_ITS_OWN else []
    return [Actions(buttons)] if buttons else []


def _lost(d: Drawing, entry: TimelineEntry) -> list[Button]:
    release = str(entry.details.get("release") or entry.stream)
    return [do("I looked…", "release_clarify", release=release)]


def _task(d: Drawing, entry: TimelineEntry) -> list[Button]:
    if entry.kind == Kind.TASK_ASSIGNED and turn_over(d, entry):
        return []
    task = {"release": entry.stream, "task": f"id:{entry.details['row']}"}
    return [
        do("Start", "release_task_start", **task),
        do("Done", "release_task_done", **task),
        do("Hand over…", "release_task_assign", **task),
        do("Run-sheet", "release_tasks", release=entry.stream),
    ]


def _item(d: Drawing, entry: TimelineEntry) -> list[Button]:
    item = {"release": entry.stream, "item": str(entry.details["item"])}
    return [
        do("Tick", "release_tick", **item),
        do("Snooze…", "release_snooze", **item),
        do("More about it…", "release_item", **item),
    ]


def _live(d: Drawing, entry: TimelineEntry) -> list[Button]:
    key = entry.stream
    buttons = [do("Open incident…", "incident_open", release=key)]
    if entry.details.get("ended_as"):
        back = {"release": key, **_where(d, entry, key)}
        buttons.append(Button("Roll back", "release_rollback", back, weight="danger"))
    return buttons


def _rollback_held(d: Drawing, entry: TimelineEntry) -> list[Button]:
    if not entry.details.get("drift"):
        return []
    release = str(entry.details.get("release") or entry.stream)
    text = "What people changed since the deployment will be lost. A second person has to agree."
    confirm = Confirm("Roll back anyway?", text, "Ask for it")
    args = {"release": release, **_where(d, entry, release)}
    anyway = {**args, "overwrite": "yes"}
    return [
        do("Choose parts…", "release_rollback", **args),
        Button("Roll back anyway…", "release_rollback", anyway, weight="danger", confirm=confirm),
    ]


def _word_overdue(d: Drawing, entry: TimelineEntry) -> list[Button]:
    incident = entry.stream
    return [
        do("Update…", "incident_update", incident=incident),
        do("Resolve…", "incident_resolve", incident=incident),
    ]


def _org_locked(d: Drawing, entry: TimelineEntry) -> list[Button]:
    return [do("Unlock…", "release_unlock", org=str(entry.details["org"]))]


def _where(d: Drawing, entry: TimelineEntry, release: str) -> dict[str, str]:
    """The org that a fact of a staged release is about: by now the release may have come to another one."""
    return {"org": str(entry.details["org"])} if find_release(d.session, release).path else {}


_OF_ITS_OWN: Mapping[Kind, Callable[[Drawing, TimelineEntry], list[Button]]] = {
    Kind.DEPLOYMENT_UNKNOWN: _lost,
    Kind.TASK_DUE: _task,
    Kind.TASK_ASSIGNED: _task,
    Kind.ITEM_REMINDED: _item,
    Kind.ITEM_WAIVER_ENDED: _item,
    Kind.DEPLOYMENT_SUCCEEDED: _live,
    Kind.ROLLBACK_HELD: _rollback_held,
    Kind.WORD_OVERDUE: _word_overdue,
    Kind.ORG_LOCKED: _org_locked,
}
