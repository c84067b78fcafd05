"""The org goes away for an hour in mid-deployment; people are told, then it goes on by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.run import bot_on, stage
from bot.rehearsal.story import Story
from tests.stories.test_kill_on_the_way_back import agree

PATIENT_FOR = 120.0  # seconds


@pytest.mark.parametrize("stopping", [False, True], ids=["going on", "being stopped"])
def test_an_org_that_is_away_for_an_hour_is_waited_for(tmp_path: Path, stopping: bool) -> None:
    with stage(tmp_path, pace=0.1) as scene, bot_on(scene), Rehearsal(scene.workspace.url) as people:
        people.patience = PATIENT_FOR
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        agree(story)
        org = scene.production.org
        org.settings.pace = 20.0  # it is still under way when the org goes away
        card = story.anna.in_thread("the window is open", story.head, showing="Deploy to PRODUCTION")
        story.anna.clicks("Deploy to PRODUCTION", card)
        story.waits(lambda: any(not job.options.check_only for job in org.jobs), "the job in the org")
        org.faults.ask_for("bad_gateway", None, "any")
        story.anna.in_thread("PRODUCTION does not answer", story.head)
        if stopping:
            story.anna.types(f"/release stop {story.key}")
        for _ in range(6):
            story.pass_time(timedelta(minutes=10))
            for asked in ("status", "why"):
                assert "PRODUCTION has not answered since" in story.asks(f"/release {asked} {story.key}")
        org.faults.ask_for("bad_gateway", 0)
        story.anna.in_thread("PRODUCTION answers again (it had not since", story.head)
        # An hour was more than the job needed, so nobody was there in time to stop it.
        story.anna.in_thread("is live in PRODUCTION", story.head)
        told = [message["plain"] for message in story.anna.everything_in("#releases", str(story.head["ts"]))]
        assert sum("PRODUCTION does not answer" in words for words in told) == 1
        assert sum("PRODUCTION answers again" in words for words in told) == 1
        assert sum(not job.options.check_only for job in org.jobs) == 1
        assert "has not answered" not in story.asks(f"/release status {story.key}")
