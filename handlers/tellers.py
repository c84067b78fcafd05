"""Which posts a fact touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlmodel import col, or_, select

from handlers.notifications import topic_of
from handlers.seat_tellers import SEAT_TELLERS
from handlers.settled import reminders_settled
from handlers.touching import Teller, Told, Touched, again, say_it, say_nothing, weighed
from release_core.facts import gather
from release_core.lookups import find_incident, find_release, run_sheet
from release_core.models import Incident, Post, Release, TimelineEntry
from release_core.notifications import muted_by
from release_core.permissions import others
from release_core.policy import Policy, Risk
from release_core.risks import who_may_accept
from release_core.rollback_requests import find_request
from release_core.timeline import Kind


def touched_by(told: Told) -> list[Touched]:
    """The posts that a fact touches, each once, those that people wait for first.

    Only a headline that is not there yet comes before all else: the rest goes into its thread.
    """
    kind = Kind(told.entry.kind)
    head, cards = _head(told), _every_card(told) if kind in TURNS else []
    own = [*TELLERS.get(kind, say_it)(told), *_settled(told)]
    is_new = any(told.session.get(Post, one.slot) is None for one in head)
    # What the fact posts itself wins over a mere drawing anew of the same slot.
    wins = {one.slot: one for one in [*head, *cards, *own]}
    order = [*head, *own, *cards] if is_new else [*own, *cards, *head]
    return [_as_wanted(told, wins[slot]) for slot in dict.fromkeys(one.slot for one in order)]


def _as_wanted(told: Told, one: Touched) -> Touched:
    """A copy for somebody who switched its topic off is not sent; what they have already is kept true."""
    topic = topic_of(told.session, one.slot, told.entry)
    if topic is None or topic not in muted_by(told.session, one.slot.partition("@")[2]):
        return one
    return Touched(one.slot, only_if_posted=True)


def _head(told: Told) -> list[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(f"headline:{told.stream}")]
    return [Touched(f"incident:{told.stream}")] if told.stream.startswith("INC-") else []


def _every_card(told: Told) -> list[Touched]:
    """The cards of the release that people still see, with buttons that may not be pressed any more."""
    kinds = (col(Post.slot).startswith(f"{kind}:") for kind in CARDS)
    query = select(Post.slot).where(Post.stream == told.stream, or_(*kinds)).order_by(col(Post.slot))
    return [Touched(slot, only_if_posted=True) for slot in told.session.exec(query).all()]


def _settled(told: Told) -> list[Touched]:
    """What reminded people of what has just been done."""
    return [one for slot in reminders_settled(told.session, told.entry) for one in again(told, slot)]


def _incidents_about(told: Told) -> list[Touched]:
    """The posts of incidents that suspect the release."""
    query = (
        select(Incident.key)
        .join(Release, col(Release.id) == col(Incident.release_id))
        .where(Release.key == told.stream, Incident.state == "open")
    )
    return [Touched(f"incident:{key}", only_if_posted=True) for key in told.session.exec(query).all()]


def _created(told: Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    sheet = [Touched(f"tasks:{told.stream}")] if run_sheet(told.session, release) else []
    return [Touched(f"checklist:{told.stream}"), *sheet]


def _task(told: Told) -> Iterable[Touched]:
    """The run-sheet, there from its first task on, with what may have been let go by a change of it."""
    return [Touched(f"tasks:{told.stream}"), *weighed(told), *_turns(told)]


def _turns(told: Told) -> list[Touched]:
    """The cards that said whose turn it is: what they offer may be over."""
    turns = col(TimelineEntry.kind).in_((Kind.TASK_DUE, Kind.TASK_ASSIGNED))
    before = (TimelineEntry.stream == told.stream, TimelineEntry.number < told.entry.number)
    said = select(TimelineEntry.number).where(turns, *before)
    cards = (again(told, f"entry:{told.stream}:{number}") for number in told.session.exec(said))
    return [one for card in cards for one in card]


def _task_said(told: Told) -> Iterable[Touched]:
    return [*_task(told), Touched(told.line)]


def _task_assigned(told: Told) -> Iterable[Touched]:
    return [*_task(told), Touched(f"{told.line}@{told.detail('owner')}")]


def _task_due(told: Told) -> Iterable[Touched]:
    people = told.entry.details.get("people", [])
    return [*_task(told), Touched(told.line), *(Touched(f"{told.line}@{person}") for person in people)]


def _moved_on(told: Told) -> Iterable[Touched]:
    slot = f"stage:{told.stream}:{told.detail('org')}"
    release = find_release(told.session, told.stream)
    return [Touched(slot), Touched(f"{slot}@{release.owner_id}"), *again(told, f"tasks:{told.stream}")]


def _package(told: Told) -> Iterable[Touched]:
    return [Touched(f"package:{told.stream}:{told.detail('package')}")]


def _compared(told: Told) -> Iterable[Touched]:
    cards = (
        one for kind in ("approval", "acceptance", "rollcall", "window") for one in again(told, f"{kind}:{told.stream}")
    )
    return [*_package(told), *cards, *([Touched(told.line)] if told.detail("again") else [])]


def _acceptance_asked(told: Told) -> Iterable[Touched]:
    facts = gather(told.session, told.policy, find_release(told.session, told.stream))
    risk: Risk = "impossible" if told.detail("about") == "impossible" else "no_snapshot"
    slot = f"acceptance:{told.stream}:{risk}:{told.detail('digest')}"
    return [Touched(slot), *(Touched(f"{slot}@{person}") for person in who_may_accept(facts, risk))]


def _accepted(told: Told) -> Iterable[Touched]:
    return [*again(told, f"acceptance:{told.stream}"), *again(told, f"window:{told.stream}"), Touched(told.line)]


def _refused_package(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{told.entry.actor}")]


def _listed(told: Told) -> Iterable[Touched]:
    return [Touched(f"pick:{told.stream}:{told.entry.number}@{told.entry.actor}")]


def _not_listed(told: Told) -> Iterable[Touched]:
    return [Touched(f"{told.line}@{told.entry.actor}")]


def _item(told: Told) -> Iterable[Touched]:
    return [*again(told, f"checklist:{told.stream}"), *weighed(told)]


def _item_said(told: Told) -> Iterable[Touched]:
    return [*_item(told), Touched(told.line)]


def _item_reminded(told: Told) -> Iterable[Touched]:
    """Its owner hears of it in person; the last reminder is said to all, its release's owner is called."""
    last = told.entry.details.get("last") or told.entry.kind == Kind.ITEM_WAIVER_ENDED
    people = dict.fromkeys([*told.entry.details["people"], *([told.detail("owner")] if last else [])])
    said = [Touched(told.line)] if last else []
    return [*_item(told), *said, *(Touched(f"{told.line}@{person}") for person in people)]


