"""What people say about validating, deploying, going back, locking."""

from __future__ import annotations

from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    Option,
    Paragraph,
    Request,
    TextField,
    at,
    code,
    people,
)
from handlers.phrases import note_argument, org_argument, org_title, plainly, release_argument
from handlers.readiness_cards import why_card
from handlers.release_words import way_back_from, way_back_words
from handlers.releases import facts_of
from release_core import attempts, clarifying, deployments, org_locks, rollback_requests, validations
from release_core.clarifying import Found
from release_core.errors import Unclear
from release_core.permissions import others, require
from release_core.ports import Ports

FOUND = (
    Option("never_arrived", "the org never took it"),
    Option("arrived", "it is there", "running or ended"),
)


def validate(ports: Ports, request: Request) -> Answer:
    """`/release validate`: check-only runs with tests."""
    key = release_argument(ports, request)
    org = org_argument(ports, request) if request.args.get("org") else None
    attempt = validations.request_validation(ports, request.actor.id, key, org=org)
    sentence = f"{attempt} validates {key}. Its post in the thread of {key} shows how far it is."
    return plainly(sentence, "wait")


def deploy(ports: Ports, request: Request) -> Answer:
    """`/release deploy`: everything to weigh, with the button that starts it."""
    require(ports.policy, request.actor.id, "deploy")
    facts = facts_of(ports, release_argument(ports, request))
    return why_card(facts, ports.policy, ports.clock.now())


def go(ports: Ports, request: Request) -> Answer:
    """The confirmed click on "Deploy to …"."""
    key = release_argument(ports, request)
    digest = str(request.args.get("digest") or "")
    if not digest:
        raise Unclear(f"Press the button under /release deploy {key}: it shows what you are about to do.")
    attempt = deployments.request_deployment(ports, request.actor.id, key, digest=digest)
    sentence = f"{attempt} is under way: gates once more, snapshot, deployment, proof of the way back."
    return plainly(sentence, "wait")


def stop(ports: Ports, request: Request) -> Answer:
    """`/release stop`: cancel what is under way."""
    key = release_argument(ports, request)
    attempt = attempts.request_cancel(ports, request.actor.id, key)
    sentence = f"{attempt} is asked to stop. Its post says whether that was in time."
    return plainly(sentence, "wait")


def clarify(ports: Ports, request: Request) -> Answer:
    """`/release clarify`: what became of an attempt whose answer was lost."""
    require(ports.policy, request.actor.id, "deploy")
    key, note, found = release_argument(ports, request), note_argument(request), str(request.args.get("found") or "")
    if found not in [option.value for option in FOUND]:
        fields = (
            ChoiceField("found", "In Deployment Status", FOUND),
            TextField("job", "Its id there", optional=True, placeholder="0Af…", hint="Only when the org took it."),
            TextField("note", "What you saw", note, long=True),
        )
        return Form(f"Clarify {key}", "release_clarify", fields, "Settle", {"release": key})
    job = str(request.args.get("job") or "").strip()
    what: Found = "arrived" if found == "arrived" else "never_arrived"
    attempt = clarifying.clarify(ports, request.actor.id, key, found=what, job_id=job, note=note)
    ending = "Its post shows how it goes on." if found == "arrived" else "It counts as failed; it may be tried again."
    return plainly(f"{attempt} is clarified. {ending}", "good")


def rollback(ports: Ports, request: Request) -> Answer:
    """`/release rollback`: ask to go back; a second person has to agree."""
    require(ports.policy, request.actor.id, "roll_back")
    key, reason = release_argument(ports, request), note_argument(request)
    overwrite = request.args.get("overwrite") == "yes"
    org = org_argument(ports, request) if request.args.get("org") else None
    if not reason:
        facts = facts_of(ports, key)
        live = facts.live_in(org) if org else facts.live
        where = org_title(ports.policy, live.org if live else org or facts.release.target_org)
        now = ports.clock.now()
        way = way_back_from(facts, live, now) if live else way_back_words(facts, now)
        intro = [Paragraph(f"{where} returns to before {key}. Way back: {way}.")]
        fields = (TextField("note", "What is broken", long=True),)
        args = {"release": key, **({"overwrite": "yes"} if overwrite else {}), **({"org": org} if org else {})}
        return Form(f"Roll back {key}", "release_rollback", fields, "Ask for rollback", args, intro)
    request_id = rollback_requests.ask_rollback(ports, request.actor.id, key, reason, overwrite=overwrite, org=org)
    holders = others(ports.policy.holders_of("roll_back"), than=(request.actor.id,))
    with ports.store.reading() as session:
        until = rollback_requests.find_request(session, request_id).expires_at
    if not holders:
        rights = code("rights: roll_back")
        return plainly(
            f"Asked, but nobody else may confirm it. Have an administrator name somebody under {rights}.", "stop"
        )
    sentence = f"Asked. {people(holders, last='or')} has to confirm until {at(until)}; then {key} is rolled back."
    return plainly(sentence, "wait")


def confirm_rollback(ports: Ports, request: Request) -> Answer:
    """A second person's yes."""
    key = rollback_requests.decide_rollback(ports, request.actor.id, _request_id(request), yes=True)
    sentence = f"Confirmed. {key} is being rolled back."
    return plainly(sentence, "wait")


def decline_rollback(ports: Ports, request: Request) -> Answer:
    """A second person's no."""
    comment = note_argument(request)
    key = rollback_requests.decide_rollback(ports, request.actor.id, _request_id(request), yes=False, comment=comment)
    sentence = f"The rollback of {key} is declined; nothing was changed."
    return plainly(sentence)


def _request_id(request: Request) -> int:
    said = str(request.args.get("request") or "")
    if not said.isdigit():
        raise Unclear("Press the button under the request: it shows what would be rolled back.")
    return int(said)


def lock(ports: Ports, request: Request) -> Answer:
    """`/release lock`: close an org to releases."""
    require(ports.policy, request.actor.id, "lock_org")
    org, reason = org_argument(ports, request), note_argument(request)
    if not reason:
        return _why(f"Lock {org_title(ports.policy, org)}", "release_lock", org, "Lock")
    org_locks.lock_org(ports, request.actor.id, org, reason)
    sentence = f"{org_title(ports.policy, org)} is locked: {reason}"
    return plainly(sentence, "stop")


def unlock(ports: Ports, request: Request) -> Answer:
    """`/release unlock`: open an org to releases again."""
    require(ports.policy, request.actor.id, "lock_org")
    org, reason = org_argument(ports, request), note_argument(request)
    if not reason:
        return _why(f"Unlock {org_title(ports.policy, org)}", "release_unlock", org, "Unlock")
    org_locks.unlock_org(ports, request.actor.id, org, reason)
    sentence = f"{org_title(ports.policy, org)} is open again."
    return plainly(sentence, "good")


def _why(title: str, verb: str, org: str, submit: str) -> Form:
    return Form(title[:24], verb, (TextField("note", "Why", long=True),), submit, {"org": org})
