"""What happened is said: each post once, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from bot.chat_problems import ChannelClosed, ChatUnavailable
from bot.flows import tell
from handlers.announcements import Touched
from release_core import broadcasts, releases
from release_core.store import Contended
from tests.bot.flows.scenes import Scene, a_scene
from tests.release_core import builders
from tests.release_core.builders import MANAGER


def test_a_fact_is_posted_once_however_often_it_is_told(scene: Scene) -> None:
    key = builders.a_release(scene.ports)
    for _ in range(3):
        tell.tell({"stream": key, "number": 1})
    slots = [slot for slot, _ in scene.chat.posts]
    assert slots.count(f"headline:{key}") == 1
    assert len(slots) == len(set(slots))


def test_one_post_that_the_chat_refuses_does_not_hold_up_the_others(scene: Scene) -> None:
    key = builders.a_release(scene.ports)
    expected = len(tell.touched(key, 1))
    tell.tell({"stream": key, "number": 1})
    releases.cancel_release(scene.ports, MANAGER, key, "not needed")
    number = builders.entries(scene.ports, key)[-1].number
    before = len(scene.chat.posts)
    scene.chat.away = [ChannelClosed("#releases is archived.")]
    tell.tell({"stream": key, "number": number})
    assert expected >= 1
    assert len(scene.chat.posts) > before


def test_a_chat_that_is_away_is_waited_for(scene: Scene) -> None:
    """What leaves the step is tried again by it; the post that was tried before is looked for."""
    key = builders.a_release(scene.ports)
    scene.chat.away = [ChatUnavailable("Slack did not answer.")]
    slot = f"headline:{key}"
    with pytest.raises(ChatUnavailable):
        tell.deliver(key, slot, False)
    tell.deliver(key, slot, False)
    tell.deliver(key, slot, False)
    assert [posted for posted, _ in scene.chat.posts] == [slot]


# Many readers


def touch(*readers: str) -> list[dict[str, object]]:
    return [asdict(Touched(reader)) for reader in readers]


def names(groups: Iterable[list[dict[str, object]]]) -> list[list[object]]:
    return [[slot["slot"] for slot in group] for group in groups]


def test_posts_that_stand_under_each_other_keep_their_order() -> None:
    slots = ["headline:REL-1", "line:REL-1:1", "line:REL-1:1@UONE", "package:REL-1"]
    assert names(tell.side_by_side(touch(*slots))) == [[slot] for slot in slots]


def test_copies_for_many_readers_may_come_in_any_order() -> None:
    copies = [f"broadcast:REL-1:1@C{number:03}" for number in range(45)]
    groups = names(tell.side_by_side(touch("headline:REL-1", *copies)))
    assert [len(group) for group in groups] == [1, 20, 20, 5]
    assert [slot for group in groups for slot in group] == ["headline:REL-1", *copies]


def test_one_reader_never_gets_two_posts_in_any_order() -> None:
    copies = [f"line:REL-1:{number}@UONE" for number in range(20)]
    assert names(tell.side_by_side(touch(*copies))) == [[slot] for slot in copies]


@pytest.fixture
def many(tmp_path: Path) -> Iterator[Scene]:
    """An audience of thirty channels, a database that several threads may use."""
    channels = [f"C0READER{number:02}" for number in range(30)]
    policy = builders.a_policy(audiences={"all": {"tier": "business", "channels": channels, "every": "30m"}})
    with a_scene(builders.a_store(f"sqlite:///{tmp_path}/rollcall.sqlite"), policy=policy) as scene:
        yield scene
        scene.ports.store.close()


def send_to_all(many: Scene) -> tuple[str, int]:
    key = builders.a_release(many.ports)
    broadcasts.schedule(many.ports, MANAGER, key, audience="all", due_at=None, text="All is well.", every=None)
    broadcasts.send_due(many.ports, key, 1)
    *earlier, last = builders.entries(many.ports, key)
    for entry in earlier:
        tell.tell({"stream": key, "number": entry.number})
    many.chat.posts.clear()
    return key, last.number


def test_every_channel_of_many_is_told_once(many: Scene) -> None:
    key, number = send_to_all(many)
    for _ in range(2):
        tell.tell({"stream": key, "number": number})
    assert tuple(sorted(channel for _, channel in many.chat.posts)) == many.ports.policy.audiences["all"].channels


def test_of_many_channels_the_closed_one_is_left_out_the_slow_one_told_in_the_end(many: Scene) -> None:
    key, number = send_to_all(many)
    many.chat.away = [ChannelClosed("#one is archived."), ChatUnavailable("Slack did not answer."), Contended("Again.")]
    tell.tell({"stream": key, "number": number})
    told = [channel for _, channel in many.chat.posts]
    assert len(set(told)) == len(told) == 29


def test_edits_that_only_show_how_far_a_job_is_leave_room_for_all_others(scene: Scene) -> None:
    key = builders.a_release(scene.ports)
    builders.a_package(scene.ports, key)
    builders.a_passed_validation(scene.ports, key)
    attempt = builders.newest(scene.ports, key, "validation")
    waits = [tell.edit_in(attempt.key) for _ in range(12)]
    assert waits == [0.0] * 10 + [tell.NO_ROOM] * 2
    before = len(scene.chat.posts)
    tell.tell({"stream": key, "redraw": f"deployment:{attempt.key}", "edit": 1})
    assert len(scene.chat.posts) == before


def test_an_edit_that_was_planned_before_the_end_changes_nothing_after_it(scene: Scene) -> None:
    key = builders.a_release(scene.ports)
    builders.a_package(scene.ports, key)
    builders.a_passed_validation(scene.ports, key)
    for entry in builders.entries(scene.ports, key):
        tell.tell({"stream": key, "number": entry.number})
    before = len(scene.chat.posts)
    attempt = builders.newest(scene.ports, key, "validation").key
    tell.tell({"stream": key, "redraw": f"deployment:{attempt}", "edit": 7})
    assert len(scene.chat.posts) == before, "the end stands there already"
