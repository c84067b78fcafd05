"""The bot as a process: what it refuses to start with, what it leaves behind then."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.chat_problems import TokenRefused
from bot.rehearsal.org.serve import start as start_org
from bot.rehearsal.run import Stage, stage
from bot.serving import run_bot
from bot.wiring import Orgs, build_bot, listen
from release_core.errors import OrgRefused, Refused
from release_core.policy import OrgRule, Policy
from tests.release_core import builders
from tests.release_core.builders import a_policy, a_store


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Stage]:
    """A workspace with two orgs, without a bot."""
    with stage(tmp_path, pace=0.1) as scene:
        yield scene


def test_a_token_that_slack_does_not_take_ends_it_before_anything_starts(scene: Stage) -> None:
    """What is due would otherwise be said to nobody, then be forgotten."""
    settings = dataclasses.replace(scene.settings(), slack_bot_token=SecretStr("xoxb-somebody-elses"))
    with pytest.raises(TokenRefused, match="SLACK_BOT_TOKEN"):
        run_bot(settings, scene.clock, over_http=True)
    assert not settings.folder.exists()


def test_a_port_that_is_taken_is_told_as_a_sentence(scene: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = dataclasses.replace(scene.settings(), http_port=taken.getsockname()[1])
        with pytest.raises(OSError, match=r"cannot listen on .* Set ROLLCALL_HTTP_PORT"):
            run_bot(settings, scene.clock, over_http=True)


def test_an_org_that_left_the_policy_is_refused_with_a_way_out(scene: Stage) -> None:
    """A deployment may be under way there: its flow waits until the org is back."""
    with pytest.raises(OrgRefused, match='names no org "old-production" any more') as refused:
        Orgs(a_policy(), scene.clock, {})("old-production")
    assert refused.value.code == "not_in_policy"


def test_it_does_not_start_without_an_org_in_which_something_is_under_way(scene: Stage) -> None:
    settings = dataclasses.replace(scene.settings(), policy=a_policy())
    settings.folder.mkdir()
    store = a_store(settings.database_url)
    ports = builders.ports(store=store)
    key = builders.a_ready_release(ports)
    builders.a_started_deployment(ports, key)
    orgs = {"uat": settings.policy.orgs["uat"]}
    with pytest.raises(Refused, match="DEP-2 in production") as refused:
        build_bot(dataclasses.replace(settings, policy=settings.policy.model_copy(update={"orgs": orgs})), scene.clock)
    assert refused.value.code == "org_left_policy"


async def test_asked_to_end_while_slack_is_away_it_ends(scene: Stage) -> None:
    """Opening a connection goes on until there is one; a supervisor does not wait for that."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}/api/"
    bot = build_bot(dataclasses.replace(scene.settings(), slack_api_url=away), scene.clock, environ=scene.environ)
    until = asyncio.Event()
    asyncio.get_running_loop().call_later(1.0, until.set)
    ready: list[str] = []
    await asyncio.wait_for(listen(bot, over_http=False, until=until, on_ready=ready.append), 10)
    assert ready == []
    bot.store.close()


def test_an_org_of_the_wrong_kind_is_refused_at_start_before_anything_runs(scene: Stage) -> None:
    """Found at the first use it would be found in the middle of a release."""
    orgs = scene.settings().policy.orgs
    swapped = {**orgs, "production": orgs["production"].model_copy(update={"kind": "sandbox"})}
    with pytest.raises(OrgRefused, match=r"does not start\. The policy calls .* a sandbox org") as refused:
        Orgs(a_policy_with(scene, swapped), scene.clock, scene.environ).look_at_all()
    assert refused.value.code == "wrong_kind"


def test_an_org_that_is_away_at_start_is_told_and_looked_at_again_when_used(scene: Stage) -> None:
    port = scene.production.port
    scene.production.stop()
    orgs = Orgs(scene.settings().policy, scene.clock, scene.environ)
    orgs.look_at_all(within=15)
    assert "no connection could be made" in orgs.problems()["production"]
    assert list(orgs.problems()) == ["production"]
    back = start_org("production", port, clock=scene.clock, pace=0)
    try:
        assert not orgs("production").identity().is_sandbox
        assert orgs.problems() == {}
        assert set(orgs.usage()) == {"production", "uat"}
    finally:
        back.stop()


def a_policy_with(scene: Stage, orgs: Mapping[str, OrgRule]) -> Policy:
    return scene.settings().policy.model_copy(update={"orgs": orgs})
