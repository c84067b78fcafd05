"""What all tests share: whatever the workspace takes or sends is also held against Slack's own types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.rehearsal.workspace.checks import second_opinions, witnesses
from tests.slack_schemas import misshapen, refusals

_disputed: list[str] = []


def _opinion(kind: str, payload: Any) -> list[str]:
    found = refusals(kind, payload)
    _disputed.extend(f"{kind} {line}" for line in found)
    return found


def _look(kind: str, payload: Any) -> None:
    _disputed.extend(misshapen(kind, payload))


second_opinions.append(_opinion)
witnesses.append(_look)


@pytest.fixture(autouse=True)
def whatever_the_workspace_takes_or_sends_has_slacks_types() -> Iterator[None]:
    """Fails a test in which the workspace took, or sent the bot, something that Slack's types do not admit."""
    _disputed.clear()
    yield
    assert not _disputed, "\n".join(dict.fromkeys(_disputed))