def _assigned(told: Told) -> Iterable[Touched]:
    return [*_item(told), Touched(f"{told.line}@{told.detail('owner')}")]


def _attempt(told: Told) -> Iterable[Touched]:
    return [
        Touched(f"deployment:{told.detail('key')}"),
        *again(told, f"checklist:{told.stream}"),
        *weighed(told),
        *again(told, f"tasks:{told.stream}"),
        *_incidents_about(told),
    ]


def _attempt_said(told: Told) -> Iterable[Touched]:
    return [*_attempt(told), Touched(told.line)]


def _lost(told: Told) -> Iterable[Touched]:
    return _attempt_said(told) if told.stream.startswith("REL-") else [Touched(told.line)]


def _strategy_chosen(told: Told) -> Iterable[Touched]:
    return [*again(told, f"approval:{told.stream}"), Touched(told.line), *weighed(told)]


def _tests_chosen(told: Told) -> Iterable[Touched]:
    cards = (*again(told, f"approval:{told.stream}"), *again(told, f"checklist:{told.stream}"))
    return [*cards, *again(told, f"window:{told.stream}"), Touched(told.line)]


def _window_opened(told: Told) -> Iterable[Touched]:
    slot = f"window:{told.stream}:{told.detail('number')}"
    release = find_release(told.session, told.stream)
    return [Touched(slot), Touched(f"{slot}@{release.owner_id}")]


def _window_changed(told: Told) -> Iterable[Touched]:
    return [*weighed(told), *again(told, f"checklist:{told.stream}"), Touched(told.line)]


def _start_ahead(told: Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    people = dict.fromkeys((release.owner_id, release.starts_by))
    return [Touched(told.line), *(Touched(f"{told.line}@{person}") for person in people if person)]


def _start_changed(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), *weighed(told)]


