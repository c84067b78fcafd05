"""How a fact looks that has a post of its own: the sentence, whom it calls, what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session, select

from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Message,
    Note,
    Paragraph,
    Part,
    Tone,
    at,
    clean,
    people,
)
from handlers.drawing import Drawing, Placed
from handlers.narration import narrate
from handlers.phrases import do, who
from handlers.settled import settled_by
from release_core.facts import gather
from release_core.lookups import BEFORE_DEPLOYMENT, find_incident, find_release
from release_core.models import TimelineEntry
from release_core.policy import Policy
from release_core.run_sheets import SETTLED, holding, task_owners
from release_core.timeline import BOT, Kind


def entry_post(d: Drawing, *named: str) -> Placed:
    """One fact under its release or incident; an org's stream has a colon in its own name."""
    *names, number = named
    stream = ":".join(names)
    query = select(TimelineEntry).where(TimelineEntry.stream == stream, TimelineEntry.number == int(number))
    entry = d.session.exec(query).one()
    if entry.kind == Kind.TASK_DUE and (over := _turn_over(d, entry)):
        return Message(f"{stream}: {over}", [Paragraph(over)]), *d.under(stream)
    sentence = (entry.kind == Kind.TASK_DUE and _turn_now(d, entry)) or narrate(d.ports.policy, entry)
    called = people(whom_to_call(d.session, d.ports.policy, entry))
    said = sentence if called == "nobody" or called in sentence else f"{sentence} {called}"
    heard = f"{stream}: {said}" if stream.startswith(("REL-", "INC-")) else said
    if settled := settled_by(d.session, entry):
        # What was asked for was done: nobody is called any more.
        done = f"Settled {at(settled.at)}: {narrate(d.ports.policy, settled)}"
        return Message(f"{stream}: {done}", [Paragraph(sentence), Note(done)]), *d.under(stream)
    parts: list[Part] = [Paragraph(said), *_offers(d, entry)]
    return Message(heard, parts, tone=ENTRY_TONES.get(Kind(entry.kind), "plain")), *d.under(stream)


def _turn_over(d: Drawing, entry: TimelineEntry) -> str:
    """What became of a task whose turn it was; "" while it is its turn."""
    facts, details = d.facts(entry.stream), entry.details
    named = clean(f"Task {details['task']} “{details['title']}”")
    task = next((one for one in facts.tasks if one.id == details["row"]), None)
    if task is None:
        return f"{named} was taken off the run-sheet."
    if task.state in SETTLED and task.changed_at:
        return f"{named} is {task.state}: {who(task.changed_by)}, {at(task.changed_at)}."
    if task != holding(facts):
        return (
            f"It is not the turn of task {task.number} “{clean(task.title)}” now; the run-sheet says what comes first."
        )
    return ""


def _turn_now(d: Drawing, entry: TimelineEntry) -> str:
    """Whose turn a task is that still holds the release, when it was handed over since; "" when it was not."""
    facts, details = d.facts(entry.stream), entry.details
    task = next(one for one in facts.tasks if one.id == details["row"])
    owners = task_owners(task, facts)
    if task.owner_id in facts.gone or set(owners) == set(details["people"]):
        return ""
    return f"It is the turn of task {task.number} “{clean(task.title)}”, handed over to {people(owners, last='or')}."


