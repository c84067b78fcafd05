"""One sentence for each kind of fact in a timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from handlers import rollback_narration
from handlers.conversation import clean, code, link, people, person
from handlers.phrases import count, org_title
from handlers.seat_narration import SEAT_WORDS
from handlers.self_check_words import found_words
from handlers.telling import Telling
from release_core.models import TimelineEntry
from release_core.policy import Policy
from release_core.strategies import WORDS as STRATEGY_WORDS
from release_core.timeline import Kind


def narrate(policy: Policy, entry: TimelineEntry) -> str:
    """What happened, in one or two sentences."""
    return WORDS[Kind(entry.kind)](Telling(policy, entry))


def _grouped(digits: str) -> str:
    return f"{int(digits):,}" if digits.isdecimal() else digits


def _compared(t: Telling) -> str:
    where = t.org() if t.get("org") else "its target"
    if not t.get("again"):
        return f"The package was compared with {where}."
    if t.get("worse"):
        return f"Compared with {where} again: {t.get('worse')}."
    found = "nothing else than before" if t.get("again") == "the same" else "something else than before"
    if since := t.names("since"):
        others = f" and {len(since) - 3} more" if len(since) > 3 else ""
        found = f"since the last look somebody changed {', '.join(since[:3])}{others} there"
    return f"Compared with {where} again: {found}. {code(f'/release package {t.entry.stream}')}"


def _acceptance_asked(t: Telling) -> str:
    seat, parts = t.seat(t.get("seat")), t.names("parts")
    if t.get("about") == "no_snapshot":
        return f"{seat} may accept in writing that it goes without a way back. {t.get('problem')}"
    return f"{t.by} asked {seat} to accept in writing that this cannot come back: {', '.join(parts)}."


def _risk_accepted(t: Telling) -> str:
    what = "what cannot come back" if t.get("about") == "impossible" else "going without a way back, for 4 hours"
    return f"{t.by} accepted {what} for {t.seat(t.get('seat'))}: {t.get('reason')}"


def _stopped_check(t: Telling) -> str:
    by = person(t.get("by")) if t.get("by") else t.get("there") or "somebody"
    where = "" if t.get("by") else ", not from here"
    return (
        f"{by} stopped {t.get('key')} in {t.org()}{where}. Nothing was changed, and it proves nothing: validate again."
    )


def _owner_changed(t: Telling) -> str:
    return f"{t.by} gave item {t.get('item')} “{t.get('title')}” to {person(t.get('owner'))}."


def _waived(t: Telling) -> str:
    ends = f" until {t.instant('until')}" if t.get("until") else ""
    return f"{t.by} waived item {t.get('item')} “{t.get('title')}”{ends}: {t.get('note')}"


def _item_due(t: Telling) -> str:
    named, who = f"Item {t.get('item')} “{t.get('title')}”", people(t.names("people"), last="or")
    if not t.entry.details.get("overdue"):
        return f"{named} is due {t.instant('due_at')}: {who}."
    last = f" This is the last reminder; {person(t.get('owner'))} is told." if t.entry.details.get("last") else ""
    return f"{named} is overdue since {t.instant('due_at')}: {who}.{last}"


def _task(t: Telling) -> str:
    return f"task {t.get('task')} “{t.get('title')}” ({t.get('phase')} {t.org()})"


def _task_due(t: Telling) -> str:
    return f"It is the turn of {_task(t)}, {t.get('minutes')} min: {people(t.names('people'), last='or')}."


def _created(t: Telling) -> str:
    path = " → ".join(org_title(t.policy, org) for org in t.names("path"))
    return f"{t.by} planned “{t.get('name')}” ({t.get('kind')}) for {path or t.org()}."


def _cancelled(t: Telling) -> str:
    live = [org_title(t.policy, org) for org in t.names("live")]
    kept = f" What is live in {', '.join(live)} stays." if live else ""
    return f"{t.by} cancelled the {'rest of the ' if live else ''}release: {t.get('reason')}{kept}"


def _conflict(t: Telling) -> str:
    """How another release is in the way, what to do about it."""
    more = f" and {t.get('more')} more" if t.get("more") not in ("", "0") else ""
    other, what = f"{t.get('with')} “{t.get('name')}” ({person(t.get('owner'))})", t.names("what")
    match t.get("about"):
        case "components":
            return (
                f"{other} changes the same: {', '.join(what)}{more}. Whoever goes second overwrites the first: "
                "agree who takes the other's change along."
            )
        case "records":
            return f"{other} changes other parts of the same records: {', '.join(what)}{more}. Test them together."
        case "window":
            return (
                f"{other} is planned for the same org at the same time. It takes one at a time: agree who goes first."
            )
    return f"{other} has the same owner, at the same time. Move one of the two, or hand one on."


def _start_ahead(t: Telling) -> str:
    minutes = int(t.get("minutes"))
    ahead = count(minutes // 60, "hour") if minutes % 60 == 0 else count(minutes, "minute")
    said = (
        f"In {ahead}, at {t.instant('starts_at')}, it starts by itself in {t.org()}, as {person(t.get('by'))} booked."
    )
    blocked = t.names("blocked_by")
    why = f" By now it may not go: {count(len(blocked), 'reason')}, {code(f'/release why {t.entry.stream}')}."
    return said + (why if blocked else "")


def _start_waits(t: Telling) -> str:
    return (
        f"It did not start by itself. {t.get('problem')} It is tried again every 5 minutes until {t.instant('until')}."
    )


def _moved_on(t: Telling) -> str:
    before = org_title(t.policy, t.get("from"))
    return f"It was watched long enough in {before}: {t.org()} is next, with the same package and gates of its own."


def _watched_again(t: Telling) -> str:
    return f"The watch in {t.org()} begins again, until {t.instant('until')}. {t.get('because')}"


def _window_set(t: Telling) -> str:
    again = f" Its start has to be booked again: {code('/release book')}" if t.get("unbooked") else ""
    here, there = f"{t.instant('starts_at')} to {t.instant('ends_at')}", t.company_time("starts_at", "ends_at")
    return f"{t.by} set the window: {here} in your own time zone, {there}.{again}"


def _window_opened(t: Telling) -> str:
    blocked = t.names("blocked_by")
    if not blocked:
        return "The window opened; it may go."
    return f"The window opened, but it may not go: {count(len(blocked), 'reason')}. {code('/release why')} names each."


def _differences(t: Telling) -> str:
    found = t.names("differences")
    return f" Not as expected: {', '.join(found[:5])}." if found else ""


def _held(t: Telling) -> str:
    # Some causes begin with that same fact; it is said once.
    cause = t.get("problem").removeprefix("Nothing was deployed").lstrip(".: ")
    return f"{t.get('key')} was held, nothing was changed in {t.org()}: {cause[:1].upper()}{cause[1:]}"


def _made_anew(t: Telling) -> str:
    return f" It is validated again by itself {t.instant('again_at')}." if t.get("again_at") else ""


def _landed(t: Telling) -> str:
    parts = t.names("landed")
    named = (
        f" Read back, {', '.join(parts[:8])}{' and others' if len(parts) > 8 else ''} changed there." if parts else ""
    )
    undo = f" To undo it: {code(f'/release rollback {t.entry.stream} -- reason')}"
    match t.get("ended_as"):
        case "Canceled":
            return f"{t.org()} says that {t.get('key')} was cancelled, but it had landed already.{named}{undo}"
        case "FinalizingFailed":
            return f"{t.org()} could not finish {t.get('key')}, but it has landed.{named}{_differences(t)}{undo}"
        case "SucceededPartial":
            return f"{t.org()} took {t.get('key')} only in part.{_differences(t)}{undo}"
    late = t.get("stopped_by") and f" The stop that {person(t.get('stopped_by'))} asked for came too late.{undo}"
    return f"{t.get('key')} is live in {t.org()} and was read back.{_differences(t)}{late}"


def _clarified(t: Telling) -> str:
    took = "took" if t.get("found") == "arrived" else "never took"
    return f"{t.by} looked: {t.org()} {took} {t.get('key')}. {t.get('note')}"


def _incident_noted(t: Telling) -> str:
    severity = f" It is severity {t.get('severity')} now." if t.get("severity") else ""
    commander = f" {person(t.get('commander'))} commands it now." if t.get("commander") else ""
    following = f" The next word comes {t.instant('next_at')}." if t.get("next_at") else ""
    return f"{t.by}: {t.get('text')}{severity}{commander}{following}"


def _silent_since(t: Telling) -> str:
    return f" (it had not since {t.instant('since')})" if t.get("since") else ""


def _sent(t: Telling) -> str:
    note = t.after("note")
    match t.get("source"):
        case "org":
            return f"{t.by} asked {org_title(t.policy, t.get('ref'))} for {_wanted(t)}{note}."
        case "git":
            return f"{t.by} asked git for {code(t.get('ref'))}{note}."
        case "file" | "url":
            return f"{t.by} handed in {t.get('file')} by the command line, from {code(t.get('ref'))}{note}."
    return f"{t.by} sent {t.get('file')}{note}."


def _wanted(t: Telling) -> str:
    manifest = t.entry.details.get("manifest", {})
    listed = [f"{kind} {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" for kind, names in manifest.items()]
    return clean("; ".join(listed[:5]) + (" …" if len(listed) > 5 else "")) or "what a package.xml lists"


def _accepted(t: Telling) -> str:
    origin = {
        "org": f" It came from {org_title(t.policy, t.get('ref'))}.",
        "git": f" It was made of commit {code(t.get('ref')[:12])}.",
    }.get(t.get("source"), "")
    return (
        f"{t.get('file')} by {t.by} is the package now: {t.get('components')} components, "
        f"deletions: {t.get('deletions')}, SHA-256 {code(t.get('digest')[:12])}.{origin}"
    )


def _kept(t: Telling) -> str:
    author = person(t.get("author")) if t.get("author") else t.get("program") or "a program"
    when = f" {t.instant('said_at')}" if t.get("said_at") else ""
    where = f" ({link(t.get('link'), 'the message')})" if t.get("link") else ""
    did = "reported" if t.get("reported") else "kept"
    return f"{t.by} {did} what {author} wrote{when}{where}: “{t.get('text')}”"


WORDS: Mapping[Kind, Callable[[Telling], str]] = {
    **SEAT_WORDS,
    Kind.RELEASE_CREATED: _created,
    Kind.RELEASE_CANCELLED: _cancelled,
    Kind.RELEASE_MOVED_ON: _moved_on,
    Kind.WATCH_BEGAN_AGAIN: _watched_again,
    Kind.WATCH_ENDED: lambda t: (
        f"{t.by} ended the watch over the release in {' and '.join(org_title(t.policy, o) for o in t.names('orgs'))}: "
        "it stays there, its way back is not proven anew."
    ),
    Kind.RELEASE_CLOSED: lambda t: f"{t.by} closed the release: it was watched long enough, nothing is open.",
    Kind.STRATEGY_CHOSEN: lambda t: (
        f"{t.by} chose {STRATEGY_WORDS.get(t.get('strategy'), t.get('strategy'))}: {t.get('reason')}"
    ),
    Kind.NOTE_ADDED: lambda t: f"{t.by}: {t.get('text')}",
    Kind.MESSAGE_KEPT: _kept,
    Kind.PACKAGE_ATTACHED: _sent,
    Kind.PACKAGE_REFUSED: lambda t: f"{t.get('file')} by {t.by} was not accepted: {t.get('problem')}",
    Kind.PACKAGE_ACCEPTED: _accepted,
    Kind.PACKAGE_COMPARED: _compared,
    Kind.CONFLICT_FOUND: _conflict,
    Kind.COMPARISON_REQUESTED: lambda t: f"{t.by} asked to compare the package with {t.org()} again.",
    Kind.ACCEPTANCE_ASKED: _acceptance_asked,
    Kind.RISK_ACCEPTED: _risk_accepted,
    Kind.SNAPSHOT_SKIPPED: lambda t: (
        f"{t.get('key')} goes on WITHOUT a way back: no snapshot could be taken. {t.get('problem')} "
        f"{person(t.get('by'))} accepted that for {t.seat(t.get('seat'))}: {t.get('reason')}"
    ),
    Kind.PACKAGE_NOT_COMPARED: lambda t: (
        f"The package could not be compared with its target: {t.get('problem')} "
        f"To try again: {code(f'/release compare {t.entry.stream}')}"
    ),
    Kind.COMPONENTS_LISTED: lambda t: (
        f"{t.by} looked what {t.org()} holds of {', '.join(t.names('types'))}: {t.get('count')} found."
    ),
    Kind.COMPONENTS_NOT_LISTED: lambda t: (
        f"{t.by} could not be shown what {t.org()} holds: {t.get('problem')} "
        f"To try again: {code(f'/release retrieve {t.entry.stream}')}"
    ),
    Kind.ARTIFACTS_DELETED: lambda t: (
        f"Package and snapshot files of {t.entry.stream} were deleted after {t.get('days')} d "
        f"({t.get('files')}); digests remain."
    ),
    Kind.ITEM_STARTED: lambda t: f"{t.by} works on item {t.get('item')} “{t.get('title')}”.",
    Kind.ITEM_DONE: lambda t: f"{t.by} ticked item {t.get('item')} “{t.get('title')}”{t.after('note')}.",
    Kind.ITEM_BLOCKED: lambda t: f"{t.by} blocked item {t.get('item')} “{t.get('title')}”: {t.get('note')}",
    Kind.ITEM_WAIVED: _waived,
    Kind.ITEM_SNOOZED: lambda t: (
        f"{t.by} wants no reminder of item {t.get('item')} “{t.get('title')}” before {t.instant('until')}."
    ),
    Kind.ITEM_REMINDED: _item_due,
    Kind.ITEM_WAIVER_ENDED: lambda t: (
        f"The waiver of item {t.get('item')} “{t.get('title')}” by {person(t.get('by'))} has ended: {t.get('note')} "
        f"It has to be settled now: {people(t.names('people'), last='or')}."
    ),
    Kind.ITEM_REOPENED: lambda t: f"{t.by} reopened item {t.get('item')} “{t.get('title')}”{t.after('note')}.",
    Kind.ITEM_ASSIGNED: _owner_changed,
    Kind.TASK_ADDED: lambda t: f"{t.by} added {_task(t)}, {t.get('minutes')} min, for {person(t.get('owner'))}.",
    Kind.TASK_DUE: _task_due,
    Kind.TASK_STARTED: lambda t: f"{t.by} began {_task(t)}.",
    Kind.TASK_DONE: lambda t: f"{t.by} has done {_task(t)}{t.after('note')}.",
    Kind.TASK_WAIVED: lambda t: f"{t.by} waived {_task(t)}: {t.get('note')}",
    Kind.TASK_REOPENED: lambda t: f"{t.by} reopened {_task(t)}{t.after('note')}.",
    Kind.TASK_ASSIGNED: lambda t: f"{t.by} gave {_task(t)} to {person(t.get('owner'))}.",
    Kind.TASK_MOVED: lambda t: f"{t.by} moved {_task(t)}: it was task {t.get('was')}.",
    Kind.TASK_DELETED: lambda t: f"{t.by} took {_task(t)} off the run-sheet{t.after('note')}.",
    Kind.TESTS_CHOSEN: lambda t: (
        f"{t.by} chose {t.get('tests')} instead of {t.get('before')}. A check that ran other tests does not count now."
    ),
    Kind.WINDOW_SET: _window_set,
    Kind.WINDOW_OPENED: _window_opened,
    Kind.WINDOW_CLOSED: lambda _: "The window closed without a deployment. Set another one when you are ready.",
    Kind.WINDOW_MISSED: lambda t: f"The window of {t.instant('starts_at')} was missed: Rollcall was not running.",
    Kind.START_BOOKED: lambda t: (
        f"{t.by} booked the start: it goes to {t.org()} by itself at {t.instant('starts_at')}, if every gate is open."
    ),
    Kind.START_SKIPPED: lambda t: f"{t.by} took the booked start back: it starts when somebody presses the button.",
    Kind.START_AHEAD: _start_ahead,
    Kind.START_WAITS: _start_waits,
    Kind.RELEASE_HELD: lambda t: f"{t.by} holds it: {t.get('reason')}. To let it go again: {code('/release resume')}",
    Kind.RELEASE_RESUMED: lambda t: f"{t.by} lets it go again{t.after('note')}.",
    Kind.FREEZE_SET: lambda t: (
        f"{t.by} set the freeze {t.get('freeze')}: nothing may start on {t.org()} from {t.instant('starts_at')} to "
        f"{t.instant('ends_at')} in your own time zone, {t.company_time('starts_at', 'ends_at')}. {t.get('reason')}"
    ),
    Kind.FREEZE_LIFTED: lambda t: f"{t.by} lifted the freeze {t.get('freeze')}{t.after('reason')}.",
    Kind.FREEZE_WAIVED: lambda t: (
        f"{t.by} let this release through the freeze {t.get('freeze')} “{t.get('name')}”"
        f"{f' in {t.org()}' if t.get('org') else ''}: {t.get('reason')}"
    ),
    Kind.VALIDATION_REQUESTED: lambda t: f"{t.by} asked to validate in {t.org()} ({t.get('key')}).",
    Kind.VALIDATION_PASSED: lambda t: f"{t.get('key')} passed in {t.org()}.",
    Kind.VALIDATION_FAILED: lambda t: f"{t.get('key')} failed in {t.org()}{t.after('problem').rstrip('.')}.",
    Kind.VALIDATION_STOPPED: _stopped_check,
    Kind.VALIDATION_VOIDED: lambda t: (
        f"The validation {t.get('key')} in {t.org()} counts no more: {t.get('because')}{_made_anew(t)}"
    ),
    Kind.VALIDATION_LAPSES: lambda t: (
        f"The validation {t.get('key')} in {t.org()} lapses {t.instant('until')}, before the window ends "
        f"{t.instant('ends_at')}{_made_anew(t).replace(' It', '. It', 1) or ': validate again.'}"
    ),
    Kind.DEPLOYMENT_REQUESTED: lambda t: (
        f"It goes to {t.org()} by itself ({t.get('key')}), as {t.by} booked."
        if t.get("by_itself")
        else f"{t.by} pressed Deploy to {t.org()} ({t.get('key')})."
    ),
    Kind.DEPLOYMENT_HELD: _held,
    Kind.SNAPSHOT_TAKEN: lambda t: f"What {t.org()} holds is kept as snapshot {code(t.get('digest')[:12])}.",
    Kind.DEPLOYMENT_STARTED: lambda t: f"{t.org()} accepted {t.get('key')} as job {code(t.get('job'))}.",
    Kind.DEPLOYMENT_SUCCEEDED: _landed,
    Kind.DEPLOYMENT_FAILED: lambda t: (
        f"{t.get('key')} failed in {t.org()}, which took everything back{t.after('problem').rstrip('.')}."
    ),
    Kind.DEPLOYMENT_CANCELLED: lambda t: f"{t.get('key')} was cancelled in {t.org()}; nothing was changed (read back).",
    Kind.DEPLOYMENT_UNKNOWN: lambda t: (
        f"Nobody knows whether {t.org()} took {t.get('key')}: {t.get('problem')} "
        "Look at Deployment Status in its Setup."
    ),
    Kind.DEPLOYMENT_CLARIFIED: _clarified,
    Kind.CANCEL_REQUESTED: lambda t: f"{t.by} asked to stop {t.get('key')} in {t.org()}.",
    Kind.ROLLBACK_ARMED: rollback_narration.armed,
    Kind.ROLLBACK_NOT_ARMED: rollback_narration.not_armed,
    Kind.ROLLBACK_ASKED: rollback_narration.asked_back,
    Kind.ROLLBACK_LOOKED: rollback_narration.looked,
    Kind.ROLLBACK_NOT_LOOKED: lambda t: (
        f"The org could not be compared{'' if t.entry.details.get('lost') else ' yet'}: {t.get('problem')}"
        + ("" if t.entry.details.get("lost") else " The rollback looks itself before it changes anything.")
    ),
    Kind.ROLLBACK_CONFIRMED: lambda t: f"{t.by} confirmed {rollback_narration.wish(t)}.",
    Kind.ROLLBACK_DECLINED: lambda t: f"{t.by} declined {rollback_narration.wish(t)}{t.after('comment')}.",
    Kind.ROLLBACK_EXPIRED: lambda t: f"Nobody confirmed {rollback_narration.wish(t)} in time. Ask again if needed.",
    Kind.ROLLBACK_HELD: rollback_narration.held,
    Kind.ROLLBACK_STARTED: rollback_narration.begins,
    Kind.ROLLBACK_WAY: rollback_narration.way,
    Kind.ROLLBACK_SUCCEEDED: rollback_narration.returned,
    Kind.ROLLBACK_UNDONE: rollback_narration.brought_back,
    Kind.ROLLBACK_FAILED: rollback_narration.failed,
    Kind.ORG_UNREACHABLE: lambda t: (
        f"{t.org()} does not answer while {t.get('key')} is under way: {t.get('problem')} Rollcall keeps asking."
    ),
    Kind.ORG_REACHABLE: lambda t: f"{t.org()} answers again{_silent_since(t)}; {t.get('key')} goes on.",
    Kind.ORG_BUSY: lambda t: (
        f"{t.org()} did not carry out {t.get('key')}: {t.get('because')}. Nothing was changed. Rollcall asks again at "
        f"{t.instant('due_at')} ({t.get('number')} of {t.get('of')})."
    ),
    Kind.API_BUDGET_LOW: lambda t: (
        f"{t.org()} has used {_grouped(t.get('used'))} of its {_grouped(t.get('allowed'))} API calls of the day; "
        f"the last {t.get('reserve')} % are kept. {t.get('key')} goes on, looked at once a minute; comparisons wait."
    ),
    Kind.ORG_LOCKED: lambda t: f"{t.org()} is locked by {t.by}: {t.get('reason')}",
    Kind.ORG_UNLOCKED: lambda t: f"{t.org()} is open again, by {t.by}: {t.get('reason')}",
    Kind.BROADCAST_SCHEDULED: lambda t: f"{t.by} promised {t.get('audience')} a status for {t.instant('due_at')}.",
    Kind.BROADCAST_SENT: lambda t: f"{t.by} told {t.get('audience')} where it stands.",
    Kind.BROADCAST_MISSED: lambda t: (
        f"The status for {t.get('audience')} was missed. To send it still: {code(f'/release update {t.entry.stream}')}"
    ),
    Kind.BROADCASTS_ENDED: lambda t: f"{', '.join(t.names('audiences'))} were told that this was the last status.",
    Kind.INCIDENT_OPENED: lambda t: f"{t.by} opened {t.get('incident') or t.entry.stream}: {t.get('title')}",
    Kind.INCIDENT_NOTED: _incident_noted,
    Kind.WORD_OVERDUE: lambda t: (
        f"The word that was promised for {t.instant('due_at')} is due. "
        f"{person(t.get('commander'))}: say what is known, or when you will."
    ),
    Kind.INCIDENT_RESOLVED: lambda t: f"{t.by} resolved {t.get('incident') or t.entry.stream}: {t.get('resolution')}",
    Kind.AUDIT_EXPORTED: lambda t: f"{t.by} exported the audit.",
    Kind.CHECK_FOUND: found_words,
}
