"""What people say about validating, deploying, locking."""

from __future__ import annotations

from handlers.conversation import (
    Answer,
    ChoiceField,
    Form,
    Option,
    Request,
    TextField,
)
from handlers.phrases import note_argument, org_argument, org_title, plainly, release_argument
from handlers.readiness_cards import why_card
from handlers.releases import facts_of
from release_core import attempts, clarifying, deployments, org_locks, validations
from release_core.clarifying import Found
from release_core.errors import Unclear
from release_core.permissions import require
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
