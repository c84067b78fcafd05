"""What happened is said: each post once, in order."""

from __future__ import annotations

import pytest

from bot.chat_problems import ChannelClosed, ChatUnavailable
from bot.flows import tell
from release_core import releases
from tests.bot.flows.scenes import Scene
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
