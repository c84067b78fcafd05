"""Turns of phrase that several cards share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from handlers.addresses import named
from handlers.conversation import Button, Message, Paragraph, Request, Tone, at, bold, clean, code, people, person
from release_core.errors import NotFound, Unclear
from release_core.facts import next_org
from release_core.lookups import (
    FINAL_STATES,
    checklist,
    find_incident,
    find_org,
    find_release,
    open_incidents,
    open_releases,
    run_sheet,
)
from release_core.models import ChecklistItem, Incident, OrgLock, Release
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import Gate
from release_core.windows import Interval

MOST_NAMED = 10
USUAL_LENGTH = timedelta(hours=2)

STATES = {
    "draft": "draft, no window yet",
    "planned": "planned",
    "ready": "ready",
    "deploying": "being deployed",
    "soaking": "live, being watched",
    "closed": "closed",
    "cancelled": "cancelled",
    "failed": "failed, nothing was changed",
    "rolled_back": "rolled back",
}
MARKS = {"done": "✓", "waived": "–", "blocked": "✗", "in_progress": "…", "open": "○"}
VERDICTS = {
    "exact": "comes back exactly",
    "lossy": "comes back with losses",
    "manual": "needs a person",
    "impossible": "cannot come back",
}
BOT_NAME = "Rollcall"


def org_title(policy: Policy, org: str) -> str:
    """How people call an org."""
    rule = policy.orgs.get(org)
    return "every org" if org == "*" else rule.title if rule else org


def headline(release: Release) -> str:
    """ "REL-1 Discount approvals"."""
    return f"{bold(release.key)} {release.name}"


def release_line(release: Release, policy: Policy) -> str:
    """ "REL-1 Discount approvals · planned · PRODUCTION"."""
    name = f"{named(policy, release.key)} {release.name}"
    return f"{name} · {state_words(release, policy)} · {org_title(policy, release.target_org)}"


def state_words(release: Release, policy: Policy) -> str:
    """How far a release is; a staged one says which org, and which ones have it."""
    state = STATES[release.state]
    if not release.path or release.state in FINAL_STATES:
        return state
    title, following = org_title(policy, release.target_org), next_org(release)
    passed = [org_title(policy, org) for org in release.path[: release.path.index(release.target_org)]]
    held = f", live in {', '.join(passed)}" if passed else ""
    match release.state:
        case "failed":
            return f"failed in {title}, nothing was changed there{held}"
        case "soaking" if following:
            return f"live in {title}, being watched; then {org_title(policy, following)}"
        case "deploying":
            return f"being deployed to {title}{held}"
        case "soaking":
            return f"live in {', '.join([*passed, title])}, being watched"
    return f"{state}{held}"


def who(actor: str) -> str:
    """A person, or ourselves."""
    return BOT_NAME if actor == "rollcall" else person(actor)


def gate_sentence(gate: Gate) -> str:
    """A gate's reason with its instants shown to each reader in their own zone."""
    return replace(gate, because=clean(gate.because)).said(at)


def gate_line(gate: Gate) -> str:
    """A closed gate: the reason, who can clear it, how."""
    reason = gate_sentence(gate)
    # Where people's own words end the sentence, its end is often missing.
    parts = [f"✗ {reason}" if reason.endswith((".", "!", "?", "…")) else f"✗ {reason}."]
    if gate.who and gate.way_out.startswith("/"):
        parts.append(f"{people(gate.who[:4], last='or')} can clear it: {code(gate.way_out)}")
    elif gate.way_out:
        parts.append(f"{gate.way_out} Ask {people(gate.who[:4], last='or')}." if gate.who else gate.way_out)
    return " ".join(parts)


