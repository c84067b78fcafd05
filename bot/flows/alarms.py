"""What happens at its time: windows, promised status, expiry, lapses, the end of the soak."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.durable import fact, flow
from bot.outside import current
from release_core import (
    absences,
    approvals,
    asks,
    broadcasts,
    incidents,
    item_alarms,
    proofs,
    releases,
    roll_calls,
    rollback_requests,
    scheduling,
    starting,
)
from release_core.starting import Booking
from release_core.timeline import BOT


@flow("window_opening")
def window_opening(args: dict[str, Any]) -> None:
    """The start of a window has come."""
    open_window(args["release"], args["number"])


@flow("window_closing")
def window_closing(args: dict[str, Any]) -> None:
    """The end of a window has come."""
    close_window(args["release"], args["number"])


@flow("broadcast")
def broadcast(args: dict[str, Any]) -> None:
    """A promised status is due."""
    send_status(args["release"], args["number"])


@flow("rollback_expiry")
def rollback_expiry(args: dict[str, Any]) -> None:
    """A wish to go back has waited long enough."""
    expire_request(args["request"])


@flow("word_due")
def word_due(args: dict[str, Any]) -> None:
    """The next word on an incident is due."""
    note_word_due(args["incident"], args["due"])


@flow("soak_end")
def soak_end(args: dict[str, Any]) -> None:
    """A release has been watched long enough."""
    close_release(args["release"])


@flow("seat_round")
def seat_round(args: dict[str, Any]) -> None:
    """A seat was asked a while ago."""
    ask_on(args["release"], args["asking"], args["step"])


@flow("approval_expiry")
def approval_expiry(args: dict[str, Any]) -> None:
    """A yes has counted for as long as it may."""
    expire_answer(args["approval"])


@flow("item_reminder")
def item_reminder(args: dict[str, Any]) -> None:
    """An item of a checklist comes due, or is overdue."""
    remind_of_item(args["item"])


@flow("waiver_end")
def waiver_end(args: dict[str, Any]) -> None:
    """An item was waived for a while."""
    end_waiver(args["item"])


@flow("roll_call_end")
def roll_call_end(args: dict[str, Any]) -> None:
    """The deadline of a roll call has come."""
    close_call(args["release"], args["number"])


@flow("absence_begins")
def absence_begins(args: dict[str, Any]) -> None:
    """Somebody is away from now on."""
    call_stand_in(args["absence"])


@fact
def open_window(release: str, number: int) -> None:
    """Open the window, unless it was moved."""
    scheduling.open_window(current().ports, release, number)


@fact
def close_window(release: str, number: int) -> None:
    """Close the window."""
    scheduling.close_window(current().ports, release, number)


@fact
def send_status(release: str, number: int) -> None:
    """Send the status, promise the next."""
    broadcasts.send_due(current().ports, release, number)


@fact
def expire_request(request: int) -> None:
    """End the request, unless it was decided."""
    rollback_requests.expire_request(current().ports, request)


@fact
def note_word_due(incident: str, due: str) -> None:
    """Remind the commander, unless the word was said or promised anew."""
    incidents.note_word_due(current().ports, incident, datetime.fromisoformat(due))


@fact
def close_release(release: str) -> None:
    """Close the release, unless an incident keeps it open."""
    releases.close_release(current().ports, BOT, release, by_timer=True)


@fact
def ask_on(release: str, asking: int, step: asks.Step) -> None:
    """Remind those who were asked, ask others, or tell the owner, unless all have answered."""
    asks.ask_on(current().ports, release, asking, step)


@fact
def expire_answer(approval: int) -> None:
    """End the yes, ask its seat again."""
    approvals.expire_answer(current().ports, approval)


@fact
def remind_of_item(item: int) -> None:
    """Remind its owner, unless it was settled, moved or snoozed meanwhile."""
    item_alarms.remind(current().ports, item)


@fact
def end_waiver(item: int) -> None:
    """Open the item again, unless somebody has."""
    item_alarms.end_waiver(current().ports, item)


@fact
def close_call(release: str, number: int) -> None:
    """Freeze what was said, unless the roll was called anew."""
    roll_calls.close_call(current().ports, release, number)


@fact
def call_stand_in(absence: int) -> None:
    """Ask who answers meanwhile what is still open, unless other plans were made."""
    absences.call_stand_in(current().ports, absence)


@flow("proof_lapse")
def proof_lapse(args: dict[str, Any]) -> None:
    """A check-only run is ten days old."""
    note_lapse(args["attempt"])


@flow("validation_reminder")
def validation_reminder(args: dict[str, Any]) -> None:
    """A validation is about to lapse ahead of its window."""
    remind(args["attempt"])


@flow("revalidation")
def revalidation(args: dict[str, Any]) -> None:
    """A window comes near."""
    validate_again(args["release"], args["number"])


@flow("arming_renewal")
def arming_renewal(args: dict[str, Any]) -> None:
    """The proof of a way back is about to lapse."""
    prove_again(args["attempt"])


@flow("arming_again")
def arming_again(args: dict[str, Any]) -> None:
    """An org that was away may be back."""
    prove_again(args["attempt"])


@fact
def note_lapse(attempt: int) -> None:
    """Tell people, unless something newer counts."""
    proofs.lapse(current().ports, attempt)


@fact
def remind(attempt: int) -> None:
    """Tell the owner, unless it lasts after all."""
    proofs.remind_of_lapse(current().ports, attempt)


@fact
def validate_again(release: str, number: int) -> str:
    """Ask for another check-only run, when the one that counts does not last."""
    return proofs.revalidate(current().ports, release, number)


@fact
def prove_again(attempt: int) -> None:
    """Ask for another proof of the way back while its release is watched."""
    proofs.renew_arming(current().ports, attempt)


@flow("start_ahead")
def start_ahead(args: dict[str, Any]) -> None:
    """A release starts by itself soon."""
    note_start_ahead(args["release"], args["number"], args["booked_at"], args["minutes"])


@flow("start")
def start(args: dict[str, Any]) -> None:
    """A release starts by itself now."""
    start_now(args["release"], args["number"], args["booked_at"], args.get("attempt", 0))


@fact
def note_start_ahead(release: str, number: int, booked_at: str, minutes: int) -> None:
    """Tell people, unless it was taken back or booked anew."""
    booking = Booking(release, number, datetime.fromisoformat(booked_at))
    starting.note_start_ahead(current().ports, booking, minutes)


@fact
def start_now(release: str, number: int, booked_at: str, attempt: int) -> str:
    """Start it, or try again later."""
    booking = Booking(release, number, datetime.fromisoformat(booked_at))
    return starting.start_now(current().ports, booking, attempt)
