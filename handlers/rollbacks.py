"""What people say about going back: as a whole, in parts, and forward again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.conversation import (
    Answer,
    ChoiceField,
    Field,
    Form,
    Option,
    Paragraph,
    Request,
    TextField,
    at,
    clean,
    code,
    people,
)
from handlers.phrases import count, note_argument, org_argument, org_title, plainly, release_argument
from handlers.release_words import way_back_from, way_back_words
from handlers.releases import facts_of
from release_core import rollback_choices, rollback_requests, ways_back
from release_core.errors import NotFound, Unclear
from release_core.facts import ReleaseFacts
from release_core.lookups import find_deployment
from release_core.models import Deployment, RollbackRequest
from release_core.permissions import others, require
from release_core.ports import Ports
from release_core.rollbacks import parts_of

CHOICES_AT_MOST = 100  # of one menu; with more parts, people write lines
LEAVE_HINT = (
    "What you leave keeps what is there now; all else goes back, also what somebody changed since. Whether something "
    "that goes back needs a part that is left, the org's check says."
)


@dataclass(frozen=True)
class Part:
    """One part of a way back: what going back does with it, what somebody did to it since ("" for nothing)."""

    act: str
    type: str
    name: str
    since: str = ""

    @property
    def value(self) -> str:
        """What stands for it in a form; names may be longer than a platform takes."""
        return hashlib.sha256(self.line.encode()).hexdigest()[:16]

    @property
    def line(self) -> str:
        """ "ApexClass Discount", as people write it."""
        return f"{self.type} {self.name}"

    @property
    def label(self) -> str:
        return clean(f"{self.line}: {self.since or self.act}")


def rollback(ports: Ports, request: Request) -> Answer:
    """`/release rollback`: ask to go back, or forward again; a second person has to agree."""
    require(ports.policy, request.actor.id, "roll_back")
    key, reason = release_argument(ports, request), note_argument(request)
    overwrite = request.args.get("overwrite") == "yes"
    org = org_argument(ports, request) if request.args.get("org") else None
    facts = facts_of(ports, key)
    undone = ways_back.standing_in(facts, org)
    if not reason:
        return _asking(ports, facts, org, overwrite=overwrite)
    undoes = str(request.args.get("undoes") or "")
    rollback_requests.must_be_what_was_shown(key, undone, undoes)  # else the parts would be those of another way back
    leave = _left(request, _parts(ports, undone)) if request.args.get("leave") else []
    request_id = rollback_requests.ask_rollback(
        ports, request.actor.id, key, reason, overwrite=overwrite, leave=leave, org=org, undoes=undoes
    )
    return _asked(ports, request, request_id, key)


def _asking(ports: Ports, facts: ReleaseFacts, org: str | None, *, overwrite: bool) -> Form:
    release, undone = facts.release, ways_back.standing_in(facts, org)
    title = org_title(ports.policy, undone.org if undone else org or release.target_org)
    where = {**({"org": org} if org else {}), **({"undoes": undone.key} if undone else {})}
    if undone and undone.purpose == "rollback":
        intro = f"{release.key} comes back into {title}: the rollback is undone. It runs tests. A lock stays."
        fields: tuple[Field, ...] = (TextField("note", "Why it may come back", long=True),)
        return Form(
            f"Undo rollback {release.key}",
            "release_rollback",
            fields,
            "Ask for it",
            {"release": release.key, **where},
            [Paragraph(intro)],
        )
    now = ports.clock.now()
    way = way_back_from(facts, undone, now) if undone else way_back_words(facts, now)
    intro = f"{title} returns to before {release.key}. Way back: {way}."
    parts, last = _parts(ports, undone), _last_wish(ports, undone)
    left = {tuple(part) for part in last.leave} if last else set()
    chosen = [part for part in parts if part.since or (part.type, part.name) in left]
    # Whoever asks again, because it could not start or nobody agreed, does not have to say it all once more.
    reason = last.reason if last and last.state != "declined" else ""
    fields = (TextField("note", "What is broken", reason, long=True), *_leave_fields(parts, chosen))
    args = {"release": release.key, **({"overwrite": "yes"} if overwrite else {}), **where}
    return Form(f"Roll back {release.key}", "release_rollback", fields, "Ask for rollback", args, [Paragraph(intro)])


def _leave_fields(parts: Sequence[Part], chosen: Sequence[Part]) -> tuple[Field, ...]:
    if not parts:
        return ()
    label = "Leave as they are"
    if len(parts) > CHOICES_AT_MOST:
        lines = "\n".join(part.line for part in chosen)
        hint = f"{LEAVE_HINT} One part in each line, such as: {parts[0].line}"
        return (TextField("leave", label, lines, hint, optional=True, long=True),)
    options = [Option(part.value, part.label) for part in parts]
    return (ChoiceField("leave", label, options, [p.value for p in chosen], many=True, hint=LEAVE_HINT, optional=True),)


def _asked(ports: Ports, request: Request, request_id: int, key: str) -> Answer:
    holders = others(ports.policy.holders_of("roll_back"), than=(request.actor.id,))
    with ports.store.reading() as session:
        wish = rollback_requests.find_request(session, request_id)
        undone = find_deployment(session, wish.deployment_id)
    if not holders:
        rights = code("rights: roll_back")
        return plainly(
            f"Asked, but nobody else may confirm it. Have an administrator name somebody under {rights}.", "stop"
        )
    happens = f"is {_happens(ports, undone)}"
    left = f" {_left_words(wish.leave)}." if wish.leave else ""
    sentence = (
        f"Asked. {people(holders, last='or')} has to confirm until {at(wish.expires_at)}; then {key} {happens}.{left}"
    )
    return plainly(sentence, "wait")


def choose(ports: Ports, request: Request) -> Answer:
    """ "Choose parts…" under a wish: what stays as it is, what goes back whoever changed it since."""
    require(ports.policy, request.actor.id, "roll_back")
    request_id = _request_id(request)
    with ports.store.reading() as session:
        wish = rollback_requests.find_request(session, request_id)
    parts = _parts_of_wish(ports, wish)
    anyway = request.args.get("overwrite") == "yes"
    if "leave" not in request.args and not anyway:
        open_parts = {tuple(row[:2]) for row in rollback_requests.undecided(wish, wish.drift)}
        chosen = open_parts | {tuple(row) for row in wish.leave}
        fields = _leave_fields(parts, [part for part in parts if (part.type, part.name) in chosen])
        args = {"request": str(request_id), "looked": "yes" if wish.looked_at else "no"}
        return Form("Choose parts", "release_parts", fields, "Ask with this", args)
    leave = wish.leave if anyway else _left(request, parts)
    shown = request.args.get("looked") != "no"
    rollback_choices.choose_parts(ports, request.actor.id, request_id, leave, shown=shown)
    left = _left_words(leave) if leave else "everything goes back"
    return plainly(f"Asked again, with {left}. Somebody else has to confirm it.", "wait")


def _left_words(parts: Sequence[object]) -> str:
    return f"{count(len(parts), 'part')} left as {'it is' if len(parts) == 1 else 'they are'}"


def prove(ports: Ports, request: Request) -> Answer:
    """ "Prove it first" under a wish: a check-only run of exactly this way back."""
    attempt = rollback_choices.prove_first(ports, request.actor.id, _request_id(request))
    return plainly(f"{attempt} tries it check-only. When it has passed, going back so is a quick deploy.", "wait")


def confirm_rollback(ports: Ports, request: Request) -> Answer:
    """A second person's yes."""
    request_id = _request_id(request)
    key = rollback_requests.decide_rollback(ports, request.actor.id, request_id, yes=True)
    with ports.store.reading() as session:
        undone = find_deployment(session, rollback_requests.find_request(session, request_id).deployment_id)
    return plainly(f"Confirmed. {key} is being {_happens(ports, undone)}.", "wait")