def shortened(text: str, length: int) -> str:
    """The text, ending in "…" when it is longer than `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def count(number: int, one: str, many: str | None = None) -> str:
    """ "1 item", "2 items"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def lasting(span: timedelta) -> str:
    """A length of time in words: "3 min", "2 h 5 min"."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 1:
        return "moments"
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    named = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (rest, "min")) if n]
    return " ".join(named[:2])


def age(then: datetime | None, now: datetime) -> str:
    """How long ago something was."""
    if then is None:
        return "never"
    return "just now" if now - then < timedelta(minutes=1) else f"{lasting(now - then)} ago"


def item_line(item: ChecklistItem, owners: Sequence[str], team: str, stage: str = "", unless: str = "") -> str:
    """One line of a checklist: mark, number, title, who, due, note; `stage` is the org that a rule looks at now.

    `unless` says when it would be asked, of an item that is not.
    """
    if unless:
        return f"– {item.number} {item.title} · not needed: only when {unless}"
    holder = f"team {team}" if team else people(owners) if owners and not item.rule else ""
    holder = f"settles itself{f', now for {stage}' if stage else ''}" if item.rule else holder
    pieces = [f"{MARKS[item.state]} {item.number} {item.title}", holder]
    if item.due_at and item.state in ("open", "in_progress", "blocked") and not item.rule:
        pieces.append(f"due {at(item.due_at)}")
    if item.evidence and item.state in ("open", "in_progress", "blocked"):
        pieces.append(f"needs a {item.evidence}")
    if item.snoozed_until and item.state in ("open", "in_progress", "blocked"):
        pieces.append(f"no reminder before {at(item.snoozed_until)}")
    if item.state == "waived" and item.waived_until:
        pieces.append(f"waived by {who(item.changed_by)} until {at(item.waived_until)}: {item.note}")
    elif item.state in ("blocked", "waived"):
        pieces.append(f"{item.state} by {who(item.changed_by)}: {item.note}")
    elif item.state == "done" and item.changed_by and item.changed_at:
        pieces.append(f"done by {who(item.changed_by)} {at(item.changed_at)}{f': {item.note}' if item.note else ''}")
    return " · ".join(piece for piece in pieces if piece)


def release_argument(ports: Ports, request: Request) -> str:
    """Which release was meant: the one said, the suspect of an incident, the only one open, else one has to say."""
    said = request.args.get("release")
    if said:
        return str(said)
    with ports.store.reading() as session:
        if suspect := _suspect(session, request):
            return suspect
        known = {release.key: f"{release.key} {release.name}" for release in open_releases(session)}
    if len(known) == 1:
        return next(iter(known))
    if not known:
        raise NotFound("No release is open. Plan one with /release new.", field="release")
    raise WhichOne("release", known)


def _suspect(session: Session, request: Request) -> str:
    """The release that the incident of this thread suspects; "" when it is about none."""
    if "incident" not in request.args:
        return ""
    incident = find_incident(session, str(request.args["incident"]))
    release = session.get(Release, incident.release_id) if incident.release_id else None
    return release.key if release else ""


def interval_argument(request: Request) -> Interval | None:
    """`at`, with `until` or `for`; two hours when neither was said. None without `at`."""
    start: datetime | None = request.args.get("at")
    end: datetime | None = request.args.get("until")
    if start is None:
        return None
    end = end or start + request.args.get("for", USUAL_LENGTH)
    if end <= start:
        raise Unclear("It ends at or before it starts. Give a later end.", field="until")
    return Interval(start, end)


def incident_argument(ports: Ports, request: Request) -> str:
    """Which incident was meant: the one said, the only one open, else the person has to say."""
    said = request.args.get("incident")
    if said:
        return str(said)
    with ports.store.reading() as session:
        known = {incident.key: f"{incident.key} {incident.title}" for incident in open_incidents(session)}
    if len(known) == 1:
        return next(iter(known))
    if not known:
        raise NotFound("No incident is open. Open one with /incident open -- what is broken.", field="incident")
    raise WhichOne("incident", known)


class WhichOne(Unclear):
    """Several things could be meant, by key with what they are called; the desk offers them."""

    def __init__(self, kind: str, known: Mapping[str, str], sentence: str = "") -> None:
        more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
        super().__init__(sentence or f"Which {kind}? Open: {', '.join([*known][:MOST_NAMED])}{more}.", field=kind)
        self.kind, self.known = kind, dict(known)


def org_argument(ports: Ports, request: Request, *, default: str | None = None) -> str:
    """The org that was said, by its policy key."""
    said = request.args.get("org") or default
    if not said:
        known = {key: rule.title for key, rule in ports.policy.orgs.items()}
        raise WhichOne("org", known, f"Say which org: in ORG, one of {', '.join(known.values())}.")
    return find_org(ports.policy, str(said))


def note_argument(request: Request) -> str:
    """The free text after `--`, or the words that were left."""
    note = request.args.get("note")
    # Some write their note behind a single dash.
    return str(note) if note else " ".join(request.args.get("words", [])).removeprefix("- ")


def item_argument(ports: Ports, request: Request, key: str, noun: str = "item") -> tuple[str, str]:
    """The item (or task) that was said, by number or by words of its title, with the rest as a note."""
    words = [str(word) for word in request.args.get("words", [])]
    note = str(request.args.get("note") or "")
    if said := request.args.get(noun):
        return str(said), note or " ".join(words)
    if not words:
        raise _which_of(ports, key, noun)
    length = 1 if re.fullmatch(r"#?\d+", words[0]) else _words_of_title(ports, key, words, noun, whole=bool(note))
    return " ".join(words[:length]), note or " ".join(words[length:])


def _which_of(ports: Ports, key: str, noun: str) -> WhichOne | NotFound:
    """What is said to somebody who named no item (or task): they choose one of those that people settle."""
    with ports.store.reading() as session:
        release = find_release(session, key)
        items = {str(row.number): row for row in checklist(session, release) if not row.rule}
        rows = {f"id:{row.id}": row for row in run_sheet(session, release)} if noun == "task" else items
        known = {said: f"{MARKS[row.state]} {row.number} {row.title}" for said, row in rows.items()}
    sentence = f"Say which {noun}, by its number or by words of its title."
    return (
        WhichOne(noun, known, sentence) if known else NotFound(f"{key} has no {noun} that people settle.", field=noun)
    )


def _words_of_title(ports: Ports, key: str, words: Sequence[str], noun: str, *, whole: bool) -> int:
    """How many of the words name an item or task: as many as stand in one title together."""
    if whole:
        return len(words)
    with ports.store.reading() as session:
        release = find_release(session, key)
        rows = run_sheet(session, release) if noun == "task" else checklist(session, release)
        titles = [row.title.casefold() for row in rows]
    named = (n for n in range(len(words), 0, -1) if any(" ".join(words[:n]).casefold() in title for title in titles))
    return next(named, len(words))


def incident_line(incident: Incident, policy: Policy) -> str:
    """ "INC-1 sev 1 on PRODUCTION: Quotes cannot be saved"."""
    return (
        f"{named(policy, incident.key)} sev {incident.severity} on {org_title(policy, incident.org)}: {incident.title}"
    )


def plainly(sentence: str, tone: Tone = "plain") -> Message:
    """A message of one sentence."""
    return Message(sentence, [Paragraph(sentence)], tone=tone)


def lock_line(lock: OrgLock, policy: Policy) -> str:
    """ "PRODUCTION is locked since today 21:40 by Anna: …"."""
    title = bold(org_title(policy, lock.org))
    return f"{title} is locked since {at(lock.locked_at)} by {who(lock.locked_by)}: {lock.reason}"


def do(label: str, verb: str, **args: str) -> Button:
    """A plain button."""
    return Button(label, verb, args)
