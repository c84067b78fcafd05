"""What is told of tokens that Slack does not take."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.chat_problems import TokenRefused
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.run import start_workspace
from bot.rehearsal.workspace.serve import RunningWorkspace
from bot.slack_client import listening_client
from bot.tokens import show_tokens


@pytest.fixture
def workspace() -> Iterator[RunningWorkspace]:
    """A local workspace that knows its tokens."""
    running = start_workspace(0, MovableClock())
    yield running
    running.stop()


async def test_tokens_that_slack_takes_pass(workspace: RunningWorkspace) -> None:
    async with listening_client(workspace.bot_token, workspace.api_url) as client:
        await show_tokens(client, workspace.app_token)


async def test_every_refused_token_is_named_at_once(workspace: RunningWorkspace) -> None:
    async with listening_client("xoxb-old", workspace.api_url) as client:
        with pytest.raises(TokenRefused) as refused:
            await show_tokens(client, "xapp-old")
    assert "SLACK_BOT_TOKEN (invalid_auth)" in str(refused.value)
    assert "SLACK_APP_TOKEN (invalid_auth)" in str(refused.value)
    assert "xoxb-old" not in str(refused.value)


async def test_an_app_token_is_not_asked_for_over_http(workspace: RunningWorkspace) -> None:
    async with listening_client(workspace.bot_token, workspace.api_url) as client:
        await show_tokens(client, "")


async def test_slack_out_of_reach_is_waited_for(unused_tcp_port: int) -> None:
    async with listening_client("xoxb-any", f"http://127.0.0.1:{unused_tcp_port}/api/") as client:
        await show_tokens(client, "xapp-any")