def _rollback_asked(told: Told) -> Iterable[Touched]:
    request = find_request(told.session, int(told.detail("request")))
    slot = f"rollback:{told.stream}:{request.id}"
    if told.stream.startswith("REL-") and told.detail("incident"):
        return [Touched(told.line), *weighed(told)]  # the question itself is asked in the incident
    holders = others(told.policy.holders_of("roll_back"), than=(request.requested_by,))
    replaced = again(told, f"rollback:{told.stream}:{told.detail('replaces')}") if told.detail("replaces") else []
    return [*replaced, Touched(slot), *(Touched(f"{slot}@{holder}") for holder in holders), *weighed(told)]


def _rollback_looked(told: Told) -> Iterable[Touched]:
    """What was found stands on the card; only what somebody has to decide is said as well."""
    card = again(told, f"rollback:{told.stream}:{told.detail('request')}")
    return [*card, *([Touched(told.line)] if told.entry.details.get("drift") else [])]


def _proof(told: Told) -> Iterable[Touched]:
    """A way back was proven or not: the wishes that wait show it."""
    cards = [*again(told, f"rollback:{told.stream}"), *_incidents_about(told), *_waiting_in_incidents(told)]
    return [Touched(told.line), *cards]


def _waiting_in_incidents(told: Told) -> list[Touched]:
    found = [again(told, one.slot.replace("incident:", "rollback:", 1)) for one in _incidents_about(told)]
    return [one for each in found for one in each]