def _happens(ports: Ports, undone: Deployment) -> str:
    org = org_title(ports.policy, undone.org)
    return f"brought back into {org}" if undone.purpose == "rollback" else f"rolled back in {org}"


def decline_rollback(ports: Ports, request: Request) -> Answer:
    """A second person's no; with `ask` a form wants the reason first."""
    comment = note_argument(request)
    if request.args.get("ask") == "yes" and not comment:
        fields = (TextField("note", "Why not", long=True, hint="Whoever asked reads it."),)
        hidden = {"request": str(_request_id(request)), "ask": "yes"}
        return Form("Decline the rollback", "release_decline_rollback", fields, "Decline", hidden)
    key = rollback_requests.decide_rollback(ports, request.actor.id, _request_id(request), yes=False, comment=comment)
    sentence = f"The rollback of {key} is declined; nothing was changed."
    return plainly(sentence)


def _request_id(request: Request) -> int:
    said = str(request.args.get("request") or "")
    if not said.isdigit():
        raise Unclear("Press the button under the request: it shows what would be rolled back.")
    return int(said)


def _parts(ports: Ports, undone: Deployment | None) -> list[Part]:
    """The parts of the way back of what is live, with what the last attempt found changed since."""
    if undone is None or undone.purpose == "rollback" or not undone.rollback_digest:
        return []
    last = _last_wish(ports, undone)
    return _read_parts(ports, undone.rollback_digest, last.drift if last else [])


def _last_wish(ports: Ports, undone: Deployment | None) -> RollbackRequest | None:
    if undone is None:
        return None
    with ports.store.reading() as session:
        return rollback_requests.last_request(session, undone)


def _parts_of_wish(ports: Ports, wish: RollbackRequest) -> list[Part]:
    with ports.store.reading() as session:
        undone = find_deployment(session, wish.deployment_id)
    return _read_parts(ports, undone.rollback_digest, wish.drift)


def _read_parts(ports: Ports, digest: str, drift: Sequence[Sequence[str]]) -> list[Part]:
    since = {(row[0], row[1]): f"{row[2]} since{f' by {row[3]}' if row[3] else ''}" for row in drift}
    try:
        acts = {(c.type, c.name): act for act, c in parts_of(ports.artifacts.load(digest))}
    except NotFound:
        acts = {}  # a package that is lost is told when it is needed; a form without its parts still asks
    named = [*since, *(part for part in acts if part not in since)]
    return [
        Part(acts.get((kind, name), "goes with it"), kind, name, since.get((kind, name), "")) for kind, name in named
    ]


def _left(request: Request, parts: Sequence[Part]) -> list[list[str]]:
    """The chosen parts, from a menu's values or from lines that people wrote."""
    said = request.args.get("leave") or []
    known: Mapping[str, Part] = {part.value: part for part in parts} | {part.line.casefold(): part for part in parts}
    lines = said.splitlines() if isinstance(said, str) else list(said)
    found = []
    for line in (" ".join(str(line).split()) for line in lines):
        part = known.get(line.casefold())
        if part is None and line:
            raise Unclear(f"“{line}” is no part of this way back. Write its type and name.", field="leave")
        if part is not None:
            found.append([part.type, part.name])
    return found