ENTRY_TONES: Mapping[Kind, Tone] = {
    Kind.PACKAGE_REFUSED: "stop",
    Kind.COMPONENTS_NOT_LISTED: "stop",
    Kind.RISK_ACCEPTED: "good",
    Kind.SNAPSHOT_SKIPPED: "stop",
    Kind.ITEM_BLOCKED: "stop",
    Kind.ITEM_REMINDED: "wait",
    Kind.ITEM_WAIVER_ENDED: "wait",
    Kind.TASK_DUE: "wait",
    Kind.TASK_REOPENED: "stop",
    Kind.DECLINED: "declined",
    Kind.APPROVALS_WITHDRAWN: "withdrawn",
    Kind.APPROVAL_EXPIRED: "expired",
    Kind.REFUSAL_SET_ASIDE: "wait",
    Kind.SEATS_REMINDED: "wait",
    Kind.ROLLCALL_ANSWERED: "declined",
    Kind.VALIDATION_FAILED: "failed",
    Kind.VALIDATION_VOIDED: "withdrawn",
    Kind.DEPLOYMENT_HELD: "stop",
    Kind.DEPLOYMENT_FAILED: "failed",
    Kind.DEPLOYMENT_CANCELLED: "withdrawn",
    Kind.DEPLOYMENT_UNKNOWN: "stop",
    Kind.DEPLOYMENT_SUCCEEDED: "good",
    Kind.ROLLBACK_ARMED: "good",
    Kind.ROLLBACK_NOT_ARMED: "stop",
    Kind.VALIDATION_LAPSES: "wait",
    Kind.ROLLBACK_LOOKED: "stop",
    Kind.ROLLBACK_SUCCEEDED: "good",
    Kind.ROLLBACK_UNDONE: "good",
    Kind.ROLLBACK_HELD: "stop",
    Kind.ROLLBACK_FAILED: "failed",
    Kind.ROLLBACK_DECLINED: "declined",
    Kind.ROLLBACK_EXPIRED: "expired",
    Kind.RELEASE_CANCELLED: "withdrawn",
    Kind.WORD_OVERDUE: "wait",
    Kind.ORG_LOCKED: "stop",
    Kind.ORG_UNLOCKED: "good",
    Kind.ORG_UNREACHABLE: "wait",
    Kind.ORG_REACHABLE: "good",
    Kind.ORG_BUSY: "wait",
    Kind.API_BUDGET_LOW: "wait",
    Kind.WINDOW_MISSED: "expired",
    Kind.CHECK_FOUND: "wait",
    Kind.START_AHEAD: "wait",
    Kind.START_WAITS: "stop",
    Kind.RELEASE_HELD: "stop",
    Kind.RELEASE_RESUMED: "good",
}


OWNER_IS_CALLED = frozenset(
    {
        Kind.PACKAGE_NOT_COMPARED,
        Kind.SNAPSHOT_SKIPPED,
        Kind.ITEM_BLOCKED,
        Kind.DECLINED,
        Kind.ROLLCALL_ANSWERED,
        Kind.VALIDATION_FAILED,
        Kind.VALIDATION_VOIDED,
        Kind.VALIDATION_LAPSES,
        Kind.DEPLOYMENT_HELD,
        Kind.DEPLOYMENT_FAILED,
        Kind.DEPLOYMENT_CANCELLED,
        Kind.DEPLOYMENT_UNKNOWN,
        Kind.DEPLOYMENT_SUCCEEDED,
        Kind.ROLLBACK_NOT_ARMED,
        Kind.ROLLBACK_FAILED,
        Kind.ROLLBACK_HELD,
        Kind.ORG_UNREACHABLE,
        Kind.WINDOW_MISSED,
        Kind.WINDOW_CLOSED,
        Kind.START_AHEAD,
        Kind.START_WAITS,
        Kind.RELEASE_HELD,
        Kind.BROADCAST_MISSED,
        Kind.INCIDENT_OPENED,
    }
)


def whom_to_call(session: Session, policy: Policy, entry: TimelineEntry) -> Sequence[str]:
    """The people who should look at a fact now."""
    if entry.kind not in OWNER_IS_CALLED:
        return ()
    if entry.stream.startswith("INC-"):
        return (find_incident(session, entry.stream).commander_id,)
    if not entry.stream.startswith("REL-"):
        return ()
    release = find_release(session, entry.stream)
    facts = gather(session, policy, release)
    called = [release.owner_id]
    if facts.package and entry.kind == Kind.VALIDATION_FAILED:
        called.append(facts.package.author_id)
    # Whoever asked for an attempt waits for its end.
    called += [d.requested_by for d in facts.deployments if d.id == entry.details.get("deployment")]
    return tuple(dict.fromkeys(person for person in called if person != BOT))


