"""The morning after somebody left, a group emptied, a channel closed: each release concerned says so, once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from bot.rehearsal.driver import Rehearsal
from bot.rehearsal.run import bot_on, stage
from bot.rehearsal.story import Story, plan
from bot.wiring import Bot
from release_core.models import Intent


def names_known(bot: Bot) -> dict[str, str]:
    """How channels were called at the last look."""
    with bot.store.reading() as session:
        planned = session.exec(select(Intent).where(Intent.flow == "self_check", Intent.state == "due")).first()
    return dict(planned.args["names"]) if planned else {}


def test_what_left_in_the_night_is_told_in_the_morning_and_only_once(tmp_path: Path) -> None:
    with stage(tmp_path, pace=0.1) as scene, bot_on(scene) as bot, Rehearsal(scene.workspace.url) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        plan(story)
        story.pass_time(timedelta(days=1))
        story.waits(lambda: bool(names_known(bot)), "the first morning's look")
        for wish in ({"deactivate": "lena"}, {"archive": "#stakeholders"}):
            people.act("workspace", **wish)
        people.act("workspace", rename={"channel": "#incidents", "name": "trouble"})
        bot.directory.refresh()
        story.pass_time(timedelta(days=1))
        told = story.anna.in_thread("please look:", story.head)["plain"]
        for words in (
            "@Anna Keller, please look:",
            "is deactivated and cannot answer for Business.",
            f"Hand it over: `/release assign {story.key} 5 @person`",
            "is archived. Take it out of the archive, or name another one under `audiences:",
            "#incidents is called #trouble now.",
        ):
            assert words in told
        people.act("workspace", deactivate="tomas")
        bot.directory.refresh()
        story.pass_time(timedelta(days=1))
        again = story.anna.in_thread("cannot answer for QA", story.head)["plain"]
        assert "Business" not in again
        assert "archived" not in again


def test_a_closed_channel_of_releases_is_told_directly(tmp_path: Path) -> None:
    with stage(tmp_path, pace=0.1) as scene, bot_on(scene), Rehearsal(scene.workspace.url) as people:
        story = Story(people, scene.production.instance_url, scene.uat.instance_url, lambda _: None)
        plan(story)
        people.act("workspace", archive="#releases")
        story.pass_time(timedelta(days=1))
        told = story.anna.sees("please look:", "@rollcall")["plain"]
        assert "is archived. Take it out of the archive, or name another one under `channels: releases`" in told
