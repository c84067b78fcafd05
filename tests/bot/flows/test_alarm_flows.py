"""What happens at its time, once."""

from __future__ import annotations

from datetime import timedelta

from bot.flows import alarms
from release_core import approvals, incidents, rollback_requests
from tests.bot.flows.scenes import Scene
from tests.release_core import builders
from tests.release_core.builders import MANAGER, PRODUCTION, TESTER


def _intent(scene: Scene, flow: str) -> dict[str, object]:
    return builders.intents(scene.ports, flow)[0].args


def test_a_window_opens_and_closes_once(scene: Scene) -> None:
    key = scene.planned()
    opening, closing = _intent(scene, "window_opening"), _intent(scene, "window_closing")
    for _ in range(2):
        alarms.window_opening(opening)
    assert scene.said(key).count("window_opened") == 1
    scene.clock.advance(timedelta(hours=41))
    for _ in range(2):
        alarms.window_closing(closing)
    assert scene.said(key).count("window_closed") <= 1


def test_a_promised_status_is_sent_once(scene: Scene) -> None:
    key = scene.planned()
    due = _intent(scene, "broadcast")
    for _ in range(2):
        alarms.broadcast(due)
    assert scene.said(key).count("broadcast_sent") == 1


def test_a_promised_word_is_asked_for_once(scene: Scene) -> None:
    incidents.open_incident(scene.ports, TESTER, title="Quotes fail", severity=2, org=PRODUCTION)
    promised = scene.clock.now() + timedelta(minutes=30)
    incidents.update_incident(scene.ports, TESTER, "INC-1", "looking", next_at=promised)
    scene.clock.advance(timedelta(minutes=30))
    for _ in range(2):
        alarms.word_due(_intent(scene, "word_due"))
    assert scene.said("INC-1").count("word_overdue") == 1


def test_a_watched_release_closes_at_the_end_of_its_soak(scene: Scene) -> None:
    key = scene.live()
    soak = _intent(scene, "soak_end")
    scene.clock.advance(timedelta(days=1))
    alarms.soak_end(soak)
    assert scene.release(key).state == "closed"


def test_a_wish_to_go_back_that_nobody_confirms_expires(scene: Scene) -> None:
    key = scene.live()
    rollback_requests.ask_rollback(scene.ports, MANAGER, key, "it broke")
    expiry = _intent(scene, "rollback_expiry")
    alarms.rollback_expiry(expiry)
    assert "rollback_expired" not in scene.said(key)
    scene.clock.advance(timedelta(hours=1))
    alarms.rollback_expiry(expiry)
    assert "rollback_expired" in scene.said(key)


def test_a_seat_is_asked_on_once_for_each_step(scene: Scene) -> None:
    key = scene.planned()
    builders.a_package(scene.ports, key)
    approvals.ask_for_approvals(scene.ports, MANAGER, key)
    reminder = next(one for one in builders.intents(scene.ports, "seat_round") if one.args["step"] == "remind")
    alarms.seat_round(reminder.args)
    assert "seats_reminded" not in scene.said(key)
    scene.clock.advance(reminder.due_at - scene.clock.now())
    for _ in range(2):
        alarms.seat_round(reminder.args)
    assert scene.said(key).count("seats_reminded") == 1