def _offers(d: Drawing, entry: TimelineEntry) -> list[Part]:
    """What can be done about a fact right under it."""
    key = entry.stream
    match Kind(entry.kind):
        case Kind.VALIDATION_FAILED | Kind.VALIDATION_VOIDED:
            buttons = [
                do("Attach package", "release_attach", release=key),
                do("Validate again", "release_validate", release=key),
            ]
        case Kind.VALIDATION_LAPSES | Kind.VALIDATION_STOPPED:
            buttons = [do("Validate again", "release_validate", release=key)]
        case Kind.VALIDATION_PASSED | Kind.DEPLOYMENT_HELD:
            buttons = [do("May we go?", "release_why", release=key)]
        case Kind.DEPLOYMENT_UNKNOWN:
            release = str(entry.details.get("release") or key)
            buttons = [do("I looked…", "release_clarify", release=release)]
        case Kind.TASK_ASSIGNED if _turn_over(d, entry):
            return []
        case Kind.TASK_DUE | Kind.TASK_ASSIGNED:
            task = {"release": key, "task": f"id:{entry.details['row']}"}
            begin, done = do("Start", "release_task_start", **task), do("Done", "release_task_done", **task)
            over = do("Hand over…", "release_task_assign", **task)
            buttons = [begin, done, over, do("Run-sheet", "release_tasks", release=key)]
        case Kind.APPROVALS_WITHDRAWN:
            buttons = [do("Ask again", "release_ask", release=key), do("Package", "release_package", release=key)]
        case Kind.ITEM_REMINDED | Kind.ITEM_WAIVER_ENDED:
            item = {"release": key, "item": str(entry.details["item"])}
            buttons = [do("Tick", "release_tick", **item), do("Snooze…", "release_snooze", **item)]
            buttons.append(do("More about it…", "release_item", **item))
        case Kind.SEATS_REMINDED | Kind.REFUSAL_SET_ASIDE | Kind.APPROVAL_EXPIRED:
            buttons = [do("Answer…", "release_answer", release=key), do("May we go?", "release_why", release=key)]
        case Kind.PACKAGE_NOT_COMPARED:
            buttons = [do("Compare again", "release_compare", release=key)]
        case Kind.WINDOW_CLOSED | Kind.WINDOW_MISSED:
            buttons = [do("Set window", "release_window", release=key)]
        case Kind.START_AHEAD if _starts_still(d, key):
            buttons = [
                do("Hold…", "release_hold", release=key),
                do("Skip this one", "release_skip", release=key),
                do("May we go?", "release_why", release=key),
            ]
        case Kind.START_WAITS:
            buttons = [do("May we go?", "release_why", release=key)]
        case Kind.RELEASE_HELD if find_release(d.session, key).held_by:
            buttons = [do("Resume", "release_resume", release=key)]
        case Kind.DEPLOYMENT_SUCCEEDED:
            buttons = [do("Open incident…", "incident_open", release=key)]
            if entry.details.get("ended_as"):
                back = {"release": key, **_where(d, entry, key)}
                buttons.append(Button("Roll back", "release_rollback", back, weight="danger"))
        case Kind.ROLLBACK_HELD if entry.details.get("drift"):
            release = str(entry.details.get("release") or key)
            text = "What people changed since the deployment will be lost. A second person has to agree."
            confirm = Confirm("Roll back anyway?", text, "Ask for it")
            args = {"release": release, **_where(d, entry, release)}
            anyway = {**args, "overwrite": "yes"}
            buttons = [
                do("Choose parts…", "release_rollback", **args),
                Button("Roll back anyway…", "release_rollback", anyway, weight="danger", confirm=confirm),
            ]
        case Kind.WORD_OVERDUE:
            buttons = [do("Update…", "incident_update", incident=key), do("Resolve…", "incident_resolve", incident=key)]
        case Kind.ORG_LOCKED:
            buttons = [do("Unlock…", "release_unlock", org=str(entry.details["org"]))]
        case _:
            return []
    return [Actions(buttons)]


def _starts_still(d: Drawing, key: str) -> bool:
    """Whether it is still to start by itself."""
    release = find_release(d.session, key)
    return bool(release.starts_by) and release.state in BEFORE_DEPLOYMENT


def _where(d: Drawing, entry: TimelineEntry, release: str) -> dict[str, str]:
    """The org that a fact of a staged release is about: by now the release may have come to another one."""
    return {"org": str(entry.details["org"])} if find_release(d.session, release).path else {}
