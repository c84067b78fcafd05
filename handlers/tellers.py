"""Which posts a fact touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from handlers.notifications import topic_of
from handlers.settled import reminders_settled
from release_core.facts import gather
from release_core.lookups import find_incident, find_release, run_sheet
from release_core.models import Incident, Post, Release, TimelineEntry
from release_core.notifications import muted_by
from release_core.permissions import others
from release_core.policy import Policy, Risk
from release_core.ports import Ports
from release_core.risks import who_may_accept
from release_core.rollback_requests import find_request
from release_core.seats import whom_to_ask
from release_core.tallies import roll_members
from release_core.timeline import Kind


@dataclass(frozen=True)
class Touched:
    """A slot that a fact touches; with `only_if_posted` it is drawn anew but never posted for the first time."""

    slot: str
    only_if_posted: bool = False


@dataclass(frozen=True)
class Told:
    """A fact being told."""

    session: Session
    ports: Ports
    entry: TimelineEntry

    @property
    def policy(self) -> Policy:
        return self.ports.policy

    @property
    def stream(self) -> str:
        return self.entry.stream

    @property
    def line(self) -> str:
        return f"entry:{self.entry.stream}:{self.entry.number}"

    def detail(self, name: str) -> str:
        return str(self.entry.details.get(name, ""))


Teller = Callable[[Told], Iterable[Touched]]


def touched_by(told: Told) -> list[Touched]:
    """The posts that a fact touches, each once, those that people wait for first.

    Only a headline that is not there yet comes before all else: the rest goes into its thread.
    """
    kind = Kind(told.entry.kind)
    head, cards = _head(told), _every_card(told) if kind in TURNS else []
    own = [*TELLERS.get(kind, _say_it)(told), *_settled(told)]
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
    return [one for slot in reminders_settled(told.session, told.entry) for one in _again(told, slot)]


def _say_it(told: Told) -> Iterable[Touched]:
    return [Touched(told.line)]


def _nothing(told: Told) -> Iterable[Touched]:
    return []


def _again(told: Told, name: str) -> list[Touched]:
    """Every posted copy of what is named so: "checklist:REL-1" is no part of "checklist:REL-12"."""
    slot = col(Post.slot)
    parts = (slot.startswith(f"{name}{mark}", autoescape=True) for mark in (":", "@"))
    slots = told.session.exec(select(Post.slot).where(or_(slot == name, *parts)).order_by(slot)).all()
    return [Touched(slot, only_if_posted=True) for slot in slots]


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
    return [Touched(f"tasks:{told.stream}"), *_weighed(told), *_turns(told)]


def _turns(told: Told) -> list[Touched]:
    """The cards that said whose turn it is: what they offer may be over."""
    turns = col(TimelineEntry.kind).in_((Kind.TASK_DUE, Kind.TASK_ASSIGNED))
    before = (TimelineEntry.stream == told.stream, TimelineEntry.number < told.entry.number)
    said = select(TimelineEntry.number).where(turns, *before)
    cards = (_again(told, f"entry:{told.stream}:{number}") for number in told.session.exec(said))
    return [one for card in cards for one in card]


def _task_said(told: Told) -> Iterable[Touched]:
    return [*_task(told), Touched(told.line)]


def _task_assigned(told: Told) -> Iterable[Touched]:
    return [*_task(told), Touched(f"{told.line}@{told.detail('owner')}")]


def _task_due(told: Told) -> Iterable[Touched]:
    people = told.entry.details.get("people", [])
    return [*_task(told), Touched(told.line), *(Touched(f"{told.line}@{person}") for person in people)]


def _weighed(told: Told) -> list[Touched]:
    """The cards that say whether it may go now."""
    return [*_again(told, f"window:{told.stream}"), *_again(told, f"stage:{told.stream}")]


def _moved_on(told: Told) -> Iterable[Touched]:
    slot = f"stage:{told.stream}:{told.detail('org')}"
    release = find_release(told.session, told.stream)
    return [Touched(slot), Touched(f"{slot}@{release.owner_id}"), *_again(told, f"tasks:{told.stream}")]


def _package(told: Told) -> Iterable[Touched]:
    return [Touched(f"package:{told.stream}:{told.detail('package')}")]


def _compared(told: Told) -> Iterable[Touched]:
    cards = (
        one
        for kind in ("approval", "acceptance", "rollcall", "window")
        for one in _again(told, f"{kind}:{told.stream}")
    )
    return [*_package(told), *cards, *([Touched(told.line)] if told.detail("again") else [])]


def _acceptance_asked(told: Told) -> Iterable[Touched]:
    facts = gather(told.session, told.policy, find_release(told.session, told.stream))
    risk: Risk = "impossible" if told.detail("about") == "impossible" else "no_snapshot"
    slot = f"acceptance:{told.stream}:{risk}:{told.detail('digest')}"
    return [Touched(slot), *(Touched(f"{slot}@{person}") for person in who_may_accept(facts, risk))]


def _accepted(told: Told) -> Iterable[Touched]:
    return [*_again(told, f"acceptance:{told.stream}"), *_again(told, f"window:{told.stream}"), Touched(told.line)]


def _refused_package(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{told.entry.actor}")]


def _listed(told: Told) -> Iterable[Touched]:
    return [Touched(f"pick:{told.stream}:{told.entry.number}@{told.entry.actor}")]


def _not_listed(told: Told) -> Iterable[Touched]:
    return [Touched(f"{told.line}@{told.entry.actor}")]


def _item(told: Told) -> Iterable[Touched]:
    return [*_again(told, f"checklist:{told.stream}"), *_weighed(told)]


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
        *_again(told, f"checklist:{told.stream}"),
        *_weighed(told),
        *_again(told, f"tasks:{told.stream}"),
        *_incidents_about(told),
    ]


def _attempt_said(told: Told) -> Iterable[Touched]:
    return [*_attempt(told), Touched(told.line)]


def _lost(told: Told) -> Iterable[Touched]:
    return _attempt_said(told) if told.stream.startswith("REL-") else [Touched(told.line)]


def _asked(told: Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    facts = gather(told.session, told.policy, release)
    digest, now = told.detail("digest"), told.ports.clock.now()
    found = []
    for seat in told.entry.details.get("seats", []):
        slot = f"approval:{told.stream}:{seat}:{digest}"
        asked = whom_to_ask(facts, told.policy, seat, now) if seat in facts.seats else ()
        found += [Touched(slot), *(Touched(f"{slot}@{p}") for p in asked)]
    return [*found, *_weighed(told)]


def _asked_on(told: Told) -> Iterable[Touched]:
    """Who has not answered is reminded in person; whoever is asked only now gets the question itself."""
    people, step = told.entry.details["people"], told.detail("step")
    cards = [f"approval:{told.stream}:{seat}:{told.detail('digest')}" for seat in told.entry.details["seats"]]
    copies = [Touched(f"{card}@{p}") for card in cards for p in people if step in ("alternates", "stand_in")]
    again = [one for card in cards for one in _again(told, card)]
    owner = [told.detail("owner"), *told.entry.details.get("deputies", [])]
    told_to = [*people, *(owner if step == "manager" else [])]
    lines = [Touched(f"{told.line}@{p}") for p in dict.fromkeys(told_to)]
    return [*copies, *again, Touched(told.line), *lines]


def _roll_called(told: Told) -> Iterable[Touched]:
    facts, now = gather(told.session, told.policy, find_release(told.session, told.stream)), told.ports.clock.now()
    slot = f"rollcall:{told.stream}:{told.detail('number')}"
    people = dict.fromkeys(p for seat in told.entry.details["seats"] for p in roll_members(facts, seat, now))
    before = _again(told, f"rollcall:{told.stream}")
    return [*before, Touched(slot), *(Touched(f"{slot}@{p}") for p in people), *_weighed(told)]


def _roll_answered(told: Told) -> Iterable[Touched]:
    """Its card shows every answer; a no-go is said as well, since it holds the release."""
    line = [Touched(told.line)] if told.detail("said") == "no_go" else []
    return [*_again(told, f"rollcall:{told.stream}:{told.detail('number')}"), *line, *_weighed(told)]


def _roll_closed(told: Told) -> Iterable[Touched]:
    called = dict.fromkeys((told.detail("called_by"), told.detail("owner")))
    lines = [Touched(f"{told.line}@{person}") for person in called]
    cards = _again(told, f"rollcall:{told.stream}:{told.detail('number')}")
    return [*cards, Touched(told.line), *lines, *_weighed(told)]


def _absence(told: Told) -> Iterable[Touched]:
    """Everybody reads who answers meanwhile; whoever that is hears of it in person."""
    deputy = told.detail("stand_in")
    return [Touched(told.line), *([Touched(f"{told.line}@{deputy}")] if deputy else [])]


def _every_question(told: Told) -> Iterable[Touched]:
    """One answer less, or one no: the other seats of whoever sits in two may show it, too."""
    people = told.entry.details.get("people") or [told.detail("person")]
    lines = [Touched(f"{told.line}@{p}") for p in people if p]
    return [*_again(told, f"approval:{told.stream}"), Touched(told.line), *lines, *_weighed(told)]


def _answered(told: Told) -> Iterable[Touched]:
    # Whoever sits in two seats may have moved over: every question shows how it stands now.
    copies = _again(told, f"approval:{told.stream}")
    declined = told.entry.kind == Kind.DECLINED
    return [*copies, *([Touched(told.line)] if declined or not copies else []), *_weighed(told)]


def _withdrawn(told: Told) -> Iterable[Touched]:
    copies = _again(told, f"approval:{told.stream}")
    lines = [Touched(told.line), *(Touched(f"{told.line}@{p}") for p in told.entry.details["people"])]
    return [*copies, *lines, *_weighed(told)]


def _strategy_chosen(told: Told) -> Iterable[Touched]:
    return [*_again(told, f"approval:{told.stream}"), Touched(told.line), *_weighed(told)]


def _tests_chosen(told: Told) -> Iterable[Touched]:
    cards = (*_again(told, f"approval:{told.stream}"), *_again(told, f"checklist:{told.stream}"))
    return [*cards, *_again(told, f"window:{told.stream}"), Touched(told.line)]


def _window_opened(told: Told) -> Iterable[Touched]:
    slot = f"window:{told.stream}:{told.detail('number')}"
    release = find_release(told.session, told.stream)
    return [Touched(slot), Touched(f"{slot}@{release.owner_id}")]


def _window_changed(told: Told) -> Iterable[Touched]:
    return [*_weighed(told), *_again(told, f"checklist:{told.stream}"), Touched(told.line)]


def _start_ahead(told: Told) -> Iterable[Touched]:
    release = find_release(told.session, told.stream)
    people = dict.fromkeys((release.owner_id, release.starts_by))
    return [Touched(told.line), *(Touched(f"{told.line}@{person}") for person in people if person)]


def _start_changed(told: Told) -> Iterable[Touched]:
    """What was offered before (hold it, skip it, resume it) is over."""
    query = select(TimelineEntry.number).where(
        TimelineEntry.stream == told.stream, col(TimelineEntry.kind).in_((Kind.START_AHEAD, Kind.RELEASE_HELD))
    )
    before = [_again(told, f"entry:{told.stream}:{number}") for number in told.session.exec(query)]
    return [Touched(told.line), *(one for each in before for one in each), *_weighed(told)]


def _rollback_asked(told: Told) -> Iterable[Touched]:
    request = find_request(told.session, int(told.detail("request")))
    slot = f"rollback:{told.stream}:{request.id}"
    if told.stream.startswith("REL-") and told.detail("incident"):
        return [Touched(told.line), *_weighed(told)]  # the question itself is asked in the incident
    holders = others(told.policy.holders_of("roll_back"), than=(request.requested_by,))
    replaced = _again(told, f"rollback:{told.stream}:{told.detail('replaces')}") if told.detail("replaces") else []
    return [*replaced, Touched(slot), *(Touched(f"{slot}@{holder}") for holder in holders), *_weighed(told)]


def _rollback_looked(told: Told) -> Iterable[Touched]:
    """What was found stands on the card; only what somebody has to decide is said as well."""
    card = _again(told, f"rollback:{told.stream}:{told.detail('request')}")
    return [*card, *([Touched(told.line)] if told.entry.details.get("drift") else [])]


def _proof(told: Told) -> Iterable[Touched]:
    """A way back was proven or not: the wishes that wait show it."""
    cards = [*_again(told, f"rollback:{told.stream}"), *_incidents_about(told), *_waiting_in_incidents(told)]
    return [Touched(told.line), *cards]


def _waiting_in_incidents(told: Told) -> list[Touched]:
    found = [_again(told, one.slot.replace("incident:", "rollback:", 1)) for one in _incidents_about(told)]
    return [one for each in found for one in each]


def _lapses(told: Told) -> Iterable[Touched]:
    return [Touched(told.line), Touched(f"{told.line}@{find_release(told.session, told.stream).owner_id}")]


def _rollback_decided(told: Told) -> Iterable[Touched]:
    return [*_again(told, f"rollback:{told.stream}:{told.detail('request')}"), Touched(told.line), *_weighed(told)]


def _rollback_moved(told: Told) -> Iterable[Touched]:
    if told.stream.startswith("REL-"):
        return [Touched(f"deployment:{told.detail('key')}"), Touched(told.line), *_weighed(told)]
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
    Kind.RELEASE_CREATED: _created,
    Kind.PACKAGE_ATTACHED: _nothing,
    Kind.PACKAGE_REFUSED: _refused_package,
    Kind.PACKAGE_ACCEPTED: _package,
    Kind.COMPONENTS_LISTED: _listed,
    Kind.COMPONENTS_NOT_LISTED: _not_listed,
    Kind.ARTIFACTS_DELETED: _nothing,
    Kind.PACKAGE_COMPARED: _compared,
    Kind.COMPARISON_REQUESTED: _nothing,
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
    Kind.APPROVALS_ASKED: _asked,
    Kind.APPROVED: _answered,
    Kind.DECLINED: _answered,
    Kind.APPROVALS_WITHDRAWN: _withdrawn,
    Kind.ANSWER_TAKEN_BACK: _every_question,
    Kind.APPROVAL_EXPIRED: _every_question,
    Kind.REFUSAL_SET_ASIDE: _every_question,
    Kind.SEATS_REMINDED: _asked_on,
    Kind.ROLLCALL_CALLED: _roll_called,
    Kind.ROLLCALL_ANSWERED: _roll_answered,
    Kind.ROLLCALL_CLOSED: _roll_closed,
    Kind.ABSENCE_SET: _absence,
    Kind.ABSENCE_ENDED: _absence,
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
    Kind.BROADCAST_SCHEDULED: _nothing,
    Kind.BROADCAST_SENT: _broadcast,
    Kind.BROADCASTS_ENDED: _last_broadcast,
    Kind.INCIDENT_OPENED: _incident_known,
    Kind.INCIDENT_RESOLVED: _incident_known,
    Kind.WORD_OVERDUE: _word_overdue,
    Kind.AUDIT_EXPORTED: _nothing,
    Kind.CHECK_FOUND: _found,
}