def _lapses(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{find_release(told.session, told.stream).owner_id}")]


def _rollback_decided(told: Told) -> Iterable[Touched]:
    return [*again(told, f"rollback:{told.stream}:{told.detail('request')}"), Touched(told.line), *weighed(told)]


def _rollback_moved(told: Told) -> Iterable[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(f"deployment:{told.detail('key')}"), Touched(told.line), *weighed(told)]
    return [Touched(told.line)]


def _broadcast(told: Told) -> Iterable[Touched]:
    slot = f"broadcast:{told.stream}:{told.detail('number')}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, [told.detail("audience")])]


def _last_broadcast(told: Told) -> Iterable[Touched]:
    slot = f"last:{told.stream}:{told.entry.number}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, told.entry.details["audiences"])]


def _incident_known(told: Told) -> Iterable[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(told.line)]
    incident = find_incident(told.session, told.stream)
    if incident.severity > 2:
        return []
    slot = f"plain:{told.stream}:{incident.state}"
    return [Touched(f"{slot}@{to}") for to in readers(told.policy, told.policy.audiences)]


def _found(told: Told) -> Iterable[Touched]:
    """Its manager is called in the thread; alone where the channel of the thread is closed."""
    ours = ("channel_closed", told.policy.channels.releases)
    closed = any((one["code"], one["about"]) == ours for one in told.entry.details.get("findings", []))
    if not closed:
        return [Touched(told.line)]
    return [Touched(f"{told.line}@{person}") for person in told.entry.details.get("managers", [])]


def _word_overdue(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{told.detail('commander')}")]


def readers(policy: Policy, audiences: Iterable[str]) -> list[str]:
    """The channels and people of audiences, each once."""
    found = [
        to
        for name in audiences
        if name in policy.audiences
        for to in (*policy.audiences[name].channels, *policy.audiences[name].people)
    ]
    return list(dict.fromkeys(found))


CARDS = ("package", "checklist", "tasks", "stage", "deployment", "approval", "acceptance", "window")
# After these, cards of the past say or offer something else.
TURNS = frozenset(
    {
        Kind.PACKAGE_ACCEPTED,
        Kind.VALIDATION_VOIDED,
        Kind.DEPLOYMENT_SUCCEEDED,
        Kind.ROLLBACK_SUCCEEDED,
        Kind.ROLLBACK_UNDONE,
        Kind.ROLLBACK_FAILED,
        Kind.RELEASE_CANCELLED,
        Kind.RELEASE_CLOSED,
        Kind.RELEASE_MOVED_ON,
    }
)

TELLERS: Mapping[Kind, Teller] = {
    **SEAT_TELLERS,
    Kind.RELEASE_CREATED: _created,
    Kind.PACKAGE_ATTACHED: say_nothing,
    Kind.PACKAGE_REFUSED: _refused_package,
    Kind.PACKAGE_ACCEPTED: _package,
    Kind.COMPONENTS_LISTED: _listed,
    Kind.COMPONENTS_NOT_LISTED: _not_listed,
    Kind.ARTIFACTS_DELETED: say_nothing,
    Kind.PACKAGE_COMPARED: _compared,
    Kind.COMPARISON_REQUESTED: say_nothing,
    Kind.ACCEPTANCE_ASKED: _acceptance_asked,
    Kind.RISK_ACCEPTED: _accepted,
    Kind.SNAPSHOT_SKIPPED: _attempt_said,
    Kind.ITEM_STARTED: _item,
    Kind.ITEM_DONE: _item,
    Kind.ITEM_BLOCKED: _item_said,
    Kind.ITEM_WAIVED: _item_said,
    Kind.ITEM_REOPENED: _item,
    Kind.ITEM_ASSIGNED: _assigned,
    Kind.ITEM_SNOOZED: _item,
    Kind.ITEM_REMINDED: _item_reminded,
    Kind.ITEM_WAIVER_ENDED: _item_reminded,
    Kind.RELEASE_MOVED_ON: _moved_on,
    Kind.TASK_ADDED: _task_said,
    Kind.TASK_DUE: _task_due,
    Kind.TASK_STARTED: _task,
    Kind.TASK_DONE: _task_said,
    Kind.TASK_WAIVED: _task_said,
    Kind.TASK_REOPENED: _task_said,
    Kind.TASK_ASSIGNED: _task_assigned,
    Kind.TASK_MOVED: _task,
    Kind.TASK_DELETED: _task_said,
    Kind.STRATEGY_CHOSEN: _strategy_chosen,
    Kind.TESTS_CHOSEN: _tests_chosen,
    Kind.WINDOW_SET: _window_changed,
    Kind.WINDOW_OPENED: _window_opened,
    Kind.WINDOW_CLOSED: _window_changed,
    Kind.WINDOW_MISSED: _window_changed,
    Kind.FREEZE_WAIVED: _window_changed,
    Kind.START_AHEAD: _start_ahead,
    Kind.START_SKIPPED: _start_changed,
    Kind.RELEASE_HELD: _start_changed,
    Kind.RELEASE_RESUMED: _start_changed,
    Kind.VALIDATION_REQUESTED: _attempt,
    Kind.VALIDATION_PASSED: _attempt,
    Kind.VALIDATION_FAILED: _attempt_said,
    Kind.VALIDATION_STOPPED: _attempt_said,
    Kind.DEPLOYMENT_REQUESTED: _attempt,
    Kind.DEPLOYMENT_HELD: _attempt_said,
    Kind.SNAPSHOT_TAKEN: _item,
    Kind.DEPLOYMENT_STARTED: _attempt,
    Kind.DEPLOYMENT_SUCCEEDED: _attempt_said,
    Kind.DEPLOYMENT_FAILED: _attempt_said,
    Kind.DEPLOYMENT_CANCELLED: _attempt_said,
    Kind.DEPLOYMENT_UNKNOWN: _lost,
    Kind.DEPLOYMENT_CLARIFIED: _attempt_said,
    Kind.CANCEL_REQUESTED: _attempt,
    Kind.ORG_BUSY: _attempt_said,
    Kind.ROLLBACK_ASKED: _rollback_asked,
    Kind.ROLLBACK_LOOKED: _rollback_looked,
    Kind.ROLLBACK_NOT_LOOKED: _rollback_decided,
    Kind.ROLLBACK_ARMED: _proof,
    Kind.ROLLBACK_NOT_ARMED: _proof,
    Kind.ROLLBACK_WAY: _rollback_moved,
    Kind.ROLLBACK_UNDONE: _rollback_moved,
    Kind.VALIDATION_LAPSES: _lapses,
    Kind.ROLLBACK_CONFIRMED: _rollback_decided,
    Kind.ROLLBACK_DECLINED: _rollback_decided,
    Kind.ROLLBACK_EXPIRED: _rollback_decided,
    Kind.ROLLBACK_STARTED: _rollback_moved,
    Kind.ROLLBACK_HELD: _rollback_moved,
    Kind.ROLLBACK_SUCCEEDED: _rollback_moved,
    Kind.ROLLBACK_FAILED: _rollback_moved,
    Kind.BROADCAST_SCHEDULED: say_nothing,
    Kind.BROADCAST_SENT: _broadcast,
    Kind.BROADCASTS_ENDED: _last_broadcast,
    Kind.INCIDENT_OPENED: _incident_known,
    Kind.INCIDENT_RESOLVED: _incident_known,
    Kind.WORD_OVERDUE: _word_overdue,
    Kind.AUDIT_EXPORTED: say_nothing,
    Kind.CHECK_FOUND: _found,
}
