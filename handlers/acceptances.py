"""What people say about taking a risk upon themselves in writing."""

from __future__ import annotations

from handlers.acceptance_cards import at_stake, seat_title
from handlers.conversation import Answer, Form, Request, TextField
from handlers.phrases import note_argument, plainly, release_argument
from handlers.releases import facts_of
from release_core import acceptances
from release_core.acceptances import RISKS, must_be_acceptable, open_risk
from release_core.policy import Risk
from release_core.ports import Ports
from release_core.risks import risk_digest


def accept(ports: Ports, request: Request) -> Answer:
    """`/release accept`: a seat takes a risk in writing."""
    key, reason = release_argument(ports, request), note_argument(request)
    risk = next((one for one in RISKS if one == request.args.get("about")), None)
    digest = str(request.args.get("digest") or "")
    if not reason:
        return _form(ports, request, key, risk, digest)
    taken = acceptances.accept(ports, request.actor.id, key, reason, risk=risk, digest=digest)
    ending = {
        "impossible": "What cannot come back stands in its way no more; a changed package asks for it anew.",
        "no_snapshot": f"Within 4 hours {key} may be deployed without a way back, if the snapshot fails again.",
    }[taken]
    return plainly(f"Your acceptance for {key} is recorded. {ending}", "good")


def _form(ports: Ports, request: Request, key: str, risk: Risk | None, digest: str) -> Form:
    facts = facts_of(ports, key)
    risk = risk or open_risk(facts, ports.clock.now()) or "impossible"
    must_be_acceptable(facts, ports.policy, request.actor.id, risk)
    acceptances.must_be_unanswered(facts, risk, ports.clock.now())
    seat = seat_title(ports.policy, ports.policy.seat_that_accepts(risk, facts.release.kind))
    title = "Accept: no way back" if risk == "impossible" else "Go without a snapshot"
    hint = f"Recorded for {seat} with your name, for this package and this org only."
    fields = (TextField("note", "Why it may go all the same", long=True, hint=hint),)
    args = {"release": key, "about": risk, "digest": digest or risk_digest(facts, risk)}
    return Form(title, "release_accept", fields, "Accept", args, at_stake(facts, ports.policy, risk))
