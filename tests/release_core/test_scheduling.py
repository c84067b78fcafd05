"""Windows, the freezes over them, the waivers through those."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from release_core import releases, scheduling
from release_core.errors import Conflict, NotAllowed, NotFound, Refused, Unclear
from release_core.models import DeploymentWindow, Waiver
from release_core.ports import Ports
from release_core.readiness import next_legal
from release_core.timeline import BOT, Kind
from release_core.windows import Interval
from tests.release_core import builders
from tests.release_core.builders import (
    ADMINISTRATOR,
    DEVELOPER,
    DIRECTOR,
    MANAGER,
    NOW,
    a_freeze,
    a_policy,
    a_ready_release,
    a_release,
    a_soaking_release,
    a_started_deployment,
    a_window,
    all_gates,
    blocked_by,
    facts_of,
    gate,
    go_to,
    intents,
    kinds,
    last,
    later,
    release,
)

REASON = "the director agreed by phone"
NIGHTLY = {"org": "production", "days": ["mon", "tue", "wed", "thu"], "from": "22:00", "to": "02:00", "zone": "UTC"}


def window(ports: Ports, key: str) -> DeploymentWindow:
    found = facts_of(ports, key).window
    assert found is not None
    return found


# Booking


def test_a_booked_window_sets_alarms_at_its_start_and_at_its_end(ports: Ports) -> None:
    key = a_release(ports)
    scheduling.set_window(ports, MANAGER, key, a_window(start=3, hours=2))
    (opening,), (closing,) = intents(ports, "window_opening"), intents(ports, "window_closing")
    assert (opening.due_at, closing.due_at) == (NOW + timedelta(hours=3), NOW + timedelta(hours=5))
    assert last(ports, key, Kind.WINDOW_SET).details["starts_at"] == "2026-11-23T12:00:00+00:00"
    assert release(ports, key).state == "planned"


def test_moving_a_window_takes_the_old_alarms_back(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=3))
    scheduling.set_window(ports, MANAGER, key, a_window(start=10))
    assert [intent.due_at for intent in intents(ports, "window_opening")] == [NOW + timedelta(hours=10)]
    assert [intent.args["number"] for intent in intents(ports, "window_closing")] == [2]
    later(ports, hours=3)
    assert not scheduling.open_window(ports, key, 1)
    assert Kind.WINDOW_OPENED not in kinds(ports, key)


def test_a_window_in_the_past_is_refused_and_nothing_is_planned(ports: Ports) -> None:
    with pytest.raises(Unclear, match="lies in the past") as unclear:
        a_release(ports, window=a_window(start=-5, hours=2))
    assert unclear.value.field == "at"
    assert a_release(ports) == "REL-1"


def test_a_window_that_has_begun_may_still_be_booked(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=-1, hours=2))
    assert gate(ports, key, "window").passes


def test_a_window_of_more_than_two_days_is_refused(ports: Ports) -> None:
    with pytest.raises(Unclear, match="two days at most") as unclear:
        a_release(ports, window=a_window(hours=49))
    assert unclear.value.field == "until"


def test_only_release_managers_book(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(NotAllowed, match="You may not set the window here"):
        scheduling.set_window(ports, DEVELOPER, key, a_window())
    assert facts_of(ports, key).window is None


def test_a_window_outside_the_policys_is_refused_with_the_next_legal_time() -> None:
    ports = builders.ports(policy=a_policy(windows=[NIGHTLY]))
    key = a_release(ports)
    with pytest.raises(Refused, match="does not let PRODUCTION be deployed to") as refused:
        scheduling.set_window(ports, MANAGER, key, a_window(start=1))
    assert refused.value.code == "window_illegal"
    assert refused.value.passes_at == NOW + timedelta(hours=13)


def test_an_overnight_window_inside_the_policys_is_booked() -> None:
    ports = builders.ports(policy=a_policy(windows=[NIGHTLY]))
    key = a_release(ports)
    scheduling.set_window(ports, MANAGER, key, a_window(start=13, hours=4))
    with pytest.raises(Refused):
        scheduling.set_window(ports, MANAGER, key, a_window(start=13, hours=4.01))


def test_a_booked_window_that_the_policy_no_longer_allows_is_named() -> None:
    ports = builders.ports()
    key = a_release(ports, window=a_window(start=0))
    stricter = builders.ports(store=ports.store, policy=a_policy(windows=[NIGHTLY]))
    assert "window_illegal" in blocked_by(stricter, key)


def test_the_next_legal_time_lies_after_the_freeze() -> None:
    ports = builders.ports(policy=a_policy(windows=[NIGHTLY]))
    key = a_release(ports)
    a_freeze(ports, start=0, hours=15)
    found = next_legal(facts_of(ports, key), ports.policy, NOW)
    assert found == Interval(NOW + timedelta(hours=15), NOW + timedelta(hours=17))


def test_nobody_moves_the_window_of_a_deployment_under_way(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_started_deployment(ports, key)
    with pytest.raises(Refused, match="is being deployed; its window cannot be moved") as refused:
        scheduling.set_window(ports, MANAGER, key, a_window(start=5))
    assert refused.value.code == "too_late"


# Opening and closing


def test_the_window_opens_by_the_timer_and_says_what_still_blocks(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1))
    later(ports, hours=1)
    assert scheduling.open_window(ports, key, 1)
    opened = last(ports, key, Kind.WINDOW_OPENED)
    assert opened.actor == BOT
    assert "no_package" in opened.details["blocked_by"]
    assert "window_ahead" not in opened.details["blocked_by"]
    assert window(ports, key).state == "open"


def test_a_window_opens_once(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1))
    later(ports, hours=1)
    assert scheduling.open_window(ports, key, 1)
    assert not scheduling.open_window(ports, key, 1)
    assert kinds(ports, key).count(Kind.WINDOW_OPENED) == 1


def test_an_opening_that_comes_after_the_end_is_stated_as_missed(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1, hours=2))
    later(ports, hours=3)
    assert scheduling.open_window(ports, key, 1)
    assert kinds(ports, key)[-1] == Kind.WINDOW_MISSED
    assert window(ports, key).state == "missed"
    assert "window_over" in blocked_by(ports, key)


def test_a_window_that_closes_unused_is_told(ports: Ports) -> None:
    key = a_ready_release(ports)
    scheduling.open_window(ports, key, 1)
    go_to(ports, window(ports, key).ends_at)
    scheduling.close_window(ports, key, 1)
    assert kinds(ports, key)[-1] == Kind.WINDOW_CLOSED
    assert release(ports, key).state == "planned"


def test_a_window_closes_quietly_behind_a_release_that_went(ports: Ports) -> None:
    key = a_soaking_release(ports)
    later(ports, hours=2)
    scheduling.close_window(ports, key, 1)
    assert Kind.WINDOW_CLOSED not in kinds(ports, key)


def test_a_closed_window_may_be_followed_by_another(ports: Ports) -> None:
    key = a_ready_release(ports)
    later(ports, hours=2)
    scheduling.close_window(ports, key, 1)
    scheduling.set_window(ports, MANAGER, key, a_window(start=2))
    assert release(ports, key).state == "ready"
    assert blocked_by(ports, key) == set()


def test_the_window_of_a_cancelled_release_never_opens(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1))
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    later(ports, hours=1)
    assert not scheduling.open_window(ports, key, 1)


# Freezes


def test_a_freeze_beats_an_open_window(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports)
    assert gate(ports, key, "window").passes
    assert blocked_by(ports, key) == {"freeze"}


def test_a_freeze_to_come_does_not_block_now_but_is_told(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, start=1)
    assert blocked_by(ports, key) == set()
    assert gate(ports, key, "freeze_ahead").instants == (NOW + timedelta(hours=1),)


def test_a_freeze_over_the_start_of_a_window_to_come_blocks_already(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=5, hours=2))
    a_freeze(ports, start=4, hours=2)
    assert gate(ports, key, "freeze").passes_at == NOW + timedelta(hours=6)


def test_a_freeze_ends_at_its_end(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, hours=1)
    later(ports, hours=1, microseconds=-1)
    assert blocked_by(ports, key) == {"freeze"}
    later(ports, microseconds=1)
    assert blocked_by(ports, key) == set()


def test_a_freeze_of_another_org_blocks_nobody_here(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, org="uat")
    assert blocked_by(ports, key) == set()


def test_a_freeze_of_every_org_blocks_here_too(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, org="all")
    assert blocked_by(ports, key) == {"freeze"}


def test_every_freeze_over_the_moment_is_named(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports, name="Month end")
    a_freeze(ports, name="Black Friday", hours=9)
    frozen = [g for g in all_gates(ports, key) if g.code == "freeze"]
    assert ["Month end" in frozen[0].because, "Black Friday" in frozen[1].because] == [True, True]


def test_lifting_one_of_two_overlapping_freezes_leaves_frozen(ports: Ports) -> None:
    key = a_ready_release(ports)
    first, second = a_freeze(ports), a_freeze(ports, name="Black Friday")
    scheduling.lift_freeze(ports, ADMINISTRATOR, first, "closed early")
    assert f"The freeze {second} " in gate(ports, key, "freeze").because
    scheduling.lift_freeze(ports, ADMINISTRATOR, second, "over")
    assert blocked_by(ports, key) == set()


def test_a_freeze_is_lifted_with_its_reason_in_its_own_timeline(ports: Ports) -> None:
    freeze = a_freeze(ports)
    scheduling.lift_freeze(ports, ADMINISTRATOR, freeze.lower(), "closed early")
    assert kinds(ports, freeze) == [Kind.FREEZE_SET, Kind.FREEZE_LIFTED]
    assert last(ports, freeze, Kind.FREEZE_LIFTED).details["reason"] == "closed early"
    with pytest.raises(NotFound, match=r"There is no freeze “FRZ-1”\. No freeze is set"):
        scheduling.lift_freeze(ports, ADMINISTRATOR, freeze, "again")


def test_a_freeze_of_the_policy_is_lifted_in_the_policy() -> None:
    ports = builders.ports(policy=a_policy(freezes=CHRISTMAS))
    with pytest.raises(Refused, match="stands in the policy file") as refused:
        scheduling.lift_freeze(ports, ADMINISTRATOR, "christmas", "we want to")
    assert refused.value.code == "freeze_in_policy"


CHRISTMAS = {
    "christmas": {
        "name": "Christmas",
        "org": "*",
        "from": "2026-11-23 09:00",
        "to": "2026-11-24 09:00",
        "zone": "Europe/Berlin",
    }
}


def test_a_freeze_of_the_policy_blocks_and_is_waived_by_its_key() -> None:
    ports = builders.ports(policy=a_policy(freezes=CHRISTMAS))
    key = a_ready_release(ports)
    assert blocked_by(ports, key) == {"freeze"}
    scheduling.waive_freeze(ports, DIRECTOR, key, "Christmas", REASON)
    assert blocked_by(ports, key) == set()


def test_a_freeze_needs_a_reason_an_end_to_come_and_the_right(ports: Ports) -> None:
    with pytest.raises(Unclear, match="would be over already"):
        a_freeze(ports, start=-3, hours=2)
    with pytest.raises(Unclear, match="Say why"):
        scheduling.set_freeze(ports, MANAGER, org="production", name="x", during=a_window(), reason=" ")
    with pytest.raises(NotFound, match=r"There is no org “prod-eu”\. Known orgs: UAT, PRODUCTION"):
        scheduling.set_freeze(ports, MANAGER, org="prod-eu", name="x", during=a_window(), reason="the books close")
    with pytest.raises(NotAllowed, match="You may not set or lift a freeze"):
        scheduling.set_freeze(ports, DEVELOPER, org="production", name="x", during=a_window(), reason="the books close")
    with ports.store.reading() as session:
        assert scheduling.freezes_ahead(session, ports.policy, NOW) == []


def test_freezes_ahead_are_those_that_hold_now_or_later(ports: Ports) -> None:
    a_freeze(ports, start=5, name="Later")
    a_freeze(ports, start=0, hours=1, name="Now")
    with ports.store.reading() as session:
        assert [span.name for span in scheduling.freezes_ahead(session, ports.policy, NOW)] == ["Now", "Later"]
        after = NOW + timedelta(hours=1)
        assert [span.name for span in scheduling.freezes_ahead(session, ports.policy, after)] == ["Later"]


# Waivers


def test_a_waiver_opens_the_freeze_it_names_and_no_other(ports: Ports) -> None:
    key = a_ready_release(ports)
    first, second = a_freeze(ports), a_freeze(ports, name="Black Friday")
    scheduling.waive_freeze(ports, DIRECTOR, key, first, REASON)
    assert gate(ports, key, "freeze_waived").because == "The freeze FRZ-1 “Month end” is waived."
    assert f"The freeze {second} " in gate(ports, key, "freeze").because
    scheduling.waive_freeze(ports, DIRECTOR, key, second, REASON)
    assert blocked_by(ports, key) == set()


def test_a_waiver_is_for_one_release(ports: Ports) -> None:
    mine, other = a_ready_release(ports), a_ready_release(ports, name="Hotfix")
    freeze = a_freeze(ports)
    scheduling.waive_freeze(ports, DIRECTOR, mine, freeze, REASON)
    assert blocked_by(ports, other) == {"freeze"}


def test_a_waiver_is_told_with_its_reason(ports: Ports) -> None:
    key = a_ready_release(ports)
    scheduling.waive_freeze(ports, DIRECTOR, key, a_freeze(ports), REASON)
    waived = last(ports, key, Kind.FREEZE_WAIVED)
    assert (waived.actor, waived.details["reason"], waived.details["name"]) == (DIRECTOR, REASON, "Month end")


def test_a_waiver_needs_ten_characters_of_reason(ports: Ports) -> None:
    key = a_ready_release(ports)
    freeze = a_freeze(ports)
    with pytest.raises(Unclear, match="at least 10 characters"):
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, "urgent!")
    assert blocked_by(ports, key) == {"freeze"}


def test_only_those_named_may_waive(ports: Ports) -> None:
    key = a_ready_release(ports)
    freeze = a_freeze(ports)
    with pytest.raises(NotAllowed, match="You may not waive a freeze here") as refused:
        scheduling.waive_freeze(ports, MANAGER, key, freeze, REASON)
    assert refused.value.who_may == (DIRECTOR,)


def test_a_policy_that_names_nobody_says_how_to_name_somebody() -> None:
    ports = builders.ports(policy=a_policy(rights={}))
    key = a_ready_release(ports)
    freeze = a_freeze(ports)
    with pytest.raises(NotAllowed, match="Nobody may yet: an administrator names somebody"):
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, REASON)


def test_a_second_waiver_is_told_of_the_first(ports: Ports) -> None:
    key = a_ready_release(ports)
    freeze = a_freeze(ports)
    scheduling.waive_freeze(ports, DIRECTOR, key, freeze, REASON)
    with pytest.raises(Conflict, match="already waived"):
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, REASON)
    with ports.store.reading() as session:
        assert len(session.exec(select(Waiver)).all()) == 1


def test_a_freeze_of_another_org_need_not_be_waived(ports: Ports) -> None:
    key = a_ready_release(ports)
    freeze = a_freeze(ports, org="uat")
    with pytest.raises(Refused, match="does not concern REL-1") as refused:
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, REASON)
    assert refused.value.code == "freeze_elsewhere"


def test_an_unknown_freeze_is_answered_with_those_there_are(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_freeze(ports)
    with pytest.raises(NotFound, match=r"There is no freeze “FRZ-9”\. Known freezes: FRZ-1"):
        scheduling.waive_freeze(ports, DIRECTOR, key, "FRZ-9", REASON)


def test_waiving_makes_a_planned_release_ready(ports: Ports) -> None:
    key = a_ready_release(ports)
    scheduling.waive_freeze(ports, DIRECTOR, key, a_freeze(ports), REASON)
    assert release(ports, key).state == "ready"


def test_a_waiver_lasts_as_long_as_its_freeze(ports: Ports) -> None:
    key = a_ready_release(ports)
    scheduling.waive_freeze(ports, DIRECTOR, key, a_freeze(ports, hours=4), REASON)
    scheduling.waive_freeze(ports, DIRECTOR, key, a_freeze(ports, hours=24 * 30), REASON)
    with ports.store.reading() as session:
        ends = [row.expires_at - NOW for row in session.exec(select(Waiver))]
    assert ends == [timedelta(hours=4), timedelta(days=30)]


def test_what_is_over_is_neither_waived_nor_lifted(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=6))
    freeze = a_freeze(ports, hours=4)
    later(ports, hours=4)
    with pytest.raises(Refused) as waived:
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, "the books are closed already")
    with pytest.raises(Refused) as lifted:
        scheduling.lift_freeze(ports, ADMINISTRATOR, freeze, "closed early")
    assert {waived.value.code, lifted.value.code} == {"freeze_over"}
    assert kinds(ports, freeze) == [Kind.FREEZE_SET]


def test_a_release_that_is_over_needs_no_waiver(ports: Ports) -> None:
    key = a_release(ports, window=a_window())
    freeze = a_freeze(ports)
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    with pytest.raises(Refused) as refused:
        scheduling.waive_freeze(ports, DIRECTOR, key, freeze, "we go through it anyway")
    assert refused.value.code == "too_late"


def test_after_a_standstill_a_window_counts_as_missed_whichever_alarm_rings_first(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1, hours=2))
    later(ports, hours=5)
    scheduling.close_window(ports, key, 1)
    assert not scheduling.open_window(ports, key, 1)
    assert kinds(ports, key)[-1] == Kind.WINDOW_MISSED
    assert window(ports, key).state == "missed"


def test_a_window_opens_quietly_over_a_release_that_goes_already(ports: Ports) -> None:
    key = a_ready_release(ports)
    a_started_deployment(ports, key)
    assert scheduling.open_window(ports, key, 1)
    assert Kind.WINDOW_OPENED not in kinds(ports, key)
    assert window(ports, key).state == "open"


def test_the_alarms_of_a_cancelled_release_are_taken_back(ports: Ports) -> None:
    key = a_release(ports, window=a_window(start=1))
    releases.cancel_release(ports, MANAGER, key, "not needed any more")
    assert intents(ports, "window_opening") == intents(ports, "window_closing") == []
