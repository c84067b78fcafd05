"""Two people at the same moment, one person twice, somebody after a restart: one decision, everybody answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from bot.rehearsal.driver import Json, Rehearsal
from bot.rehearsal.run import Stage, bot_on, stage
from bot.rehearsal.story import Story, attach, plan

QUIET = 0.1


def together(*acts: Callable[[], Json]) -> list[Json]:
    """Everybody acts at the same moment; what came of each."""
    start = Barrier(len(acts))

    def act(one: Callable[[], Json]) -> Json:
        start.wait(10)
        return one()

    with ThreadPoolExecutor(len(acts)) as people:
        return list(people.map(act, acts))


def told(story: Story, outcomes: Sequence[Json]) -> list[str]:
    """What each was told privately."""
    return [story.private(outcome) for outcome in outcomes]


def a_story(scene: Stage, people: Rehearsal) -> Story:
    return Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)


def test_of_two_clicks_at_once_one_counts_and_the_other_hears_of_it(tmp_path: Path) -> None:
    with stage(tmp_path, pace=QUIET) as scene, bot_on(scene), Rehearsal(scene.workspace.url) as people:
        story = a_story(scene, people)
        plan(story)
        card = story.anna.in_thread("UAT signed off", story.head)
        said = told(story, together(*(lambda who=who: who.clicks("Tick 4", card) for who in (story.tomas, story.anna))))
        done = [words for words in said if "item 4 “UAT signed off” is done" in words]
        late = [words for words in said if "is already done. It was @" in words]
        assert (len(done), len(late)) == (1, 1), said
        winner = "Tomás" if done[0] == said[0] else "Anna"
        assert f"It was @{winner}" in late[0]
        card = story.anna.in_thread("4 UAT signed off", story.head, showing=f"@{winner}")
        assert story.asks(f"/release timeline {story.key}").count("ticked item 4") == 1


def test_every_copy_of_a_request_is_decided_by_one_click_even_after_a_restart(tmp_path: Path) -> None:
    with stage(tmp_path, pace=QUIET) as scene, Rehearsal(scene.workspace.url) as people:
        story = a_story(scene, people)
        with bot_on(scene):
            plan(story)
            attach(story)
            story.anna.types(f"/release ask {story.key}")
            in_thread = story.anna.in_thread("QA is asked to approve", story.head, showing="Approve")
            direct = story.tomas.sees("QA is asked to approve", "@rollcall", showing="Approve")
        with bot_on(scene):
            both = (lambda: story.tomas.clicks("Approve", direct), lambda: story.tomas.clicks("Approve", in_thread))
            # Both were his own, so each outcome may show him what the other one was answered.
            said = [message["plain"] for outcome in together(*both) for message in outcome["messages"]]
            assert any("Your yes for QA" in words for words in said)
            assert any("already approved this. It was @Tomás Silva" in words for words in said)
            for card in (story.tomas.sees("QA: approved by", "@rollcall"), in_the_thread(story)):
                assert "approved by @Tomás Silva" in card["plain"]
                assert "[Approve]" not in card["plain"]
                assert "[Decline…]" not in card["plain"]
            assert story.asks(f"/release timeline {story.key}").count("approved for QA") == 1


def in_the_thread(story: Story) -> Json:
    """The request to QA in the thread of the release."""
    return story.anna.in_thread("QA: approved by", story.head)
